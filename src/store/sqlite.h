/* sqlite.h: the inside of the store in SQLite: what sqlite.c, sqlite_calls.c, sqlite_files.c, files.c, backup.c and restore.c share. Not for other rooms. */
#ifndef STORE_SQLITE_H
#define STORE_SQLITE_H

#include <limits.h>
#include <sqlite3.h>

#include "base/pool.h"
#include "store/folder.h"
#include "store/store.h"

/* ---- sqlite_calls.c: what each call is in SQL ---- */

enum lane_kind { LANE_WRITER, LANE_READER, LANE_COUNT };
enum { SQLITE_CALL_COUNT = STORE_FILE_ADD + 2 }; /* one is not for callers */

enum lane_kind sqlite_call_lane(enum store_call call);

/* The statement is the caller's, for sqlite3_finalize(). false: SQLite does not take it, and says why; *statement_r is NULL then. */
bool sqlite_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **statement_r);
/* The number that a SELECT of one row gives; 0 also if it can't be run. */
uint64_t sqlite_count(sqlite3 *db, const char *sql);

/* Prepares the statements of a lane's calls; the others stay NULL. */
bool sqlite_calls_prepare(
    sqlite3 *db, enum lane_kind lane, sqlite3_stmt *statements[static SQLITE_CALL_COUNT]);

/*
 * Carries one request out on its lane's connection. The names of files whose rows it removed are appended to request->removed (with their
 * NULs): if it comes back as STORE_OK, they are to be unlinked after the commit.
 */
enum store_status sqlite_call_run(
    sqlite3 *db, sqlite3_stmt *statements[static SQLITE_CALL_COUNT], struct store_request *request);

/* Logs what SQLite has to say about the last call on this connection. */
void sqlite_log_failure(sqlite3 *db, const char *during);

/* ---- sqlite_files.c ---- */

/*
 * Makes rows and folder agree after whatever crash: temporary files and files without a row are deleted, rows without a file (or without
 * an account) are deleted and logged. Before the threads start; blocks. false with a sentence in why: the folder does not belong to
 * this store, or can't be read; nothing was deleted then.
 */
bool sqlite_files_agree(sqlite3 *db, struct folder *folder, char *why, size_t why_size);

/* ---- sqlite.c ---- */

/* Where the database of a url is. false with a sentence in why: the url is of another engine, or the path too long. */
bool sqlite_path(const char *url, const char *data_dir, char path_r[static PATH_MAX], char *why,
    size_t why_size);

/* Makes it last that there is a file at path (of sqlite_path(), or beside that). false: errno says why. */
bool sqlite_sync_folder_of(const char *path);

struct folder *sqlite_folder(struct store *store);

/* A piece of work on a thread of the store. It counts as a request that is under way until sqlite_release(). */
void sqlite_work(struct store *store, struct pool_job *job);
void sqlite_release(struct store *store);

/* ---- files.c: files.h with the bytes in a folder ---- */

void folder_file_begin(struct file *file);
void folder_file_append(struct file *file, struct slice bytes);
void folder_file_finish(struct file *file, struct slice bytes);
void folder_file_read(struct file *file, char *to, size_t cap);
void folder_file_discard(struct file *file);

#endif
