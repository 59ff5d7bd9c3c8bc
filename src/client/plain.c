#include "client/plain.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "base/clock.h"
#include "client/outgoing.h"
#include "client/terminal.h"
#include "protocol/text.h"

enum {
	READ_LEN = 16 * 1024,
	INPUT_MAX_LEN =
	    64 * 1024, /* not yet looked at; also the longest line that is taken whole */
	WAITING_MAX_BYTES = 64 * 1024, /* not yet sent; above it a pipe is not read */
	WAITING_AT_TERMINAL_MAX_BYTES = 1024 * 1024,
	SHOWN_MAX_BYTES =
	    256 * 1024, /* not yet read from standard output; above it the server is not read */
	POLL_MAX_MS = 60 * 1000,
};

enum { SLOT_INPUT, SLOT_OUT, SLOT_ERR, SLOT_LINK, SLOT_COUNT };

/* Input */

static size_t waiting_max(const struct plain *p)
{
	return p->is_interactive ? WAITING_AT_TERMINAL_MAX_BYTES : WAITING_MAX_BYTES;
}

/* What is typed, or comes through a pipe, before its time waits. */
static bool takes_lines(const struct plain *p)
{
	if (p->is_over || p->is_quitting || session_waiting_bytes(p->session) >= waiting_max(p))
		return false;
	if (errands_are_all(p) && p->has_talked)
		return false;
	if (p->is_interactive)
		return p->question != ASK_NOTHING || p->has_talked;
	return p->transfer.kind == TRANSFER_NONE && contact_state(p->contact) == CONTACT_ON;
}

static bool wants_input(const struct plain *p)
{
	if (p->input_has_ended || p->is_quitting || p->input.len >= INPUT_MAX_LEN)
		return false;
	return p->is_interactive || takes_lines(p);
}

/*
 * The terminal is in a mode in which a read never waits (what poll() has seen may be gone): nothing is not the end, unless the line is
 * hung up.
 */
static void read_input(struct plain *p, short revents)
{
	char *room = buffer_reserve(&p->input, READ_LEN);
	if (room == NULL) {
		contact_end(p->contact, EXIT_BROKEN, "out of memory");
		return;
	}
	ssize_t got = read(STDIN_FILENO, room, READ_LEN);
	if (got > 0)
		buffer_added(&p->input, (size_t)got);
	else if (got == 0 ? !p->is_interactive || (revents & POLLHUP) != 0
			  : errno != EINTR && errno != EAGAIN)
		p->input_has_ended = true;
}

static void take_line(struct plain *p, struct slice line)
{
	if (p->question != ASK_NOTHING)
		greet_answer(p, line);
	else
		talk_line(p, line);
	talk_ask_if_wanted(p);
}

/* The line is copied first: what it leads to may show the next one, and a password must not stay where it was typed. */
static void take_typed_line(struct plain *p)
{
	char copy[EDIT_MAX_LEN];
	struct edit *edit = &p->screen.typing.edit;
	size_t len = edit_line(edit).len;
	memcpy(copy, edit_line(edit).ptr, len);
	edit_clear(edit);
	take_line(p, slice_of(copy, len));
	sodium_memzero(copy, len);
	if (!p->is_quitting && !p->is_over)
		typing_show(&p->screen.typing);
}

static void take_typed(struct plain *p)
{
	while (p->input.len > 0 && takes_lines(p)) {
		char *next = p->input.mem + p->input.start, byte = *next;
		*next = 0; /* it may be part of a password */
		buffer_take(&p->input, 1);
		enum edit_result result = typing_byte(&p->screen.typing, byte);
		if (result == EDIT_LINE)
			take_typed_line(p);
		else if (result == EDIT_END)
			talk_quit(p);
	}
}

/*
 * Takes a line off the front of what came through a pipe; of one that is longer than the room for it, the beginning. false:
 * no whole line is there.
 */
static bool take_piped_line(struct plain *p)
{
	struct slice rest = buffer_slice(&p->input);
	const char *end = rest.len == 0 ? NULL : memchr(rest.ptr, '\n', rest.len);
	struct slice line = slice_of(rest.ptr, end == NULL ? rest.len : (size_t)(end - rest.ptr));
	bool was_in_long_line = p->is_in_long_line;
	if (end == NULL && rest.len < INPUT_MAX_LEN && !(p->input_has_ended && rest.len > 0))
		return false;
	p->is_in_long_line = end == NULL && !p->input_has_ended;
	if (p->is_in_long_line)
		line.len = text_whole_chars(line, line.len - 4);
	size_t taken = line.len + (end != NULL);
	if (!p->is_in_long_line && line.len > 0 && line.ptr[line.len - 1] == '\r')
		line.len--;
	if (was_in_long_line || p->is_in_long_line)
		talk_message(p, line);
	else
		take_line(p, line);
	buffer_take(&p->input, taken);
	return true;
}

static void take_input(struct plain *p)
{
	size_t before;
	do {
		/* sending may have made room */
		before = p->input.len;
		if (p->is_interactive)
			take_typed(p);
		while (!p->is_interactive && takes_lines(p) && take_piped_line(p))
			;
		contact_send(p->contact, clock_now_ms());
	} while (p->input.len != before && takes_lines(p));
	if (p->input_has_ended && p->input.len == 0 && (p->is_interactive || takes_lines(p)))
		talk_quit(p);
}

/* Signals */

void plain_leave(void *ctx)
{
	struct plain *p = ctx;
	screen_leave(&p->screen);
	terminal_restore();
}

void plain_enter(void *ctx)
{
	struct plain *p = ctx;
	terminal_take_over();
	typing_hide(&p->screen.typing);
	screen_return(&p->screen);
}

/* In a process group that no shell cares for any more, it does not stop but goes on at once. */
static void suspend(struct plain *p)
{
	plain_leave(p);
	signal_stop();
	signal_take(SIGCONT);
	plain_enter(p);
}

static void take_signals(struct plain *p)
{
	static const int ending[] = { SIGTERM, SIGHUP };
	for (int i = 0; i < 2; i++) {
		if (signal_take(ending[i])) {
			p->signal = ending[i];
			contact_end(p->contact, EXIT_BROKEN, "");
			return;
		}
	}
	if (signal_take(SIGINT)) {
		if (p->is_quitting)
			contact_end(p->contact, EXIT_QUIT, "");
		else if (!transfer_stop(&p->transfer))
			talk_quit(p);
	}
	if (signal_take(SIGTSTP))
		suspend(p);
	if (signal_take(SIGCONT))
		plain_enter(p);
	if (signal_take(SIGWINCH))
		p->screen.typing.columns = terminal_columns(STDERR_FILENO);
}

/* The loop */

static bool wants_records(const struct plain *p)
{
	return outlet_pending(&p->screen.out) < SHOWN_MAX_BYTES;
}

/* How long to wait, for poll(); the deadline is never far enough to overflow. */
static struct timespec time_left(const struct plain *p)
{
	uint64_t now_ms = clock_now_ms(), due_ms = contact_deadline_ms(p->contact);
	uint64_t shown_ms = transfer_deadline_ms(&p->transfer);
	if (shown_ms < due_ms)
		due_ms = shown_ms;
	uint64_t left_ms = due_ms <= now_ms ? 0 : due_ms - now_ms;
	if (left_ms > POLL_MAX_MS)
		left_ms = POLL_MAX_MS;
	return (struct timespec){ .tv_sec = (time_t)(left_ms / 1000),
		.tv_nsec = (long)(left_ms % 1000) * 1000 * 1000 };
}

static bool outlet_wants_poll(const struct outlet *o)
{
	return outlet_pending(o) > 0;
}

/* An outlet is watched also when nothing is pending: a reader that is gone is noticed at once. */
static struct pollfd outlet_poll(const struct outlet *o)
{
	return (struct pollfd){ .fd = o->is_broken ? -1 : o->fd,
		.events = (short)(outlet_wants_poll(o) ? POLLOUT : 0) };
}

static void outlet_look(struct outlet *o, short revents)
{
	if ((revents & (POLLERR | POLLHUP | POLLNVAL)) != 0)
		o->is_broken = true;
}

static void turn(struct plain *p)
{
	contact_send(p->contact,
	    clock_now_ms()); /* whatever has queued something: nothing waits for the next event */
	struct pollfd fds[SLOT_COUNT] = {
		[SLOT_INPUT] = { .fd = wants_input(p) ? STDIN_FILENO : -1, .events = POLLIN },
		[SLOT_OUT] = outlet_poll(&p->screen.out),
		[SLOT_ERR] = outlet_poll(&p->screen.err),
		[SLOT_LINK] = contact_poll(p->contact, wants_records(p)),
	};
	struct timespec left = time_left(p);
	int ready = ppoll(fds, SLOT_COUNT, &left, &p->wait_mask);
	for (int i = 0; i < SLOT_COUNT && ready <= 0; i++)
		fds[i].revents = 0;

	take_signals(p);
	outlet_look(&p->screen.out, fds[SLOT_OUT].revents);
	outlet_look(&p->screen.err, fds[SLOT_ERR].revents);
	if (fds[SLOT_INPUT].revents != 0)
		read_input(p, fds[SLOT_INPUT].revents);
	contact_step(p->contact, fds[SLOT_LINK].revents, wants_records(p), clock_now_ms());
	transfer_step(&p->transfer);
	errands_step(p);
	take_input(p);
	screen_flush(&p->screen);
	if (p->screen.out.is_broken)
		contact_end(p->contact, EXIT_BROKEN, "standard output is closed");
}

/* Waits until all is read that was shown, unless a signal says not to. */
static void drain(struct plain *p)
{
	struct screen *s = &p->screen;
	for (;;) {
		screen_flush(s);
		bool is_pending = outlet_pending(&s->out) > 0 || outlet_pending(&s->err) > 0;
		if (!is_pending || signal_take(SIGINT) || signal_take(SIGTERM) ||
		    signal_take(SIGHUP))
			return;
		struct pollfd fds[] = { outlet_poll(&s->out), outlet_poll(&s->err) };
		ppoll(fds, 2, NULL, &p->wait_mask);
	}
}

/* The end */

static enum exit_status judge(struct plain *p)
{
	size_t unsent = session_waiting_texts(p->session);
	list_each(node, &p->kept)
		unsent++;
	if (unsent > 0)
		screen_notice(
		    &p->screen, "not sent: %zu message%s", unsent, unsent == 1 ? "" : "s");
	if (p->status != EXIT_QUIT)
		return p->status;
	if (!p->has_talked && p->refusals > 0)
		return EXIT_REFUSED;
	if (p->transfer.has_failed)
		return EXIT_BROKEN;
	return unsent > 0 || p->has_undelivered || p->transfer.has_undelivered ? EXIT_UNDELIVERED
									       : EXIT_QUIT;
}

/* What a pipe can't be asked for must be said. */
static bool has_all_it_needs(struct plain *p)
{
	const struct options *o = p->options;
	const char *missing[4] = { 0 };
	int count = 0;
	if (o->server.host[0] == '\0')
		missing[count++] = "HOST";
	if (o->user == NULL)
		missing[count++] = "--user";
	if (!password_is_set(p->password))
		missing[count++] = "--password-file or --password-command";
	if (o->target == NULL && !errands_are_all(p))
		missing[count++] = "--to";
	if (p->is_interactive || count == 0)
		return true;
	char list[128] = "";
	for (int i = 0; i < count; i++) {
		strcat(list, missing[i]);
		strcat(list, i + 1 < count ? ", " : "");
	}
	screen_notice(
	    &p->screen, "there is no terminal to ask at, so these must be given: %s", list);
	return false;
}

void plain_tell(void *ctx, const char *words, struct slice foreign)
{
	struct plain *p = ctx;
	screen_notice_text(&p->screen, foreign, "%s", words);
}

static void on_transfer_moved(void *ctx)
{
	talk_prompt(ctx);
}

static void begin_transfers(struct plain *p)
{
	transfer_init(
	    &p->transfer, &(struct transfer_user){
			      .contact = p->contact,
			      .session = p->session,
			      .downloads_folder = p->options->downloads_folder,
			      .is_interactive = p->is_interactive,
			      .must_succeed = errands_are_all(p),
			      .shows_progress = p->is_interactive && !p->screen.typing.is_dumb,
			      .tell = plain_tell,
			      .moved = on_transfer_moved,
			      .ctx = p,
			  });
}

static enum exit_status run(struct plain *p)
{
	struct contact_settings settings = {
		.options = p->options,
		.password = p->password,
		.is_interactive = p->is_interactive,
		.on_event = greet_on_event,
		.on_session_event = talk_on_event,
		.ctx = p,
	};
	struct why why = { "" };
	p->contact = contact_new(&settings, &why);
	if (p->contact == NULL) {
		screen_notice(&p->screen, "%s", why.text);
		return EXIT_USAGE;
	}
	p->session = contact_session(p->contact);
	begin_transfers(p);
	terminal_take_over();
	greet_begin(p);
	while (!p->is_over)
		turn(p);
	return judge(p);
}

void plain_take_options(struct plain *p)
{
	const struct options *o = p->options;
	p->sign_up = o->sign_up;
	p->knows_sign_up = o->sign_up || o->has_account || !p->is_interactive ||
			   (o->user != NULL && password_is_set(p->password));
	if (o->user != NULL) {
		p->user_len = strlen(o->user);
		memcpy(p->user, o->user, p->user_len);
	}
}

static void plain_clear(struct plain *p)
{
	list_each_safe(node, &p->kept) {
		list_remove(node);
		free(list_entry(node, struct outgoing, node));
	}
	transfer_clear(&p->transfer);
	contact_free(&p->contact);
	if (p->input.cap > 0)
		sodium_memzero(p->input.mem, p->input.cap); /* it may have held a typed password */
	buffer_clear(&p->input);
	screen_clear(&p->screen);
}

enum exit_status plain_run(
    struct options *options, const struct settings *settings, struct password *password)
{
	static struct plain p;
	p = (struct plain){ .options = options, .settings = settings, .password = password };
	list_init(&p.kept);
	transfer_init(&p.transfer, &(struct transfer_user){ 0 });
	p.is_interactive = isatty(STDERR_FILENO) && terminal_open(STDIN_FILENO);
	screen_init(&p.screen, p.is_interactive, options->no_color);
	plain_take_options(&p);
	signals_init(p.is_interactive, &p.wait_mask);

	enum exit_status status = has_all_it_needs(&p) ? run(&p) : EXIT_USAGE;
	screen_leave(&p.screen);
	drain(&p);
	terminal_restore();
	bool was_shown = !p.screen.out.is_broken;
	int signal = p.signal;
	plain_clear(&p);
	if (signal != 0)
		signal_die(signal);
	return was_shown || status != EXIT_QUIT ? status : EXIT_BROKEN;
}
