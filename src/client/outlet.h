/* outlet.h: a descriptor that is written to without ever waiting for its reader: what it does not take is kept. One thread. */
#ifndef CLIENT_OUTLET_H
#define CLIENT_OUTLET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/slice.h"

struct outlet {
	int fd; /* blocking or not, as it came: its flags may be shared with others and are left alone */
	struct buffer pending;
	bool
	    is_broken; /* nobody can read it any more, or memory ran out; what was pending is gone */
};

void outlet_init(struct outlet *o, int fd);
void outlet_clear(struct outlet *o);

/* Adds to what is pending; outlet_flush() writes it. */
void outlet_write(struct outlet *o, struct slice bytes);

/* Writes of what is pending as much as the reader takes now. */
void outlet_flush(struct outlet *o);

static inline size_t outlet_pending(const struct outlet *o)
{
	return o->pending.len;
}

#endif
