/*
 * input.h: what a person types, in several lines of UTF-8, with the keys of readline: moving and deleting by graphemes and words, a kill ring,
 * undo, the history of what was sent, search in it (C-r), completion, and what is pasted. Keys in, state out; it draws nothing. Nothing is
 * sent by itself: only Enter submits, and a paste is never Enter.
 *
 * A text may have line feeds (Alt-Enter, paste). The protocol has none within a message (protocol.md, 6: they would be seen as \n), so
 * whoever sends a text of several lines sends each as a message, and says so.
 *
 *	EDITING --(C-r)--> SEARCHING --(Enter, Esc, other keys)--> EDITING
 *	   '-----(paste of many lines)--> ASKING --(i, f or c, and Enter; Esc)--> EDITING
 *
 * A letter by itself answers nothing: whoever goes on typing after a paste has not seen that there is a question.
 *
 * One thread. What is typed may be secret: memory is wiped before it is given back.
 */
#ifndef CLIENT_FULL_INPUT_H
#define CLIENT_FULL_INPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/slice.h"
#include "client/full/key.h"
#include "client/full/texts.h"
#include "client/full/undo.h"

enum {
	INPUT_MAX_LEN = 1024 * 1024, /* of the text; more is not taken */
	INPUT_PASTE_MAX_LEN = 8 * 1024 * 1024,
	INPUT_PASTE_ASK_LINES = 5, /* a paste of more lines is asked about */
	INPUT_HISTORY_MAX_BYTES = 256 * 1024,
	INPUT_KILLS = 8,
	INPUT_KILLS_MAX_BYTES = 2 * INPUT_MAX_LEN,
	INPUT_QUERY_SIZE = 128,
	INPUT_ANSWER_SIZE = 32,
};

enum input_mode { INPUT_EDITING, INPUT_SEARCHING, INPUT_ASKING };

enum input_result {
	INPUT_UNUSED,   /* not a key of the editor's: somebody else's, or nobody's */
	INPUT_NOTHING,  /* a key of the editor's, but nothing has changed */
	INPUT_CHANGED,  /* show it again */
	INPUT_NEW_LINE, /* as CHANGED: a first line feed was typed; say what becomes of it */
	INPUT_SUBMIT, /* Enter: take input_text(), then input_clear() or, if it is not done with, nothing */
	INPUT_END,     /* C-d on an empty text */
	INPUT_FULL,    /* there is no room for what was typed or pasted, or no memory */
	INPUT_ASK,     /* a paste of many lines: ask about it (input_paste_lines(), …) */
	INPUT_AS_FILE, /* the answer: take input_pasted() and send it as a file, then input_drop_paste(); without that the question stays */
};

/*
 * What the text before the cursor could go on with.
 *   from_r      where the word begins that the candidates take the place of
 *   candidates  each is appended with a NUL after it; one that ends in ' ' or '/' is complete with it
 */
typedef void input_complete_fn(
    void *ctx, struct slice before, size_t *from_r, struct buffer *candidates);

struct input {
	enum input_mode mode;
	bool is_secret; /* nothing of it is kept: no history, undo, kill ring, search, completion */

	char *bytes; /* cap of them; len are the text's */
	size_t len, cap;
	size_t cursor; /* before this byte; between graphemes */

	struct texts history;
	size_t history_at; /* which one is shown; history.count: none */
	char *typed;       /* what was there before the history was gone through */
	size_t typed_len;

	struct texts kills;
	bool last_was_kill;
	bool last_was_yank;
	size_t yank_at, yank_index; /* of the last C-y, for M-y */

	struct undo undo;
	bool is_typing; /* the next character belongs to the last change */

	char *searched_from; /* what was there before C-r */
	size_t searched_from_len;
	char query[INPUT_QUERY_SIZE]; /* of C-r */
	size_t query_len;
	size_t found_at; /* in the history */
	bool is_found;

	struct buffer paste; /* while ASKING */
	char answer[INPUT_ANSWER_SIZE];
	size_t answer_len;

	input_complete_fn *complete;
	void *complete_ctx;
	struct buffer candidates; /* of the last Tab */
	size_t candidate_count, candidate_at, candidate_from;
};

/* complete may be NULL. */
void input_init(struct input *in, input_complete_fn *complete, void *ctx);
/* Frees and wipes everything. */
void input_destroy(struct input *in);

enum input_result input_key(struct input *in, struct key key);
/* What was pasted, as the terminal sent it; CR and CRLF are line ends. */
enum input_result input_paste(struct input *in, struct slice text);

/* The text, and where the cursor is in it. Valid until the next call. */
struct slice input_text(const struct input *in);
/*
 * Puts another text in its place (a draft), the cursor at that byte; there is no way back to the old one by undo, and a paste that is asked about is
 * dropped. false: too long, or no memory.
 */
bool input_set(struct input *in, struct slice text, size_t cursor);
/* Keeps the text in the history (unless it is the last there, empty, or secret). */
void input_remember(struct input *in);
/* Wipes the text, and what undo knows of it. */
void input_clear(struct input *in);

/* While asking about a paste */
struct slice input_pasted(const struct input *in); /* as it came */
struct slice input_answer(const struct input *in); /* as far as it is typed */
size_t input_paste_lines(const struct input *in);
/* It can be inserted; else only a file is to be had. */
bool input_paste_fits(const struct input *in);
void input_drop_paste(struct input *in);

/* After a Tab that found several: the number-th of input_candidate_count(). */
size_t input_candidate_count(const struct input *in);
struct slice input_candidate(const struct input *in, size_t number);

/* While searching: what is looked for; in->is_found. */
struct slice input_query(const struct input *in);

#endif
