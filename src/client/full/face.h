/*
 * face.h: the terminal as the full screen sees it: cells go out, keys come in. Thin, so that a test puts another in its place; the real
 * one is face_ncurses.c. Nothing here waits: what a slow terminal does not take is kept, and the next picture waits for it. One thread.
 */
#ifndef CLIENT_FULL_FACE_H
#define CLIENT_FULL_FACE_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "client/full/cells.h"
#include "client/full/key.h"

enum face_event_kind {
	FACE_KEY,   /* key */
	FACE_PASTE, /* text: what was pasted, as it came; a paste that pauses comes in several */
	FACE_FOCUS, /* the terminal is looked at */
	FACE_BLUR,  /* it is not */
};

struct face_event {
	enum face_event_kind kind;
	struct key key;
	struct slice text; /* valid until the next call */
	bool is_cut;       /* more was pasted than is taken */
};

struct face {
	unsigned colors; /* 0: none may be used; 8 or 256 */

	/* The terminal's size now; it is asked anew. */
	void (*size)(struct face *f, unsigned *columns_r, unsigned *rows_r);
	/* Shows the cells, or keeps for later what is different. redraw: takes nothing for granted of what the terminal shows. */
	void (*show)(struct face *f, const struct cells *cells, bool redraw);
	/* True while a picture is still on its way; a new one should wait. */
	bool (*is_behind)(const struct face *f);

	/* The next thing that was typed. false: there is none now. */
	bool (*next)(struct face *f, uint64_t now_ms, struct face_event *event_r);
	/* By when next() must be called even if nothing comes; UINT64_MAX: never. */
	uint64_t (*deadline_ms)(const struct face *f);

	/* Rings, and tells the desktop (OSC 9). The text must be sanitized; NULL: no telling. */
	void (*ring)(struct face *f, bool bell, const char *text);

	/* Gives the terminal back as it was found, and takes it again. */
	void (*leave)(struct face *f);
	void (*enter)(struct face *f);

	/* For the loop: both descriptors, and what has come of them. false: the terminal is gone. */
	void (*polls)(const struct face *f, struct pollfd polls_r[static 2]);
	bool (*step)(struct face *f, const struct pollfd polls[static 2]);

	void (*free)(struct face *f);
};

/*
 * The real one: standard input and output. It takes the terminal over; signals_init() has to come after it, since ncurses puts handlers of
 * its own. NULL: TERM is none that can show a full screen.
 */
struct face *face_ncurses_new(bool no_color);

#endif
