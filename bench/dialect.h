/*
 * dialect.h: how a user of one kind of server speaks. One file each, dialect_*.c; the rest of the load generator knows
 * only this face.
 *
 * A user has a number; its name is made of it. A text is bytes without spaces or control bytes.
 */
#ifndef BENCH_DIALECT_H
#define BENCH_DIALECT_H

#include "base/slice.h"
#include "engine.h"

enum { PEER_TOKEN_SIZE = 64 };

/* A user with its connection, as the dialects see it; see crowd.h. */
struct peer {
	struct link link; /* first, so that a link is a peer */
	struct crowd *crowd;
	uint32_t number;
	int state; /* enum peer_state; the crowd's */
	bool has_account;
	char token[PEER_TOKEN_SIZE];
	size_t token_len;
};

enum event_kind {
	EVENT_NONE,    /* of no interest, or already answered */
	EVENT_DONE,    /* what enter() or join() asked for has been done */
	EVENT_TEXT,    /* somebody's text has come */
	EVENT_REFUSED, /* the server will have none of it; text says why */
};

struct event {
	enum event_kind kind;
	struct slice text;
};

struct dialect {
	const char *name;
	bool greets; /* the server says a line in the clear before TLS */

	/* Logs in, or signs up if the peer has no account and the server knows such a thing; EVENT_DONE follows. */
	void (*enter)(struct peer *p);

	/* Becomes a member of the one group; EVENT_DONE follows. NULL: everybody is one. */
	void (*join)(struct peer *p);

	/* To the user of that number; to the members of the group but oneself. */
	void (*say)(struct peer *p, uint32_t to, struct slice text);
	void (*say_to_group)(struct peer *p, struct slice text);

	/*
	 * Takes the first thing that the server said off the front of in; answers it where the dialect demands that.
	 * Returns how many bytes that was (event_r is set), 0: there is not all of it yet.
	 */
	size_t (*hear)(struct peer *p, struct slice in, struct event *event_r);
};

extern const struct dialect dialect_ours, dialect_floor, dialect_irc, dialect_mqtt, dialect_nats;

/* NULL: there is none of that name. */
const struct dialect *dialect_named(const char *name);

/* printf, sent as one record. At most DIALECT_SAID_MAX_LEN bytes; longer is a mistake of the caller and ends the program. */
enum { DIALECT_SAID_MAX_LEN = 16384 };
void peer_printf(struct peer *p, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The line at the front of in, without its CRLF, and the bytes that it takes with it; false: none has ended yet. */
bool dialect_line(struct slice in, struct slice *line_r, size_t *taken_r);

/* The word at the front of rest, up to a space or the end; it is taken off, with the space. */
struct slice dialect_word(struct slice *rest);

#endif
