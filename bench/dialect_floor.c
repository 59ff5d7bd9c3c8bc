/*
 * dialect_floor.c: to the floor (floor.c), which looks at nothing. The first line of a connection is its number, and
 * comes back; all else are texts that end with LF.
 */
#include "dialect.h"

static void enter(struct peer *p)
{
	peer_printf(p, "%u\n", p->number);
}

static void say_to_group(struct peer *p, struct slice text)
{
	peer_printf(p, "%.*s\n", (int)text.len, text.ptr);
}

static void say(struct peer *p, uint32_t to, struct slice text)
{
	say_to_group(p, text);
}

/* A number is shorter than any text. */
enum { NUMBER_MAX_LEN = 10 };

static size_t hear(struct peer *p, struct slice in, struct event *event_r)
{
	struct slice line;
	size_t taken;
	if (!dialect_line(in, &line, &taken))
		return 0;
	event_r->kind = line.len <= NUMBER_MAX_LEN ? EVENT_DONE : EVENT_TEXT;
	event_r->text = line;
	return taken;
}

const struct dialect dialect_floor = {
	.name = "floor",
	.enter = enter,
	.say = say,
	.say_to_group = say_to_group,
	.hear = hear,
};
