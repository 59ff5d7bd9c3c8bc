/*
 * sqlite.c: the store in one SQLite file.
 *
 *                      writer lane: all that is queued, BEGIN ... COMMIT, then its done()s
 *   store_submit() --<
 *                      reader lane: one look-up, its done(), the next
 *
 * Each lane is a queue, a thread and a connection of its own. In WAL mode a reader never waits for a writer's fsync, and sees
 * whatever was committed before its look-up began; so what a done() has promised is there for every look-up after it.
 */
#include "store/store.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sodium.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "store/sqlite_schema.h"

/* How long a change waits for another program that has the file locked (a backup, an operator's sqlite3). */
enum { BUSY_WAIT_MS = 5000 };

enum lane_kind { LANE_WRITER, LANE_READER, LANE_COUNT };

typedef bool take_row_fn(struct store_request *request, sqlite3_stmt *row);
static take_row_fn take_account, list_account, list_ban;

/* Parameters: ?1 name, ?2 hash, ?3 old_hash, ?4 created_ms. */
static const struct call {
	enum lane_kind lane;
	enum store_status untouched; /* the answer if no row was found or changed */
	take_row_fn *take_row;
	const char *sql;
} calls[] = {
	[STORE_ACCOUNT_GET] = { LANE_READER, STORE_NONE, take_account,
	    "SELECT hash, created_ms FROM account WHERE name = ?1" },
	[STORE_ACCOUNT_ADD] = { LANE_WRITER, STORE_TAKEN, NULL,
	    "INSERT INTO account (name, hash, created_ms) VALUES (?1, ?2, ?4) ON CONFLICT DO NOTHING" },
	[STORE_ACCOUNT_SET_HASH] = { LANE_WRITER, STORE_NONE, NULL,
	    "UPDATE account SET hash = ?2 WHERE name = ?1 AND (?3 = '' OR hash = ?3)" },
	[STORE_ACCOUNT_DELETE] = { LANE_WRITER, STORE_NONE, NULL,
	    "DELETE FROM account WHERE name = ?1" },
	[STORE_ACCOUNT_LIST] = { LANE_READER, STORE_OK, list_account,
	    "SELECT name, hash, created_ms FROM account ORDER BY name" },
	[STORE_BAN_ADD] = { LANE_WRITER, STORE_TAKEN, NULL,
	    "INSERT INTO ban (name, created_ms) VALUES (?1, ?4) ON CONFLICT DO NOTHING" },
	[STORE_BAN_DELETE] = { LANE_WRITER, STORE_NONE, NULL, "DELETE FROM ban WHERE name = ?1" },
	[STORE_BAN_LIST] = { LANE_READER, STORE_OK, list_ban,
	    "SELECT name, created_ms FROM ban ORDER BY created_ms, name" },
};
enum { CALL_COUNT = sizeof(calls) / sizeof(calls[0]) };

typedef void carry_out_fn(struct store *store, struct store_request *first);

struct lane {
	struct store *store;
	carry_out_fn *carry_out;
	sqlite3 *db;
	sqlite3_stmt *statement[CALL_COUNT]; /* of the calls of this lane; the others NULL */
	pthread_t thread;
	bool has_thread;

	/* Under the store's lock. */
	pthread_cond_t filled;
	struct store_request *first;
	struct store_request *last;
};

struct store {
	struct lane lane[LANE_COUNT];
	sqlite3_stmt *begin, *commit, *rollback; /* the writer's */

	pthread_mutex_t lock;
	size_t outstanding; /* handed in, and its done() not yet back */
	bool is_closing;
};

static struct log_limit failure_limit;

/* Says what SQLite has to say about the last call on this connection; the code is one of sqlite.org/rescode.html. */
static void log_failure(sqlite3 *db, const char *during)
{
	uint64_t suppressed;
	if (!log_limit_allows(&failure_limit, &suppressed))
		return;
	int code = sqlite3_extended_errcode(db);
	log_error("store-failed", LOG_STR("during", during),
	    LOG_STR("error", code == SQLITE_ROW ? "a column does not fit" : sqlite3_errmsg(db)),
	    LOG_INT("code", code), LOG_INT("suppressed", suppressed));
}

/* ---- one request ---- */

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

static bool bind_text(sqlite3_stmt *statement, int parameter, const char *text, size_t size)
{
	/* SQLITE_STATIC: the request stays as it is until done(), so SQLite need not copy the secret. */
	return sqlite3_bind_text(statement, parameter, text, (int)strnlen(text, size),
		   SQLITE_STATIC) == SQLITE_OK;
}

static bool bind(sqlite3_stmt *statement, const struct store_request *r)
{
	int count = sqlite3_bind_parameter_count(statement);
	return (count < 1 || bind_text(statement, 1, r->name, sizeof(r->name))) &&
	       (count < 2 || bind_text(statement, 2, r->hash, sizeof(r->hash))) &&
	       (count < 3 || bind_text(statement, 3, r->old_hash, sizeof(r->old_hash))) &&
	       (count < 4 || sqlite3_bind_int64(statement, 4, r->created_ms) == SQLITE_OK);
}

static enum store_status run(struct lane *lane, struct store_request *request)
{
	const struct call *call = &calls[request->call];
	sqlite3_stmt *statement = lane->statement[request->call];
	int result = bind(statement, request) ? SQLITE_ROW : SQLITE_ERROR;
	bool is_touched = false;
	while (result == SQLITE_ROW && (result = sqlite3_step(statement)) == SQLITE_ROW) {
		is_touched = true;
		if (!call->take_row(request, statement))
			result = SQLITE_MISMATCH;
	}
	if (call->take_row == NULL)
		is_touched = sqlite3_changes(lane->db) > 0;
	if (result != SQLITE_DONE)
		log_failure(lane->db, call->sql);
	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
	if (result != SQLITE_DONE)
		return STORE_UNAVAILABLE;
	return is_touched ? STORE_OK : call->untouched;
}

/* ---- the lanes ---- */

/* Gives the requests back. Each is the caller's from its done() on, so its next is read before. */
static void finish_all(struct store *store, struct store_request *first)
{
	size_t count = 0;
	for (struct store_request *request = first, *next; request != NULL; request = next) {
		next = request->next;
		request->done(request);
		count++;
	}
	pthread_mutex_lock(&store->lock);
	store->outstanding -= count;
	if (store->is_closing && store->outstanding == 0) {
		for (int i = 0; i < LANE_COUNT; i++)
			pthread_cond_signal(&store->lane[i].filled);
	}
	pthread_mutex_unlock(&store->lock);
}

static bool step_once(struct lane *lane, sqlite3_stmt *statement, const char *name)
{
	bool is_done = sqlite3_step(statement) == SQLITE_DONE;
	if (!is_done)
		log_failure(lane->db, name);
	sqlite3_reset(statement);
	return is_done;
}

/*
 * One transaction for all. A statement that fails is undone alone and the others go on, unless SQLite gave up the whole
 * transaction (a full disk may do that): then, and when the commit fails, nothing of the group has happened. That goes for
 * STORE_TAKEN too, which may have been said because of an earlier request of the group.
 */
static void write_group(struct store *store, struct store_request *first)
{
	struct lane *lane = &store->lane[LANE_WRITER];
	bool is_open = step_once(lane, store->begin, "begin");
	for (struct store_request *request = first; is_open && request != NULL;
	     request = request->next) {
		request->status = run(lane, request);
		is_open = !sqlite3_get_autocommit(lane->db);
	}
	bool is_committed = is_open && step_once(lane, store->commit, "commit");
	if (!is_committed) {
		if (!sqlite3_get_autocommit(lane->db))
			step_once(lane, store->rollback, "rollback");
		for (struct store_request *request = first; request != NULL;
		     request = request->next)
			request->status = STORE_UNAVAILABLE;
	}
	finish_all(store, first);
}

static void read_each(struct store *store, struct store_request *first)
{
	for (struct store_request *request = first, *next; request != NULL; request = next) {
		next = request->next;
		request->next = NULL;
		request->status = run(&store->lane[LANE_READER], request);
		finish_all(store, request);
	}
}

/* Waits for requests and takes all there are. NULL: the store is closing and nothing is left, in any lane. */
static struct store_request *take_all(struct lane *lane)
{
	struct store *store = lane->store;
	pthread_mutex_lock(&store->lock);
	while (lane->first == NULL && !(store->is_closing && store->outstanding == 0))
		pthread_cond_wait(&lane->filled, &store->lock);
	struct store_request *first = lane->first;
	lane->first = lane->last = NULL;
	pthread_mutex_unlock(&store->lock);
	return first;
}

static void *lane_run(void *arg)
{
	struct lane *lane = arg;
	struct store_request *first;
	while ((first = take_all(lane)) != NULL)
		lane->carry_out(lane->store, first);
	return NULL;
}

void store_submit(struct store *store, struct store_request *request)
{
	assert((size_t)request->call < CALL_COUNT);
	struct lane *lane = &store->lane[calls[request->call].lane];
	request->next = NULL;
	pthread_mutex_lock(&store->lock);
	store->outstanding++;
	if (lane->first == NULL) {
		lane->first = request;
		pthread_cond_signal(&lane->filled);
	} else {
		lane->last->next = request;
	}
	lane->last = request;
	pthread_mutex_unlock(&store->lock);
}

void store_request_wipe(struct store_request *request)
{
	sodium_memzero(request->hash, sizeof(request->hash));
	sodium_memzero(request->old_hash, sizeof(request->old_hash));
}

/* ---- opening and closing ---- */

static bool path_of_url(
    const char *url, const char *data_dir, char path[static PATH_MAX], char *why, size_t why_size)
{
	static const char scheme[] = "sqlite:";
	if (strncmp(url, scheme, sizeof(scheme) - 1) != 0) {
		snprintf(why, why_size,
		    "no store is known for \"%s\"; it must be sqlite: or sqlite:PATH", url);
		return false;
	}
	const char *file = url + sizeof(scheme) - 1;
	int len;
	if (*file == '\0')
		len = snprintf(path, PATH_MAX, "%s/messagerd.db", data_dir);
	else if (*file == '/')
		len = snprintf(path, PATH_MAX, "%s", file);
	else /* so that ":memory:" or "file:" is a name like any other */
		len = snprintf(path, PATH_MAX, "./%s", file);
	if (len >= PATH_MAX)
		snprintf(
		    why, why_size, "the path of the store is longer than %d bytes", PATH_MAX - 1);
	return len < PATH_MAX;
}

static bool sync_folder_of(const char *path)
{
	char folder[PATH_MAX];
	snprintf(folder, sizeof(folder), "%s", path);
	char *slash = strrchr(folder, '/');
	if (slash == folder)
		slash++; /* "/": stays */
	*slash = '\0';
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return false;
	bool is_synced = fsync(fd) == 0;
	close(fd);
	return is_synced;
}

/* SQLite would make the file readable for all, and gives its journals the file's mode. */
static bool make_file(const char *path, char *why, size_t why_size)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd >= 0)
		close(fd);
	else if (errno == EEXIST)
		return true;
	if (fd < 0 || !sync_folder_of(path)) {
		snprintf(why, why_size, "cannot make %s: %s", path, strerror(errno));
		return false;
	}
	return true;
}

static int read_mode(void *is_wal, int columns, char **values, char **names)
{
	(void)names;
	*(bool *)is_wal = columns == 1 && values[0] != NULL && strcmp(values[0], "wal") == 0;
	return 0;
}

static bool connect_lane(struct lane *lane, const char *path, char *why, size_t why_size)
{
	bool is_wal = false;
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
	if (sqlite3_open_v2(path, &lane->db, flags, NULL) != SQLITE_OK ||
	    sqlite3_extended_result_codes(lane->db, 1) != SQLITE_OK ||
	    sqlite3_busy_timeout(lane->db, BUSY_WAIT_MS) != SQLITE_OK ||
	    sqlite3_exec(lane->db, "PRAGMA journal_mode = WAL", read_mode, &is_wal, NULL) !=
		SQLITE_OK ||
	    /* secure_delete: a replaced hash, an old weak one above all, does not stay in the file. */
	    sqlite3_exec(lane->db, "PRAGMA synchronous = FULL; PRAGMA secure_delete = ON", NULL,
		NULL, NULL) != SQLITE_OK) {
		snprintf(why, why_size, "cannot open %s: %s", path,
		    lane->db != NULL ? sqlite3_errmsg(lane->db) : "no memory");
		return false;
	}
	if (!is_wal)
		snprintf(why, why_size,
		    "%s lies on a file system that cannot share memory; use a local one", path);
	return is_wal;
}

static bool prepare(sqlite3 *db, const char *sql, sqlite3_stmt **statement_r)
{
	return sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, statement_r, NULL) ==
	       SQLITE_OK;
}

static bool prepare_lane(struct lane *lane, enum lane_kind kind)
{
	for (int i = 0; i < CALL_COUNT; i++) {
		if (calls[i].lane == kind && !prepare(lane->db, calls[i].sql, &lane->statement[i]))
			return false;
	}
	return true;
}

static bool prepare_all(struct store *store, char *why, size_t why_size)
{
	struct lane *writer = &store->lane[LANE_WRITER], *reader = &store->lane[LANE_READER];
	bool writes = prepare_lane(writer, LANE_WRITER) &&
		      prepare(writer->db, "BEGIN IMMEDIATE", &store->begin) &&
		      prepare(writer->db, "COMMIT", &store->commit) &&
		      prepare(writer->db, "ROLLBACK", &store->rollback);
	if (writes && prepare_lane(reader, LANE_READER))
		return true;
	snprintf(why, why_size, "cannot use the tables of the store: %s",
	    sqlite3_errmsg(writes ? reader->db : writer->db));
	return false;
}

static bool start_threads(struct store *store, char *why, size_t why_size)
{
	for (int i = 0; i < LANE_COUNT; i++) {
		struct lane *lane = &store->lane[i];
		int failed = pthread_create(&lane->thread, NULL, lane_run, lane);
		lane->has_thread = failed == 0;
		if (failed != 0) {
			snprintf(why, why_size, "cannot start a thread for the store: %s",
			    strerror(failed));
			return false;
		}
	}
	return true;
}

static struct store *store_new(void)
{
	static carry_out_fn *const carry_out[] = {
		[LANE_WRITER] = write_group, [LANE_READER] = read_each
	};
	struct store *store = calloc(1, sizeof(*store));
	if (store == NULL)
		return NULL;
	pthread_mutex_init(&store->lock, NULL);
	for (int i = 0; i < LANE_COUNT; i++) {
		store->lane[i].store = store;
		store->lane[i].carry_out = carry_out[i];
		pthread_cond_init(&store->lane[i].filled, NULL);
	}
	return store;
}

struct store *store_open(const char *url, const char *data_dir, char *why, size_t why_size)
{
	char path[PATH_MAX];
	if (!path_of_url(url, data_dir, path, why, why_size) || !make_file(path, why, why_size))
		return NULL;
	struct store *store = store_new();
	if (store == NULL) {
		snprintf(why, why_size, "no memory for the store");
		return NULL;
	}
	if (connect_lane(&store->lane[LANE_WRITER], path, why, why_size) &&
	    sqlite_schema_update(store->lane[LANE_WRITER].db, path, why, why_size) &&
	    connect_lane(&store->lane[LANE_READER], path, why, why_size) &&
	    prepare_all(store, why, why_size) && start_threads(store, why, why_size))
		return store;
	store_close(store);
	return NULL;
}

void store_close(struct store *store)
{
	if (store == NULL)
		return;
	pthread_mutex_lock(&store->lock);
	store->is_closing = true;
	for (int i = 0; i < LANE_COUNT; i++)
		pthread_cond_signal(&store->lane[i].filled);
	pthread_mutex_unlock(&store->lock);
	for (int i = 0; i < LANE_COUNT; i++) {
		if (store->lane[i].has_thread)
			pthread_join(store->lane[i].thread, NULL);
	}
	sqlite3_finalize(store->begin);
	sqlite3_finalize(store->commit);
	sqlite3_finalize(store->rollback);
	for (int i = 0; i < LANE_COUNT; i++) {
		struct lane *lane = &store->lane[i];
		for (int j = 0; j < CALL_COUNT; j++)
			sqlite3_finalize(lane->statement[j]);
		sqlite3_close(lane->db);
		pthread_cond_destroy(&lane->filled);
	}
	pthread_mutex_destroy(&store->lock);
	free(store);
}
