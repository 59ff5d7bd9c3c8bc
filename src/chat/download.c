/*
 * download.c: the files that wait for a user, on their way out. The session is DOWNLOADING all the while: it is not read, so later
 * queries wait their turn.
 *
 *	CMD <get> -> store: what waits -> BEGIN n -> [ BEGINF, bytes, ENDF ] n times -> CMD <file send complete>, what was held
 *
 *	disk -> chunk -> (when the connection's output queue is empty) -> records
 *
 * One chunk is read ahead while the one before is on its way. Of a file that can't be opened or read to its end the receiver gets what
 * there was, and its ENDF: n has been said, and each of n must come. As one whose time ran out it is kept and comes again with the
 * next CMD <get>; the log names it.
 */
#include "chat/download.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/fault.h"
#include "base/log.h"
#include "chat/session.h"
#include "chat/transfer.h"
#include "protocol/endmark.h"

enum {
	CHUNK_LEN = 7 * RECORD_MAX_LEN, /* with as much in the output queue: less than 256 KiB */
	LIST_MAX_LEN = 256 * 1024, /* names of files; what is beyond waits for the next CMD <get> */
	SPARED_BYTES = 2 * CHUNK_LEN + 16 * 1024, /* file bytes that may be in the output queue */
	RECORD_OVERHEAD = 32,                     /* what a record's encryption adds, at most */
	STALL_MS = 60000, /* a receiver that takes nothing for so long is dropped */
};

/* In the list: this, then the name with its NUL. */
struct entry {
	int64_t id; /* 0: not to be sent */
	size_t name_len;
};

struct download {
	struct transfer transfer; /* first */
	struct store_request request;
	struct buffer list;
	size_t count; /* of files that are yet to be sent */
	size_t at;    /* in the list: the file at hand */

	bool is_holding;   /* BEGIN is out */
	bool is_in_file;   /* BEGINF is out, ENDF is not */
	bool is_selected;  /* the store reads the file at hand */
	bool is_ready;     /* the chunk is to be sent */
	bool is_outdated;  /* the chunk that is being read is of a file that was cut */
	bool is_overfull;  /* more was held than may be, or there was no memory for it */
	uint64_t began_ms; /* BEGINF of the file at hand */
	char *chunk;

	uint64_t whole, cut; /* files that went out */

	struct buffer held; /* lengths (size_t) and queries */
	size_t held_bytes;  /* on the wire */

	uint64_t acknowledged_bytes, progress_ms; /* of the receiver */
};

static void free_download(struct transfer *t)
{
	struct download *d = (struct download *)t;
	buffer_clear(&d->list);
	buffer_clear(&d->held);
	free(d->chunk);
	free(d);
}

/* ---- the list ---- */

static struct entry entry_at(const struct download *d, size_t at)
{
	struct entry entry;
	memcpy(&entry, d->list.mem + d->list.start + at, sizeof(entry));
	return entry;
}

static const char *name_at(const struct download *d, size_t at)
{
	return d->list.mem + d->list.start + at + sizeof(struct entry);
}

static size_t after_entry(const struct download *d, size_t at)
{
	return at + sizeof(struct entry) + entry_at(d, at).name_len + 1;
}

/* On a thread of the store. */
static void list_file(struct store_request *request, const struct store_file *file)
{
	struct download *d = request->arg;
	struct entry entry = { .id = file->id, .name_len = strlen(file->name) };
	size_t len = sizeof(entry) + entry.name_len + 1;
	char *to = len <= LIST_MAX_LEN - d->list.len ? buffer_reserve(&d->list, len) : NULL;
	if (to == NULL)
		return;
	memcpy(to, &entry, sizeof(entry));
	memcpy(to + sizeof(entry), file->name, entry.name_len + 1);
	buffer_added(&d->list, len);
}

static void listed(struct store_request *request)
{
	struct download *d = request->arg;
	transfer_back(&d->transfer);
}

/* Leaves those out that have just gone out on this very connection and are only not acknowledged yet. */
static void count_files(struct session *s)
{
	struct download *d = s->download;
	for (size_t at = 0; at < d->list.len; at = after_entry(d, at)) {
		struct entry entry = entry_at(d, at);
		if (receipts_has(s, entry.id)) {
			entry.id = 0;
			memcpy(d->list.mem + d->list.start + at, &entry, sizeof(entry));
		} else {
			d->count++;
		}
	}
}

/* Goes to the next that is to be sent, from at on. */
static void go_to(struct download *d, size_t at)
{
	while (d->count > 0 && entry_at(d, at).id == 0)
		at = after_entry(d, at);
	d->at = at;
	d->is_selected = false;
}

/* ---- what waits meanwhile ---- */

bool download_holds(const struct session *s)
{
	return s->download != NULL && s->download->is_holding;
}

void download_hold(struct session *s, struct slice query)
{
	struct download *d = s->download;
	uint64_t limit = worker_config(s->here->worker)->output_limit_bytes;
	size_t len = query.len, before = d->held.len;
	d->held_bytes += len + RECORD_OVERHEAD;
	if (d->is_overfull)
		return;
	if ((limit == 0 || d->held_bytes <= limit) && buffer_append(&d->held, &len, sizeof(len))) {
		if (buffer_append_slice(&d->held, query))
			return;
		d->held.len = before;
	}
	d->is_overfull =
	    true; /* download_due() ends it: whoever sends this is in the middle of something */
	session_rearm(s);
}

static void send_held(struct session *s)
{
	struct download *d = s->download;
	struct slice rest = buffer_slice(&d->held);
	while (rest.len > 0) {
		size_t len;
		memcpy(&len, rest.ptr, sizeof(len));
		rest = slice_skip(rest, sizeof(len));
		conn_send(s->conn, slice_of(rest.ptr, len));
		rest = slice_skip(rest, len);
	}
}

/* ---- out ---- */

static void send_begin(struct session *s)
{
	char text[32];
	int len = snprintf(text, sizeof(text), "BEGIN %zu \r\n", s->download->count);
	conn_send(s->conn, slice_of(text, (size_t)len));
}

static void send_beginf(struct session *s)
{
	struct download *d = s->download;
	char text[FILENAME_MAX_LEN + 16];
	int len = snprintf(text, sizeof(text), "BEGINF %s \r\n", name_at(d, d->at));
	conn_send(s->conn, slice_of(text, (size_t)len));
	d->is_in_file = true;
	d->began_ms = session_now_ms(s);
}

/* Ends the file at hand. One that is not whole is kept. */
static void send_endf(struct session *s, bool is_whole)
{
	struct download *d = s->download;
	conn_send(s->conn, SLICE("ENDF \r\n"));
	fault_point("download-endf");
	d->is_in_file = false;
	if (is_whole) {
		count_up(&s->here->downloads);
		receipts_add(s, entry_at(d, d->at).id);
	}
	*(is_whole ? &d->whole : &d->cut) += 1;
	d->count--;
	go_to(d, after_entry(d, d->at));
}

static bool is_late(const struct session *s)
{
	uint64_t limit_ms = s->here->config->download_ms;
	return limit_ms != 0 && session_now_ms(s) >= s->download->began_ms + limit_ms;
}

static void send_bytes(struct session *s, struct slice bytes)
{
	count_more(&s->here->download_bytes, bytes.len);
	while (bytes.len > 0) {
		size_t len = endmark_record_len(bytes);
		conn_send(s->conn, slice_of(bytes.ptr, len));
		bytes = slice_skip(bytes, len);
	}
}

static void send_chunk(struct session *s)
{
	struct download *d = s->download;
	const struct file *file = &d->transfer.file;
	bool is_good = file->status == STORE_OK;
	d->is_ready = false;
	conn_spare(s->conn, SPARED_BYTES);
	if (!d->is_in_file)
		send_beginf(s);
	if (is_good && is_late(s))
		is_good = false;
	if (is_good)
		send_bytes(s, slice_of(d->chunk, file->got_len));
	if (!is_good || file->at_end)
		send_endf(s, is_good);
}

static void log_end(const struct session *s)
{
	const struct download *d = s->download;
	log_info("download-ended", LOG_SLICE("user", session_name(s)), LOG_INT("files", d->whole),
	    LOG_INT("cut", d->cut), LOG_INT("not_sent", d->count));
}

static void complete(struct session *s)
{
	struct download *d = s->download;
	log_end(s);
	conn_send(s->conn, SLICE("CMD <file send complete> \r\n"));
	d->is_holding = false;
	send_held(s);
	download_leave(s);
	session_talk(s);
}

/* ---- from the disk ---- */

static void pump(struct session *s);

static void chunk_read(struct session *s)
{
	struct download *d = s->download;
	d->is_ready = !d->is_outdated;
	d->is_outdated = false;
	d->progress_ms = session_now_ms(s); /* it was our disk that was waited for */
	receipts_check(s);
	pump(s);
}

static void start_read(struct session *s)
{
	struct download *d = s->download;
	if (!d->is_selected)
		file_select(&d->transfer.file, s->user.name, name_at(d, d->at));
	d->is_selected = true;
	transfer_start(&d->transfer, chunk_read);
	file_read(&d->transfer.file, d->chunk, CHUNK_LEN);
}

/* Does what can be done now; drained() or chunk_read() call again. */
static void pump(struct session *s)
{
	struct download *d = s->download;
	if (conn_queued_bytes(s->conn) > 0 || d->is_overfull)
		return;
	if (d->is_ready)
		send_chunk(s);
	if (d->count == 0)
		complete(s);
	else if (!d->transfer.is_busy)
		start_read(s);
	if (s->download != NULL)
		session_rearm(s);
}

void download_drained(struct session *s)
{
	receipts_check(s);
	if (download_holds(s))
		pump(s);
}

/* ---- time ---- */

uint64_t download_due_ms(const struct session *s)
{
	const struct download *d = s->download;
	uint64_t limit_ms = s->here->config->download_ms;
	if (d->is_overfull)
		return 0;
	if (!d->is_holding)
		return UINT64_MAX;
	uint64_t due_ms = d->progress_ms + STALL_MS;
	if (d->is_in_file && limit_ms != 0 && d->began_ms + limit_ms < due_ms)
		due_ms = d->began_ms + limit_ms;
	return due_ms;
}

/* false: the receiver has taken nothing for too long. */
static bool makes_progress(struct session *s)
{
	struct download *d = s->download;
	uint64_t acknowledged_bytes = conn_acknowledged_bytes(s->conn);
	if (acknowledged_bytes != d->acknowledged_bytes || d->transfer.is_busy) {
		d->acknowledged_bytes = acknowledged_bytes;
		d->progress_ms = session_now_ms(s);
	}
	return session_now_ms(s) < d->progress_ms + STALL_MS;
}

static void cut(struct session *s)
{
	struct download *d = s->download;
	d->is_ready = false;
	d->is_outdated = d->transfer.is_busy;
	send_endf(s, false);
	pump(s);
}

bool download_due(struct session *s)
{
	struct download *d = s->download;
	if (session_now_ms(s) < download_due_ms(s))
		return true;
	if (d->is_overfull || !makes_progress(s)) {
		session_end(s, WORDS_END("too slow"), "too slow");
		return false;
	}
	if (d->is_in_file && is_late(s))
		cut(s);
	return true;
}

/* ---- beginning and end ---- */

static void snapshot_taken(struct session *s)
{
	struct download *d = s->download;
	if (d->request.status != STORE_OK) {
		session_send(s, SLICE("CMD <problem with command> \r\n"));
		download_leave(s);
		session_talk(s);
		return;
	}
	fault_point("download-begin");
	count_files(s);
	go_to(d, 0);
	d->progress_ms = session_now_ms(s);
	d->is_holding = true;
	send_begin(s);
	pump(s);
}

static struct download *download_new(struct session *s)
{
	struct download *d = calloc(1, sizeof(*d));
	if (d == NULL)
		return NULL;
	transfer_init(&d->transfer, s, free_download);
	d->chunk = malloc(CHUNK_LEN);
	if (d->chunk == NULL) {
		free_download(&d->transfer);
		return NULL;
	}
	d->request = (struct store_request){
		.call = STORE_FILE_SNAPSHOT, .done = listed, .arg = d, .each_file = list_file
	};
	memcpy(d->request.name, s->user.name, s->user.name_len);
	return d;
}

bool download_start(struct session *s)
{
	receipts_check(s);
	s->download = download_new(s);
	if (s->download == NULL) {
		session_send(s, SLICE("CMD <problem with command> \r\n"));
		return true;
	}
	session_enter(s, SESSION_DOWNLOADING);
	transfer_start(&s->download->transfer, snapshot_taken);
	store_submit(s->here->chat->store, &s->download->request);
	return true;
}

void download_break_off(struct session *s)
{
	struct download *d = s->download;
	if (!download_holds(s))
		return;
	if (d->is_in_file)
		send_endf(s, false);
	log_end(s);
	d->is_holding = false;
	if (!d->is_overfull)
		send_held(s);
}

void download_leave(struct session *s)
{
	if (s->download == NULL)
		return;
	transfer_leave(&s->download->transfer);
	s->download = NULL;
}
