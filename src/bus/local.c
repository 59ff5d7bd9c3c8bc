/* local.c: the bus of a server that stands alone: there is nobody to tell and nothing to wait for. */
#include "bus/bus.h"

#include <stdio.h>
#include <string.h>

struct bus {
	char unused; /* it needs no state: one serves all */
};

static struct bus alone;

struct bus *bus_open(const char *url, const char *node, bus_deliver_fn *deliver, void *arg,
    char *why, size_t why_size)
{
	(void)node;
	(void)deliver;
	(void)arg;
	if (strcmp(url, "local") == 0)
		return &alone;
	snprintf(why, why_size, "no bus is known for \"%s\"; it must be local", url);
	return NULL;
}

void bus_close(struct bus *bus)
{
	(void)bus;
}

enum bus_status bus_send(struct bus *bus, const struct bus_message *message)
{
	(void)bus;
	return message->kind == BUS_TO_GROUP ? BUS_SENT : BUS_NOBODY;
}

void bus_user_joined(struct bus *bus, struct slice name)
{
	(void)bus;
	(void)name;
}

void bus_user_left(struct bus *bus, struct slice name)
{
	(void)bus;
	(void)name;
}
