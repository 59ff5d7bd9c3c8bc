#include "net/loop.h"

#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "unit.h"

enum { KNOCKS = 1000, KNOCKERS = 4 };

/* A socket pair: what is said at `there` is ready here. */
struct end {
	struct loop_source source;
	int there;
	int told;
	uint32_t events;
	struct end *forgets; /* when it is told */
};

static struct loop loop;
static int knocks;

static void on_knock(struct loop_source *source, uint32_t events)
{
	knocks++;
}

static void on_ready(struct loop_source *source, uint32_t events)
{
	struct end *end = (struct end *)(void *)source;
	end->told++;
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
	knocks = 0;
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

int main(int argc, char **argv)
{
	UNIT_TEST(what_was_asked_for_is_told);
	UNIT_TEST(who_is_not_waited_for_hears_no_error_either);
	UNIT_TEST(who_is_forgotten_hears_no_more_of_the_turn);
	UNIT_TEST(what_the_system_refuses_is_said);
	UNIT_TEST(many_knocks_are_one);
	UNIT_TEST(no_knock_is_missed);
	return unit_run(argc, argv);
}
