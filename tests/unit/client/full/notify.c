#include "client/full/notify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "unit.h"

enum { PATH_SIZE = 64, COMMAND_SIZE = 256, SAID_SIZE = 256 };

/* What a command that writes its arguments, one a line, has written. It is waited for by its end. */
static void run_and_read(const char *who, const char *text, char said[static SAID_SIZE])
{
	char folder[PATH_SIZE] = "/tmp/notify-XXXXXX", script[PATH_SIZE + 8], out[PATH_SIZE + 8],
	     command[COMMAND_SIZE];
	struct notify notify;
	struct why why;
	assert_non_null(mkdtemp(folder));
	snprintf(script, sizeof(script), "%s/sh", folder);
	snprintf(out, sizeof(out), "%s/out", folder);
	FILE *file = fopen(script, "w");
	assert_non_null(file);
	fprintf(file,
	    "#!/bin/sh\nout=$1; shift\nread line; printf '%%s\\n' \"$@\" \"$line\" >\"$out\"\n");
	fclose(file);
	assert_int_equal(chmod(script, 0700), 0);
	snprintf(command, sizeof(command), "%s %s 'two words'", script, out);

	assert_true(notify_init(&notify, command, &why));
	assert_true(notify_run(&notify, who, text, &why));
	assert_int_equal(waitpid(notify.child, NULL, 0), notify.child);
	notify_clear(&notify);

	file = fopen(out, "r");
	assert_non_null(file);
	said[fread(said, 1, SAID_SIZE - 1, file)] = '\0';
	fclose(file);
	unlink(out);
	unlink(script);
	rmdir(folder);
}

static void arguments_stay_what_they_are(void **state)
{
	(void)state;
	char said[SAID_SIZE];
	run_and_read("bob", "$(touch /tmp/x); `id` 'a' \"b\" *", said);
	assert_string_equal(said, "two words\nbob\n$(touch /tmp/x); `id` 'a' \"b\" *\n\n");
	run_and_read("bob", "", said);
	assert_string_equal(said, "two words\nbob\n\n\n");
}

static void one_at_a_time(void **state)
{
	(void)state;
	struct notify notify;
	struct why why;
	assert_true(notify_init(&notify, "sh -c 'kill -STOP $$'", &why));
	assert_true(notify_run(&notify, "bob", "hello", &why));
	pid_t first = notify.child;
	assert_false(notify_run(&notify, "bob", "again", &why));
	assert_string_equal(why.text, "");
	assert_int_equal(notify.child, first);
	assert_int_equal(kill(first, SIGKILL), 0);
	siginfo_t info;
	assert_int_equal(waitid(P_PID, (id_t)first, &info, WEXITED | WNOWAIT), 0);
	assert_true(notify_run(&notify, "bob", "again", &why));
	assert_int_not_equal(notify.child, first);
	assert_int_equal(kill(notify.child, SIGKILL), 0);
	assert_int_equal(waitpid(notify.child, NULL, 0), notify.child);
	notify_clear(&notify);
}

static void one_that_runs_for_too_long_is_ended(void **state)
{
	(void)state;
	struct notify notify;
	struct why why;
	siginfo_t info;
	assert_true(notify_init(&notify, "sh -c 'kill -STOP $$'", &why));
	assert_true(notify_deadline_ms(&notify) == UINT64_MAX);
	assert_true(notify_run(&notify, "bob", "hello", &why));
	pid_t first = notify.child;
	uint64_t due_ms = notify_deadline_ms(&notify);
	assert_true(due_ms <= clock_now_ms() + NOTIFY_LIMIT_MS);
	notify_step(&notify, due_ms - 1);
	assert_false(notify_run(&notify, "bob", "again", &why));
	notify_step(&notify, due_ms);
	assert_true(notify_deadline_ms(&notify) == UINT64_MAX);
	assert_int_equal(waitid(P_PID, (id_t)first, &info, WEXITED | WNOWAIT), 0);
	assert_int_equal(info.si_status, SIGKILL);
	assert_true(notify_run(&notify, "bob", "again", &why));
	assert_int_equal(kill(notify.child, SIGKILL), 0);
	assert_int_equal(waitpid(notify.child, NULL, 0), notify.child);
	notify_clear(&notify);
}

static void what_can_not_run_is_said(void **state)
{
	(void)state;
	struct notify notify;
	struct why why;
	assert_false(notify_init(&notify, "an 'open quote", &why));
	assert_non_null(strstr(why.text, "quote"));
	assert_true(notify_run(&notify, "bob", "hello", &why));
	assert_true(notify_init(&notify, "/does/not/exist", &why));
	assert_false(notify_run(&notify, "bob", "hello", &why));
	assert_non_null(strstr(why.text, "/does/not/exist"));
	notify_clear(&notify);
	assert_true(notify_init(&notify, NULL, &why));
	assert_true(notify_run(&notify, "bob", "hello", &why));
	assert_int_equal(notify.child, 0);
	notify_clear(&notify);
}

int main(int argc, char **argv)
{
	UNIT_TEST(arguments_stay_what_they_are);
	UNIT_TEST(one_at_a_time);
	UNIT_TEST(one_that_runs_for_too_long_is_ended);
	UNIT_TEST(what_can_not_run_is_said);
	return unit_run(argc, argv);
}
