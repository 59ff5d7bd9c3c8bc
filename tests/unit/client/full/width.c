#include "client/full/width.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

#define FAMILY "\U0001F468\u200D\U0001F469\u200D\U0001F467"
#define FLAG   "\U0001F1E9\U0001F1EA"

static const struct grapheme_case {
	const char *name;
	struct slice text;
	size_t len;
	unsigned columns;
} grapheme_cases[] = {
	{ "a letter", SLICE("ab"), 1, 1 },
	{ "the last letter", SLICE("a"), 1, 1 },
	{ "a letter with a mark", SLICE("e\u0301x"), 3, 1 },
	{ "a letter with three marks", SLICE("e\u0301\u0302\u0323x"), 7, 1 },
	{ "a letter of two bytes", SLICE("\u00e9x"), 2, 1 },
	{ "a mark alone", SLICE("\u0301x"), 2, 0 },
	{ "a wide character", SLICE("\u4e2d\u6587"), 3, 2 },
	{ "an emoji", SLICE("\U0001F44Bx"), 4, 2 },
	{ "an emoji with a skin", SLICE("\U0001F44B\U0001F3FDx"), 8, 2 },
	{ "a family", SLICE(FAMILY "x"), sizeof(FAMILY) - 1, 2 },
	{ "a flag", SLICE(FLAG FLAG), sizeof(FLAG) - 1, 2 },
	{ "half a flag", SLICE("\U0001F1E9x"), 4, 1 },
	{ "a heart shown as a picture", SLICE("\u2764\ufe0fx"), 6, 1 },
	{ "a Korean syllable in parts", SLICE("\u1112\u1161\u11abx"), 9, 2 },
	{ "a Hindi letter with a mark above", SLICE("\u0915\u0902x"), 6, 1 },
	{ "a Hindi letter, then a sign with columns of its own", SLICE("\u0915\u093ex"), 3, 1 },
	{ "a Bengali sign with columns of its own", SLICE("\u0995\u09bex"), 3, 1 },
	{ "a line feed", SLICE("\nx"), 1, 2 },
	{ "Escape", SLICE("\x1bx"), 1, 4 },
	{ "C1", SLICE("\xc2\x9bx"), 2, 6 },
	{ "an override of direction", SLICE("\u202ex"), 3, 8 },
	{ "a joiner out of place", SLICE("\u200dx"), 3, 8 },
	{ "a letter before a joiner out of place", SLICE("a\u200dx"), 1, 1 },
	{ "a byte that is no UTF-8", SLICE("\xff\xff"), 1, 4 },
	{ "the beginning of a character", SLICE("\xe4\xb8"), 1, 4 },
	{ "a private character", SLICE("\ue000x"), 3, 1 },
	{ "a character that is none yet", SLICE("\u0378x"), 2, 1 },
};

static void knows_graphemes(void **state)
{
	const struct grapheme_case *c = *state;
	unsigned columns = 99;
	assert_int_equal(grapheme_next(c->text, &columns), c->len);
	assert_int_equal(columns, c->columns);
	/* The same from behind. */
	char before[300];
	int len = snprintf(before, sizeof(before), "x \u4e2d%.*s", (int)c->len, c->text.ptr);
	bool joins = c->columns == 0;
	assert_int_equal(grapheme_last(slice_of(before, (size_t)len)), c->len + (joins ? 3 : 0));
}

/* A mark upon a mark upon a mark: cut, but nothing is lost. */
static void marks_without_end_are_cut(void **state)
{
	char text[1001] = "a";
	for (size_t i = 1; i < 1001; i += 2)
		memcpy(text + i, "\u0301", 2);
	struct slice rest = slice_of(text, sizeof(text));
	size_t columns = 0;
	while (rest.len > 0) {
		unsigned width;
		size_t len = grapheme_next(rest, &width);
		assert_true(len <= GRAPHEME_MAX_LEN);
		columns += width;
		rest = slice_skip(rest, len);
	}
	assert_int_equal(columns, 1);
	assert_true(grapheme_last(slice_of(text, sizeof(text))) <= GRAPHEME_MAX_LEN);
}

static void graphemes_at_the_end(void **state)
{
	assert_int_equal(grapheme_last(SLICE(FLAG FLAG FLAG)), sizeof(FLAG) - 1);
	assert_int_equal(grapheme_last(SLICE(FAMILY FAMILY)), sizeof(FAMILY) - 1);
	assert_int_equal(grapheme_last(SLICE("a\r\n")), 1);
}

/* Going back, a text falls into the same graphemes as going on, whatever its characters are. */
static void back_is_as_forth(void **state)
{
	static const char *const characters[] = { "a", " ", "\u00e9", "\u0301", "\u200d", "\ufe0f",
		"\U0001F468", "\U0001F3FD", "\U0001F1E9", "\uac00", "\u1100", "\u1161", "\u11a8",
		"\u0915", "\u094d", "\u093e", "\u0600", "\u0e33", "\u4e2d", "\n", "\x1b", "\u202e",
		"\xff", "\xe4\xb8" };
	enum { KINDS = sizeof(characters) / sizeof(*characters), ROUNDS = 20000, LONGEST = 12 };
	unsigned dice = 1;
	for (int i = 0; i < ROUNDS; i++) {
		char text[LONGEST * 4 + 1] = "";
		for (int n = rand_r(&dice) % LONGEST; n >= 0; n--)
			strcat(text, characters[rand_r(&dice) % KINDS]);
		unsigned columns;
		size_t all = strlen(text), last = 0;
		for (size_t at = 0; at < all; at += last)
			last = grapheme_next(slice_of(text + at, all - at), &columns);
		size_t back = grapheme_last(slice_of(text, all));
		if (back != last)
			fail_msg("%zu bytes at the end of %s, back %zu", last, text, back);
	}
}

static const struct cut_case {
	const char *name;
	struct slice text;
	size_t columns, len, used;
} cut_cases[] = {
	{ "nothing", SLICE(""), 5, 0, 0 },
	{ "all of it", SLICE("abc"), 5, 3, 3 },
	{ "a part", SLICE("abcdef"), 4, 4, 4 },
	{ "before a wide one", SLICE("abc\u4e2d"), 4, 3, 3 },
	{ "with a wide one", SLICE("ab\u4e2d"), 4, 5, 4 },
	{ "with the marks of the last", SLICE("abe\u0301f"), 3, 5, 3 },
	{ "no columns", SLICE("abc"), 0, 0, 0 },
	{ "an escape that does not fit", SLICE("ab\x01"), 4, 2, 2 },
};

static void cuts(void **state)
{
	const struct cut_case *c = *state;
	size_t used = 99;
	assert_int_equal(width_cut(c->text, c->columns, &used), c->len);
	assert_int_equal(used, c->used);
}

static const struct wrap_case {
	const char *name;
	struct slice text;
	size_t columns;
	const char *rows; /* with | between them */
} wrap_cases[] = {
	{ "nothing", SLICE(""), 10, "" },
	{ "what fits", SLICE("one two"), 7, "one two" },
	{ "at a space", SLICE("one two three"), 8, "one two|three" },
	{ "at the space that does not fit", SLICE("one two three"), 7, "one two|three" },
	{ "a long word", SLICE("abcdefghij"), 4, "abcd|efgh|ij" },
	{ "a long word after a short one", SLICE("a bcdefghij"), 4, "a bc|defg|hij" },
	{ "a word that fits a row of its own", SLICE("a bcde f"), 4, "a|bcde|f" },
	{ "a text without spaces after a name", SLICE("bob: \u4e2d\u6587\u4e2d\u6587\u4e2d"), 9,
	    "bob: \u4e2d\u6587|\u4e2d\u6587\u4e2d" },
	{ "at line feeds", SLICE("one\ntwo\n"), 10, "one|two|" },
	{ "line feeds alone", SLICE("\n\n"), 10, "||" },
	{ "a space at the end", SLICE("abcd "), 4, "abcd" },
	{ "two spaces", SLICE("abcd  e"), 4, "abcd| e" },
	{ "wide ones", SLICE("\u4e2d\u6587\u4e2d"), 5, "\u4e2d\u6587|\u4e2d" },
	{ "a wide one in one column", SLICE("a\u4e2db"), 1, "a|\u4e2d|b" },
	{ "marks stay with their letter", SLICE("abe\u0301f"), 3, "abe\u0301|f" },
};

static void wraps(void **state)
{
	const struct wrap_case *c = *state;
	char rows[200] = "";
	struct slice rest = c->text;
	size_t count = 0;
	bool more = true;
	while (more) {
		struct slice row = width_wrap(&rest, c->columns, &more);
		if (count++ > 0)
			strcat(rows, "|");
		strncat(rows, row.ptr, row.len);
	}
	assert_string_equal(rows, c->rows);
	assert_int_equal(width_rows(c->text, c->columns), count);
}

int main(int argc, char **argv)
{
	UNIT_EACH(knows_graphemes, grapheme_cases);
	UNIT_TEST(marks_without_end_are_cut);
	UNIT_TEST(graphemes_at_the_end);
	UNIT_TEST(back_is_as_forth);
	UNIT_EACH(cuts, cut_cases);
	UNIT_EACH(wraps, wrap_cases);
	return unit_run(argc, argv);
}
