#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "client/full/full.h"
#include "client/muting.h"

/* What waits is sent before we leave, if there is a connection; else it would be lost, and the person may not know. */
static bool must_warn(struct full *f)
{
	size_t unsent = session_waiting_texts(f->session);
	if (contact_state(f->contact) == CONTACT_ON || unsent <= f->unsent_told)
		return false;
	f->unsent_told = unsent;
	full_say(f, "%zu message%s to be sent; the same again leaves.", unsent,
	    unsent == 1 ? " waits" : "s wait");
	return true;
}

void full_quit(struct full *f)
{
	if (must_warn(f))
		return;
	if (contact_state(f->contact) == CONTACT_OVER) {
		f->is_over = true;
	} else if (f->is_quitting) {
		contact_end(f->contact, EXIT_QUIT, "");
	} else {
		f->is_quitting = true;
		f->is_stale = true;
		contact_quit(f->contact, clock_now_ms());
	}
}

static void do_quit(struct full *f, struct slice arguments)
{
	full_quit(f);
}

static void do_online(struct full *f, struct slice arguments)
{
	if (!session_ask_online(f->session)) {
		full_no_memory(f);
		return;
	}
	f->names_wanted++;
	if (contact_state(f->contact) != CONTACT_ON)
		full_say(f, "Not connected; the answer comes later.");
}

static void do_new_target(struct full *f, struct slice arguments)
{
	if (arguments.len == 0) {
		full_ask(f, QUESTION_TARGET);
		return;
	}
	f->question = QUESTION_NOTHING;
	if (!full_talk_to(f, arguments)) {
		full_say_text(
		    f, arguments, "A name has 1 to 32 letters, digits and _, which this is not: ");
		full_ask(f, QUESTION_TARGET);
	}
}

/* The conversation with the group opens with group chat, and stays to be read without it. */
static void do_toggle(struct full *f, struct slice arguments)
{
	if (!session_toggle_group(f->session)) {
		full_no_memory(f);
		return;
	}
	bool is_on = session_group_is_on(f->session);
	full_switch(f, model_place(&f->model, model_group(&f->model)));
	full_prompt(f, NULL, false);
	full_say(f, "%s",
	    is_on
		? "Group chat is on: you hear the group, and what you type here goes to all who have it on."
		: "Group chat is off: the group is not heard any more; what was said stays here to be read. :toggle: turns it on again.");
}

/* Whom a file goes to: the person of the current conversation. */
static struct slice file_target(struct full *f)
{
	const struct conversation *c = model_current(&f->model);
	if (c->kind == WITH_PERSON)
		return conversation_name(c);
	full_say(
	    f, "A file goes to one person: open the conversation first, with :new_target: NAME.");
	return SLICE("");
}

static void do_upload(struct full *f, struct slice arguments)
{
	struct slice target = file_target(f);
	if (target.len == 0 || !transfer_may_begin(&f->transfer))
		return;
	if (arguments.len == 0) {
		full_ask(f, QUESTION_FILE);
		return;
	}
	transfer_upload_typed(&f->transfer, target, arguments);
	if (f->transfer.kind == TRANSFER_UPLOAD)
		full_say(f, "Sending; C-c on an empty line stops it.");
}

void full_answer_file(struct full *f, struct slice line)
{
	line = slice_trim(line);
	if (line.len > 0)
		do_upload(f, line);
}

static void do_download(struct full *f, struct slice arguments)
{
	transfer_download(&f->transfer);
}

static void do_status(struct full *f, struct slice arguments)
{
	char server[SERVER_TEXT_SIZE], since[64] = "";
	time_t seconds = (time_t)(contact_since_ms(f->contact) / 1000);
	struct tm when;
	if (seconds > 0 && localtime_r(&seconds, &when) != NULL)
		strftime(since, sizeof(since), "connected since %Y-%m-%d %H:%M:%S", &when);
	full_say(f, "server: %s, %s", server_name_text(&f->options->server, server),
	    seconds > 0 ? since : f->state_text);
	full_say(f, "trust: %s", contact_trust_text(f->contact));
	full_say_text(f, session_user(f->session), "user: ");
	full_say(f, "group chat: %s", session_group_is_on(f->session) ? "on" : "off");
	full_say(f, "history: %s", f->history.is_on ? f->history.folder : "not kept");
	if (session_waiting_texts(f->session) > 0)
		full_say(f, "not sent yet: %zu", session_waiting_texts(f->session));
}

static void do_help(struct full *f, struct slice arguments)
{
	for (const struct command *c = commands; c->word != NULL; c++)
		full_say(f, "%-13s%-10s%s", c->word, c->arguments, c->help);
	full_say(f,
	    "/verb works as :verb: does, // sends a slash. Alt-1…9, C-n, C-p: another conversation; Alt-a: the next with something new. PgUp, PgDn: back "
	    "and forth; C-s: search back. C-r: search what was typed. Tab completes. C-c clears the line, C-z suspends, C-d leaves.");
}

static struct muting_user muting_user(struct full *f)
{
	return (struct muting_user){ .session = f->session, .tell = full_tell, .ctx = f };
}

/* What of the muted is unread is no news. */
static void mark_muted(struct full *f)
{
	for (size_t i = 0; i < f->model.count; i++) {
		struct conversation *c = f->model.conversations[i];
		c->is_muted = session_has_muted(f->session, conversation_name(c));
	}
}

static void do_mute(struct full *f, struct slice arguments)
{
	struct muting_user user = muting_user(f);
	muting_mute(&user, arguments);
	mark_muted(f);
}

static void do_unmute(struct full *f, struct slice arguments)
{
	struct muting_user user = muting_user(f);
	muting_unmute(&user, arguments);
	mark_muted(f);
}

static void do_forget(struct full *f, struct slice arguments)
{
	struct conversation *c = model_current(&f->model);
	struct why why;
	if (!history_forget(&f->history, c, &why)) {
		full_say_text(f, slice_str(why.text), "not forgotten: ");
		return;
	}
	model_forget(&f->model, c);
	full_say(f, "What was said here is forgotten, on the disk too.");
}

static void do_resend(struct full *f, struct slice arguments)
{
	full_resend(f);
}

static void do_close(struct full *f, struct slice arguments)
{
	if (model_current(&f->model)->kind != WITH_PERSON) {
		full_say(f, "This conversation stays.");
		return;
	}
	if (model_close(&f->model, f->model.current))
		full_prompt(f, NULL, false);
	else
		full_say(f, "A message here still waits to be sent; close this when it is.");
}

static void (*const handlers[COMMAND_COUNT])(struct full *f, struct slice arguments) = {
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
	[COMMAND_FORGET] = do_forget,
	[COMMAND_RESEND] = do_resend,
	[COMMAND_CLOSE] = do_close,
};

void full_order(struct full *f, enum command_id id, struct slice arguments)
{
	f->is_stale = true;
	handlers[id](f, arguments);
}

/* A paste as a file */

/* In a folder of its own, so that it has a name that can be told from others, and nobody else can read it. */
static bool make_paste(struct full *f, struct slice text, struct why *why)
{
	char folder[] = "/tmp/messager-XXXXXX", when[32];
	time_t seconds = (time_t)(clock_wall_ms() / 1000);
	struct tm now;
	if (localtime_r(&seconds, &now) == NULL ||
	    strftime(when, sizeof(when), "%Y%m%d-%H%M%S", &now) == 0 || mkdtemp(folder) == NULL)
		return why_fail(why, "cannot make the folder %s: %s", folder, strerror(errno));
	snprintf(f->paste_path, sizeof(f->paste_path), "%s/paste-%s.txt", folder, when);
	if (folder_replace(f->paste_path, text, why))
		return true;
	full_drop_paste(f);
	return false;
}

bool full_send_paste(struct full *f, struct slice text)
{
	struct slice target = file_target(f);
	struct why why;
	if (target.len == 0 || !transfer_may_begin(&f->transfer))
		return false;
	if (!make_paste(f, text, &why)) {
		full_say_text(f, slice_str(why.text), "The paste could not be written to a file: ");
		return false;
	}
	transfer_upload(&f->transfer, target, f->paste_path);
	if (f->transfer.kind == TRANSFER_UPLOAD)
		return true;
	full_drop_paste(f);
	return false;
}

void full_drop_paste(struct full *f)
{
	char *name = strrchr(f->paste_path, '/');
	if (name == NULL)
		return;
	unlink(f->paste_path);
	*name = '\0';
	rmdir(f->paste_path);
	f->paste_path[0] = '\0';
}
