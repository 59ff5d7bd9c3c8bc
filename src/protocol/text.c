#include "protocol/text.h"

#include <stdint.h>
#include <string.h>

static const char query_end[] = " \r\n";
enum { QUERY_END_LEN = 3, LF_MARK_LEN = 2, ESCAPE_MAX_LEN = 4, CHAR_MAX_LEN = 4 };

static bool is_continuation(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

size_t text_char_len(struct slice s)
{
	unsigned char first = (unsigned char)s.ptr[0];
	size_t len = first < 0xc2 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 1;
	if (len > s.len)
		return 1;
	for (size_t i = 1; i < len; i++) {
		if (!is_continuation(s.ptr[i]))
			return 1;
	}
	return len;
}

size_t text_whole_chars(struct slice s, size_t max_len)
{
	size_t len = 0;
	while (len < s.len) {
		size_t next = text_char_len(slice_skip(s, len));
		if (len + next > max_len)
			break;
		len += next;
	}
	return len;
}

bool text_take_lf(struct slice *text)
{
	if (text->len == 0 || text->ptr[text->len - 1] != '\n')
		return false;
	text->len--;
	return true;
}

/* Writes the printable form of a control byte; returns its length. */
static size_t escape(char c, char out[static ESCAPE_MAX_LEN])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char byte = (unsigned char)c;
	out[0] = '\\';
	out[1] = byte == '\n' ? 'n' : byte == '\t' ? 't' : byte == '\r' ? 'r' : 'x';
	if (out[1] != 'x')
		return 2;
	out[2] = digits[byte >> 4];
	out[3] = digits[byte & 15];
	return ESCAPE_MAX_LEN;
}

/* A byte b of x is marked (its high bit in the result) if it is below 20 or is 7F; exact for the question whether there is any. */
static uint64_t mark_controls(uint64_t x)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), highs = ones * 0x80;
	uint64_t del = x ^ ones * 0x7f;
	return (((x - ones * 0x20) & ~x) | ((del - ones) & ~del)) & highs;
}

bool text_has_control(struct slice text)
{
	uint64_t marks = 0, word;
	size_t i = 0;
	for (; i + sizeof(word) <= text.len; i += sizeof(word)) {
		memcpy(&word, text.ptr + i, sizeof(word));
		marks |= mark_controls(word);
	}
	for (; i < text.len; i++)
		marks |= text_is_control(text.ptr[i]);
	return marks != 0;
}

/* Copies whole characters, control bytes escaped, as many as fit into room; returns what was written, takes what was read off text. */
static size_t copy_escaped(struct slice *text, char *out, size_t room)
{
	if (text->len > 0 && text->len <= room && !text_has_control(*text)) {
		size_t len = text->len;
		memcpy(out, text->ptr, len);
		*text = slice_skip(*text, len);
		return len;
	}
	size_t written = 0;
	while (text->len > 0) {
		char escaped[ESCAPE_MAX_LEN];
		bool control = text_is_control(text->ptr[0]);
		size_t taken = control ? 1 : text_char_len(*text);
		size_t len = control ? escape(text->ptr[0], escaped) : taken;
		if (written + len > room)
			break;
		memcpy(out + written, control ? escaped : text->ptr, len);
		written += len;
		*text = slice_skip(*text, taken);
	}
	return written;
}

size_t text_relay_next(struct text_relay *r, char out[static QUERY_SENT_MAX_LEN])
{
	if (r->begun && r->text.len == 0)
		return 0;
	r->begun = true;
	size_t tail_len = QUERY_END_LEN + (r->add_lf ? LF_MARK_LEN : 0);
	size_t len = r->head.len;
	memcpy(out, r->head.ptr, len);
	len += copy_escaped(&r->text, out + len, QUERY_SENT_MAX_LEN - len - tail_len);
	if (r->add_lf) {
		memcpy(out + len, "\\n", LF_MARK_LEN);
		len += LF_MARK_LEN;
	}
	memcpy(out + len, query_end, QUERY_END_LEN);
	return len + QUERY_END_LEN;
}
