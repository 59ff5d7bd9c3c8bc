/* restore.c: the way back from an archive (backup.h) to a data folder. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/backup.h"
#include "store/folder.h"
#include "store/sqlite.h"
#include "store/sqlite_schema.h"
#include "store/tar.h"

enum { CHUNK = 64 << 10 };

/* Everything is first made in DATA/restore, a data folder of its own. */
struct restore {
	int from;
	char data[PATH_MAX], stage[PATH_MAX], database[PATH_MAX];
	struct folder *folder; /* the stage's files */
	struct backup_counts counts;
	char *why;
	size_t why_size;
};

static bool fail(struct restore *r, const char *what, const char *name)
{
	snprintf(r->why, r->why_size, "can't %s %s: %s", what, name, strerror(errno));
	return false;
}

static bool join(struct restore *r, char to[static PATH_MAX], const char *folder, const char *name)
{
	if (snprintf(to, PATH_MAX, "%s/%s", folder, name) < PATH_MAX)
		return true;
	errno = ENAMETOOLONG;
	return fail(r, "make", name);
}

/* ---- the data folder before ---- */

static void note_entry(const char *entry, void *arg)
{
	(void)entry;
	*(bool *)arg = true;
}

static bool is_free(struct restore *r)
{
	char certificate[PATH_MAX];
	bool has_files = false, has_folder = false;
	if (!join(r, certificate, r->data, "server.pem"))
		return false;
	r->folder = folder_open(r->data, r->why, r->why_size);
	has_folder = r->folder != NULL;
	if (!has_folder || folder_each(r->folder, note_entry, &has_files) < 0)
		return has_folder ? fail(r, "read", r->data) : false;
	folder_close(r->folder);
	r->folder = NULL;
	const char *there = access(r->database, F_OK) == 0   ? r->database
			    : access(certificate, F_OK) == 0 ? certificate
			    : has_files                      ? "the folder of waiting files"
							     : NULL;
	if (there != NULL)
		snprintf(r->why, r->why_size,
		    "nothing is restored over what there is: the data folder %s is in use (%s); "
		    "move that folder away, or give another server.data",
		    r->data, there);
	return there == NULL;
}

static void remove_entry(const char *entry, void *arg)
{
	folder_unlink(arg, entry);
}

/* What an earlier attempt has left as well. */
static void clear_stage(struct restore *r)
{
	char path[PATH_MAX], ignored[256];
	DIR *listing = opendir(r->stage);
	if (listing == NULL)
		return;
	struct folder *files = folder_open(r->stage, ignored, sizeof(ignored));
	if (files != NULL)
		folder_each(files, remove_entry, files);
	folder_close(files);
	for (struct dirent *entry; (entry = readdir(listing)) != NULL;) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
		    join(r, path, r->stage, entry->d_name))
			remove(path);
	}
	closedir(listing);
	rmdir(r->stage);
}

/* ---- reading ---- */

static bool take(struct restore *r, char *to, size_t len)
{
	ssize_t n = folder_read(r->from, to, len);
	if (n == (ssize_t)len)
		return true;
	if (n < 0)
		snprintf(r->why, r->why_size, "can't read the backup: %s", strerror((int)-n));
	else
		snprintf(r->why, r->why_size, "the backup is cut off");
	return false;
}

static bool write_all(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, bytes, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		bytes += n;
		len -= (size_t)n;
	}
	return true;
}

static bool take_file(struct restore *r, const char *path, uint64_t size)
{
	static char chunk[CHUNK]; /* one server restores once */
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	bool is_taken = fd >= 0 || fail(r, "make", path);
	for (uint64_t left = size; is_taken && left > 0;) {
		size_t len = left < CHUNK ? (size_t)left : CHUNK;
		is_taken =
		    take(r, chunk, len) && (write_all(fd, chunk, len) || fail(r, "write", path));
		left -= len;
	}
	is_taken = is_taken && take(r, chunk, tar_padding(size)) &&
		   (fsync(fd) == 0 || fail(r, "write", path));
	if (fd >= 0)
		close(fd);
	return is_taken;
}

/* One of the names that backup_write() gives, and no other, so that an archive can't write where it likes. */
static bool is_ours(const char *name)
{
	char receiver[NAME_MAX_LEN + 1];
	const char *file;
	if (strcmp(name, "server.pem") == 0 || strcmp(name, "messagerd.db") == 0)
		return true;
	return strncmp(name, "files/", 6) == 0 && folder_entry_split(name + 6, receiver, &file) &&
	       name_check(slice_str(receiver)) == NAME_OK && filename_is_allowed(slice_str(file));
}

static bool take_long_name(struct restore *r, char name_r[static TAR_NAME_SIZE], uint64_t size)
{
	char block[TAR_BLOCK];
	if (size == 0 || size > TAR_NAME_SIZE) {
		snprintf(r->why, r->why_size, "this is no backup: a name of it is too long");
		return false;
	}
	if (!take(r, block, TAR_BLOCK))
		return false;
	memcpy(name_r, block, (size_t)size);
	name_r[size - 1] = '\0';
	return true;
}

/* 1: a file was taken, 0: that was the last, -1: broken. */
static int take_entry(struct restore *r)
{
	char block[TAR_BLOCK], name[TAR_NAME_SIZE] = "", path[PATH_MAX];
	struct tar_entry entry;
	if (!take(r, block, TAR_BLOCK))
		return -1;
	bool is_header = tar_parse(block, &entry);
	if (is_header && entry.is_long_name) {
		if (!take_long_name(r, name, entry.size) || !take(r, block, TAR_BLOCK))
			return -1;
		is_header = tar_parse(block, &entry) && !entry.is_long_name && !entry.is_end;
	}
	if (is_header && entry.is_end)
		return 0;
	if (name[0] == '\0')
		memcpy(name, entry.name, sizeof(name));
	if (!is_header || !is_ours(name)) {
		snprintf(r->why, r->why_size, "this is no backup of a messagerd, or it is damaged");
		return -1;
	}
	r->counts.files += strncmp(name, "files/", 6) == 0;
	r->counts.bytes += entry.size;
	return join(r, path, r->stage, name) && take_file(r, path, entry.size) ? 1 : -1;
}

/* ---- is it whole? ---- */

static bool is_text(sqlite3 *db, const char *sql, const char *expected)
{
	sqlite3_stmt *statement = NULL;
	bool is_so = sqlite_prepare(db, sql, &statement) && sqlite3_step(statement) == SQLITE_ROW &&
		     strcmp((const char *)sqlite3_column_text(statement, 0), expected) == 0;
	sqlite3_finalize(statement);
	return is_so;
}

/* Each row has its bytes, and there are no others. */
static bool files_agree(struct restore *r, sqlite3 *db)
{
	char path[PATH_MAX], entry[FILE_ENTRY_SIZE + 6];
	struct stat status;
	sqlite3_stmt *statement = NULL;
	uint64_t rows = 0;
	bool is_whole = sqlite_prepare(db, "SELECT receiver, name, size FROM file", &statement);
	while (is_whole && sqlite3_step(statement) == SQLITE_ROW) {
		snprintf(entry, sizeof(entry), "files/%s+%s", sqlite3_column_text(statement, 0),
		    sqlite3_column_text(statement, 1));
		is_whole = join(r, path, r->stage, entry) && stat(path, &status) == 0 &&
			   status.st_size == sqlite3_column_int64(statement, 2);
		rows++;
	}
	sqlite3_finalize(statement);
	return is_whole && rows == r->counts.files;
}

static bool is_whole(struct restore *r)
{
	char path[PATH_MAX];
	sqlite3 *db = NULL;
	if (!join(r, path, r->stage, "messagerd.db"))
		return false;
	bool is_open = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK &&
		       is_text(db, "PRAGMA quick_check(1)", "ok");
	bool is_good = is_open && sqlite_schema_update(db, path, r->why, r->why_size);
	if (is_good) {
		r->counts.accounts = sqlite_count(db, "SELECT count(*) FROM account");
		r->counts.bans = sqlite_count(db, "SELECT count(*) FROM ban");
		is_good = files_agree(r, db);
	}
	if (!is_open || (!is_good && r->why[0] == '\0'))
		snprintf(r->why, r->why_size, "the backup is damaged: %s",
		    is_open ? "its files are not those of its database"
			    : "its database can't be read");
	sqlite3_close(db);
	return is_good;
}

/* ---- its final place ---- */

static bool sync_path(struct restore *r, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool is_synced = fd >= 0 && fsync(fd) == 0;
	if (fd >= 0)
		close(fd);
	return is_synced || fail(r, "write", path);
}

static bool move(struct restore *r, const char *name, const char *to, bool may_be_missing)
{
	char from[PATH_MAX];
	return join(r, from, r->stage, name) &&
	       (rename(from, to) == 0 || (may_be_missing && errno == ENOENT) ||
		   fail(r, "make", to));
}

static bool put_into_place(struct restore *r)
{
	char files[PATH_MAX], certificate[PATH_MAX], stage_files[PATH_MAX];
	return join(r, files, r->data, "files") && join(r, certificate, r->data, "server.pem") &&
	       join(r, stage_files, r->stage, "files") && sync_path(r, stage_files) &&
	       move(r, "files", files, false) && move(r, "server.pem", certificate, true) &&
	       sync_path(r, r->data) && move(r, "messagerd.db", r->database, false) &&
	       (sqlite_sync_folder_of(r->database) || fail(r, "write", r->database));
}

bool backup_restore(int fd, const char *url, const char *data_dir, struct backup_counts *counts_r,
    char *why, size_t why_size)
{
	struct restore r = { .from = fd, .why = why, .why_size = why_size };
	why[0] = '\0';
	if (!sqlite_path(url, data_dir, r.database, why, why_size))
		return false;
	snprintf(r.data, sizeof(r.data), "%s", data_dir);
	if (!join(&r, r.stage, r.data, "restore") || !is_free(&r))
		return false;
	clear_stage(&r);
	if (mkdir(r.stage, 0700) < 0)
		return fail(&r, "make", r.stage);
	r.folder = folder_open(r.stage, why, why_size);
	int taken = r.folder != NULL ? 1 : -1;
	while (taken == 1)
		taken = take_entry(&r);
	bool is_restored = taken == 0 && is_whole(&r) && put_into_place(&r);
	folder_close(r.folder);
	clear_stage(&r);
	*counts_r = r.counts;
	return is_restored;
}
