/*
 * postgres_files.c: waiting files as pieces of POSTGRES_PIECE_BYTES in the database (postgres_schema.c).
 *
 *	begin	room, then an upload: a row that only this node knows
 *	append	bytes -> held; each time a piece is together: a row
 *	finish	the last piece, then in one transaction: quota, name, file; TAKEN: the next number
 *	read	the file's row, then pieces -> held -> the caller; at the last one the sum must be right
 *
 * What is at hand of a file is one piece and what the caller handed in or asked for. All steps are on the store's thread.
 */
#include <string.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"
#include "store/postgres.h"

enum { NUMBER_MAX = 1000000 }; /* files of one name, before we give up */

static void finish_with(struct file *file, enum store_status status)
{
	file->status = status;
	file->done(file);
}

static void start_row(struct file *file, int call, store_done_fn *done)
{
	struct store_request *row = &file->row;
	*row = (struct store_request){ .call = (enum store_call)call,
		.done = done,
		.arg = file,
		.id = file->upload,
		.max_files = file->max_files,
		.max_bytes = file->max_bytes };
	memcpy(row->name, file->receiver, sizeof(file->receiver));
}

static void submit_row(struct file *file)
{
	store_submit(file->store, &file->row);
}

static void run_step(struct store_request *row)
{
	struct file *file = row->arg;
	file->step(file);
}

/* Goes on with step() on the store's thread. */
static void start_step(struct file *file, void (*step)(struct file *file))
{
	file->step = step;
	start_row(file, POSTGRES_STEP, run_step);
	submit_row(file);
}

/* ---- in ---- */

static void upload_begun(struct store_request *row)
{
	struct file *file = row->arg;
	file->upload = row->status == STORE_OK ? row->id : 0;
	crypto_hash_sha256_init(&file->sha);
	finish_with(file, row->status);
}

static void room_known(struct store_request *row)
{
	struct file *file = row->arg;
	enum store_status status = row->status;
	file->room_bytes = UINT64_MAX;
	if (status == STORE_OK && file->max_files != 0 && row->files >= file->max_files)
		status = STORE_TAKEN;
	if (status == STORE_OK && file->max_bytes != 0) {
		if (row->size_bytes >= file->max_bytes)
			status = STORE_TAKEN;
		else
			file->room_bytes = file->max_bytes - row->size_bytes;
	}
	if (status != STORE_OK) {
		finish_with(file, status);
		return;
	}
	start_row(file, POSTGRES_UPLOAD_BEGIN, upload_begun);
	postgres_node(file->store, file->row.node, &file->row.epoch);
	submit_row(file);
}

void postgres_file_begin(struct file *file)
{
	start_row(file, STORE_FILE_ROOM, room_known);
	submit_row(file);
}

static void piece_added(struct store_request *row);

static void add_piece(struct file *file)
{
	struct slice bytes = buffer_slice(&file->held);
	start_row(file, POSTGRES_PIECE_ADD, piece_added);
	file->row.ticket = (int64_t)file->piece;
	file->row.bytes = bytes;
	if (file->row.bytes.len > POSTGRES_PIECE_BYTES)
		file->row.bytes.len = POSTGRES_PIECE_BYTES;
	submit_row(file);
}

/* Takes the caller's bytes in. false: no memory. */
static bool hold(struct file *file)
{
	if (!buffer_append_slice(&file->held, file->bytes))
		return false;
	crypto_hash_sha256_update(
	    &file->sha, (const unsigned char *)file->bytes.ptr, file->bytes.len);
	file->size_bytes += file->bytes.len;
	return true;
}

static void dropped(struct store_request *row)
{
	struct file *file = row->arg;
	file->upload = 0;
	file->done(file); /* with the status that it has */
}

/* Nothing of it stays. What can't be removed now goes with the sweep, once this node is gone. */
static void drop(struct file *file)
{
	buffer_clear(&file->held);
	if (file->upload == 0) {
		file->done(file);
		return;
	}
	start_row(file, POSTGRES_UPLOAD_DROP, dropped);
	submit_row(file);
}

static void drop_with(struct file *file, enum store_status status)
{
	file->status = status;
	drop(file);
}

static void add_pieces(struct file *file)
{
	if (file->held.len >= POSTGRES_PIECE_BYTES)
		add_piece(file);
	else
		finish_with(file, STORE_OK);
}

static void append(struct file *file)
{
	if (hold(file))
		add_pieces(file);
	else
		finish_with(file, STORE_UNAVAILABLE);
}

void postgres_file_append(struct file *file, struct slice bytes)
{
	file->bytes = bytes;
	file->at_end = false;
	start_step(file, append);
}

static void enter(struct file *file);

static void entered(struct store_request *row)
{
	struct file *file = row->arg;
	if (row->status == STORE_OK) {
		memcpy(file->name, row->file, sizeof(row->file));
		file->upload = 0; /* no longer ours */
		buffer_clear(&file->held);
		finish_with(file, STORE_OK);
	} else if (row->status == STORE_TAKEN && ++file->number < NUMBER_MAX) {
		enter(file);
	} else {
		drop_with(file, row->status == STORE_NONE ? STORE_NONE : STORE_UNAVAILABLE);
	}
}

static void enter(struct file *file)
{
	start_row(file, POSTGRES_FILE_FINISH, entered);
	struct store_request *row = &file->row;
	row->file[filename_numbered(slice_str(file->name), file->number, row->file)] = '\0';
	row->size_bytes = file->size_bytes;
	row->created_ms = file->completed_ms != 0 ? file->completed_ms : clock_wall_ms();
	row->digest = slice_of((const char *)file->digest, FILE_DIGEST_SIZE);
	submit_row(file);
}

static void add_last_pieces(struct file *file)
{
	if (file->held.len > 0) {
		add_piece(file);
		return;
	}
	crypto_hash_sha256_final(&file->sha, file->digest);
	file->number = 1;
	enter(file);
}

static void piece_added(struct store_request *row)
{
	struct file *file = row->arg;
	if (row->status != STORE_OK) {
		if (file->at_end)
			drop_with(file, STORE_UNAVAILABLE);
		else
			finish_with(file, STORE_UNAVAILABLE);
		return;
	}
	buffer_take(&file->held, row->bytes.len);
	file->piece++;
	if (file->at_end)
		add_last_pieces(file);
	else
		add_pieces(file);
}

static void finish(struct file *file)
{
	if (hold(file))
		add_last_pieces(file);
	else
		drop_with(file, STORE_UNAVAILABLE);
}

void postgres_file_finish(struct file *file, struct slice bytes)
{
	file->bytes = bytes;
	file->at_end = true;
	start_step(file, finish);
}

/* ---- out ---- */

static void end_reading(struct file *file, enum store_status status)
{
	buffer_clear(&file->held);
	file->upload = 0;
	finish_with(file, status);
}

/* The sum of the whole, before the last bytes are given out. */
static bool is_whole(struct file *file)
{
	unsigned char digest[FILE_DIGEST_SIZE];
	crypto_hash_sha256_state sha = file->sha;
	crypto_hash_sha256_final(&sha, digest);
	if (memcmp(digest, file->digest, sizeof(digest)) == 0)
		return true;
	log_error("file-damaged", LOG_STR("receiver", file->receiver), LOG_STR("file", file->name));
	return false;
}

static void get_piece(struct file *file);

/* Gives the caller what is at hand, if it is enough or all. */
static void give(struct file *file)
{
	bool is_all = file->piece * POSTGRES_PIECE_BYTES >= file->size_bytes;
	if (!is_all && file->held.len < file->cap) {
		get_piece(file);
		return;
	}
	if (is_all && !is_whole(file)) {
		end_reading(file, STORE_UNAVAILABLE);
		return;
	}
	struct slice held = buffer_slice(&file->held);
	file->got_len = held.len < file->cap ? held.len : file->cap;
	if (file->got_len > 0)
		memcpy(file->to, held.ptr, file->got_len);
	buffer_take(&file->held, file->got_len);
	file->at_end = file->got_len < file->cap;
	if (file->at_end)
		end_reading(file, STORE_OK);
	else
		finish_with(file, STORE_OK);
}

static void got_piece(struct store_request *row)
{
	struct file *file = row->arg;
	uint64_t at = file->piece * POSTGRES_PIECE_BYTES, left = file->size_bytes - at;
	size_t expected = left < POSTGRES_PIECE_BYTES ? (size_t)left : POSTGRES_PIECE_BYTES;
	struct slice held = buffer_slice(&file->held);
	size_t len = held.len - (size_t)row->files; /* what was held before */
	if (row->status != STORE_OK || len != expected) {
		end_reading(file, row->status == STORE_NONE ? STORE_NONE : STORE_UNAVAILABLE);
		return;
	}
	crypto_hash_sha256_update(
	    &file->sha, (const unsigned char *)held.ptr + held.len - len, len);
	file->piece++;
	give(file);
}

static void get_piece(struct file *file)
{
	start_row(file, POSTGRES_PIECE_GET, got_piece);
	file->row.ticket = (int64_t)file->piece;
	file->row.removed = &file->held;
	file->row.files = file->held.len;
	submit_row(file);
}

static void opened(struct store_request *row)
{
	struct file *file = row->arg;
	if (row->status != STORE_OK || file->held.len != FILE_DIGEST_SIZE) {
		end_reading(file, row->status == STORE_OK ? STORE_UNAVAILABLE : row->status);
		return;
	}
	memcpy(file->digest, buffer_slice(&file->held).ptr, FILE_DIGEST_SIZE);
	buffer_clear(&file->held);
	file->upload = row->id;
	file->size_bytes = row->size_bytes;
	file->piece = 0;
	crypto_hash_sha256_init(&file->sha);
	give(file);
}

static void open_to_read(struct file *file)
{
	buffer_clear(&file->held);
	start_row(file, POSTGRES_FILE_OPEN, opened);
	memcpy(file->row.file, file->name, sizeof(file->name));
	file->row.removed = &file->held;
	submit_row(file);
}

static void read_bytes(struct file *file)
{
	if (file->is_stale || file->upload == 0) {
		file->is_stale = false;
		file->upload = 0;
		open_to_read(file);
	} else {
		give(file);
	}
}

void postgres_file_read(struct file *file, char *to, size_t cap)
{
	file->to = to;
	file->cap = cap;
	start_step(file, read_bytes);
}

/* Of one that was read there is nothing to remove: its upload is complete, which the row knows. */
static void discard(struct file *file)
{
	drop_with(file, STORE_OK);
}

void postgres_file_discard(struct file *file)
{
	start_step(file, discard);
}
