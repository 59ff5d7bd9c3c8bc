/*
 * undo.h: what was changed in a text, so that it can be taken back: for each change where it was, what was there, and how long what came in its
 * place is. Bounded: the oldest are forgotten. Pure but for memory; one thread.
 */
#ifndef CLIENT_FULL_UNDO_H
#define CLIENT_FULL_UNDO_H

#include <stdbool.h>
#include <stddef.h>

#include "base/list.h"
#include "base/slice.h"

enum { UNDO_MAX = 1000, UNDO_MAX_BYTES = 4 * 1024 * 1024 };

struct undo_step {
	struct list node;
	size_t at, inserted_len, removed_len;
	char removed[];
};

struct undo {
	struct list steps; /* the newest first */
	size_t count, bytes;
};

void undo_init(struct undo *u);
/* At the byte at, removed gives way to inserted_len other bytes. false: no memory; then nothing that was before can be taken back either. */
bool undo_note(struct undo *u, size_t at, struct slice removed, size_t inserted_len);
/* The newest change was an insertion that grew by len bytes at its end. */
void undo_extend(struct undo *u, size_t len);
/* The newest change, or NULL; valid until the next call. Once it is taken back, undo_drop(). */
const struct undo_step *undo_newest(const struct undo *u);
void undo_drop(struct undo *u);
/* Forgets and wipes all. */
void undo_clear(struct undo *u);

#endif
