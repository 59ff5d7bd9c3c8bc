#include "base/wheel.h"

#include <stdlib.h>

#include "unit.h"

enum { TURN_MS = WHEEL_SLOTS * WHEEL_TICK_MS, MAX_ENTRIES = 64 };

/* The clock is a number that the test sets. */
static const uint64_t start_ms = UINT64_C(1000000007);

struct timer {
	struct wheel_entry entry;
	int fired;
	uint64_t fired_ms;
};

struct fixture {
	struct wheel wheel;
	uint64_t now_ms;
	int fired;
};

static void setup(struct fixture *b)
{
	*b = (struct fixture){ .now_ms = start_ms };
	wheel_init(&b->wheel, b->now_ms);
}

static struct timer *timer_of(struct wheel_entry *entry)
{
	return (struct timer *)(void *)((char *)entry - offsetof(struct timer, entry));
}

static void on_due(struct wheel_entry *entry, void *arg)
{
	struct fixture *b = arg;
	struct timer *timer = timer_of(entry);
	assert_false(list_has(&entry->node));
	assert_true(entry->due_ms <= b->now_ms);
	timer->fired++;
	timer->fired_ms = b->now_ms;
	b->fired++;
}

static void turn_at(struct fixture *b, uint64_t now_ms)
{
	b->now_ms = now_ms;
	wheel_turn(&b->wheel, now_ms, on_due, b);
}

/* Deadlines near and far, from the wheel's start on. */
static const struct due_case {
	const char *name;
	uint64_t in_ms;
} due_cases[] = {
	{ "now", 0 },
	{ "in 1 ms", 1 },
	{ "in a tick less 1 ms", WHEEL_TICK_MS - 1 },
	{ "in a tick", WHEEL_TICK_MS },
	{ "in a tick and 1 ms", WHEEL_TICK_MS + 1 },
	{ "in 15 s", 15000 },
	{ "in a turn less a tick", TURN_MS - WHEEL_TICK_MS },
	{ "in a turn less 1 ms", TURN_MS - 1 },
	{ "in a turn", TURN_MS },
	{ "in a turn and 1 ms", TURN_MS + 1 },
	{ "in ten turns", UINT64_C(10) * TURN_MS },
	{ "in an hour", 3600000 },
};

/* The clock goes on by 1 ms: due within a tick after the deadline, never before. */
static void comes_due_in_time(void **state)
{
	const struct due_case *c = *state;
	struct fixture b;
	setup(&b);
	struct timer timer = { 0 };
	wheel_set(&b.wheel, &timer.entry, b.now_ms + c->in_ms);
	while (timer.fired == 0) {
		assert_true(b.now_ms <= start_ms + c->in_ms + 2 * WHEEL_TICK_MS);
		turn_at(&b, b.now_ms + 1);
	}
	assert_in_range(timer.fired_ms, start_ms + c->in_ms, start_ms + c->in_ms + WHEEL_TICK_MS);
	turn_at(&b, b.now_ms + 3 * TURN_MS);
	assert_int_equal(timer.fired, 1);
}

/* The loop sleeps as long as the wheel says: in time all the same, and not awake all the time. */
static void sleeping_as_told_is_in_time(void **state)
{
	const struct due_case *c = *state;
	struct fixture b;
	setup(&b);
	struct timer timer = { 0 };
	wheel_set(&b.wheel, &timer.entry, b.now_ms + c->in_ms);
	uint64_t wakes = 0;
	while (timer.fired == 0) {
		uint64_t wait_ms = wheel_wait_ms(&b.wheel, b.now_ms);
		assert_true(wait_ms <= TURN_MS);
		turn_at(&b, b.now_ms + wait_ms);
		assert_true(++wakes <= 2 + c->in_ms / TURN_MS);
	}
	assert_in_range(timer.fired_ms, start_ms + c->in_ms, start_ms + c->in_ms + WHEEL_TICK_MS);
}

static void far_jump_misses_nothing(void **state)
{
	const struct due_case *c = *state;
	struct fixture b;
	setup(&b);
	struct timer timer = { 0 }, later = { 0 };
	wheel_set(&b.wheel, &timer.entry, b.now_ms + c->in_ms);
	wheel_set(&b.wheel, &later.entry, b.now_ms + UINT64_C(86400000) * 3);
	turn_at(&b, b.now_ms + 86400000); /* a day asleep */
	assert_int_equal(timer.fired, 1);
	assert_int_equal(later.fired, 0);
	turn_at(&b, b.now_ms + UINT64_C(86400000) * 3);
	assert_int_equal(timer.fired, 1);
	assert_int_equal(later.fired, 1);
}

static void deadline_in_the_past_is_due_soon(void **state)
{
	(void)state;
	struct fixture b;
	setup(&b);
	struct timer timer = { 0 };
	wheel_set(&b.wheel, &timer.entry, 0);
	assert_true(wheel_wait_ms(&b.wheel, b.now_ms) <= WHEEL_TICK_MS);
	turn_at(&b, b.now_ms + WHEEL_TICK_MS);
	assert_int_equal(timer.fired, 1);
}

static void deadline_at_the_end_of_time_waits_quietly(void **state)
{
	(void)state;
	struct fixture b;
	setup(&b);
	struct timer timer = { 0 };
	wheel_set(&b.wheel, &timer.entry, UINT64_MAX);
	uint64_t wakes = 0;
	for (uint64_t end_ms = b.now_ms + UINT64_C(10) * TURN_MS; b.now_ms < end_ms; wakes++) {
		uint64_t wait_ms = wheel_wait_ms(&b.wheel, b.now_ms);
		turn_at(&b, b.now_ms + (wait_ms > 0 ? wait_ms : 1));
	}
	assert_int_equal(timer.fired, 0);
	assert_true(wakes <= 12);
	wheel_drop(&b.wheel, &timer.entry);
}

static void empty_wheel_waits_for_ever(void **state)
{
	(void)state;
	struct fixture b;
	setup(&b);
	assert_true(wheel_wait_ms(&b.wheel, b.now_ms) == UINT64_MAX);
	turn_at(&b, b.now_ms + 5 * TURN_MS);
	assert_true(wheel_wait_ms(&b.wheel, b.now_ms) == UINT64_MAX);
}

static void clock_that_stands_still_fires_nothing_twice(void **state)
{
	(void)state;
	struct fixture b;
	setup(&b);
	struct timer timer = { 0 };
	wheel_set(&b.wheel, &timer.entry, b.now_ms + 100);
	for (int i = 0; i < 5; i++)
		turn_at(&b, start_ms + 200);
	assert_int_equal(timer.fired, 1);
}

static void dropped_deadline_never_comes(void **state)
{
	(void)state;
	struct fixture b;
	setup(&b);
	struct timer timer = { 0 }, never_set = { 0 };
	wheel_drop(&b.wheel, &never_set.entry);
	wheel_set(&b.wheel, &timer.entry, b.now_ms + 100);
	wheel_drop(&b.wheel, &timer.entry);
	wheel_drop(&b.wheel, &timer.entry);
	turn_at(&b, b.now_ms + 2 * TURN_MS);
	assert_int_equal(b.fired, 0);
	assert_true(wheel_wait_ms(&b.wheel, b.now_ms) == UINT64_MAX);
}

static void moved_deadline_comes_at_the_new_time_only(void **state)
{
	(void)state;
	struct fixture b;
	setup(&b);
	struct timer timer = { 0 };
	wheel_set(&b.wheel, &timer.entry, start_ms + 100);
	wheel_set(&b.wheel, &timer.entry, start_ms + 5000);
	turn_at(&b, start_ms + 4000);
	assert_int_equal(timer.fired, 0);
	wheel_set(&b.wheel, &timer.entry, start_ms + 4100);
	turn_at(&b, start_ms + 4100 + WHEEL_TICK_MS);
	assert_int_equal(timer.fired, 1);
	turn_at(&b, start_ms + 3 * TURN_MS);
	assert_int_equal(timer.fired, 1);
}

static void earlier_deadlines_come_first(void **state)
{
	(void)state;
	struct fixture b;
	setup(&b);
	struct timer timers[MAX_ENTRIES] = { 0 };
	for (uint64_t i = 0; i < MAX_ENTRIES; i++)
		wheel_set(&b.wheel, &timers[i].entry, start_ms + (i * 37 % MAX_ENTRIES) * 100);
	for (uint64_t i = 0; i < MAX_ENTRIES; i++) {
		turn_at(&b, start_ms + i * 100 + WHEEL_TICK_MS);
		assert_int_equal(b.fired, i + 1);
	}
}

/* What due() may do to the wheel. */
struct meddler {
	struct timer timer;
	struct fixture *bench;
	struct wheel_entry *drops;
	uint64_t sets_again_ms; /* from now; UINT64_MAX: not */
};

static void meddle(struct wheel_entry *entry, void *arg)
{
	struct meddler *m = (struct meddler *)(void *)timer_of(entry);
	on_due(entry, arg);
	if (m->drops != NULL)
		wheel_drop(&m->bench->wheel, m->drops);
	if (m->sets_again_ms != UINT64_MAX)
		wheel_set(&m->bench->wheel, entry, m->bench->now_ms + m->sets_again_ms);
}

static void due_may_drop_its_neighbour(void **state)
{
	(void)state;
	struct fixture b;
	setup(&b);
	struct meddler first = { .bench = &b, .sets_again_ms = UINT64_MAX };
	struct meddler second = { .bench = &b, .sets_again_ms = UINT64_MAX };
	first.drops = &second.timer.entry;
	second.drops = &first.timer.entry;
	wheel_set(&b.wheel, &first.timer.entry, start_ms + 50);
	wheel_set(&b.wheel, &second.timer.entry, start_ms + 50);
	b.now_ms = start_ms + 1000;
	wheel_turn(&b.wheel, b.now_ms, meddle, &b);
	assert_int_equal(first.timer.fired, 1);
	assert_int_equal(second.timer.fired, 0);
}

static const struct again_case {
	const char *name;
	uint64_t again_ms;
	uint64_t step_ms;
	int fired_at_least;
} again_cases[] = {
	{ "set for now, it does not hold up the turn", 0, WHEEL_TICK_MS, WHEEL_SLOTS - 1 },
	{ "set for now, clock in jumps", 0, UINT64_C(3) * TURN_MS, 2 },
	{ "every second", 1000, 10, TURN_MS / 1032 - 1 },
	{ "a turn away", TURN_MS, 100, 2 },
};

static void due_may_set_itself_again(void **state)
{
	const struct again_case *c = *state;
	struct fixture b;
	setup(&b);
	struct meddler m = { .bench = &b, .sets_again_ms = c->again_ms };
	wheel_set(&b.wheel, &m.timer.entry, start_ms);
	uint64_t turns = 0;
	while (b.now_ms < start_ms + 3 * TURN_MS || turns < 3) {
		int fired_before = m.timer.fired;
		b.now_ms += c->step_ms;
		wheel_turn(&b.wheel, b.now_ms, meddle, &b);
		assert_true(m.timer.fired <= fired_before + 1);
		turns++;
	}
	assert_true(m.timer.fired >= c->fired_at_least);
	wheel_drop(&b.wheel, &m.timer.entry);
}

/* Many timers set, moved and dropped at random, against the plain rule: each fires once, in [due, due + tick + step]. */
static void random_life_keeps_the_rule(void **state)
{
	(void)state;
	struct fixture b;
	setup(&b);
	static struct timer timers[MAX_ENTRIES];
	uint64_t due_ms[MAX_ENTRIES]; /* 0: not set */
	for (int i = 0; i < MAX_ENTRIES; i++) {
		timers[i] = (struct timer){ 0 };
		due_ms[i] = 0;
	}
	srand(1);
	for (int round = 0; round < 20000; round++) {
		int i = rand() % MAX_ENTRIES;
		if (rand() % 4 == 0) {
			wheel_drop(&b.wheel, &timers[i].entry);
			due_ms[i] = 0;
		} else {
			due_ms[i] = b.now_ms + (uint64_t)(rand() % (3 * TURN_MS));
			wheel_set(&b.wheel, &timers[i].entry, due_ms[i]);
		}
		timers[i].fired = 0;
		uint64_t before_ms = b.now_ms;
		turn_at(&b, b.now_ms + (uint64_t)(rand() % 500));
		for (i = 0; i < MAX_ENTRIES; i++) {
			if (timers[i].fired == 0) {
				assert_true(due_ms[i] == 0 || due_ms[i] + WHEEL_TICK_MS > b.now_ms);
				continue;
			}
			assert_int_equal(timers[i].fired, 1);
			assert_in_range(
			    b.now_ms, due_ms[i], due_ms[i] + WHEEL_TICK_MS + b.now_ms - before_ms);
			timers[i].fired = 0;
			due_ms[i] = 0;
		}
	}
}

int main(int argc, char **argv)
{
	UNIT_EACH(comes_due_in_time, due_cases);
	UNIT_EACH(sleeping_as_told_is_in_time, due_cases);
	UNIT_EACH(far_jump_misses_nothing, due_cases);
	UNIT_TEST(deadline_in_the_past_is_due_soon);
	UNIT_TEST(deadline_at_the_end_of_time_waits_quietly);
	UNIT_TEST(empty_wheel_waits_for_ever);
	UNIT_TEST(clock_that_stands_still_fires_nothing_twice);
	UNIT_TEST(dropped_deadline_never_comes);
	UNIT_TEST(moved_deadline_comes_at_the_new_time_only);
	UNIT_TEST(earlier_deadlines_come_first);
	UNIT_TEST(due_may_drop_its_neighbour);
	UNIT_EACH(due_may_set_itself_again, again_cases);
	UNIT_TEST(random_life_keeps_the_rule);
	return unit_run(argc, argv);
}
