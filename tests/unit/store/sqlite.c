/* What is special about the store in SQLite: groups, the file, its schema, and the ways it fails. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "store/lib.h"
#include "unit.h"

/* SQLite's way to the disk leads through here: counted, and failing on demand. */
static _Atomic unsigned sync_count;
static _Atomic bool sync_fails;

int fdatasync(int fd)
{
	atomic_fetch_add(&sync_count, 1);
	if (atomic_load(&sync_fails)) {
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_fdatasync, fd);
}

struct fixture {
	char folder[64];
	char path[96];
	struct store *store;
	sqlite3 *other; /* another program at the same file */
};

static struct fixture *set_up(void)
{
	struct fixture *f = calloc(1, sizeof(*f));
	assert_non_null(f);
	folder_make(f->folder);
	snprintf(f->path, sizeof(f->path), "%s/messagerd.db", f->folder);
	f->store = store_in(f->folder);
	assert_int_equal(sqlite3_open(f->path, &f->other), SQLITE_OK);
	return f;
}

static void tear_down(struct fixture *f)
{
	sqlite3_close(f->other);
	store_close(f->store);
	folder_remove(f->folder);
	free(f);
}

static void other_does(struct fixture *f, const char *sql)
{
	if (sqlite3_exec(f->other, sql, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(f->other));
}

static void close_store(struct fixture *f)
{
	store_close(f->store);
	f->store = NULL;
}

/* Other changes are queued while the lock is held by another program: then they are one group. */
static void hold(struct fixture *f)
{
	other_does(f, "BEGIN IMMEDIATE");
}

static void let_go(struct fixture *f)
{
	other_does(f, "COMMIT");
}

static void add_all(struct fixture *f, struct asked *asked, const char *const *names, size_t count)
{
	hold(f);
	for (size_t i = 0; i < count; i++)
		ask_begin(f->store, &asked[i], STORE_ACCOUNT_ADD, names[i], "h");
	let_go(f);
}

static void one_name_twice_in_a_group(void **state)
{
	struct fixture *f = set_up();
	const char *names[] = { "first", "bob", "bob", "bob", "last" };
	struct asked asked[5] = { 0 };
	add_all(f, asked, names, 5);
	assert_int_equal(ask_end(&asked[0]), STORE_OK);
	assert_int_equal(ask_end(&asked[1]), STORE_OK);
	assert_int_equal(ask_end(&asked[2]), STORE_TAKEN);
	assert_int_equal(ask_end(&asked[3]), STORE_TAKEN);
	assert_int_equal(ask_end(&asked[4]), STORE_OK);
	tear_down(f);
}

/* RAISE(ABORT) undoes its statement, RAISE(ROLLBACK) the whole transaction, as a full disk may. */
static void failing_statement(void **state)
{
	struct fixture *f = set_up();
	const char *names[] = { "ann", "abort", "bob" };
	struct asked asked[3] = { 0 };
	other_does(f,
	    "CREATE TRIGGER breaks BEFORE INSERT ON account WHEN new.name = 'abort' BEGIN "
	    "SELECT RAISE(ABORT, 'no'); END");
	add_all(f, asked, names, 3);
	assert_int_equal(ask_end(&asked[0]), STORE_OK);
	assert_int_equal(ask_end(&asked[1]), STORE_UNAVAILABLE);
	assert_int_equal(ask_end(&asked[2]), STORE_OK);
	char hash[STORE_HASH_SIZE];
	assert_int_equal(ask_hash(f->store, "ann", hash), STORE_OK);
	assert_int_equal(ask_hash(f->store, "abort", hash), STORE_NONE);
	assert_int_equal(ask_hash(f->store, "bob", hash), STORE_OK);
	tear_down(f);
}

static void failing_transaction(void **state)
{
	struct fixture *f = set_up();
	const char *names[] = { "cat", "rollback", "dan" };
	struct asked asked[4] = { 0 };
	other_does(f,
	    "CREATE TRIGGER breaks BEFORE INSERT ON account WHEN new.name = 'rollback' BEGIN "
	    "SELECT RAISE(ROLLBACK, 'no'); END");
	/* The first may be taken as a group of its own, and then succeeds alone. */
	hold(f);
	ask_begin(f->store, &asked[3], STORE_ACCOUNT_ADD, "alone", "h");
	for (size_t i = 0; i < 3; i++)
		ask_begin(f->store, &asked[i], STORE_ACCOUNT_ADD, names[i], "h");
	let_go(f);
	char hash[STORE_HASH_SIZE];
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(ask_end(&asked[i]), STORE_UNAVAILABLE);
		assert_int_equal(ask_hash(f->store, names[i], hash), STORE_NONE);
	}
	bool is_alone = ask_end(&asked[3]) == STORE_OK;
	assert_int_equal(ask_hash(f->store, "alone", hash), is_alone ? STORE_OK : STORE_NONE);
	assert_int_equal(ask(f->store, STORE_ACCOUNT_ADD, "eve", "h"), STORE_OK);
	tear_down(f);
}

static void failing_commit(void **state)
{
	struct fixture *f = set_up();
	const char *names[] = { "ann", "ann", "bob" };
	struct asked asked[3] = { 0 };
	char hash[STORE_HASH_SIZE];
	atomic_store(&sync_fails, true);
	add_all(f, asked, names, 3);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(ask_end(&asked[i]), STORE_UNAVAILABLE);
	assert_int_equal(ask_hash(f->store, "ann", hash), STORE_NONE);
	atomic_store(&sync_fails, false);
	assert_int_equal(ask_hash(f->store, "bob", hash), STORE_NONE);
	assert_int_equal(ask(f->store, STORE_ACCOUNT_ADD, "ann", "h"), STORE_OK);
	assert_int_equal(ask_hash(f->store, "ann", hash), STORE_OK);
	tear_down(f);
}

/* Of a look-up on the caller's thread too: it is what log-ins do. */
static void failures_are_counted(void **state)
{
	struct fixture *f = set_up();
	struct store_request request = { .call = STORE_ACCOUNT_GET, .name = "ann" };
	char hash[STORE_HASH_SIZE];
	assert_true(store_look_up(f->store, &request));
	assert_int_equal(request.status, STORE_NONE);
	assert_int_equal(store_counts(f->store).failed, 0);
	other_does(f, "ALTER TABLE account RENAME TO lost");
	assert_true(store_look_up(f->store, &request));
	assert_int_equal(request.status, STORE_UNAVAILABLE);
	assert_int_equal(store_counts(f->store).failed, 1);
	assert_true(store_counts(f->store).failed_ms > 0);
	assert_int_equal(ask_hash(f->store, "ann", hash), STORE_UNAVAILABLE);
	assert_int_equal(store_counts(f->store).failed, 2);
	tear_down(f);
}

/* A full disk, by way of a limit on the size of this process's files. */
static void full_disk(void **state)
{
	struct fixture *f = set_up();
	char log_path[128], hash[STORE_HASH_SIZE];
	struct stat before;
	struct rlimit whole, full;
	assert_int_equal(ask(f->store, STORE_ACCOUNT_ADD, "early", "h"), STORE_OK);
	snprintf(log_path, sizeof(log_path), "%s-wal", f->path);
	assert_int_equal(stat(log_path, &before), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &whole), 0);
	full =
	    (struct rlimit){ .rlim_cur = (rlim_t)before.st_size + 100, .rlim_max = whole.rlim_max };
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &full), 0);
	enum store_status refused = ask(f->store, STORE_ACCOUNT_ADD, "late", "h");
	enum store_status still_read = ask_hash(f->store, "early", hash);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &whole), 0);
	assert_int_equal(refused, STORE_UNAVAILABLE);
	assert_int_equal(still_read, STORE_OK);
	assert_int_equal(ask_hash(f->store, "late", hash), STORE_NONE);
	assert_int_equal(ask(f->store, STORE_ACCOUNT_ADD, "late", "h"), STORE_OK);
	tear_down(f);
}

/* Look-ups go on while a change waits for its turn. */
static void reading_waits_for_no_writer(void **state)
{
	struct fixture *f = set_up();
	struct asked change = { 0 };
	char hash[STORE_HASH_SIZE];
	assert_int_equal(ask(f->store, STORE_ACCOUNT_ADD, "ann", "h"), STORE_OK);
	hold(f);
	ask_begin(f->store, &change, STORE_ACCOUNT_ADD, "bob", "h");
	assert_int_equal(ask_hash(f->store, "ann", hash), STORE_OK);
	int waiting;
	assert_int_equal(sem_getvalue(&change.answered, &waiting), 0);
	assert_int_equal(waiting, 0);
	let_go(f);
	assert_int_equal(ask_end(&change), STORE_OK);
	tear_down(f);
}

/* Sign-ups at once share a few fsyncs. Counted, not timed, so no machine is too slow for it. */
static void groups_share_commits(void **state)
{
	enum { SIGN_UPS = 300 };
	struct fixture *f = set_up();
	struct asked *asked = calloc(SIGN_UPS, sizeof(*asked));
	assert_non_null(asked);
	char name[24];
	unsigned syncs_before = atomic_load(&sync_count);
	for (int i = 0; i < SIGN_UPS; i++) {
		snprintf(name, sizeof(name), "single%d", i);
		assert_int_equal(ask(f->store, STORE_ACCOUNT_ADD, name, "h"), STORE_OK);
	}
	unsigned single_syncs = atomic_load(&sync_count) - syncs_before;
	syncs_before += single_syncs;
	hold(f);
	for (int i = 0; i < SIGN_UPS; i++) {
		snprintf(name, sizeof(name), "group%d", i);
		ask_begin(f->store, &asked[i], STORE_ACCOUNT_ADD, name, "h");
	}
	let_go(f);
	for (int i = 0; i < SIGN_UPS; i++)
		assert_int_equal(ask_end(&asked[i]), STORE_OK);
	unsigned group_syncs = atomic_load(&sync_count) - syncs_before;
	free(asked);
	/* The writer may have taken the first few before the rest came: two groups, and a checkpoint of each. */
	assert_true(single_syncs >= SIGN_UPS);
	assert_true(group_syncs >= 1 && group_syncs <= 6);
	tear_down(f);
}

/* What done() has said outlives the process, whatever ends it. */
static void killed_after_done(void **state)
{
	struct fixture *f = set_up();
	close_store(f);
	sqlite3_close(f->other);
	f->other = NULL;
	for (int round = 0; round < 10; round++) {
		char name[24], hash[STORE_HASH_SIZE];
		snprintf(name, sizeof(name), "round%d", round);
		pid_t pid = fork();
		assert_true(pid >= 0);
		if (pid == 0) {
			if (ask(store_in(f->folder), STORE_ACCOUNT_ADD, name, name) == STORE_OK)
				raise(SIGKILL);
			_exit(1);
		}
		int status;
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		f->store = store_in(f->folder);
		assert_int_equal(ask_hash(f->store, name, hash), STORE_OK);
		close_store(f);
	}
	tear_down(f);
}

static void assert_refused(const char *url, const char *folder, const char *words)
{
	char why[512] = "";
	struct store *store = store_open(url, folder, why, sizeof(why));
	assert_null(store);
	if (strstr(why, words) == NULL)
		fail_msg("\"%s\" lacks \"%s\"", why, words);
}

static void refuses_foreign_files(void **state)
{
	static const struct {
		const char *sql, *words;
	} rows[] = {
		{ "PRAGMA user_version = 3", "made by a newer messagerd" },
		{ "PRAGMA user_version = 2147483647", "made by a newer messagerd" },
		{ "PRAGMA user_version = -1", "of another program" },
		{ "PRAGMA user_version = 1; PRAGMA application_id = 7", "of another program" },
		{ "PRAGMA user_version = 0; PRAGMA application_id = 0", "of another program" },
		{ "PRAGMA application_id = 1397967949; DROP TABLE ban", "no such table: ban" },
	};
	struct fixture *f = set_up();
	close_store(f);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		other_does(f, rows[i].sql);
		assert_refused("sqlite:", f->folder, rows[i].words);
		other_does(f, "PRAGMA user_version = 2");
	}
	sqlite3_close(f->other);
	f->other = NULL;
	FILE *text = fopen(f->path, "w");
	assert_non_null(text);
	for (int i = 0; i < 500; i++)
		fputs("this is no database\n", text);
	fclose(text);
	assert_refused("sqlite:", f->folder, "file is not a database");
	tear_down(f);
}

static void refuses_bad_urls(void **state)
{
	static const struct {
		const char *url, *folder, *words;
	} rows[] = {
		{ "mysql://root:secret@host", "/tmp",
		    "\"mysql\"; it must be sqlite: or sqlite:PATH" },
		{ "", "/tmp", "it must be sqlite: or sqlite:PATH" },
		{ "sqlite", "/tmp", "it must be sqlite: or sqlite:PATH" },
		{ "sqlite:", "/nowhere/at all", "No such file or directory" },
		{ "sqlite:/", "/tmp", "cannot open /" },
		{ "sqlite:/proc/none.db", "/tmp", "cannot make /proc/none.db" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_refused(rows[i].url, rows[i].folder, rows[i].words);
	char longest[8192];
	memset(longest, 'x', sizeof(longest));
	memcpy(longest, "sqlite:", 7);
	longest[sizeof(longest) - 1] = '\0';
	assert_refused(longest, "/tmp", "is longer than");
}

static void assert_private(const char *folder, const char *file)
{
	char path[256];
	struct stat info;
	snprintf(path, sizeof(path), "%s/%s", folder, file);
	assert_int_equal(stat(path, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0600);
}

static void files_are_private(void **state)
{
	struct fixture *f = set_up();
	mode_t usual = umask(0);
	close_store(f);
	sqlite3_close(f->other);
	f->other = NULL;
	assert_int_equal(unlink(f->path), 0);
	f->store = store_in(f->folder);
	assert_int_equal(ask(f->store, STORE_ACCOUNT_ADD, "ann", "h"), STORE_OK);
	assert_private(f->folder, "messagerd.db");
	assert_private(f->folder, "messagerd.db-wal");
	assert_private(f->folder, "messagerd.db-shm");
	umask(usual);
	tear_down(f);
}

/* A path is a file's name, also where SQLite would read something else into it. */
static void paths_are_taken_literally(void **state)
{
	static const char *const names[] = { "own.db", ":memory:", "file:x?mode=memory" };
	struct fixture *f = set_up();
	char here[4096], why[512], url[64];
	assert_non_null(getcwd(here, sizeof(here)));
	assert_int_equal(chdir(f->folder), 0);
	for (size_t i = 0; i < 3; i++) {
		snprintf(url, sizeof(url), "sqlite:%s", names[i]);
		struct store *store = store_open(url, f->folder, why, sizeof(why));
		if (store == NULL)
			fail_msg("%s: %s", url, why);
		store_close(store);
		assert_private(".", names[i]);
	}
	assert_int_equal(chdir(here), 0);
	tear_down(f);
}

static void no_memory(void **state)
{
	struct fixture *f = set_up();
	char why[512] = "";
	unit_allocate_only(0);
	struct store *store = store_open("sqlite:", f->folder, why, sizeof(why));
	unit_allocate_all();
	assert_null(store);
	assert_string_equal(why, "no memory for the store");
	tear_down(f);
}

int main(int argc, char **argv)
{
	UNIT_TEST(one_name_twice_in_a_group);
	UNIT_TEST(failing_statement);
	UNIT_TEST(failing_transaction);
	UNIT_TEST(failing_commit);
	UNIT_TEST(failures_are_counted);
	UNIT_TEST(full_disk);
	UNIT_TEST(reading_waits_for_no_writer);
	UNIT_TEST(groups_share_commits);
	UNIT_TEST(killed_after_done);
	UNIT_TEST(refuses_foreign_files);
	UNIT_TEST(refuses_bad_urls);
	UNIT_TEST(files_are_private);
	UNIT_TEST(paths_are_taken_literally);
	UNIT_TEST(no_memory);
	return unit_run(argc, argv);
}
