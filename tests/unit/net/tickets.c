#include "net/tickets.h"

#include <string.h>

#include "unit.h"

enum { LIFE_MS = TICKET_KEY_LIFE_MS };
static const uint64_t start_ms = UINT64_C(5000000000);

static bool is_same(const struct ticket_key *a, const struct ticket_key *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

/* A key seals for its life, opens for as long again, and is then unknown. */
static void keys_change_with_time(void **state)
{
	(void)state;
	struct ticket_key first, second, found;
	ticket_key_newest(start_ms, &first);
	ticket_key_newest(start_ms + LIFE_MS - 1, &found);
	assert_true(is_same(&first, &found));
	ticket_key_newest(start_ms + LIFE_MS, &second);
	assert_memory_not_equal(first.name, second.name, sizeof(first.name));
	assert_memory_not_equal(first.cipher, second.cipher, sizeof(first.cipher));
	assert_memory_not_equal(first.mac, second.mac, sizeof(first.mac));
	assert_true(ticket_key_find(start_ms + LIFE_MS, first.name, &found));
	assert_true(is_same(&first, &found));
	assert_true(ticket_key_find(start_ms + LIFE_MS, second.name, &found));
	assert_true(is_same(&second, &found));
	assert_false(ticket_key_find(start_ms + 2 * (uint64_t)LIFE_MS, first.name, &found));
	assert_true(ticket_key_find(start_ms + 2 * (uint64_t)LIFE_MS, second.name, &found));
}

static void a_strange_name_is_unknown(void **state)
{
	(void)state;
	struct ticket_key key;
	static const unsigned char nobodys[TICKET_NAME_LEN];
	ticket_key_newest(start_ms, &key);
	assert_false(ticket_key_find(start_ms, nobodys, &key));
}

int main(int argc, char **argv)
{
	UNIT_TEST(keys_change_with_time);
	UNIT_TEST(a_strange_name_is_unknown);
	return unit_run(argc, argv);
}
