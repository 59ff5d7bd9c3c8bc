#include "chat/refusals.h"

#include <sodium.h>
#include <stdio.h>

#include "unit.h"

enum { SECOND = 1000, MINUTE = 60 * SECOND };

/* The clock is a number that the test sets. */
static const uint64_t start_ms = UINT64_C(5000000);

static struct address address_from(const char *text)
{
	struct address address;
	assert_true(address_parse(text, &address));
	return address;
}

static void counts_the_last_minute(void **state)
{
	struct refusals *r = refusals_new();
	struct address from = address_from("192.0.2.1");
	assert_int_equal(refusals_count(r, &from, start_ms), 0);
	for (uint64_t i = 0; i < 30; i++)
		refusals_add(r, &from, start_ms + i * SECOND);
	assert_int_equal(refusals_count(r, &from, start_ms + 29 * SECOND), 30);
	assert_int_equal(refusals_count(r, &from, start_ms + 59 * SECOND), 30);
	assert_int_equal(refusals_count(r, &from, start_ms + MINUTE), 29);
	assert_int_equal(refusals_count(r, &from, start_ms + MINUTE + 10 * SECOND), 19);
	assert_int_equal(refusals_count(r, &from, start_ms + 2 * MINUTE), 0);
	refusals_free(r);
}

static void adds_no_more_than_may_be(void **state)
{
	struct refusals *r = refusals_new();
	struct address from = address_from("192.0.2.1"), other = address_from("192.0.2.2");
	for (uint64_t i = 0; i < 3; i++)
		assert_true(refusals_add_below(r, &from, 3, start_ms + i * SECOND));
	assert_false(refusals_add_below(r, &from, 3, start_ms + 59 * SECOND));
	assert_int_equal(refusals_count(r, &from, start_ms + 59 * SECOND), 3);
	assert_true(refusals_add_below(r, &other, 3, start_ms + 59 * SECOND));
	assert_true(refusals_add_below(r, &from, 3, start_ms + MINUTE)); /* the first has passed */
	assert_false(refusals_add_below(r, &from, 3, start_ms + MINUTE));
	refusals_free(r);
}

static void forgets_after_a_long_time(void **state)
{
	struct refusals *r = refusals_new();
	struct address from = address_from("192.0.2.1");
	refusals_add(r, &from, start_ms);
	assert_int_equal(
	    refusals_count(r, &from, start_ms + UINT64_C(1) * 365 * 24 * 60 * MINUTE), 0);
	refusals_free(r);
}

static const struct pair {
	const char *name;
	const char *one, *other;
	bool same;
} pairs[] = {
	{ "the same IPv4", "192.0.2.1", "192.0.2.1", true },
	{ "a neighbour in IPv4", "192.0.2.1", "192.0.2.2", false },
	{ "the same /64", "2001:db8::1", "2001:db8::ffff:1", true },
	{ "the next /64", "2001:db8::1", "2001:db8:0:1::1", false },
	{ "IPv4 and its mapped form", "192.0.2.1", "::ffff:192.0.2.1", true },
};

static void counts_by_source(void **state)
{
	const struct pair *p = *state;
	struct refusals *r = refusals_new();
	struct address one = address_from(p->one), other = address_from(p->other);
	refusals_add(r, &one, start_ms);
	assert_int_equal(refusals_count(r, &other, start_ms), p->same ? 1 : 0);
	refusals_free(r);
}

static void of_too_many_sources_the_oldest_is_forgotten(void **state)
{
	struct refusals *r = refusals_new();
	struct address first = address_from("10.0.0.0"), second = address_from("10.0.0.1");
	struct address from = first;
	for (uint32_t i = 0; i < REFUSALS_MAX_SOURCES; i++) {
		for (int byte = 0; byte < 3; byte++)
			from.bytes[15 - byte] = (uint8_t)(i >> 8 * byte);
		refusals_add(r, &from, start_ms);
	}
	refusals_add(r, &first, start_ms); /* no longer the oldest */
	struct address more = address_from("192.0.2.1");
	refusals_add(r, &more, start_ms);
	assert_int_equal(refusals_count(r, &first, start_ms), 2);
	assert_int_equal(refusals_count(r, &second, start_ms), 0);
	assert_int_equal(refusals_count(r, &more, start_ms), 1);
	refusals_free(r);
}

int main(int argc, char **argv)
{
	if (sodium_init() < 0)
		return 1;
	UNIT_TEST(counts_the_last_minute);
	UNIT_TEST(adds_no_more_than_may_be);
	UNIT_TEST(forgets_after_a_long_time);
	UNIT_EACH(counts_by_source, pairs);
	UNIT_TEST(of_too_many_sources_the_oldest_is_forgotten);
	return unit_run(argc, argv);
}
