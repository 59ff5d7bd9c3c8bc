#include "base/table.h"

#include <stdlib.h>

enum { TABLE_MIN_SLOTS = 16 };

static struct table_node **slot_of(const struct table *t, uint64_t hash)
{
	return &t->slots[hash & (t->slot_count - 1)];
}

static bool grow(struct table *t)
{
	struct table bigger = { .count = t->count };
	bigger.slot_count = t->slot_count ? t->slot_count * 2 : TABLE_MIN_SLOTS;
	bigger.slots = calloc(bigger.slot_count, sizeof(*bigger.slots));
	if (bigger.slots == NULL)
		return false;
	for (size_t i = 0; i < t->slot_count; i++) {
		while (t->slots[i] != NULL) {
			struct table_node *node = t->slots[i];
			t->slots[i] = node->next;
			struct table_node **slot = slot_of(&bigger, node->hash);
			node->next = *slot;
			*slot = node;
		}
	}
	free(t->slots);
	*t = bigger;
	return true;
}

struct table_node *table_find(
    const struct table *t, uint64_t hash, table_equal_fn *equal, const void *key)
{
	if (t->slot_count == 0)
		return NULL;
	for (struct table_node *node = *slot_of(t, hash); node != NULL; node = node->next) {
		if (node->hash == hash && equal(node, key))
			return node;
	}
	return NULL;
}

bool table_add(struct table *t, uint64_t hash, struct table_node *node)
{
	/* A table that can't grow only becomes slower; one without any slot can't take the node. */
	if (t->count >= t->slot_count && !grow(t) && t->slot_count == 0)
		return false;
	struct table_node **slot = slot_of(t, hash);
	node->hash = hash;
	node->next = *slot;
	*slot = node;
	t->count++;
	return true;
}

void table_remove(struct table *t, struct table_node *node)
{
	struct table_node **at = slot_of(t, node->hash);
	while (*at != node)
		at = &(*at)->next;
	*at = node->next;
	node->next = NULL;
	t->count--;
}

void table_clear(struct table *t)
{
	free(t->slots);
	*t = (struct table){ 0 };
}
