#include "base/slice.h"

#include "unit.h"

static const struct pair_case {
	const char *name;
	struct slice whole, part;
	bool equal, begins, ends;
} pair_cases[] = {
	{ "the same", SLICE("abc"), SLICE("abc"), true, true, true },
	{ "front", SLICE("abc"), SLICE("ab"), false, true, false },
	{ "back", SLICE("abc"), SLICE("bc"), false, false, true },
	{ "middle", SLICE("abc"), SLICE("b"), false, false, false },
	{ "front and back", SLICE("aba"), SLICE("a"), false, true, true },
	{ "longer", SLICE("abc"), SLICE("abcd"), false, false, false },
	{ "as long, different", SLICE("abc"), SLICE("abd"), false, false, false },
	{ "different case", SLICE("abc"), SLICE("ABC"), false, false, false },
	{ "nothing of something", SLICE("abc"), SLICE(""), false, true, true },
	{ "nothing from nowhere of something", SLICE("abc"), { NULL, 0 }, false, true, true },
	{ "something of nothing", { NULL, 0 }, SLICE("a"), false, false, false },
	{ "nothing of nothing", { NULL, 0 }, { NULL, 0 }, true, true, true },
	{ "nothing from here and from nowhere", SLICE(""), { NULL, 0 }, true, true, true },
	{ "behind a NUL", SLICE("a\0b"), SLICE("a\0c"), false, false, false },
	{ "up to a NUL", SLICE("a\0b"), SLICE("a\0"), false, true, false },
};

static void pair_compares(void **state)
{
	const struct pair_case *c = *state;
	assert_int_equal(slice_equal(c->whole, c->part), c->equal);
	assert_int_equal(slice_equal(c->part, c->whole), c->equal);
	assert_int_equal(slice_begins(c->whole, c->part), c->begins);
	assert_int_equal(slice_ends(c->whole, c->part), c->ends);
}

static void skips(void **state)
{
	(void)state;
	assert_slice_is(slice_skip(SLICE("abc"), 0), "abc");
	assert_slice_is(slice_skip(SLICE("abc"), 2), "c");
	assert_slice_is(slice_skip(SLICE("abc"), 3), "");
	assert_slice_is(slice_skip((struct slice){ NULL, 0 }, 0), "");
}

static const struct trim_case {
	const char *name;
	struct slice whole, rest;
} trim_cases[] = {
	{ "nothing around", SLICE("a b"), SLICE("a b") },
	{ "before", SLICE(" \ta"), SLICE("a") },
	{ "behind", SLICE("a \t "), SLICE("a") },
	{ "around", SLICE("\t a b "), SLICE("a b") },
	{ "only blanks", SLICE(" \t "), SLICE("") },
	{ "nothing", { NULL, 0 }, { NULL, 0 } },
	{ "line ends stay", SLICE(" a\r\n"), SLICE("a\r\n") },
};

static void trims(void **state)
{
	const struct trim_case *c = *state;
	assert_slice_equal(slice_trim(c->whole), c->rest);
}

int main(int argc, char **argv)
{
	UNIT_EACH(pair_compares, pair_cases);
	UNIT_TEST(skips);
	UNIT_EACH(trims, trim_cases);
	return unit_run(argc, argv);
}
