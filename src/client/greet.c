#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "client/choice.h"
#include "client/plain.h"
#include "client/reply.h"

enum { LOGINS_TYPED_MAX = 3 };

static void answer_server(struct plain *p, struct slice line);
static void answer_trust(struct plain *p, struct slice line);
static void answer_sign_up(struct plain *p, struct slice line);
static void answer_user(struct plain *p, struct slice line);
static void answer_password(struct plain *p, struct slice line);
static void answer_file(struct plain *p, struct slice line);

static const struct {
	const char *prompt;
	bool is_secret;
	void (*answer)(struct plain *p, struct slice line);
} questions[] = {
	[ASK_SERVER] = { "Server [localhost]: ", false, answer_server },
	[ASK_TRUST] = { "Trust this key from now on? (yes/no) ", false, answer_trust },
	[ASK_SIGN_UP] = { "Sign up? (y/n) ", false, answer_sign_up },
	[ASK_USER] = { "Username: ", false, answer_user },
	[ASK_PASSWORD] = { "Password: ", true, answer_password },
	[ASK_FILE] = { "File: ", false, answer_file },
	[ASK_TARGET] = { "Target: ", false, talk_target_answer },
};

void greet_ask(struct plain *p, enum question question)
{
	p->question = question;
	if (p->is_interactive)
		typing_ask(
		    &p->screen.typing, questions[question].prompt, questions[question].is_secret);
}

void greet_answer(struct plain *p, struct slice line)
{
	enum question question = p->question;
	p->question = ASK_NOTHING;
	if (p->is_interactive)
		typing_ask(&p->screen.typing, "", false);
	questions[question].answer(p, line);
}

static void connect_now(struct plain *p)
{
	contact_connect(p->contact, clock_now_ms());
}

void greet_begin(struct plain *p)
{
	if (p->options->server.host[0] == '\0')
		greet_ask(p, ASK_SERVER);
	else
		connect_now(p);
}

static void answer_server(struct plain *p, struct slice line)
{
	struct choice choice = { .settings = p->settings,
		.options = p->options,
		.contact = p->contact,
		.password = p->password,
		.leave = plain_leave,
		.enter = plain_enter,
		.ctx = p };
	struct why why;
	bool is_taken = choice_take(&choice, line, &why);
	if (why.text[0] != '\0')
		screen_notice(&p->screen, "%s", why.text);
	if (!is_taken) {
		greet_ask(p, ASK_SERVER);
		return;
	}
	plain_take_options(p);
	connect_now(p);
}

static void answer_trust(struct plain *p, struct slice line)
{
	int answer = reply_yes_or_no(line, -1);
	if (answer < 0)
		greet_ask(p, ASK_TRUST);
	else
		contact_trust(p->contact, answer == 1, clock_now_ms());
}

/* Asks for what is still open, or logs in. */
static void advance(struct plain *p)
{
	if (!p->knows_sign_up)
		greet_ask(p, ASK_SIGN_UP);
	else if (p->user_len == 0)
		greet_ask(p, ASK_USER);
	else if (!password_is_set(p->password))
		greet_ask(p, ASK_PASSWORD);
	else
		contact_log_in(
		    p->contact, p->sign_up, slice_of(p->user, p->user_len), clock_now_ms());
}

static void answer_sign_up(struct plain *p, struct slice line)
{
	int answer = reply_yes_or_no(line, 0);
	if (answer >= 0) {
		p->knows_sign_up = true;
		p->sign_up = answer == 1;
	}
	advance(p);
}

static void answer_user(struct plain *p, struct slice line)
{
	line = slice_trim(line);
	if (name_can_be_sent(line) && line.len <= sizeof(p->user)) {
		p->user_len = line.len;
		memcpy(p->user, line.ptr, line.len);
	} else {
		screen_notice(&p->screen, "A name has 1 to 32 letters, digits and _.");
	}
	advance(p);
}

static void answer_password(struct plain *p, struct slice line)
{
	struct why why;
	p->password_was_typed = true;
	if (!password_set(p->password, line, &why))
		screen_notice(&p->screen, "%s", why.text);
	advance(p);
}

static void answer_file(struct plain *p, struct slice line)
{
	line = slice_trim(line);
	if (line.len > 0)
		transfer_upload_typed(&p->transfer, talk_target(p), line);
	talk_prompt(p);
}

static void ask_for_trust(struct plain *p, const char *fingerprint)
{
	char server[SERVER_TEXT_SIZE];
	screen_notice(&p->screen,
	    "%s is not known yet. Its key has the fingerprint\n  %s\nCompare it with what the server's operator says.",
	    server_name_text(&p->options->server, server), fingerprint);
	greet_ask(p, ASK_TRUST);
}

static void ask_again(struct plain *p)
{
	p->user_len = 0;
	password_clear(p->password);
	advance(p);
}

/* A wrong password that was typed may be typed again; what a file or a script says will not change. */
static void on_refused(struct plain *p, const char *text)
{
	bool may_ask = p->is_interactive && p->password_was_typed &&
		       strcmp(text, "incorrect username or password") == 0 &&
		       p->refusals < LOGINS_TYPED_MAX;
	if (may_ask) {
		screen_notice(&p->screen, "%s", text);
		ask_again(p);
	} else {
		contact_end(p->contact, EXIT_REFUSED, text);
	}
}

static void on_logged_in(struct plain *p, bool is_back)
{
	if (is_back) {
		screen_notice(&p->screen, "The connection is back.");
		return;
	}
	p->has_talked = true;
	talk_begin(p);
}

static void on_ended(struct plain *p, const struct contact_event *event)
{
	p->is_over = true;
	p->status = event->status;
	if (event->text[0] != '\0')
		screen_notice(&p->screen, "%s", event->text);
}

void greet_on_event(void *ctx, const struct contact_event *event)
{
	struct plain *p = ctx;
	switch (event->kind) {
	case CONTACT_WARNING:
		screen_notice(&p->screen, "%s", event->text);
		break;
	case CONTACT_NEW_KEY:
		ask_for_trust(p, event->text);
		break;
	case CONTACT_READY:
		advance(p);
		break;
	case CONTACT_TRY_AGAIN:
		p->refusals++;
		if (!p->is_interactive) {
			contact_end(p->contact, EXIT_REFUSED, event->text);
			break;
		}
		screen_notice(&p->screen, "%s", event->text);
		ask_again(p);
		break;
	case CONTACT_REFUSED:
		p->refusals++;
		on_refused(p, event->text);
		break;
	case CONTACT_LOGGED_IN:
		on_logged_in(p, event->is_back);
		break;
	case CONTACT_LOST:
		screen_notice(&p->screen, "%s\nTrying again in %.1f s, or at once on Enter.",
		    event->text, (double)event->pause_ms / 1000);
		break;
	case CONTACT_ENDED:
		on_ended(p, event);
		break;
	}
}
