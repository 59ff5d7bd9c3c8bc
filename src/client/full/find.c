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
	size_t len;
	if (wanted.len == 0)
		return from <= text.len ? from : NOT_FOUND;
	/* Few bytes need a closer look: of ASCII those that are like the first letter; of others none if that is in ASCII, but for k and i, which have upper cases elsewhere. */
	uint32_t first = folded(wanted, &len);
	bool is_elsewhere = first >= 0x80 || first == 'k' || first == 'i';
	while (from < text.len) {
		bool is_ascii = (text.ptr[from] & 0x80) == 0;
		if (is_ascii ? lower(text.ptr[from]) != first : !is_elsewhere) {
			from++;
			continue;
		}
		if (begins(slice_skip(text, from), wanted))
			return from;
		utf8_decode(slice_skip(text, from), &len);
		from += len;
	}
	return NOT_FOUND;
}
