/* Answers: the same calls as text and as JSON, whatever bytes the values have. */
#include "server/answer.h"

#include <stdio.h>

#include "unit.h"

static void assert_answer(struct answer *a, const char *expected)
{
	assert_slice_equal(answer_end(a), slice_str(expected));
	answer_clear(a);
}

static void say_list(struct answer *a)
{
	answer_list(a, "users");
	answer_row(a);
	answer_string(a, "name", SLICE("ann"));
	answer_time(a, "since", 86400000);
	answer_row_end(a);
	answer_row(a);
	answer_string(a, "name", SLICE("a_name_longer_than_a_column"));
	answer_number(a, "since", -1);
	answer_row_end(a);
	answer_list_end(a);
	answer_number(a, "left_out", 2);
	answer_note(a, "for people only");
	answer_list(a, "none");
	answer_list_end(a);
	answer_string(a, "last", SLICE("x"));
}

static void lists(void **state)
{
	(void)state;
	struct answer a;
	answer_begin(&a, false);
	say_list(&a);
	assert_answer(&a,
	    "ok\nann                     1970-01-02T00:00:00Z\na_name_longer_than_a_column  -1\n"
	    "left out: 2\nfor people only\nlast: x\n");
	answer_begin(&a, true);
	say_list(&a);
	assert_answer(&a, "ok\n{\"users\":[{\"name\":\"ann\",\"since\":\"1970-01-02T00:00:00Z\"},"
			  "{\"name\":\"a_name_longer_than_a_column\",\"since\":-1}],"
			  "\"left_out\":2,\"none\":[],\"last\":\"x\"}\n");
}

static void nothing_at_all(void **state)
{
	(void)state;
	struct answer a;
	answer_begin(&a, false);
	assert_answer(&a, "ok\n");
	answer_begin(&a, true);
	assert_answer(&a, "ok\n{}\n");
}

static void sentences(void **state)
{
	(void)state;
	struct answer a;
	answer_begin(&a, false);
	answer_say(&a, "%s is %d", "ann", 7);
	assert_answer(&a, "ok\nann is 7\n");
	answer_begin(&a, true);
	answer_say(&a, "%s is %d", "ann", 7);
	assert_answer(&a, "ok\n{\"message\":\"ann is 7\"}\n");
}

/* A failure takes the place of all that was said before. */
static void failures(void **state)
{
	(void)state;
	for (int is_json = 0; is_json < 2; is_json++) {
		struct answer a;
		answer_begin(&a, is_json != 0);
		answer_list(&a, "users");
		answer_row(&a);
		answer_string(&a, "name", SLICE("ann"));
		answer_fail(&a, "no \"%s\"", "x\n");
		assert_true(a.has_failed);
		assert_answer(&a, is_json ? "error\n{\"error\":\"no \\\"x\\u000a\\\"\"}\n"
					  : "error\nno \"x\\x0a\"\n");
	}
}

static const struct bytes_case {
	const char *name;
	struct slice value;
	const char *text, *json;
} bytes_cases[] = {
	{ "nothing", { "", 0 }, "", "" },
	{ "plain", SLICE("ann 'n' /bob"), "ann 'n' /bob", "ann 'n' /bob" },
	{ "quote, backslash", SLICE("\"\\"), "\"\\", "\\\"\\\\" },
	{ "control bytes", SLICE("\0\t\n\x1b\x7f"), "\\x00\\x09\\x0a\\x1b\\x7f",
	    "\\u0000\\u0009\\u000a\\u001b\\u007f" },
	{ "UTF-8", SLICE("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"),
	    "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80" },
	{ "least and most of each length",
	    SLICE("\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"),
	    "\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf",
	    "\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf" },
	{ "no character", SLICE("\x80z"), "\x80z", "\\ufffdz" },
	{ "half a character", SLICE("\xe2\x82"), "\xe2\x82", "\\ufffd\\ufffd" },
	{ "too long a form", SLICE("\xc0\xaf"), "\xc0\xaf", "\\ufffd\\ufffd" },
	{ "too long a form in three", SLICE("\xe0\x9f\xbf"), "\xe0\x9f\xbf",
	    "\\ufffd\\ufffd\\ufffd" },
	{ "too long a form in four", SLICE("\xf0\x8f\xbf\xbf"), "\xf0\x8f\xbf\xbf",
	    "\\ufffd\\ufffd\\ufffd\\ufffd" },
	{ "surrogate", SLICE("\xed\xa0\x80"), "\xed\xa0\x80", "\\ufffd\\ufffd\\ufffd" },
	{ "beyond the last", SLICE("\xf4\x90\x80\x80"), "\xf4\x90\x80\x80",
	    "\\ufffd\\ufffd\\ufffd\\ufffd" },
};

static void bytes(void **state)
{
	const struct bytes_case *c = *state;
	struct answer a;
	char expected[256];
	answer_begin(&a, false);
	answer_string(&a, "key", c->value);
	snprintf(expected, sizeof(expected), "ok\nkey: %s\n", c->text);
	assert_answer(&a, expected);
	answer_begin(&a, true);
	answer_string(&a, "key", c->value);
	snprintf(expected, sizeof(expected), "ok\n{\"key\":\"%s\"}\n", c->json);
	assert_answer(&a, expected);
}

/* At whichever allocation memory runs out: a whole answer, or one that says so. */
static void no_memory(void **state)
{
	(void)state;
	static const char no_text[] = "error\nno memory\n",
			  no_json[] = "error\n{\"error\":\"no memory\"}\n";
	for (int is_json = 0; is_json < 2; is_json++) {
		bool has_succeeded = false;
		for (long allowed = 0; !has_succeeded; allowed++) {
			struct answer a;
			unit_allocate_only(allowed);
			answer_begin(&a, is_json != 0);
			for (int i = 0; i < 100; i++)
				answer_number(&a, "number", i);
			struct slice whole = answer_end(&a);
			unit_allocate_all();
			has_succeeded = !a.has_failed;
			if (!has_succeeded)
				assert_slice_equal(
				    whole, is_json ? slice_str(no_json) : slice_str(no_text));
			answer_clear(&a);
			assert_true(allowed < 100);
			assert_true(allowed > 0 || !has_succeeded);
		}
	}
}

int main(int argc, char **argv)
{
	UNIT_TEST(lists);
	UNIT_TEST(nothing_at_all);
	UNIT_TEST(sentences);
	UNIT_TEST(failures);
	UNIT_EACH(bytes, bytes_cases);
	UNIT_TEST(no_memory);
	return unit_run(argc, argv);
}
