/* muted.h: whose messages are not shown. Part of session.c's model. Pure but for memory; one thread. */
#ifndef CLIENT_MUTED_H
#define CLIENT_MUTED_H

#include <stdbool.h>
#include <stddef.h>

#include "base/list.h"
#include "base/slice.h"

/* Adds the name to the list (of list_init()), or takes it off. false: no memory, or the name is empty or too long. */
bool muted_set(struct list *muted, struct slice name, bool is_muted);
bool muted_has(const struct list *muted, struct slice name);
/* The number-th name, from 0; an empty slice: there are no more. */
struct slice muted_name(const struct list *muted, size_t number);
void muted_clear(struct list *muted);

#endif
