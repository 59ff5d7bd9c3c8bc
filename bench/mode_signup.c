/*
 * mode_signup.c: N new users whose handshakes are done ask for an account, a window of them at once; each is answered
 * when its account will last. So the handshakes don't count.
 */
#include <stdlib.h>

#include "mode.h"

struct signup {
	const struct options *options;
	struct crowd crowd;
	struct report *report;
	uint32_t asked, answered;
	uint64_t *asked_ns;
};

static void ask_next(struct signup *s)
{
	if (s->asked == s->options->count)
		return;
	s->asked_ns[s->asked] = meter_now_ns();
	crowd_enter(&s->crowd.peers[s->asked++]);
}

static void on_in(struct peer *p)
{
	struct signup *s = p->crowd->mode;
	histogram_add(&s->report->latency, s->crowd.engine.now_ns - s->asked_ns[p->number]);
	s->answered++;
	ask_next(s);
}

void mode_signup(const struct options *options, struct report *report)
{
	static const struct crowd_events events = { .in = on_in };
	struct signup s = { .options = options, .report = report };
	s.asked_ns = calloc(options->count, sizeof(*s.asked_ns));
	if (s.asked_ns == NULL)
		fail("no memory");
	crowd_init(&s.crowd, options->dialect, &options->servers, options->count);
	s.crowd.mode = &s;
	s.crowd.events = &events;
	crowd_bring(&s.crowd, 0, options->count, PEER_SECURE);
	uint64_t began_ns = meter_now_ns(), cpu_ns = servers_cpu_ns(&options->servers);
	uint64_t give_up_ns = began_ns + 60 * NS_PER_S;
	while (s.asked < options->at_once && s.asked < options->count)
		ask_next(&s);
	while (s.answered < options->count && s.crowd.engine.now_ns < give_up_ns)
		engine_turn(&s.crowd.engine, give_up_ns);
	if (s.answered < options->count)
		fail("only %u of %u sign-ups were answered", s.answered, options->count);
	report->done = options->count;
	report->took_ns = meter_now_ns() - began_ns;
	report->server_cpu_ns = servers_cpu_ns(&options->servers) - cpu_ns;
}
