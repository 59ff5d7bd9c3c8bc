#include "client/full/input.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "client/full/find.h"
#include "client/full/input_edit.h"
#include "client/full/width.h"
#include "protocol/text.h"

enum { HISTORY_TEXT_MAX_LEN = INPUT_HISTORY_MAX_BYTES / 4 };

void input_init(struct input *in, input_complete_fn *complete, void *ctx)
{
	*in = (struct input){ .complete = complete, .complete_ctx = ctx };
	in->history.max = TEXTS_MAX;
	in->history.max_bytes = INPUT_HISTORY_MAX_BYTES;
	in->kills.max = INPUT_KILLS;
	in->kills.max_bytes = INPUT_KILLS_MAX_BYTES;
	undo_init(&in->undo);
}

void input_destroy(struct input *in)
{
	input_clear(in);
	input_wipe(&in->bytes, in->cap);
	texts_clear(&in->history);
	texts_clear(&in->kills);
	buffer_wipe(&in->paste);
	buffer_clear(&in->candidates);
	sodium_memzero(in->query, sizeof(in->query));
	input_init(in, NULL, NULL);
}

struct slice input_text(const struct input *in)
{
	return slice_of(in->len > 0 ? in->bytes : "", in->len);
}

static void end_candidates(struct input *in)
{
	buffer_clear(&in->candidates);
	in->candidate_count = 0;
}

static void forget_typed(struct input *in)
{
	input_wipe(&in->typed, in->typed_len);
	in->typed_len = 0;
	in->history_at = in->history.count;
}

static void forget_last_key(struct input *in)
{
	in->last_was_kill = in->last_was_yank = in->is_typing = false;
	end_candidates(in);
}

bool input_set(struct input *in, struct slice text, size_t cursor)
{
	if (!input_put(in, 0, in->len, text))
		return false;
	while (cursor > 0 && cursor < text.len && ((unsigned char)text.ptr[cursor] & 0xc0) == 0x80)
		cursor--;
	in->cursor = cursor < text.len ? cursor : text.len;
	input_drop_paste(in);
	undo_clear(&in->undo);
	forget_typed(in);
	input_wipe(&in->searched_from, in->searched_from_len);
	forget_last_key(in);
	return true;
}

void input_clear(struct input *in)
{
	input_set(in, SLICE(""), 0);
}

void input_remember(struct input *in)
{
	struct slice text = input_text(in);
	struct texts *h = &in->history;
	bool is_again = h->count > 0 && slice_equal(texts_get(h, h->count - 1), text);
	if (!in->is_secret && text.len > 0 && text.len <= HISTORY_TEXT_MAX_LEN && !is_again)
		texts_add(h, text);
	in->history_at = h->count;
}

/* History */

/* Keeps the text in *copy, unless there is one already. false: no memory. */
static bool keep_text(const struct input *in, char **copy, size_t *len)
{
	struct slice text = input_text(in);
	if (*copy != NULL)
		return true;
	*copy = malloc(text.len + 1);
	if (*copy == NULL)
		return false;
	memcpy(*copy, text.ptr, text.len);
	*len = text.len;
	return true;
}

static struct slice history_text(const struct input *in, size_t number)
{
	return number < in->history.count ? texts_get(&in->history, number)
					  : slice_of(in->typed, in->typed_len);
}

/* The number-th text of the history, or what was typed, takes the place of what is there. */
static enum input_result show_history(struct input *in, size_t number)
{
	if (in->is_secret || !keep_text(in, &in->typed, &in->typed_len))
		return INPUT_NOTHING;
	enum input_result result = input_change(in, 0, in->len, history_text(in, number));
	if (number == in->history.count)
		forget_typed(in);
	in->history_at = number;
	return result == INPUT_FULL ? result : INPUT_CHANGED;
}

/* To the place in the other line that is as far from its start. */
static enum input_result move_into_line(struct input *in, size_t columns)
{
	size_t start = input_line_start(in), used;
	struct slice line = slice_of(in->bytes + start, input_line_end(in) - start);
	in->cursor = start + width_cut(line, columns, &used);
	return INPUT_CHANGED;
}

static enum input_result key_up(struct input *in)
{
	size_t start = input_line_start(in);
	size_t columns = width_of(slice_of(input_text(in).ptr + start, in->cursor - start));
	if (start > 0) {
		in->cursor = start - 1;
		return move_into_line(in, columns);
	}
	return in->history_at == 0 ? INPUT_NOTHING : show_history(in, in->history_at - 1);
}

static enum input_result key_down(struct input *in)
{
	size_t start = input_line_start(in), end = input_line_end(in);
	size_t columns = width_of(slice_of(input_text(in).ptr + start, in->cursor - start));
	if (end < in->len) {
		in->cursor = end + 1;
		return move_into_line(in, columns);
	}
	return in->history_at >= in->history.count ? INPUT_NOTHING
						   : show_history(in, in->history_at + 1);
}

/* Search in the history. What is found is shown at once; only when it is accepted it is a change. */

struct slice input_query(const struct input *in)
{
	return slice_of(in->query, in->query_len);
}

static enum input_result begin_search(struct input *in)
{
	if (in->is_secret || !keep_text(in, &in->searched_from, &in->searched_from_len))
		return INPUT_NOTHING;
	in->mode = INPUT_SEARCHING;
	in->query_len = 0;
	in->found_at = in->history.count;
	in->is_found = true;
	return INPUT_CHANGED;
}

/* The newest text at or before from that has the query in it. */
static enum input_result search(struct input *in, size_t from)
{
	size_t number = from < in->history.count ? from + 1 : in->history.count;
	in->is_found = false;
	while (number > 0 && !in->is_found) {
		number--;
		size_t at = find_text(texts_get(&in->history, number), input_query(in), 0);
		if (at != NOT_FOUND && input_put(in, 0, in->len, texts_get(&in->history, number))) {
			in->is_found = true;
			in->found_at = number;
			in->cursor = at;
		}
	}
	return INPUT_CHANGED;
}

static enum input_result search_older(struct input *in)
{
	if (in->query_len == 0 || in->found_at == 0)
		return INPUT_NOTHING;
	return search(in, in->found_at - 1);
}

/* Without what is found, as it was before. */
static void show_searched_from(struct input *in)
{
	input_put(in, 0, in->len, slice_of(in->searched_from, in->searched_from_len));
}

static void end_search(struct input *in, bool is_accepted)
{
	size_t cursor = in->cursor;
	in->mode = INPUT_EDITING;
	show_searched_from(in);
	input_wipe(&in->searched_from, in->searched_from_len);
	if (is_accepted && in->found_at < in->history.count &&
	    show_history(in, in->found_at) == INPUT_CHANGED)
		in->cursor = cursor < in->len ? cursor : in->len;
}

static enum input_result lengthen_query(struct input *in, uint32_t character)
{
	char bytes[KEY_UTF8_LEN];
	size_t len = key_utf8(character, bytes);
	if (len == 0 || in->query_len + len > sizeof(in->query))
		return INPUT_NOTHING;
	memcpy(in->query + in->query_len, bytes, len);
	in->query_len += len;
	return search(in, in->found_at);
}

static enum input_result shorten_query(struct input *in)
{
	if (in->query_len == 0)
		return INPUT_NOTHING;
	in->query_len -= grapheme_last(input_query(in));
	if (in->query_len > 0)
		return search(in, in->history.count);
	in->is_found = true;
	in->found_at = in->history.count;
	show_searched_from(in);
	return INPUT_CHANGED;
}

static bool is_control(struct key key, char letter)
{
	return key.kind == TYPED_CONTROL && key.code == (uint32_t)letter && !key.alt;
}

static enum input_result key_while_searching(struct input *in, struct key key)
{
	if (key.kind == TYPED_TEXT && !key.alt)
		return lengthen_query(in, key.code);
	if (key.kind == TYPED_BACKSPACE || is_control(key, 'H'))
		return shorten_query(in);
	if (is_control(key, 'R'))
		return search_older(in);
	bool is_given_up = is_control(key, 'G') || is_control(key, 'C');
	end_search(in, !is_given_up);
	if (is_given_up || key.kind == TYPED_ESCAPE)
		return INPUT_CHANGED;
	enum input_result result = input_key(in, key);
	return result == INPUT_NOTHING || result == INPUT_UNUSED ? INPUT_CHANGED : result;
}

/* Completion */

size_t input_candidate_count(const struct input *in)
{
	return in->candidate_count;
}

struct slice input_candidate(const struct input *in, size_t number)
{
	struct slice rest = buffer_slice(&in->candidates);
	for (; number > 0 && rest.len > 0; number--)
		rest = slice_skip(rest, strnlen(rest.ptr, rest.len - 1) + 1);
	return slice_of(rest.ptr, rest.len > 0 ? strnlen(rest.ptr, rest.len) : 0);
}

static size_t count_candidates(const struct input *in)
{
	struct slice rest = buffer_slice(&in->candidates);
	size_t count = 0;
	for (size_t i = 0; i < rest.len; i++)
		count += rest.ptr[i] == '\0';
	return count;
}

/* What all candidates begin with, in whole characters. */
static struct slice common_beginning(const struct input *in)
{
	struct slice common = input_candidate(in, 0);
	for (size_t i = 1; i < in->candidate_count; i++) {
		struct slice other = input_candidate(in, i);
		size_t len = 0;
		while (len < common.len && len < other.len && common.ptr[len] == other.ptr[len])
			len++;
		common.len = text_whole_chars(common, len);
	}
	return common;
}

static enum input_result put_candidate(struct input *in, struct slice candidate)
{
	return input_change(in, in->candidate_from, in->cursor - in->candidate_from, candidate);
}

static enum input_result cycle(struct input *in, bool is_back)
{
	size_t count = in->candidate_count;
	if (in->candidate_at == count)
		in->candidate_at = is_back ? count - 1 : 0;
	else
		in->candidate_at = (in->candidate_at + (is_back ? count - 1 : 1)) % count;
	return put_candidate(in, input_candidate(in, in->candidate_at));
}

static enum input_result key_tab(struct input *in, bool is_back)
{
	in->last_was_kill = in->last_was_yank = in->is_typing = false;
	if (in->complete == NULL || in->is_secret)
		return INPUT_NOTHING;
	if (in->candidate_count > 1)
		return cycle(in, is_back);
	end_candidates(in);
	size_t start = input_line_start(in), from = 0;
	struct slice before = slice_of(input_text(in).ptr + start, in->cursor - start);
	in->complete(in->complete_ctx, before, &from, &in->candidates);
	in->candidate_count = in->candidate_at = count_candidates(in);
	in->candidate_from = start + from;
	if (in->candidate_count == 0)
		return INPUT_NOTHING;
	struct slice common = common_beginning(in);
	bool is_longer = common.len > before.len - from || in->candidate_count == 1;
	enum input_result result = is_longer ? put_candidate(in, common) : INPUT_CHANGED;
	if (in->candidate_count == 1)
		end_candidates(in);
	return result;
}

/* Paste */

/* Only lines of text are pasted: tabs become spaces, other control characters are nothing anybody has typed. */
static bool append_pasted(struct buffer *out, struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		bool ok = true;
		if (c == '\n' || c == '\r')
			ok = (c == '\n' && i > 0 && text.ptr[i - 1] == '\r') ||
			     buffer_append(out, "\n", 1);
		else if (c == '\t')
			ok = buffer_append(out, "    ", 4);
		else if (!text_is_control(c))
			ok = buffer_append(out, &c, 1);
		if (!ok)
			return false;
	}
	return true;
}

static size_t count_lines(struct slice text)
{
	size_t lines = 1;
	for (size_t i = 0; i + 1 < text.len; i++)
		lines += text.ptr[i] == '\n' || (text.ptr[i] == '\r' && text.ptr[i + 1] != '\n');
	return lines;
}

struct slice input_pasted(const struct input *in)
{
	return buffer_slice(&in->paste);
}

struct slice input_answer(const struct input *in)
{
	return slice_of(in->answer, in->answer_len);
}

size_t input_paste_lines(const struct input *in)
{
	return count_lines(input_pasted(in));
}

bool input_paste_fits(const struct input *in)
{
	return in->len + in->paste.len <= INPUT_MAX_LEN;
}

void input_drop_paste(struct input *in)
{
	buffer_wipe(&in->paste);
	in->answer_len = 0;
	in->mode = INPUT_EDITING;
}

static enum input_result insert_pasted(struct input *in, struct slice text)
{
	struct buffer lines = { 0 };
	enum input_result result = INPUT_FULL;
	if (append_pasted(&lines, text)) {
		struct slice pasted = buffer_slice(&lines);
		while (slice_ends(pasted, SLICE("\n")))
			pasted.len--;
		const char *end =
		    in->is_secret && pasted.len > 0 ? memchr(pasted.ptr, '\n', pasted.len) : NULL;
		if (end != NULL)
			pasted.len = (size_t)(end - pasted.ptr);
		result = input_change(in, in->cursor, 0, pasted);
	}
	buffer_wipe(&lines);
	return result;
}

enum input_result input_paste(struct input *in, struct slice text)
{
	if (in->mode == INPUT_SEARCHING)
		end_search(in, true);
	forget_last_key(in);
	if (in->is_secret)
		return insert_pasted(in, text);
	if (in->mode != INPUT_ASKING && count_lines(text) <= INPUT_PASTE_ASK_LINES &&
	    in->len + text.len <= INPUT_MAX_LEN)
		return insert_pasted(in, text);
	/* What a terminal sends in two pieces is one paste. */
	if (in->paste.len + text.len > INPUT_PASTE_MAX_LEN ||
	    !buffer_append_slice(&in->paste, text)) {
		input_drop_paste(in);
		return INPUT_FULL;
	}
	in->mode = INPUT_ASKING;
	in->answer_len = 0;
	return INPUT_ASK;
}

static enum input_result take_answer(struct input *in)
{
	char letter = '\0';
	if (in->answer_len == 1)
		letter = (char)(in->answer[0] | 0x20); /* a small one */
	in->answer_len = 0;
	if (letter == 'f')
		return INPUT_AS_FILE;
	if (letter != 'c' && (letter != 'i' || !input_paste_fits(in)))
		return INPUT_CHANGED;
	enum input_result result =
	    letter == 'i' ? insert_pasted(in, input_pasted(in)) : INPUT_CHANGED;
	input_drop_paste(in);
	return result;
}

static enum input_result lengthen_answer(struct input *in, uint32_t character)
{
	char bytes[KEY_UTF8_LEN];
	size_t len = key_utf8(character, bytes);
	if (in->answer_len + len > sizeof(in->answer))
		return INPUT_NOTHING;
	memcpy(in->answer + in->answer_len, bytes, len);
	in->answer_len += len;
	return INPUT_CHANGED;
}

static enum input_result key_while_asking(struct input *in, struct key key)
{
	if (key.kind == TYPED_TEXT && !key.alt)
		return lengthen_answer(in, key.code);
	if (key.kind == TYPED_ENTER || is_control(key, 'M') || is_control(key, 'J'))
		return take_answer(in);
	if (key.kind == TYPED_BACKSPACE || is_control(key, 'H')) {
		if (in->answer_len > 0)
			in->answer_len -= grapheme_last(input_answer(in));
		return INPUT_CHANGED;
	}
	if (is_control(key, 'U'))
		in->answer_len = 0;
	else if (key.kind == TYPED_ESCAPE || is_control(key, 'C') || is_control(key, 'G'))
		input_drop_paste(in);
	else
		return INPUT_NOTHING;
	return INPUT_CHANGED;
}

/* Keys */

enum input_result input_key(struct input *in, struct key key)
{
	if (in->mode == INPUT_ASKING)
		return key_while_asking(in, key);
	if (in->mode == INPUT_SEARCHING)
		return key_while_searching(in, key);
	if ((key.kind == TYPED_TAB || is_control(key, 'I')) && !key.alt)
		return key_tab(in, false);
	if (key.kind == TYPED_BACK_TAB && in->candidate_count > 1)
		return key_tab(in, true);
	end_candidates(in);
	bool is_plain = !key.alt && !key.control;
	enum input_result result = INPUT_UNUSED;
	if (is_control(key, 'R'))
		result = begin_search(in);
	else if (key.kind == TYPED_UP && is_plain)
		result = key_up(in);
	else if (key.kind == TYPED_DOWN && is_plain)
		result = key_down(in);
	else
		return input_edit_key(in, key);
	in->last_was_kill = in->last_was_yank = in->is_typing = false;
	return result;
}
