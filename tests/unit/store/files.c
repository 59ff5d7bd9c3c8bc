/* What is promised of waiting files (files.h, docs/files.md): of their rows and of what lies in the folder. */
#include "store/files.h"

#include <errno.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/lib.h"
#include "store/waiting.h"
#include "unit.h"

/* The store's way to make files last leads through here, and fails on demand. */
static _Atomic bool sync_fails;

int fsync(int fd)
{
	if (atomic_load(&sync_fails)) {
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_fsync, fd);
}

/* ---- in ---- */

static void comes_in_pieces(void **state)
{
	struct fixture *f = set_up();
	struct waited w;
	waited_init(&w, f, "notes.txt");
	assert_int_equal(begin(&w), STORE_OK);
	assert_int_equal(append(&w, "one "), STORE_OK);
	assert_int_equal(append(&w, ""), STORE_OK);
	assert_int_equal(append(&w, "two "), STORE_OK);
	assert_waiting(f, "");
	assert_int_equal(finish(&w, "three"), STORE_OK);
	assert_int_equal(w.file.size_bytes, 13);
	assert_string_equal(w.file.name, "notes.txt");
	assert_waiting(f, "bob notes.txt 13\n");
	assert_content(f, "notes.txt", "one two three", 64);
	assert_folder(f, "bob+notes.txt ");
	assert_waiting(f, "bob notes.txt 13\n");
	tear_down(f);
}

static void belong_to_their_owner(void **state)
{
	struct fixture *f = set_up();
	wait_for_file(f, "notes.txt", "one");
	char path[400];
	struct stat info;
	path_of(f, "bob+notes.txt", path);
	assert_int_equal(stat(path, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0600);
	assert_int_equal(stat(f->files, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0700);
	tear_down(f);
}

static void same_names_get_numbers(void **state)
{
	struct fixture *f = set_up();
	wait_for_file(f, "a.txt", "1");
	wait_for_file(f, "a.txt", "22");
	wait_for_file(f, "b", "");
	wait_for_file(f, "a.txt", "333");
	wait_for_file(f, ".rc", "");
	wait_for_file(f, ".rc", "");
	assert_waiting(
	    f, "bob a.txt 1\nbob a-2.txt 2\nbob b 0\nbob a-3.txt 3\nbob .rc 0\nbob .rc-2 0\n");
	assert_content(f, "a.txt", "1", 64);
	assert_content(f, "a-3.txt", "333", 64);
	assert_int_equal(remove_first(f), STORE_OK);
	assert_folder(f, "bob+.rc bob+.rc-2 bob+a-2.txt bob+a-3.txt bob+b ");
	wait_for_file(f, "a.txt", "4444"); /* the name is free again */
	assert_waiting(
	    f, "bob a-2.txt 2\nbob b 0\nbob a-3.txt 3\nbob .rc 0\nbob .rc-2 0\nbob a.txt 4\n");
	tear_down(f);
}

static void longest_and_oddest_names(void **state)
{
	struct fixture *f = set_up();
	char longest[FILENAME_MAX_LEN + 1], expected[2 * FILENAME_MAX_LEN + 64];
	memset(longest, 'x', FILENAME_MAX_LEN);
	memcpy(longest + FILENAME_MAX_LEN - 4, ".txt", 5);
	wait_for_file(f, longest, "");
	wait_for_file(f, longest, "");
	snprintf(expected, sizeof(expected), "bob %s 0\nbob %.*s-2.txt 0\n", longest,
	    FILENAME_MAX_LEN - 6, longest);
	assert_waiting(f, expected);
	assert_int_equal(remove_first(f), STORE_OK);
	assert_int_equal(remove_first(f), STORE_OK);

	static const char *const odd[] = { "$(rm_-rf_~)", "';DROP_TABLE_file;--", "a+b", "+1",
		"%s%n", "\xc3\xa9t\xc3\xa9", "\xff\xfe", "-rf", "*" };
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		wait_for_file(f, odd[i], odd[i]);
		assert_content(f, odd[i], odd[i], 64);
		snprintf(expected, sizeof(expected), "bob %s %zu\n", odd[i], strlen(odd[i]));
		assert_waiting(f, expected);
		store_close(f->store);
		f->store = store_in(f->folder);
		assert_waiting(f, expected);
		assert_int_equal(remove_first(f), STORE_OK);
	}
	assert_folder(f, "");
	tear_down(f);
}

static void only_for_those_who_are(void **state)
{
	struct fixture *f = set_up();
	struct waited w;
	waited_init(&w, f, "x");
	strcpy(w.file.receiver, "nobody");
	assert_int_equal(begin(&w), STORE_NONE);

	waited_init(&w, f, "x"); /* and who goes meanwhile gets nothing */
	assert_int_equal(begin(&w), STORE_OK);
	assert_int_equal(append(&w, "some"), STORE_OK);
	assert_int_equal(ask(f->store, STORE_ACCOUNT_DELETE, "bob", ""), STORE_OK);
	assert_int_equal(finish(&w, "more"), STORE_NONE);
	assert_waiting(f, "");
	assert_int_equal(ask(f->store, STORE_ACCOUNT_ADD, "bob", "h"), STORE_OK);
	assert_folder(f, "");
	tear_down(f);
}

static void discarded(void **state)
{
	struct fixture *f = set_up();
	struct waited w;
	waited_init(&w, f, "x");
	assert_int_equal(begin(&w), STORE_OK);
	assert_int_equal(append(&w, "some"), STORE_OK);
	assert_int_equal(discard(&w), STORE_OK);
	assert_waiting(f, "");
	assert_folder(f, "");
	waited_init(&w, f, "x");
	assert_int_equal(discard(&w), STORE_OK); /* fine for one that never began */
	tear_down(f);
}

/* ---- quotas ---- */

static void quotas_are_seen_early(void **state)
{
	struct fixture *f = set_up();
	struct waited w;
	assert_int_equal(upload(f, "a", "12345", 2, 10), STORE_OK);
	waited_init(&w, f, "b");
	w.file.max_files = 2;
	w.file.max_bytes = 10;
	assert_int_equal(begin(&w), STORE_OK);
	assert_int_equal(w.file.room_bytes, 5);
	assert_int_equal(discard(&w), STORE_OK);
	assert_int_equal(upload(f, "b", "12345", 2, 10), STORE_OK);
	assert_int_equal(upload(f, "c", "", 2, 0), STORE_TAKEN);
	assert_int_equal(upload(f, "c", "", 0, 10), STORE_TAKEN);
	assert_int_equal(upload(f, "c", "", 3, 11), STORE_OK);
	assert_int_equal(upload(f, "d", "12", 0, 11), STORE_NONE); /* 10 + 2 > 11, known only now */
	assert_int_equal(upload(f, "d", "1", 0, 11), STORE_OK);
	assert_waiting(f, "bob a 5\nbob b 5\nbob c 0\nbob d 1\n");
	assert_folder(f, "bob+a bob+b bob+c bob+d ");
	tear_down(f);
}

enum { RACERS = 24, PLACES = 7 };

struct racer {
	struct fixture *f;
	uint64_t max_files, max_bytes;
	enum store_status status;
};

static void *race(void *arg)
{
	struct racer *r = arg;
	r->status = upload(r->f, "same.txt", "1234567890", r->max_files, r->max_bytes);
	return NULL;
}

static const struct race_case {
	const char *name;
	uint64_t max_files, max_bytes;
} race_cases[] = {
	{ "of files", PLACES, 0 },
	{ "of bytes", 0, PLACES * 10 + 9 },
};

/* Of many uploads at once, all begun while there was room, as many come in as the quota has places; the others leave nothing. */
static void quotas_hold_in_a_race(void **state)
{
	const struct race_case *c = *state;
	struct fixture *f = set_up();
	pthread_t threads[RACERS];
	struct racer racers[RACERS];
	int won = 0;
	for (int i = 0; i < RACERS; i++) {
		racers[i] =
		    (struct racer){ .f = f, .max_files = c->max_files, .max_bytes = c->max_bytes };
		assert_int_equal(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
	}
	for (int i = 0; i < RACERS; i++) {
		pthread_join(threads[i], NULL);
		assert_true(racers[i].status != STORE_UNAVAILABLE);
		won += racers[i].status == STORE_OK;
	}
	assert_int_equal(won, PLACES);
	struct asked asked = { 0 };
	ask_begin(f->store, &asked, STORE_FILE_ROOM, "bob", "");
	assert_int_equal(ask_end(&asked), STORE_OK);
	assert_int_equal(asked.request.files, PLACES);
	assert_int_equal(asked.request.size_bytes, PLACES * 10);

	struct listed *l = list(f, STORE_FILE_LIST, "bob");
	char expected[8192] = "", *line, *rest = l->text;
	char *names[PLACES];
	for (int i = 0; i < PLACES; i++) {
		line = strsep(&rest, "\n");
		strsep(&line, " ");
		names[i] = strsep(&line, " ");
	}
	qsort(names, PLACES, sizeof(*names), by_name);
	for (int i = 0; i < PLACES; i++)
		strcat(strcat(strcat(expected, "bob+"), names[i]), " ");
	assert_folder(f, expected); /* one file for each row, and no other */
	free(l);
	tear_down(f);
}

/* ---- out ---- */

static void reads_to_the_end(void **state)
{
	struct fixture *f = set_up();
	wait_for_file(f, "empty", "");
	wait_for_file(f, "ten", "0123456789");
	for (size_t cap = 1; cap <= 12; cap++) {
		assert_content(f, "ten", "0123456789", cap);
		assert_content(f, "empty", "", cap);
	}
	tear_down(f);
}

static void reads_one_after_the_other(void **state)
{
	struct fixture *f = set_up();
	struct waited w;
	char to[4];
	wait_for_file(f, "a", "aaaaaaaa");
	wait_for_file(f, "b", "bb");
	waited_init(&w, f, "");
	static const struct {
		const char *name, *got;
		enum store_status status;
		bool at_end;
	} rows[] = {
		{ "a", "aaaa", STORE_OK, false },
		{ NULL, "aaaa", STORE_OK, false },
		{ NULL, "", STORE_OK, true },
		{ "a", "aaaa", STORE_OK, false }, /* left in the middle */
		{ "b", "bb", STORE_OK, true },
		{ "none", "", STORE_NONE, false },
		{ "b", "bb", STORE_OK, true },
		{ "a", "aaaa", STORE_OK, false },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].name != NULL)
			file_select(&w.file, "bob", rows[i].name);
		file_read(&w.file, to, sizeof(to));
		assert_int_equal(waited_for(&w), rows[i].status);
		if (rows[i].status != STORE_OK)
			continue;
		assert_slice_equal(slice_of(to, w.file.got_len), slice_str(rows[i].got));
		assert_int_equal(w.file.at_end, rows[i].at_end);
	}
	assert_int_equal(discard(&w), STORE_OK);
	assert_folder(f, "bob+a bob+b ");
	tear_down(f);
}

static void takes_no_link(void **state)
{
	struct fixture *f = set_up();
	struct waited w;
	char to[16], path[400];
	path_of(f, "bob+x", path);
	assert_int_equal(symlink("/etc/hostname", path), 0);
	waited_init(&w, f, "");
	file_select(&w.file, "bob", "x");
	file_read(&w.file, to, sizeof(to));
	assert_int_equal(waited_for(&w), STORE_UNAVAILABLE);
	wait_for_file(f, "x", "mine");
	assert_waiting(f, "bob x-2 4\n");
	tear_down(f);
}

/* ---- going ---- */

static void removed_once(void **state)
{
	struct fixture *f = set_up();
	wait_for_file(f, "a", "");
	struct asked asked = { .request.id = first_id(f) };
	ask_begin(f->store, &asked, STORE_FILE_REMOVE, "", "");
	assert_int_equal(ask_end(&asked), STORE_OK);
	assert_folder(f, "");
	wait_for_file(f, "a", "new");
	asked.request.files = 0; /* the old id again, late: the new file has another one */
	ask_begin(f->store, &asked, STORE_FILE_REMOVE, "", "");
	assert_int_equal(ask_end(&asked), STORE_NONE);
	assert_waiting(f, "bob a 3\n");
	assert_folder(f, "bob+a ");
	tear_down(f);
}

static enum store_status delete_named(struct fixture *f, const char *receiver, const char *file)
{
	struct asked asked = { 0 };
	strcpy(asked.request.file, file);
	ask_begin(f->store, &asked, STORE_FILE_DELETE, receiver, "");
	return ask_end(&asked);
}

static void deleted_by_name(void **state)
{
	struct fixture *f = set_up();
	wait_for_file(f, "a", "");
	wait_for_file(f, "b", "");
	assert_int_equal(delete_named(f, "bob", "c"), STORE_NONE);
	assert_int_equal(delete_named(f, "ann", "a"), STORE_NONE);
	assert_int_equal(delete_named(f, "bob", "a"), STORE_OK);
	assert_waiting(f, "bob b 0\n");
	assert_folder(f, "bob+b ");
	tear_down(f);
}

static void go_with_their_receiver(void **state)
{
	struct fixture *f = set_up();
	assert_int_equal(ask(f->store, STORE_ACCOUNT_ADD, "bo", "h"), STORE_OK);
	wait_for_file(f, "a", "");
	wait_for_file(f, "b", "");
	assert_int_equal(ask(f->store, STORE_ACCOUNT_DELETE, "bo", ""), STORE_OK);
	assert_waiting(f, "bob a 0\nbob b 0\n");
	assert_int_equal(ask(f->store, STORE_ACCOUNT_DELETE, "bob", ""), STORE_OK);
	assert_int_equal(ask(f->store, STORE_ACCOUNT_DELETE, "bob", ""), STORE_NONE);
	assert_waiting(f, "");
	assert_int_equal(ask(f->store, STORE_ACCOUNT_ADD, "bob", "h"), STORE_OK);
	assert_waiting(f, "");
	assert_folder(f, "");
	tear_down(f);
}

static uint64_t expire(struct fixture *f, int64_t before_ms)
{
	struct asked asked = { .request.created_ms = before_ms };
	ask_begin(f->store, &asked, STORE_FILE_EXPIRE, "", "");
	assert_int_equal(ask_end(&asked), STORE_OK);
	return asked.request.files;
}

static void expire_by_age(void **state)
{
	struct fixture *f = set_up();
	wait_for_file(f, "old", "");
	int64_t between_ms = clock_wall_ms() + 1;
	while (clock_wall_ms() <= between_ms)
		;
	wait_for_file(f, "new", "");
	assert_int_equal(expire(f, 0), 0);
	assert_int_equal(expire(f, between_ms), 1);
	assert_int_equal(expire(f, between_ms), 0);
	assert_waiting(f, "bob new 0\n");
	assert_folder(f, "bob+new ");
	tear_down(f);
}

/* ---- failures and crashes ---- */

static void what_does_not_last_is_not_there(void **state)
{
	struct fixture *f = set_up();
	sync_fails = true;
	enum store_status status = upload(f, "x", "some", 0, 0);
	sync_fails = false;
	assert_int_equal(status, STORE_UNAVAILABLE);
	assert_waiting(f, "");
	assert_folder(f, "");
	wait_for_file(f, "x", "some");
	tear_down(f);
}

static void taken_away_by_hand(void **state)
{
	struct fixture *f = set_up();
	wait_for_file(f, "a.txt", "");
	wait_for_file(f, "a.txt", "");
	take_by_hand(f, "bob+a.txt");
	take_by_hand(f, "bob+a-2.txt");
	wait_for_file(f, "a.txt", "new"); /* the rows have the names still */
	assert_waiting(f, "bob a.txt 0\nbob a-2.txt 0\nbob a-3.txt 3\n");
	assert_int_equal(remove_first(f), STORE_OK);
	assert_folder(f, "bob+a-3.txt ");
	assert_waiting(f, "bob a-3.txt 3\n"); /* and at the next start they are gone */
	tear_down(f);
}

static void start_makes_both_agree(void **state)
{
	struct fixture *f = set_up();
	wait_for_file(f, "here", "1");
	wait_for_file(f, "gone", "");
	take_by_hand(f, "bob+gone");
	put_by_hand(f, "bob+never entered");
	put_by_hand(f, "+17");
	put_by_hand(f, "stranger");
	char folder[400];
	path_of(f, "bob+folder", folder);
	assert_int_equal(mkdir(folder, 0700), 0); /* such as lost+found */
	store_close(f->store);
	f->store = store_in(f->folder);
	assert_waiting(f, "bob here 1\n");
	assert_int_equal(rmdir(folder), 0);
	assert_folder(f, "bob+here ");
	tear_down(f);
}

static void start_spares_the_files_of_another_store(void **state)
{
	struct fixture *f = set_up();
	char why[512] = "", path[128];
	wait_for_file(f, "precious", "1");
	store_close(f->store);
	put_by_hand(f, "+1");
	snprintf(path, sizeof(path), "sqlite:%s/other.db", f->folder);
	assert_null(store_open(path, f->folder, why, sizeof(why)));
	if (strstr(why, "Is store.url right?") == NULL)
		fail_msg("\"%s\"", why);
	f->store = store_in(f->folder);
	assert_waiting(f, "bob precious 1\n");
	assert_folder(f, "bob+precious ");
	tear_down(f);
}

/* A store of before there were files gets the table; what it had stays. */
static void older_store(void **state)
{
	struct fixture *f = set_up();
	char path[128];
	sqlite3 *db;
	store_close(f->store);
	snprintf(path, sizeof(path), "%s/messagerd.db", f->folder);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(
	    sqlite3_exec(db, "DROP TRIGGER account_goes; DROP TABLE file; PRAGMA user_version = 1",
		NULL, NULL, NULL),
	    SQLITE_OK);
	sqlite3_close(db);
	f->store = store_in(f->folder);
	wait_for_file(f, "a", "1");
	assert_waiting(f, "bob a 1\n");
	tear_down(f);
}

int main(int argc, char **argv)
{
	UNIT_TEST(comes_in_pieces);
	UNIT_TEST(same_names_get_numbers);
	UNIT_TEST(longest_and_oddest_names);
	UNIT_TEST(only_for_those_who_are);
	UNIT_TEST(discarded);
	UNIT_TEST(quotas_are_seen_early);
	UNIT_EACH(quotas_hold_in_a_race, race_cases);
	UNIT_TEST(reads_to_the_end);
	UNIT_TEST(reads_one_after_the_other);
	UNIT_TEST(removed_once);
	UNIT_TEST(deleted_by_name);
	UNIT_TEST(go_with_their_receiver);
	UNIT_TEST(expire_by_age);
	if (store_is_postgres())
		return unit_run(argc, argv);
	/* What only a folder can do to us. */
	UNIT_TEST(belong_to_their_owner);
	UNIT_TEST(takes_no_link);
	UNIT_TEST(what_does_not_last_is_not_there);
	UNIT_TEST(taken_away_by_hand);
	UNIT_TEST(start_makes_both_agree);
	UNIT_TEST(start_spares_the_files_of_another_store);
	UNIT_TEST(older_store);
	return unit_run(argc, argv);
}
