/* dialect_ours.c: version 1 of our protocol (docs/protocol.md). */
#include <stdio.h>

#include "dialect.h"
#include "meter.h"
#include "protocol/query.h"

static const struct slice password = { "correct", 7 };

struct name {
	char text[16];
	size_t len;
};

static struct name name_of(uint32_t number)
{
	struct name name;
	name.len = (size_t)snprintf(name.text, sizeof(name.text), "u%u", number);
	return name;
}

static struct slice slice_of_name(const struct name *name)
{
	return slice_of(name->text, name->len);
}

static void ask(struct peer *p, struct query query)
{
	char text[QUERY_SENT_MAX_LEN];
	struct name name = name_of(p->number);
	query.user = slice_of_name(&name);
	query.token = slice_of(p->token, p->token_len);
	size_t len = query_write(&query, QUERY_FROM_CLIENT, text);
	if (len == 0)
		fail("too long for a query");
	link_send(&p->link, slice_of(text, len));
}

static void enter(struct peer *p)
{
	ask(p, (struct query){ .verb = p->has_account ? QUERY_AUTH : QUERY_PUT, .text = password });
}

/* Group chat is toggled without an answer: the list of who is online is asked for to hear that it was. */
static void join(struct peer *p)
{
	ask(p, (struct query){ .verb = QUERY_CMD, .text = SLICE("<group>") });
	ask(p, (struct query){ .verb = QUERY_CMD, .text = SLICE("<online>") });
}

static void say(struct peer *p, uint32_t to, struct slice text)
{
	struct name name = name_of(to);
	ask(p, (struct query){ .verb = QUERY_MSG, .target = slice_of_name(&name), .text = text });
}

static void say_to_group(struct peer *p, struct slice text)
{
	ask(p, (struct query){ .verb = QUERY_MSGG, .text = text });
}

static void keep_token(struct peer *p, struct slice token)
{
	if (token.len > sizeof(p->token))
		fail("a token of %zu bytes", token.len);
	memcpy(p->token, token.ptr, token.len);
	p->token_len = token.len;
	p->has_account = true;
}

static enum event_kind kind_of(enum query_verb verb)
{
	switch (verb) {
	case QUERY_RELAY:
	case QUERY_RELAYG:
		return EVENT_TEXT;
	case QUERY_ACCEPT:
	case QUERY_CMD:
		return EVENT_DONE;
	case QUERY_CHECK:
		return EVENT_NONE;
	default:
		return EVENT_REFUSED;
	}
}

static size_t hear(struct peer *p, struct slice in, struct event *event_r)
{
	struct slice line;
	struct query query;
	size_t taken;
	int found = query_next(in, &line, &taken);
	if (found == 0)
		return 0;
	if (found < 0 || !query_parse(line, QUERY_FROM_SERVER, &query))
		fail("no query of ours: %.*s", (int)(in.len < 60 ? in.len : 60), in.ptr);
	if (query.verb == QUERY_ACCEPT)
		keep_token(p, query.token);
	*event_r = (struct event){ .kind = kind_of(query.verb), .text = query.text };
	return taken;
}

const struct dialect dialect_ours = {
	.name = "ours",
	.enter = enter,
	.join = join,
	.say = say,
	.say_to_group = say_to_group,
	.hear = hear,
};
