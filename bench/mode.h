/* mode.h: the kinds of run, one file each (mode_*.c). */
#ifndef BENCH_MODE_H
#define BENCH_MODE_H

#include "crowd.h"

struct options {
	const struct dialect *dialect;
	struct servers servers;
	const char *label; /* of the server, for the report */
	uint32_t pairs;    /* relay */
	uint32_t window;   /* messages in flight: of each pair, or in the group */
	uint32_t bytes;    /* of a text */
	uint32_t
	    rate; /* relay, fan-out: messages per second in all; 0: as fast as the window lets */
	uint32_t members; /* fan-out */
	uint32_t count;   /* idle: connections; sign-up: users */
	uint32_t at_once; /* log-in: connections that come and go */
	uint32_t mib;     /* files: of each, in MiB */
	bool resume;      /* log-in: with tickets */
	double seconds;   /* that are measured */
	double warm_up;   /* seconds before */
};

/* What a run found out; a field that a mode does not know is left 0 and not reported. */
struct report {
	uint64_t done;    /* deliveries, log-ins, sign-ups, MiB that were measured */
	uint64_t resumed; /* log-ins of these whose handshake took a ticket */
	uint64_t took_ns;
	uint64_t server_cpu_ns;
	uint64_t own_cpu_ns;
	struct histogram latency;
	uint64_t memory_bytes; /* of the server, per connection */
};

/* Each runs to its end; what goes wrong ends the program. */
void mode_relay(const struct options *options, struct report *report);
void mode_fanout(const struct options *options, struct report *report);
void mode_idle(const struct options *options, struct report *report);
void mode_login(const struct options *options, struct report *report);
void mode_upload(const struct options *options, struct report *report);
void mode_download(const struct options *options, struct report *report);
void mode_signup(const struct options *options, struct report *report);

/*
 * The time and the counts of a run: warm-up, measured time, then nothing new is begun and what is under way is awaited.
 *
 *	struct span span;
 *	span_begin(&span, &options, &crowd, &report);
 *	while (span_goes_on(&span)) ...;         each round a turn of the engine
 */
struct span {
	const struct options *options;
	struct crowd *crowd;
	struct report *report;
	uint64_t measure_ns, end_ns; /* when */
	uint64_t cpu_ns, own_cpu_ns; /* at measure_ns */
	bool measuring;
	/*
	 * What comes in batches is measured from the end of one to the end of another: begin and end wait until another `batch` things
	 * have been done. 0: nothing does.
	 */
	uint64_t batch;
	uint64_t done; /* so far, measured or not */
};
void span_begin(
    struct span *s, const struct options *options, struct crowd *crowd, struct report *report);

/* Takes a turn of the engine, until `until_ns` at the latest. false: the measured time is over. */
bool span_turn(struct span *s, uint64_t until_ns);

/* Something that began then is done: counts it if it was in the measured time. */
void span_done(struct span *s, uint64_t began_ns);

#endif
