/* bus.c: the face of the bus: finds what the url names and hands everything on to it. */
#include "bus/bus.h"

#include <stdio.h>
#include <string.h>

#include "bus/engine.h"

struct bus *bus_open(const struct bus_config *config, const struct bus_events *events, void *arg,
    char *why, size_t why_size)
{
	const char *url = config->url;
	if (strcmp(url, "local") == 0)
		return local_open();
	if (strncmp(url, "nats://", 7) == 0 || strncmp(url, "tls://", 6) == 0) {
#ifdef HAVE_NATS
		return nats_bus_open(config, events, arg, why, why_size);
#else
		(void)events;
		(void)arg;
		snprintf(why, why_size,
		    "this messagerd was built without NATS; build it where its client library is "
		    "installed (libnats-dev)");
		return NULL;
#endif
	}
	/* It may hold a password: only the scheme is said. */
	snprintf(why, why_size,
	    "no bus is known for \"%.*s\"; it must be local or nats://HOST:PORT",
	    (int)strcspn(url, ":"), url);
	return NULL;
}

void bus_close(struct bus *bus)
{
	if (bus != NULL)
		bus->engine->close(bus);
}

bool bus_is_shared(const struct bus *bus)
{
	return bus->engine->is_shared;
}

enum bus_status bus_send(struct bus *bus, const struct bus_message *message)
{
	return bus->engine->send(bus, message);
}

void bus_user_joins(struct bus *bus, struct bus_join *join)
{
	bus->engine->user_joins(bus, join);
}

void bus_user_leaves(struct bus *bus, struct bus_join *join)
{
	bus->engine->user_leaves(bus, join);
}

void bus_not_here(struct bus *bus, struct bus_sender from)
{
	bus->engine->not_here(bus, from);
}

struct bus_counts bus_counts(struct bus *bus)
{
	return bus->engine->counts(bus);
}
