/*
 * mode_idle.c: N users who are logged in and say nothing: what the server's memory grows by for each. What it takes
 * once, at the first connections, is left out: a few come before the first look.
 */
#include "mode.h"

enum { FIRST = 64 };

/* A server may put things in order when it has time. */
static void let_it_settle(struct crowd *c)
{
	uint64_t until_ns = meter_now_ns() + NS_PER_S / 2;
	do
		engine_turn(&c->engine, until_ns);
	while (c->engine.now_ns < until_ns);
}

void mode_idle(const struct options *options, struct report *report)
{
	struct crowd crowd;
	crowd_init(&crowd, options->dialect, &options->servers, options->count + FIRST);
	crowd_bring(&crowd, 0, FIRST, PEER_IN);
	let_it_settle(&crowd);
	uint64_t before_bytes = servers_memory_bytes(&options->servers);
	crowd_bring(&crowd, FIRST, crowd.count, PEER_IN);
	let_it_settle(&crowd);
	uint64_t after_bytes = servers_memory_bytes(&options->servers);
	if (after_bytes > before_bytes)
		report->memory_bytes = (after_bytes - before_bytes) / options->count;
}
