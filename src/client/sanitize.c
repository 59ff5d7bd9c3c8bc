#include "client/sanitize.h"

#include <stdio.h>

#include "protocol/text.h"

struct range {
	uint32_t first, last;
};

/* Characters that are not seen themselves but change what is seen around them. C0, DEL and C1 are not listed here. */
static const struct range harmful[] = {
	{ 0x00ad, 0x00ad },   /* soft hyphen */
	{ 0x034f, 0x034f },   /* combining grapheme joiner */
	{ 0x061c, 0x061c },   /* Arabic letter mark */
	{ 0x115f, 0x1160 },   /* Hangul fillers */
	{ 0x17b4, 0x17b5 },   /* Khmer inherent vowels */
	{ 0x180b, 0x180f },   /* Mongolian selectors and separator */
	{ 0x200b, 0x200f },   /* zero width space and joiners, direction marks */
	{ 0x2028, 0x202e },   /* line and paragraph separator, embeddings and overrides */
	{ 0x2060, 0x206f },   /* word joiner, isolates, invisible operators */
	{ 0x3164, 0x3164 },   /* Hangul filler */
	{ 0xfeff, 0xfeff },   /* byte order mark */
	{ 0xffa0, 0xffa0 },   /* halfwidth Hangul filler */
	{ 0xfff9, 0xfffb },   /* interlinear annotation */
	{ 0xfffe, 0xffff },   /* no characters */
	{ 0x1d173, 0x1d17a }, /* musical formatting */
	{ 0xe0000, 0xe0fff }, /* tags */
};

/* Scripts that are written with joiners, and pictures that are put together with them. */
static const struct range joined[] = {
	{ 0x0600, 0x08ff },   /* Arabic, Syriac and kin */
	{ 0x0900, 0x0dff },   /* scripts of India and Sri Lanka */
	{ 0x1000, 0x109f },   /* Myanmar */
	{ 0x1780, 0x17ff },   /* Khmer */
	{ 0x2600, 0x27bf },   /* symbols */
	{ 0x2b1b, 0x2b1c },   /* squares, of which black cats are made */
	{ 0xfe0f, 0xfe0f },   /* "shown as a picture" */
	{ 0x1f300, 0x1faff }, /* pictures */
};

enum { ZERO_WIDTH_NON_JOINER = 0x200c, ZERO_WIDTH_JOINER = 0x200d };

static bool is_in(const struct range *ranges, size_t count, uint32_t character)
{
	for (size_t i = 0; i < count; i++) {
		if (character >= ranges[i].first && character <= ranges[i].last)
			return true;
	}
	return false;
}

static bool is_harmful(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) ||
	       is_in(harmful, sizeof(harmful) / sizeof(*harmful), c);
}

static bool is_joined(uint32_t c)
{
	return c != NOT_A_CHARACTER && !is_harmful(c) &&
	       is_in(joined, sizeof(joined) / sizeof(*joined), c);
}

uint32_t utf8_decode(struct slice s, size_t *len_r)
{
	static const uint8_t first_bits[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	size_t len = *len_r = text_char_len(s);
	uint32_t character = (unsigned char)s.ptr[0];
	if (len == 1)
		return character < 0x80 ? character : NOT_A_CHARACTER;
	character &= first_bits[len];
	for (size_t i = 1; i < len; i++)
		character = character << 6 | ((unsigned char)s.ptr[i] & 0x3f);
	/* text_char_len() lets these pass: written too long, halves of UTF-16 pairs, above the last character. */
	if ((len == 3 && character < 0x800) || (len == 4 && character < 0x10000) ||
	    (character >= 0xd800 && character < 0xe000) || character > 0x10ffff) {
		*len_r = 1;
		return NOT_A_CHARACTER;
	}
	return character;
}

static size_t escape_byte(unsigned char byte, char out[static SANITIZE_CHAR_MAX_LEN])
{
	const char *known = byte == '\n'   ? "\\n"
			    : byte == '\t' ? "\\t"
			    : byte == '\r' ? "\\r"
					   : NULL;
	if (known != NULL)
		return (size_t)snprintf(out, SANITIZE_CHAR_MAX_LEN, "%s", known);
	return (size_t)snprintf(out, SANITIZE_CHAR_MAX_LEN, "\\x%02x", byte);
}

size_t sanitize_char(struct slice text, char out[static SANITIZE_CHAR_MAX_LEN], size_t *taken_r)
{
	uint32_t c = utf8_decode(text, taken_r);
	if (c == NOT_A_CHARACTER || (is_harmful(c) && *taken_r == 1))
		return escape_byte((unsigned char)text.ptr[0], out);
	if (is_harmful(c))
		return (size_t)snprintf(out, SANITIZE_CHAR_MAX_LEN, "\\u{%x}", (unsigned)c);
	memcpy(out, text.ptr, *taken_r);
	return *taken_r;
}

/* A joiner is harmless where both its neighbours are written with such: in Persian, in Hindi, in a family of emoji. */
static bool joiner_may_stay(uint32_t before, struct slice at)
{
	size_t len, next_len;
	uint32_t c = utf8_decode(at, &len);
	if (c != ZERO_WIDTH_JOINER && c != ZERO_WIDTH_NON_JOINER)
		return false;
	if (at.len == len)
		return false;
	return is_joined(before) && is_joined(utf8_decode(slice_skip(at, len), &next_len));
}

size_t sanitize_next(
    uint32_t before, struct slice text, char out[static SANITIZE_CHAR_MAX_LEN], size_t *taken_r)
{
	if (!joiner_may_stay(before, text))
		return sanitize_char(text, out, taken_r);
	utf8_decode(text, taken_r);
	memcpy(out, text.ptr, *taken_r);
	return *taken_r;
}

bool sanitize(struct buffer *out, struct slice text)
{
	uint32_t before = NOT_A_CHARACTER;
	while (text.len > 0) {
		char safe[SANITIZE_CHAR_MAX_LEN];
		size_t taken, len;
		if (!buffer_append(out, safe, sanitize_next(before, text, safe, &taken)))
			return false;
		before = utf8_decode(text, &len);
		text = slice_skip(text, taken);
	}
	return true;
}

char *sanitize_string(struct slice text, char *out, size_t size)
{
	struct buffer safe = { 0 };
	if (!sanitize(&safe, text))
		buffer_clear(&safe);
	struct slice s = buffer_slice(&safe);
	size_t len = text_whole_chars(s, size - 1);
	memcpy(out, s.ptr, len);
	out[len] = '\0';
	buffer_clear(&safe);
	return out;
}
