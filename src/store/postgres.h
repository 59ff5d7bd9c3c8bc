/* postgres.h: the inside of the store in PostgreSQL: what postgres.c, postgres_calls.c and postgres_files.c share. Not for other rooms. */
#ifndef STORE_POSTGRES_H
#define STORE_POSTGRES_H

#include <libpq-fe.h>

#include "store/engine.h"

/* Beyond those of store.h: not for callers. */
enum postgres_call {
	POSTGRES_STEP = STORE_SESSION_LIST + 1, /* nothing but done(), on the store's thread */
	POSTGRES_UPLOAD_BEGIN,                  /* in: node, epoch; out: id */
	POSTGRES_UPLOAD_DROP,                   /* in: id */
	POSTGRES_PIECE_ADD,                     /* in: id, ticket: its number, bytes */
	POSTGRES_PIECE_GET, /* in: id, ticket; out: the bytes are appended to *removed */
	POSTGRES_FILE_FINISH, /* in: id, name, file, size_bytes, created_ms, digest, max_files, max_bytes */
	POSTGRES_FILE_OPEN, /* in: name, file; out: id, size_bytes; the digest is appended to *removed */
	POSTGRES_SWEEP, /* uploads that were cut off with their node */
	POSTGRES_CALL_COUNT,
};

/* ---- postgres_calls.c: what each call is in SQL ---- */

/* Sends the statements of all calls to be prepared, and a sync. false: the connection is no good. */
bool postgres_calls_prepare(PGconn *db);

/* Sends one request and a sync. false: the connection is no good, or there is no memory. */
bool postgres_call_send(PGconn *db, struct store_request *request);

/* Takes one result of a request that was sent. */
void postgres_call_take(struct store_request *request, const PGresult *result);

/* After the sync: what came of it. */
enum store_status postgres_call_status(const struct store_request *request);

/* May it be sent once more on another connection? Has it many rows, which should come one by one? */
bool postgres_call_is_repeatable(const struct store_request *request);
bool postgres_call_is_long(const struct store_request *request);

/* ---- postgres.c ---- */

/* The node that this store serves, and its epoch; "" and 0 before STORE_NODE_JOIN. On the store's thread. */
void postgres_node(struct store *store, char node_r[static STORE_NODE_SIZE], int64_t *epoch_r);

/* ---- postgres_files.c: files.h with pieces in the database ---- */

enum { POSTGRES_PIECE_BYTES = 256 << 10 };

void postgres_file_begin(struct file *file);
void postgres_file_append(struct file *file, struct slice bytes);
void postgres_file_finish(struct file *file, struct slice bytes);
void postgres_file_read(struct file *file, char *to, size_t cap);
void postgres_file_discard(struct file *file);

#endif
