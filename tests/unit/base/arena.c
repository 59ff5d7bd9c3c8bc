#include "base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <string.h>

#include "unit.h"

static void gives_aligned_memory_that_does_not_overlap(void **state)
{
	struct arena a = { 0 };
	char *got[500];
	for (int turn = 0; turn < 3; turn++) {
		for (size_t i = 0; i < 500; i++) {
			got[i] = arena_alloc(&a, i);
			assert_non_null(got[i]);
			assert_int_equal((uintptr_t)got[i] % alignof(max_align_t), 0);
			memset(got[i], (int)(i & 0xff), i);
		}
		for (size_t i = 0; i < 500; i++) {
			for (size_t j = 0; j < i; j++)
				assert_int_equal((unsigned char)got[i][j], i & 0xff);
		}
		arena_reset(&a);
		assert_int_equal(a.used, 0);
	}
	arena_clear(&a);
}

static void gives_back_the_end_of_the_newest(void **state)
{
	struct arena a = { 0 };
	char *first = arena_alloc(&a, 4096);
	arena_shrink(&a, first, 10);
	char *second = arena_alloc(&a, 16);
	assert_true(second > first && second - first <= 32);
	assert_true(a.used <= 64);
	arena_clear(&a);
}

static void takes_more_than_a_chunk(void **state)
{
	struct arena a = { 0 };
	char *small = arena_alloc(&a, 100);
	char *large = arena_alloc(&a, 1 << 20);
	char *after = arena_alloc(&a, 100);
	assert_non_null(small);
	assert_non_null(large);
	assert_non_null(after);
	memset(large, 1, 1 << 20);
	arena_clear(&a);
}

static void asks_for_nothing_at_a_steady_pace(void **state)
{
	struct arena a = { 0 };
	for (int i = 0; i < 100; i++)
		assert_non_null(arena_alloc(&a, 1000));
	arena_reset(&a);
	unit_allocate_only(0);
	for (int i = 0; i < 100; i++)
		assert_non_null(arena_alloc(&a, 1000));
	unit_allocate_all();
	arena_clear(&a);
}

static void says_when_there_is_no_memory(void **state)
{
	struct arena a = { 0 };
	unit_allocate_only(0);
	assert_null(arena_alloc(&a, 10));
	unit_allocate_all();
	assert_non_null(arena_alloc(&a, 10));
	assert_null(arena_alloc(&a, SIZE_MAX));
	arena_clear(&a);
}

int main(int argc, char **argv)
{
	UNIT_TEST(gives_aligned_memory_that_does_not_overlap);
	UNIT_TEST(gives_back_the_end_of_the_newest);
	UNIT_TEST(takes_more_than_a_chunk);
	UNIT_TEST(asks_for_nothing_at_a_steady_pace);
	UNIT_TEST(says_when_there_is_no_memory);
	return unit_run(argc, argv);
}
