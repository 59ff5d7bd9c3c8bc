/*
 * table.h: intrusive hash table. The caller hashes (with a key of the process where strangers choose
 * the keys) and compares. No lock of its own; one thread at a time.
 */
#ifndef BASE_TABLE_H
#define BASE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct table_node {
	struct table_node *next;
	uint64_t hash;
};

/* All zero is a valid empty table. */
struct table {
	struct table_node **slots;
	size_t slot_count; /* a power of two, or 0 */
	size_t count;
};

/* The struct of the given type in which node is the named member. */
#define table_entry(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

typedef bool table_equal_fn(const struct table_node *node, const void *key);

/* The node whose key equals key, or NULL. */
struct table_node *table_find(
    const struct table *t, uint64_t hash, table_equal_fn *equal, const void *key);

/* Adds a node (no look for a twin). false: no memory for the first slots, not added; later ones that there is no memory for are done without. */
bool table_add(struct table *t, uint64_t hash, struct table_node *node);

/* Takes out a node that is in the table. */
void table_remove(struct table *t, struct table_node *node);

/* Frees the slot array; the nodes are the caller's. */
void table_clear(struct table *t);

#endif
