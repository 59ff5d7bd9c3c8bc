/*
 * dialect_nats.c: NATS clients. The server says INFO in the clear, then comes TLS. A user is whoever subscribes to the
 * subject u.NUMBER; the group is the subject g. PING asks whether what was said before has been done.
 */
#include "dialect.h"
#include "meter.h"

static void enter(struct peer *p)
{
	peer_printf(p,
	    "CONNECT {\"verbose\":false,\"pedantic\":false,\"tls_required\":true,\"lang\":\"c\","
	    "\"version\":\"1\",\"protocol\":1,\"echo\":false}\r\nSUB u.%u 1\r\nPING\r\n",
	    p->number);
}

static void join(struct peer *p)
{
	peer_printf(p, "SUB g 2\r\nPING\r\n");
}

static void say(struct peer *p, uint32_t to, struct slice text)
{
	peer_printf(p, "PUB u.%u %zu\r\n%.*s\r\n", to, text.len, (int)text.len, text.ptr);
}

static void say_to_group(struct peer *p, struct slice text)
{
	peer_printf(p, "PUB g %zu\r\n%.*s\r\n", text.len, (int)text.len, text.ptr);
}

/* MSG subject sid [reply] length, then the text and CRLF. Returns 0: the text is not all there. */
static size_t hear_text(struct slice in, struct slice line, size_t line_taken, struct slice *text_r)
{
	size_t len = 0, at = line.len;
	while (at > 0 && line.ptr[at - 1] != ' ')
		at--;
	for (; at < line.len && line.ptr[at] >= '0' && line.ptr[at] <= '9'; at++)
		len = len * 10 + (size_t)(line.ptr[at] - '0');
	if (in.len - line_taken < len + 2)
		return 0;
	*text_r = slice_of(in.ptr + line_taken, len);
	return line_taken + len + 2;
}

static size_t hear(struct peer *p, struct slice in, struct event *event_r)
{
	struct slice line;
	size_t taken;
	if (!dialect_line(in, &line, &taken))
		return 0;
	*event_r = (struct event){ .kind = EVENT_NONE, .text = line };
	if (slice_begins(line, SLICE("MSG "))) {
		event_r->kind = EVENT_TEXT;
		return hear_text(in, line, taken, &event_r->text);
	}
	if (slice_begins(line, SLICE("PING")))
		peer_printf(p, "PONG\r\n");
	else if (slice_begins(line, SLICE("PONG")))
		event_r->kind = EVENT_DONE;
	else if (slice_begins(line, SLICE("-ERR")))
		event_r->kind = EVENT_REFUSED;
	return taken;
}

const struct dialect dialect_nats = {
	.name = "nats",
	.greets = true,
	.enter = enter,
	.join = join,
	.say = say,
	.say_to_group = say_to_group,
	.hear = hear,
};
