/* postgres_server.h: a PostgreSQL of the test's own, on a Unix socket in a folder that is gone with the process. Failures end the test. */
#ifndef UNIT_STORE_POSTGRES_SERVER_H
#define UNIT_STORE_POSTGRES_SERVER_H

#include <stdbool.h>
#include <stddef.h>

/* Are its programs here? */
bool postgres_is_here(void);

/* Starts it, unless it runs. */
void postgres_start(void);
void postgres_stop(void);

/* Writes the url of a database of that name, which is made if it is missing. */
void postgres_url(const char *database, char *url, size_t size);

#endif
