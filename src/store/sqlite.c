/*
 * sqlite.c: the store in one SQLite file.
 *
 *                      writer lane: all that is queued, BEGIN ... COMMIT, then its done()s
 *   submit() -------<
 *                      reader lane: one look-up, its done(), the next
 *   look_up_here() ----- on the caller's thread, with the reader lane's connection
 *
 *   sqlite_work() ------ pool: the bytes of files (files.c)
 *
 * Each lane is a queue, a thread and a connection of its own. In WAL mode a reader never waits for a writer's fsync, and sees
 * whatever was committed before its look-up began; so what a done() has promised is there for every look-up after it.
 */
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "store/engine.h"
#include "store/sqlite.h"
#include "store/sqlite_schema.h"

/* How long a change waits for another program that has the file locked (a backup, an operator's sqlite3). */
enum { BUSY_WAIT_MS = 5000 };

/* Most of their time they wait for the disk. */
enum { FILE_THREADS = 8 };

struct sqlite;
typedef void carry_out_fn(struct sqlite *store, struct store_request *first);

struct lane {
	struct sqlite *store;
	carry_out_fn *carry_out;
	sqlite3 *db;
	sqlite3_stmt *statement[SQLITE_CALL_COUNT]; /* of the calls of this lane; the others NULL */
	pthread_mutex_t at_work;                    /* held while db carries something out */
	pthread_t thread;
	bool has_thread;

	/* Under the store's lock. */
	pthread_cond_t filled;
	struct store_request *first;
	struct store_request *last;
};

struct sqlite {
	struct store store; /* first */
	struct lane lane[LANE_COUNT];
	sqlite3_stmt *begin, *commit, *rollback; /* the writer's */
	struct buffer removed; /* the writer's: names of files whose rows this group removes */
	struct folder *folder;
	struct pool *pool; /* for the files */

	pthread_mutex_t lock;
	size_t outstanding; /* handed in, and its done() not yet back */
	bool is_closing;

	struct histogram commits; /* the writer's */
	_Atomic uint64_t failed, failed_ms;
};

/* ---- who is under way ---- */

static void leave(struct sqlite *store, size_t count)
{
	pthread_mutex_lock(&store->lock);
	store->outstanding -= count;
	if (store->is_closing && store->outstanding == 0) {
		for (int i = 0; i < LANE_COUNT; i++)
			pthread_cond_signal(&store->lane[i].filled);
	}
	pthread_mutex_unlock(&store->lock);
}

static void count_failure(struct sqlite *store, enum store_status status)
{
	if (status == STORE_UNAVAILABLE) {
		store->failed++;
		store->failed_ms = clock_now_ms();
	}
}

/* Gives the requests back. Each is the caller's from its done() on, so its next is read before. */
static void finish_all(struct sqlite *store, struct store_request *first)
{
	size_t count = 0;
	for (struct store_request *request = first, *next; request != NULL; request = next) {
		next = request->next;
		count_failure(store, request->status);
		request->done(request);
		count++;
	}
	leave(store, count);
}

/* ---- work on the files ---- */

static struct sqlite *sqlite_of(struct store *store)
{
	return (struct sqlite *)store;
}

struct folder *sqlite_folder(struct store *base)
{
	return sqlite_of(base)->folder;
}

void sqlite_work(struct store *base, struct pool_job *job)
{
	struct sqlite *store = sqlite_of(base);
	pthread_mutex_lock(&store->lock);
	store->outstanding++;
	pthread_mutex_unlock(&store->lock);
	pool_submit(store->pool, job);
}

void sqlite_release(struct store *base)
{
	leave(sqlite_of(base), 1);
}

/* The bytes of files whose rows are gone, durably. What can't be removed now is at the next start. */
struct removal {
	struct pool_job job;
	struct sqlite *store;
	struct buffer entries; /* names, each with its NUL */
};

static void remove_bytes(struct pool_job *job)
{
	struct removal *removal = (struct removal *)(void *)job;
	struct sqlite *store = removal->store;
	struct slice rest = buffer_slice(&removal->entries);
	fault_point("download-remove-bytes");
	while (rest.len > 0) {
		int result = folder_unlink(store->folder, rest.ptr);
		if (result < 0 && result != -ENOENT)
			log_warn("file-left-behind", LOG_STR("file", rest.ptr),
			    LOG_STR("reason", strerror(-result)));
		rest = slice_skip(rest, strlen(rest.ptr) + 1);
	}
	fault_point("download-removed-bytes");
	buffer_clear(&removal->entries);
	free(removal);
	sqlite_release(&store->store);
}

static void remove_bytes_later(struct sqlite *store)
{
	struct removal *removal = calloc(1, sizeof(*removal));
	if (removal == NULL) {
		log_warn("file-left-behind", LOG_STR("reason", "no memory"));
		buffer_clear(&store->removed);
		return;
	}
	removal->job.run = remove_bytes;
	removal->store = store;
	removal->entries = store->removed;
	store->removed = (struct buffer){ 0 };
	sqlite_work(&store->store, &removal->job);
}

/* ---- the lanes ---- */

static bool step_once(struct lane *lane, sqlite3_stmt *statement, const char *name)
{
	bool is_done = sqlite3_step(statement) == SQLITE_DONE;
	if (!is_done)
		sqlite_log_failure(lane->db, name);
	sqlite3_reset(statement);
	return is_done;
}

/*
 * One transaction for all. A statement that fails is undone alone and the others go on, unless SQLite gave up the whole
 * transaction (a full disk may do that): then, and when the commit fails, nothing of the group has happened. That goes for
 * STORE_TAKEN too, which may have been said because of an earlier request of the group.
 */
static void write_group(struct sqlite *store, struct store_request *first)
{
	struct lane *lane = &store->lane[LANE_WRITER];
	uint64_t began_us = clock_now_us();
	bool is_open = step_once(lane, store->begin, "begin");
	for (struct store_request *request = first; is_open && request != NULL;
	     request = request->next) {
		size_t removed_len = store->removed.len;
		request->status = sqlite_call_run(lane->db, lane->statement, request);
		if (request->status != STORE_OK)
			store->removed.len = removed_len;
		is_open = !sqlite3_get_autocommit(lane->db);
	}
	bool is_committed =
	    is_open && fault_point("store-commit") == 0 && step_once(lane, store->commit, "commit");
	fault_point("store-committed");
	if (!is_committed) {
		if (!sqlite3_get_autocommit(lane->db))
			step_once(lane, store->rollback, "rollback");
		for (struct store_request *request = first; request != NULL;
		     request = request->next)
			request->status = STORE_UNAVAILABLE;
		buffer_clear(&store->removed);
	}
	histogram_add(&store->commits, clock_now_us() - began_us);
	if (store->removed.len > 0)
		remove_bytes_later(store);
	finish_all(store, first);
}

static enum store_status look_up(struct lane *lane, struct store_request *request)
{
	pthread_mutex_lock(&lane->at_work);
	enum store_status status = sqlite_call_run(lane->db, lane->statement, request);
	pthread_mutex_unlock(&lane->at_work);
	return status;
}

static void read_each(struct sqlite *store, struct store_request *first)
{
	struct lane *lane = &store->lane[LANE_READER];
	for (struct store_request *request = first, *next; request != NULL; request = next) {
		next = request->next;
		request->next = NULL;
		request->status = look_up(lane, request);
		finish_all(store, request);
	}
}

/* Waits for requests and takes all there are. NULL: the store is closing and nothing is left, in any lane. */
static struct store_request *take_all(struct lane *lane)
{
	struct sqlite *store = lane->store;
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

static void submit(struct store *base, struct store_request *request)
{
	struct sqlite *store = sqlite_of(base);
	if (request->call > STORE_FILE_ADD) { /* what only servers that share a store need */
		request->status = STORE_UNAVAILABLE;
		request->done(request);
		return;
	}
	struct lane *lane = &store->lane[sqlite_call_lane(request->call)];
	request->next = NULL;
	request->removed = &store->removed;
	pthread_mutex_lock(&store->lock);
	store->outstanding++;
	bool was_empty = lane->first == NULL;
	if (was_empty)
		lane->first = request;
	else
		lane->last->next = request;
	lane->last = request;
	pthread_mutex_unlock(&store->lock);
	if (was_empty) /* after the lock, or who wakes up has to wait for it */
		pthread_cond_signal(&lane->filled);
}

static void look_up_here(struct store *base, struct store_request *request)
{
	struct sqlite *store = sqlite_of(base);
	request->status = look_up(&store->lane[LANE_READER], request);
	count_failure(store, request->status);
}

/* ---- opening and closing ---- */

bool sqlite_path(
    const char *url, const char *data_dir, char path[static PATH_MAX], char *why, size_t why_size)
{
	if (strncmp(url, sqlite_engine.scheme, strlen(sqlite_engine.scheme)) != 0) {
		snprintf(why, why_size,
		    "this is for a store in SQLite; PostgreSQL has pg_dump and pg_restore");
		return false;
	}
	const char *file = url + strlen(sqlite_engine.scheme);
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

bool sqlite_sync_folder_of(const char *path)
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
	if (fd < 0 || !sqlite_sync_folder_of(path)) {
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
	    sqlite3_exec(lane->db,
		"PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY",
		NULL, NULL, NULL) != SQLITE_OK) {
		snprintf(why, why_size, "cannot open %s: %s", path,
		    lane->db != NULL ? sqlite3_errmsg(lane->db) : "no memory");
		return false;
	}
	if (!is_wal)
		snprintf(why, why_size,
		    "%s lies on a file system that cannot share memory; use a local one", path);
	return is_wal;
}

static bool prepare_all(struct sqlite *store, char *why, size_t why_size)
{
	struct lane *writer = &store->lane[LANE_WRITER], *reader = &store->lane[LANE_READER];
	bool writes = sqlite_calls_prepare(writer->db, LANE_WRITER, writer->statement) &&
		      sqlite_prepare(writer->db, "BEGIN IMMEDIATE", &store->begin) &&
		      sqlite_prepare(writer->db, "COMMIT", &store->commit) &&
		      sqlite_prepare(writer->db, "ROLLBACK", &store->rollback);
	if (writes && sqlite_calls_prepare(reader->db, LANE_READER, reader->statement))
		return true;
	snprintf(why, why_size, "cannot use the tables of the store: %s",
	    sqlite3_errmsg(writes ? reader->db : writer->db));
	return false;
}

static bool start_threads(struct sqlite *store, char *why, size_t why_size)
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

static struct sqlite *sqlite_new(void)
{
	static carry_out_fn *const carry_out[] = {
		[LANE_WRITER] = write_group, [LANE_READER] = read_each
	};
	struct sqlite *store = calloc(1, sizeof(*store));
	if (store == NULL)
		return NULL;
	store->store.engine = &sqlite_engine;
	pthread_mutex_init(&store->lock, NULL);
	for (int i = 0; i < LANE_COUNT; i++) {
		store->lane[i].store = store;
		store->lane[i].carry_out = carry_out[i];
		pthread_cond_init(&store->lane[i].filled, NULL);
		pthread_mutex_init(&store->lane[i].at_work, NULL);
	}
	return store;
}

static bool open_files(struct sqlite *store, const char *data_dir, char *why, size_t why_size)
{
	store->folder = folder_open(data_dir, why, why_size);
	if (store->folder == NULL ||
	    !sqlite_files_agree(store->lane[LANE_WRITER].db, store->folder, why, why_size))
		return false;
	store->pool = pool_new(FILE_THREADS);
	if (store->pool == NULL)
		snprintf(why, why_size, "cannot start a thread for files");
	return store->pool != NULL;
}

static void close_store(struct store *base);

static struct store *open_store(const char *url, const char *data_dir, char *why, size_t why_size)
{
	char path[PATH_MAX];
	if (!sqlite_path(url, data_dir, path, why, why_size) || !make_file(path, why, why_size))
		return NULL;
	struct sqlite *store = sqlite_new();
	if (store == NULL) {
		snprintf(why, why_size, "no memory for the store");
		return NULL;
	}
	if (connect_lane(&store->lane[LANE_WRITER], path, why, why_size) &&
	    sqlite_schema_update(store->lane[LANE_WRITER].db, path, why, why_size) &&
	    connect_lane(&store->lane[LANE_READER], path, why, why_size) &&
	    prepare_all(store, why, why_size) && open_files(store, data_dir, why, why_size) &&
	    start_threads(store, why, why_size))
		return &store->store;
	close_store(&store->store);
	return NULL;
}

static void close_store(struct store *base)
{
	struct sqlite *store = sqlite_of(base);
	pthread_mutex_lock(&store->lock);
	store->is_closing = true;
	for (int i = 0; i < LANE_COUNT; i++)
		pthread_cond_signal(&store->lane[i].filled);
	pthread_mutex_unlock(&store->lock);
	for (int i = 0; i < LANE_COUNT; i++) {
		if (store->lane[i].has_thread)
			pthread_join(store->lane[i].thread, NULL);
	}
	pool_free(store->pool);
	folder_close(store->folder);
	buffer_clear(&store->removed);
	sqlite3_finalize(store->begin);
	sqlite3_finalize(store->commit);
	sqlite3_finalize(store->rollback);
	for (int i = 0; i < LANE_COUNT; i++) {
		struct lane *lane = &store->lane[i];
		for (int j = 0; j < SQLITE_CALL_COUNT; j++)
			sqlite3_finalize(lane->statement[j]);
		sqlite3_close(lane->db);
		pthread_cond_destroy(&lane->filled);
		pthread_mutex_destroy(&lane->at_work);
	}
	pthread_mutex_destroy(&store->lock);
	free(store);
}

/* There is no server behind it that could be away. */
static struct store_counts counts(struct store *base)
{
	struct sqlite *store = sqlite_of(base);
	pthread_mutex_lock(&store->lock);
	struct store_counts sum = { .is_reachable = true,
		.waiting = store->outstanding,
		.failed = store->failed,
		.failed_ms = store->failed_ms };
	histogram_read(&store->commits, &sum.commits);
	pthread_mutex_unlock(&store->lock);
	return sum;
}

const struct store_engine sqlite_engine = {
	.scheme = "sqlite:",
	.form = "sqlite: or sqlite:PATH",
	.open = open_store,
	.close = close_store,
	.submit = submit,
	.look_up = look_up_here,
	.file_begin = folder_file_begin,
	.file_append = folder_file_append,
	.file_finish = folder_file_finish,
	.file_read = folder_file_read,
	.file_discard = folder_file_discard,
	.counts = counts,
};
