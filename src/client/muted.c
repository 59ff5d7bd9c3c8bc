#include "client/muted.h"

#include <stdlib.h>

#include "client/session.h"

struct muted {
	struct list node;
	size_t len;
	char name[];
};

static void drop(struct muted *m)
{
	list_remove(&m->node);
	free(m);
}

bool muted_set(struct list *muted, struct slice name, bool is_muted)
{
	list_each_safe(node, muted) {
		struct muted *m = list_entry(node, struct muted, node);
		if (slice_equal(slice_of(m->name, m->len), name))
			drop(m);
	}
	if (!is_muted)
		return true;
	struct muted *m =
	    name.len > 0 && name.len <= SESSION_NAME_MAX_LEN ? malloc(sizeof(*m) + name.len) : NULL;
	if (m == NULL)
		return false;
	m->len = name.len;
	memcpy(m->name, name.ptr, name.len);
	list_append(muted, &m->node);
	return true;
}

struct slice muted_name(const struct list *muted, size_t number)
{
	list_each(node, muted) {
		const struct muted *m = list_entry(node, struct muted, node);
		if (number-- == 0)
			return slice_of(m->name, m->len);
	}
	return SLICE("");
}

bool muted_has(const struct list *muted, struct slice name)
{
	list_each(node, muted) {
		const struct muted *m = list_entry(node, struct muted, node);
		if (slice_equal(slice_of(m->name, m->len), name))
			return true;
	}
	return false;
}

void muted_clear(struct list *muted)
{
	list_each_safe(node, muted)
		drop(list_entry(node, struct muted, node));
}
