#include "client/full/names.h"

#include <stdio.h>

#include "unit.h"

static const struct color_case {
	const char *name;
	unsigned colors;
	bool is_light;
	size_t least; /* different colours that many names must have */
} color_cases[] = {
	{ "256, dark", 256, false, 15 },
	{ "256, light", 256, true, 15 },
	{ "8, dark", 8, false, 4 },
	{ "8, light", 8, true, 3 },
	{ "16, light", 16, true, 3 },
};

static void colors_differ_and_stay(void **state)
{
	const struct color_case *c = *state;
	bool seen[256] = { false };
	size_t count = 0;
	for (int i = 0; i < 1000; i++) {
		char text[16];
		snprintf(text, sizeof(text), "user%d", i);
		int16_t color = name_color(slice_str(text), c->colors, c->is_light);
		assert_in_range(color, 0, c->colors - 1);
		assert_int_equal(color, name_color(slice_str(text), c->colors, c->is_light));
		assert_int_not_equal(color, 1); /* failures are red, the group is green */
		assert_int_not_equal(color, 2);
		count += !seen[color];
		seen[color] = true;
	}
	assert_true(count >= c->least);
}

static void without_colors_there_is_none(void **state)
{
	assert_int_equal(name_color(SLICE("alice"), 0, false), -1);
	assert_int_equal(name_color(SLICE("alice"), 2, true), -1);
}

static const struct mention_case {
	const char *name;
	struct slice text;
	bool is_in;
} mention_cases[] = {
	{ "alone", SLICE("ann"), true },
	{ "with a comma", SLICE("ann, look"), true },
	{ "at the end", SLICE("look, ann"), true },
	{ "in another case", SLICE("Hi ANN!"), true },
	{ "with @", SLICE("@ann"), true },
	{ "a part of a word", SLICE("planned annals"), false },
	{ "a part, then the word", SLICE("planned by ann"), true },
	{ "a longer name", SLICE("ann_b"), false },
	{ "a foreign letter behind", SLICE("ann\u00e9"), false },
	{ "nothing", SLICE(""), false },
};

static void mentions(void **state)
{
	const struct mention_case *c = *state;
	assert_int_equal(name_is_in(SLICE("ann"), c->text), c->is_in);
}

static void nobody_is_not_mentioned(void **state)
{
	assert_false(name_is_in(SLICE(""), SLICE("anything")));
}

int main(int argc, char **argv)
{
	UNIT_EACH(colors_differ_and_stay, color_cases);
	UNIT_TEST(without_colors_there_is_none);
	UNIT_EACH(mentions, mention_cases);
	UNIT_TEST(nobody_is_not_mentioned);
	return unit_run(argc, argv);
}
