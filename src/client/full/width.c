#include "client/full/width.h"

#include <utf8proc.h>

#include "client/sanitize.h"

enum { LOOK_BACK_MAX_LEN = 1024 };

static bool is_plain(char c)
{
	return c >= 0x20 && c < 0x7f;
}

static int class_of(uint32_t character)
{
	return utf8proc_get_property((utf8proc_int32_t)character)->boundclass;
}

static bool is_spacing_mark(uint32_t character)
{
	return utf8proc_category((utf8proc_int32_t)character) == UTF8PROC_CATEGORY_MC;
}

/* As terminals count, which go by the tables of their C library: where utf8proc's differ from those it is put right here. */
static unsigned width_of_character(uint32_t character)
{
	switch (class_of(character)) {
	case UTF8PROC_BOUNDCLASS_V: /* the middle and the end of a Korean syllable stand in the columns of its beginning */
	case UTF8PROC_BOUNDCLASS_T:
		return 0;
	case UTF8PROC_BOUNDCLASS_PREPEND:
		return 1;
	default:
		break;
	}
	int width = utf8proc_charwidth((utf8proc_int32_t)character);
	if (width > 0 || is_spacing_mark(character))
		return width > 0 ? (unsigned)width : 1;
	/* Nothing but a mark may be without columns: it would not be seen. */
	utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)character);
	bool is_mark = category == UTF8PROC_CATEGORY_MN || category == UTF8PROC_CATEGORY_ME ||
		       category == UTF8PROC_CATEGORY_CF;
	return is_mark ? 0 : 1;
}

/* What follows a letter and takes columns of its own in every terminal is a grapheme of its own here. */
static bool joins(uint32_t before, uint32_t character, utf8proc_int32_t *state)
{
	if (utf8proc_grapheme_break_stateful(
		(utf8proc_int32_t)before, (utf8proc_int32_t)character, state))
		return false;
	if (width_of_character(character) == 0)
		return true;
	return !is_spacing_mark(character) &&
	       class_of(character) != UTF8PROC_BOUNDCLASS_SPACINGMARK &&
	       class_of(before) != UTF8PROC_BOUNDCLASS_PREPEND;
}

static bool is_flag_letter(uint32_t character)
{
	return class_of(character) == UTF8PROC_BOUNDCLASS_REGIONAL_INDICATOR;
}

/* True if the character at the front of text is shown as it is; its bytes are in len_r. Else columns_r is the width of what it is shown as. */
static bool is_shown(uint32_t before, struct slice text, size_t *len_r, unsigned *columns_r)
{
	char safe[SANITIZE_CHAR_MAX_LEN];
	size_t safe_len = sanitize_next(before, text, safe, len_r);
	*columns_r = (unsigned)safe_len;
	return safe_len == *len_r && memcmp(safe, text.ptr, safe_len) == 0;
}

size_t grapheme_next(struct slice text, unsigned *columns_r)
{
	if (is_plain(text.ptr[0]) && (text.len == 1 || is_plain(text.ptr[1]))) {
		*columns_r = 1;
		return 1;
	}
	size_t len, next_len;
	unsigned escape_columns;
	if (!is_shown(NOT_A_CHARACTER, text, &len, columns_r))
		return len;
	uint32_t before = utf8_decode(text, &len);
	utf8proc_int32_t state = 0;
	bool is_flag = is_flag_letter(before);
	*columns_r = width_of_character(before);
	while (len < text.len) {
		struct slice rest = slice_skip(text, len);
		if (!is_shown(before, rest, &next_len, &escape_columns))
			break;
		uint32_t character = utf8_decode(rest, &next_len);
		if (!joins(before, character, &state) || len + next_len > GRAPHEME_MAX_LEN)
			break;
		if (is_flag && is_flag_letter(character))
			*columns_r = 2;
		if (*columns_r == 0)
			*columns_r = width_of_character(character);
		before = character;
		len += next_len;
	}
	return len;
}

/* A grapheme begins at the character, whatever stood before the one before it: a joiner asks what it joins, flags are counted in pairs. */
static bool always_begins(uint32_t before, uint32_t character)
{
	utf8proc_int32_t state = 0;
	if (before == NOT_A_CHARACTER || character == NOT_A_CHARACTER)
		return false;
	return class_of(before) != UTF8PROC_BOUNDCLASS_ZWJ && !joins(before, character, &state);
}

/* A place at or before the last character from which on graphemes are found as they are from the beginning. */
static size_t safe_start(struct slice text)
{
	size_t at = text.len, later_at = text.len, len;
	uint32_t later = NOT_A_CHARACTER;
	while (at > 0 && text.len - at < LOOK_BACK_MAX_LEN) {
		at--;
		while (at > 0 && text.len - at < LOOK_BACK_MAX_LEN &&
		       ((unsigned char)text.ptr[at] & 0xc0) == 0x80)
			at--;
		uint32_t character = utf8_decode(slice_skip(text, at), &len);
		if (at + len == later_at && always_begins(character, later))
			return later_at;
		if (character != NOT_A_CHARACTER &&
		    class_of(character) == UTF8PROC_BOUNDCLASS_OTHER)
			break;
		later = character;
		later_at = at;
	}
	return at;
}

size_t grapheme_last(struct slice text)
{
	size_t at = safe_start(text);
	unsigned columns;
	for (;;) {
		size_t len = grapheme_next(slice_skip(text, at), &columns);
		if (at + len >= text.len)
			return text.len - at;
		at += len;
	}
}

size_t width_of(struct slice text)
{
	size_t columns;
	width_cut(text, SIZE_MAX, &columns);
	return columns;
}

size_t width_cut(struct slice text, size_t columns, size_t *columns_r)
{
	size_t at = 0;
	*columns_r = 0;
	while (at < text.len) {
		unsigned width;
		size_t len = grapheme_next(slice_skip(text, at), &width);
		if (*columns_r + width > columns)
			break;
		*columns_r += width;
		at += len;
	}
	return at;
}

/* The row is the first row_len bytes of rest; gap_len more belong to none. */
static struct slice take_row(
    struct slice *rest, size_t row_len, size_t gap_len, bool *more_r, bool has_more)
{
	struct slice row = slice_of(rest->ptr, row_len);
	*rest = slice_skip(*rest, row_len + gap_len);
	*more_r = has_more || rest->len > 0;
	return row;
}

/* The word at the front of text has no room in a row, even one of its own. */
static bool is_too_long(struct slice text, size_t columns)
{
	size_t used, len = width_cut(text, columns, &used);
	for (size_t i = 0; i <= len && i < text.len; i++) {
		if (text.ptr[i] == ' ' || text.ptr[i] == '\n')
			return false;
	}
	return len < text.len;
}

struct slice width_wrap(struct slice *rest, size_t columns, bool *more_r)
{
	size_t at = 0, used = 0, space_at = SIZE_MAX;
	while (at < rest->len) {
		unsigned width;
		if (rest->ptr[at] == '\n')
			return take_row(rest, at, 1, more_r, true);
		size_t len = grapheme_next(slice_skip(*rest, at), &width);
		bool fits = used + width <= columns;
		if (rest->ptr[at] == ' ' && len == 1) {
			if (!fits)
				return take_row(rest, at, 1, more_r, false);
			space_at = at;
		}
		if (!fits && space_at != SIZE_MAX &&
		    !is_too_long(slice_skip(*rest, space_at + 1), columns))
			return take_row(rest, space_at, 1, more_r, false);
		if (!fits && at > 0)
			return take_row(rest, at, 0, more_r, false);
		used += width;
		at += len;
	}
	return take_row(rest, at, 0, more_r, false);
}

size_t width_rows(struct slice text, size_t columns)
{
	size_t rows = 0;
	bool more = true;
	while (more) {
		width_wrap(&text, columns, &more);
		rows++;
	}
	return rows;
}
