/*
 * files.c: waiting files of the embedded store: bytes in DATA/files, by the threads of the store's pool; rows in SQLite, by its lanes.
 *
 *	begin	reader: account and quota	-> pool: create
 *	append	pool: write
 *	finish	pool: write, fsync, name it, fsync the folder	-> writer: the row	-> done
 *		                 ^------------ TAKEN: the next number ----'    '- refused -> pool: unlink -> done
 *	read	pool: open if need be, read, close at the end
 *
 * A step that has the next one waiting holds the store open all the way (sqlite_work() before sqlite_release()).
 */
#include "store/files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/list.h"
#include "base/log.h"
#include "store/sqlite.h"

/* ---- steps ---- */

static void run_step(struct pool_job *job)
{
	struct file *file = list_entry(job, struct file, job);
	struct store *store = file->store;
	file->step(file); /* after which it may be gone */
	sqlite_release(store);
}

static void start_step(struct file *file, void (*step)(struct file *file))
{
	file->step = step;
	file->job.run = run_step;
	sqlite_work(file->store, &file->job);
}

static void finish_with(struct file *file, enum store_status status)
{
	file->status = status;
	file->done(file);
}

static void start_row(struct file *file, enum store_call call, store_done_fn *done)
{
	struct store_request *row = &file->row;
	*row = (struct store_request){ .call = call, .done = done, .arg = file };
	memcpy(row->name, file->receiver, sizeof(file->receiver));
	row->max_files = file->max_files;
	row->max_bytes = file->max_bytes;
	store_submit(file->store, row);
}

/* result is -errno. */
static void log_failure(const struct file *file, const char *during, int result)
{
	static struct log_limit limit;
	uint64_t suppressed;
	if (log_limit_allows(&limit, &suppressed))
		log_error("file-failed", LOG_STR("during", during),
		    LOG_STR("receiver", file->receiver), LOG_STR("error", strerror(-result)),
		    LOG_INT("suppressed", suppressed));
}

static void close_file(struct file *file)
{
	if (file->fd >= 0)
		close(file->fd);
	file->fd = -1;
	file->is_stale = false;
}

/* ---- in ---- */

static void create(struct file *file)
{
	int fd = folder_create(sqlite_folder(file->store), file->entry);
	if (fd < 0) {
		log_failure(file, "create", fd);
		finish_with(file, STORE_UNAVAILABLE);
		return;
	}
	file->fd = fd;
	fault_point("upload-created");
	finish_with(file, STORE_OK);
}

static void room_known(struct store_request *row)
{
	struct file *file = row->arg;
	file->room_bytes = UINT64_MAX;
	if (row->status == STORE_OK && file->max_files != 0 && row->files >= file->max_files)
		row->status = STORE_TAKEN;
	if (row->status == STORE_OK && file->max_bytes != 0) {
		if (row->size_bytes >= file->max_bytes)
			row->status = STORE_TAKEN;
		else
			file->room_bytes = file->max_bytes - row->size_bytes;
	}
	if (row->status == STORE_OK)
		start_step(file, create);
	else
		finish_with(file, row->status);
}

void folder_file_begin(struct file *file)
{
	start_row(file, STORE_FILE_ROOM, room_known);
}

static int write_bytes(struct file *file)
{
	int result = folder_write(sqlite_folder(file->store), file->fd, file->bytes);
	if (result < 0)
		log_failure(file, "write", result);
	else
		file->size_bytes += file->bytes.len;
	return result;
}

static void append(struct file *file)
{
	finish_with(file, write_bytes(file) == 0 ? STORE_OK : STORE_UNAVAILABLE);
}

void folder_file_append(struct file *file, struct slice bytes)
{
	file->bytes = bytes;
	start_step(file, append);
}

/* Whatever it is called by now, it goes. */
static void drop(struct file *file)
{
	close_file(file);
	if (file->entry[0] != '\0') {
		int result = folder_unlink(sqlite_folder(file->store), file->entry);
		if (result < 0)
			log_failure(file, "remove", result);
	}
	file->entry[0] = '\0';
	finish_with(file, file->status);
}

static void drop_with(struct file *file, enum store_status status)
{
	file->status = status;
	drop(file);
}

static int sync_bytes(struct file *file)
{
	int fault = fault_point("upload-sync");
	if (fault != 0)
		return -fault;
	return fsync(file->fd) == 0 ? 0 : -errno;
}

static void place(struct file *file);

static void row_added(struct store_request *row)
{
	struct file *file = row->arg;
	if (row->status == STORE_OK) {
		fault_point("upload-entered");
		file->entry[0] = '\0'; /* no longer ours */
		memcpy(file->name, row->file, sizeof(row->file));
		finish_with(file, STORE_OK);
		return;
	}
	file->status = row->status;
	start_step(file, row->status == STORE_TAKEN ? place : drop);
}

static void add_row(struct file *file)
{
	char receiver[NAME_MAX_LEN + 1];
	const char *name;
	folder_entry_split(file->entry, receiver, &name);
	struct store_request *row = &file->row;
	*row = (struct store_request){ .call = STORE_FILE_ADD,
		.done = row_added,
		.arg = file,
		.size_bytes = file->size_bytes,
		.created_ms = file->completed_ms != 0 ? file->completed_ms : clock_wall_ms(),
		.max_files = file->max_files,
		.max_bytes = file->max_bytes };
	memcpy(row->name, file->receiver, sizeof(file->receiver));
	memcpy(row->file, name, strlen(name) + 1);
	store_submit(file->store, row);
}

/* A row may have a name that the folder has free: somebody took the file away by hand. Then we are here again for the next number. */
static void place(struct file *file)
{
	struct folder *folder = sqlite_folder(file->store);
	int result = folder_place(folder, file->entry, file->receiver, file->name, &file->number);
	if (result == 0)
		result = folder_sync(folder);
	if (result < 0) {
		log_failure(file, "rename", result);
		drop_with(file, STORE_UNAVAILABLE);
		return;
	}
	fault_point("upload-placed");
	add_row(file);
}

static void finish(struct file *file)
{
	int result = write_bytes(file);
	if (result == 0) {
		result = sync_bytes(file);
		if (result < 0)
			log_failure(file, "sync", result);
	}
	if (result < 0) {
		drop_with(file, STORE_UNAVAILABLE);
		return;
	}
	close_file(file);
	file->number = 1;
	place(file);
}

void folder_file_finish(struct file *file, struct slice bytes)
{
	file->bytes = bytes;
	start_step(file, finish);
}

/* ---- out ---- */

static int open_to_read(struct file *file)
{
	if (file->is_stale)
		close_file(file);
	if (file->fd >= 0)
		return 0;
	int fd = folder_open_file(sqlite_folder(file->store), file->receiver, file->name);
	if (fd < 0)
		return fd;
	posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	file->fd = fd;
	return 0;
}

static void read_bytes(struct file *file)
{
	int result = open_to_read(file);
	ssize_t len = result == 0 ? folder_read(file->fd, file->to, file->cap) : result;
	if (len < 0) {
		log_failure(file, "read", (int)len);
		close_file(file);
		finish_with(file, len == -ENOENT ? STORE_NONE : STORE_UNAVAILABLE);
		return;
	}
	file->got_len = (size_t)len;
	file->at_end = file->got_len < file->cap;
	if (file->at_end)
		close_file(file);
	finish_with(file, STORE_OK);
}

void folder_file_read(struct file *file, char *to, size_t cap)
{
	file->to = to;
	file->cap = cap;
	start_step(file, read_bytes);
}

void folder_file_discard(struct file *file)
{
	file->status = STORE_OK;
	start_step(file, drop);
}
