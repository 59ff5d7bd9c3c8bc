#include "client/full/undo.h"

#include <stdlib.h>

#include <sodium.h>

void undo_init(struct undo *u)
{
	*u = (struct undo){ 0 };
	list_init(&u->steps);
}

static void drop(struct undo *u, struct list *node)
{
	struct undo_step *step = list_entry(node, struct undo_step, node);
	list_remove(node);
	u->count--;
	u->bytes -= step->removed_len;
	sodium_memzero(step->removed, step->removed_len);
	free(step);
}

static void forget_oldest(struct undo *u)
{
	struct list *oldest = u->steps.prev;
	while (oldest != u->steps.next && (u->count > UNDO_MAX || u->bytes > UNDO_MAX_BYTES)) {
		struct list *newer = oldest->prev;
		drop(u, oldest);
		oldest = newer;
	}
}

bool undo_note(struct undo *u, size_t at, struct slice removed, size_t inserted_len)
{
	struct undo_step *step = malloc(sizeof(*step) + removed.len);
	if (step == NULL) {
		undo_clear(u); /* older changes fit only what was there before this one */
		return false;
	}
	*step = (struct undo_step){
		.at = at, .inserted_len = inserted_len, .removed_len = removed.len
	};
	if (removed.len > 0)
		memcpy(step->removed, removed.ptr, removed.len);
	list_append(u->steps.next, &step->node);
	u->count++;
	u->bytes += removed.len;
	forget_oldest(u);
	return true;
}

static struct undo_step *newest(const struct undo *u)
{
	return list_is_empty(&u->steps) ? NULL : list_entry(u->steps.next, struct undo_step, node);
}

const struct undo_step *undo_newest(const struct undo *u)
{
	return newest(u);
}

void undo_extend(struct undo *u, size_t len)
{
	struct undo_step *step = newest(u);
	if (step != NULL)
		step->inserted_len += len;
}

void undo_drop(struct undo *u)
{
	if (!list_is_empty(&u->steps))
		drop(u, u->steps.next);
}

void undo_clear(struct undo *u)
{
	list_each_safe(node, &u->steps)
		drop(u, node);
}
