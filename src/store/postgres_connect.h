/* postgres_connect.h: how a connection to PostgreSQL comes to be. For postgres.c. */
#ifndef STORE_POSTGRES_CONNECT_H
#define STORE_POSTGRES_CONNECT_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * Is this a url that libpq takes for what its writer meant? false with a sentence in why, which has nothing of the url: libpq's own words
 * may show a piece of a password, where one that holds a sign of the url's syntax is taken for a host, a port or a database.
 */
bool postgres_connect_check(const char *url, char *why, size_t why_size);

/* Connects, with the caller waiting. NULL with a sentence in why. The caller's to finish. */
PGconn *postgres_connect(const char *url, char *why, size_t why_size);

/*
 * The same on a thread of its own, since it may take its time: nothing tells libpq to look up a host's name without blocking. `wake_fd`, an eventfd, is
 * written to when it is over. The url is copied. NULL: no memory, or no thread.
 */
struct postgres_attempt;
struct postgres_attempt *postgres_attempt_begin(const char *url, int wake_fd);
bool postgres_attempt_is_over(struct postgres_attempt *attempt);

/* What came of it: a connection, perhaps a bad one (PQerrorMessage() says why), perhaps none; the caller's to finish. The attempt is gone. */
PGconn *postgres_attempt_end(struct postgres_attempt **attempt);

/* Nobody wants it any more; returns at once, whatever the thread waits for. Accepts one that is NULL. */
void postgres_attempt_abandon(struct postgres_attempt **attempt);

#endif
