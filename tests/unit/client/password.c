#include "client/password.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "unit.h"

static const struct split_case {
	const char *name;
	const char *command;
	const char *words[5]; /* none: refused */
} split_cases[] = {
	{ "one word", "pass", { "pass" } },
	{ "several words", "pass show chat", { "pass", "show", "chat" } },
	{ "spaces and tabs", "  pass \t show  ", { "pass", "show" } },
	{ "single quotes", "a 'b c' d", { "a", "b c", "d" } },
	{ "double quotes", "a \"b c\" d", { "a", "b c", "d" } },
	{ "quotes inside a word", "a'b c'\"d e\"f", { "ab cd ef" } },
	{ "empty words", "a '' \"\"", { "a", "", "" } },
	{ "the other quote in quotes", "'\"' \"'\"", { "\"", "'" } },
	{ "escaped space", "a\\ b", { "a b" } },
	{ "escaped quotes", "\\' \\\"", { "'", "\"" } },
	{ "escapes in double quotes", "\"a\\\"b\\\\c\\d\"", { "a\"b\\c\\d" } },
	{ "no escapes in single quotes", "'a\\b'", { "a\\b" } },
	{ "backslash at the end", "a\\", { "a\\" } },
	{ "nothing is expanded", "$HOME ~ * `x` ;", { "$HOME", "~", "*", "`x`", ";" } },
	{ "empty", "", { NULL } },
	{ "only spaces", " \t ", { NULL } },
	{ "open single quote", "a 'b", { NULL } },
	{ "open double quote", "a \"b", { NULL } },
	{ "open behind an escaped quote", "\"a\\\"", { NULL } },
};

static void splits(void **state)
{
	const struct split_case *c = *state;
	struct why why;
	char **words = command_split(c->command, &why);
	assert_int_equal(words != NULL, c->words[0] != NULL);
	for (int i = 0; words != NULL && i < 5 && c->words[i] != NULL; i++) {
		assert_non_null(words[i]);
		assert_string_equal(words[i], c->words[i]);
		if (i == 4 || c->words[i + 1] == NULL)
			assert_null(words[i + 1]);
	}
	free(words);
}

static const struct run_case {
	const char *name;
	const char *command;
	const char *password; /* NULL: refused */
} run_cases[] = {
	{ "a line", "printf 'a password\\n'", "a password" },
	{ "no line end", "printf x", "x" },
	{ "more lines", "printf 'one\\ntwo\\n'", "one" },
	{ "a line end of DOS", "printf 'one\\r\\n'", "one" },
	{ "much more", "sh -c 'echo one; head -c 300000 /dev/zero'", "one" },
	{ "input is empty", "sh -c 'cat; echo x'", "x" },
	{ "nothing", "true", NULL },
	{ "an empty line", "echo", NULL },
	{ "failure", "sh -c 'echo x; exit 1'", NULL },
	{ "death", "sh -c 'echo x; kill -9 $$'", NULL },
	{ "no such program", "/nonexistent/program", NULL },
	{ "a control byte", "printf 'a\\tb\\n'", NULL },
	{ "a line that is too long", "sh -c 'head -c 5000 /dev/zero | tr \"\\\\0\" x'", NULL },
	{ "bad quoting", "printf 'x", NULL },
};

static void runs(void **state)
{
	const struct run_case *c = *state;
	struct password *p = password_new();
	struct why why = { "" };
	assert_non_null(p);
	assert_int_equal(password_from_command(p, c->command, &why), c->password != NULL);
	if (c->password != NULL)
		assert_slice_equal(password_get(p), slice_str(c->password));
	else
		assert_true(!password_is_set(p) && why.text[0] != '\0');
	password_free(&p);
	assert_null(p);
}

static void limits_of_length(void **state)
{
	(void)state;
	char bytes[1025];
	struct password *p = password_new();
	struct why why;
	memset(bytes, 'x', sizeof(bytes));
	assert_true(password_set(p, slice_of(bytes, 1024), &why));
	assert_int_equal(password_get(p).len, 1024);
	assert_false(password_set(p, slice_of(bytes, 1025), &why));
	assert_false(password_is_set(p));
	assert_true(password_set(p, SLICE("again"), &why));
	password_clear(p);
	assert_false(password_is_set(p));
	password_free(&p);
}

static void file_says_who_can_read_it(void **state)
{
	(void)state;
	char path[] = "/tmp/password.XXXXXX";
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "secret\nmore\n", 12), 12);
	struct password *p = password_new();
	struct why why;
	bool is_exposed = true;
	assert_true(password_from_file(p, path, &is_exposed, &why));
	assert_false(is_exposed);
	assert_slice_is(password_get(p), "secret");
	assert_int_equal(fchmod(fd, 0644), 0);
	assert_true(password_from_file(p, path, &is_exposed, &why));
	assert_true(is_exposed);
	close(fd);
	unlink(path);
	assert_false(password_from_file(p, path, &is_exposed, &why));
	assert_non_null(strstr(why.text, path));
	password_free(&p);
}

int main(int argc, char **argv)
{
	if (sodium_init() < 0)
		return 1;
	UNIT_EACH(splits, split_cases);
	UNIT_EACH(runs, run_cases);
	UNIT_TEST(limits_of_length);
	UNIT_TEST(file_says_who_can_read_it);
	return unit_run(argc, argv);
}
