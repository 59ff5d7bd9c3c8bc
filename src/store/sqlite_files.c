#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "store/sqlite.h"

/* One look at everything; the first thing that goes wrong ends it. */
struct look {
	sqlite3 *db;
	struct folder *folder;
	sqlite3_stmt *has_row, *rows, *remove_row;
	bool only_counts;
	size_t temporary, without_row, without_file;
	bool failed;
	char reason[256];
};

static void fail(struct look *look, const char *reason)
{
	if (!look->failed)
		snprintf(look->reason, sizeof(look->reason), "%s", reason);
	look->failed = true;
}

/* For what a -errno says, or 0. */
static void check(struct look *look, int result)
{
	if (result < 0)
		fail(look, strerror(-result));
}

static void log_gone(const char *event, const char *entry)
{
	static struct log_limit limit;
	uint64_t suppressed;
	if (log_limit_allows(&limit, &suppressed))
		log_warn(event, LOG_STR("file", entry), LOG_INT("suppressed", suppressed));
}

/* ---- files without a row ---- */

static bool has_row(struct look *look, const char *entry)
{
	char receiver[NAME_MAX_LEN + 1];
	const char *name;
	if (!folder_entry_split(entry, receiver, &name))
		return false;
	sqlite3_bind_text(look->has_row, 1, receiver, -1, SQLITE_TRANSIENT);
	sqlite3_bind_text(look->has_row, 2, name, -1, SQLITE_TRANSIENT);
	int result = sqlite3_step(look->has_row);
	if (result != SQLITE_ROW && result != SQLITE_DONE)
		fail(look, sqlite3_errmsg(look->db));
	sqlite3_reset(look->has_row);
	return result == SQLITE_ROW;
}

static void look_at_entry(const char *entry, void *arg)
{
	struct look *look = arg;
	bool is_temporary = folder_entry_is_temporary(entry);
	if (look->failed || (!is_temporary && has_row(look, entry)) || look->failed)
		return;
	*(is_temporary ? &look->temporary : &look->without_row) += 1;
	if (look->only_counts)
		return;
	if (!is_temporary)
		log_gone("file-without-row", entry);
	check(look, folder_unlink(look->folder, entry));
}

static void look_at_entries(struct look *look, bool only_counts)
{
	look->only_counts = only_counts;
	look->temporary = look->without_row = 0;
	check(look, folder_each(look->folder, look_at_entry, look));
}

/* ---- rows without a file ---- */

static void remove_row(struct look *look, sqlite3_int64 id, const char *entry)
{
	log_gone("row-without-file", entry);
	look->without_file++;
	sqlite3_bind_int64(look->remove_row, 1, id);
	if (sqlite3_step(look->remove_row) != SQLITE_DONE)
		fail(look, sqlite3_errmsg(look->db));
	sqlite3_reset(look->remove_row);
}

static void look_at_row(struct look *look)
{
	char entry[FILE_ENTRY_SIZE] = "";
	const char *receiver = (const char *)sqlite3_column_text(look->rows, 1);
	const char *name = (const char *)sqlite3_column_text(look->rows, 2);
	bool is_possible = receiver && name && folder_entry(entry, receiver, name) > 0;
	int has = is_possible ? folder_has(look->folder, entry) : 0;
	check(look, has);
	if (has == 0)
		remove_row(look, sqlite3_column_int64(look->rows, 0), entry);
}

static void look_at_rows(struct look *look)
{
	int result;
	while ((result = sqlite3_step(look->rows)) == SQLITE_ROW && !look->failed)
		look_at_row(look);
	if (result != SQLITE_DONE)
		fail(look, sqlite3_errmsg(look->db));
	sqlite3_reset(look->rows);
}

/* ---- both ---- */

static void execute(struct look *look, const char *sql)
{
	if (!look->failed && sqlite3_exec(look->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		fail(look, sqlite3_errmsg(look->db));
}

static bool has_accounts(struct look *look)
{
	sqlite3_stmt *statement;
	int result = SQLITE_ERROR;
	if (sqlite_prepare(look->db, "SELECT 1 FROM account LIMIT 1", &statement))
		result = sqlite3_step(statement);
	sqlite3_finalize(statement);
	return result != SQLITE_DONE;
}

/*
 * A crash leaves a few files without a row, of receivers that exist. Files where nobody has an account belong to another store: the
 * operator should hear of it before they are gone.
 */
static void check_that_it_is_ours(struct look *look)
{
	look_at_entries(look, true);
	if (look->without_row > 0 && !look->failed && !has_accounts(look))
		fail(look,
		    "they are there, but the store has no account. Is store.url right? If nobody shall get them, remove them");
}

static void agree(struct look *look)
{
	if (!sqlite_prepare(
		look->db, "SELECT 1 FROM file WHERE receiver = ?1 AND name = ?2", &look->has_row) ||
	    !sqlite_prepare(look->db, "SELECT id, receiver, name FROM file", &look->rows) ||
	    !sqlite_prepare(look->db, "DELETE FROM file WHERE id = ?1", &look->remove_row)) {
		fail(look, sqlite3_errmsg(look->db));
		return;
	}
	check_that_it_is_ours(look);
	execute(look, "BEGIN IMMEDIATE");
	if (look->failed)
		return;
	look_at_rows(look);
	execute(look, "COMMIT");
	if (look->failed)
		sqlite3_exec(look->db, "ROLLBACK", NULL, NULL, NULL);
	else
		look_at_entries(look, false);
}

bool sqlite_files_agree(sqlite3 *db, struct folder *folder, char *why, size_t why_size)
{
	struct look look = { .db = db, .folder = folder };
	agree(&look);
	sqlite3_finalize(look.has_row);
	sqlite3_finalize(look.rows);
	sqlite3_finalize(look.remove_row);
	if (look.failed)
		snprintf(why, why_size, "cannot use the waiting files in the data folder: %s",
		    look.reason);
	else if (look.temporary + look.without_row + look.without_file > 0)
		log_info("files-tidied", LOG_INT("temporary", look.temporary),
		    LOG_INT("without_row", look.without_row),
		    LOG_INT("without_file", look.without_file));
	return !look.failed;
}
