/*
 * handshake.c: a connection's way from its first byte to its session.
 *
 *	first bytes -> a whole hello (hello.h) -> a place -> OpenSSL, until the client has answered -> CONN_OPEN
 *
 * While we wait for the client's answer OpenSSL holds some 45 KiB, twenty times what any other stranger costs. So there are places for a part of
 * those who may be here without a log-in, and a hello that finds none waits, as it was said. Who waits must not depend on who is silent: for each
 * hello that waits, the oldest one in a place has to be through PLACE_MS after our answer. And the last that came is the first to get a place: in a flood
 * of silent ones those who came in vain pile up behind it, not in front of it. But who owes a penalty comes after the others.
 */
#include "base/log.h"
#include "net/hello.h"
#include "net/worker.h"

enum {
	ANSWER_WORK = LOOP_SLICE / 4, /* ours takes a signature and a key exchange, or a ticket */
	PLACES_PART = 32,             /* of limits.unauthenticated, for all workers together */
	PLACES_LEAST = 8,             /* of a worker */
	PLACE_MS = 1000,
	LOOKS = 64, /* at who waits, for a free place */
};

/* ---- Places ---- */

static bool somebody_waits(const struct worker *w)
{
	return !list_is_empty(&w->handshakes.waiting) || !list_is_empty(&w->handshakes.owing);
}

static bool owes(const struct conn *c)
{
	return penalties_owes(c->worker->net->penalties, &c->address, worker_now_ms(c->worker));
}

static uint64_t places(const struct worker *w)
{
	uint64_t strangers = w->config.unauthenticated;
	uint64_t share = strangers / PLACES_PART / w->net->worker_count;
	if (strangers == 0)
		return UINT64_MAX;
	return share > PLACES_LEAST ? share : PLACES_LEAST;
}

static bool has_free_place(const struct worker *w)
{
	return w->handshakes.count < places(w);
}

/* Never later than it would be gone anyway. */
static void hurry(struct conn *c)
{
	uint64_t due_ms = c->answered_ms + PLACE_MS;
	c->limit_ms = list_has(&c->deadline.node) ? c->deadline.due_ms : UINT64_MAX;
	if (c->limit_ms > due_ms)
		conn_set_deadline(c, due_ms);
}

static void hurry_oldest(struct worker *w)
{
	if (list_is_empty(&w->handshakes.unhurried))
		return;
	struct conn *c = list_entry(w->handshakes.unhurried.next, struct conn, resume_node);
	list_remove(&c->resume_node);
	hurry(c);
}

static void take_place(struct conn *c)
{
	struct worker *w = c->worker;
	c->has_place = true;
	c->answered_ms = worker_now_ms(w);
	w->handshakes.count++;
	if (!somebody_waits(w))
		list_append(&w->handshakes.unhurried, &c->resume_node);
	else
		hurry(c);
}

bool handshake_waits(const struct conn *c)
{
	return c->state == CONN_HANDSHAKE && !c->has_place && list_has(&c->resume_node);
}

void handshake_leave(struct conn *c)
{
	list_remove(&c->resume_node);
	if (c->has_place)
		c->worker->handshakes.count--;
	c->has_place = false;
}

/* A reload may have taken places away: who has one too many is hurried, too. */
static void wait_for_place(struct conn *c)
{
	struct worker *w = c->worker;
	list_append(owes(c) ? &w->handshakes.owing : &w->handshakes.waiting, &c->resume_node);
	conn_pause(c);
	hurry_oldest(w);
	for (uint64_t n = places(w); n < w->handshakes.count; n++)
		hurry_oldest(w);
}

/* It may be we who are late: then it has another moment, once. */
static bool is_unheard(struct conn *c)
{
	char byte;
	if (c->was_spared || recv(c->source.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0)
		return false;
	c->was_spared = true;
	conn_set_deadline(c, worker_now_ms(c->worker) + PLACE_MS);
	return true;
}

/* It was hurried for somebody who waits no more: its client may only be far away. But it is the first to go for the next one, and at once. */
static bool is_hurried_in_vain(struct conn *c)
{
	struct worker *w = c->worker;
	if (list_has(&c->resume_node) || somebody_waits(w) || c->limit_ms <= worker_now_ms(w))
		return false;
	conn_set_deadline(c, c->limit_ms);
	c->answered_ms = 0;
	list_append(w->handshakes.unhurried.next, &c->resume_node); /* in front of it */
	return true;
}

bool handshake_may_stay(struct conn *c)
{
	return c->has_place && (is_hurried_in_vain(c) || is_unheard(c));
}

/* ---- Reading ---- */

static void log_failure(struct conn *c, const char *reason)
{
	static struct log_limit limit;
	uint64_t suppressed;
	char from[ADDRESS_TEXT_SIZE];
	if (!log_limit_allows(&limit, &suppressed))
		return;
	address_text(&c->address, from);
	log_info("handshake-failed", LOG_STR("address", from), LOG_STR("reason", reason),
	    LOG_INT("suppressed", suppressed));
}

static void go_on(struct conn *c)
{
	struct worker *w = c->worker;
	char reason[128];
	int result = stream_handshake(&c->tls, &w->io);
	if (w->io.out_len > 0)
		loop_add_work(&w->loop, ANSWER_WORK);
	if (result == TLS_CLOSED || result == TLS_BROKEN) {
		tls_error_text(reason, sizeof(reason));
		log_failure(c, reason);
	}
	if (!output_push(c) || result < 0) {
		conn_die(c);
		return;
	}
	conn_poll_as_needed(c);
	if (result == TLS_MORE)
		return;
	handshake_leave(c);
	conn_open(c);
}

static void begin(struct conn *c)
{
	struct worker *w = c->worker;
	if (!stream_accept(&c->tls, w->tls, &w->io, w->config.records)) {
		conn_die(c);
		return;
	}
	take_place(c);
	go_on(c);
}

/* A hello, or a part of it, with what had come before in front. */
static void take_hello(struct conn *c)
{
	struct worker *w = c->worker;
	struct slice hello = w->io.in;
	int looks = hello_look(hello);
	if (looks > 0 && !somebody_waits(w) && has_free_place(w)) {
		begin(c);
		return;
	}
	if (looks < 0)
		log_failure(c, "hello too long");
	if (looks < 0 || !buffer_append_slice(&c->left_over, hello))
		conn_die(c);
	else if (looks > 0)
		wait_for_place(c);
}

void handshake_read(struct conn *c)
{
	if (c->has_place)
		go_on(c);
	else
		take_hello(c);
}

/* ---- The end of a turn ---- */

bool handshakes_may_go_on(const struct worker *w)
{
	return somebody_waits(w) && has_free_place(w);
}

/* The last that came whose address owes nothing, as far as so many looks tell; else the last. */
static struct conn *next_waiting(struct worker *w)
{
	struct handshakes *all = &w->handshakes;
	for (int looks = 0; looks < LOOKS && !list_is_empty(&all->waiting); looks++) {
		struct conn *c = list_entry(all->waiting.prev, struct conn, resume_node);
		if (!owes(c))
			return c;
		list_remove(&c->resume_node);
		list_append(&all->owing, &c->resume_node);
	}
	return list_entry(all->owing.prev, struct conn, resume_node);
}

void handshakes_go_on(struct worker *w)
{
	for (int n = 0; n < LOOP_SLICE / ANSWER_WORK && handshakes_may_go_on(w); n++) {
		struct conn *c = next_waiting(w);
		struct buffer hello = c->left_over;
		list_remove(&c->resume_node);
		c->left_over = (struct buffer){ 0 };
		c->paused = false;
		w->io.in = buffer_slice(&hello);
		w->io.out_len = 0;
		begin(c);
		buffer_clear(&hello);
	}
}
