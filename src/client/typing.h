/*
 * typing.h: the line being typed, on a terminal, below all that is shown: prompt and text, hidden before something else is
 * written and shown again after it. Foreign text never comes here, but what is typed is made harmless all the same. One thread.
 */
#ifndef CLIENT_TYPING_H
#define CLIENT_TYPING_H

#include <stdbool.h>

#include "client/edit.h"
#include "client/outlet.h"

enum { PROMPT_SIZE = 450 };

struct typing {
	struct outlet *out;
	bool is_dumb;     /* the terminal knows no escape sequences */
	unsigned columns; /* of the terminal; 0: unknown, taken as endless */
	bool is_secret;   /* what is typed is not shown */
	bool is_shown;
	size_t drawn;         /* bytes of the line that are shown */
	unsigned row, column; /* of the end of what is shown, from where the prompt begins */
	char prompt[PROMPT_SIZE];
	struct edit edit;
};

/* Sets what is asked; the line typed so far stays. The prompt is printable. */
void typing_ask(struct typing *t, const char *prompt, bool is_secret);

/* Takes the line off the screen, and puts it there again. Both can be called at any time. */
void typing_hide(struct typing *t);
void typing_show(struct typing *t);

/* Takes one byte that was typed and shows what comes of it. EDIT_LINE: the line is left standing; take it and clear it. */
enum edit_result typing_byte(struct typing *t, char byte);

#endif
