/*
 * mode_relay.c: K pairs; user 2i talks to user 2i+1. Either a window of W messages is in flight in each pair, and what
 * arrives lets the next go; or messages leave at a fixed rate over all pairs whether or not others have arrived, and a
 * latency counts from the moment at which the message was due, not from when the generator got round to it.
 */
#include <stdlib.h>

#include "mode.h"

struct pair {
	uint32_t sent;
	uint32_t received;
	uint64_t *sent_ns; /* of the last W messages */
};

struct relay {
	const struct options *options;
	struct crowd crowd;
	struct span span;
	struct pair *pairs;
	uint64_t in_flight;
	bool over;       /* nothing new is said */
	uint64_t t0_ns;  /* fixed rate: when the first message was due */
	uint64_t issued; /* fixed rate: messages so far, which go round the pairs */
};

static void say(struct relay *r, uint32_t pair_number)
{
	struct pair *pair = &r->pairs[pair_number];
	uint32_t receiver = 2 * pair_number + 1;
	if (pair->sent_ns != NULL)
		pair->sent_ns[pair->sent % r->options->window] = r->crowd.engine.now_ns;
	r->in_flight++;
	r->options->dialect->say(&r->crowd.peers[2 * pair_number], receiver,
	    stamp_write(receiver, pair->sent++, r->options->bytes));
}

static uint64_t due_ns(const struct relay *r, uint64_t message)
{
	return r->t0_ns + message * NS_PER_S / r->options->rate;
}

static void on_text(struct peer *p, struct slice text)
{
	struct relay *r = p->crowd->mode;
	struct pair *pair = &r->pairs[p->number / 2];
	uint32_t sequence = stamp_check(text, p->number, r->options->bytes);
	if (p->number % 2 == 0 || sequence != pair->received || sequence >= pair->sent)
		fail("user %u got message %u in place of %u", p->number, sequence, pair->received);
	pair->received++;
	r->in_flight--;
	if (r->options->rate > 0) {
		span_done(
		    &r->span, due_ns(r, (uint64_t)sequence * r->options->pairs + p->number / 2));
		return;
	}
	span_done(&r->span, pair->sent_ns[sequence % r->options->window]);
	if (!r->over)
		say(r, p->number / 2);
}

/* Says all that is due; returns when the next will be. */
static uint64_t say_due(struct relay *r)
{
	while (due_ns(r, r->issued) <= r->crowd.engine.now_ns) {
		say(r, (uint32_t)(r->issued % r->options->pairs));
		r->issued++;
	}
	return due_ns(r, r->issued);
}

static void run_at_rate(struct relay *r)
{
	r->t0_ns = r->crowd.engine.now_ns;
	while (span_turn(&r->span, say_due(r)))
		continue;
}

static void run_in_windows(struct relay *r)
{
	for (uint32_t i = 0; i < r->options->pairs; i++) {
		r->pairs[i].sent_ns = calloc(r->options->window, sizeof(uint64_t));
		if (r->pairs[i].sent_ns == NULL)
			fail("no memory");
		for (uint32_t w = 0; w < r->options->window; w++)
			say(r, i);
	}
	while (span_turn(&r->span, UINT64_MAX))
		continue;
}

void mode_relay(const struct options *options, struct report *report)
{
	static const struct crowd_events events = { .text = on_text };
	struct relay r = { .options = options,
		.pairs = calloc(options->pairs, sizeof(struct pair)) };
	if (r.pairs == NULL)
		fail("no memory");
	crowd_init(&r.crowd, options->dialect, &options->servers, 2 * options->pairs);
	r.crowd.mode = &r;
	r.crowd.events = &events;
	crowd_bring(&r.crowd, 0, r.crowd.count, PEER_IN);
	span_begin(&r.span, options, &r.crowd, report);
	if (options->rate > 0)
		run_at_rate(&r);
	else
		run_in_windows(&r);
	r.over = true;
	crowd_drain(&r.crowd, &r.in_flight, DRAIN_S, "messages");
}
