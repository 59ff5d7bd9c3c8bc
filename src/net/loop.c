#include "net/loop.h"

#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"

bool loop_init(struct loop *loop)
{
	memset(loop, 0, sizeof(*loop));
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
	return true;
}

void loop_forget(struct loop *loop, struct loop_source *source)
{
	for (int i = 0; i < loop->count; i++) {
		if (loop->events[i].data.ptr == source)
			loop->events[i].data.ptr = NULL;
	}
}

/* Tells of an event, once: who is told may forget whom it likes. */
static void tell(struct loop *loop, struct epoll_event *event)
{
	struct loop_source *source = event->data.ptr;
	event->data.ptr = NULL;
	loop->work++;
	if (source == &loop->knock)
		loop->is_knocked = false; /* first: who comes now knocks again */
	source->ready(source, event->events);
}

/* How many others there are. */
static int tell_first(struct loop *loop)
{
	int others = 0;
	for (int i = 0; i < loop->count; i++) {
		const struct loop_source *source = loop->events[i].data.ptr;
		if (source != NULL && source->gives_way)
			others++;
		else if (source != NULL)
			tell(loop, &loop->events[i]);
	}
	return others;
}

/* Who is still ready comes in the same place again: so each turn goes on where the last one broke off. */
static void tell_others(struct loop *loop)
{
	unsigned share = loop->work / LOOP_SHARE;
	unsigned end = loop->work + (share > LOOP_SLICE ? share : LOOP_SLICE);
	int first = loop->broke_off;
	loop->broke_off = 0;
	for (int n = 0; n < loop->count; n++) {
		int i = (first + n) % loop->count;
		if (loop->events[i].data.ptr == NULL)
			continue;
		if (loop->work >= end) {
			loop->broke_off = i;
			return;
		}
		tell(loop, &loop->events[i]);
	}
}

void loop_turn(struct loop *loop)
{
	int wait_ms = loop->hurries ? 0 : -1;
	loop->hurries = false;
	loop->work = 0;
	loop->count = epoll_wait(loop->epoll_fd, loop->events, LOOP_EVENTS_MAX, wait_ms);
	loop->now_us = clock_now_us();
	if (tell_first(loop) > 0) /* a count of -1: a signal */
		tell_others(loop);
	loop->count = 0;
}

void loop_hurry(struct loop *loop)
{
	loop->hurries = true;
}

void loop_knock(struct loop *loop)
{
	uint64_t one = 1;
	if (!atomic_exchange(&loop->is_knocked, true) &&
	    write(loop->knock.fd, &one, sizeof(one)) < 0)
		loop->is_knocked = false; /* can't be: it would hold 2^64 - 2 knocks */
}
