#include "client/full/history.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

enum { AT_MS = 1764086041 }; /* of seconds: 2025-11-25T15:54:01Z */

static char folder[] = "/tmp/unit-history-XXXXXX";
static struct model m;
static struct history h;
static struct why why;
static struct conversation *bob;
static char path[FOLDER_PATH_SIZE];

static void set_up(void)
{
	char command[100];
	snprintf(command, sizeof(command), "rm -rf %s/*", folder);
	assert_int_equal(system(command), 0);
	model_clear(&m);
	assert_true(model_init(&m));
	model_set_me(&m, SLICE("alice"));
	bob = model_open(&m, SLICE("bob"));
	assert_true(history_init(&h, true, "chat.example.org:18443", SLICE("alice"), &why));
	assert_true(history_path(&h, bob, path));
}

static const struct said *hear(const char *text)
{
	uint64_t n = model_add_other(&m, bob, (int64_t)AT_MS * 1000, SLICE("bob"), slice_str(text));
	return conversation_line(bob, n);
}

static const struct said *say(const char *text)
{
	uint64_t n = model_add_mine(&m, bob, (int64_t)AT_MS * 1000 + 2000, slice_str(text));
	model_note_waiting(&m, 0);
	return conversation_line(bob, n);
}

static size_t read_file(char *out, size_t size)
{
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	size_t len = fread(out, 1, size - 1, f);
	out[len] = '\0';
	fclose(f);
	return len;
}

static void write_file(struct slice content)
{
	assert_true(folder_make_for(path, &why));
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(content.ptr, 1, content.len, f), content.len);
	fclose(f);
}

/* What the file says, as if the program had been started anew. */
static struct conversation *read_anew(void)
{
	model_clear(&m);
	assert_true(model_init(&m));
	bob = model_open(&m, SLICE("bob"));
	assert_true(history_read(&h, &m, bob, &why));
	return bob;
}

static void keeps_and_reads_back(void **state)
{
	char content[1000];
	struct stat st;
	set_up();
	assert_true(history_append(&h, bob, hear("hi alice \u00e9"), &why));
	assert_true(history_append(&h, bob, say("hello\nyou"), &why));
	read_file(content, sizeof(content));
	assert_string_equal(content, "2025-11-25T15:54:01Z < bob hi alice \u00e9\n"
				     "2025-11-25T15:54:03Z > alice hello\\nyou\n");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(stat(h.folder, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	read_anew();
	assert_int_equal(bob->end, 2);
	const struct said *s = conversation_line(bob, 0);
	assert_slice_is(said_sender(s), "bob");
	assert_slice_is(said_text(s), "hi alice \u00e9");
	assert_true(s->time_ms == (int64_t)AT_MS * 1000);
	assert_int_equal(s->kind, SAID_BY_OTHER);
	assert_true(s->is_old);
	s = conversation_line(bob, 1);
	assert_slice_is(said_text(s), "hello\\nyou");
	assert_int_equal(s->kind, SAID_BY_ME);
	assert_int_equal(s->state, STATE_SENT);
	assert_int_equal(bob->unread, 0);
}

static void what_is_kept_is_harmless(void **state)
{
	char content[1000];
	set_up();
	history_append(&h, bob, hear("\x1b]0;x\x07\xff\u202e"), &why);
	read_file(content, sizeof(content));
	assert_non_null(strstr(content, "< bob \\x1b]0;x\\x07\\xff\\u{202e}\n"));
}

static void what_was_not_delivered_is_known_later(void **state)
{
	set_up();
	const struct said *one = say("one");
	history_append(&h, bob, one, &why);
	const struct said *two = say("two");
	history_append(&h, bob, two, &why);
	history_not_delivered(&h, bob, one, &why);
	read_anew();
	assert_int_equal(bob->end, 2);
	assert_int_equal(conversation_line(bob, 0)->state, STATE_NOT_DELIVERED);
	assert_int_equal(conversation_line(bob, 1)->state, STATE_SENT);
	assert_int_equal(bob->undelivered, 1);
	model_set_me(&m, SLICE("alice"));
	history_append(&h, bob, say("one"), &why);
	read_anew();
	assert_int_equal(conversation_line(bob, 0)->state, STATE_REPEATED);
	assert_int_equal(bob->undelivered, 0);
}

static void what_may_not_have_arrived_is_known_later(void **state)
{
	char content[1000];
	set_up();
	const struct said *one = say("one");
	history_append(&h, bob, one, &why);
	const struct said *two = say("two");
	history_append(&h, bob, two, &why);
	assert_true(history_doubtful(&h, bob, one, &why));
	read_file(content, sizeof(content));
	assert_non_null(strstr(content, "\n2025-11-25T15:54:03Z ? alice one\n"));
	read_anew();
	assert_int_equal(bob->end, 2);
	assert_int_equal(conversation_line(bob, 0)->state, STATE_UNCONFIRMED);
	assert_int_equal(conversation_line(bob, 1)->state, STATE_SENT);
	write_file(SLICE("2025-11-25T15:54:01Z ? alice cut off\n"));
	read_anew();
	assert_int_equal(bob->end, 1);
	assert_int_equal(conversation_line(bob, 0)->state, STATE_UNCONFIRMED);
}

static void a_file_that_others_can_read_is_closed_to_them(void **state)
{
	struct stat st;
	set_up();
	write_file(SLICE("2025-11-25T15:54:01Z < bob one\n"));
	assert_int_equal(chmod(path, 0644), 0);
	assert_true(history_append(&h, bob, hear("two"), &why));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void notices_and_the_server_are_not_kept(void **state)
{
	set_up();
	uint64_t n = model_add_notice(&m, bob, 0, SLICE("bob left"));
	assert_true(history_append(&h, bob, conversation_line(bob, n), &why));
	n = model_add_other(&m, model_server(&m), 0, SLICE("x"), SLICE("y"));
	assert_true(
	    history_append(&h, model_server(&m), conversation_line(model_server(&m), n), &why));
	assert_int_equal(access(h.folder, F_OK), -1);
}

static void without_log_nothing_is_kept_or_read(void **state)
{
	set_up();
	history_append(&h, bob, hear("hi"), &why);
	assert_true(history_init(&h, false, "chat.example.org:18443", SLICE("alice"), &why));
	history_append(&h, bob, hear("ho"), &why);
	read_anew();
	assert_int_equal(bob->end, 0);
	char content[200];
	read_file(content, sizeof(content));
	assert_null(strstr(content, "ho"));
	assert_true(history_forget(&h, bob, &why));
	assert_int_equal(access(path, F_OK), -1);
}

static void forgetting_removes_the_file(void **state)
{
	set_up();
	history_append(&h, bob, hear("hi"), &why);
	assert_true(history_forget(&h, bob, &why));
	assert_int_equal(access(path, F_OK), -1);
	assert_true(history_forget(&h, bob, &why));
	read_anew();
	assert_int_equal(bob->end, 0);
}

static const struct path_case {
	const char *name;
	struct slice user;
	const char *file;
} path_cases[] = {
	{ "a name", SLICE("bob"), "person-bob.log" },
	{ "another case", SLICE("Bob_2"), "person-Bob_2.log" },
	{ "dots", SLICE(".."), "person-%2e..log" },
	{ "a path", SLICE("../../etc/passwd"), "person-%2e.%2f..%2fetc%2fpasswd.log" },
	{ "foreign bytes", SLICE("\xff \n"), "person-%ff%20%0a.log" },
	{ "a NUL", SLICE("a\0b"), "person-a%00b.log" },
	{ "what looks safe already", SLICE("a%2fb"), "person-a%252fb.log" },
};

static void names_of_files_are_safe(void **state)
{
	const struct path_case *c = *state;
	set_up();
	struct conversation *with = model_open(&m, c->user);
	char of[FOLDER_PATH_SIZE];
	assert_true(history_path(&h, with, of));
	assert_string_equal(strrchr(of, '/') + 1, c->file);
}

static void long_names_stay_different(void **state)
{
	char name[SESSION_NAME_MAX_LEN], one[FOLDER_PATH_SIZE], two[FOLDER_PATH_SIZE];
	memset(name, '/', sizeof(name));
	set_up();
	assert_true(history_path(&h, model_open(&m, slice_of(name, sizeof(name))), one));
	assert_true(history_path(&h, model_open(&m, slice_of(name, sizeof(name) - 1)), two));
	assert_string_not_equal(one, two);
	assert_true(strlen(strrchr(one, '/')) < 255);
	hear("x");
	assert_true(history_append(
	    &h, model_open(&m, slice_of(name, sizeof(name))), conversation_line(bob, 0), &why));
}

static void users_and_servers_are_apart(void **state)
{
	struct history other;
	set_up();
	assert_true(history_init(&other, true, "chat.example.org:18443", SLICE("Alice"), &why));
	assert_string_not_equal(h.folder, other.folder);
	assert_true(history_init(&other, true, "../../[::1]:1", SLICE("alice"), &why));
	assert_non_null(strstr(other.folder, "/messager/%2e.%2f..%2f%5b::1%5d:1/alice"));
}

static const struct broken_case {
	const char *name;
	struct slice content;
	uint64_t lines; /* that are read all the same */
} broken_cases[] = {
	{ "empty", SLICE(""), 0 },
	{ "foreign text", SLICE("hello\nworld\n\n"), 0 },
	{ "bytes", SLICE("\x00\xff\xfe\n\x1b[2J\n"), 0 },
	{ "a line cut short", SLICE("2025-11-25T15:54:01Z < bob one\n2025-11-25T15:54:01Z < bo"),
	    1 },
	{ "no sign", SLICE("2025-11-25T15:54:01Z bob one\n"), 0 },
	{ "another sign", SLICE("2025-11-25T15:54:01Z x bob one\n"), 0 },
	{ "no text", SLICE("2025-11-25T15:54:01Z < bob\n"), 0 },
	{ "an empty text", SLICE("2025-11-25T15:54:01Z < bob \n"), 1 },
	{ "no sender", SLICE("2025-11-25T15:54:01Z <  one\n"), 0 },
	{ "no time", SLICE("2025-11-25 15:54:01 < bob one\n"), 0 },
	{ "an odd time", SLICE("9999-99-99T99:99:99Z < bob one\n"), 1 },
	{ "a good one after all that", SLICE("\xff\n\n2025-11-25T15:54:01Z < bob one\n"), 1 },
	{ "only a stamp", SLICE("2025-11-25T15:54:01Z"), 0 },
	{ "a stamp and a space", SLICE("2025-11-25T15:54:01Z \n2025-11-25T15:54:01Z <\n"), 0 },
};

static void what_is_broken_is_left_out(void **state)
{
	const struct broken_case *c = *state;
	set_up();
	write_file(c->content);
	read_anew();
	assert_true(bob->end == c->lines);
}

/* A line that was cut when the machine stopped does not spoil the next. */
static void goes_on_after_half_a_line(void **state)
{
	set_up();
	write_file(SLICE("2025-11-25T15:54:01Z < bob one\n2025-11-25T15:54:01Z < b"));
	assert_true(history_append(&h, bob, hear("two"), &why));
	read_anew();
	assert_int_equal(bob->end, 2);
	assert_slice_is(said_text(conversation_line(bob, 1)), "two");
}

/* 100 MiB that are none of ours, mostly; and lines without end. */
static void only_the_end_is_read(void **state)
{
	set_up();
	for (int i = 0; i < 5000; i++) {
		char text[100];
		snprintf(text, sizeof(text), "line %d", i);
		history_append(&h, bob, hear(text), &why);
	}
	read_anew();
	assert_int_equal(bob->end, HISTORY_READ_LINES);
	assert_slice_is(said_text(conversation_line(bob, 0)), "line 4800");
	assert_slice_is(said_text(conversation_line(bob, bob->end - 1)), "line 4999");
	assert_int_equal(truncate(path, 100 * 1024 * 1024), 0);
	read_anew();
	assert_int_equal(bob->end, 0);
	assert_true(history_append(&h, bob, hear("after"), &why));
	read_anew();
	assert_int_equal(bob->end, 1);
}

static void a_long_text_is_kept_in_part(void **state)
{
	static char text[1024 * 1024];
	memset(text, '\xff', sizeof(text));
	set_up();
	uint64_t n = model_add_other(&m, bob, 0, SLICE("bob"), slice_of(text, sizeof(text)));
	assert_true(history_append(&h, bob, conversation_line(bob, n), &why));
	assert_true(history_append(&h, bob, hear("next"), &why));
	read_anew();
	assert_int_equal(bob->end, 2);
}

static void what_is_no_file_is_not_waited_for(void **state)
{
	set_up();
	write_file(SLICE(""));
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_false(history_read(&h, &m, bob, &why));
	assert_false(history_append(&h, bob, hear("hi"), &why));
	unlink(path);
	assert_int_equal(symlink("/dev/zero", path), 0);
	assert_false(history_read(&h, &m, bob, &why));
}

/* The limit on a file's size cuts a line as a full disk does. */
static void a_full_disk_is_told_once(void **state)
{
	char content[1000];
	struct rlimit before, small;
	set_up();
	signal(SIGXFSZ, SIG_IGN);
	assert_true(history_append(&h, bob, hear("first"), &why));
	size_t len = read_file(content, sizeof(content));
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = (struct rlimit){ .rlim_cur = len + 10, .rlim_max = before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	bool is_first_told = !history_append(&h, bob, hear("second"), &why);
	bool is_second_told = !history_append(&h, bob, hear("third"), &why);
	setrlimit(RLIMIT_FSIZE, &before);
	assert_true(is_first_told);
	assert_false(is_second_told);
	assert_non_null(strstr(why.text, path));
	assert_int_equal(read_file(content, sizeof(content)), len);
	assert_true(history_append(&h, bob, hear("fourth"), &why));
	read_anew();
	assert_int_equal(bob->end, 2);
	assert_slice_is(said_text(conversation_line(bob, 1)), "fourth");
}

/* A file of whole lines that is as long as one may be, less the bytes that are still free. */
static void fill_file(size_t free_bytes)
{
	static const char line[] =
	    "2025-11-25T15:54:01Z < bob an old line of a long history......\n";
	static char content[HISTORY_FILE_MAX_BYTES];
	for (size_t i = 0; i < sizeof(content); i++)
		content[i] = line[i % (sizeof(line) - 1)];
	size_t len = sizeof(content) - free_bytes;
	content[len - 1] = '\n';
	write_file(slice_of(content, len));
}

static off_t file_size(void)
{
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	return st.st_size;
}

static void new_path(char fresh_r[static FOLDER_PATH_SIZE + 8])
{
	snprintf(fresh_r, FOLDER_PATH_SIZE + 8, "%s" FOLDER_NEW, path);
}

static void a_file_that_is_too_long_loses_its_older_half(void **state)
{
	char begins[23] = "", fresh[FOLDER_PATH_SIZE + 8];
	set_up();
	new_path(fresh);
	fill_file(100);
	assert_true(history_append(&h, bob, hear("it fits"), &why));
	assert_true(file_size() > HISTORY_FILE_MAX_BYTES - 100);
	assert_true(file_size() <= HISTORY_FILE_MAX_BYTES);
	fill_file(20);
	/* half a file, of a crash */
	FILE *half = fopen(fresh, "w");
	assert_non_null(half);
	fclose(half);
	assert_true(history_append(&h, bob, hear("one too many"), &why));
	assert_true(file_size() <= HISTORY_KEPT_BYTES);
	assert_true(file_size() > HISTORY_KEPT_BYTES - 100);
	assert_int_equal(access(fresh, F_OK), -1);
	int fd = open(path, O_RDONLY);
	assert_int_equal(pread(fd, begins, sizeof(begins) - 1, 0), sizeof(begins) - 1);
	close(fd);
	assert_string_equal(begins, "2025-11-25T15:54:01Z <");
	assert_true(history_append(&h, bob, hear("the next"), &why));
	read_anew();
	assert_slice_is(said_text(conversation_line(bob, bob->end - 1)), "the next");
	assert_slice_is(said_text(conversation_line(bob, bob->end - 2)), "one too many");
	assert_slice_is(
	    said_text(conversation_line(bob, bob->end - 4)), "an old line of a long history......");
}

/* A disk that has room for the line and not for the copy: nothing is lost, and it is told once. */
static void a_file_that_can_not_be_made_shorter_grows(void **state)
{
	char fresh[FOLDER_PATH_SIZE + 8];
	set_up();
	new_path(fresh);
	fill_file(20);
	assert_int_equal(mkdir(fresh, 0700), 0); /* where the copy should go */
	assert_false(history_append(&h, bob, hear("one"), &why));
	assert_non_null(strstr(why.text, "it grows"));
	assert_true(history_append(&h, bob, hear("two"), &why));
	assert_true(file_size() > HISTORY_FILE_MAX_BYTES);
	assert_int_equal(rmdir(fresh), 0);
	read_anew();
	assert_slice_is(said_text(conversation_line(bob, bob->end - 1)), "two");
	assert_slice_is(said_text(conversation_line(bob, bob->end - 2)), "one");
}

static void forgetting_removes_what_a_crash_has_left(void **state)
{
	char fresh[FOLDER_PATH_SIZE + 8];
	set_up();
	new_path(fresh);
	history_append(&h, bob, hear("hi"), &why);
	assert_int_equal(link(path, fresh), 0);
	assert_true(history_forget(&h, bob, &why));
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(access(fresh, F_OK), -1);
}

int main(int argc, char **argv)
{
	if (mkdtemp(folder) == NULL)
		return 1;
	setenv("XDG_STATE_HOME", folder, 1);
	UNIT_TEST(keeps_and_reads_back);
	UNIT_TEST(what_is_kept_is_harmless);
	UNIT_TEST(what_was_not_delivered_is_known_later);
	UNIT_TEST(what_may_not_have_arrived_is_known_later);
	UNIT_TEST(a_file_that_others_can_read_is_closed_to_them);
	UNIT_TEST(notices_and_the_server_are_not_kept);
	UNIT_TEST(without_log_nothing_is_kept_or_read);
	UNIT_TEST(forgetting_removes_the_file);
	UNIT_EACH(names_of_files_are_safe, path_cases);
	UNIT_TEST(long_names_stay_different);
	UNIT_TEST(users_and_servers_are_apart);
	UNIT_EACH(what_is_broken_is_left_out, broken_cases);
	UNIT_TEST(goes_on_after_half_a_line);
	UNIT_TEST(only_the_end_is_read);
	UNIT_TEST(a_long_text_is_kept_in_part);
	UNIT_TEST(what_is_no_file_is_not_waited_for);
	UNIT_TEST(a_full_disk_is_told_once);
	UNIT_TEST(a_file_that_is_too_long_loses_its_older_half);
	UNIT_TEST(a_file_that_can_not_be_made_shorter_grows);
	UNIT_TEST(forgetting_removes_what_a_crash_has_left);
	int failed = unit_run(argc, argv);
	set_up();
	model_clear(&m);
	rmdir(folder);
	return failed;
}
