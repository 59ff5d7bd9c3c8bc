/*
 * output.c: what is sent on its way to the socket.
 *
 *	records of this turn ──────▶ TLS ──▶ worker's out buffer ──▶ socket
 *	          │                   ▲                └─ what it does not take ─▶ backlog
 *	          └──▶ waiting ───────┘
 *
 * While the socket is full (there is a backlog), and while one of the many that a text for all goes to has not had its turn, records wait as
 * they are: not encrypted, and one copy for all who get them. So a receiver that does not read costs a pointer a record, until it reads on or
 * is dropped. What goes out first is the backlog, then what waits, then the records of the turn.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/prefetch.h"
#include "net/worker.h"

enum {
	SEALED_AHEAD_LEN = 64 * 1024, /* of what waits, for a socket that may take it */
	RECORD_ADDS_LEN = 22,         /* to its bytes, on the wire (TLS 1.3) */
	CROWD_RECORD_COST = 256,      /* of a record in bytes, beside its bytes */
};

/* ---- A record's bytes beyond their turn. On one worker. ---- */

/* With one reference. NULL: no memory. */
static struct kept *kept_new(struct slice bytes)
{
	struct kept *k = malloc(sizeof(*k) + bytes.len);
	if (k == NULL)
		return NULL;
	*k = (struct kept){ .refs = 1, .len = bytes.len };
	memcpy(k->bytes, bytes.ptr, bytes.len);
	return k;
}

static void kept_unref(struct kept *k)
{
	if (k != NULL && --k->refs == 0)
		free(k);
}

/* The turn has a reference until its end. */
struct kept *worker_keep(struct worker *w, struct slice bytes)
{
	struct kept *k = kept_new(bytes);
	if (k == NULL)
		return NULL;
	k->next = w->kept;
	w->kept = k;
	return k;
}

void output_end_turn(struct worker *w)
{
	while (w->kept != NULL) {
		struct kept *k = w->kept;
		w->kept = k->next;
		kept_unref(k);
	}
}

/* ---- What waits ---- */

/* What waits is longer or shorter than it was. */
void output_count(struct conn *c)
{
	size_t queued = c->backlog.len + c->waiting_bytes;
	histogram_grow(&c->worker->counts.queued_bytes, queued - c->queued_counted);
	c->queued_counted = queued;
}

/* It takes over the caller's reference, but not without memory: false. */
static bool wait_last(struct conn *c, struct kept *k)
{
	if (c->waits == NULL)
		c->waits = k;
	else if (!buffer_append(&c->waiting, &k, sizeof(k)))
		return false;
	c->waiting_bytes += k->len + RECORD_ADDS_LEN;
	return true;
}

static void drop_first_waiting(struct conn *c)
{
	struct kept *k = c->waits;
	c->waiting_bytes -= k->len + RECORD_ADDS_LEN;
	kept_unref(k);
	c->waits = NULL;
	if (c->waiting.len == 0)
		return;
	memcpy(&c->waits, buffer_slice(&c->waiting).ptr, sizeof(k));
	buffer_take(&c->waiting, sizeof(k));
}

/* What many get needs no copy. NULL: no memory. */
static struct kept *kept_of(const struct record *r)
{
	if (r->kept == NULL)
		return kept_new(r->bytes);
	r->kept->refs++;
	return r->kept;
}

/* The records of the turn outlive it. false: no memory. */
static bool keep_records(struct conn *c)
{
	for (; c->first != NULL; c->first = c->first->next) {
		struct kept *k = kept_of(c->first);
		if (k == NULL || !wait_last(c, k)) {
			kept_unref(k);
			return false;
		}
	}
	c->last = NULL;
	output_count(c);
	return true;
}

/* ---- Records of this turn ---- */

/* What can't be sent whole and in order must not be sent in parts: without memory the connection ends with the turn. */
static void out_of_memory(struct conn *c)
{
	c->broken = true;
	worker_mark_dirty(c);
}

/* A record at the end of the turn's, with room for so many bytes behind it. NULL: c takes none any more. */
static struct record *add_record(struct conn *c, size_t room)
{
	if (c->state != CONN_OPEN)
		return NULL;
	struct record *r = arena_alloc(&c->worker->arena, sizeof(*r) + room);
	if (r == NULL) {
		out_of_memory(c);
		return NULL;
	}
	*r = (struct record){ 0 };
	*(c->last ? &c->last->next : &c->first) = r;
	c->last = r;
	c->last_sent_ms = worker_now_ms(c->worker);
	return r;
}

void conn_send(struct conn *c, struct slice bytes)
{
	struct record *r = add_record(c, bytes.len);
	if (r == NULL)
		return;
	memcpy(r + 1, bytes.ptr, bytes.len);
	r->bytes = slice_of((char *)(r + 1), bytes.len);
	worker_mark_dirty(c);
}

void conn_send_block(struct conn *c, struct slice bytes)
{
	struct record *r = add_record(c, 0);
	if (r == NULL)
		return;
	r->bytes = bytes;
	worker_mark_dirty(c);
}

static bool is_over_limit(const struct conn *c)
{
	uint64_t limit = c->worker->config.output_limit_bytes;
	size_t queued = c->backlog.len + c->waiting_bytes;
	return limit != 0 && queued > limit && queued - limit > c->spared_bytes;
}

/* What is still to be done: whose socket is full has what is said once it takes more, unless he is to be told that he is too slow. */
static void await_slice(struct conn *c, size_t len)
{
	struct worker *w = c->worker;
	w->crowd_records++;
	w->crowd_grew++;
	if (c->backlog.len > 0 && !is_over_limit(c)) {
		output_count(c);
		return;
	}
	c->crowd_bytes += len + CROWD_RECORD_COST;
	histogram_grow(&w->crowd_bytes, len + CROWD_RECORD_COST);
	worker_mark_crowd(c);
}

static void uncount_crowd(struct conn *c)
{
	histogram_grow(&c->worker->crowd_bytes, -c->crowd_bytes);
	c->crowd_bytes = 0;
}

void conn_prefetch(const struct conn *c)
{
	prefetch(c, sizeof(*c));
}

/* Behind what is said to c in this turn, or else with what waits: that needs no memory where it is the only thing. */
void conn_send_to_many(struct conn *c, struct kept *many)
{
	if (c->state != CONN_OPEN)
		return;
	if (c->first != NULL) {
		struct record *r = add_record(c, 0);
		if (r == NULL)
			return;
		r->bytes = slice_of(many->bytes, many->len);
		r->kept = many;
	} else if (wait_last(c, many)) {
		many->refs++;
		c->last_sent_ms = worker_now_ms(c->worker);
	} else {
		out_of_memory(c);
		return;
	}
	await_slice(c, many->len);
}

void output_clear(struct conn *c)
{
	c->dropped = c->dropped || c->first != NULL || c->waits != NULL;
	uncount_crowd(c);
	c->in_crowd = false;
	c->first = c->last = NULL;
	while (c->waits != NULL)
		drop_first_waiting(c);
	buffer_clear(&c->waiting);
	buffer_clear(&c->backlog);
	output_count(c);
}

/* ---- To the socket ---- */

/* Hands the worker's out buffer to the socket; what it does not take waits in the backlog. false: the connection is lost. */
bool output_push(struct conn *c)
{
	struct tls_io *io = &c->worker->io;
	size_t sent = 0;
	while (c->backlog.len == 0 && sent < io->out_len) {
		ssize_t n = send(
		    c->source.fd, io->out + sent, io->out_len - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK)
			return false;
		if (n < 0)
			break;
		sent += (size_t)n;
	}
	bool kept = buffer_append(&c->backlog, io->out + sent, io->out_len - sent);
	output_count(c);
	c->flushed_bytes += io->out_len;
	histogram_grow(&c->worker->counts.sent_bytes, io->out_len);
	io->out_len = 0;
	return kept;
}

static bool has_room(const struct tls_io *io, size_t len)
{
	return io->out_cap - io->out_len >= len + TLS_RECORD_OVERHEAD;
}

/* The records of the turn, as long as the socket takes them. */
static bool seal_records(struct conn *c)
{
	struct tls_io *io = &c->worker->io;
	bool many = c->first != c->last;
	if (many)
		stream_more_follows(&c->tls, true);
	while (c->first != NULL && c->backlog.len == 0) {
		struct record *r = c->first;
		if (!has_room(io, r->bytes.len) && !output_push(c))
			return false;
		if (c->backlog.len > 0)
			break;
		if (many && r->next == NULL)
			stream_more_follows(&c->tls, false);
		if (!stream_write(&c->tls, io, r->bytes))
			return false;
		c->first = r->next;
	}
	if (c->first != NULL && many)
		stream_more_follows(&c->tls, false);
	return keep_records(c);
}

static bool seal_waiting(struct conn *c)
{
	struct tls_io *io = &c->worker->io;
	bool many = c->waiting.len > 0;
	if (many)
		stream_more_follows(&c->tls, true);
	while (c->waits != NULL && io->out_len < SEALED_AHEAD_LEN && has_room(io, c->waits->len)) {
		struct kept *k = c->waits;
		if (many && c->waiting.len == 0)
			stream_more_follows(&c->tls, false);
		if (!stream_write(&c->tls, io, slice_of(k->bytes, k->len)))
			return false;
		drop_first_waiting(c);
	}
	if (c->waits == NULL)
		buffer_clear(&c->waiting);
	else if (many)
		stream_more_follows(&c->tls, false);
	return true;
}

/* Hands over what waits for as long as the socket takes it, and behind the last of it, the records of the turn too, the goodbye. */
static bool drain(struct conn *c)
{
	do {
		if (c->backlog.len == 0 && !seal_waiting(c))
			return false;
		if (c->state == CONN_CLOSING && !c->said_bye && conn_is_flushed(c)) {
			stream_close_notify(&c->tls, &c->worker->io);
			c->said_bye = true;
		}
		if (!output_push(c))
			return false;
	} while (c->backlog.len == 0 && c->waits != NULL);
	return true;
}

static void lose(struct conn *c, const char *reason)
{
	c->worker->io.out_len = 0;
	c->first = c->last = NULL;
	conn_lose(c, reason);
}

static void end_or_poll(struct conn *c)
{
	if (c->state == CONN_CLOSING && c->said_bye && c->backlog.len == 0)
		conn_linger(c);
	else
		conn_poll_as_needed(c);
}

/* One write for all records of the turn. */
void output_flush(struct conn *c)
{
	c->worker->io.out_len = 0;
	uncount_crowd(c);
	bool waits = c->backlog.len > 0 || c->waits != NULL;
	bool alive = !c->broken && (waits ? keep_records(c) : seal_records(c)) && drain(c);
	if (!alive) {
		lose(c, "write failed");
		return;
	}
	if (c->backlog.len == 0)
		c->spared_bytes = 0;
	if (c->state == CONN_OPEN && is_over_limit(c))
		c->worker->events->overflowed(c);
	end_or_poll(c);
}

/* false: the connection is lost. */
static bool write_backlog(struct conn *c)
{
	while (c->backlog.len > 0) {
		struct slice rest = buffer_slice(&c->backlog);
		ssize_t n = send(c->source.fd, rest.ptr, rest.len, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			break;
		if (n < 0) {
			conn_lose(c, strerror(errno));
			return false;
		}
		buffer_take(&c->backlog, (size_t)n);
	}
	output_count(c);
	return true;
}

void output_go_on(struct conn *c)
{
	if (!write_backlog(c) || c->backlog.len > 0)
		return;
	buffer_clear(&c->backlog); /* a connection at rest owns no buffer */
	c->worker->io.out_len = 0;
	if (!drain(c)) {
		lose(c, "write failed");
		return;
	}
	if (c->backlog.len > 0)
		return;
	c->spared_bytes = 0;
	if (c->state == CONN_OPEN)
		c->worker->events->drained(c);
	end_or_poll(c);
}
