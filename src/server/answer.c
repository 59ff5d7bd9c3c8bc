#include "server/answer.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "protocol/text.h"

enum { COLUMN_WIDTH = 22, SENTENCE_SIZE = 2048 };

static void put(struct answer *a, const char *bytes, size_t len)
{
	if (!buffer_append(&a->bytes, bytes, len))
		a->lacks_memory = true;
}

static void put_str(struct answer *a, const char *str)
{
	put(a, str, strlen(str));
}

/* text_char_len() lets through what UTF-8 forbids in three and four bytes: too long forms, surrogates, beyond 10FFFF. */
static bool is_utf8(const char *character, size_t len)
{
	unsigned char first = (unsigned char)character[0];
	unsigned char second = len > 1 ? (unsigned char)character[1] : 0;
	if (len == 1)
		return first < 0x80;
	return !(first == 0xe0 && second < 0xa0) && !(first == 0xed && second >= 0xa0) &&
	       !(first == 0xf0 && second < 0x90) && !(first == 0xf4 && second >= 0x90);
}

static void put_json_string(struct answer *a, struct slice s)
{
	put_str(a, "\"");
	for (size_t len; s.len > 0; s = slice_skip(s, len)) {
		char escape[8] = "\\u00xx";
		len = text_char_len(s);
		if (!is_utf8(s.ptr, len)) {
			len = 1;
			put_str(a, "\\ufffd"); /* the replacement character */
		} else if (s.ptr[0] == '"' || s.ptr[0] == '\\') {
			put_str(a, "\\");
			put(a, s.ptr, 1);
		} else if (text_is_control(s.ptr[0])) {
			snprintf(escape, sizeof(escape), "\\u%04x", (unsigned)s.ptr[0]);
			put_str(a, escape);
		} else {
			put(a, s.ptr, len);
		}
	}
	put_str(a, "\"");
}

static void put_text(struct answer *a, struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		char escape[8];
		if (text_is_control(s.ptr[i])) {
			snprintf(escape, sizeof(escape), "\\x%02x", (unsigned)s.ptr[i]);
			put_str(a, escape);
		} else {
			put(a, s.ptr + i, 1);
		}
	}
}

static void put_key(struct answer *a, const char *key)
{
	if (a->is_json) {
		put_str(a, a->needs_comma ? ",\"" : "\"");
		put_str(a, key);
		put_str(a, "\":");
		a->needs_comma = true;
	} else if (a->in_row) {
		size_t width = a->bytes.len - a->field_begin;
		if (a->field_begin > 0)
			put_str(a, "  ");
		for (; a->field_begin > 0 && width < COLUMN_WIDTH; width++)
			put_str(a, " ");
		a->field_begin = a->bytes.len;
	} else {
		for (; *key != '\0'; key++)
			put(a, *key == '_' ? " " : key, 1);
		put_str(a, ": ");
	}
}

/* In a row the next field ends the line, or the row does. */
static void end_field(struct answer *a)
{
	if (!a->is_json && !a->in_row)
		put_str(a, "\n");
}

void answer_begin(struct answer *a, bool is_json)
{
	*a = (struct answer){ .is_json = is_json };
	put_str(a, "ok\n");
	put_str(a, is_json ? "{" : "");
}

void answer_clear(struct answer *a)
{
	buffer_clear(&a->bytes);
}

void answer_string(struct answer *a, const char *key, struct slice value)
{
	put_key(a, key);
	if (a->is_json)
		put_json_string(a, value);
	else
		put_text(a, value);
	end_field(a);
}

void answer_number(struct answer *a, const char *key, int64_t value)
{
	char digits[24];
	snprintf(digits, sizeof(digits), "%" PRId64, value);
	put_key(a, key);
	put_str(a, digits);
	end_field(a);
}

void answer_time(struct answer *a, const char *key, int64_t ms)
{
	char stamp[40] = "";
	time_t seconds = (time_t)(ms / 1000);
	struct tm utc;
	if (gmtime_r(&seconds, &utc) != NULL)
		strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ", &utc);
	answer_string(a, key, slice_str(stamp));
}

void answer_list(struct answer *a, const char *key)
{
	if (!a->is_json)
		return;
	put_key(a, key);
	put_str(a, "[");
	a->needs_comma = false;
}

void answer_list_end(struct answer *a)
{
	if (!a->is_json)
		return;
	put_str(a, "]");
	a->needs_comma = true;
}

void answer_row(struct answer *a)
{
	a->in_row = true;
	a->field_begin = 0;
	if (!a->is_json)
		return;
	put_str(a, a->needs_comma ? ",{" : "{");
	a->needs_comma = false;
}

void answer_row_end(struct answer *a)
{
	a->in_row = false;
	put_str(a, a->is_json ? "}" : "\n");
	a->needs_comma = true;
}

static void put_sentence(struct answer *a, const char *key, const char *format, va_list args)
{
	char sentence[SENTENCE_SIZE];
	vsnprintf(sentence, sizeof(sentence), format, args);
	if (a->is_json && key != NULL) {
		put_key(a, key);
		put_json_string(a, slice_str(sentence));
	} else {
		put_text(a, slice_str(sentence));
		put_str(a, "\n");
	}
}

void answer_say(struct answer *a, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	put_sentence(a, "message", format, args);
	va_end(args);
}

void answer_note(struct answer *a, const char *format, ...)
{
	va_list args;
	if (a->is_json)
		return;
	va_start(args, format);
	put_sentence(a, NULL, format, args);
	va_end(args);
}

void answer_fail(struct answer *a, const char *format, ...)
{
	a->bytes.len = 0;
	a->in_row = a->needs_comma = a->lacks_memory = false;
	a->has_failed = true;
	put_str(a, "error\n");
	put_str(a, a->is_json ? "{" : "");
	va_list args;
	va_start(args, format);
	put_sentence(a, "error", format, args);
	va_end(args);
}

struct slice answer_end(struct answer *a)
{
	put_str(a, a->is_json ? "}\n" : "");
	if (!a->lacks_memory)
		return buffer_slice(&a->bytes);
	a->has_failed = true;
	return a->is_json ? SLICE("error\n{\"error\":\"no memory\"}\n")
			  : SLICE("error\nno memory\n");
}
