/* texts.h: a few texts on the heap, the newest last, bounded in number and bytes: history and kill ring of input.h. They are wiped before their
 * memory is given back. Pure but for memory; one thread. */
#ifndef CLIENT_FULL_TEXTS_H
#define CLIENT_FULL_TEXTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

enum { TEXTS_MAX = 500 };

struct texts {
	size_t max, max_bytes; /* at most TEXTS_MAX */
	size_t count, bytes;
	struct {
		char *ptr;
		size_t len;
	} items[TEXTS_MAX];
};

/* Adds a copy as the newest; the oldest go where there is no room. false: longer than all may be together, or no memory. */
bool texts_add(struct texts *t, struct slice text);
/* The number-th, the oldest is 0; number < t->count. Valid until something is added or taken. */
static inline struct slice texts_get(const struct texts *t, size_t number)
{
	return slice_of(t->items[number].ptr, t->items[number].len);
}
/* Takes the newest away, if there is one. */
void texts_drop_newest(struct texts *t);
void texts_clear(struct texts *t);

#endif
