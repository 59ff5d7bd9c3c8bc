#include "net/loop.h"

#include <pthread.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "unit.h"

enum { KNOCKS = 1000, KNOCKERS = 4, WORDS = 60000, CROWD = LOOP_EVENTS_MAX - 1 };

/* A socket pair: what is said at `there` is ready here. */
struct end {
	struct loop_source source;
	int there;
	int told;
	uint32_t events;
	struct end *forgets; /* when it is told */
	int nth;             /* of all who were told, when last */
	unsigned work;       /* that it makes, beside the one piece */
};

static struct loop loop;
static int knocks, told;

static void on_knock(struct loop_source *source, uint32_t events)
{
	knocks++;
}

static void on_ready(struct loop_source *source, uint32_t events)
{
	struct end *end = (struct end *)(void *)source;
	end->told++;
	end->nth = ++told;
	loop_add_work(&loop, end->work);
	end->events = events;
	if (end->forgets != NULL) {
		loop_forget(&loop, &end->forgets->source);
		close(end->forgets->source.fd);
	}
}

static void begin(void)
{
	assert_true(loop_init(&loop));
	loop.knock.ready = on_knock;
	knocks = told = 0;
}

static struct end end_new(void)
{
	int fds[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	return (struct end){ .source = { .ready = on_ready, .fd = fds[0] }, .there = fds[1] };
}

static void say(struct end *end)
{
	assert_int_equal(write(end->there, "x", 1), 1);
}

static void turn(void)
{
	loop_hurry(&loop);
	loop_turn(&loop);
}

static void what_was_asked_for_is_told(void **state)
{
	begin();
	struct end end = end_new();
	assert_true(loop_ask(&loop, &end.source, EPOLLIN));
	turn();
	assert_int_equal(end.told, 0);
	say(&end);
	uint64_t before_us = clock_now_us();
	loop_turn(&loop);
	assert_int_equal(end.told, 1);
	assert_int_equal(end.events, EPOLLIN);
	assert_true(loop_now_us(&loop) >= before_us);
	turn();
	assert_int_equal(end.told, 2); /* it is still there */
	assert_true(loop_ask(&loop, &end.source, EPOLLOUT));
	turn();
	assert_int_equal(end.events, EPOLLOUT);
	close(end.source.fd);
	close(end.there);
	loop_clear(&loop);
}

static void who_is_not_waited_for_hears_no_error_either(void **state)
{
	begin();
	struct end end = end_new();
	assert_true(loop_ask(&loop, &end.source, EPOLLIN));
	assert_true(loop_ask(&loop, &end.source, 0));
	close(end.there);
	turn();
	assert_int_equal(end.told, 0);
	assert_true(loop_ask(&loop, &end.source, EPOLLIN));
	turn();
	assert_int_equal(end.told, 1);
	assert_int_equal(end.events, EPOLLIN | EPOLLHUP);
	close(end.source.fd);
	turn();
	assert_int_equal(end.told, 1);
	loop_clear(&loop);
}

static void who_is_forgotten_hears_no_more_of_the_turn(void **state)
{
	begin();
	struct end ends[] = { end_new(), end_new() };
	for (int i = 0; i < 2; i++) {
		ends[i].forgets = &ends[1 - i];
		assert_true(loop_ask(&loop, &ends[i].source, EPOLLIN));
		say(&ends[i]);
	}
	turn();
	assert_int_equal(ends[0].told + ends[1].told, 1);
	close(ends[ends[0].told].there);
	close(ends[ends[1].told].there);
	close(ends[ends[0].told ? 0 : 1].source.fd);
	loop_clear(&loop);
}

static void what_the_system_refuses_is_said(void **state)
{
	begin();
	struct end end = { .source = { .ready = on_ready, .fd = -1 } };
	assert_false(loop_ask(&loop, &end.source, EPOLLIN));
	assert_int_equal(end.source.asked, 0);
	loop_clear(&loop);
}

static void many_knocks_are_one(void **state)
{
	begin();
	turn();
	assert_int_equal(knocks, 0);
	for (int round = 1; round <= 3; round++) {
		for (int i = 0; i < KNOCKS; i++)
			loop_knock(&loop);
		loop_turn(&loop);
		assert_int_equal(knocks, round);
		turn();
		assert_int_equal(knocks, round);
	}
	loop_clear(&loop);
}

/* How often somebody has made the system call since last asked. */
static uint64_t woken(void)
{
	uint64_t times = 0;
	return read(loop.knock.fd, &times, sizeof(times)) < 0 ? 0 : times;
}

static void who_is_awake_is_not_woken(void **state)
{
	begin();
	loop_wake(&loop);
	for (int i = 0; i < KNOCKS; i++)
		assert_false(loop_leave_knock(&loop));
	loop_knock(&loop);
	loop_wake(&loop);
	assert_int_equal(woken(), 0);
	loop_turn(&loop); /* would wait */
	assert_int_equal(knocks, 1);
	loop_clear(&loop);
}

static void a_sleeper_is_woken_once_by_who_wants_to(void **state)
{
	begin();
	loop.sleeps = true; /* as in a turn that waits */
	loop_wake(&loop);   /* nobody knocked */
	for (int i = 0; i < KNOCKS; i++)
		assert_true(loop_leave_knock(&loop));
	assert_int_equal(woken(), 0);
	loop_wake(&loop);
	loop_wake(&loop);
	loop_knock(&loop);
	assert_int_equal(woken(), 1);
	loop.sleeps = true;
	turn();
	assert_int_equal(knocks, 1);
	assert_false(loop.sleeps);
	loop_clear(&loop);
}

static _Atomic int said, heard;

static void on_word(struct loop_source *source, uint32_t events)
{
	heard = said;
}

/* Each word comes a little later after the one before has been heard, so some come while the loop is about to sleep. */
static void *say_words(void *arg)
{
	for (int i = 1; i <= WORDS; i++) {
		said = i;
		if (i % 2 == 0)
			loop_knock(&loop);
		else if (loop_leave_knock(&loop))
			loop_wake(&loop);
		for (int spins = 0; heard < i; spins++) {
			if (spins > 10000)
				sched_yield();
		}
		for (volatile int wait = i % 256; wait > 0; wait--)
			continue;
	}
	return NULL;
}

/* Each turn waits, and nothing is said before the last word has been heard: a knock that was missed would hang here. */
static void every_word_is_heard(void **state)
{
	pthread_t speaker;
	begin();
	loop.knock.ready = on_word;
	said = heard = 0;
	assert_int_equal(pthread_create(&speaker, NULL, say_words, NULL), 0);
	while (heard < WORDS)
		loop_turn(&loop);
	pthread_join(speaker, NULL);
	loop_clear(&loop);
}

static _Atomic int brought;

static void *bring(void *arg)
{
	for (int i = 0; i < KNOCKS; i++) {
		brought++;
		loop_knock(&loop);
	}
	return NULL;
}

/* Each turn waits: a knock that was missed would hang here. */
static void no_knock_is_missed(void **state)
{
	pthread_t threads[KNOCKERS];
	begin();
	brought = 0;
	for (int i = 0; i < KNOCKERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, bring, NULL), 0);
	for (int seen = 0; seen < KNOCKERS * KNOCKS; seen = brought)
		loop_turn(&loop);
	assert_true(knocks >= 1 && knocks <= KNOCKERS * KNOCKS);
	for (int i = 0; i < KNOCKERS; i++)
		pthread_join(threads[i], NULL);
	loop_clear(&loop);
}

/* A crowd that gives way, all of it ready, and then one who doesn't. */
static void begin_with_crowd(struct end crowd[static CROWD], struct end *one, unsigned work)
{
	begin();
	for (int i = 0; i < CROWD; i++) {
		crowd[i] = end_new();
		crowd[i].source.gives_way = true;
		crowd[i].work = work;
		assert_true(loop_ask(&loop, &crowd[i].source, EPOLLIN));
		say(&crowd[i]);
	}
	*one = end_new();
	assert_true(loop_ask(&loop, &one->source, EPOLLIN));
	say(one);
}

static void end_with_crowd(struct end crowd[static CROWD], struct end *one)
{
	for (int i = 0; i <= CROWD; i++) {
		struct end *end = i < CROWD ? &crowd[i] : one;
		close(end->source.fd);
		close(end->there);
	}
	loop_clear(&loop);
}

static int most_often_told(const struct end crowd[static CROWD])
{
	int most = 0;
	for (int i = 0; i < CROWD; i++)
		most = crowd[i].told > most ? crowd[i].told : most;
	return most;
}

static void who_gives_way_comes_last_and_in_slices(void **state)
{
	struct end crowd[CROWD], one;
	begin_with_crowd(crowd, &one, 0);
	for (int round = 1; round <= CROWD / LOOP_SLICE; round++) {
		turn();
		assert_int_equal(one.nth, told - LOOP_SLICE);
		assert_int_equal(told, round * (1 + LOOP_SLICE));
		assert_int_equal(
		    most_often_told(crowd), 1); /* so nobody twice before all have been told */
	}
	end_with_crowd(crowd, &one);
}

static void a_slice_is_counted_by_its_work(void **state)
{
	struct end crowd[CROWD], one;
	begin_with_crowd(crowd, &one, LOOP_SLICE / 2);
	turn();
	assert_int_equal(told, 1 + 2);
	end_with_crowd(crowd, &one);
	begin_with_crowd(crowd, &one, 100 * LOOP_SLICE);
	turn();
	assert_int_equal(told, 1 + 1); /* one at least, or none would ever be */
	end_with_crowd(crowd, &one);
}

static void who_gives_way_has_its_share(void **state)
{
	struct end crowd[CROWD], one;
	begin_with_crowd(crowd, &one, 0);
	one.work = 2 * LOOP_SLICE * LOOP_SHARE - 1;
	turn();
	assert_int_equal(told, 1 + 2 * LOOP_SLICE);
	end_with_crowd(crowd, &one);
}

/* More than one turn hears of, all ready all the time, and only one told in each: in any number, each has its turn before one has a second. */
static void nobody_is_passed_over(void **state)
{
	enum { MOST = 3 * LOOP_EVENTS_MAX };
	static struct end crowd[MOST];
	begin();
	for (int count = 1; count <= MOST; count++) {
		crowd[count - 1] = end_new();
		crowd[count - 1].source.gives_way = true;
		crowd[count - 1].work = LOOP_SLICE;
		assert_true(loop_ask(&loop, &crowd[count - 1].source, EPOLLIN));
		say(&crowd[count - 1]);
		if (count % (LOOP_EVENTS_MAX / 2) > 1)
			continue;
		for (int i = 0; i < 2 * count; i++)
			turn();
		for (int i = 0; i < count; i++)
			crowd[i].told = 0;
		for (int i = 0; i < count; i++)
			turn();
		for (int i = 0; i < count; i++)
			assert_int_equal(crowd[i].told, 1);
	}
	for (int i = 0; i < MOST; i++) {
		close(crowd[i].source.fd);
		close(crowd[i].there);
	}
	loop_clear(&loop);
}

static void who_waits_for_its_turn_and_is_forgotten_hears_no_more(void **state)
{
	struct end crowd[CROWD], one;
	begin_with_crowd(crowd, &one, LOOP_SLICE);
	turn();
	for (int i = 0; i < CROWD; i++) {
		crowd[i].told = 0;
		if (i % 2)
			loop_forget(&loop, &crowd[i].source);
		else
			loop_ask(&loop, &crowd[i].source, 0);
		close(crowd[i].source.fd);
		close(crowd[i].there);
	}
	for (int i = 0; i < 2 * CROWD; i++)
		turn();
	assert_int_equal(most_often_told(crowd), 0);
	close(one.source.fd);
	close(one.there);
	loop_clear(&loop);
}

int main(int argc, char **argv)
{
	UNIT_TEST(what_was_asked_for_is_told);
	UNIT_TEST(who_is_not_waited_for_hears_no_error_either);
	UNIT_TEST(who_is_forgotten_hears_no_more_of_the_turn);
	UNIT_TEST(what_the_system_refuses_is_said);
	UNIT_TEST(who_gives_way_comes_last_and_in_slices);
	UNIT_TEST(a_slice_is_counted_by_its_work);
	UNIT_TEST(who_gives_way_has_its_share);
	UNIT_TEST(nobody_is_passed_over);
	UNIT_TEST(who_waits_for_its_turn_and_is_forgotten_hears_no_more);
	UNIT_TEST(many_knocks_are_one);
	UNIT_TEST(no_knock_is_missed);
	UNIT_TEST(who_is_awake_is_not_woken);
	UNIT_TEST(a_sleeper_is_woken_once_by_who_wants_to);
	UNIT_TEST(every_word_is_heard);
	return unit_run(argc, argv);
}
