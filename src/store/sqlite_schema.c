#include "store/sqlite_schema.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "store/sqlite.h"

/* "SSLM": says whose file this is (`file` and SQLite's own tools show it). */
enum { APPLICATION_ID = 0x53534c4d };

/*
 * Row n takes a database from version n to version n+1 (PRAGMA user_version). Rows are only ever added.
 * Names are compared byte by byte: BINARY is SQLite's default collation.
 */
static const char *const migrations[] = {
	"CREATE TABLE account ("
	"  name TEXT NOT NULL PRIMARY KEY,"
	"  hash TEXT NOT NULL CHECK (length(hash) BETWEEN 1 AND 159)," /* STORE_HASH_SIZE */
	"  created_ms INTEGER NOT NULL"
	") STRICT, WITHOUT ROWID;"
	"CREATE TABLE ban ("
	"  name TEXT NOT NULL PRIMARY KEY,"
	"  created_ms INTEGER NOT NULL"
	") STRICT, WITHOUT ROWID;",

	/* Ids are in the order of completion; AUTOINCREMENT: none is used twice. */
	"CREATE TABLE file ("
	"  id INTEGER PRIMARY KEY AUTOINCREMENT,"
	"  receiver TEXT NOT NULL,"
	"  name TEXT NOT NULL,"
	"  size INTEGER NOT NULL,"
	"  completed_ms INTEGER NOT NULL,"
	"  UNIQUE (receiver, name)"
	") STRICT;"
	"CREATE TRIGGER account_goes AFTER DELETE ON account BEGIN"
	"  DELETE FROM file WHERE receiver = old.name;"
	"END;",
};
enum { CURRENT_VERSION = sizeof(migrations) / sizeof(migrations[0]) };

static bool read_number(sqlite3 *db, const char *sql, sqlite3_int64 *number_r)
{
	sqlite3_stmt *statement;
	if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
		return false;
	bool is_read = sqlite3_step(statement) == SQLITE_ROW;
	if (is_read)
		*number_r = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	return is_read;
}

static bool migrate_from(sqlite3 *db, sqlite3_int64 version)
{
	for (; version < CURRENT_VERSION; version++) {
		if (sqlite3_exec(db, migrations[version], NULL, NULL, NULL) != SQLITE_OK)
			return false;
	}
	char mark[96];
	snprintf(mark, sizeof(mark), "PRAGMA application_id = %d; PRAGMA user_version = %d",
	    APPLICATION_ID, CURRENT_VERSION);
	return sqlite3_exec(db, mark, NULL, NULL, NULL) == SQLITE_OK;
}

/* Within a transaction, so that nobody else changes what is being looked at. */
static bool update(sqlite3 *db, const char *path, char *why, size_t why_size)
{
	sqlite3_int64 version, owner, objects;
	if (!read_number(db, "PRAGMA user_version", &version) ||
	    !read_number(db, "PRAGMA application_id", &owner) ||
	    !read_number(db, "SELECT count(*) FROM sqlite_schema", &objects)) {
		snprintf(why, why_size, "cannot read %s: %s", path, sqlite3_errmsg(db));
		return false;
	}
	bool is_empty = objects == 0 && version == 0;
	if (version < 0 || (!is_empty && owner != APPLICATION_ID)) {
		snprintf(why, why_size, "%s is the database of another program", path);
		return false;
	}
	if (version > CURRENT_VERSION) {
		snprintf(why, why_size,
		    "%s was made by a newer messagerd (its version is %lld, this program knows %d); "
		    "start that one, or restore a copy from before the upgrade",
		    path, version, CURRENT_VERSION);
		return false;
	}
	if (version < CURRENT_VERSION && !migrate_from(db, version)) {
		snprintf(why, why_size, "cannot bring %s up to date: %s", path, sqlite3_errmsg(db));
		return false;
	}
	return true;
}

/* ---- a copy of an older one, before anything is changed ---- */

static bool sync_file(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	bool is_synced = fd >= 0 && fsync(fd) == 0;
	if (fd >= 0)
		close(fd);
	return is_synced;
}

/* SQLite writes into an empty file, which has our mode. One that was not finished is made anew. */
static bool make_copy(sqlite3 *db, const char *copy, char *why, size_t why_size)
{
	sqlite3_stmt *statement = NULL;
	unlink(copy);
	int fd = open(copy, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	bool is_made =
	    fd >= 0 &&
	    sqlite3_prepare_v2(db, "VACUUM INTO ?1", -1, &statement, NULL) == SQLITE_OK &&
	    sqlite3_bind_text(statement, 1, copy, -1, SQLITE_STATIC) == SQLITE_OK &&
	    sqlite3_step(statement) == SQLITE_DONE;
	if (!is_made)
		snprintf(why, why_size, "cannot make %s, a copy before the upgrade: %s", copy,
		    fd < 0 ? strerror(errno) : sqlite3_errmsg(db));
	sqlite3_finalize(statement);
	if (fd >= 0)
		close(fd);
	return is_made;
}

static bool keep_copy(sqlite3 *db, const char *path, char *why, size_t why_size)
{
	sqlite3_int64 version, owner;
	char part[PATH_MAX], copy[PATH_MAX];
	if (!read_number(db, "PRAGMA user_version", &version) ||
	    !read_number(db, "PRAGMA application_id", &owner) || version <= 0 ||
	    version >= CURRENT_VERSION || owner != APPLICATION_ID)
		return true; /* new, current, or refused in words by what follows */
	if (snprintf(copy, sizeof(copy), "%s.version-%lld", path, version) >= (int)sizeof(copy) ||
	    snprintf(part, sizeof(part), "%s.part", copy) >= (int)sizeof(part)) {
		snprintf(why, why_size, "the path of %s is too long for a copy beside it", path);
		return false;
	}
	if (!make_copy(db, part, why, why_size))
		return false;
	if (!sync_file(part) || rename(part, copy) < 0 || !sqlite_sync_folder_of(copy)) {
		snprintf(why, why_size, "cannot make %s, a copy before the upgrade: %s", copy,
		    strerror(errno));
		return false;
	}
	log_info("store-upgraded", LOG_INT("from", version), LOG_INT("to", CURRENT_VERSION),
	    LOG_STR("copy", copy));
	return true;
}

bool sqlite_schema_update(sqlite3 *db, const char *path, char *why, size_t why_size)
{
	if (!keep_copy(db, path, why, why_size))
		return false;
	if (sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK) {
		snprintf(why, why_size, "cannot use %s: %s", path, sqlite3_errmsg(db));
		return false;
	}
	bool is_current = update(db, path, why, why_size);
	if (is_current && sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK) {
		snprintf(why, why_size, "cannot write %s: %s", path, sqlite3_errmsg(db));
		is_current = false;
	}
	if (!is_current && !sqlite3_get_autocommit(db))
		sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	return is_current;
}
