/*
 * window.h: the texts that were sent a short while ago, and the CNTs that came. A CNT does not say which text it means, but
 * answers come in order and each refused text has one. So: if all texts in the window were refused, those are the ones; if
 * fewer were, the case stays open until no more can come, and is doubtful then. Pure but for free(); one thread.
 */
#ifndef CLIENT_WINDOW_H
#define CLIENT_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "client/outgoing.h"

enum {
	WINDOW_MAX_TEXTS = 256,
	WINDOW_MAX_BYTES = 256 * 1024,
	WINDOW_SETTLE_MS = 2000, /* and three round trips: an answer to a text takes no longer */
	WINDOW_LOOK_MS =
	    500, /* between looks at a text that the server's system has not acknowledged */
};

struct window {
	struct list texts; /* struct outgoing, the oldest first; all but the newest are unsettled */
	size_t count;
	size_t bytes;
	size_t pieces;       /* queries that can have a CNT */
	bool overflowed;     /* unsettled texts had no room */
	size_t refused;      /* CNTs that no text is found for yet */
	uint64_t refused_ms; /* when the first of them came */
	bool acknowledged;
	unsigned round_trip_ms;
	uint64_t look_ms; /* when texts may have settled; UINT64_MAX: none is unsettled */
};

void window_init(struct window *w);
/* Frees all texts and forgets the CNTs. */
void window_clear(struct window *w);

/* A text is sent, for good. Takes it over. */
void window_add(struct window *w, struct outgoing *o, uint64_t now_ms);

/* A CNT has come. */
void window_refused(struct window *w, uint64_t now_ms);

/* Time has passed; acknowledged and round_trip_ms as in session_tick(). */
void window_tick(struct window *w, uint64_t now_ms, bool acknowledged, unsigned round_trip_ms);
/* When window_tick() is due, and when CNTs that do not make a clear case are to be given up on. UINT64_MAX: never. */
uint64_t window_look_ms(const struct window *w);
uint64_t window_give_up_ms(const struct window *w);

enum window_case {
	WINDOW_OPEN,    /* nothing was refused, or it is not clear yet; nothing has changed */
	WINDOW_CLEAR,   /* the texts were all refused */
	WINDOW_UNCLEAR, /* count_r of the texts were refused */
	WINDOW_UNKNOWN, /* count_r texts were refused, which are not known any more */
};

/*
 * Decides the case, if it can be decided.
 *   can_come   a part of a text is still to be sent, so its CNT can't have come
 *   is_final   no more CNT can come
 *   texts_r    an empty list; the window's texts move there (but for WINDOW_OPEN), and belong to the caller
 */
enum window_case window_resolve(
    struct window *w, bool can_come, bool is_final, size_t *count_r, struct list *texts_r);

/* The connection is lost: the texts that may not have arrived move to texts_r, an empty list, and belong to the caller. */
void window_lost(struct window *w, struct list *texts_r);

#endif
