/* Penalties: what adds to them, when they are over, whom they do not meet. The clock is a number that the test sets. */
#include "net/penalties.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "unit.h"

enum { SECOND = 1000, THRESHOLD_S = 10, LONGEST_S = 30 };

static const uint64_t start_ms = UINT64_C(5000000);

static struct address address_from(const char *text)
{
	struct address address;
	assert_true(address_parse(text, &address));
	return address;
}

static struct net_config config_with(const char *exempt)
{
	struct net_config config = { .penalty_ms = { [NET_OFFENCE_PASSWORD] = SECOND,
					 [NET_OFFENCE_GARBAGE] = 5 * SECOND },
		.penalty_threshold_ms = THRESHOLD_S * SECOND,
		.penalty_longest_ms = LONGEST_S * SECOND };
	snprintf(config.penalty_exempt, sizeof(config.penalty_exempt), "%s", exempt);
	return config;
}

static struct penalties *penalties_with(const char *exempt)
{
	struct net_config config = config_with(exempt);
	struct penalties *p = penalties_new();
	assert_non_null(p);
	penalties_configure(p, &config);
	return p;
}

static void add(struct penalties *p, const struct address *from, int times, uint64_t now_ms)
{
	for (int i = 0; i < times; i++)
		penalties_add(p, from, NET_OFFENCE_PASSWORD, now_ms);
}

static void refuses_at_the_threshold_until_nothing_is_owed(void **state)
{
	struct penalties *p = penalties_with("");
	struct address from = address_from("192.0.2.1");
	assert_false(penalties_refuse(p, &from, start_ms));
	assert_false(penalties_owes(p, &from, start_ms));
	add(p, &from, THRESHOLD_S - 1, start_ms);
	assert_false(penalties_refuse(p, &from, start_ms));
	assert_true(penalties_owes(p, &from, start_ms + (THRESHOLD_S - 1) * SECOND - 1));
	assert_false(penalties_owes(p, &from, start_ms + (THRESHOLD_S - 1) * SECOND));
	add(p, &from, 1, start_ms);
	assert_true(penalties_refuse(p, &from, start_ms));
	assert_true(penalties_refuse(p, &from, start_ms + THRESHOLD_S * SECOND - 1));
	assert_false(penalties_refuse(p, &from, start_ms + THRESHOLD_S * SECOND));
	add(p, &from, 1, start_ms + THRESHOLD_S * SECOND); /* a new count */
	assert_false(penalties_refuse(p, &from, start_ms + THRESHOLD_S * SECOND));
	penalties_free(p);
}

static void a_second_takes_a_second_off(void **state)
{
	struct penalties *p = penalties_with("");
	struct address from = address_from("192.0.2.1");
	for (uint64_t i = 0; i < 100; i++)
		add(p, &from, 1, start_ms + i * SECOND);
	assert_false(penalties_refuse(p, &from, start_ms + 100 * SECOND));
	penalties_free(p);
}

static void does_not_grow_for_ever(void **state)
{
	struct penalties *p = penalties_with("");
	struct address from = address_from("192.0.2.1");
	add(p, &from, 1000, start_ms);
	assert_true(penalties_refuse(p, &from, start_ms + LONGEST_S * SECOND - 1));
	assert_false(penalties_refuse(p, &from, start_ms + LONGEST_S * SECOND));
	penalties_free(p);
}

static void what_costs_nothing_adds_nothing(void **state)
{
	struct penalties *p = penalties_with("");
	struct address from = address_from("192.0.2.1");
	for (int i = 0; i < 1000; i++)
		penalties_add(p, &from, NET_OFFENCE_HANDSHAKE, start_ms);
	assert_int_equal(penalties_counts(p, start_ms).sources, 0);
	assert_int_equal(penalties_counts(p, start_ms).offences[NET_OFFENCE_HANDSHAKE], 1000);
	penalties_free(p);
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
};

static void goes_by_source(void **state)
{
	const struct pair *pair = *state;
	struct penalties *p = penalties_with("");
	struct address one = address_from(pair->one), other = address_from(pair->other);
	add(p, &one, THRESHOLD_S, start_ms);
	assert_int_equal(penalties_refuse(p, &other, start_ms), pair->same);
	penalties_free(p);
}

static const struct exempt_case {
	const char *name;
	const char *exempt, *from;
	bool is_exempt;
} exempt_cases[] = {
	{ "in a network", "10.0.0.0/8 127.0.0.0/8", "127.255.0.1", true },
	{ "beside it", "127.0.0.0/8", "128.0.0.1", false },
	{ "bits within a byte", "192.0.2.0/25", "192.0.2.127", true },
	{ "beside these", "192.0.2.0/25", "192.0.2.128", false },
	{ "one address", "192.0.2.7", "192.0.2.7", true },
	{ "its neighbour", "192.0.2.7", "192.0.2.6", false },
	{ "IPv6", "2001:db8::/33", "2001:db8:7fff::1", true },
	{ "beside it in IPv6", "2001:db8::/33", "2001:db8:8000::1", false },
	{ "everybody", "0.0.0.0/0", "203.0.113.9", true },
	{ "all of IPv4 is none of IPv6", "0.0.0.0/0", "2001:db8::1", false },
};

static void spares(void **state)
{
	const struct exempt_case *c = *state;
	struct penalties *p = penalties_with(c->exempt);
	struct address from = address_from(c->from);
	add(p, &from, 100, start_ms);
	assert_int_equal(penalties_refuse(p, &from, start_ms), !c->is_exempt);
	penalties_free(p);
}

static void new_settings_free_at_once(void **state)
{
	struct penalties *p = penalties_with("");
	struct address one = address_from("192.0.2.1"), other = address_from("198.51.100.1");
	struct net_config config = config_with("192.0.2.0/24");
	add(p, &one, 100, start_ms);
	add(p, &other, 100, start_ms);
	penalties_configure(p, &config);
	assert_false(penalties_refuse(p, &one, start_ms));
	assert_true(penalties_refuse(p, &other, start_ms));
	config.penalty_threshold_ms = 0;
	penalties_configure(p, &config);
	assert_false(penalties_refuse(p, &other, start_ms));
	add(p, &other, 100, start_ms);
	assert_false(penalties_refuse(p, &other, start_ms));
	penalties_free(p);
}

static void forgives(void **state)
{
	struct penalties *p = penalties_with("");
	struct address one = address_from("2001:db8::1"), other = address_from("192.0.2.1");
	struct address twin = address_from("2001:db8::2");
	add(p, &one, 100, start_ms);
	add(p, &other, 100, start_ms);
	assert_int_equal(penalties_clear(p, &twin, start_ms), 1);
	assert_false(penalties_refuse(p, &one, start_ms));
	assert_int_equal(penalties_clear(p, &one, start_ms), 0);
	assert_int_equal(penalties_clear(p, NULL, start_ms), 1);
	assert_false(penalties_refuse(p, &other, start_ms));
	penalties_free(p);
}

static void count_one(const struct net_penalty *penalty, void *arg)
{
	assert_true(penalty->owes_ms > 0);
	++*(unsigned *)arg;
}

static void of_too_many_sources_the_oldest_is_forgotten(void **state)
{
	struct penalties *p = penalties_with("");
	struct address first = address_from("10.0.0.0"), from = first;
	add(p, &first, THRESHOLD_S, start_ms);
	for (uint32_t i = 1; i <= PENALTIES_MAX_SOURCES; i++) {
		for (int byte = 0; byte < 3; byte++)
			from.bytes[15 - byte] = (uint8_t)(i >> 8 * byte);
		add(p, &from, THRESHOLD_S, start_ms);
	}
	unsigned listed = 0;
	penalties_each(p, start_ms, count_one, &listed);
	assert_true(listed <= PENALTIES_MAX_SOURCES && listed > PENALTIES_MAX_SOURCES - 4);
	assert_int_equal(penalties_counts(p, start_ms).refused_sources, listed);
	assert_false(penalties_refuse(p, &first, start_ms));
	assert_true(penalties_refuse(p, &from, start_ms));
	penalties_free(p);
}

static void without_memory_nobody_is_refused(void **state)
{
	struct penalties *p = penalties_with("");
	struct address from = address_from("192.0.2.1");
	for (long n = 0; n < 2; n++) {
		unit_allocate_only(n);
		add(p, &from, 1, start_ms);
		unit_allocate_all();
		assert_false(penalties_refuse(p, &from, start_ms));
	}
	add(p, &from, THRESHOLD_S, start_ms);
	assert_true(penalties_refuse(p, &from, start_ms));
	penalties_free(p);
}

int main(int argc, char **argv)
{
	if (sodium_init() < 0)
		return 1;
	UNIT_TEST(refuses_at_the_threshold_until_nothing_is_owed);
	UNIT_TEST(a_second_takes_a_second_off);
	UNIT_TEST(does_not_grow_for_ever);
	UNIT_TEST(what_costs_nothing_adds_nothing);
	UNIT_EACH(goes_by_source, pairs);
	UNIT_EACH(spares, exempt_cases);
	UNIT_TEST(new_settings_free_at_once);
	UNIT_TEST(forgives);
	UNIT_TEST(of_too_many_sources_the_oldest_is_forgotten);
	UNIT_TEST(without_memory_nobody_is_refused);
	return unit_run(argc, argv);
}
