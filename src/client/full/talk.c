#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "client/full/full.h"
#include "client/full/line.h"
#include "client/sanitize.h"
#include "protocol/name.h"

enum {
	NONSENSE_SHOWN_LEN = 200,
	ASK_NAMES_EVERY_MS = 10 * 1000, /* while somebody has missed something */
	NAMES_FRESH_MS = 3 * 1000,      /* so old a list of names is good enough for Tab */
	STATE_EVERY_MS = 1000,          /* while it counts seconds */
	SIGN_TEXT_MAX_LEN = 200,        /* of a text in a notice to the desktop */
	SIGN_SIZE = 1024,
};

/* Conversations */

static void load(struct full *f, struct conversation *c)
{
	struct why why;
	if (!f->has_talked || c->is_loaded || c->kind == WITH_SERVER)
		return;
	c->is_loaded = true;
	if (!history_read(&f->history, &f->model, c, &why))
		full_say_text(f, slice_str(why.text), "history: ");
}

static struct conversation *open_with(struct full *f, struct slice name)
{
	struct conversation *c = model_open(&f->model, name);
	if (c != NULL)
		load(f, c);
	return c;
}

static void keep_line(struct full *f, struct conversation *c, uint64_t number)
{
	struct why why;
	if (number == NO_LINE)
		full_no_memory(f);
	else if (!history_append(&f->history, c, conversation_line(c, number), &why))
		full_say_text(f, slice_str(why.text), "history: ");
}

bool full_talk_to(struct full *f, struct slice name)
{
	bool is_plausible =
	    name.len > 0 && name.len <= SESSION_NAME_MAX_LEN && name_check(name) != NAME_CHARACTERS;
	struct conversation *c = is_plausible ? open_with(f, name) : NULL;
	if (c == NULL)
		return false;
	full_switch(f, model_place(&f->model, c));
	return true;
}

void full_ask_names(struct full *f)
{
	if (contact_state(f->contact) != CONTACT_ON)
		return;
	f->names_asked_ms = clock_now_ms();
	if (!session_ask_online(f->session))
		full_no_memory(f);
}

void full_tab_names(struct full *f, size_t typed_len, bool is_found)
{
	uint64_t now_ms = clock_now_ms();
	bool is_asked = f->names_asked_ms > f->names_ms;
	bool is_old = now_ms >= (is_asked ? f->names_asked_ms : f->names_ms) + NAMES_FRESH_MS;
	if (f->is_tab_again)
		return;
	if (is_old || (!is_found && !is_asked))
		full_ask_names(f);
	f->tab_end = is_found ? 0 : typed_len + 1;
}

/* Somebody has come whom Tab did not find, and what was typed stands as it was. */
static void repeat_tab(struct full *f)
{
	bool is_same = f->input.mode == INPUT_EDITING && f->input.cursor + 1 == f->tab_end;
	f->tab_end = 0;
	f->is_tab_again = true;
	if (is_same)
		input_key(&f->input, KEY_NAMED(TYPED_TAB));
	f->is_tab_again = false;
}

void full_history_begin(struct full *f)
{
	char server[SERVER_TEXT_SIZE];
	struct why why;
	server_name_text(&f->options->server, server);
	if (!history_init(&f->history, f->settings->log, server, session_user(f->session), &why))
		full_say_text(f, slice_str(why.text), "history: ");
	for (size_t i = 0; i < f->model.count; i++)
		load(f, f->model.conversations[i]);
}

void full_history_end(struct full *f)
{
	struct why why;
	if (!f->has_talked)
		return;
	model_note_waiting(&f->model, session_waiting_texts(f->session));
	for (size_t i = 0; i < f->model.count; i++) {
		const struct conversation *c = f->model.conversations[i];
		uint64_t number = conversation_waiting(c, c->first);
		for (; number != NO_LINE; number = conversation_waiting(c, number + 1))
			history_not_delivered(&f->history, c, conversation_line(c, number), &why);
	}
}

/* Whoever has to choose sees who is there; otherwise the names are for Tab. */
void full_talk_begin(struct full *f)
{
	const char *target = f->options->target;
	f->names_wanted += target == NULL;
	if (target != NULL && full_talk_to(f, slice_str(target))) {
		full_ask_names(f);
		full_say(f,
		    "Type, and Enter sends. :toggle: joins the group, :help: shows what else there is, :quit: leaves.");
		full_prompt(f, NULL, false);
	} else {
		full_ask(f, QUESTION_TARGET);
	}
}

static void greet(struct full *f)
{
	full_say(f, "What you type here goes to this person only; Enter sends it.");
	full_say(f,
	    ":toggle: joins the group, :upload: sends a file, :online: shows who is there, :help: what else there is, :quit: leaves. "
	    "Alt-1 to Alt-9, C-n and C-p change between conversations.");
}

/* A command does not answer it. */
static void order_instead(struct full *f, enum command_id command, struct slice arguments)
{
	bool is_moot = command == COMMAND_NEW_TARGET || command == COMMAND_TOGGLE;
	full_order(f, command, arguments);
	if (f->question == QUESTION_NOTHING && !is_moot && !f->is_quitting)
		full_ask(f, QUESTION_TARGET);
}

void full_answer_target(struct full *f, struct slice line)
{
	struct slice name = slice_trim(line);
	struct line_meaning meaning = line_read(name);
	if (meaning.kind == LINE_COMMAND) {
		order_instead(f, meaning.command, meaning.text);
		return;
	}
	if (name.len == 0) {
		full_say(f,
		    "Nobody, then. :new_target: NAME opens a conversation, :toggle: joins the group, :help: shows what else there is.");
	} else if (full_talk_to(f, name)) {
		greet(f);
	} else {
		full_say_text(
		    f, name, "A name has 1 to 32 letters, digits and _, which this is not: ");
		full_ask(f, QUESTION_TARGET);
	}
}

/* Sending */

static bool send(struct full *f, struct conversation *c, struct slice text)
{
	bool ok = c->kind == WITH_GROUP ? session_group_message(f->session, text)
					: session_message(f->session, conversation_name(c), text);
	if (!ok) {
		full_no_memory(f);
		return false;
	}
	keep_line(f, c, model_add_mine(&f->model, c, clock_wall_ms(), text));
	return true;
}

bool full_message(struct full *f, struct slice text)
{
	struct conversation *c = model_current(&f->model);
	f->is_stale = true;
	if (!f->has_talked) {
		full_say(f, "Not logged in yet, so this was not sent.");
	} else if (c->kind == WITH_SERVER) {
		full_say(f,
		    "Nobody reads this here. :new_target: NAME talks to somebody, :toggle: to the group.");
	} else if (c->kind == WITH_GROUP && !session_group_is_on(f->session)) {
		full_say(f, "Group chat is off, so this was not sent; :toggle: turns it on.");
	} else if (text.len > FULL_TEXT_MAX_LEN) {
		full_say(f,
		    "This is too long for a message, so it was not sent; :upload: sends a file.");
	} else if (session_waiting_bytes(f->session) >= FULL_WAITING_MAX_BYTES) {
		full_say(f, "Too much waits to be sent already; this was not taken.");
	} else {
		return send(f, c, text);
	}
	return false;
}

/* What was not delivered */

static void offer(struct full *f, struct slice user)
{
	struct conversation *c = model_find(&f->model, user);
	if (c == NULL || c->undelivered == 0 || c->is_offered)
		return;
	c->is_offered = true;
	full_say_in(f, c,
	    "%.*s is online. %zu message%s not delivered: :resend: or Alt-r sends %s again.",
	    (int)c->name_len, c->name, c->undelivered, c->undelivered == 1 ? " was" : "s were",
	    c->undelivered == 1 ? "it" : "them");
}

void full_resend(struct full *f)
{
	struct conversation *c = model_current(&f->model);
	uint64_t end = c->end, number = conversation_undelivered(c, c->first);
	size_t count = 0;
	/* what is sent again is added at the end */
	for (; number != NO_LINE && number < end;
	     number = conversation_undelivered(c, number + 1)) {
		struct buffer text = { 0 };
		if (!buffer_append_slice(&text, said_text(conversation_line(c, number)))) {
			full_no_memory(f);
			return;
		}
		model_note_repeated(&f->model, c, number);
		bool ok = send(f, c, buffer_slice(&text));
		buffer_clear(&text);
		if (!ok)
			return;
		count++;
	}
	c->is_offered = false;
	if (count == 0)
		full_say(f, "Nothing here waits to be sent again.");
}

/* What has become of a text, in the conversation and on the disk. NULL: the conversation does not have it. */
static struct conversation *note(
    struct full *f, const struct session_event *event, enum said_state state)
{
	uint64_t number;
	struct why why;
	model_note_waiting(&f->model, session_waiting_texts(f->session));
	struct conversation *c =
	    model_note_state(&f->model, event->target, event->text, state, &number);
	if (c == NULL)
		return NULL;
	const struct said *line = conversation_line(c, number);
	bool ok = state == STATE_NOT_DELIVERED ? history_not_delivered(&f->history, c, line, &why)
					       : history_doubtful(&f->history, c, line, &why);
	if (!ok)
		full_say_text(f, slice_str(why.text), "history: ");
	return c;
}

/* A conversation that was closed is opened for as long as its history is corrected; what was forgotten stays so. */
static void note_gone(struct full *f, const struct session_event *event, enum said_state state)
{
	if (event->target.len == 0 || model_find(&f->model, event->target) != NULL)
		return;
	struct conversation *c = open_with(f, event->target);
	if (c == NULL)
		return;
	note(f, event, state);
	model_close(&f->model, model_place(&f->model, c));
}

static void on_not_delivered(struct full *f, const struct session_event *event)
{
	f->has_undelivered = true;
	struct conversation *c = note(f, event, STATE_NOT_DELIVERED);
	if (c == NULL) {
		note_gone(f, event, STATE_NOT_DELIVERED);
		full_say_text(f, event->text, "Not delivered to %.*s: ", (int)event->target.len,
		    event->target.ptr);
		return;
	}
	c->is_offered = false;
	if (c->undelivered == 1)
		full_say_in(f, c,
		    "Not delivered: %s. You are told when %.*s is seen online, and can send it again then.",
		    f->refusal, (int)c->name_len, c->name);
	f->ask_names_ms = clock_now_ms() + ASK_NAMES_EVERY_MS;
}

/* As on_not_delivered(), but nobody knows. words: how that is called. */
static void on_unsure(
    struct full *f, const struct session_event *event, enum said_state state, const char *words)
{
	f->has_undelivered = true;
	if (note(f, event, state) != NULL)
		return;
	note_gone(f, event, state);
	full_say_text(f, event->text, "%s, to %.*s: ", words,
	    event->target.len == 0 ? 5 : (int)event->target.len,
	    event->target.len == 0 ? "group" : event->target.ptr);
}

static void on_doubtful(struct full *f, const struct session_event *event)
{
	f->has_undelivered = true;
	if (event->target.len == 0 && event->text.len == 0)
		full_say(
		    f, "%zu of the last messages were not delivered: %s", event->count, f->refusal);
	else
		on_unsure(f, event, STATE_DOUBTFUL, "Perhaps not delivered");
}

static bool is_anybody_missing(const struct full *f)
{
	for (size_t i = 0; i < f->model.count; i++) {
		if (f->model.conversations[i]->undelivered > 0)
			return true;
	}
	return false;
}

/* An answer to :online:, or to what was asked for Tab and for those who have missed something. */
static void on_names(struct full *f, struct slice names)
{
	struct slice rest = names, name;
	if (f->names_wanted > 0) {
		f->names_wanted--;
		full_say_text(f, names, "online: ");
	}
	buffer_take(&f->online, f->online.len);
	buffer_append_slice(&f->online, names);
	f->names_ms = clock_now_ms();
	repeat_tab(f);
	while (word_take(&rest, &name))
		offer(f, name);
}

/* Signs */

/* For a command: what begins like an option is none. */
static void argument_of(struct slice text, char out[static SIGN_SIZE])
{
	char safe[SIGN_TEXT_MAX_LEN + 1];
	sanitize_string(text, safe, sizeof(safe));
	snprintf(out, SIGN_SIZE, "%s%s", safe[0] == '-' ? " " : "", safe);
}

static void make_sign(struct full *f, const struct conversation *c, const struct said *said)
{
	char sender[SIGN_SIZE], text[SIGN_SIZE], sign[2 * SIGN_SIZE + 16];
	enum unread level = said->is_mention        ? UNREAD_MENTION
			    : c->kind == WITH_GROUP ? UNREAD_GROUP
						    : UNREAD_DIRECT;
	struct why why;
	struct notice notice = notice_decide(f->settings, level, c->is_muted, f->focus,
	    c == model_current(&f->model), clock_now_ms(), &f->rung_ms);
	if (!notice.bell && !notice.osc9 && !notice.command)
		return;
	argument_of(said_sender(said), sender);
	argument_of(said_text(said), text);
	snprintf(
	    sign, sizeof(sign), "%s%s: %s", c->kind == WITH_GROUP ? "group " : "", sender, text);
	f->face->ring(f->face, notice.bell, notice.osc9 ? sign : NULL);
	if (notice.command && !notify_run(&f->notify, sender, text, &why) && why.text[0] != '\0')
		full_say_text(f, slice_str(why.text), "notices: ");
}

/* What the session says */

static void on_message(struct full *f, struct conversation *c, const struct session_event *event)
{
	if (c == NULL) {
		full_say_text(f, event->text, "from somebody whose name can't be kept: ");
		return;
	}
	uint64_t number = model_add_other(&f->model, c, clock_wall_ms(), event->user, event->text);
	keep_line(f, c, number);
	if (number != NO_LINE)
		make_sign(f, c, conversation_line(c, number));
	offer(f, event->user);
}

static void on_nonsense(struct full *f, struct slice line)
{
	if (f->was_nonsense_told)
		return;
	f->was_nonsense_told = true;
	if (line.len > NONSENSE_SHOWN_LEN)
		line.len = NONSENSE_SHOWN_LEN;
	full_say_text(f, line, "the server says what this version does not know: ");
}

void full_on_session_event(void *ctx, const struct session_event *event)
{
	struct full *f = ctx;
	f->is_stale = true;
	switch (event->kind) {
	case SESSION_MESSAGE:
		on_message(f, open_with(f, event->user), event);
		break;
	case SESSION_GROUP_MESSAGE:
		on_message(f, model_group(&f->model), event);
		break;
	case SESSION_NAMES:
		on_names(f, event->text);
		break;
	case SESSION_WORDS:
		full_say_text(f, event->text, "the server says: ");
		break;
	case SESSION_REFUSED:
		sanitize_string(event->text, f->refusal, sizeof(f->refusal));
		break;
	case SESSION_NOT_DELIVERED:
		on_not_delivered(f, event);
		break;
	case SESSION_DOUBTFUL:
		on_doubtful(f, event);
		break;
	case SESSION_UNCONFIRMED:
		on_unsure(f, event, STATE_UNCONFIRMED, "May not have arrived");
		break;
	case SESSION_NONSENSE:
		on_nonsense(f, event->text);
		break;
	default: /* the contact deals with the others */
		transfer_on_event(&f->transfer, event);
		break;
	}
}

/* Time */

void full_talk_step(struct full *f)
{
	uint64_t now_ms = clock_now_ms();
	if (f->transfer.kind == TRANSFER_NONE)
		full_drop_paste(f);
	notify_step(&f->notify, now_ms);
	if (contact_state(f->contact) == CONTACT_PAUSING &&
	    now_ms >= f->shown_ms + STATE_EVERY_MS) {
		f->shown_ms = now_ms;
		f->is_stale = true;
	}
	if (now_ms < f->ask_names_ms)
		return;
	f->ask_names_ms = is_anybody_missing(f) ? now_ms + ASK_NAMES_EVERY_MS : UINT64_MAX;
	if (f->ask_names_ms != UINT64_MAX)
		full_ask_names(f);
}

uint64_t full_deadline_ms(const struct full *f)
{
	uint64_t first_ms = notify_deadline_ms(&f->notify);
	if (contact_state(f->contact) == CONTACT_PAUSING && f->shown_ms + STATE_EVERY_MS < first_ms)
		first_ms = f->shown_ms + STATE_EVERY_MS;
	return f->ask_names_ms < first_ms ? f->ask_names_ms : first_ms;
}
