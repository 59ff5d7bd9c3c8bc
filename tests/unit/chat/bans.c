#include "chat/bans.h"

#include <sodium.h>

#include "unit.h"

static const struct ban_case {
	const char *name;
	const char *banned;
	const char *asked; /* a name, or an address */
	bool is_banned;
} ban_cases[] = {
	{ "a name", "mallory", "mallory", true },
	{ "another name", "mallory", "alice", false },
	{ "the name in another case", "mallory", "Mallory", false },
	{ "an address", "192.0.2.1", "192.0.2.1", true },
	{ "another address", "192.0.2.1", "192.0.2.2", false },
	{ "an IPv6 address spelled otherwise", "2001:DB8:0:0::1", "2001:db8::1", true },
	{ "IPv4 in IPv6's form", "::ffff:192.0.2.1", "192.0.2.1", true },
};

static bool is_banned(struct bans *b, const char *text)
{
	struct address address;
	if (address_parse(text, &address))
		return bans_has_address(b, &address);
	return bans_has_name(b, slice_str(text));
}

static void finds_what_is_banned(void **state)
{
	const struct ban_case *c = *state;
	struct bans *b = bans_new();
	assert_false(is_banned(b, c->asked));
	assert_true(bans_add(b, c->banned));
	assert_true(bans_add(b, c->banned)); /* twice is once */
	assert_int_equal(is_banned(b, c->asked), c->is_banned);
	bans_remove(b, c->banned);
	bans_remove(b, c->banned);
	assert_false(is_banned(b, c->asked));
	bans_free(b);
}

static void keeps_many(void **state)
{
	struct bans *b = bans_new();
	char name[16];
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "user%d", i);
		assert_true(bans_add(b, name));
	}
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "user%d", i);
		assert_true(is_banned(b, name));
	}
	bans_free(b);
}

int main(int argc, char **argv)
{
	if (sodium_init() < 0)
		return 1;
	UNIT_EACH(finds_what_is_banned, ban_cases);
	UNIT_TEST(keeps_many);
	return unit_run(argc, argv);
}
