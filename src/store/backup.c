#include "store/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/folder.h"
#include "store/sqlite.h"
#include "store/tar.h"

enum { CHUNK = 64 << 10, BUSY_MS = 5000 };

struct backup {
	struct folder *folder;
	sqlite3 *live, *copy;
	sqlite3_stmt *next, *is_live, *drop;
	int copy_fd;
	backup_sink_fn *sink;
	void *arg;
	struct backup_counts counts;
	char *why;
	size_t why_size;
};

/* ---- the archive ---- */

static bool put(struct backup *b, const char *bytes, size_t len)
{
	b->counts.bytes += len;
	return b->sink(slice_of(bytes, len), b->arg, b->why, b->why_size);
}

/* An archive member of exactly `size` bytes, read from fd. */
static bool put_file(struct backup *b, const char *name, int fd, uint64_t size, int64_t modified_s)
{
	static const char zeros[TAR_BLOCK];
	char head[TAR_HEADER_MAX];
	char *chunk = malloc(CHUNK);
	if (chunk == NULL)
		snprintf(b->why, b->why_size, "no memory");
	bool is_put = chunk != NULL && put(b, head, tar_header(head, name, size, modified_s));
	for (uint64_t left = size; is_put && left > 0;) {
		ssize_t n = folder_read(fd, chunk, left < CHUNK ? (size_t)left : CHUNK);
		if (n <= 0)
			snprintf(b->why, b->why_size, "can't read %s: %s", name,
			    n < 0 ? strerror((int)-n) : "it is shorter than it was");
		is_put = n > 0 && put(b, chunk, (size_t)n);
		left -= n > 0 ? (uint64_t)n : 0;
	}
	free(chunk);
	return is_put && put(b, zeros, tar_padding(size));
}

static bool put_path(struct backup *b, const char *name, const char *path)
{
	struct stat status;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool is_open = fd >= 0 && fstat(fd, &status) == 0;
	if (!is_open)
		snprintf(b->why, b->why_size, "can't read %s: %s", path, strerror(errno));
	bool is_put =
	    is_open && put_file(b, name, fd, (uint64_t)status.st_size, (int64_t)status.st_mtime);
	if (fd >= 0)
		close(fd);
	return is_put;
}

/* ---- the copy of the database ---- */

static bool fail_sqlite(struct backup *b, sqlite3 *db, const char *what)
{
	snprintf(b->why, b->why_size, "can't %s: %s", what,
	    db != NULL ? sqlite3_errmsg(db) : "no memory");
	return false;
}

static bool vacuum_into(struct backup *b, const char *path, const char *copy_path)
{
	sqlite3_stmt *statement = NULL;
	bool is_done = sqlite3_open_v2(path, &b->live, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
			   NULL) == SQLITE_OK &&
		       sqlite3_busy_timeout(b->live, BUSY_MS) == SQLITE_OK &&
		       sqlite_prepare(b->live, "VACUUM INTO ?1", &statement) &&
		       sqlite3_bind_text(statement, 1, copy_path, -1, SQLITE_STATIC) == SQLITE_OK &&
		       sqlite3_step(statement) == SQLITE_DONE;
	if (!is_done)
		fail_sqlite(b, b->live, "copy the database");
	sqlite3_finalize(statement);
	return is_done;
}

/* SQLite would make it readable for all. */
static bool make_empty(struct backup *b, const char *path)
{
	unlink(path);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0) {
		snprintf(b->why, b->why_size, "can't make %s: %s", path, strerror(errno));
		return false;
	}
	close(fd);
	return true;
}

static bool open_copy(struct backup *b, const char *copy_path)
{
	b->copy_fd = open(copy_path, O_RDONLY | O_CLOEXEC);
	if (sqlite3_open_v2(copy_path, &b->copy, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
		NULL) == SQLITE_OK &&
	    sqlite3_exec(b->copy,
		"PRAGMA journal_mode = DELETE; PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF;"
		"PRAGMA secure_delete = ON",
		NULL, NULL, NULL) == SQLITE_OK &&
	    sqlite_prepare(b->copy,
		"SELECT id, receiver, name, size, completed_ms FROM file WHERE id > ?1 ORDER BY id LIMIT 1",
		&b->next) &&
	    sqlite_prepare(b->copy, "DELETE FROM file WHERE id = ?1", &b->drop) &&
	    sqlite_prepare(b->live, "SELECT 1 FROM file WHERE id = ?1", &b->is_live))
		return true;
	return fail_sqlite(b, b->copy, "read the copy of the database");
}

/* One row, or no more than a change, by id. */
static int step_by_id(sqlite3_stmt *statement, int64_t id)
{
	sqlite3_reset(statement);
	sqlite3_bind_int64(statement, 1, id);
	return sqlite3_step(statement);
}

static bool drop_row(struct backup *b, int64_t id)
{
	int result = step_by_id(b->drop, id);
	sqlite3_reset(b->drop);
	return result == SQLITE_DONE || fail_sqlite(b, b->copy, "change the copy of the database");
}

/*
 * The bytes of a file never change, and its name is free for another only after its row is gone: if the row is there after the file was
 * opened, it is the right one.
 */
static bool put_waiting(struct backup *b)
{
	char name[TAR_NAME_SIZE];
	struct stat status;
	int64_t id = sqlite3_column_int64(b->next, 0), size = sqlite3_column_int64(b->next, 3);
	const char *receiver = (const char *)sqlite3_column_text(b->next, 1);
	const char *file = (const char *)sqlite3_column_text(b->next, 2);
	int64_t completed_ms = sqlite3_column_int64(b->next, 4);
	snprintf(name, sizeof(name), "files/%s+%s", receiver, file);
	int fd = folder_open_file(b->folder, receiver, file);
	int found = step_by_id(b->is_live, id);
	sqlite3_reset(b->is_live);
	bool is_put = false;
	if (found != SQLITE_ROW && found != SQLITE_DONE) {
		fail_sqlite(b, b->live, "read the database");
	} else if (found == SQLITE_DONE || fd == -ENOENT) {
		is_put =
		    drop_row(b, id); /* fetched meanwhile; or lost, which the next start says */
	} else if (fd < 0 || fstat(fd, &status) < 0 || status.st_size != size) {
		snprintf(b->why, b->why_size, "can't read %s: %s", name,
		    fd < 0 ? strerror(-fd) : "it has not the size that it should have");
	} else {
		is_put = put_file(b, name, fd, (uint64_t)size, completed_ms / 1000);
		b->counts.files++;
	}
	if (fd >= 0)
		close(fd);
	return is_put;
}

static bool put_all_waiting(struct backup *b)
{
	int64_t last = 0;
	int result;
	while ((result = step_by_id(b->next, last)) == SQLITE_ROW) {
		last = sqlite3_column_int64(b->next, 0);
		if (!put_waiting(b))
			return false;
	}
	sqlite3_reset(b->next);
	return result == SQLITE_DONE || fail_sqlite(b, b->copy, "read the copy of the database");
}

static void count_people(sqlite3 *db, struct backup_counts *counts)
{
	counts->accounts = sqlite_count(db, "SELECT count(*) FROM account");
	counts->bans = sqlite_count(db, "SELECT count(*) FROM ban");
}

static void finish_copy(struct backup *b)
{
	sqlite3_finalize(b->next);
	sqlite3_finalize(b->drop);
	b->next = b->drop = NULL;
	sqlite3_close(b->copy);
	b->copy = NULL;
}

static bool put_copy(struct backup *b)
{
	struct stat status;
	count_people(b->copy, &b->counts);
	finish_copy(b);
	if (b->copy_fd < 0 || fstat(b->copy_fd, &status) < 0) {
		snprintf(b->why, b->why_size, "can't read the copy: %s", strerror(errno));
		return false;
	}
	return put_file(
	    b, "messagerd.db", b->copy_fd, (uint64_t)status.st_size, clock_wall_ms() / 1000);
}

bool backup_write(const char *url, const char *data_dir, const char *certificate,
    backup_sink_fn *sink, void *arg, struct backup_counts *counts_r, char *why, size_t why_size)
{
	static const char end[TAR_END_SIZE];
	char path[PATH_MAX], copy_path[PATH_MAX];
	struct backup b = {
		.copy_fd = -1, .sink = sink, .arg = arg, .why = why, .why_size = why_size
	};
	if (!sqlite_path(url, data_dir, path, why, why_size))
		return false;
	if (snprintf(copy_path, sizeof(copy_path), "%s/messagerd.db.backup", data_dir) >=
	    (int)sizeof(copy_path)) {
		snprintf(why, why_size, "the path of the data folder is too long");
		return false;
	}
	b.folder = folder_open(data_dir, why, why_size);
	bool is_copied = b.folder != NULL && make_empty(&b, copy_path) &&
			 vacuum_into(&b, path, copy_path) && open_copy(&b, copy_path);
	unlink(copy_path); /* whatever comes, it is not left behind */
	bool is_written = is_copied && put_all_waiting(&b) &&
			  (certificate == NULL || put_path(&b, "server.pem", certificate)) &&
			  put_copy(&b) && put(&b, end, sizeof(end));
	finish_copy(&b);
	sqlite3_finalize(b.is_live);
	sqlite3_close(b.live);
	if (b.copy_fd >= 0)
		close(b.copy_fd);
	folder_close(b.folder);
	*counts_r = b.counts;
	return is_written;
}
