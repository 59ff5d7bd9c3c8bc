/*
 * directory.h: who is online, and where. The one thing that all workers share while people talk, so its locks are held for
 * a look-up and no longer. Any thread.
 */
#ifndef CHAT_DIRECTORY_H
#define CHAT_DIRECTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/slice.h"
#include "base/table.h"
#include "net/net.h"
#include "protocol/name.h"

struct directory;

/* A user who is online: part of the session, which takes it out before it ends. */
struct directory_entry {
	struct table_node node;
	struct list online; /* in log-in order */
	struct conn_id conn;
	struct address address;
	int64_t since_ms; /* wall clock */
	uint8_t name_len;
	char name[NAME_MAX_LEN + 1];
};

struct directory *directory_new(void); /* NULL: no memory */
void directory_free(struct directory *d);

/* Adds a user. false: a user of that name is online already (or there is no memory: then nobody can be added). */
bool directory_add(struct directory *d, struct directory_entry *entry);

/* Takes out a user that is in. */
void directory_remove(struct directory *d, struct directory_entry *entry);

/* Where that user is. false: not online. */
bool directory_find(struct directory *d, struct slice name, struct conn_id *conn_r);

/*
 * Calls each() for at most max users, the longest online first. A lock is held meanwhile: each() copies what it wants, and calls
 * nothing of the directory.
 */
void directory_each(struct directory *d, size_t max,
    void (*each)(const struct directory_entry *entry, void *arg), void *arg);

size_t directory_count(struct directory *d);

#endif
