/*
 * mode_fanout.c: a group of G members, and one more user who talks to it. Either W messages are in flight, the next
 * going when a message has reached all members; or they leave at a fixed rate. Each delivery is counted.
 */
#include <stdlib.h>

#include "mode.h"

struct fanout {
	const struct options *options;
	struct crowd crowd;
	struct span span;
	uint32_t *received;  /* of each member */
	uint32_t *missing;   /* ring of messages: members that have not got it */
	uint64_t *began_ns;  /* ring of messages: when it was said, or was due */
	uint32_t ring_count; /* a power of two */
	uint32_t said;
	uint64_t in_flight; /* deliveries */
	bool over;
};

/* At a fixed rate so many messages may be under way at most. */
enum { RING_MAX = 1 << 16 };

/* The receiver of a text for the group: no user has that number. */
static const uint32_t everybody = UINT32_MAX;

static void say(struct fanout *f, uint64_t began_ns)
{
	uint32_t at = f->said & (f->ring_count - 1);
	if (f->missing[at] > 0)
		fail("the server is too far behind");
	f->missing[at] = f->options->members;
	f->began_ns[at] = began_ns;
	f->in_flight += f->options->members;
	f->options->dialect->say_to_group(&f->crowd.peers[f->options->members],
	    stamp_write(everybody, f->said++, f->options->bytes));
}

static void on_text(struct peer *p, struct slice text)
{
	struct fanout *f = p->crowd->mode;
	uint32_t sequence = stamp_check(text, everybody, f->options->bytes);
	if (p->number >= f->options->members || sequence != f->received[p->number] ||
	    sequence >= f->said)
		fail("user %u got message %u of the group in place of %u", p->number, sequence,
		    f->received[p->number]);
	f->received[p->number]++;
	f->in_flight--;
	uint32_t at = sequence & (f->ring_count - 1);
	span_done(&f->span, f->began_ns[at]);
	if (--f->missing[at] == 0 && !f->over && f->options->rate == 0)
		say(f, f->crowd.engine.now_ns);
}

static void run_at_rate(struct fanout *f)
{
	uint64_t t0_ns = f->crowd.engine.now_ns, step_ns = NS_PER_S / f->options->rate;
	uint64_t due_ns = t0_ns;
	do {
		for (; due_ns <= f->crowd.engine.now_ns; due_ns += step_ns)
			say(f, due_ns);
	} while (span_turn(&f->span, due_ns));
}

static void run_in_window(struct fanout *f)
{
	for (uint32_t w = 0; w < f->options->window; w++)
		say(f, f->crowd.engine.now_ns);
	while (span_turn(&f->span, UINT64_MAX))
		continue;
}

void mode_fanout(const struct options *options, struct report *report)
{
	static const struct crowd_events events = { .text = on_text };
	struct fanout f = { .options = options, .ring_count = 1 };
	while (f.ring_count < options->window || (options->rate > 0 && f.ring_count < RING_MAX))
		f.ring_count *= 2;
	f.received = calloc(options->members, sizeof(*f.received));
	f.missing = calloc(f.ring_count, sizeof(*f.missing));
	f.began_ns = calloc(f.ring_count, sizeof(*f.began_ns));
	if (f.received == NULL || f.missing == NULL || f.began_ns == NULL)
		fail("no memory");
	crowd_init(&f.crowd, options->dialect, &options->servers, options->members + 1);
	f.crowd.mode = &f;
	f.crowd.events = &events;
	crowd_bring(&f.crowd, 0, options->members, PEER_MEMBER);
	crowd_bring(&f.crowd, options->members, options->members + 1, PEER_IN);
	span_begin(&f.span, options, &f.crowd, report);
	if (options->rate > 0)
		run_at_rate(&f);
	else
		run_in_window(&f);
	f.over = true;
	crowd_drain(&f.crowd, &f.in_flight, DRAIN_S, "deliveries");
}
