#include "client/filename.h"

#include "unit.h"

static const struct typed_case {
	const char *name;
	struct slice typed;
	const char *path; /* NULL: none */
} typed_cases[] = {
	{ "plain", SLICE("a.txt"), "a.txt" },
	{ "spaces stay", SLICE("my  file.txt"), "my  file.txt" },
	{ "home", SLICE("~/a"), "/home/me/a" },
	{ "home alone", SLICE("~"), "/home/me" },
	{ "home of another", SLICE("~you/a"), "~you/a" },
	{ "no home within", SLICE("a/~/b"), "a/~/b" },
	{ "single quotes", SLICE("'a \"b\" \\c'"), "a \"b\" \\c" },
	{ "double quotes", SLICE("\"it's a\\\"b\""), "it's a\"b" },
	{ "quotes in the midst", SLICE("a' 'b"), "a b" },
	{ "quoted home is none", SLICE("'~/a'"), "~/a" },
	{ "home and quotes", SLICE("~/'a b'"), "/home/me/a b" },
	{ "backslash", SLICE("a\\ b"), "a b" },
	{ "no pair", SLICE("it's.txt"), "it's.txt" },
	{ "no pair at home", SLICE("~/it's.txt"), "/home/me/it's.txt" },
	{ "backslash at the end", SLICE("a\\"), "a\\" },
	{ "no shell", SLICE("$(touch x)`y`*"), "$(touch x)`y`*" },
	{ "nothing", SLICE(""), NULL },
	{ "empty quotes", SLICE("''"), NULL },
	{ "a NUL", SLICE("a\0b"), NULL },
};

static void is_typed(void **state)
{
	const struct typed_case *c = *state;
	char path[FILENAME_PATH_SIZE];
	assert_int_equal(filename_typed(c->typed, "/home/me", path), c->path != NULL);
	if (c->path != NULL)
		assert_string_equal(path, c->path);
}

static void too_long_is_no_path(void **state)
{
	(void)state;
	char typed[FILENAME_PATH_SIZE], path[FILENAME_PATH_SIZE];
	memset(typed, 'x', sizeof(typed));
	assert_false(filename_typed(slice_of(typed, sizeof(typed)), NULL, path));
	assert_true(filename_typed(slice_of(typed, sizeof(typed) - 1), NULL, path));
}

static const struct safe_case {
	const char *name;
	struct slice foreign;
	struct slice safe;
} safe_cases[] = {
	{ "as it is", SLICE("report.tar.gz"), SLICE("report.tar.gz") },
	{ "UTF-8", SLICE("gr\303\274n.txt"), SLICE("gr\303\274n.txt") },
	{ "space", SLICE("a b"), SLICE("a_b") },
	{ "leading dots", SLICE("..bashrc"), SLICE("bashrc") },
	{ "only dots", SLICE("..."), SLICE("file") },
	{ "empty", SLICE(""), SLICE("file") },
	{ "up", SLICE("../../x"), SLICE("_.._x") },
	{ "absolute", SLICE("/etc/passwd"), SLICE("_etc_passwd") },
	{ "backslash", SLICE("..\\x"), SLICE("_x") },
	{ "control bytes", SLICE("a\n\033[2J\177"), SLICE("a__[2J_") },
	{ "NUL", SLICE("a\0b"), SLICE("a_b") },
	{ "C1", SLICE("a\302\233b"), SLICE("a_b") },
	{ "right to left", SLICE("a\342\200\256txt.exe"), SLICE("a_txt.exe") },
	{ "no UTF-8", SLICE("a\377\300\200b"), SLICE("a___b") },
};

static void is_made_safe(void **state)
{
	const struct safe_case *c = *state;
	char safe[FILENAME_MAX_LEN];
	assert_slice_equal(slice_of(safe, filename_safe(c->foreign, safe)), c->safe);
}

static void is_cut_between_characters(void **state)
{
	(void)state;
	char foreign[2 * FILENAME_MAX_LEN + 1] = "x", safe[FILENAME_MAX_LEN];
	for (size_t i = 1; i + 1 < sizeof(foreign); i += 2)
		memcpy(&foreign[i], "\303\274", 2);
	assert_int_equal(
	    filename_safe(slice_of(foreign, sizeof(foreign)), safe), FILENAME_MAX_LEN - 1);
	assert_int_equal(
	    filename_safe(slice_of(foreign + 1, sizeof(foreign) - 1), safe), FILENAME_MAX_LEN);
}

static void the_base_follows_the_last_slash(void **state)
{
	(void)state;
	assert_slice_is(filename_base("a"), "a");
	assert_slice_is(filename_base("/b/a c"), "a c");
	assert_slice_is(filename_base("b/"), "");
}

int main(int argc, char **argv)
{
	UNIT_EACH(is_typed, typed_cases);
	UNIT_TEST(too_long_is_no_path);
	UNIT_EACH(is_made_safe, safe_cases);
	UNIT_TEST(is_cut_between_characters);
	UNIT_TEST(the_base_follows_the_last_slash);
	return unit_run(argc, argv);
}
