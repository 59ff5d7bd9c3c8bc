/*
 * upload.c: a file on its way in.
 *
 *	TALKING --BEGINF--> STORING (account, quota, a temporary file) --> UPLOADING --mark--> STORING (on disk, named, entered) --> TALKING
 *	                                    '-- refused: bytes are thrown away up to the mark --------- answered at once -----------^
 *
 *	bytes -> filling -> (full enough, and the disk is free) -> writing -> disk
 *
 * Two buffers; when both are full the connection is read no further until one is written. In STORING nothing is read.
 */
#include "chat/upload.h"

#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/log.h"
#include "chat/session.h"
#include "chat/transfer.h"
#include "protocol/endmark.h"

enum {
	BUFFER_LEN = 128 * 1024,
	WRITE_LEN = 64 * 1024, /* less is not worth a write before the end */
	LATE_END_MS = 15000,   /* so long past the limit the end is awaited */
	MARK_HEAD_LEN = 5,     /* "ENDF " */
};

struct upload {
	struct transfer transfer; /* first */
	struct endmark mark;
	uint64_t
	    limit_ms; /* file bytes count that came in before then; UINT64_MAX: there is no limit */
	uint64_t size_bytes, max_bytes;
	size_t not_taken_len; /* of bytes that have come in and will be presented again */
	size_t early_len;     /* of these, at the front: they came in before the limit */
	bool is_refused;      /* bytes are thrown away */
	bool was_cut;         /* some came too late, or the end did */
	bool has_given_up;    /* the end has not come in time */
	bool is_over;         /* all bytes are here: nothing more is taken */
	char *filling, *writing;
	size_t filling_len;
};

static void free_upload(struct transfer *t)
{
	struct upload *u = (struct upload *)t;
	free(u->filling);
	free(u->writing);
	free(u);
}

/* ---- the end ---- */

static void answer(struct session *s, bool is_complete)
{
	struct upload *u = s->upload;
	s->upload = NULL;
	fault_point("upload-answer");
	if (is_complete) {
		count_up(&s->here->uploads);
		session_send(s, SLICE("CMD <upload complete> \r\n"));
	} else {
		session_send(s, SLICE("CMD <problem with command> \r\n"));
	}
	log_info("upload-ended", LOG_SLICE("user", session_name(s)),
	    LOG_STR("receiver", u->transfer.file.receiver), LOG_INT("bytes", u->size_bytes),
	    LOG_STR("result", is_complete     ? "complete"
			      : u->is_refused ? "refused"
					      : "cut"));
	transfer_leave(&u->transfer);
	session_talk(s);
}

static void finished(struct session *s)
{
	struct upload *u = s->upload;
	if (u->transfer.file.status != STORE_OK)
		u->is_refused = true;
	answer(s, !u->is_refused && !u->was_cut);
}

static void finish(struct session *s)
{
	struct upload *u = s->upload;
	if (u->is_refused) {
		answer(s, false);
		return;
	}
	transfer_start(&u->transfer, finished);
	file_finish(&u->transfer.file, slice_of(u->filling, u->filling_len));
}

static void end(struct session *s)
{
	struct upload *u = s->upload;
	u->is_over = true;
	session_enter(s, SESSION_STORING);
	if (!u->transfer.is_busy || u->is_refused)
		finish(s);
}

/* ---- refusing ---- */

static void given_back(struct session *s)
{
}

/* What there is of the file goes at once: a full disk is not kept full until the mark comes. */
static void give_back(struct upload *u)
{
	free(u->filling);
	u->filling = NULL;
	u->filling_len = 0;
	transfer_start(&u->transfer, given_back);
	file_discard(&u->transfer.file);
}

static void refuse(struct upload *u)
{
	if (u->is_refused)
		return;
	u->is_refused = true;
	if (!u->transfer.is_busy)
		give_back(u);
}

/* ---- to the disk ---- */

static void start_write(struct upload *u);

static void written(struct session *s)
{
	struct upload *u = s->upload;
	if (u->transfer.file.status != STORE_OK)
		u->is_refused = true;
	if (u->is_refused)
		give_back(u);
	if (u->is_over)
		finish(s);
	else if (!u->is_refused && u->filling_len >= WRITE_LEN)
		start_write(u);
	if (s->upload != NULL && !u->is_over)
		conn_resume(s->conn);
}

static void start_write(struct upload *u)
{
	char *full = u->filling;
	size_t len = u->filling_len;
	u->filling = u->writing;
	u->filling_len = 0;
	u->writing = full;
	transfer_start(&u->transfer, written);
	file_append(&u->transfer.file, slice_of(full, len));
}

/* Takes what there is room for. */
static size_t fill(struct upload *u, struct slice bytes)
{
	size_t taken = 0;
	while (taken < bytes.len) {
		if (u->filling == NULL && (u->filling = malloc(BUFFER_LEN)) == NULL) {
			refuse(u);
			return bytes.len;
		}
		size_t len = bytes.len - taken;
		if (len > BUFFER_LEN - u->filling_len)
			len = BUFFER_LEN - u->filling_len;
		memcpy(u->filling + u->filling_len, bytes.ptr + taken, len);
		u->filling_len += len;
		taken += len;
		bool is_full = u->filling_len == BUFFER_LEN;
		if (u->filling_len >= WRITE_LEN && !u->transfer.is_busy)
			start_write(u);
		else if (is_full)
			break;
	}
	return taken;
}

/* ---- in ---- */

/* How many of len bytes at the front came in before the limit. */
static size_t in_time_len(const struct upload *u, uint64_t now_ms, size_t len)
{
	if (now_ms < u->limit_ms || len <= u->early_len)
		return len;
	return u->early_len;
}

/* Keeps the bytes that count. Returns how many it is done with. */
static size_t keep(struct session *s, struct slice bytes)
{
	struct upload *u = s->upload;
	size_t kept_len = in_time_len(u, session_now_ms(s), bytes.len), taken = kept_len;
	if (kept_len < bytes.len)
		u->was_cut = true;
	if (!u->is_refused && kept_len > u->max_bytes - u->size_bytes)
		refuse(u);
	if (!u->is_refused)
		taken = fill(u, slice_of(bytes.ptr, kept_len));
	if (!u->is_refused)
		u->size_bytes += taken;
	count_more(&s->here->upload_bytes, taken);
	return taken < kept_len ? taken : bytes.len;
}

size_t upload_take(struct session *s, struct slice bytes)
{
	struct upload *u = s->upload;
	size_t data_len, mark_len = 0;
	bool is_found = endmark_find(&u->mark, bytes, &data_len, &mark_len);
	/* At the end of all patience "END" is the file's last word; with some of the token behind it is the mark that comes too late. */
	if (!is_found && u->has_given_up && bytes.len - data_len <= MARK_HEAD_LEN)
		data_len = bytes.len;
	size_t taken = keep(s, slice_of(bytes.ptr, data_len));
	u->early_len -= taken < u->early_len ? taken : u->early_len;
	if (taken < data_len) {
		conn_pause(s->conn); /* until written() */
		return taken;
	}
	if (is_found || u->has_given_up)
		end(s);
	return taken + mark_len;
}

void upload_not_taken(struct session *s, size_t len)
{
	struct upload *u = s->upload;
	u->not_taken_len = len;
	if (session_now_ms(s) < u->limit_ms)
		u->early_len = len;
}

/* ---- time ---- */

uint64_t upload_due_ms(const struct session *s)
{
	const struct upload *u = s->upload;
	if (s->state != SESSION_UPLOADING || u->limit_ms == UINT64_MAX || u->has_given_up)
		return UINT64_MAX;
	return u->limit_ms + LATE_END_MS;
}

void upload_due(struct session *s)
{
	struct upload *u = s->upload;
	if (session_now_ms(s) < upload_due_ms(s))
		return;
	u->has_given_up = u->was_cut = true;
	if (u->not_taken_len == 0) {
		end(s);
		return;
	}
	conn_pause(s->conn); /* and resume: so what was not taken is presented once more */
	conn_resume(s->conn);
}

/* ---- the queries ---- */

static void begun(struct session *s)
{
	struct upload *u = s->upload;
	const struct file *file = &u->transfer.file;
	if (file->status != STORE_OK)
		u->is_refused = true;
	if (file->room_bytes < u->max_bytes)
		u->max_bytes = file->room_bytes;
	session_enter(s, SESSION_UPLOADING);
}

static bool names_are_possible(const struct query *q)
{
	return filename_is_allowed(q->text) && name_check(q->target) == NAME_OK;
}

static struct upload *upload_new(struct session *s)
{
	const struct chat_config *config = s->here->config;
	struct upload *u = calloc(1, sizeof(*u));
	if (u == NULL)
		return NULL;
	transfer_init(&u->transfer, s, free_upload);
	u->mark = endmark_of(slice_of(s->token, TOKEN_LEN));
	u->limit_ms = config->upload_ms != 0 ? session_now_ms(s) + config->upload_ms : UINT64_MAX;
	u->max_bytes = config->file_max_bytes != 0 ? config->file_max_bytes : UINT64_MAX;
	u->transfer.file.max_files = config->max_waiting_files;
	u->transfer.file.max_bytes = config->max_waiting_bytes;
	return u;
}

bool upload_begin(struct session *s, const struct query *q)
{
	struct upload *u = upload_new(s);
	if (u == NULL) { /* no memory even to read on */
		session_end(s, WORDS_END("try later"), "no memory");
		return false;
	}
	s->upload = u;
	if (!names_are_possible(q)) {
		u->is_refused = true;
		session_enter(s, SESSION_UPLOADING);
		return true;
	}
	struct file *file = &u->transfer.file;
	memcpy(file->receiver, q->target.ptr, q->target.len);
	filename_numbered(q->text, 1, file->name);
	session_enter(s, SESSION_STORING);
	transfer_start(&u->transfer, begun);
	file_begin(file);
	return true;
}

bool upload_late_end(struct session *s, const struct query *q)
{
	return true;
}

void upload_leave(struct session *s)
{
	if (s->upload == NULL)
		return;
	transfer_leave(&s->upload->transfer);
	s->upload = NULL;
}
