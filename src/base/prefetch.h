/*
 * prefetch.h: asks the processor for memory that is needed soon. Going through a thousand objects one after another, most of the time is
 * spent waiting for the next one's first bytes; asked for one or two objects earlier they come while the one before is worked on.
 */
#ifndef BASE_PREFETCH_H
#define BASE_PREFETCH_H

#include <stddef.h>

enum { CACHE_LINE_LEN = 64 };

/* A hint: reads nothing, and p need not even be valid. Inlined at any rate, since GCC takes a function that does no more for one that does nothing. */
__attribute__((always_inline)) static inline void prefetch(const void *p, size_t len)
{
	for (size_t i = 0; i < len; i += CACHE_LINE_LEN)
		__builtin_prefetch((const char *)p + i);
}

#endif
