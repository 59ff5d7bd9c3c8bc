/*
 * wheel.h: a timer wheel: many deadlines, each cheap to set, move and drop. One thread.
 *
 *   slot   0    1    2   ...  WHEEL_SLOTS-1
 *          |    |    |             |            each slot covers WHEEL_TICK_MS; deadlines further
 *         [a]  [ ]  [b c]         [ ]           away than one turn wait in their slot for their turn
 */
#ifndef BASE_WHEEL_H
#define BASE_WHEEL_H

#include <stdint.h>

#include "base/list.h"

enum { WHEEL_SLOTS = 1024, WHEEL_TICK_MS = 16 };

struct wheel_entry {
	struct list node;
	uint64_t due_ms; /* on clock_now_ms()'s scale */
};

struct wheel {
	struct list slot[WHEEL_SLOTS];
	uint64_t busy[WHEEL_SLOTS / 64]; /* a bit per slot that may hold something */
	uint64_t tick;                   /* every slot before this tick has been looked at */
	uint64_t next;                   /* no slot before this tick is busy; UINT64_MAX: none is */
};

typedef void wheel_due_fn(struct wheel_entry *entry, void *arg);

void wheel_init(struct wheel *w, uint64_t now_ms);

/* Sets or moves the entry's deadline; it comes due within WHEEL_TICK_MS after it, never before. */
void wheel_set(struct wheel *w, struct wheel_entry *entry, uint64_t due_ms);

/* Drops the entry's deadline; fine if it has none. */
void wheel_drop(struct wheel *w, struct wheel_entry *entry);

/* Calls due() for each entry whose deadline has passed. The entry is out of the wheel; due() may set or drop any. */
void wheel_turn(struct wheel *w, uint64_t now_ms, wheel_due_fn *due, void *arg);

/* Milliseconds until wheel_turn() next has something to look at; UINT64_MAX: the wheel is empty. */
uint64_t wheel_wait_ms(const struct wheel *w, uint64_t now_ms);

#endif
