#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/clock.h"
#include "client/choice.h"
#include "client/full/full.h"
#include "client/reply.h"

static void answer_server(struct full *f, struct slice line);
static void answer_trust(struct full *f, struct slice line);
static void answer_sign_up(struct full *f, struct slice line);
static void answer_user(struct full *f, struct slice line);
static void answer_password(struct full *f, struct slice line);
static void answer_again(struct full *f, struct slice line);
static void answer_retry(struct full *f, struct slice line);
static void answer_keep(struct full *f, struct slice line);

static const struct {
	const char *prompt;
	bool is_secret;
	void (*answer)(struct full *f, struct slice line);
	const char *guide; /* said with the question; NULL: nothing */
} questions[] = {
	[QUESTION_SERVER] = { "Server [localhost]: ", false, answer_server,
	    "Which server? Type its name as you were told it, for example chat.example.org, and press Enter." },
	[QUESTION_TRUST] = { "Trust this key from now on? (yes/no) ", false, answer_trust, NULL },
	[QUESTION_SIGN_UP] = { "Sign up? (y/n) ", false, answer_sign_up,
	    "Connected. y makes a new account on this server; n (or Enter) logs in to the one you have." },
	[QUESTION_USER] = { "Username: ", false, answer_user, NULL },
	[QUESTION_PASSWORD] = { "Password: ", true, answer_password,
	    "Your password; it is not shown while you type." },
	[QUESTION_PASSWORD_AGAIN] = { "Password again: ", true, answer_again, NULL },
	[QUESTION_RETRY] = { "Try again? (y/n) ", false, answer_retry, NULL },
	[QUESTION_TARGET] = { "Target: ", false, full_answer_target,
	    "Whom do you want to talk to? Type a name and press Enter; Tab completes the names of those online." },
	[QUESTION_FILE] = { "File: ", false, full_answer_file,
	    "Which file? Type its path; Tab completes it. Enter alone changes your mind." },
	[QUESTION_KEEP] = { "Remember this server and your name? (y/n) ", false, answer_keep,
	    "With y, messager alone brings you here the next time, and asks for nothing but the password." },
};

void full_ask(struct full *f, enum full_question question)
{
	if (f->guided != question && questions[question].guide != NULL)
		full_say(f, "%s", questions[question].guide);
	f->guided = question;
	if (question == QUESTION_TARGET)
		full_ask_names(f);
	full_keep_draft(f);
	f->question = question;
	full_prompt(f, questions[question].prompt, questions[question].is_secret);
}

void full_answer(struct full *f, struct slice line)
{
	enum full_question question = f->question;
	f->question = QUESTION_NOTHING;
	full_prompt(f, NULL, false);
	questions[question].answer(f, line);
}

bool full_unask(struct full *f)
{
	enum full_question question = f->question;
	if (question != QUESTION_TARGET && question != QUESTION_FILE && question != QUESTION_KEEP)
		return false;
	f->question = QUESTION_NOTHING;
	full_prompt(f, NULL, false);
	if (question == QUESTION_KEEP)
		full_talk_begin(f);
	return true;
}

/* The way to the session */

static void connect_now(struct full *f)
{
	char server[SERVER_TEXT_SIZE];
	full_say(f, "Connecting to %s …", server_name_text(&f->options->server, server));
	contact_connect(f->contact, clock_now_ms());
}

void full_begin(struct full *f)
{
	if (f->options->server.host[0] == '\0')
		full_ask(f, QUESTION_SERVER);
	else
		connect_now(f);
}

static void answer_server(struct full *f, struct slice line)
{
	struct choice choice = { .settings = f->settings,
		.options = f->options,
		.contact = f->contact,
		.password = f->password,
		.leave = full_leave,
		.enter = full_enter,
		.ctx = f };
	struct why why;
	f->was_asked = true;
	bool is_taken = choice_take(&choice, line, &why);
	if (why.text[0] != '\0')
		full_say(f, "%s", why.text);
	if (!is_taken) {
		full_ask(f, QUESTION_SERVER);
		return;
	}
	full_take_options(f);
	connect_now(f);
}

static void ask_for_trust(struct full *f, const char *fingerprint)
{
	char server[SERVER_TEXT_SIZE];
	full_say(f, "%s is not known yet. Its key has the fingerprint",
	    server_name_text(&f->options->server, server));
	full_say(f, "%s", fingerprint);
	full_say(f,
	    "Compare it with what the server's operator says: if it is the same, nobody stands in between. yes remembers the key, no leaves.");
	full_ask(f, QUESTION_TRUST);
}

static void answer_trust(struct full *f, struct slice line)
{
	int answer = reply_yes_or_no(line, -1);
	if (answer < 0)
		full_ask(f, QUESTION_TRUST);
	else
		contact_trust(f->contact, answer == 1, clock_now_ms());
}

/* Asks for what is still open, or logs in. */
static void advance(struct full *f)
{
	if (!f->knows_sign_up) {
		full_ask(f, QUESTION_SIGN_UP);
	} else if (f->user_len == 0) {
		full_say(f, "%s",
		    f->sign_up ? "Choose a name: 1 to 32 letters, digits and _."
			       : "The name of your account.");
		full_ask(f, QUESTION_USER);
	} else if (!password_is_set(f->password)) {
		full_ask(f, QUESTION_PASSWORD);
	} else {
		full_say(f, "%s", f->sign_up ? "Signing up …" : "Logging in …");
		contact_log_in(
		    f->contact, f->sign_up, slice_of(f->user, f->user_len), clock_now_ms());
	}
}

static void answer_sign_up(struct full *f, struct slice line)
{
	int answer = reply_yes_or_no(line, 0);
	if (answer >= 0) {
		f->knows_sign_up = true;
		f->sign_up = answer == 1;
	}
	advance(f);
}

static void answer_user(struct full *f, struct slice line)
{
	line = slice_trim(line);
	if (name_can_be_sent(line) && line.len <= sizeof(f->user)) {
		f->was_asked = true;
		f->user_len = line.len;
		memcpy(f->user, line.ptr, line.len);
	} else {
		full_say(f, "A name has no spaces.");
	}
	advance(f);
}

/* One that nobody can see is typed twice before it becomes the account's. */
static void answer_password(struct full *f, struct slice line)
{
	struct why why;
	if (!password_set(f->password, line, &why))
		full_say(f, "That won't do: %s.", why.text);
	else if (f->sign_up) {
		full_ask(f, QUESTION_PASSWORD_AGAIN);
		return;
	}
	advance(f);
}

static void answer_again(struct full *f, struct slice line)
{
	struct slice first = password_get(f->password);
	if (line.len != first.len || sodium_memcmp(line.ptr, first.ptr, first.len) != 0) {
		full_say(f, "That was not the same as before.");
		password_clear(f->password);
	}
	advance(f);
}

/* Without a session */

/* It may be accepted a while later as it is. */
static void ask_for_retry(struct full *f, const char *text)
{
	f->was_refused = true;
	snprintf(f->end_text, sizeof(f->end_text), "the server says: %s", text);
	full_say(f, "The server says: %s.", text);
	full_ask(f, QUESTION_RETRY);
}

/* The person is there: whatever was refused can be said otherwise, also what came from a file. */
static void ask_again(struct full *f, const char *text)
{
	f->was_refused = true;
	full_say(f, "The server says: %s.", text);
	f->user_len = 0;
	f->knows_sign_up = false;
	password_clear(f->password);
	advance(f);
}

static void answer_retry(struct full *f, struct slice line)
{
	int answer = reply_yes_or_no(line, -1);
	if (answer < 0) {
		full_ask(f, QUESTION_RETRY);
	} else if (answer == 1) {
		f->end_text[0] = '\0';
		connect_now(f);
	} else {
		f->is_over = true;
	}
}

/* What has ended it stays to be read, until the person has decided. */
static void on_ended(struct full *f, const struct contact_event *event)
{
	f->status = event->status;
	f->has_undelivered = f->has_undelivered || session_waiting_texts(f->session) > 0;
	if (f->is_quitting || f->signal != 0 || event->text[0] == '\0') {
		f->is_over = true;
		return;
	}
	snprintf(f->end_text, sizeof(f->end_text), "%s", event->text);
	full_say(f, "%s", event->text);
	full_ask(f, QUESTION_RETRY);
}

static void on_logged_in(struct full *f, bool is_back)
{
	f->sign_up = false;
	f->lost_text[0] = '\0';
	model_set_me(&f->model, session_user(f->session));
	if (is_back) {
		full_say(f, "The connection is back.");
		return;
	}
	f->has_talked = true;
	full_history_begin(f);
	full_say_text(f, session_user(f->session), "You are logged in as ");
	if (f->was_asked && !f->settings->has_file && f->settings->path[0] != '\0')
		full_ask(f, QUESTION_KEEP);
	else
		full_talk_begin(f);
}

static void keep(struct full *f)
{
	char name[SETTINGS_SHORT_NAME_SIZE] = "";
	struct why why;
	if (settings_remember(
		f->settings, &f->options->server, session_user(f->session), name, &why))
		full_say(f, "Kept as %s in %s, where colours and notices can be set too.", name,
		    f->settings->path);
	else
		full_say_text(f, slice_str(why.text), "not kept: ");
}

static void answer_keep(struct full *f, struct slice line)
{
	int answer = reply_yes_or_no(line, 0);
	if (answer < 0) {
		full_ask(f, QUESTION_KEEP);
		return;
	}
	if (answer == 1)
		keep(f);
	full_talk_begin(f);
}

static void on_lost(struct full *f, const struct contact_event *event)
{
	/* One that fails again and again in the same way is told once. */
	if (f->lost_text[0] == '\0')
		full_say(f,
		    "%s. It is tried again by itself, and at once on any key; what you type meanwhile is sent then.",
		    event->text);
	else if (strcmp(f->lost_text, event->text) != 0)
		full_say(f, "%s", event->text);
	snprintf(f->lost_text, sizeof(f->lost_text), "%s", event->text);
	f->retry_ms = clock_now_ms() + event->pause_ms;
}

void full_on_contact_event(void *ctx, const struct contact_event *event)
{
	struct full *f = ctx;
	f->is_stale = true;
	switch (event->kind) {
	case CONTACT_WARNING:
		full_say(f, "%s", event->text);
		break;
	case CONTACT_NEW_KEY:
		ask_for_trust(f, event->text);
		break;
	case CONTACT_READY:
		advance(f);
		break;
	case CONTACT_TRY_AGAIN:
	case CONTACT_REFUSED:
		if (event->is_passing)
			ask_for_retry(f, event->text);
		else
			ask_again(f, event->text);
		break;
	case CONTACT_LOGGED_IN:
		on_logged_in(f, event->is_back);
		break;
	case CONTACT_LOST:
		on_lost(f, event);
		break;
	case CONTACT_ENDED:
		on_ended(f, event);
		break;
	}
}
