#include "crowd.h"

#include <stdlib.h>
#include <string.h>

enum { HANDSHAKES_AT_ONCE = 8, LOGINS_AT_ONCE = 1024, PATIENCE_S = 90, A_SECOND = 100 };

uint64_t servers_cpu_ns(const struct servers *s)
{
	uint64_t all_ns = 0;
	for (uint32_t i = 0; i < s->count; i++)
		all_ns += meter_cpu_ns(s->pids[i]);
	return all_ns;
}

uint64_t servers_memory_bytes(const struct servers *s)
{
	uint64_t all_bytes = 0;
	for (uint32_t i = 0; i < s->count; i++)
		all_bytes += meter_memory_bytes(s->pids[i]);
	return all_bytes;
}

static void enter_state(struct peer *p, enum peer_state state)
{
	p->crowd->in_state[p->state]--;
	p->state = state;
	p->crowd->in_state[state]++;
}

void crowd_enter(struct peer *p)
{
	enter_state(p, PEER_ENTERING);
	p->crowd->dialect->enter(p);
}

void crowd_join(struct peer *p)
{
	enter_state(p, PEER_JOINING);
	if (p->crowd->dialect->join != NULL)
		p->crowd->dialect->join(p);
	else
		enter_state(p, PEER_MEMBER);
}

static void on_opened(struct link *l)
{
	struct peer *p = (struct peer *)l;
	enter_state(p, PEER_SECURE);
	if (!p->crowd->stays_secure)
		crowd_enter(p);
}

static void on_done(struct peer *p, struct slice text)
{
	if (p->state == PEER_JOINING) {
		enter_state(p, PEER_MEMBER);
	} else if (p->state == PEER_ENTERING) {
		enter_state(p, PEER_IN);
		if (p->crowd->events->in != NULL)
			p->crowd->events->in(p);
	} else if (p->crowd->events->words != NULL) {
		p->crowd->events->words(p, text);
	}
}

static void on_event(struct peer *p, const struct event *event)
{
	switch (event->kind) {
	case EVENT_NONE:
		break;
	case EVENT_DONE:
		on_done(p, event->text);
		break;
	case EVENT_TEXT:
		if (p->crowd->events->text == NULL)
			fail("user %u was told something that nobody said", p->number);
		p->crowd->events->text(p, event->text);
		break;
	case EVENT_REFUSED:
		fail("user %u was refused: %.*s", p->number, (int)event->text.len, event->text.ptr);
	}
}

static size_t on_received(struct link *l, struct slice bytes)
{
	struct peer *p = (struct peer *)l;
	struct slice rest = bytes;
	struct event event;
	size_t taken;
	if (l->by_record) {
		p->crowd->events->record(p, bytes);
		return bytes.len;
	}
	while (rest.len > 0 && (taken = p->crowd->dialect->hear(p, rest, &event)) > 0) {
		rest = slice_skip(rest, taken);
		on_event(p, &event);
	}
	return bytes.len - rest.len;
}

static void on_closed(struct link *l)
{
	struct peer *p = (struct peer *)l;
	if (p->crowd->events->out == NULL)
		fail("the server closed the connection of user %u", p->number);
	enter_state(p, PEER_OUT);
	p->crowd->events->out(p);
}

static void on_drained(struct link *l)
{
	struct peer *p = (struct peer *)l;
	if (p->crowd->events->drained != NULL)
		p->crowd->events->drained(l);
}

void crowd_init(
    struct crowd *c, const struct dialect *dialect, const struct servers *servers, uint32_t count)
{
	static const struct link_events events = { .opened = on_opened,
		.received = on_received,
		.drained = on_drained,
		.closed = on_closed };
	static const struct crowd_events nothing;
	*c = (struct crowd){ .dialect = dialect, .events = &nothing, .count = count };
	engine_init(&c->engine, &events);
	c->engine.greets = dialect->greets;
	c->peers = calloc(count, sizeof(*c->peers));
	if (c->peers == NULL)
		fail("no memory");
	for (uint32_t i = 0; i < count; i++) {
		c->peers[i].crowd = c;
		c->peers[i].number = i;
		c->peers[i].link.port =
		    (uint16_t)servers->ports[(servers->by_pair ? i / 2 : i) % servers->count];
	}
	c->in_state[PEER_OUT] = count;
}

void crowd_open(struct crowd *c, struct peer *p, bool resume)
{
	enter_state(p, PEER_CONNECTING);
	link_open(&c->engine, &p->link, resume);
}

/* So many handshakes (some servers listen with a backlog of 10) and log-ins (some answer them once a second) may be under way. */
static bool has_room(const struct crowd *c)
{
	return c->in_state[PEER_CONNECTING] < HANDSHAKES_AT_ONCE &&
	       c->in_state[PEER_ENTERING] + c->in_state[PEER_JOINING] < LOGINS_AT_ONCE;
}

/* Sets a peer on its way to the state that is wanted. */
static void set_off(struct crowd *c, struct peer *p, enum peer_state state)
{
	if (state == PEER_MEMBER)
		crowd_join(p);
	else
		crowd_open(c, p, false);
}

static void bring_to(struct crowd *c, uint32_t from, uint32_t to, enum peer_state state)
{
	uint64_t give_up_ns = meter_now_ns() + (PATIENCE_S + (to - from) / A_SECOND) * NS_PER_S;
	uint32_t wanted = c->in_state[state] + (to - from);
	while (c->in_state[state] < wanted) {
		while (from < to && has_room(c))
			set_off(c, &c->peers[from++], state);
		if (c->in_state[state] < wanted)
			engine_turn(&c->engine, give_up_ns);
		if (c->engine.now_ns >= give_up_ns)
			fail("only %u of %u users came in", c->in_state[state], wanted);
	}
}

void crowd_bring(struct crowd *c, uint32_t from, uint32_t to, enum peer_state state)
{
	c->stays_secure = state == PEER_SECURE;
	bring_to(c, from, to, state == PEER_MEMBER ? PEER_IN : state);
	if (state == PEER_MEMBER)
		bring_to(c, from, to, PEER_MEMBER);
}

void crowd_drain(struct crowd *c, const uint64_t *under_way, unsigned seconds, const char *what)
{
	struct engine *engine = &c->engine;
	uint64_t give_up_ns = meter_now_ns() + seconds * NS_PER_S;
	while (*under_way > 0) {
		engine_turn(engine, give_up_ns);
		if (engine->now_ns >= give_up_ns)
			fail("%llu %s were lost", (unsigned long long)*under_way, what);
	}
}

static void write_hex(char to[static 8], uint32_t number)
{
	for (int i = 7; i >= 0; i--, number >>= 4)
		to[i] = "0123456789abcdef"[number & 15];
}

static uint32_t read_hex(const char from[static 8])
{
	uint32_t number = 0;
	for (int i = 0; i < 8; i++)
		number =
		    number << 4 | (uint32_t)(from[i] <= '9' ? from[i] - '0' : from[i] - 'a' + 10);
	return number;
}

static char filler[TEXT_MAX_LEN];

struct slice stamp_write(uint32_t receiver, uint32_t sequence, size_t len)
{
	static char text[TEXT_MAX_LEN];
	if (text[STAMP_LEN] == '\0') {
		memset(text, 'x', sizeof(text));
		memset(filler, 'x', sizeof(filler));
	}
	write_hex(text, receiver);
	write_hex(text + 8, sequence);
	return slice_of(text, len);
}

uint32_t stamp_check(struct slice text, uint32_t receiver, size_t len)
{
	if (text.len != len || memcmp(text.ptr + STAMP_LEN, filler, len - STAMP_LEN) != 0)
		fail("user %u was told something else than was said: %.*s", receiver, (int)text.len,
		    text.ptr);
	uint32_t for_whom = read_hex(text.ptr);
	if (for_whom != receiver)
		fail("user %u was told what was for user %u", receiver, for_whom);
	return read_hex(text.ptr + 8);
}
