/* engine.h: what stands behind bus.h. Not for other rooms. */
#ifndef BUS_ENGINE_H
#define BUS_ENGINE_H

#include "bus/bus.h"

/* Each does what the function of the same name in bus.h promises. */
struct bus_engine {
	bool is_shared;
	void (*close)(struct bus *bus);
	enum bus_status (*send)(struct bus *bus, const struct bus_message *message);
	void (*user_joins)(struct bus *bus, struct bus_join *join);
	void (*user_leaves)(struct bus *bus, struct bus_join *join);
	void (*not_here)(struct bus *bus, struct bus_sender from);
	struct bus_counts (*counts)(struct bus *bus);
};

/* An engine's own struct begins with this. */
struct bus {
	const struct bus_engine *engine;
};

struct bus *local_open(void);
struct bus *nats_bus_open(const struct bus_config *config, const struct bus_events *events,
    void *arg, char *why, size_t why_size); /* in builds that have libnats */

#endif
