/*
 * receipts.h: files that went out whole, and wait until the receiver's system has acknowledged their last byte and their ENDF: then they are
 * removed (protocol.md, 5). What was not acknowledged stays and is sent another time: better twice than lost. Private to chat/; all on
 * the session's worker.
 */
#ifndef CHAT_RECEIPTS_H
#define CHAT_RECEIPTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct session;

enum { RECEIPTS_FIRST_WAIT_MS = 10, RECEIPTS_LONGEST_WAIT_MS = 1000 };

/* One file. */
struct receipt {
	int64_t id;
	uint64_t
	    flushed_bytes; /* of the connection, when its ENDF was out; UINT64_MAX: it may not be */
};

/* All zero: none. In the order in which they went out. */
struct receipts {
	struct receipt *all;
	size_t first, end, cap; /* those from first up to end are open */
	uint64_t due_ms, wait_ms;
};

/* The file's ENDF has just been sent. Without memory it will not be removed, so it comes again. */
void receipts_add(struct session *s, int64_t id);

/* Removes what has been acknowledged by now, also of a connection that has just been lost. */
void receipts_check(struct session *s);

/* The file went out on this connection and is still open. */
bool receipts_has(const struct session *s, int64_t id);

/* When to check again; UINT64_MAX: nothing is open. */
uint64_t receipts_due_ms(const struct session *s);
void receipts_due(struct session *s);

void receipts_clear(struct session *s);

#endif
