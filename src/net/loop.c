/*
 * loop.c: see loop.h. No knock is lost: who knocks says so (is_knocked) and then looks whether the loop sleeps; a loop that is about to sleep says so (sleeps)
 * and then looks whether somebody knocked. All four are sequentially consistent, so one of the two sees the other. Of those who knock at a sleeper one makes
 * the system call, the one who takes `sleeps` away.
 */
#include "net/loop.h"

#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"

bool loop_init(struct loop *loop)
{
	memset(loop, 0, sizeof(*loop));
	list_init(&loop->others);
	loop->now_us = clock_now_us();
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	loop->knock.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	/* Edge-triggered: each knock is told without the eventfd being read. */
	return loop->epoll_fd >= 0 && loop->knock.fd >= 0 &&
	       loop_ask(loop, &loop->knock, EPOLLIN | EPOLLET);
}

void loop_clear(struct loop *loop)
{
	if (loop->knock.fd >= 0)
		close(loop->knock.fd);
	if (loop->epoll_fd >= 0)
		close(loop->epoll_fd);
	loop->knock.fd = loop->epoll_fd = -1;
}

bool loop_ask(struct loop *loop, struct loop_source *source, uint32_t events)
{
	if (source->asked == events)
		return true;
	int change = source->asked == 0 ? EPOLL_CTL_ADD
		     : events == 0      ? EPOLL_CTL_DEL
					: EPOLL_CTL_MOD;
	struct epoll_event event = { .events = events, .data.ptr = source };
	if (epoll_ctl(loop->epoll_fd, change, source->fd, &event) < 0)
		return false;
	source->asked = events;
	if (events == 0)
		list_remove(&source->node);
	return true;
}

void loop_forget(struct loop *loop, struct loop_source *source)
{
	list_remove(&source->node);
	for (int i = 0; i < loop->count; i++) {
		if (loop->events[i].data.ptr == source)
			loop->events[i].data.ptr = NULL;
	}
}

static void tell(struct loop *loop, struct loop_source *source, uint32_t events)
{
	loop->work++;
	source->ready(source, events);
}

/* Whether the eventfd has said so or not: who is awake is not woken. */
static void tell_knock(struct loop *loop)
{
	if (!loop->is_knocked)
		return;
	loop->is_knocked = false; /* first: who comes now knocks again */
	tell(loop, &loop->knock, EPOLLIN);
}

/* Who gives way queues up. */
static void tell_first(struct loop *loop)
{
	for (int i = 0; i < loop->count; i++) { /* a count of -1: a signal */
		struct loop_source *source = loop->events[i].data.ptr;
		if (source == NULL || source == &loop->knock)
			continue;
		source->untold = loop->events[i].events;
		if (!source->gives_way) {
			list_remove(&source->node);
			tell(loop, source, source->untold);
		} else if (!list_has(&source->node)) {
			list_append(&loop->others, &source->node);
		}
	}
}

/* It may have changed its mind since it queued up. */
static void tell_others(struct loop *loop)
{
	unsigned end = loop->work + loop_slice(loop);
	while (!list_is_empty(&loop->others) && loop->work < end) {
		struct loop_source *source =
		    list_entry(loop->others.next, struct loop_source, node);
		list_remove(&source->node);
		uint32_t events = source->untold & (source->asked | EPOLLERR | EPOLLHUP);
		if (events != 0)
			tell(loop, source, events);
	}
}

static bool falls_asleep(struct loop *loop)
{
	if (loop->hurries || !list_is_empty(&loop->others))
		return false;
	loop->sleeps = true;
	if (loop->is_knocked)
		loop->sleeps = false;
	return loop->sleeps;
}

void loop_turn(struct loop *loop)
{
	int wait_ms = falls_asleep(loop) ? -1 : 0;
	loop->hurries = false;
	loop->work = 0;
	loop->count = epoll_wait(loop->epoll_fd, loop->events, LOOP_EVENTS_MAX, wait_ms);
	loop->sleeps = false;
	loop->now_us = clock_now_us();
	tell_first(loop);
	tell_knock(loop);
	tell_others(loop);
	loop->count = 0;
}

void loop_hurry(struct loop *loop)
{
	loop->hurries = true;
}

bool loop_leave_knock(struct loop *loop)
{
	loop->is_knocked = true;
	return loop->sleeps;
}

void loop_wake(struct loop *loop)
{
	uint64_t one = 1;
	if (loop->is_knocked && loop->sleeps && atomic_exchange(&loop->sleeps, false) &&
	    write(loop->knock.fd, &one, sizeof(one)) < 0)
		loop->sleeps = true; /* can't be: it would hold 2^64 - 2 knocks */
}

void loop_knock(struct loop *loop)
{
	if (loop_leave_knock(loop))
		loop_wake(loop);
}
