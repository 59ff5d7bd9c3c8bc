#include "mode.h"

enum { STUCK_S = 10 };

static uint64_t ns_of(double seconds)
{
	return (uint64_t)(seconds * 1e9);
}

void span_begin(
    struct span *s, const struct options *options, struct crowd *crowd, struct report *report)
{
	uint64_t now_ns = meter_now_ns();
	*s = (struct span){ .options = options,
		.crowd = crowd,
		.report = report,
		.measure_ns = now_ns + ns_of(options->warm_up),
		.end_ns = now_ns + ns_of(options->warm_up + options->seconds) };
}

static void begin_measuring(struct span *s)
{
	s->measuring = true;
	s->end_ns += meter_now_ns() - s->measure_ns;
	s->measure_ns = meter_now_ns();
	s->cpu_ns = servers_cpu_ns(&s->options->servers);
	s->own_cpu_ns = meter_cpu_ns(0);
}

static void end_measuring(struct span *s)
{
	s->measuring = false;
	s->report->server_cpu_ns = servers_cpu_ns(&s->options->servers) - s->cpu_ns;
	s->report->own_cpu_ns = meter_cpu_ns(0) - s->own_cpu_ns;
	s->report->took_ns = meter_now_ns() - s->measure_ns;
}

static bool is_time(const struct span *s, uint64_t when_ns, uint64_t done_before)
{
	uint64_t now_ns = s->crowd->engine.now_ns;
	if (now_ns >= when_ns + STUCK_S * NS_PER_S)
		fail("nothing moves any more");
	return now_ns >= when_ns && (s->batch == 0 || s->done / s->batch > done_before / s->batch);
}

bool span_turn(struct span *s, uint64_t until_ns)
{
	uint64_t done_before = s->done, when_ns = s->measuring ? s->end_ns : s->measure_ns;
	if (s->batch > 0) /* then the end of the time is not what is waited for */
		engine_turn(&s->crowd->engine, when_ns + STUCK_S * NS_PER_S);
	else
		engine_turn(&s->crowd->engine, until_ns < when_ns ? until_ns : when_ns);
	if (!is_time(s, when_ns, done_before))
		return true;
	if (!s->measuring) {
		begin_measuring(s);
		return true;
	}
	end_measuring(s);
	return false;
}

void span_done(struct span *s, uint64_t began_ns)
{
	s->done++;
	if (!s->measuring)
		return;
	s->report->done++;
	histogram_add(&s->report->latency, s->crowd->engine.now_ns - began_ns);
}
