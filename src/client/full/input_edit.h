/* input_edit.h: the part of input.c that edits: one text, and the keys that move in it and change it. One thread. */
#ifndef CLIENT_FULL_INPUT_EDIT_H
#define CLIENT_FULL_INPUT_EDIT_H

#include "client/full/input.h"

/* A key of the editor's; INPUT_UNUSED: it is none. */
enum input_result input_edit_key(struct input *in, struct key key);

/*
 * At the byte at, removed_len bytes give way to text, which must not point into the input; the cursor stands behind it. It can be undone (unless
 * it is secret). INPUT_NOTHING: nothing would change; INPUT_FULL: no room.
 */
enum input_result input_change(struct input *in, size_t at, size_t removed_len, struct slice text);
/* The same without undo; what undo knows does not fit afterwards. false: no room. */
bool input_put(struct input *in, size_t at, size_t removed_len, struct slice text);

/* Where the line begins and ends in which the cursor is. */
size_t input_line_start(const struct input *in);
size_t input_line_end(const struct input *in);

/* Frees and wipes; *bytes is NULL afterwards. */
void input_wipe(char **bytes, size_t len);

#endif
