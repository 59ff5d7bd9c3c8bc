#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "base/clock.h"
#include "client/full/full.h"
#include "client/full/line.h"

enum { HURRY_PAUSE_MS = 1000 };

/* The line being typed */

static void default_prompt(const struct full *f, char out[static FULL_PROMPT_SIZE])
{
	const struct conversation *c = model_current(&f->model);
	if (c->kind == WITH_PERSON)
		snprintf(out, FULL_PROMPT_SIZE, "%.*s> ", (int)c->name_len, c->name);
	else
		snprintf(out, FULL_PROMPT_SIZE, "%s> ", c->kind == WITH_GROUP ? "group" : "");
}

static void set_prompt(struct full *f, const char *question, bool is_secret)
{
	if (question != NULL)
		snprintf(f->prompt, sizeof(f->prompt), "%s", question);
	else
		default_prompt(f, f->prompt);
	f->input.is_secret = is_secret;
	f->is_stale = true;
}

void full_prompt(struct full *f, const char *question, bool is_secret)
{
	input_clear(&f->input);
	set_prompt(f, question, is_secret);
	struct conversation *c = model_current(&f->model);
	if (question != NULL || c->draft == NULL)
		return;
	input_set(&f->input, slice_of(c->draft, c->draft_len), c->draft_cursor);
	conversation_keep_draft(c, SLICE(""), 0);
}

/* The answer to a question is no draft, and a question keeps the draft. */
void full_keep_draft(struct full *f)
{
	if (f->question == QUESTION_NOTHING && !conversation_keep_draft(model_current(&f->model),
						   input_text(&f->input), f->input.cursor))
		full_no_memory(f);
}

static void take_draft(struct full *f)
{
	if (f->question == QUESTION_NOTHING)
		full_prompt(f, NULL, false);
}

static void stop_searching(struct full *f)
{
	f->view.is_searching = false;
	f->view.found = NO_LINE;
	f->query_len = 0;
	f->is_stale = true;
}

void full_switch(struct full *f, size_t place)
{
	if (place >= f->model.count)
		return;
	full_unask(f);
	stop_searching(f);
	full_keep_draft(f);
	model_switch(&f->model, place);
	take_draft(f);
	f->is_doubtful = false;
	f->is_stale = true;
}

/* One can leave at every question; a password may be any words. */
static bool is_good_bye(const struct full *f)
{
	struct line_meaning meaning = line_read(input_text(&f->input));
	return !f->input.is_secret && meaning.kind == LINE_COMMAND &&
	       meaning.command == COMMAND_QUIT;
}

/* An answer is copied first: what it leads to may ask the next question, and a password must not stay where it was typed. */
static void submit_answer(struct full *f)
{
	char copy[FILENAME_PATH_SIZE];
	struct slice text = input_text(&f->input);
	const char *end = text.len == 0 ? NULL : memchr(text.ptr, '\n', text.len);
	size_t len = end == NULL ? text.len : (size_t)(end - text.ptr);
	if (len > sizeof(copy))
		len = sizeof(copy);
	memcpy(copy, text.ptr, len);
	input_clear(&f->input);
	full_answer(f, slice_of(copy, len));
	sodium_memzero(copy, sizeof(copy));
}

/* A command that nobody knows. It stays where it was typed. */
static void tell_unknown(struct full *f, const struct line_meaning *meaning)
{
	if (meaning->kind == LINE_DOUBTFUL) {
		f->is_doubtful = true;
		full_say(f, "Did you mean %s? Enter once more sends it as a message.",
		    meaning->near->word);
	} else if (meaning->near != NULL) {
		full_say(f,
		    "There is no such command; did you mean %s? Nothing was sent. // sends a slash.",
		    meaning->near->word);
	} else {
		full_say(f,
		    "There is no such command; :help: lists them. Nothing was sent. // sends a slash.");
	}
}

/* Takes the next line off the text. false: there is none. */
static bool take_line(struct slice *text, struct slice *line_r)
{
	const char *end = text->len == 0 ? NULL : memchr(text->ptr, '\n', text->len);
	*line_r = slice_of(text->ptr, end == NULL ? text->len : (size_t)(end - text->ptr));
	bool is_line = text->len > 0;
	*text = slice_skip(*text, line_r->len + (end != NULL));
	return is_line;
}

/* Can all lines be sent, and were they meant to be? Else nothing is, and the person is told. */
static bool are_messages(struct full *f, struct slice text)
{
	struct slice line;
	for (size_t number = 1; take_line(&text, &line); number++) {
		struct line_meaning meaning = line_read(line);
		if (meaning.kind == LINE_DOUBTFUL && f->is_doubtful)
			continue;
		if (meaning.kind == LINE_DOUBTFUL) {
			f->is_doubtful = true;
			full_say(f,
			    "Nothing was sent: line %zu is like the command %s. Enter once more sends it as a message.",
			    number, meaning.near->word);
			return false;
		}
		if (meaning.kind != LINE_MESSAGE) {
			full_say(f,
			    "Nothing was sent: line %zu reads as a command, which is typed in a line of its own. // sends a slash.",
			    number);
			return false;
		}
		if (meaning.text.len > FULL_TEXT_MAX_LEN) {
			full_say(f,
			    "Nothing was sent: line %zu is too long for a message; :upload: sends a file.",
			    number);
			return false;
		}
	}
	return true;
}

/* Without what was sent, so that it is not sent twice. */
static void keep_rest(struct full *f, size_t sent_len)
{
	struct buffer rest = { 0 };
	if (!buffer_append_slice(&rest, slice_skip(input_text(&f->input), sent_len)) ||
	    !input_set(&f->input, buffer_slice(&rest), rest.len))
		full_no_memory(f);
	buffer_wipe(&rest);
}

/* The protocol has no line ends within a message: each line is one, but for empty ones. */
static bool send_lines(struct full *f, struct slice text)
{
	struct slice rest = text, line;
	if (!are_messages(f, text))
		return false;
	for (size_t sent_len = 0; take_line(&rest, &line); sent_len = text.len - rest.len) {
		struct line_meaning meaning = line_read(line);
		struct slice said = meaning.kind == LINE_MESSAGE ? meaning.text : line;
		if (said.len > 0 && !full_message(f, said)) {
			keep_rest(f, sent_len);
			return false;
		}
	}
	return true;
}

/* What is typed has had its effect. */
static void done(struct full *f)
{
	input_remember(&f->input);
	input_clear(&f->input);
	f->is_doubtful = false;
}

/* The command may lead to another line being typed: the present one is put away first. */
static void submit_command(struct full *f, const struct line_meaning *meaning)
{
	char arguments[FILENAME_PATH_SIZE];
	size_t len = meaning->text.len < sizeof(arguments) ? meaning->text.len : sizeof(arguments);
	enum command_id id = meaning->command;
	memcpy(arguments, meaning->text.ptr, len);
	done(f);
	full_keep_draft(f);
	full_order(f, id, slice_of(arguments, len));
}

static void submit(struct full *f)
{
	struct slice text = input_text(&f->input);
	f->is_stale = true;
	if (f->question != QUESTION_NOTHING && is_good_bye(f)) {
		full_quit(f);
		return;
	}
	if (f->question != QUESTION_NOTHING) {
		submit_answer(f);
		return;
	}
	if (text.len == 0)
		return;
	view_scroll_to_end(&f->view);
	if (memchr(text.ptr, '\n', text.len) != NULL) {
		if (send_lines(f, text))
			done(f);
		return;
	}
	struct line_meaning meaning = line_read(text);
	if (meaning.kind == LINE_DOUBTFUL && f->is_doubtful)
		meaning = (struct line_meaning){ .kind = LINE_MESSAGE, .text = text };
	if (meaning.kind == LINE_COMMAND)
		submit_command(f, &meaning);
	else if (meaning.kind != LINE_MESSAGE)
		tell_unknown(f, &meaning);
	else if (full_message(f, meaning.text))
		done(f);
}

static void obey(struct full *f, enum input_result result)
{
	switch (result) {
	case INPUT_SUBMIT:
		submit(f);
		break;
	case INPUT_END:
		full_quit(f);
		break;
	case INPUT_NEW_LINE:
		if (!f->was_line_end_told)
			full_say(f,
			    "A message has one line: each line that you type is sent as a message of its own.");
		f->was_line_end_told = true;
		break;
	case INPUT_FULL:
		full_say(f, "There is no room for more in one line; :upload: sends a file.");
		break;
	case INPUT_AS_FILE:
		if (full_send_paste(f, input_pasted(&f->input)))
			input_drop_paste(&f->input);
		break;
	case INPUT_UNUSED:
	case INPUT_NOTHING:
		return;
	default:
		break;
	}
	if (result == INPUT_CHANGED)
		f->is_doubtful = false;
	f->is_stale = true;
}

/* Searching back in the conversation */

static void search(struct full *f, uint64_t before)
{
	struct conversation *c = model_current(&f->model);
	f->view.found = f->query_len == 0
			    ? NO_LINE
			    : conversation_search(c, before, slice_of(f->query, f->query_len));
	if (f->view.found != NO_LINE)
		view_scroll_to(&f->view, f->view.found);
	f->is_stale = true;
}

static void search_begin(struct full *f)
{
	f->view.is_searching = true;
	f->view.found = NO_LINE;
	f->query_len = 0;
	f->is_stale = true;
}

static void search_further(struct full *f)
{
	const struct conversation *c = model_current(&f->model);
	search(f, f->view.found == NO_LINE ? c->end : f->view.found);
}

static void search_for_more(struct full *f, uint32_t character)
{
	char bytes[KEY_UTF8_LEN];
	size_t len = key_utf8(character, bytes);
	const struct conversation *c = model_current(&f->model);
	if (f->query_len + len > sizeof(f->query))
		return;
	memcpy(f->query + f->query_len, bytes, len);
	f->query_len += len;
	search(f, f->view.found == NO_LINE ? c->end : f->view.found + 1);
}

static void search_for_less(struct full *f)
{
	while (f->query_len > 0 && (f->query[--f->query_len] & 0xc0) == 0x80)
		;
	search(f, model_current(&f->model)->end);
}

/* true: the key was the search's. */
static bool search_key(struct full *f, struct key key)
{
	bool is_control = key.kind == TYPED_CONTROL;
	if (key.kind == TYPED_TEXT && !key.alt)
		search_for_more(f, key.code);
	else if (key.kind == TYPED_BACKSPACE)
		search_for_less(f);
	else if (is_control && (key.code == 'S' || key.code == 'R'))
		search_further(f);
	else if (key.kind == TYPED_ENTER)
		stop_searching(f);
	else if (key.kind == TYPED_ESCAPE || (is_control && (key.code == 'C' || key.code == 'G'))) {
		stop_searching(f);
		view_scroll_to_end(&f->view);
	} else {
		stop_searching(f);
		return false;
	}
	return true;
}

/* Keys that are not the line's */

static void do_next(struct full *f)
{
	full_switch(f, model_next(&f->model, 1));
}

static void do_previous(struct full *f)
{
	full_switch(f, model_next(&f->model, -1));
}

static void do_active(struct full *f)
{
	full_switch(f, model_next_active(&f->model));
}

static void do_page_up(struct full *f)
{
	view_scroll(&f->view, -(long)view_page_rows(&f->view));
}

static void do_page_down(struct full *f)
{
	view_scroll(&f->view, (long)view_page_rows(&f->view));
}

static void do_redraw(struct full *f)
{
	f->must_redraw = true;
}

static const struct {
	struct key key;
	void (*act)(struct full *f);
} bindings[] = {
	{ { .kind = TYPED_CONTROL, .code = 'C' }, full_interrupt },
	{ { .kind = TYPED_CONTROL, .code = 'N' }, do_next },
	{ { .kind = TYPED_CONTROL, .code = 'P' }, do_previous },
	{ { .kind = TYPED_CONTROL, .code = 'S' }, search_begin },
	{ { .kind = TYPED_CONTROL, .code = 'L' }, do_redraw },
	{ { .kind = TYPED_PAGE_UP }, do_page_up },
	{ { .kind = TYPED_PAGE_DOWN }, do_page_down },
	{ { .kind = TYPED_TEXT, .code = 'a', .alt = true }, do_active },
	{ { .kind = TYPED_TEXT, .code = 'r', .alt = true }, full_resend },
	{ { .kind = TYPED_DOWN, .alt = true }, do_next },
	{ { .kind = TYPED_UP, .alt = true }, do_previous },
};

static bool is_same(struct key a, struct key b)
{
	return a.kind == b.kind && a.code == b.code && a.alt == b.alt && a.control == b.control;
}

static bool take_binding(struct full *f, struct key key)
{
	f->is_stale = true;
	if (key.kind == TYPED_TEXT && key.alt && key.code >= '1' && key.code <= '9') {
		full_switch(f, key.code - '1');
		return true;
	}
	for (size_t i = 0; i < sizeof(bindings) / sizeof(*bindings); i++) {
		if (is_same(bindings[i].key, key)) {
			bindings[i].act(f);
			return true;
		}
	}
	return false;
}

void full_interrupt(struct full *f)
{
	f->is_stale = true;
	if (f->view.is_searching) {
		stop_searching(f);
		view_scroll_to_end(&f->view);
	} else if (f->input.mode == INPUT_ASKING) {
		input_drop_paste(&f->input);
	} else if (f->input.mode == INPUT_SEARCHING) {
		input_key(&f->input, KEY_OF_CONTROL('G'));
	} else if (input_text(&f->input).len > 0) {
		input_clear(&f->input);
		f->is_doubtful = false;
	} else if (!transfer_stop(&f->transfer) && !full_unask(f)) {
		full_say(f, "C-c clears the line. :quit: leaves, or C-d on an empty line.");
	}
}

/* Whoever types wants the connection back now; one who types fast should not knock with every key. */
static void hurry(struct full *f)
{
	uint64_t now_ms = clock_now_ms();
	if (contact_state(f->contact) != CONTACT_PAUSING || now_ms < f->hurried_ms + HURRY_PAUSE_MS)
		return;
	f->hurried_ms = now_ms;
	contact_hurry(f->contact, now_ms);
}

static void take_key(struct full *f, struct key key)
{
	hurry(f);
	if (f->view.is_searching && search_key(f, key))
		return;
	if (f->input.mode == INPUT_EDITING && take_binding(f, key))
		return;
	if (key.kind == TYPED_CONTROL && key.code == 'C')
		full_interrupt(f);
	else
		obey(f, input_key(&f->input, key));
}

void full_take(struct full *f, const struct face_event *event)
{
	switch (event->kind) {
	case FACE_KEY:
		take_key(f, event->key);
		break;
	case FACE_PASTE:
		stop_searching(f);
		if (event->is_cut)
			full_say(f,
			    "More was pasted than 8 MiB: the rest was left out. :upload: sends a file.");
		obey(f, input_paste(&f->input, event->text));
		break;
	case FACE_FOCUS:
	case FACE_BLUR:
		f->focus = event->kind == FACE_FOCUS ? FOCUS_HERE : FOCUS_ELSEWHERE;
		model_set_watched(&f->model, f->focus == FOCUS_HERE);
		f->is_stale = true;
		break;
	}
}
