/* Archives: what is written is read again, and by the system's own tar; what is damaged is refused. */
#include "store/tar.h"

#include <stdio.h>
#include <string.h>

#include "unit.h"

static const struct name_case {
	const char *name;
	size_t len;
	uint64_t size;
	size_t head;
} name_cases[] = {
	{ "short", 1, 0, TAR_BLOCK },
	{ "the longest of one block", 100, 511, TAR_BLOCK },
	{ "the shortest of three", 101, 512, 3 * TAR_BLOCK },
	{ "the longest", TAR_NAME_SIZE - 1, 513, 3 * TAR_BLOCK },
	{ "the largest in octal", 10, (1ULL << 33) - 1, TAR_BLOCK },
	{ "the smallest in base 256", 10, 1ULL << 33, TAR_BLOCK },
	{ "a terabyte and one", 200, (1ULL << 40) + 1, 3 * TAR_BLOCK },
};

static void is_read_again(void **state)
{
	const struct name_case *c = *state;
	char name[TAR_NAME_SIZE] = "", head[TAR_HEADER_MAX];
	struct tar_entry entry;
	memset(name, 'n', c->len);
	size_t len = tar_header(head, name, c->size, 1700000000);
	assert_int_equal(len, c->head);
	const char *block = head;
	if (len > TAR_BLOCK) {
		assert_true(tar_parse(block, &entry));
		assert_true(entry.is_long_name);
		assert_int_equal(entry.size, c->len + 1);
		assert_string_equal(block + TAR_BLOCK, name);
		block += (size_t)2 * TAR_BLOCK;
	}
	assert_true(tar_parse(block, &entry));
	assert_false(entry.is_long_name || entry.is_end);
	assert_int_equal(entry.size, c->size);
	if (len == TAR_BLOCK)
		assert_string_equal(entry.name, name);
}

static void any_changed_byte_is_noticed(void **state)
{
	(void)state;
	char head[TAR_HEADER_MAX];
	struct tar_entry entry;
	tar_header(head, "files/ann+a.txt", 12345, 1700000000);
	for (size_t i = 0; i < TAR_BLOCK; i++) {
		if (i >= 148 + 6 && i < 156) /* the end of the sum's own field: NUL and space */
			continue;
		head[i] ^= 0x20;
		assert_false(tar_parse(head, &entry));
		head[i] ^= 0x20;
	}
	assert_true(tar_parse(head, &entry));
}

static void zeros_are_the_end(void **state)
{
	(void)state;
	static const char zeros[TAR_BLOCK];
	struct tar_entry entry;
	assert_true(tar_parse(zeros, &entry));
	assert_true(entry.is_end);
}

static void blocks_are_filled(void **state)
{
	(void)state;
	assert_int_equal(tar_padding(0), 0);
	assert_int_equal(tar_padding(1), 511);
	assert_int_equal(tar_padding(512), 0);
	assert_int_equal(tar_padding((1ULL << 40) + 511), 1);
}

int main(int argc, char **argv)
{
	UNIT_EACH(is_read_again, name_cases);
	UNIT_TEST(any_changed_byte_is_noticed);
	UNIT_TEST(zeros_are_the_end);
	UNIT_TEST(blocks_are_filled);
	return unit_run(argc, argv);
}
