/*
 * edit.h: the line that a person types: bytes from the terminal in, a line out. Keys are those of a terminal's own line editing:
 * Backspace, C-w (word), C-u (line), C-r or C-l (show again), C-d on an empty line (end of input), Enter. Keys that send an escape
 * sequence are passed over. Pure; one thread.
 */
#ifndef CLIENT_EDIT_H
#define CLIENT_EDIT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

enum { EDIT_MAX_LEN = 16 * 1024 };

enum edit_result {
	EDIT_NOTHING,
	EDIT_MORE,    /* the line has grown at its end */
	EDIT_CHANGED, /* it has changed otherwise */
	EDIT_AGAIN,   /* it is to be shown afresh */
	EDIT_LINE,    /* it is complete: take edit_line(), then edit_clear() */
	EDIT_END,     /* end of input, on an empty line */
};

struct edit {
	enum { EDIT_TEXT, EDIT_ESCAPE, EDIT_SEQUENCE, EDIT_SHIFT } state;
	size_t len;
	char bytes[EDIT_MAX_LEN];
};

/* Takes one byte that was typed. A full line is complete without Enter. */
enum edit_result edit_byte(struct edit *e, char byte);

/* Empties the line and wipes it. */
void edit_clear(struct edit *e);

/* The line so far; valid until the next call. */
static inline struct slice edit_line(const struct edit *e)
{
	return slice_of(e->bytes, e->len);
}

/* As edit_line(), without a character at its end of which bytes are still to come. */
struct slice edit_whole(const struct edit *e);

#endif
