#include "base/wheel.h"

#include <stddef.h>

/* The first tick that begins at or after the deadline: an entry is never early. */
static uint64_t tick_of(uint64_t due_ms)
{
	return due_ms / WHEEL_TICK_MS + (due_ms % WHEEL_TICK_MS != 0);
}

void wheel_init(struct wheel *w, uint64_t now_ms)
{
	for (int i = 0; i < WHEEL_SLOTS; i++)
		list_init(&w->slot[i]);
	for (int i = 0; i < WHEEL_SLOTS / 64; i++)
		w->busy[i] = 0;
	w->tick = now_ms / WHEEL_TICK_MS;
	w->next = UINT64_MAX;
}

void wheel_set(struct wheel *w, struct wheel_entry *entry, uint64_t due_ms)
{
	wheel_drop(w, entry);
	uint64_t tick = tick_of(due_ms);
	if (tick < w->tick)
		tick = w->tick;
	uint64_t slot = tick % WHEEL_SLOTS;
	entry->due_ms = due_ms;
	list_append(&w->slot[slot], &entry->node);
	w->busy[slot / 64] |= UINT64_C(1) << slot % 64;
	uint64_t soonest =
	    w->tick + (slot - w->tick) % WHEEL_SLOTS; /* its slot's next turn, if not its own */
	if (soonest < w->next)
		w->next = soonest;
}

void wheel_drop(struct wheel *w, struct wheel_entry *entry)
{
	(void)w; /* the slot's busy bit is taken down when its turn comes */
	list_remove(&entry->node);
}

static void turn_slot(struct wheel *w, uint64_t slot, uint64_t now_ms, wheel_due_fn *due, void *arg)
{
	struct list pending;
	list_init(&pending);
	while (!list_is_empty(&w->slot[slot])) {
		struct list *node = w->slot[slot].next;
		list_remove(node);
		list_append(&pending, node);
	}
	w->busy[slot / 64] &= ~(UINT64_C(1) << slot % 64);
	while (!list_is_empty(&pending)) {
		struct wheel_entry *entry = list_entry(pending.next, struct wheel_entry, node);
		list_remove(&entry->node);
		if (entry->due_ms <= now_ms)
			due(entry, arg);
		else
			wheel_set(w, entry, entry->due_ms); /* of a later turn */
	}
}

/* The first tick from now on whose slot is busy. */
static uint64_t next_busy(const struct wheel *w)
{
	for (uint64_t ahead = 0; ahead < WHEEL_SLOTS; ahead++) {
		uint64_t slot = (w->tick + ahead) % WHEEL_SLOTS;
		uint64_t word = w->busy[slot / 64];
		if (word == 0)
			ahead += 63 - slot % 64; /* to the end of this empty word */
		else if (word >> slot % 64 & 1)
			return w->tick + ahead;
	}
	return UINT64_MAX;
}

void wheel_turn(struct wheel *w, uint64_t now_ms, wheel_due_fn *due, void *arg)
{
	uint64_t last = now_ms / WHEEL_TICK_MS;
	if (last < w->tick)
		return;
	uint64_t first = w->tick;
	if (last - first >= WHEEL_SLOTS)
		first = last - WHEEL_SLOTS + 1;
	w->tick = last + 1; /* what due() sets for now goes into the next tick, so this loop ends */
	for (uint64_t tick = first; tick <= last; tick++) {
		uint64_t slot = tick % WHEEL_SLOTS;
		if (w->busy[slot / 64] >> slot % 64 & 1)
			turn_slot(w, slot, now_ms, due, arg);
	}
	w->next = next_busy(w);
}

uint64_t wheel_wait_ms(const struct wheel *w, uint64_t now_ms)
{
	if (w->next == UINT64_MAX)
		return UINT64_MAX;
	uint64_t at_ms = w->next * WHEEL_TICK_MS;
	return at_ms > now_ms ? at_ms - now_ms : 0;
}
