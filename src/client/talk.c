#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "client/commands.h"
#include "client/muting.h"
#include "client/outgoing.h"
#include "client/plain.h"
#include "client/sanitize.h"
#include "protocol/name.h"

enum { NONSENSE_SHOWN_LEN = 200 };

static struct slice target_of(const struct plain *p)
{
	return slice_of(p->target, p->target_len);
}

static void no_memory(struct plain *p)
{
	contact_end(p->contact, EXIT_BROKEN, "out of memory");
}

/* The target, and what is kept for it */

struct slice talk_target(const struct plain *p)
{
	return p->has_target ? target_of(p) : SLICE("");
}

void talk_prompt(struct plain *p)
{
	char prompt[PROMPT_SIZE], progress[TRANSFER_PROMPT_SIZE];
	struct slice target = target_of(p);
	if (!p->is_interactive || p->question != ASK_NOTHING)
		return;
	if (!p->has_talked)
		prompt[0] = '\0';
	else if (errands_are_all(p))
		snprintf(prompt, sizeof(prompt), "%s", transfer_prompt(&p->transfer, progress));
	else if (session_group_is_on(p->session))
		snprintf(
		    prompt, sizeof(prompt), "%sgroup> ", transfer_prompt(&p->transfer, progress));
	else
		snprintf(prompt, sizeof(prompt), "%s%.*s> ",
		    transfer_prompt(&p->transfer, progress), (int)target.len, target.ptr);
	typing_ask(&p->screen.typing, prompt, false);
}

static void keep(struct plain *p, struct slice text)
{
	struct outgoing *o = outgoing_new(QUERY_MSG, target_of(p), text);
	if (o == NULL)
		no_memory(p);
	else
		list_append(&p->kept, &o->node);
}

/* What was kept goes to the target that there is now, in the order in which it was typed. */
static void send_kept(struct plain *p)
{
	list_each_safe(node, &p->kept) {
		struct outgoing *o = list_entry(node, struct outgoing, node);
		if (!session_message(p->session, target_of(p), outgoing_text(o))) {
			no_memory(p);
			return;
		}
		list_remove(node);
		free(o);
	}
}

static void set_target(struct plain *p, struct slice name)
{
	p->target_len = name.len;
	memmove(p->target, name.ptr, name.len);
	p->has_target = true;
	p->wants_target = false;
	send_kept(p);
}

/* Could a user have this name? A line that was meant as a message mostly could not. */
static bool is_plausible(struct slice name)
{
	return name.len > 0 && name.len <= TARGET_MAX_LEN && name_check(name) != NAME_CHARACTERS;
}

/* Asked in the midst of a line, the question would take that line for its answer. */
void talk_ask_if_wanted(struct plain *p)
{
	if (!p->wants_target || p->question != ASK_NOTHING || p->is_quitting)
		return;
	if (!p->is_interactive || p->screen.typing.edit.len == 0)
		greet_ask(p, ASK_TARGET);
}

static void want_target(struct plain *p)
{
	p->has_target = false;
	p->wants_target = true;
	talk_ask_if_wanted(p);
}

static void answer_in_pipe(struct plain *p, struct slice line)
{
	p->question = ASK_NOTHING;
	p->wants_target = false;
	if (is_plausible(line))
		set_target(p, line);
	else
		screen_notice_text(&p->screen, line, "no user can have this name: ");
}

static void answer_at_terminal(struct plain *p, struct slice line)
{
	bool had_target = p->target_len > 0;
	if (line.len == 0 && had_target)
		line = target_of(p); /* Enter alone: the same again */
	if (is_plausible(line)) {
		p->question = ASK_NOTHING;
		set_target(p, line);
		talk_prompt(p);
		return;
	}
	if (line.len > 0 && had_target) {
		screen_notice(
		    &p->screen, "That is no name; it is kept as a message for the next target.");
		keep(p, line);
	} else if (line.len > 0) {
		screen_notice(&p->screen, "A name has 1 to 32 letters, digits and _.");
	}
	greet_ask(p, ASK_TARGET);
}

static bool take_command(struct plain *p, struct slice line);

void talk_target_answer(struct plain *p, struct slice line)
{
	struct slice trimmed = line, name;
	if (word_take(&trimmed, &name) && !word_take(&trimmed, &(struct slice){ 0 }))
		line = name;
	p->question = ASK_TARGET; /* a command does not answer it */
	if (!take_command(p, line)) {
		if (p->is_interactive)
			answer_at_terminal(p, line);
		else
			answer_in_pipe(p, line);
	} else if (p->question == ASK_TARGET && !p->is_quitting) {
		greet_ask(p, ASK_TARGET);
	}
}

void talk_begin(struct plain *p)
{
	const char *target = p->options->target;
	if (p->is_interactive && !errands_are_all(p))
		screen_notice_text(&p->screen, session_user(p->session),
		    "Welcome. :help: shows the commands; you are ");
	if (target != NULL) {
		set_target(p, slice_str(target));
		talk_prompt(p);
	} else if (!errands_are_all(p)) {
		want_target(p);
	}
}

/* Commands */

static void do_online(struct plain *p, struct slice arguments)
{
	if (!session_ask_online(p->session))
		no_memory(p);
	else if (contact_state(p->contact) != CONTACT_ON)
		screen_notice(&p->screen, "not connected; the answer comes later");
}

static void do_new_target(struct plain *p, struct slice arguments)
{
	p->question = ASK_NOTHING;
	if (is_plausible(arguments)) {
		set_target(p, arguments);
		talk_prompt(p);
		return;
	}
	if (arguments.len > 0)
		screen_notice_text(&p->screen, arguments, "no user can have this name: ");
	if (p->is_interactive || arguments.len == 0)
		want_target(p);
	else
		p->has_target = false;
}

static void do_toggle(struct plain *p, struct slice arguments)
{
	if (!session_toggle_group(p->session)) {
		no_memory(p);
		return;
	}
	bool is_on = session_group_is_on(p->session);
	screen_set_green(&p->screen, is_on);
	screen_notice(&p->screen,
	    is_on ? "Group chat is on: what you type goes to the group." : "Group chat is off.");
	talk_prompt(p);
}

static void do_upload(struct plain *p, struct slice arguments)
{
	if (arguments.len > 0 || !p->is_interactive)
		transfer_upload_typed(&p->transfer, talk_target(p), arguments);
	else if (transfer_may_begin(&p->transfer))
		greet_ask(p, ASK_FILE);
}

static void do_download(struct plain *p, struct slice arguments)
{
	transfer_download(&p->transfer);
}

static const char *const state_texts[] = {
	[CONTACT_IDLE] = "not connected",
	[CONTACT_CONNECTING] = "connecting",
	[CONTACT_TRUSTING] = "connecting",
	[CONTACT_WAITING] = "not logged in",
	[CONTACT_LOGGING_IN] = "logging in",
	[CONTACT_ON] = "connected",
	[CONTACT_PAUSING] = "not connected, trying again",
	[CONTACT_OVER] = "not connected",
};

static void do_status(struct plain *p, struct slice arguments)
{
	char server[SERVER_TEXT_SIZE], since[64] = "";
	time_t seconds = (time_t)(contact_since_ms(p->contact) / 1000);
	struct tm when;
	if (seconds > 0 && localtime_r(&seconds, &when) != NULL)
		strftime(since, sizeof(since), " since %Y-%m-%d %H:%M:%S", &when);
	screen_notice(&p->screen, "server: %s, %s%s", server_name_text(&p->options->server, server),
	    state_texts[contact_state(p->contact)], since);
	screen_notice(&p->screen, "trust: %s", contact_trust_text(p->contact));
	screen_notice_text(&p->screen, session_user(p->session), "user: ");
	screen_notice_text(&p->screen, p->has_target ? target_of(p) : SLICE("nobody"), "target: ");
	screen_notice(&p->screen, "group chat: %s", session_group_is_on(p->session) ? "on" : "off");
	if (session_waiting_texts(p->session) > 0)
		screen_notice(&p->screen, "not sent yet: %zu", session_waiting_texts(p->session));
}

static void do_help(struct plain *p, struct slice arguments);

static struct muting_user muting_user(struct plain *p)
{
	return (struct muting_user){ .session = p->session, .tell = plain_tell, .ctx = p };
}

static void do_mute(struct plain *p, struct slice arguments)
{
	struct muting_user user = muting_user(p);
	muting_mute(&user, arguments);
}

static void do_unmute(struct plain *p, struct slice arguments)
{
	struct muting_user user = muting_user(p);
	muting_unmute(&user, arguments);
}

void talk_quit(struct plain *p)
{
	if (p->is_quitting || p->is_over)
		return;
	p->is_quitting = true;
	contact_quit(p->contact, clock_now_ms());
}

static void do_quit(struct plain *p, struct slice arguments)
{
	talk_quit(p);
}

static void (*const handlers[COMMAND_COUNT])(struct plain *p, struct slice arguments) = {
	[COMMAND_QUIT] = do_quit,
	[COMMAND_ONLINE] = do_online,
	[COMMAND_NEW_TARGET] = do_new_target,
	[COMMAND_TOGGLE] = do_toggle,
	[COMMAND_UPLOAD] = do_upload,
	[COMMAND_DOWNLOAD] = do_download,
	[COMMAND_STATUS] = do_status,
	[COMMAND_HELP] = do_help,
	[COMMAND_MUTE] = do_mute,
	[COMMAND_UNMUTE] = do_unmute,
};

static void do_help(struct plain *p, struct slice arguments)
{
	for (const struct command *c = commands; c->word != NULL; c++) {
		if (handlers[c->id] == NULL)
			continue;
		screen_notice(&p->screen, "%-13s%-10s%s", c->word, c->arguments, c->help);
	}
	screen_notice(&p->screen, "Everything else is a message.");
}

/* A command that only the full screen has is a message here. */
static bool take_command(struct plain *p, struct slice line)
{
	struct slice arguments;
	enum command_id id = command_find(line, &arguments);
	if (handlers[id] == NULL)
		return false;
	handlers[id](p, arguments);
	return true;
}

/* Lines */

void talk_message(struct plain *p, struct slice text)
{
	bool ok = true;
	if (session_group_is_on(p->session)) {
		ok = session_group_message(p->session, text);
	} else if (p->has_target) {
		ok = session_message(p->session, target_of(p), text);
	} else if (p->is_interactive) {
		keep(p, text);
	} else {
		p->has_undelivered = true;
		screen_notice_text(&p->screen, text, "not delivered, there is no target: ");
	}
	if (!ok)
		no_memory(p);
}

void talk_line(struct plain *p, struct slice line)
{
	if (p->is_interactive && line.len == 0)
		contact_hurry(p->contact, clock_now_ms());
	else if (!take_command(p, line))
		talk_message(p, line);
}

/* What the session says */

static void on_not_delivered(struct plain *p, const struct session_event *event)
{
	struct slice target = event->target;
	screen_notice_text(&p->screen, event->text, "not delivered to %.*s (%s): ", (int)target.len,
	    target.ptr, p->refusal);
	if (!p->is_interactive) {
		p->has_undelivered = true;
		return;
	}
	struct outgoing *o = outgoing_new(QUERY_MSG, target, event->text);
	if (o == NULL) {
		no_memory(p);
		return;
	}
	list_append(&p->kept, &o->node);
	want_target(p);
}

static void on_doubtful(struct plain *p, const struct session_event *event)
{
	struct slice target = event->target;
	p->has_undelivered = true;
	if (target.len == 0)
		screen_notice(&p->screen, "not delivered (%s): %zu of the last messages",
		    p->refusal, event->count);
	else
		screen_notice_text(&p->screen, event->text,
		    "%zu of the last messages not delivered (%s), perhaps this one to %.*s: ",
		    event->count, p->refusal, (int)target.len, target.ptr);
	if (p->is_interactive)
		want_target(p);
}

static void on_unconfirmed(struct plain *p, const struct session_event *event)
{
	struct slice target = event->target;
	p->has_undelivered = true;
	if (target.len == 0)
		target = SLICE("the group");
	screen_notice_text(
	    &p->screen, event->text, "may not have reached %.*s: ", (int)target.len, target.ptr);
}

static void on_nonsense(struct plain *p, struct slice line)
{
	if (p->was_nonsense_told)
		return;
	p->was_nonsense_told = true;
	if (line.len > NONSENSE_SHOWN_LEN)
		line.len = NONSENSE_SHOWN_LEN;
	screen_notice_text(&p->screen, line, "the server says what this version does not know: ");
}

void talk_on_event(void *ctx, const struct session_event *event)
{
	struct plain *p = ctx;
	switch (event->kind) {
	case SESSION_MESSAGE:
	case SESSION_GROUP_MESSAGE:
		screen_message(
		    &p->screen, event->kind == SESSION_GROUP_MESSAGE, event->user, event->text);
		break;
	case SESSION_NAMES:
		screen_notice_text(&p->screen, event->text, "online: ");
		break;
	case SESSION_WORDS:
		screen_notice_text(&p->screen, event->text, "the server says: ");
		break;
	case SESSION_REFUSED:
		sanitize_string(event->text, p->refusal, sizeof(p->refusal));
		break;
	case SESSION_NOT_DELIVERED:
		on_not_delivered(p, event);
		break;
	case SESSION_DOUBTFUL:
		on_doubtful(p, event);
		break;
	case SESSION_UNCONFIRMED:
		on_unconfirmed(p, event);
		break;
	case SESSION_NONSENSE:
		on_nonsense(p, event->text);
		break;
	default: /* the contact deals with the others */
		transfer_on_event(&p->transfer, event);
		break;
	}
}
