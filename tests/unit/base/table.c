#include "base/table.h"

#include <stdlib.h>

#include "unit.h"

struct entry {
	struct table_node node;
	unsigned key;
};

static struct entry *entry_of(struct table_node *node)
{
	return node != NULL ? table_entry(node, struct entry, node) : NULL;
}

static bool has_key(const struct table_node *node, const void *key)
{
	const struct entry *entry = table_entry(node, struct entry, node);
	return entry->key == *(const unsigned *)key;
}

/* How keys become hashes: the table must be right with any, only slower with a bad one. */
static uint64_t hash_spread(unsigned key)
{
	return key * UINT64_C(0x9e3779b97f4a7c15);
}

static uint64_t hash_same(unsigned key)
{
	(void)key;
	return 42;
}

static uint64_t hash_high_bits(unsigned key)
{
	return (uint64_t)key << 40;
}

static const struct hash_case {
	const char *name;
	uint64_t (*hash)(unsigned key);
	unsigned entries;
} hash_cases[] = {
	{ "one entry", hash_spread, 1 },
	{ "as many as first slots", hash_spread, 16 },
	{ "one more than first slots", hash_spread, 17 },
	{ "many entries", hash_spread, 5000 },
	{ "all hashes the same", hash_same, 300 },
	{ "hashes that differ in high bits only", hash_high_bits, 300 },
};

static struct entry *find(const struct table *t, const struct hash_case *c, unsigned key)
{
	return entry_of(table_find(t, c->hash(key), has_key, &key));
}

static void finds_what_was_added(void **state)
{
	const struct hash_case *c = *state;
	struct entry *entries = calloc(c->entries, sizeof(*entries));
	assert_non_null(entries);
	struct table t = { 0 };
	for (unsigned key = 0; key < c->entries; key++) {
		entries[key].key = key;
		assert_null(find(&t, c, key));
		assert_true(table_add(&t, c->hash(key), &entries[key].node));
		assert_int_equal(t.count, key + 1);
	}
	for (unsigned key = 0; key < c->entries; key++)
		assert_ptr_equal(find(&t, c, key), &entries[key]);
	assert_null(find(&t, c, c->entries));

	for (unsigned key = 0; key < c->entries; key += 2)
		table_remove(&t, &entries[key].node);
	assert_int_equal(t.count, c->entries / 2);
	for (unsigned key = 0; key < c->entries; key++)
		assert_ptr_equal(find(&t, c, key), key % 2 == 0 ? NULL : &entries[key]);

	for (unsigned key = 0; key < c->entries; key += 2)
		assert_true(table_add(&t, c->hash(key), &entries[key].node));
	for (unsigned key = 0; key < c->entries; key++)
		assert_ptr_equal(find(&t, c, key), &entries[key]);
	table_clear(&t);
	assert_int_equal(t.count, 0);
	assert_null(find(&t, c, 0));
	free(entries);
}

static void empty_table_finds_nothing(void **state)
{
	(void)state;
	struct table t = { 0 };
	unsigned key = 1;
	assert_null(table_find(&t, 1, has_key, &key));
	table_clear(&t);
}

static void twins_stay_until_each_is_removed(void **state)
{
	(void)state;
	struct table t = { 0 };
	struct entry first = { .key = 7 }, second = { .key = 7 };
	assert_true(table_add(&t, 7, &first.node));
	assert_true(table_add(&t, 7, &second.node));
	struct entry *found = entry_of(table_find(&t, 7, has_key, &first.key));
	assert_non_null(found);
	table_remove(&t, &found->node);
	struct entry *other = entry_of(table_find(&t, 7, has_key, &first.key));
	assert_true(other != NULL && other != found);
	table_remove(&t, &other->node);
	assert_null(table_find(&t, 7, has_key, &first.key));
	table_clear(&t);
}

static void same_hash_is_not_same_key(void **state)
{
	(void)state;
	struct table t = { 0 };
	struct entry entry = { .key = 1 };
	assert_true(table_add(&t, 5, &entry.node));
	unsigned other = 2;
	assert_null(table_find(&t, 5, has_key, &other));
	assert_null(table_find(&t, 6, has_key, &entry.key));
	table_clear(&t);
}

static void without_first_memory_it_refuses(void **state)
{
	(void)state;
	struct table t = { 0 };
	struct entry entry = { .key = 1 };
	unit_allocate_only(0);
	assert_false(table_add(&t, 1, &entry.node));
	unit_allocate_all();
	assert_int_equal(t.count, 0);
	assert_null(table_find(&t, 1, has_key, &entry.key));
	assert_true(table_add(&t, 1, &entry.node));
	table_clear(&t);
}

static void without_memory_to_grow_it_goes_on(void **state)
{
	(void)state;
	enum { ENTRIES = 200 };
	static struct entry entries[ENTRIES];
	struct table t = { 0 };
	unit_allocate_only(1);
	for (unsigned key = 0; key < ENTRIES; key++) {
		entries[key].key = key;
		assert_true(table_add(&t, hash_spread(key), &entries[key].node));
	}
	unit_allocate_all();
	assert_int_equal(t.count, ENTRIES);
	for (unsigned key = 0; key < ENTRIES; key++) {
		assert_ptr_equal(
		    entry_of(table_find(&t, hash_spread(key), has_key, &key)), &entries[key]);
	}
	table_clear(&t);
}

int main(int argc, char **argv)
{
	UNIT_TEST(empty_table_finds_nothing);
	UNIT_EACH(finds_what_was_added, hash_cases);
	UNIT_TEST(twins_stay_until_each_is_removed);
	UNIT_TEST(same_hash_is_not_same_key);
	UNIT_TEST(without_first_memory_it_refuses);
	UNIT_TEST(without_memory_to_grow_it_goes_on);
	return unit_run(argc, argv);
}
