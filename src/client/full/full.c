#include "client/full/full.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "client/terminal.h"

enum {
	POLL_MAX_MS = 60 * 1000,
	EVENTS_AT_ONCE = 4096, /* then the server has its turn */
	NOTICE_SIZE = 2048,
};

enum { SLOT_INPUT, SLOT_OUTPUT, SLOT_LINK, SLOT_COUNT };

/* Signals */

void full_leave(void *ctx)
{
	struct full *f = ctx;
	f->face->leave(f->face);
}

void full_enter(void *ctx)
{
	struct full *f = ctx;
	f->face->enter(f->face);
	f->is_stale = f->must_redraw = true;
}

static void suspend(struct full *f)
{
	full_leave(f);
	signal_stop();
	signal_take(SIGCONT);
	full_enter(f);
}

static void take_signals(struct full *f)
{
	static const int ending[] = { SIGTERM, SIGHUP };
	for (int i = 0; i < 2; i++) {
		if (signal_take(ending[i])) {
			f->signal = ending[i];
			contact_end(f->contact, EXIT_BROKEN, "");
			f->is_over = true;
			return;
		}
	}
	if (signal_take(SIGINT))
		full_interrupt(f);
	if (signal_take(SIGTSTP))
		suspend(f);
	if (signal_take(SIGCONT)) {
		/* Stopped by a signal that nobody can catch: the terminal was somebody else's meanwhile. */
		full_enter(f);
	}
	if (signal_take(SIGWINCH))
		f->is_stale = true;
}

/* Drawing */

static void describe_state(struct full *f)
{
	static const char *const texts[] = {
		[CONTACT_IDLE] = "not connected",
		[CONTACT_CONNECTING] = "connecting …",
		[CONTACT_TRUSTING] = "is this the right server?",
		[CONTACT_WAITING] = "not logged in",
		[CONTACT_LOGGING_IN] = "logging in …",
		[CONTACT_ON] = "connected",
		[CONTACT_PAUSING] = "NOT CONNECTED",
		[CONTACT_OVER] = "NOT CONNECTED",
	};
	enum contact_state state = contact_state(f->contact);
	char next_try[FULL_WORDS_SIZE / 4] = "", unsent[FULL_WORDS_SIZE / 4] = "";
	uint64_t now_ms = clock_now_ms();
	if (state == CONTACT_PAUSING && f->retry_ms > now_ms)
		snprintf(next_try, sizeof(next_try), ", next try in %u s",
		    (unsigned)((f->retry_ms - now_ms + 999) / 1000));
	if (session_waiting_texts(f->session) > 0 && state != CONTACT_ON)
		snprintf(unsent, sizeof(unsent), ", %zu unsent", session_waiting_texts(f->session));
	snprintf(f->state_text, sizeof(f->state_text), "%s%s%s",
	    f->is_quitting ? "leaving …" : texts[state], next_try, unsent);
}

/* What is seen of our state. */
static void prepare(struct full *f)
{
	struct view *v = &f->view;
	describe_state(f);
	f->server_text[0] = '\0';
	if (f->options->server.host[0] != '\0')
		server_name_text(&f->options->server, f->server_text);
	transfer_prompt(&f->transfer, f->transfer_text);
	v->server = f->server_text;
	v->trust = contact_trust_text(f->contact);
	v->state = f->state_text;
	v->busy = f->transfer_text;
	v->prompt = f->prompt;
	v->is_connected = contact_state(f->contact) == CONTACT_ON && !f->is_quitting;
	v->is_group_on = session_group_is_on(f->session);
	v->query = slice_of(f->query, f->query_len);
}

static void draw(struct full *f)
{
	unsigned columns, rows;
	if (!f->is_stale || f->face->is_behind(f->face))
		return;
	f->face->size(f->face, &columns, &rows);
	if (columns != f->cells.columns || rows != f->cells.rows) {
		cells_clear(&f->cells);
		f->must_redraw = true;
	}
	if (f->cells.cell == NULL && !cells_init(&f->cells, columns, rows))
		return;
	prepare(f);
	view_draw(&f->view, &f->cells);
	f->face->show(f->face, &f->cells, f->must_redraw);
	f->is_stale = f->must_redraw = false;
}

/* The loop */

static uint64_t due_ms(const struct full *f)
{
	uint64_t due[] = { contact_deadline_ms(f->contact), transfer_deadline_ms(&f->transfer),
		f->face->deadline_ms(f->face), full_deadline_ms(f) };
	uint64_t first_ms = UINT64_MAX;
	for (size_t i = 0; i < sizeof(due) / sizeof(*due); i++)
		first_ms = due[i] < first_ms ? due[i] : first_ms;
	return first_ms;
}

static struct timespec time_left(const struct full *f)
{
	uint64_t now_ms = clock_now_ms(), first_ms = due_ms(f);
	uint64_t left_ms = first_ms <= now_ms ? 0 : first_ms - now_ms;
	if (left_ms > POLL_MAX_MS)
		left_ms = POLL_MAX_MS;
	return (struct timespec){ .tv_sec = (time_t)(left_ms / 1000),
		.tv_nsec = (long)(left_ms % 1000) * 1000 * 1000 };
}

static void take_events(struct full *f)
{
	struct face_event event;
	for (int i = 0; i < EVENTS_AT_ONCE && !f->is_over; i++) {
		if (!f->face->next(f->face, clock_now_ms(), &event))
			return;
		if (event.kind == FACE_KEY && event.key.kind == TYPED_CONTROL &&
		    event.key.code == 'Z')
			suspend(f);
		else
			full_take(f, &event);
	}
}

/* The terminal is gone; the signal that says so may be ignored. */
static void lose_terminal(struct full *f)
{
	f->signal = SIGHUP;
	f->is_over = true;
	contact_end(f->contact, EXIT_BROKEN, "");
}

static void turn(struct full *f)
{
	struct pollfd fds[SLOT_COUNT];
	contact_send(f->contact, clock_now_ms());
	if (model_note_waiting(&f->model, session_waiting_texts(f->session)))
		f->is_stale = true;
	draw(f);
	f->face->polls(f->face, fds);
	fds[SLOT_LINK] = contact_poll(f->contact, true);
	struct timespec left = time_left(f);
	int ready = ppoll(fds, SLOT_COUNT, &left, &f->wait_mask);
	for (int i = 0; i < SLOT_COUNT && ready <= 0; i++)
		fds[i].revents = 0;

	take_signals(f);
	if (!f->face->step(f->face, fds)) {
		lose_terminal(f);
		return;
	}
	take_events(f);
	contact_step(f->contact, fds[SLOT_LINK].revents, true, clock_now_ms());
	transfer_step(&f->transfer);
	full_talk_step(f);
}

/* Notices */

static void add_notice(
    struct full *f, struct conversation *c, const char *words, struct slice foreign)
{
	struct buffer line = { 0 };
	const char *end;
	while ((end = strchr(words, '\n')) != NULL) {
		model_add_notice(
		    &f->model, c, clock_wall_ms(), slice_of(words, (size_t)(end - words)));
		words = end + 1;
	}
	if (buffer_append_slice(&line, slice_str(words)) && buffer_append_slice(&line, foreign))
		model_add_notice(&f->model, c, clock_wall_ms(), buffer_slice(&line));
	buffer_clear(&line);
	f->is_stale = true;
}

static void say(struct full *f, struct conversation *c, struct slice foreign, const char *format,
    va_list args) __attribute__((format(printf, 4, 0)));

static void say(
    struct full *f, struct conversation *c, struct slice foreign, const char *format, va_list args)
{
	char words[NOTICE_SIZE];
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): seen only where clang-tidy 14 looks at several files at once */
	vsnprintf(words, sizeof(words), format, args);
	add_notice(f, c, words, foreign);
}

void full_say(struct full *f, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	say(f, model_current(&f->model), SLICE(""), format, args);
	va_end(args);
}

void full_say_text(struct full *f, struct slice foreign, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	say(f, model_current(&f->model), foreign, format, args);
	va_end(args);
}

void full_say_in(struct full *f, struct conversation *c, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	say(f, c, SLICE(""), format, args);
	va_end(args);
}

void full_no_memory(struct full *f)
{
	contact_end(f->contact, EXIT_BROKEN, "out of memory");
}

void full_tell(void *ctx, const char *words, struct slice foreign)
{
	struct full *f = ctx;
	full_say_text(f, foreign, "%s", words);
}

static void on_transfer_moved(void *ctx)
{
	struct full *f = ctx;
	f->is_stale = true;
}

/* The beginning and the end */

/* The picture of a lock is not among the characters of a console. */
static bool has_pictures(void)
{
	const char *term = getenv("TERM");
	return term != NULL && strncmp(term, "linux", 5) != 0 && strncmp(term, "vt", 2) != 0;
}

/* A terminal may say what its background is: "15;0" is white on black. */
static bool is_light(const struct settings *s)
{
	const char *colors = getenv("COLORFGBG");
	const char *back = colors == NULL ? NULL : strrchr(colors, ';');
	if (s->colors != COLORS_AUTO)
		return s->colors == COLORS_LIGHT;
	return back != NULL && (strcmp(back + 1, "7") == 0 || strcmp(back + 1, "15") == 0);
}

void full_take_options(struct full *f)
{
	const struct options *o = f->options;
	f->sign_up = o->sign_up;
	f->knows_sign_up =
	    o->sign_up || o->has_account || (o->user != NULL && password_is_set(f->password));
	if (o->user != NULL) {
		f->user_len = strlen(o->user);
		memcpy(f->user, o->user, f->user_len);
	}
}

static bool full_init(struct full *f, struct why *why)
{
	f->contact = contact_new(&(struct contact_settings){ .options = f->options,
				     .password = f->password,
				     .is_interactive = true,
				     .on_event = full_on_contact_event,
				     .on_session_event = full_on_session_event,
				     .ctx = f },
	    why);
	if (f->contact == NULL)
		return false;
	f->session = contact_session(f->contact);
	transfer_init(&f->transfer, &(struct transfer_user){ .contact = f->contact,
					.session = f->session,
					.downloads_folder = f->options->downloads_folder,
					.is_interactive = true,
					.shows_progress = true,
					.tell = full_tell,
					.moved = on_transfer_moved,
					.ctx = f });
	f->ask_names_ms = UINT64_MAX;
	f->view = (struct view){ .model = &f->model,
		.input = &f->input,
		.is_light = is_light(f->settings),
		.has_pictures = has_pictures(),
		.colors = f->face->colors,
		.found = NO_LINE };
	if (!notify_init(&f->notify, f->settings->notify, why))
		full_say_text(f, slice_str(why->text), "notices: ");
	full_take_options(f);
	return true;
}

static void full_clear(struct full *f)
{
	full_drop_paste(f);
	transfer_clear(&f->transfer);
	contact_free(&f->contact);
	notify_clear(&f->notify);
	input_destroy(&f->input);
	model_clear(&f->model);
	view_clear(&f->view);
	cells_clear(&f->cells);
	buffer_clear(&f->online);
}

/* The screen is gone; what matters beyond it is said on the terminal. */
static enum exit_status judge(const struct full *f)
{
	size_t unsent = f->session == NULL ? 0 : session_waiting_texts(f->session);
	if (f->end_text[0] != '\0')
		fprintf(stderr, "messager: %s\n", f->end_text);
	if (unsent > 0)
		fprintf(
		    stderr, "messager: not sent: %zu message%s\n", unsent, unsent == 1 ? "" : "s");
	if (f->status != EXIT_QUIT)
		return f->status;
	if (!f->has_talked && f->was_refused)
		return EXIT_REFUSED;
	return unsent > 0 || f->has_undelivered || f->transfer.has_undelivered ? EXIT_UNDELIVERED
									       : EXIT_QUIT;
}

enum exit_status full_run(struct options *options, struct settings *settings,
    struct password *password, struct face *face)
{
	static struct full f;
	struct why why = { "" };
	f = (struct full){
		.options = options, .settings = settings, .password = password, .face = face
	};
	transfer_init(&f.transfer, &(struct transfer_user){ 0 });
	input_init(&f.input, full_complete, &f);
	signals_init(true, &f.wait_mask);
	face->enter(face);
	if (!model_init(&f.model) || !full_init(&f, &why)) {
		f.status = EXIT_USAGE;
		snprintf(f.end_text, sizeof(f.end_text), "%s", why.text);
	} else {
		full_begin(&f);
		f.is_stale = f.must_redraw = true;
	}
	while (f.contact != NULL && !f.is_over)
		turn(&f);
	face->leave(face);
	full_history_end(&f);
	enum exit_status status = judge(&f);
	int signal = f.signal;
	full_clear(&f);
	if (signal != 0)
		signal_die(signal);
	return status;
}
