/* dialect_irc.c: IRC clients (RFC 2812): PRIVMSG to a nickname or to the one channel. */
#include "dialect.h"

#define CHANNEL "#bench"

static void enter(struct peer *p)
{
	peer_printf(p, "NICK u%u\r\nUSER u 0 * :u\r\n", p->number);
}

static void join(struct peer *p)
{
	peer_printf(p, "JOIN " CHANNEL "\r\n");
}

static void say(struct peer *p, uint32_t to, struct slice text)
{
	peer_printf(p, "PRIVMSG u%u :%.*s\r\n", to, (int)text.len, text.ptr);
}

static void say_to_group(struct peer *p, struct slice text)
{
	peer_printf(p, "PRIVMSG " CHANNEL " :%.*s\r\n", (int)text.len, text.ptr);
}

static enum event_kind kind_of(struct slice verb)
{
	static const struct {
		struct slice verb;
		enum event_kind kind;
	} known[] = {
		{ { "PRIVMSG", 7 }, EVENT_TEXT },
		{ { "001", 3 }, EVENT_DONE }, /* welcome */
		{ { "366", 3 }, EVENT_DONE }, /* end of the channel's names, which follow a JOIN */
		{ { "ERROR", 5 }, EVENT_REFUSED },
	};
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		if (slice_equal(verb, known[i].verb))
			return known[i].kind;
	}
	bool is_error = verb.len == 3 && (verb.ptr[0] == '4' || verb.ptr[0] == '5');
	return is_error && !slice_equal(verb, SLICE("422")) ? EVENT_REFUSED : EVENT_NONE;
}

/* [:prefix] VERB [target] :text */
static size_t hear(struct peer *p, struct slice in, struct event *event_r)
{
	struct slice line, whole;
	size_t taken;
	if (!dialect_line(in, &line, &taken))
		return 0;
	whole = line;
	if (line.len > 0 && line.ptr[0] == ':')
		dialect_word(&line);
	struct slice verb = dialect_word(&line);
	*event_r = (struct event){ .kind = kind_of(verb), .text = whole };
	if (event_r->kind == EVENT_TEXT) {
		dialect_word(&line);
		event_r->text = line.len > 0 ? slice_skip(line, 1) : line;
	} else if (slice_equal(verb, SLICE("PING"))) {
		peer_printf(p, "PONG %.*s\r\n", (int)line.len, line.ptr);
	}
	return taken;
}

const struct dialect dialect_irc = {
	.name = "irc",
	.enter = enter,
	.join = join,
	.say = say,
	.say_to_group = say_to_group,
	.hear = hear,
};
