/*
 * mode_login.c: users come and go: connect, handshake, log in, close, wait for the server's close, come again. With full
 * handshakes, or with the ticket of the time before. What a log-in costs includes what its end costs.
 */
#include <stdlib.h>

#include "mode.h"

struct login {
	const struct options *options;
	struct crowd crowd;
	struct span span;
	uint64_t *began_ns; /* of each user's present log-in */
	uint64_t under_way; /* users that are not out */
	bool preparing;     /* the first time: an account is made, a ticket is got */
	bool over;
};

static void begin(struct login *l, struct peer *p)
{
	l->began_ns[p->number] = meter_now_ns();
	l->under_way++;
	crowd_open(&l->crowd, p, l->options->resume && !l->preparing);
}

static void on_in(struct peer *p)
{
	struct login *l = p->crowd->mode;
	if (!l->preparing)
		span_done(&l->span, l->began_ns[p->number]);
	if (l->span.measuring && SSL_session_reused(p->link.ssl) == 1)
		l->span.report->resumed++;
	link_close(&p->link);
}

static void on_out(struct peer *p)
{
	struct login *l = p->crowd->mode;
	l->under_way--;
	if (!l->over && !l->preparing)
		begin(l, p);
}

static void begin_all(struct login *l)
{
	for (uint32_t i = 0; i < l->crowd.count; i++)
		begin(l, &l->crowd.peers[i]);
}

void mode_login(const struct options *options, struct report *report)
{
	static const struct crowd_events events = { .in = on_in, .out = on_out };
	struct login l = { .options = options, .preparing = true };
	l.began_ns = calloc(options->at_once, sizeof(*l.began_ns));
	if (l.began_ns == NULL)
		fail("no memory");
	crowd_init(&l.crowd, options->dialect, &options->servers, options->at_once);
	l.crowd.mode = &l;
	l.crowd.events = &events;
	begin_all(&l);
	crowd_drain(&l.crowd, &l.under_way, DRAIN_S, "first log-ins");
	l.preparing = false;
	span_begin(&l.span, options, &l.crowd, report);
	l.span.batch = options->at_once;
	begin_all(&l);
	while (span_turn(&l.span, UINT64_MAX))
		continue;
	l.over = true;
	crowd_drain(&l.crowd, &l.under_way, DRAIN_S, "log-ins");
}
