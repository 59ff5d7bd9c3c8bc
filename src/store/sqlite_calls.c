#include <string.h>

#include "base/log.h"
#include "store/sqlite.h"

typedef bool take_row_fn(struct store_request *request, sqlite3_stmt *row);
static take_row_fn take_account, list_account, list_ban, list_file, take_room, take_removed;

enum {
	FILES_OF =
	    STORE_FILE_ADD + 1,    /* not a caller's: names what waits for a receiver as removed */
	ALONE = SQLITE_CALL_COUNT, /* no other call goes before */
};

#define FILE_COLUMNS "id, receiver, name, size, completed_ms"

/* Parameters: ?1 name, ?2 hash, ?3 old_hash, ?4 created_ms, ?5 id, ?6 file, ?7 size_bytes, ?8 max_files, ?9 max_bytes. */
static const struct call {
	enum lane_kind lane;
	enum store_status untouched; /* the answer if no row was found or changed */
	unsigned before; /* the call that is carried out before, with the same parameters */
	take_row_fn *take_row;
	const char *sql;
} calls[SQLITE_CALL_COUNT] = {
	[STORE_ACCOUNT_GET] = { LANE_READER, STORE_NONE, ALONE, take_account,
	    "SELECT hash, created_ms FROM account WHERE name = ?1" },
	[STORE_ACCOUNT_ADD] = { LANE_WRITER, STORE_TAKEN, ALONE, NULL,
	    "INSERT INTO account (name, hash, created_ms) VALUES (?1, ?2, ?4) ON CONFLICT DO NOTHING" },
	[STORE_ACCOUNT_SET_HASH] = { LANE_WRITER, STORE_NONE, ALONE, NULL,
	    "UPDATE account SET hash = ?2 WHERE name = ?1 AND (?3 = '' OR hash = ?3)" },
	[STORE_ACCOUNT_DELETE] = { LANE_WRITER, STORE_NONE, FILES_OF, NULL,
	    "DELETE FROM account WHERE name = ?1" },
	[STORE_ACCOUNT_LIST] = { LANE_READER, STORE_OK, ALONE, list_account,
	    "SELECT name, hash, created_ms FROM account ORDER BY name" },
	[STORE_BAN_ADD] = { LANE_WRITER, STORE_TAKEN, ALONE, NULL,
	    "INSERT INTO ban (name, created_ms) VALUES (?1, ?4) ON CONFLICT DO NOTHING" },
	[STORE_BAN_DELETE] = { LANE_WRITER, STORE_NONE, ALONE, NULL,
	    "DELETE FROM ban WHERE name = ?1" },
	[STORE_BAN_LIST] = { LANE_READER, STORE_OK, ALONE, list_ban,
	    "SELECT name, created_ms FROM ban ORDER BY created_ms, name" },

	[STORE_FILE_LIST] = { LANE_READER, STORE_OK, ALONE, list_file,
	    "SELECT " FILE_COLUMNS " FROM file WHERE ?1 = '' OR receiver = ?1 ORDER BY id" },
	[STORE_FILE_SNAPSHOT] = { LANE_WRITER, STORE_OK, ALONE, list_file,
	    "SELECT " FILE_COLUMNS " FROM file WHERE receiver = ?1 ORDER BY id" },
	[STORE_FILE_REMOVE] = { LANE_WRITER, STORE_NONE, ALONE, take_removed,
	    "DELETE FROM file WHERE id = ?5 RETURNING receiver, name" },
	[STORE_FILE_DELETE] = { LANE_WRITER, STORE_NONE, ALONE, take_removed,
	    "DELETE FROM file WHERE receiver = ?1 AND (?6 = '' OR name = ?6) RETURNING receiver, name" },
	[FILES_OF] = { LANE_WRITER, STORE_OK, ALONE, take_removed,
	    "SELECT receiver, name FROM file WHERE receiver = ?1" },
	[STORE_FILE_EXPIRE] = { LANE_WRITER, STORE_OK, ALONE, take_removed,
	    "DELETE FROM file WHERE id IN (SELECT id FROM file WHERE completed_ms < ?4 LIMIT 500) "
	    "RETURNING receiver, name" },
	[STORE_FILE_ROOM] = { LANE_READER, STORE_NONE, ALONE, take_room,
	    "SELECT count(file.id), total(file.size) FROM account LEFT JOIN file ON receiver = account.name "
	    "WHERE account.name = ?1 GROUP BY account.name" },
	[STORE_FILE_ADD] = { LANE_WRITER, STORE_NONE, ALONE, NULL,
	    "INSERT INTO file (receiver, name, size, completed_ms) SELECT ?1, ?6, ?7, ?4 "
	    "WHERE EXISTS (SELECT 1 FROM account WHERE name = ?1) "
	    "AND (?8 = 0 OR (SELECT count(*) FROM file WHERE receiver = ?1) < ?8) "
	    "AND (?9 = 0 OR (SELECT total(size) FROM file WHERE receiver = ?1) + ?7 <= ?9)" },
};

static struct log_limit failure_limit;

/* The code is one of sqlite.org/rescode.html. */
void sqlite_log_failure(sqlite3 *db, const char *during)
{
	uint64_t suppressed;
	if (!log_limit_allows(&failure_limit, &suppressed))
		return;
	int code = sqlite3_extended_errcode(db);
	log_error("store-failed", LOG_STR("during", during),
	    LOG_STR("error", code == SQLITE_ROW ? "a column does not fit" : sqlite3_errmsg(db)),
	    LOG_INT("code", code), LOG_INT("suppressed", suppressed));
}

enum lane_kind sqlite_call_lane(enum store_call call)
{
	return calls[call].lane;
}

bool sqlite_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **statement_r)
{
	return sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, statement_r, NULL) ==
	       SQLITE_OK;
}

uint64_t sqlite_count(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *statement = NULL;
	uint64_t count = 0;
	if (sqlite_prepare(db, sql, &statement) && sqlite3_step(statement) == SQLITE_ROW)
		count = (uint64_t)sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	return count;
}

bool sqlite_calls_prepare(
    sqlite3 *db, enum lane_kind lane, sqlite3_stmt *statements[static SQLITE_CALL_COUNT])
{
	for (int i = 0; i < SQLITE_CALL_COUNT; i++) {
		if (calls[i].lane == lane && !sqlite_prepare(db, calls[i].sql, &statements[i]))
			return false;
	}
	return true;
}

/* ---- rows ---- */

/* Copies a column's text with its NUL. false: it does not fit, so it is none of ours. */
static bool copy_text(char *to, size_t size, sqlite3_stmt *row, int column)
{
	const unsigned char *text = sqlite3_column_text(row, column);
	size_t len = (size_t)sqlite3_column_bytes(row, column);
	if (text == NULL || len >= size)
		return false;
	memcpy(to, text, len);
	to[len] = '\0';
	return true;
}

static bool take_account(struct store_request *request, sqlite3_stmt *row)
{
	request->created_ms = sqlite3_column_int64(row, 1);
	return copy_text(request->hash, sizeof(request->hash), row, 0);
}

static bool list_account(struct store_request *request, sqlite3_stmt *row)
{
	const char *name = (const char *)sqlite3_column_text(row, 0);
	const char *hash = (const char *)sqlite3_column_text(row, 1);
	if (name == NULL || hash == NULL)
		return false;
	request->each_account(request, name, hash, sqlite3_column_int64(row, 2));
	return true;
}

static bool list_ban(struct store_request *request, sqlite3_stmt *row)
{
	const char *name = (const char *)sqlite3_column_text(row, 0);
	if (name == NULL)
		return false;
	request->each_ban(request, name, sqlite3_column_int64(row, 1));
	return true;
}

static bool list_file(struct store_request *request, sqlite3_stmt *row)
{
	struct store_file file = { .id = sqlite3_column_int64(row, 0),
		.receiver = (const char *)sqlite3_column_text(row, 1),
		.name = (const char *)sqlite3_column_text(row, 2),
		.size_bytes = (uint64_t)sqlite3_column_int64(row, 3),
		.completed_ms = sqlite3_column_int64(row, 4) };
	if (file.receiver == NULL || file.name == NULL)
		return false;
	request->each_file(request, &file);
	return true;
}

static bool take_room(struct store_request *request, sqlite3_stmt *row)
{
	request->files = (uint64_t)sqlite3_column_int64(row, 0);
	request->size_bytes = (uint64_t)sqlite3_column_int64(row, 1);
	return true;
}

/* Without memory for the name the bytes stay until the next start. */
static bool take_removed(struct store_request *request, sqlite3_stmt *row)
{
	char entry[FILE_ENTRY_SIZE];
	const char *receiver = (const char *)sqlite3_column_text(row, 0);
	const char *name = (const char *)sqlite3_column_text(row, 1);
	size_t len = receiver && name ? folder_entry(entry, receiver, name) : 0;
	request->files++;
	if (len > 0 && !buffer_append(request->removed, entry, len + 1))
		log_warn(
		    "file-left-behind", LOG_STR("file", entry), LOG_STR("reason", "no memory"));
	return len > 0;
}

/* ---- a request ---- */

static bool bind_text(sqlite3_stmt *statement, int parameter, const char *text, size_t size)
{
	/* SQLITE_STATIC: the request stays as it is until done(), so SQLite need not copy the secret. */
	return sqlite3_bind_text(statement, parameter, text, (int)strnlen(text, size),
		   SQLITE_STATIC) == SQLITE_OK;
}

static bool bind_number(sqlite3_stmt *statement, int parameter, uint64_t number)
{
	sqlite3_int64 value = number > INT64_MAX ? INT64_MAX : (sqlite3_int64)number;
	return sqlite3_bind_int64(statement, parameter, value) == SQLITE_OK;
}

static bool bind(sqlite3_stmt *statement, const struct store_request *r)
{
	int count = sqlite3_bind_parameter_count(statement);
	return (count < 1 || bind_text(statement, 1, r->name, sizeof(r->name))) &&
	       (count < 2 || bind_text(statement, 2, r->hash, sizeof(r->hash))) &&
	       (count < 3 || bind_text(statement, 3, r->old_hash, sizeof(r->old_hash))) &&
	       (count < 4 || sqlite3_bind_int64(statement, 4, r->created_ms) == SQLITE_OK) &&
	       (count < 5 || sqlite3_bind_int64(statement, 5, r->id) == SQLITE_OK) &&
	       (count < 6 || bind_text(statement, 6, r->file, sizeof(r->file))) &&
	       (count < 7 || bind_number(statement, 7, r->size_bytes)) &&
	       (count < 8 || bind_number(statement, 8, r->max_files)) &&
	       (count < 9 || bind_number(statement, 9, r->max_bytes));
}

static enum store_status run(
    sqlite3 *db, sqlite3_stmt *statement, const struct call *call, struct store_request *request)
{
	int result = bind(statement, request) ? SQLITE_ROW : SQLITE_ERROR;
	bool is_touched = false;
	while (result == SQLITE_ROW && (result = sqlite3_step(statement)) == SQLITE_ROW) {
		is_touched = true;
		if (!call->take_row(request, statement))
			result = SQLITE_MISMATCH;
	}
	if (call->take_row == NULL)
		is_touched = sqlite3_changes(db) > 0;
	bool is_taken = result == SQLITE_CONSTRAINT_UNIQUE;
	if (result != SQLITE_DONE && !is_taken)
		sqlite_log_failure(db, call->sql);
	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
	if (is_taken)
		return STORE_TAKEN;
	if (result != SQLITE_DONE)
		return STORE_UNAVAILABLE;
	return is_touched ? STORE_OK : call->untouched;
}

enum store_status sqlite_call_run(
    sqlite3 *db, sqlite3_stmt *statements[static SQLITE_CALL_COUNT], struct store_request *request)
{
	const struct call *call = &calls[request->call];
	if (call->before != ALONE &&
	    run(db, statements[call->before], &calls[call->before], request) == STORE_UNAVAILABLE)
		return STORE_UNAVAILABLE;
	return run(db, statements[request->call], call, request);
}
