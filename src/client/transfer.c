#include "client/transfer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "client/plain.h"

enum {
	SHOW_EVERY_MS = 250,
	SERVER_LIMIT_S = 5, /* a server's own is not known; this is the protocol's */
};

static struct slice target_of(const struct transfer *t)
{
	return slice_of(t->target, t->target_len);
}

void transfer_init(struct plain *p)
{
	source_init(&p->transfer.source);
	saving_init(&p->transfer.saving);
}

void transfer_clear(struct plain *p)
{
	source_close(&p->transfer.source);
	saving_close(&p->transfer.saving);
}

bool transfer_is_all(const struct plain *p)
{
	return p->options->upload_count > 0 || p->options->download;
}

/* For the exit status: a script has to know; a person was told. */
static void note_failure(struct plain *p)
{
	p->has_failed = p->has_failed || !p->is_interactive || transfer_is_all(p);
}

/* Nothing is under way any more. */
static void finish(struct plain *p)
{
	p->transfer.kind = TRANSFER_NONE;
	transfer_clear(p);
	talk_prompt(p);
}

/* Can one begin? Says why not. */
static bool may_begin(struct plain *p)
{
	const char *why = NULL;
	if (session_is_transferring(p->session))
		why = "One file at a time: the last one is still under way. C-c stops it.";
	else if (contact_state(p->contact) != CONTACT_ON)
		why = "not connected; try again when the connection is back";
	if (why == NULL)
		return true;
	screen_notice(&p->screen, "%s", why);
	note_failure(p);
	return false;
}

static void begin(struct plain *p, int kind)
{
	struct transfer *t = &p->transfer;
	t->kind = kind;
	t->is_stopped = t->is_lost = t->must_break_off = false;
	t->begun_ms = t->bytes = t->saved = 0;
}

/* Up */

static void cannot_send(struct plain *p, const char *path, const char *why)
{
	note_failure(p);
	screen_notice_text(&p->screen, slice_str(path), "cannot send (%s): ", why);
}

static void warn_of_time(struct plain *p)
{
	const struct transfer *t = &p->transfer;
	uint64_t size = source_size(&t->source);
	char size_text[PROGRESS_BYTES_SIZE], rate_text[PROGRESS_BYTES_SIZE];
	if (t->rate == 0 || size / t->rate < SERVER_LIMIT_S)
		return;
	screen_notice(&p->screen,
	    "warning: %s will take about %" PRIu64
	    " s at the %s/s of the last one; most servers cut a file after %d s",
	    progress_bytes(size, size_text), size / t->rate, progress_bytes(t->rate, rate_text),
	    SERVER_LIMIT_S);
}

/* The path is in t->source. */
static void upload(struct plain *p)
{
	struct transfer *t = &p->transfer;
	struct why why;
	if (!p->has_target) {
		cannot_send(p, t->source.path, "there is no target");
		return;
	}
	if (!source_open(&t->source, &why)) {
		cannot_send(p, t->source.path, why.text);
		return;
	}
	t->target_len = p->target_len;
	memcpy(t->target, p->target, p->target_len);
	warn_of_time(p);
	if (session_upload(
		p->session, target_of(t), filename_base(t->source.path), source_read, &t->source)) {
		begin(p, TRANSFER_UPLOAD);
		return;
	}
	source_close(&t->source);
	cannot_send(p, t->source.path, "out of memory");
}

void transfer_upload(struct plain *p, const char *path)
{
	struct transfer *t = &p->transfer;
	if (strlen(path) >= sizeof(t->source.path)) {
		cannot_send(p, path, "the path is too long");
	} else if (may_begin(p)) {
		strcpy(t->source.path, path);
		upload(p);
	}
}

void transfer_upload_typed(struct plain *p, struct slice typed)
{
	char path[FILENAME_PATH_SIZE];
	if (typed.len == 0 && p->is_interactive && may_begin(p)) {
		greet_ask(p, ASK_FILE);
	} else if (typed.len == 0 && !p->is_interactive) {
		p->has_failed = true;
		screen_notice(&p->screen, "Say which: :upload: FILE");
	} else if (typed.len > 0 && filename_typed(typed, getenv("HOME"), path)) {
		transfer_upload(p, path);
	} else if (typed.len > 0) {
		note_failure(p);
		screen_notice_text(&p->screen, typed, "this is no path: ");
	}
}

static void on_uploaded(struct plain *p)
{
	struct transfer *t = &p->transfer;
	char summary[PROGRESS_TEXT_SIZE];
	uint64_t elapsed_ms = clock_now_ms() - t->begun_ms;
	uint64_t rate = progress_rate(source_size(&t->source), elapsed_ms);
	bool has_changed = source_has_changed(&t->source);
	if (rate > 0)
		t->rate = rate;
	progress_summary(source_size(&t->source) - t->source.left, elapsed_ms, summary);
	screen_notice_text(&p->screen, slice_str(t->source.path),
	    "sent to %.*s, %s: ", (int)t->target_len, t->target, summary);
	if (has_changed)
		cannot_send(p, t->source.path, "it changed while it was sent; send it again");
	finish(p);
}

static void on_refused(struct plain *p, struct slice words)
{
	struct transfer *t = &p->transfer;
	p->has_undelivered = true;
	screen_notice_text(&p->screen, words,
	    "not sent to %.*s: no such user, too big, too much waiting there, or too slow; the server says: ",
	    (int)t->target_len, t->target);
	screen_notice_text(&p->screen, slice_str(t->source.path), "not sent: ");
	finish(p);
}

/* Down */

static bool is_folder(const char *path)
{
	struct stat s;
	return stat(path, &s) == 0 && S_ISDIR(s.st_mode);
}

/* Where downloads go. false: its path is too long. */
static bool choose_folder(const struct plain *p, char folder[static FILENAME_PATH_SIZE])
{
	const char *home = getenv("HOME"), *given = p->options->downloads_folder;
	if (given != NULL)
		return snprintf(folder, FILENAME_PATH_SIZE, "%s", given) < FILENAME_PATH_SIZE;
	if (home != NULL && home[0] == '/' &&
	    snprintf(folder, FILENAME_PATH_SIZE, "%s/Downloads", home) < FILENAME_PATH_SIZE &&
	    is_folder(folder))
		return true;
	strcpy(folder, ".");
	return true;
}

void transfer_download(struct plain *p)
{
	struct transfer *t = &p->transfer;
	struct why why = { "its path is too long" };
	if (!may_begin(p))
		return;
	/* Looked at before the server is asked: what it has sent it no longer keeps. */
	if (!choose_folder(p, t->folder) || !saving_open(&t->saving, t->folder, &why)) {
		note_failure(p);
		screen_notice_text(
		    &p->screen, slice_str(t->folder), "no download folder (%s): ", why.text);
	} else if (session_download(p->session)) {
		begin(p, TRANSFER_DOWNLOAD);
	} else {
		contact_end(p->contact, EXIT_BROKEN, "out of memory");
	}
}

static void lose_file(struct plain *p, const char *why)
{
	struct saving *s = &p->transfer.saving;
	note_failure(p);
	p->transfer.is_stopped = p->transfer.must_break_off = true;
	screen_notice_text(&p->screen, slice_of(s->name, s->name_len),
	    "not saved (%s); the connection is broken off, so that it still waits at the server: ",
	    why);
}

static void on_file(struct plain *p, struct slice name)
{
	struct transfer *t = &p->transfer;
	struct why why;
	t->begun_ms = clock_now_ms();
	t->bytes = 0;
	if (!t->is_stopped && !saving_begin(&t->saving, name, &why))
		lose_file(p, why.text);
}

static void on_file_bytes(struct plain *p, struct slice bytes)
{
	struct transfer *t = &p->transfer;
	struct why why;
	t->bytes += bytes.len;
	if (saving_is_begun(&t->saving) && !saving_write(&t->saving, bytes, &why))
		lose_file(p, why.text);
}

static void on_file_end(struct plain *p)
{
	struct transfer *t = &p->transfer;
	char summary[PROGRESS_TEXT_SIZE], path[FILENAME_PATH_SIZE + FILENAME_MAX_LEN + 1];
	struct why why;
	uint64_t elapsed_ms = clock_now_ms() - t->begun_ms;
	t->begun_ms = 0;
	if (!saving_is_begun(&t->saving))
		return;
	if (!saving_finish(&t->saving, &why)) {
		lose_file(p, why.text);
		return;
	}
	t->saved++;
	snprintf(path, sizeof(path), "%s/%.*s", t->folder, (int)t->saving.name_len, t->saving.name);
	progress_summary(t->bytes, elapsed_ms, summary);
	screen_notice_text(&p->screen, slice_str(path), "saved, %s: ", summary);
	talk_prompt(p);
}

static void on_files_end(struct plain *p, const struct session_event *event)
{
	struct transfer *t = &p->transfer;
	bool is_refused = !slice_equal(event->text, SLICE("file send complete"));
	if (is_refused) {
		p->has_undelivered = true;
		screen_notice_text(&p->screen, event->text, "no files; the server says: ");
	} else if (event->count > 0) {
		p->has_undelivered = true;
		screen_notice(
		    &p->screen, "the server had announced %zu more than it has sent", event->count);
	} else if (t->is_stopped) {
		screen_notice(
		    &p->screen, "The download has been stopped; what had come by then is saved.");
	} else if (t->saved == 0 && t->bytes == 0) {
		screen_notice(&p->screen, "No files wait for you.");
	}
	finish(p);
}

/* Both */

static void on_lost(struct plain *p)
{
	struct transfer *t = &p->transfer;
	bool is_upload = t->kind == TRANSFER_UPLOAD;
	note_failure(p);
	t->is_lost = true;
	if (t->is_stopped)
		; /* said already */
	else if (is_upload && session_upload_state(p->session)->ended_ms > 0)
		screen_notice_text(&p->screen, slice_str(t->source.path),
		    "the connection broke before the server's answer; whether it arrived is not known: ");
	else if (is_upload)
		screen_notice_text(
		    &p->screen, slice_str(t->source.path), "not sent, the connection broke: ");
	else
		screen_notice(&p->screen,
		    "the connection broke in the download; what was not saved should still wait at the server");
	finish(p);
}

void transfer_on_event(struct plain *p, const struct session_event *event)
{
	struct transfer *t = &p->transfer;
	switch (event->kind) {
	case SESSION_UPLOAD_BEGUN:
		t->begun_ms = t->shown_ms = clock_now_ms();
		break;
	case SESSION_UPLOADED:
		on_uploaded(p);
		break;
	case SESSION_UPLOAD_REFUSED:
		on_refused(p, event->text);
		break;
	case SESSION_FILES:
		t->shown_ms = clock_now_ms();
		break;
	case SESSION_FILE:
		on_file(p, event->text);
		break;
	case SESSION_FILE_BYTES:
		on_file_bytes(p, event->text);
		break;
	case SESSION_FILE_END:
		on_file_end(p);
		break;
	case SESSION_FILES_END:
		on_files_end(p, event);
		break;
	case SESSION_TRANSFER_LOST:
		on_lost(p);
		break;
	default:
		break;
	}
}

static void stop_upload(struct plain *p)
{
	bool was_whole = session_upload_state(p->session)->state == UPLOAD_ANSWERING;
	screen_notice_text(&p->screen, slice_str(p->transfer.source.path),
	    was_whole
		? "Stopped; all of it was sent, and whether it arrived is not known: "
		: "Stopped; the server keeps nothing of it. The connection is made anew. Not sent: ");
}

/*
 * The one way to take a begun upload back, and the one way to leave the rest of a download where it is: the server keeps what was
 * not acknowledged whole.
 */
static void break_off(struct plain *p)
{
	p->transfer.must_break_off = false;
	if (transfer_is_all(p))
		contact_end(p->contact, EXIT_BROKEN, "");
	else
		contact_drop(p->contact, clock_now_ms());
}

bool transfer_stop(struct plain *p)
{
	struct transfer *t = &p->transfer;
	if (t->kind == TRANSFER_NONE)
		return false;
	t->is_stopped = true;
	note_failure(p);
	saving_drop(&t->saving);
	if (t->kind == TRANSFER_UPLOAD)
		stop_upload(p);
	else
		screen_notice(&p->screen,
		    "Stopped; what has not come whole still waits at the server. The connection is made anew.");
	break_off(p);
	return true;
}

/* The file can't be read on, and a part of it must not pass for the whole. */
static void give_up_unreadable(struct plain *p)
{
	struct transfer *t = &p->transfer;
	cannot_send(p, t->source.path, "it can't be read to its end");
	t->is_stopped = true;
	break_off(p);
}

/* What the command line asks for, one after the other. */
static void next_of_all(struct plain *p)
{
	struct transfer *t = &p->transfer;
	const struct options *o = p->options;
	while (t->kind == TRANSFER_NONE && t->uploads_done < o->upload_count)
		transfer_upload(p, o->uploads[t->uploads_done++]);
	if (t->kind == TRANSFER_NONE && o->download && !t->download_done) {
		t->download_done = true;
		transfer_download(p);
	}
	if (t->kind == TRANSFER_NONE)
		talk_quit(p);
}

static void show_progress(struct plain *p)
{
	p->transfer.shown_ms = clock_now_ms();
	talk_prompt(p);
}

void transfer_step(struct plain *p)
{
	struct transfer *t = &p->transfer;
	bool is_all = transfer_is_all(p) && p->has_talked && !p->is_quitting && !p->is_over;
	if (session_upload_state(p->session)->state == UPLOAD_FAILED)
		give_up_unreadable(p);
	else if (t->must_break_off)
		break_off(p);
	else if (is_all && t->is_lost)
		contact_end(p->contact, EXIT_BROKEN, "");
	else if (is_all && t->kind == TRANSFER_NONE && !session_is_transferring(p->session))
		next_of_all(p);
	if (clock_now_ms() >= transfer_deadline_ms(p))
		show_progress(p);
}

uint64_t transfer_deadline_ms(const struct plain *p)
{
	const struct transfer *t = &p->transfer;
	bool is_shown = t->kind != TRANSFER_NONE && t->begun_ms > 0 && p->is_interactive &&
			!p->screen.typing.is_dumb;
	return is_shown ? t->shown_ms + SHOW_EVERY_MS : UINT64_MAX;
}

char *transfer_prompt(const struct plain *p, char out[static TRANSFER_PROMPT_SIZE])
{
	const struct transfer *t = &p->transfer;
	char text[PROGRESS_TEXT_SIZE];
	uint64_t total = 0, bytes = t->bytes;
	out[0] = '\0';
	if (t->kind == TRANSFER_NONE || t->begun_ms == 0 || p->screen.typing.is_dumb)
		return out;
	if (t->kind == TRANSFER_UPLOAD) {
		uint64_t sent = session_upload_state(p->session)->sent_bytes;
		uint64_t on_its_way = contact_unacknowledged(p->contact);
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
