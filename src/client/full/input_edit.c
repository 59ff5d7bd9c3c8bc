#include "client/full/input_edit.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>
#include <utf8proc.h>

#include "client/full/width.h"
#include "client/sanitize.h"
#include "protocol/text.h"

enum { FIRST_CAP = 256 };

/* Changes */

void input_wipe(char **bytes, size_t len)
{
	if (*bytes != NULL)
		sodium_memzero(*bytes, len);
	free(*bytes);
	*bytes = NULL;
}

static struct slice after_cursor(const struct input *in)
{
	return slice_skip(input_text(in), in->cursor);
}

static bool reserve(struct input *in, size_t len)
{
	size_t cap = in->cap == 0 ? FIRST_CAP : in->cap;
	if (len <= in->cap)
		return true;
	while (cap < len)
		cap *= 2;
	char *bytes = malloc(cap);
	if (bytes == NULL)
		return false;
	if (in->len > 0)
		memcpy(bytes, in->bytes, in->len);
	input_wipe(&in->bytes, in->cap);
	in->bytes = bytes;
	in->cap = cap;
	return true;
}

bool input_put(struct input *in, size_t at, size_t removed_len, struct slice text)
{
	size_t len = in->len - removed_len + text.len;
	if (len > INPUT_MAX_LEN || !reserve(in, len))
		return false;
	if (in->bytes == NULL)
		return true;
	memmove(
	    in->bytes + at + text.len, in->bytes + at + removed_len, in->len - at - removed_len);
	if (text.len > 0)
		memcpy(in->bytes + at, text.ptr, text.len);
	if (len < in->len)
		sodium_memzero(in->bytes + len, in->len - len);
	in->len = len;
	in->cursor = at + text.len;
	return true;
}

enum input_result input_change(struct input *in, size_t at, size_t removed_len, struct slice text)
{
	if (removed_len == 0 && text.len == 0)
		return INPUT_NOTHING;
	if (in->len - removed_len + text.len > INPUT_MAX_LEN ||
	    !reserve(in, in->len - removed_len + text.len))
		return INPUT_FULL;
	if (!in->is_secret)
		undo_note(&in->undo, at, slice_of(in->bytes + at, removed_len), text.len);
	input_put(in, at, removed_len, text);
	return INPUT_CHANGED;
}

/* Places */

static enum input_result move_to(struct input *in, size_t at)
{
	bool has_moved = in->cursor != at;
	in->cursor = at;
	return has_moved ? INPUT_CHANGED : INPUT_NOTHING;
}

size_t input_line_start(const struct input *in)
{
	size_t at = in->cursor;
	while (at > 0 && in->bytes[at - 1] != '\n')
		at--;
	return at;
}

size_t input_line_end(const struct input *in)
{
	struct slice rest = after_cursor(in);
	const char *end = rest.len == 0 ? NULL : memchr(rest.ptr, '\n', rest.len);
	return end == NULL ? in->len : (size_t)(end - in->bytes);
}

static size_t grapheme_before(const struct input *in, size_t at)
{
	return at == 0 ? 0 : at - grapheme_last(slice_of(in->bytes, at));
}

static size_t grapheme_after(const struct input *in, size_t at)
{
	unsigned columns;
	return at == in->len ? at : at + grapheme_next(slice_skip(input_text(in), at), &columns);
}

/* Is the grapheme at that byte a part of a word, as readline counts? */
static bool is_word(const struct input *in, size_t at)
{
	size_t len;
	uint32_t character = utf8_decode(slice_skip(input_text(in), at), &len);
	if (character == NOT_A_CHARACTER)
		return true;
	switch (utf8proc_category((utf8proc_int32_t)character)) {
	case UTF8PROC_CATEGORY_LU:
	case UTF8PROC_CATEGORY_LL:
	case UTF8PROC_CATEGORY_LT:
	case UTF8PROC_CATEGORY_LM:
	case UTF8PROC_CATEGORY_LO:
	case UTF8PROC_CATEGORY_MN:
	case UTF8PROC_CATEGORY_MC:
	case UTF8PROC_CATEGORY_ME:
	case UTF8PROC_CATEGORY_ND:
	case UTF8PROC_CATEGORY_NL:
	case UTF8PROC_CATEGORY_NO:
		return true;
	default:
		return false;
	}
}

static size_t word_before(const struct input *in)
{
	size_t at = in->cursor;
	while (at > 0 && !is_word(in, grapheme_before(in, at)))
		at = grapheme_before(in, at);
	while (at > 0 && is_word(in, grapheme_before(in, at)))
		at = grapheme_before(in, at);
	return at;
}

static size_t word_after(const struct input *in)
{
	size_t at = in->cursor;
	while (at < in->len && !is_word(in, at))
		at = grapheme_after(in, at);
	while (at < in->len && is_word(in, at))
		at = grapheme_after(in, at);
	return at;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

static size_t blank_before(const struct input *in)
{
	size_t at = in->cursor;
	while (at > 0 && is_blank(in->bytes[at - 1]))
		at--;
	while (at > 0 && !is_blank(in->bytes[at - 1]))
		at--;
	return at;
}

/* Keys that move */

static enum input_result key_line_start(struct input *in)
{
	return move_to(in, input_line_start(in));
}

static enum input_result key_line_end(struct input *in)
{
	return move_to(in, input_line_end(in));
}

static enum input_result key_back(struct input *in)
{
	return move_to(in, grapheme_before(in, in->cursor));
}

static enum input_result key_forward(struct input *in)
{
	return move_to(in, grapheme_after(in, in->cursor));
}

static enum input_result key_word_back(struct input *in)
{
	return move_to(in, word_before(in));
}

static enum input_result key_word_forward(struct input *in)
{
	return move_to(in, word_after(in));
}

/* Keys that delete */

static enum input_result cut(struct input *in, size_t from, size_t to)
{
	return input_change(in, from, to - from, SLICE(""));
}

static enum input_result key_backspace(struct input *in)
{
	return cut(in, grapheme_before(in, in->cursor), in->cursor);
}

static enum input_result key_delete(struct input *in)
{
	return cut(in, in->cursor, grapheme_after(in, in->cursor));
}

static enum input_result key_delete_or_end(struct input *in)
{
	return in->len == 0 ? INPUT_END : key_delete(in);
}

/* Into the kill ring; what is killed in a row is one text there, as it stood. */
static bool keep_killed(struct input *in, struct slice killed, bool is_before)
{
	struct texts *kills = &in->kills;
	if (!in->last_was_kill || kills->count == 0)
		return texts_add(kills, killed);
	struct buffer both = { 0 };
	struct slice last = texts_get(kills, kills->count - 1);
	bool ok = buffer_append_slice(&both, is_before ? killed : last) &&
		  buffer_append_slice(&both, is_before ? last : killed);
	if (ok)
		texts_drop_newest(kills);
	ok = ok && texts_add(kills, buffer_slice(&both));
	buffer_wipe(&both);
	return ok;
}

static enum input_result kill(struct input *in, size_t from, size_t to)
{
	if (from == to)
		return INPUT_NOTHING;
	if (!in->is_secret)
		keep_killed(in, slice_of(in->bytes + from, to - from), to == in->cursor);
	return cut(in, from, to);
}

static enum input_result key_kill_blank_word(struct input *in)
{
	return kill(in, blank_before(in), in->cursor);
}

static enum input_result key_kill_word_back(struct input *in)
{
	return kill(in, word_before(in), in->cursor);
}

static enum input_result key_kill_word(struct input *in)
{
	return kill(in, in->cursor, word_after(in));
}

static enum input_result key_kill_to_start(struct input *in)
{
	return kill(in, input_line_start(in), in->cursor);
}

static enum input_result key_kill_to_end(struct input *in)
{
	size_t end = input_line_end(in);
	return kill(in, in->cursor, end == in->cursor && end < in->len ? end + 1 : end);
}

static enum input_result key_clear(struct input *in)
{
	return in->len == 0 ? INPUT_UNUSED : cut(in, 0, in->len);
}

/* Keys that insert */

static enum input_result key_yank(struct input *in)
{
	if (in->kills.count == 0 || in->is_secret)
		return INPUT_NOTHING;
	in->yank_index = in->kills.count - 1;
	in->yank_at = in->cursor;
	return input_change(in, in->cursor, 0, texts_get(&in->kills, in->yank_index));
}

static enum input_result key_yank_older(struct input *in)
{
	if (!in->last_was_yank || in->kills.count < 2)
		return INPUT_NOTHING;
	in->yank_index = in->yank_index == 0 ? in->kills.count - 1 : in->yank_index - 1;
	return input_change(
	    in, in->yank_at, in->cursor - in->yank_at, texts_get(&in->kills, in->yank_index));
}

static enum input_result key_transpose(struct input *in)
{
	char swapped[2 * GRAPHEME_MAX_LEN];
	size_t middle = in->cursor;
	if (middle == input_line_end(in) && middle > 0)
		middle = grapheme_before(in, middle);
	if (middle == 0 || middle == in->len || in->bytes[middle - 1] == '\n' || in->is_secret)
		return INPUT_NOTHING;
	size_t from = grapheme_before(in, middle), to = grapheme_after(in, middle);
	memcpy(swapped, in->bytes + middle, to - middle);
	memcpy(swapped + (to - middle), in->bytes + from, middle - from);
	return input_change(in, from, to - from, slice_of(swapped, to - from));
}

static enum input_result key_new_line(struct input *in)
{
	bool is_first = in->len == 0 || memchr(in->bytes, '\n', in->len) == NULL;
	enum input_result result =
	    in->is_secret ? INPUT_NOTHING : input_change(in, in->cursor, 0, SLICE("\n"));
	return result == INPUT_CHANGED && is_first ? INPUT_NEW_LINE : result;
}

static enum input_result key_submit(struct input *in)
{
	return INPUT_SUBMIT;
}

static enum input_result key_undo(struct input *in)
{
	const struct undo_step *step = undo_newest(&in->undo);
	if (step == NULL || !input_put(in, step->at, step->inserted_len,
				slice_of(step->removed, step->removed_len)))
		return INPUT_NOTHING;
	undo_drop(&in->undo);
	return INPUT_CHANGED;
}

/* A word that is typed without a pause for another key is one change. */
static enum input_result type(struct input *in, uint32_t character)
{
	char bytes[KEY_UTF8_LEN];
	size_t len = key_utf8(character, bytes);
	bool goes_on = in->is_typing && character != ' ' && !in->is_secret;
	if (len == 0 || (len == 1 && text_is_control(bytes[0])))
		return INPUT_UNUSED;
	if (!goes_on)
		return input_change(in, in->cursor, 0, slice_of(bytes, len));
	if (!input_put(in, in->cursor, 0, slice_of(bytes, len)))
		return INPUT_FULL;
	undo_extend(&in->undo, len);
	return INPUT_CHANGED;
}

/* The keys */

enum { KILLS = 1, YANKS = 2 };

#define ALT(letter)                                                                                \
	{                                                                                          \
		.kind = TYPED_TEXT, .code = (letter), .alt = true                                  \
	}
#define CONTROL(letter)                                                                            \
	{                                                                                          \
		.kind = TYPED_CONTROL, .code = (letter)                                            \
	}
#define NAMED(typed)                                                                               \
	{                                                                                          \
		.kind = (typed)                                                                    \
	}

static const struct {
	enum input_result (*press)(struct input *in);
	struct key key;
	unsigned flags;
} keys[] = {
	{ key_line_start, CONTROL('A') },
	{ key_line_start, NAMED(TYPED_HOME) },
	{ key_line_end, CONTROL('E') },
	{ key_line_end, NAMED(TYPED_END) },
	{ key_back, CONTROL('B') },
	{ key_back, NAMED(TYPED_LEFT) },
	{ key_forward, CONTROL('F') },
	{ key_forward, NAMED(TYPED_RIGHT) },
	{ key_word_back, ALT('b') },
	{ key_word_back, { .kind = TYPED_LEFT, .control = true } },
	{ key_word_back, { .kind = TYPED_LEFT, .alt = true } },
	{ key_word_forward, ALT('f') },
	{ key_word_forward, { .kind = TYPED_RIGHT, .control = true } },
	{ key_word_forward, { .kind = TYPED_RIGHT, .alt = true } },
	{ key_backspace, NAMED(TYPED_BACKSPACE) },
	{ key_backspace, CONTROL('H') },
	{ key_delete, NAMED(TYPED_DELETE) },
	{ key_delete_or_end, CONTROL('D') },
	{ key_kill_blank_word, CONTROL('W'), KILLS },
	{ key_kill_word_back, { .kind = TYPED_BACKSPACE, .alt = true }, KILLS },
	{ key_kill_word_back, { .kind = TYPED_BACKSPACE, .control = true }, KILLS },
	{ key_kill_word, ALT('d'), KILLS },
	{ key_kill_word, { .kind = TYPED_DELETE, .control = true }, KILLS },
	{ key_kill_to_start, CONTROL('U'), KILLS },
	{ key_kill_to_end, CONTROL('K'), KILLS },
	{ key_clear, CONTROL('C') },
	{ key_yank, CONTROL('Y'), YANKS },
	{ key_yank_older, ALT('y'), YANKS },
	{ key_transpose, CONTROL('T') },
	{ key_undo, CONTROL('_') },
	{ key_submit, NAMED(TYPED_ENTER) },
	{ key_submit, CONTROL('M') },
	{ key_submit, CONTROL('J') },
	{ key_new_line, { .kind = TYPED_ENTER, .alt = true } },
	{ key_new_line, { .kind = TYPED_CONTROL, .code = 'M', .alt = true } },
	{ key_new_line, { .kind = TYPED_CONTROL, .code = 'J', .alt = true } },
};

static bool is_same(struct key a, struct key b)
{
	return a.kind == b.kind && a.code == b.code && a.alt == b.alt && a.control == b.control;
}

enum input_result input_edit_key(struct input *in, struct key key)
{
	enum input_result result = INPUT_UNUSED;
	unsigned flags = 0;
	bool is_typing = key.kind == TYPED_TEXT && !key.alt;
	if (is_typing)
		result = type(in, key.code);
	for (size_t i = 0; !is_typing && i < sizeof(keys) / sizeof(*keys); i++) {
		if (is_same(keys[i].key, key)) {
			result = keys[i].press(in);
			flags = keys[i].flags;
			break;
		}
	}
	if (result == INPUT_UNUSED)
		return result;
	bool has_changed = result == INPUT_CHANGED;
	in->last_was_kill = has_changed && (flags & KILLS) != 0;
	in->last_was_yank = has_changed && (flags & YANKS) != 0;
	in->is_typing = has_changed && is_typing;
	return result;
}
