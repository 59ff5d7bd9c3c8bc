/*
 * view.h: from what is known to what is seen: conversations, the line being typed and the state of things in, cells out.
 *
 *	 bob                      chat.example.org:18443  🔒 known key	with whom, where, how the key is trusted
 *	1 messager  │ 10:02 bob: hello					the conversations (from 100 columns on) │ the one that is open
 *	2 bob       │ ── new ──
 *	3 group  4! │ 10:03 bob: are you there?
 *	 alice · connected │ 3 group 4! │ sending 1.5 MiB, 30%, …		state, what is unread elsewhere, transfers
 *	bob> yes, I am_							what is typed, growing to a third of the screen
 *
 * Pure but for memory: no terminal, no clock. A picture costs as much as the rows that are seen, however long the conversation is. One thread.
 */
#ifndef CLIENT_FULL_VIEW_H
#define CLIENT_FULL_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "client/full/cells.h"
#include "client/full/input.h"
#include "client/full/model.h"

enum {
	VIEW_LIST_FROM_COLUMNS = 100,
	VIEW_LIST_COLUMNS = 22, /* with the line at its right */
};

/* What is shown; strings are ours or sanitized, and their owners' */
struct view {
	struct model *model;
	const struct input *input;
	const char *server; /* HOST:PORT; "": none yet */
	const char *trust;  /* how the server's key is trusted */
	const char *state;  /* of the connection */
	const char *busy;   /* of a transfer; "": none */
	const char *prompt; /* before what is typed */
	bool is_connected;  /* and all is well */
	bool is_group_on;
	bool is_light;
	bool has_pictures; /* the terminal has a lock among its characters */
	unsigned colors;   /* as face.h has them */

	bool is_searching; /* back in the conversation */
	struct slice query;
	uint64_t found; /* the line; NO_LINE: none */

	unsigned columns, rows, input_rows; /* of the last picture */
	struct buffer scratch;
};

void view_clear(struct view *v);

/* Fills the cells, whatever their size is. */
void view_draw(struct view *v, struct cells *cells);

/* Goes back (negative) or forth by so many rows in the current conversation; view_page_rows(): a page. At its end it follows what is said again. */
void view_scroll(struct view *v, long rows);
unsigned view_page_rows(const struct view *v);
void view_scroll_to_end(struct view *v);
/* Shows the line with that number in the middle. */
void view_scroll_to(struct view *v, uint64_t number);

#endif
