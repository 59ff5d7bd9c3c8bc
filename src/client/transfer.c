#include "client/transfer.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"

enum {
	SHOW_EVERY_MS = 250,
	SERVER_LIMIT_S = 5, /* a server's own is not known; this is the protocol's */
	NOTICE_SIZE = 2048,
};

static struct slice target_of(const struct transfer *t)
{
	return slice_of(t->target, t->target_len);
}

void transfer_init(struct transfer *t, const struct transfer_user *user)
{
	*t = (struct transfer){ .user = *user };
	source_init(&t->source);
	saving_init(&t->saving);
}

void transfer_clear(struct transfer *t)
{
	source_close(&t->source);
	saving_close(&t->saving);
}

/* What is foreign comes in `foreign`; format and its strings are our own words. */
static void __attribute__((format(printf, 3, 4)))
say_text(struct transfer *t, struct slice foreign, const char *format, ...)
{
	char words[NOTICE_SIZE];
	va_list args;
	va_start(args, format);
	vsnprintf(words, sizeof(words), format, args);
	va_end(args);
	t->user.tell(t->user.ctx, words, foreign);
}

static void __attribute__((format(printf, 2, 3))) say(struct transfer *t, const char *format, ...)
{
	char words[NOTICE_SIZE];
	va_list args;
	va_start(args, format);
	vsnprintf(words, sizeof(words), format, args);
	va_end(args);
	t->user.tell(t->user.ctx, words, SLICE(""));
}

/* For the exit status: a script has to know; a person was told. */
static void note_failure(struct transfer *t)
{
	t->has_failed = t->has_failed || !t->user.is_interactive || t->user.must_succeed;
}

/* Nothing is under way any more. */
static void finish(struct transfer *t)
{
	t->kind = TRANSFER_NONE;
	transfer_clear(t);
	t->user.moved(t->user.ctx);
}

bool transfer_may_begin(struct transfer *t)
{
	const char *why = NULL;
	if (session_is_transferring(t->user.session))
		why = "One file at a time: the last one is still under way. C-c stops it.";
	else if (contact_state(t->user.contact) != CONTACT_ON)
		why = "not connected; try again when the connection is back";
	if (why == NULL)
		return true;
	say(t, "%s", why);
	note_failure(t);
	return false;
}

static void begin(struct transfer *t, int kind)
{
	t->kind = kind;
	t->is_stopped = t->is_lost = t->must_break_off = false;
	t->begun_ms = t->bytes = t->saved = 0;
}

/* Up */

static void cannot_send(struct transfer *t, const char *path, const char *why)
{
	note_failure(t);
	say_text(t, slice_str(path), "cannot send (%s): ", why);
}

static void warn_of_time(struct transfer *t)
{
	uint64_t size = source_size(&t->source);
	char size_text[PROGRESS_BYTES_SIZE], rate_text[PROGRESS_BYTES_SIZE];
	if (t->rate == 0 || size / t->rate < SERVER_LIMIT_S)
		return;
	say(t,
	    "warning: %s will take about %" PRIu64
	    " s at the %s/s of the last one; most servers cut a file after %d s",
	    progress_bytes(size, size_text), size / t->rate, progress_bytes(t->rate, rate_text),
	    SERVER_LIMIT_S);
}

/* The path is in t->source. */
static void upload(struct transfer *t, struct slice target)
{
	struct why why;
	if (target.len == 0) {
		cannot_send(t, t->source.path, "there is no target");
		return;
	}
	if (!source_open(&t->source, &why)) {
		cannot_send(t, t->source.path, why.text);
		return;
	}
	t->target_len = target.len;
	memcpy(t->target, target.ptr, target.len);
	warn_of_time(t);
	if (session_upload(t->user.session, target_of(t), filename_base(t->source.path),
		source_read, &t->source)) {
		begin(t, TRANSFER_UPLOAD);
		return;
	}
	source_close(&t->source);
	cannot_send(t, t->source.path, "out of memory");
}

void transfer_upload(struct transfer *t, struct slice target, const char *path)
{
	if (strlen(path) >= sizeof(t->source.path)) {
		cannot_send(t, path, "the path is too long");
	} else if (transfer_may_begin(t)) {
		strcpy(t->source.path, path);
		upload(t, target);
	}
}

void transfer_upload_typed(struct transfer *t, struct slice target, struct slice typed)
{
	char path[FILENAME_PATH_SIZE];
	if (typed.len == 0) {
		note_failure(t);
		say(t, "Say which: :upload: FILE");
	} else if (filename_typed(typed, getenv("HOME"), path)) {
		transfer_upload(t, target, path);
	} else {
		note_failure(t);
		say_text(t, typed, "this is no path: ");
	}
}

static void on_uploaded(struct transfer *t)
{
	char summary[PROGRESS_TEXT_SIZE];
	uint64_t elapsed_ms = clock_now_ms() - t->begun_ms;
	uint64_t rate = progress_rate(source_size(&t->source), elapsed_ms);
	bool has_changed = source_has_changed(&t->source);
	if (rate > 0)
		t->rate = rate;
	progress_summary(source_size(&t->source) - t->source.left, elapsed_ms, summary);
	say_text(t, slice_str(t->source.path), "sent to %.*s, %s: ", (int)t->target_len, t->target,
	    summary);
	if (has_changed)
		cannot_send(t, t->source.path, "it changed while it was sent; send it again");
	finish(t);
}

static void on_refused(struct transfer *t, struct slice words)
{
	t->has_undelivered = true;
	say_text(t, words,
	    "not sent to %.*s: no such user, too big, too much waiting there, or too slow; the server says: ",
	    (int)t->target_len, t->target);
	say_text(t, slice_str(t->source.path), "not sent: ");
	finish(t);
}

/* Down */

static bool is_folder(const char *path)
{
	struct stat s;
	return stat(path, &s) == 0 && S_ISDIR(s.st_mode);
}

/* Where downloads go. false: its path is too long. */
static bool choose_folder(const struct transfer *t, char folder[static FILENAME_PATH_SIZE])
{
	const char *home = getenv("HOME"), *given = t->user.downloads_folder;
	if (given != NULL)
		return snprintf(folder, FILENAME_PATH_SIZE, "%s", given) < FILENAME_PATH_SIZE;
	if (home != NULL && home[0] == '/' &&
	    snprintf(folder, FILENAME_PATH_SIZE, "%s/Downloads", home) < FILENAME_PATH_SIZE &&
	    is_folder(folder))
		return true;
	strcpy(folder, ".");
	return true;
}

void transfer_download(struct transfer *t)
{
	struct why why = { "its path is too long" };
	if (!transfer_may_begin(t))
		return;
	/* Looked at before the server is asked: what it has sent it no longer keeps. */
	if (!choose_folder(t, t->folder) || !saving_open(&t->saving, t->folder, &why)) {
		note_failure(t);
		say_text(t, slice_str(t->folder), "no download folder (%s): ", why.text);
	} else if (session_download(t->user.session)) {
		begin(t, TRANSFER_DOWNLOAD);
	} else {
		contact_end(t->user.contact, EXIT_BROKEN, "out of memory");
	}
}

static void lose_file(struct transfer *t, const char *why)
{
	struct saving *s = &t->saving;
	note_failure(t);
	t->is_stopped = t->must_break_off = true;
	say_text(t, slice_of(s->name, s->name_len),
	    "not saved (%s); the connection is broken off, so that it still waits at the server: ",
	    why);
}

static void on_file(struct transfer *t, struct slice name)
{
	struct why why;
	t->begun_ms = clock_now_ms();
	t->bytes = 0;
	if (!t->is_stopped && !saving_begin(&t->saving, name, &why))
		lose_file(t, why.text);
}

static void on_file_bytes(struct transfer *t, struct slice bytes)
{
	struct why why;
	t->bytes += bytes.len;
	if (saving_is_begun(&t->saving) && !saving_write(&t->saving, bytes, &why))
		lose_file(t, why.text);
}

static void on_file_end(struct transfer *t)
{
	char summary[PROGRESS_TEXT_SIZE], path[FILENAME_PATH_SIZE + FILENAME_MAX_LEN + 1];
	struct why why;
	uint64_t elapsed_ms = clock_now_ms() - t->begun_ms;
	t->begun_ms = 0;
	if (!saving_is_begun(&t->saving))
		return;
	if (!saving_finish(&t->saving, &why)) {
		lose_file(t, why.text);
		return;
	}
	t->saved++;
	snprintf(path, sizeof(path), "%s/%.*s", t->folder, (int)t->saving.name_len, t->saving.name);
	progress_summary(t->bytes, elapsed_ms, summary);
	say_text(t, slice_str(path), "saved, %s: ", summary);
	t->user.moved(t->user.ctx);
}

static void on_files_end(struct transfer *t, const struct session_event *event)
{
	bool is_refused = !slice_equal(event->text, SLICE("file send complete"));
	if (is_refused) {
		t->has_undelivered = true;
		say_text(t, event->text, "no files; the server says: ");
	} else if (event->count > 0) {
		t->has_undelivered = true;
		say(t, "the server had announced %zu more than it has sent", event->count);
	} else if (t->is_stopped) {
		say(t, "The download has been stopped; what had come by then is saved.");
	} else if (t->saved == 0 && t->bytes == 0) {
		say(t, "No files wait for you.");
	}
	finish(t);
}

/* Both */

static void on_lost(struct transfer *t)
{
	bool is_upload = t->kind == TRANSFER_UPLOAD;
	note_failure(t);
	t->is_lost = true;
	if (t->is_stopped)
		; /* said already */
	else if (is_upload && session_upload_state(t->user.session)->ended_ms > 0)
		say_text(t, slice_str(t->source.path),
		    "the connection broke before the server's answer; whether it arrived is not known: ");
	else if (is_upload)
		say_text(t, slice_str(t->source.path), "not sent, the connection broke: ");
	else
		say(t,
		    "the connection broke in the download; what was not saved should still wait at the server");
	finish(t);
}

void transfer_on_event(struct transfer *t, const struct session_event *event)
{
	switch (event->kind) {
	case SESSION_UPLOAD_BEGUN:
		t->begun_ms = t->shown_ms = clock_now_ms();
		break;
	case SESSION_UPLOADED:
		on_uploaded(t);
		break;
	case SESSION_UPLOAD_REFUSED:
		on_refused(t, event->text);
		break;
	case SESSION_FILES:
		t->shown_ms = clock_now_ms();
		break;
	case SESSION_FILE:
		on_file(t, event->text);
		break;
	case SESSION_FILE_BYTES:
		on_file_bytes(t, event->text);
		break;
	case SESSION_FILE_END:
		on_file_end(t);
		break;
	case SESSION_FILES_END:
		on_files_end(t, event);
		break;
	case SESSION_TRANSFER_LOST:
		on_lost(t);
		break;
	default:
		break;
	}
}

static void stop_upload(struct transfer *t)
{
	bool was_whole = session_upload_state(t->user.session)->state == UPLOAD_ANSWERING;
	say_text(t, slice_str(t->source.path),
	    was_whole
		? "Stopped; all of it was sent, and whether it arrived is not known: "
		: "Stopped; the server keeps nothing of it. The connection is made anew. Not sent: ");
}

/*
 * The one way to take a begun upload back, and the one way to leave the rest of a download where it is: the server keeps what was
 * not acknowledged whole.
 */
static void break_off(struct transfer *t)
{
	t->must_break_off = false;
	if (t->user.must_succeed)
		contact_end(t->user.contact, EXIT_BROKEN, "");
	else
		contact_drop(t->user.contact, clock_now_ms());
}

bool transfer_stop(struct transfer *t)
{
	if (t->kind == TRANSFER_NONE)
		return false;
	t->is_stopped = true;
	note_failure(t);
	saving_drop(&t->saving);
	if (t->kind == TRANSFER_UPLOAD)
		stop_upload(t);
	else
		say(t,
		    "Stopped; what has not come whole still waits at the server. The connection is made anew.");
	break_off(t);
	return true;
}

/* The file can't be read on, and a part of it must not pass for the whole. */
static void give_up_unreadable(struct transfer *t)
{
	cannot_send(t, t->source.path, "it can't be read to its end");
	t->is_stopped = true;
	break_off(t);
}

static void show_progress(struct transfer *t)
{
	t->shown_ms = clock_now_ms();
	t->user.moved(t->user.ctx);
}

void transfer_step(struct transfer *t)
{
	if (session_upload_state(t->user.session)->state == UPLOAD_FAILED)
		give_up_unreadable(t);
	else if (t->must_break_off)
		break_off(t);
	if (clock_now_ms() >= transfer_deadline_ms(t))
		show_progress(t);
}

uint64_t transfer_deadline_ms(const struct transfer *t)
{
	bool is_shown = t->kind != TRANSFER_NONE && t->begun_ms > 0 && t->user.shows_progress;
	return is_shown ? t->shown_ms + SHOW_EVERY_MS : UINT64_MAX;
}

char *transfer_prompt(const struct transfer *t, char out[static TRANSFER_PROMPT_SIZE])
{
	char text[PROGRESS_TEXT_SIZE];
	uint64_t total = 0, bytes = t->bytes;
	out[0] = '\0';
	if (t->kind == TRANSFER_NONE || t->begun_ms == 0 || !t->user.shows_progress)
		return out;
	if (t->kind == TRANSFER_UPLOAD) {
		uint64_t sent = session_upload_state(t->user.session)->sent_bytes;
		uint64_t on_its_way = contact_unacknowledged(t->user.contact);
		bytes = on_its_way < sent ? sent - on_its_way : 0;
		total = source_size(&t->source);
	}
	progress_text(bytes, total, clock_now_ms() - t->begun_ms, text);
	snprintf(out, TRANSFER_PROMPT_SIZE, "[%s %s] ",
	    t->is_stopped                ? "dropping"
	    : t->kind == TRANSFER_UPLOAD ? "sending"
					 : "receiving",
	    text);
	return out;
}
