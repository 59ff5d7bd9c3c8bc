/*
 * screen.h: what plain mode shows. Messages go to standard output, one line each; notices go to standard error; the line being
 * typed, if there is one, stays below both. All foreign text is made harmless here. One thread.
 */
#ifndef CLIENT_SCREEN_H
#define CLIENT_SCREEN_H

#include <stdbool.h>

#include "base/slice.h"
#include "client/outlet.h"
#include "client/typing.h"

struct screen {
	struct outlet out;
	struct outlet err;
	struct outlet
	    *notices; /* err, or out where both are one terminal, so that the order stays */
	struct outlet *terminal; /* where colours and typing go; NULL: no terminal */
	bool
	    is_interactive; /* a person types: notices look like it, the line being typed is shown */
	bool has_stamps;
	bool has_colors;
	bool is_green;
	struct typing typing;
};

void screen_init(struct screen *s, bool is_interactive, bool no_color);
void screen_clear(struct screen *s);

/* A message: "alice: text" or "group alice: text"; at a terminal with the time before it. */
void screen_message(struct screen *s, bool is_group, struct slice user, struct slice text);

/* A notice of one or more lines. Only our own words may be in format and its strings: what is foreign comes in `foreign`. */
void screen_notice(struct screen *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same with a foreign text at its end. */
void screen_notice_text(struct screen *s, struct slice foreign, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* All text on the terminal turns green, or back. */
void screen_set_green(struct screen *s, bool is_green);
/* Before the terminal is given back, and after it was taken again: the line being typed and the colour go and come. */
void screen_leave(struct screen *s);
void screen_return(struct screen *s);

/* Writes what can be written now. */
void screen_flush(struct screen *s);

#endif
