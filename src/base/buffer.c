#include "base/buffer.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BUFFER_MIN_CAP = 256 };

void buffer_clear(struct buffer *b)
{
	free(b->mem);
	*b = (struct buffer){ 0 };
}

void buffer_wipe(struct buffer *b)
{
	if (b->mem != NULL)
		explicit_bzero(b->mem, b->cap);
	buffer_clear(b);
}

char *buffer_reserve(struct buffer *b, size_t len)
{
	if (b->cap - b->start - b->len >= len && b->mem != NULL)
		return b->mem + b->start + b->len;
	if (len > SIZE_MAX / 4 - b->len)
		return NULL;
	size_t need = b->len + len;
	/*
	 * Moving to the front pays when half of the memory becomes room: as much has gone through since the last
	 * move. Else the buffer doubles, lest a nearly full one moved at each call.
	 */
	if (b->mem != NULL && need <= b->cap / 2) {
		memmove(b->mem, b->mem + b->start, b->len);
		b->start = 0;
		return b->mem + b->len;
	}
	size_t cap = b->mem == NULL ? BUFFER_MIN_CAP : b->cap * 2;
	while (cap < need)
		cap *= 2;
	char *mem = malloc(cap);
	if (mem == NULL)
		return NULL;
	if (b->mem != NULL)
		memcpy(mem, b->mem + b->start, b->len);
	free(b->mem);
	b->mem = mem;
	b->start = 0;
	b->cap = cap;
	return mem + b->len;
}

void buffer_added(struct buffer *b, size_t len)
{
	b->len += len;
}

bool buffer_append(struct buffer *b, const void *bytes, size_t len)
{
	if (len == 0)
		return true;
	char *to = buffer_reserve(b, len);
	if (to == NULL)
		return false;
	memcpy(to, bytes, len);
	b->len += len;
	return true;
}

bool buffer_append_slice(struct buffer *b, struct slice s)
{
	return buffer_append(b, s.ptr, s.len);
}

bool buffer_printf(struct buffer *b, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (len < 0)
		return false;
	char *to = buffer_reserve(b, (size_t)len + 1);
	if (to == NULL)
		return false;
	va_start(args, format);
	vsnprintf(to, (size_t)len + 1, format, args);
	va_end(args);
	b->len += (size_t)len;
	return true;
}

void buffer_take(struct buffer *b, size_t len)
{
	b->start += len;
	b->len -= len;
	if (b->len == 0)
		b->start = 0;
}
