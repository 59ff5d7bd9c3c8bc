/* slice.h: a borrowed run of bytes. Never owns, never ends in NUL by promise. */
#ifndef BASE_SLICE_H
#define BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct slice {
	const char *ptr; /* valid as long as what it points into; may be NULL when len is 0 */
	size_t len;
};

/* A slice of a string literal (or any char array with its NUL). */
#define SLICE(literal) ((struct slice){ (literal), sizeof(literal) - 1 })

static inline struct slice slice_of(const char *ptr, size_t len)
{
	return (struct slice){ ptr, len };
}

static inline struct slice slice_str(const char *str)
{
	return (struct slice){ str, strlen(str) };
}

static inline bool slice_equal(struct slice a, struct slice b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool slice_begins(struct slice s, struct slice with)
{
	return s.len >= with.len && (with.len == 0 || memcmp(s.ptr, with.ptr, with.len) == 0);
}

static inline bool slice_ends(struct slice s, struct slice with)
{
	return s.len >= with.len &&
	       (with.len == 0 || memcmp(s.ptr + s.len - with.len, with.ptr, with.len) == 0);
}

/* What follows the first n bytes; n <= s.len. */
static inline struct slice slice_skip(struct slice s, size_t n)
{
	/* C does not allow even NULL + 0. */
	return (struct slice){ n > 0 ? s.ptr + n : s.ptr, s.len - n };
}

/* Without the spaces and tabs around it. */
static inline struct slice slice_trim(struct slice s)
{
	while (s.len > 0 && (s.ptr[0] == ' ' || s.ptr[0] == '\t'))
		s = slice_skip(s, 1);
	while (s.len > 0 && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t'))
		s.len--;
	return s;
}

#endif
