#include "client/edit.h"

#include "unit.h"

static const struct edit_case {
	const char *name;
	struct slice typed;
	struct slice line;
	enum edit_result last; /* what the last byte led to */
} edit_cases[] = {
	{ "a word", SLICE("word"), SLICE("word"), EDIT_MORE },
	{ "Enter", SLICE("word\r"), SLICE("word"), EDIT_LINE },
	{ "Enter as LF", SLICE("word\n"), SLICE("word"), EDIT_LINE },
	{ "Enter alone", SLICE("\r"), SLICE(""), EDIT_LINE },
	{ "Backspace", SLICE("word\x7f"), SLICE("wor"), EDIT_CHANGED },
	{ "C-h", SLICE("word\b"), SLICE("wor"), EDIT_CHANGED },
	{ "Backspace on nothing", SLICE("\x7f"), SLICE(""), EDIT_NOTHING },
	{ "Backspace over UTF-8", SLICE("a\xf0\x9f\x91\x8b\x7f"), SLICE("a"), EDIT_CHANGED },
	{ "Backspace over broken UTF-8", SLICE("a\xa9\xa9\x7f"), SLICE(""), EDIT_CHANGED },
	{ "C-w", SLICE("one two\x17"), SLICE("one "), EDIT_CHANGED },
	{ "C-w over spaces", SLICE("one two  \x17"), SLICE("one "), EDIT_CHANGED },
	{ "C-w twice", SLICE("one two\x17\x17"), SLICE(""), EDIT_CHANGED },
	{ "C-u", SLICE("one two\x15"), SLICE(""), EDIT_CHANGED },
	{ "C-u on nothing", SLICE("\x15"), SLICE(""), EDIT_NOTHING },
	{ "C-l", SLICE("one\x0c"), SLICE("one"), EDIT_AGAIN },
	{ "C-r", SLICE("one\x12"), SLICE("one"), EDIT_AGAIN },
	{ "C-d on nothing", SLICE("\x04"), SLICE(""), EDIT_END },
	{ "C-d on a line", SLICE("one\x04"), SLICE("one"), EDIT_NOTHING },
	{ "Tab", SLICE("a\tb"), SLICE("a\tb"), EDIT_MORE },
	{ "NUL", SLICE("a\0"), SLICE("a\0"), EDIT_MORE },
	{ "cursor keys", SLICE("\x1b[A\x1b[1;5C\x1b[3~x"), SLICE("x"), EDIT_MORE },
	{ "cursor keys of applications", SLICE("\x1bOA\x1bOPx"), SLICE("x"), EDIT_MORE },
	{ "Alt and a letter",
	    SLICE("\x1b"
		  "bx"),
	    SLICE("x"), EDIT_MORE },
	{ "Escape twice", SLICE("\x1b\x1bx"), SLICE("x"), EDIT_MORE },
	{ "Escape, Enter", SLICE("a\x1b\r"), SLICE("a"), EDIT_LINE },
	{ "a sequence cut short by Enter", SLICE("a\x1b[1\r"), SLICE("a"), EDIT_LINE },
};

static void types(void **state)
{
	const struct edit_case *c = *state;
	struct edit e = { 0 };
	enum edit_result last = EDIT_NOTHING;
	for (size_t i = 0; i < c->typed.len; i++)
		last = edit_byte(&e, c->typed.ptr[i]);
	assert_slice_equal(edit_line(&e), c->line);
	assert_int_equal(last, c->last);
}

static const struct whole_case {
	const char *name;
	struct slice typed;
	struct slice whole;
} whole_cases[] = {
	{ "ASCII", SLICE("ab"), SLICE("ab") },
	{ "two bytes, one here", SLICE("a\xc3"), SLICE("a") },
	{ "two bytes", SLICE("a\xc3\xa9"), SLICE("a\xc3\xa9") },
	{ "four bytes, three here", SLICE("a\xf0\x9f\x91"), SLICE("a") },
	{ "four bytes", SLICE("\xf0\x9f\x91\x8b"), SLICE("\xf0\x9f\x91\x8b") },
	{ "no beginning", SLICE("a\xa9"), SLICE("a\xa9") },
	{ "many continuations", SLICE("\xa9\xa9\xa9\xa9\xa9"), SLICE("\xa9\xa9\xa9\xa9\xa9") },
	{ "nothing", SLICE(""), SLICE("") },
};

static void knows_whole_characters(void **state)
{
	const struct whole_case *c = *state;
	struct edit e = { 0 };
	for (size_t i = 0; i < c->typed.len; i++)
		edit_byte(&e, c->typed.ptr[i]);
	assert_slice_equal(edit_whole(&e), c->whole);
}

/* A line without end is cut between characters, and nothing of it is lost. */
static void a_full_line_is_complete(void **state)
{
	(void)state;
	struct edit e = { 0 };
	size_t lines = 0, bytes = 0;
	for (size_t i = 0; i < 10 * EDIT_MAX_LEN; i++) {
		for (const char *c = "\xe2\x82\xac"; *c != '\0'; c++) {
			if (edit_byte(&e, *c) == EDIT_LINE) {
				assert_int_equal(edit_line(&e).len % 3, 0);
				bytes += edit_line(&e).len;
				lines++;
				edit_clear(&e);
			}
		}
	}
	assert_true(lines >= 30);
	assert_int_equal(bytes + edit_line(&e).len, 30 * EDIT_MAX_LEN);
}

static void clearing_wipes(void **state)
{
	(void)state;
	struct edit e = { 0 };
	for (const char *c = "secret\x7f\x7f"; *c != '\0'; c++)
		edit_byte(&e, *c);
	edit_clear(&e);
	for (size_t i = 0; i < 8; i++)
		assert_int_equal(e.bytes[i], 0);
}

int main(int argc, char **argv)
{
	UNIT_EACH(types, edit_cases);
	UNIT_EACH(knows_whole_characters, whole_cases);
	UNIT_TEST(a_full_line_is_complete);
	UNIT_TEST(clearing_wipes);
	return unit_run(argc, argv);
}
