/*
 * outgoing.h: what waits to be sent, and what was sent and may yet be refused. Part of session.c's model, apart because it
 * knows no state of the connection. Pure but for memory; one thread.
 */
#ifndef CLIENT_OUTGOING_H
#define CLIENT_OUTGOING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/slice.h"
#include "protocol/query.h"

/* One thing to send. A text may take several queries. */
struct outgoing {
	struct list node;
	enum query_verb verb; /* MSG, MSGG, CMD, BEGINF, END */
	size_t done;          /* bytes of the text that are sent */
	size_t pieces;        /* queries they took */
	uint64_t sent_ms;     /* when the last of them was sent */
	bool is_settled;      /* long enough ago that its answer, if any, must have come */
	size_t target_len;
	size_t text_len;
	char bytes[]; /* target, text */
};

/* Copies target and text. NULL: no memory. Free with free(). */
struct outgoing *outgoing_new(enum query_verb verb, struct slice target, struct slice text);

static inline struct slice outgoing_target(const struct outgoing *o)
{
	return slice_of(o->bytes, o->target_len);
}

static inline struct slice outgoing_text(const struct outgoing *o)
{
	return slice_of(o->bytes + o->target_len, o->text_len);
}

/*
 * Writes the next query of o.
 *   user, token  the session's
 *   lf           the server is an original one: each text ends in LF, and is cut so that it still fits when all of it
 *                that is not printable ASCII is escaped
 * Returns its length; o->done and o->pieces go on. The query was the last when o->done is o->text_len.
 */
size_t outgoing_write(struct outgoing *o, struct slice user, struct slice token, bool lf,
    char out[static QUERY_SENT_MAX_LEN]);

#endif
