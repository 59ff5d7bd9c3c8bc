/*
 * loop.h: what a worker's thread waits for: sockets, a timer's descriptor, and others' knocking. One thread, but for loop_knock().
 *
 * It is epoll and an eventfd. libuv, which the main thread has, would take four system calls more for each connection, one more for each knock,
 * and 130 bytes more of each idle session.
 */
#ifndef NET_LOOP_H
#define NET_LOOP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "base/list.h"

enum {
	LOOP_EVENTS_MAX = 64, /* of one turn */
	LOOP_SLICE = 24,      /* pieces of work: about 200 us */
	LOOP_SHARE = 4,       /* of the others' work, who can wait have one part at least */
};

struct loop_source;

/* events: of those that were asked for, and EPOLLERR, EPOLLHUP. It may forget any source, also its own. */
typedef void loop_ready_fn(struct loop_source *source, uint32_t events);

/* Something with a descriptor. Its owner sets fd and ready, all else 0, and keeps it where it is. */
struct loop_source {
	loop_ready_fn *ready;
	int fd;
	uint32_t
	    asked; /* EPOLLIN, EPOLLOUT, EPOLLRDHUP; 0: it is not waited for, not even for an error */
	bool gives_way;   /* to all others: what it has to say can be heard in a later turn */
	uint32_t untold;  /* the loop's: of what it has not been told yet, */
	struct list node; /* and its place among the others */
};

struct loop {
	int epoll_fd;
	struct loop_source knock; /* of others; its owner sets ready */
	_Atomic bool is_knocked;  /* and has not been told yet */
	_Atomic bool sleeps;      /* it takes a system call to be heard */
	bool hurries;             /* the next turn waits for nothing */
	uint64_t now_us;
	int count;     /* of events: what came in this turn */
	unsigned work; /* of this turn, in pieces of some microseconds */
	struct list
	    others; /* who give way and are to be told, in the order in which they became ready */
	struct epoll_event events[LOOP_EVENTS_MAX];
};

/* The owner sets loop->knock.ready before the first turn. false: no descriptors; loop_clear() is fine. */
bool loop_init(struct loop *loop);

void loop_clear(struct loop *loop);

/* From now on source is waited for, for these events (level-triggered); 0: no more. Costs a system call if that is a change. false: the system has no room. */
bool loop_ask(struct loop *loop, struct loop_source *source, uint32_t events);

/* Its descriptor has been closed, or will be before the next turn, and its memory may go: it hears no more. */
void loop_forget(struct loop *loop, struct loop_source *source);

/*
 * Waits until there is something and tells whom it is for: first all who don't give way, then the knock; then those who give way, until they have made a slice of work.
 * Who is left out comes first of them in the next turn, so nobody is passed over.
 */
void loop_turn(struct loop *loop);

/* What is being done is so many pieces more than the one that each event counts for. */
static inline void loop_add_work(struct loop *loop, unsigned pieces)
{
	loop->work += pieces;
}

/* How many pieces may be made for those who can wait: LOOP_SLICE, or 1/LOOP_SHARE of what has been made in this turn. */
static inline unsigned loop_slice(const struct loop *loop)
{
	unsigned share = loop->work / LOOP_SHARE;
	return share > LOOP_SLICE ? share : LOOP_SLICE;
}

/* The next turn does not wait. */
void loop_hurry(struct loop *loop);

/* Has loop->knock told that somebody knocked, once for all who did since it last began to be told. Costs a system call if the loop sleeps. Any thread. */
void loop_knock(struct loop *loop);

/* The same, but who sleeps goes on sleeping: true, and the caller owes it a loop_wake(). Any thread. */
bool loop_leave_knock(struct loop *loop);

/* Wakes it if it sleeps in spite of a knock. Any thread. */
void loop_wake(struct loop *loop);

/* When this turn began, on clock_now_us()'s scale. */
static inline uint64_t loop_now_us(const struct loop *loop)
{
	return loop->now_us;
}

#endif
