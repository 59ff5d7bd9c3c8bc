/*
 * query.h: queries <-> bytes, in both directions (protocol.md, 2). Which queries there are and what fields they have
 * stands in one table in query.c. Pure: no I/O, no allocation, no clock, no globals. Any thread.
 *
 *	VERB field field … <CRLF>
 */
#ifndef PROTOCOL_QUERY_H
#define PROTOCOL_QUERY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

enum {
	QUERY_TAKEN_MAX_LEN = 16384, /* of a query that we take, with its CRLF */
	QUERY_SENT_MAX_LEN = 4096,   /* of a query that we send, with its CRLF */
	RECORD_MAX_LEN = 16384,      /* plaintext of one TLS record */
};

/* Who says it. */
enum query_side { QUERY_FROM_CLIENT, QUERY_FROM_SERVER };

enum query_verb {
	QUERY_AUTH,   /* client: user, text = password */
	QUERY_PUT,    /* client: user, text = password */
	QUERY_MSG,    /* client: target, user, text, token */
	QUERY_MSGG,   /* client: user, text, token */
	QUERY_CMD,    /* client: text = command, token; server: text */
	QUERY_BEGINF, /* client: text = file name, target, token; server: text = file name */
	QUERY_ENDF,   /* client: token; server: nothing */
	QUERY_END,    /* client: text, token; server: text */
	QUERY_ACCEPT, /* server: user, token */
	QUERY_TRY,    /* server: text */
	QUERY_RELAY,  /* server: target, user, text */
	QUERY_RELAYG, /* server: user, text */
	QUERY_CNT,    /* server: text */
	QUERY_CHECK,  /* server: nothing */
	QUERY_BEGIN,  /* server: text = number of files */
	QUERY_VERB_COUNT
};

/* The fields that a query does not have are empty. All point into the bytes it was read from. */
struct query {
	enum query_verb verb;
	struct slice target;
	struct slice user;
	/* The one field that may hold spaces: text, password, file name, words. */
	struct slice text;
	struct slice token;
};

/*
 * Finds the query at the front of a stream of len bytes.
 *   query_r	on 1: the query without its CRLF
 *   taken_r	on 1: how many bytes to take off the stream, CRLF included
 * Returns 1: a query. 0: need more bytes. <0: longer than QUERY_TAKEN_MAX_LEN; the stream can't be resumed.
 */
int query_next(struct slice stream, struct slice *query_r, size_t *taken_r);

/*
 * Reads one query (without its CRLF) that the given side said. Returns false if it is malformed: an unknown verb, a field
 * too few or too many, an empty field that may not be. Field contents (names, token) are not judged.
 */
bool query_parse(struct slice line, enum query_side from, struct query *q_r);

/*
 * Writes a query of the given side into out, with the space and the CRLF at its end. Returns its length; 0: it would be
 * longer than QUERY_SENT_MAX_LEN or that side has no such query.
 */
size_t query_write(
    const struct query *q, enum query_side from, char out[static QUERY_SENT_MAX_LEN]);

#endif
