#include "base/buffer.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

static void append_str(struct buffer *b, const char *str)
{
	assert_true(buffer_append_slice(b, slice_str(str)));
}

static void zero_is_an_empty_buffer(void **state)
{
	(void)state;
	struct buffer b = { 0 };
	assert_int_equal(buffer_slice(&b).len, 0);
	buffer_clear(&b);
	assert_int_equal(buffer_slice(&b).len, 0);
	assert_null(b.mem);
}

static void appends_behind_what_is_there(void **state)
{
	(void)state;
	struct buffer b = { 0 };
	append_str(&b, "one ");
	append_str(&b, "");
	append_str(&b, "two");
	assert_slice_is(buffer_slice(&b), "one two");
	buffer_clear(&b);
	append_str(&b, "again");
	assert_slice_is(buffer_slice(&b), "again");
	buffer_clear(&b);
}

static void nothing_can_be_appended_from_nowhere(void **state)
{
	(void)state;
	struct buffer b = { 0 };
	assert_true(buffer_append(&b, NULL, 0));
	assert_true(buffer_append_slice(&b, (struct slice){ 0 }));
	assert_null(b.mem);
	append_str(&b, "x");
	assert_true(buffer_append(&b, NULL, 0));
	assert_slice_is(buffer_slice(&b), "x");
	buffer_clear(&b);
}

static void takes_from_the_front(void **state)
{
	(void)state;
	struct buffer b = { 0 };
	append_str(&b, "abcdef");
	buffer_take(&b, 0);
	assert_slice_is(buffer_slice(&b), "abcdef");
	buffer_take(&b, 2);
	assert_slice_is(buffer_slice(&b), "cdef");
	append_str(&b, "gh");
	buffer_take(&b, 5);
	assert_slice_is(buffer_slice(&b), "h");
	buffer_take(&b, 1);
	assert_int_equal(buffer_slice(&b).len, 0);
	buffer_clear(&b);
}

static void empty_again_it_keeps_its_memory(void **state)
{
	(void)state;
	struct buffer b = { 0 };
	append_str(&b, "some");
	char *mem = b.mem;
	size_t cap = b.cap;
	buffer_take(&b, 4);
	assert_ptr_equal(buffer_reserve(&b, cap), mem);
	assert_int_equal(b.cap, cap);
	buffer_clear(&b);
}

static void reserved_room_counts_once_added(void **state)
{
	(void)state;
	struct buffer b = { 0 };
	append_str(&b, "to ");
	char *room = buffer_reserve(&b, 1000);
	assert_non_null(room);
	assert_slice_is(buffer_slice(&b), "to ");
	memcpy(room, "here", 4);
	buffer_added(&b, 4);
	assert_slice_is(buffer_slice(&b), "to here");
	buffer_clear(&b);
}

static void prints_behind_what_is_there(void **state)
{
	(void)state;
	struct buffer b = { 0 };
	assert_true(buffer_printf(&b, "%s", ""));
	assert_int_equal(b.len, 0);
	assert_true(buffer_printf(&b, "%d-%s", 7, "seven"));
	assert_true(buffer_printf(&b, "|%c", 'x'));
	assert_slice_is(buffer_slice(&b), "7-seven|x");
	char long_text[3000];
	memset(long_text, 'l', sizeof(long_text));
	assert_true(buffer_printf(&b, "%.*s", (int)sizeof(long_text), long_text));
	assert_int_equal(b.len, 9 + sizeof(long_text));
	assert_slice_equal(slice_skip(buffer_slice(&b), 9), slice_of(long_text, sizeof(long_text)));
	buffer_clear(&b);
}

static void refuses_what_no_memory_can_hold(void **state)
{
	(void)state;
	struct buffer b = { 0 };
	assert_null(buffer_reserve(&b, SIZE_MAX));
	append_str(&b, "kept");
	assert_null(buffer_reserve(&b, SIZE_MAX));
	assert_null(buffer_reserve(&b, SIZE_MAX - 4));
	assert_null(buffer_reserve(&b, SIZE_MAX / 2));
	assert_slice_is(buffer_slice(&b), "kept");
	buffer_clear(&b);
}

static void without_memory_it_stays_as_it_was(void **state)
{
	(void)state;
	struct buffer b = { 0 };
	unit_allocate_only(0);
	assert_false(buffer_append(&b, "x", 1));
	assert_false(buffer_printf(&b, "x"));
	assert_null(buffer_reserve(&b, 1));
	unit_allocate_all();
	assert_int_equal(buffer_slice(&b).len, 0);

	append_str(&b, "kept");
	char much[1 << 16] = { 0 };
	unit_allocate_only(0);
	assert_false(buffer_append(&b, much, sizeof(much)));
	assert_false(buffer_printf(&b, "%65536d", 1));
	unit_allocate_all();
	assert_slice_is(buffer_slice(&b), "kept");
	append_str(&b, " on");
	assert_slice_is(buffer_slice(&b), "kept on");
	buffer_clear(&b);
}

/* A queue that is never empty: in at the end, out at the front, far beyond its memory. */
static const struct queue_case {
	const char *name;
	size_t held_bytes;
	size_t step_bytes;
	size_t rounds;
} queue_cases[] = {
	{ "one byte at a time, few held", 3, 1, 5000 },
	{ "one byte at a time, 256 held", 256, 1, 5000 },
	{ "odd steps", 1000, 37, 5000 },
	{ "a step as long as what is held", 512, 512, 1000 },
	{ "long steps", 100, 5000, 500 },
};

static void queue_keeps_bytes_in_order(void **state)
{
	const struct queue_case *c = *state;
	struct buffer b = { 0 };
	unsigned char in = 0, out = 0;
	for (size_t i = 0; i < c->held_bytes; i++, in++)
		assert_true(buffer_append(&b, &in, 1));
	for (size_t round = 0; round < c->rounds; round++) {
		char *room = buffer_reserve(&b, c->step_bytes);
		assert_non_null(room);
		for (size_t i = 0; i < c->step_bytes; i++)
			room[i] = (char)in++;
		buffer_added(&b, c->step_bytes);
		struct slice s = buffer_slice(&b);
		assert_int_equal(s.len, c->held_bytes + c->step_bytes);
		for (size_t i = 0; i < c->step_bytes; i++, out++)
			assert_int_equal((unsigned char)s.ptr[i], out);
		buffer_take(&b, c->step_bytes);
	}
	size_t most_bytes = c->held_bytes + c->step_bytes;
	assert_true(b.cap <= (most_bytes < 128 ? 512 : 4 * most_bytes));
	buffer_clear(&b);
}

/* A nearly full buffer must not copy itself at each append: it moves its bytes only after as many went through. */
static void full_queue_moves_seldom(void **state)
{
	(void)state;
	enum { HELD = 255, ROUNDS = 10000 };
	struct buffer b = { 0 };
	char held[HELD] = { 0 };
	assert_true(buffer_append(&b, held, HELD));
	size_t moves = 0;
	for (size_t round = 0; round < ROUNDS; round++) {
		const char *front_before = b.mem + b.start;
		assert_true(buffer_append(&b, "x", 1));
		moves += b.mem + b.start != front_before;
		buffer_take(&b, 1);
	}
	assert_true(moves <= ROUNDS / HELD + 2);
	buffer_clear(&b);
}

int main(int argc, char **argv)
{
	UNIT_TEST(zero_is_an_empty_buffer);
	UNIT_TEST(appends_behind_what_is_there);
	UNIT_TEST(nothing_can_be_appended_from_nowhere);
	UNIT_TEST(takes_from_the_front);
	UNIT_TEST(empty_again_it_keeps_its_memory);
	UNIT_TEST(reserved_room_counts_once_added);
	UNIT_TEST(prints_behind_what_is_there);
	UNIT_TEST(refuses_what_no_memory_can_hold);
	UNIT_TEST(without_memory_it_stays_as_it_was);
	UNIT_EACH(queue_keeps_bytes_in_order, queue_cases);
	UNIT_TEST(full_queue_moves_seldom);
	return unit_run(argc, argv);
}
