/*
 * face_typing.h: what is typed at the terminal, from ncurses's bytes and codes to events: keys, characters, focus, and pastes, also where their marks come
 * slowly, in parts or never. Part of face_ncurses.c's work. Includes ncurses.h, whose macros take many names. Never waits; one thread.
 */
#ifndef CLIENT_FULL_FACE_TYPING_H
#define CLIENT_FULL_FACE_TYPING_H

#include <wchar.h>

#include "base/buffer.h"
#include "client/full/face.h"
#include "client/full/face_keys.h"

enum { FACE_PASTE_MARK_LEN = 6, FACE_READ_AHEAD_MAX = 2 * FACE_PASTE_MARK_LEN };

/* A character (kind OK), the code of a key (KEY_CODE_YES), or nothing (ERR). */
struct face_typed {
	int kind;
	wint_t code;
};

struct face_typing {
	WINDOW *window;  /* read from; without delay, with keypad() */
	char partial[4]; /* of a character whose last bytes have not come */
	size_t partial_len;
	struct face_typed ahead[FACE_READ_AHEAD_MAX]; /* what was read too early, and comes next */
	size_t ahead_count;
	size_t marked; /* bytes of a paste's mark that came last, and were taken for keys */
	struct buffer paste;
	size_t shown_paste; /* of it, in the last event */
	bool is_pasting;    /* until the end is marked: what comes meanwhile is no key */
	bool is_cut;
	bool was_cr;
	bool has_more; /* there may be more to read at once */
	uint64_t pasted_ms;
};

/* The window stays the caller's, and lives as long. */
void face_typing_init(struct face_typing *f, WINDOW *window);
/* Wipes what was pasted. */
void face_typing_clear(struct face_typing *f);

/* As next() and deadline_ms() of a face. */
bool face_typing_next(struct face_typing *f, uint64_t now_ms, struct face_event *event_r);
uint64_t face_typing_deadline_ms(const struct face_typing *f);

#endif
