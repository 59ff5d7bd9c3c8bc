#include "client/full/find.h"

#include <stdint.h>

#include <utf8proc.h>

#include "client/sanitize.h"

static unsigned char lower(char c)
{
	return (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

/* The lower case of the character at the front of s; a byte that is none stands for itself, apart from all characters. */
static uint32_t folded(struct slice s, size_t *len_r)
{
	uint32_t character = utf8_decode(s, len_r);
	if (character == NOT_A_CHARACTER)
		return 0x80000000U | (unsigned char)s.ptr[0];
	return (uint32_t)utf8proc_tolower((utf8proc_int32_t)character);
}

static bool begins(struct slice text, struct slice wanted)
{
	while (wanted.len > 0) {
		size_t len, wanted_len;
		if (text.len == 0)
			return false;
		if ((text.ptr[0] & 0x80) == 0 && (wanted.ptr[0] & 0x80) == 0) {
			if (lower(text.ptr[0]) != lower(wanted.ptr[0]))
				return false;
			len = wanted_len = 1;
		} else if (folded(text, &len) != folded(wanted, &wanted_len)) {
			return false;
		}
		text = slice_skip(text, len);
		wanted = slice_skip(wanted, wanted_len);
	}
	return true;
}

size_t find_text(struct slice text, struct slice wanted, size_t from)
{
	/* A first letter in ASCII, which it mostly is, is looked for byte by byte; of those only k has another upper case, the sign of Kelvin. */
	bool is_quick = wanted.len > 0 && (wanted.ptr[0] & 0x80) == 0 && wanted.ptr[0] != 'k' &&
			wanted.ptr[0] != 'K';
	unsigned char first = wanted.len > 0 ? lower(wanted.ptr[0]) : 0;
	if (wanted.len == 0)
		return from <= text.len ? from : NOT_FOUND;
	while (from < text.len) {
		size_t len = 1;
		if (is_quick && lower(text.ptr[from]) != first) {
			from++;
			continue;
		}
		if (begins(slice_skip(text, from), wanted))
			return from;
		if (!is_quick)
			utf8_decode(slice_skip(text, from), &len);
		from += len;
	}
	return NOT_FOUND;
}
