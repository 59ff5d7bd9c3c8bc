/* buffer.h: bytes that grow at the end and are taken from the front. Owned by one thread at a time. */
#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

/*
 * All zero is a valid empty buffer that owns nothing.
 *
 *   mem           mem+start          mem+start+len     mem+cap
 *    | taken ......| bytes still here | room to grow ... |
 */
struct buffer {
	char *mem;
	size_t start;
	size_t len;
	size_t cap;
};

/* Frees the memory; the buffer is empty and valid afterwards. */
void buffer_clear(struct buffer *b);

/* The same, and what stood in it stands nowhere any more: for bytes that may be secret. */
void buffer_wipe(struct buffer *b);

/* Appends len bytes. Returns false, and leaves the buffer as it was, when there is no memory. */
bool buffer_append(struct buffer *b, const void *bytes, size_t len);
bool buffer_append_slice(struct buffer *b, struct slice s);

/* Makes room for len more bytes and returns where they go (buffer_added() counts them in); NULL: no memory. */
char *buffer_reserve(struct buffer *b, size_t len);
void buffer_added(struct buffer *b, size_t len);

/* printf at the end. false: no memory (nothing appended). */
bool buffer_printf(struct buffer *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Takes len bytes (<= b->len) off the front. A buffer that becomes empty keeps its memory. */
void buffer_take(struct buffer *b, size_t len);

/* The bytes still here; valid until the buffer is next changed. */
static inline struct slice buffer_slice(const struct buffer *b)
{
	return b->len > 0 ? slice_of(b->mem + b->start, b->len) : SLICE("");
}

#endif
