#include "client/outlet.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

/* A pipe or terminal that poll() calls writable takes so much without blocking (PIPE_BUF of Linux). */
enum { AT_ONCE_LEN = 4096 };

void outlet_init(struct outlet *o, int fd)
{
	*o = (struct outlet){ .fd = fd };
}

void outlet_clear(struct outlet *o)
{
	buffer_clear(&o->pending);
}

static void fail(struct outlet *o)
{
	o->is_broken = true;
	buffer_clear(&o->pending);
}

void outlet_write(struct outlet *o, struct slice bytes)
{
	if (o->is_broken)
		return;
	if (!buffer_append_slice(&o->pending, bytes))
		fail(o);
}

void outlet_flush(struct outlet *o)
{
	while (o->pending.len > 0) {
		struct pollfd ready = { .fd = o->fd, .events = POLLOUT };
		if (poll(&ready, 1, 0) <= 0)
			return;
		struct slice bytes = buffer_slice(&o->pending);
		ssize_t put =
		    write(o->fd, bytes.ptr, bytes.len < AT_ONCE_LEN ? bytes.len : AT_ONCE_LEN);
		if (put < 0 && (errno == EINTR || errno == EAGAIN))
			return;
		if (put < 0) {
			fail(o);
			return;
		}
		buffer_take(&o->pending, (size_t)put);
	}
}
