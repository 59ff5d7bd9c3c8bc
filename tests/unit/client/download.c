#include "client/download.h"

#include "unit.h"

static struct download asked(bool original)
{
	struct download d;
	download_queue(&d);
	assert_false(download_is_on(&d));
	download_ask(&d, original);
	assert_true(download_is_on(&d));
	return d;
}

static const struct part_case {
	const char *name;
	bool original;
	struct slice record;
	enum download_part part;
} part_cases[] = {
	{ "the end", false, SLICE("ENDF \r\n"), DOWNLOAD_END },
	{ "the end of an original", true, SLICE("ENDF \r\n"), DOWNLOAD_END },
	{ "no space", false, SLICE("ENDF\r\n"), DOWNLOAD_BYTES },
	{ "two spaces", false, SLICE("ENDF  \r\n"), DOWNLOAD_BYTES },
	{ "more behind it", false, SLICE("ENDF \r\n "), DOWNLOAD_BYTES },
	{ "more before it", false, SLICE("\nENDF \r\n"), DOWNLOAD_BYTES },
	{ "cut", false, SLICE("ENDF \r"), DOWNLOAD_BYTES },
	{ "check of ours is data", false, SLICE("CHECK \r\n"), DOWNLOAD_BYTES },
	{ "check of an original", true, SLICE("CHECK \r\n"), DOWNLOAD_NOTHING },
	{ "check and more", true, SLICE("CHECK \r\n."), DOWNLOAD_BYTES },
};

static void knows_the_part(void **state)
{
	const struct part_case *c = *state;
	struct download d = asked(c->original);
	assert_true(download_take_begin(&d, SLICE("1")));
	assert_true(download_take_file(&d));
	assert_int_equal(download_take_record(&d, c->record), c->part);
	assert_int_equal(download_is_in_file(&d), c->part != DOWNLOAD_END);
}

static const struct begin_case {
	const char *name;
	struct slice number;
	bool ok;
} begin_cases[] = {
	{ "none", SLICE("0"), true },
	{ "many", SLICE("999999999999999999"), true },
	{ "empty", SLICE(""), false },
	{ "too long", SLICE("1000000000000000000"), false },
	{ "negative", SLICE("-1"), false },
	{ "a word", SLICE("1x"), false },
};

static void takes_a_number(void **state)
{
	const struct begin_case *c = *state;
	struct download d = asked(false);
	assert_int_equal(download_take_begin(&d, c->number), c->ok);
}

static void takes_only_what_is_due(void **state)
{
	(void)state;
	struct download none = { 0 };
	assert_false(download_take_begin(&none, SLICE("1")));
	assert_false(download_take_file(&none));
	assert_false(download_take_words(&none, SLICE("<file send complete>")));

	struct download d = asked(false);
	assert_false(download_take_file(&d));
	assert_false(download_take_words(&d, SLICE("<file send complete>")));
	assert_true(download_take_begin(&d, SLICE("1")));
	assert_false(download_take_begin(&d, SLICE("1")));
	assert_true(download_take_file(&d));
	assert_int_equal(download_take_record(&d, SLICE("ENDF \r\n")), DOWNLOAD_END);
	assert_false(download_take_file(&d));
	assert_false(download_take_words(&d, SLICE("<problem with command>")));
	assert_true(download_take_words(&d, SLICE("<file send complete>")));
	assert_false(download_is_on(&d));
}

static void a_refusal_ends_it(void **state)
{
	(void)state;
	struct download d = asked(false);
	assert_true(download_take_words(&d, SLICE("<problem with command>")));
	assert_false(download_is_on(&d));
}

int main(int argc, char **argv)
{
	UNIT_EACH(knows_the_part, part_cases);
	UNIT_EACH(takes_a_number, begin_cases);
	UNIT_TEST(takes_only_what_is_due);
	UNIT_TEST(a_refusal_ends_it);
	return unit_run(argc, argv);
}
