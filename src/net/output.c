/*
 * output.c: what is sent on its way to the socket.
 *
 *	records of this turn -> TLS -> worker's out buffer -> socket, or, if that is full, the connection's backlog
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "net/worker.h"

/* The backlog is longer or shorter than it was. */
void output_count(struct conn *c)
{
	histogram_grow(&c->worker->counts.queued_bytes, c->backlog.len - c->backlog_counted);
	c->backlog_counted = c->backlog.len;
}

static void append_record(struct conn *c, struct record *r)
{
	*(c->last ? &c->last->next : &c->first) = r;
	c->last = r;
	c->last_sent_ms = worker_now_ms(c->worker);
	worker_mark_dirty(c);
}

/* What can't be sent whole and in order must not be sent in parts: without memory the connection ends with the turn. */
static void out_of_memory(struct conn *c)
{
	c->broken = true;
	worker_mark_dirty(c);
}

void conn_send(struct conn *c, struct slice bytes)
{
	if (c->state != CONN_OPEN)
		return;
	struct record *r = arena_alloc(&c->worker->arena, sizeof(*r) + bytes.len);
	if (r == NULL) {
		out_of_memory(c);
		return;
	}
	memcpy(r + 1, bytes.ptr, bytes.len);
	*r = (struct record){ .bytes = slice_of((char *)(r + 1), bytes.len) };
	append_record(c, r);
}

void conn_send_block(struct conn *c, struct slice bytes)
{
	if (c->state != CONN_OPEN)
		return;
	struct record *r = arena_alloc(&c->worker->arena, sizeof(*r));
	if (r == NULL) {
		out_of_memory(c);
		return;
	}
	*r = (struct record){ .bytes = bytes };
	append_record(c, r);
}

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

static bool encrypt_records(struct conn *c)
{
	struct tls_io *io = &c->worker->io;
	bool many = c->first != c->last;
	if (many)
		stream_more_follows(&c->tls, true);
	for (struct record *r = c->first; r != NULL; r = r->next) {
		if (many && r->next == NULL)
			stream_more_follows(&c->tls, false);
		if (io->out_cap - io->out_len < r->bytes.len + TLS_RECORD_OVERHEAD &&
		    !output_push(c))
			return false;
		if (!stream_write(&c->tls, io, r->bytes))
			return false;
	}
	c->first = c->last = NULL;
	return true;
}

static bool is_over_limit(const struct conn *c)
{
	uint64_t limit = c->worker->config.output_limit_bytes;
	return limit != 0 && c->backlog.len > limit && c->backlog.len - limit > c->spared_bytes;
}

/* One write for all records of the turn. */
void output_flush(struct conn *c)
{
	c->worker->io.out_len = 0;
	bool alive = !c->broken && encrypt_records(c);
	if (alive && c->state == CONN_CLOSING && !c->said_bye) {
		stream_close_notify(&c->tls, &c->worker->io);
		c->said_bye = true;
	}
	if (!alive || !output_push(c)) {
		c->worker->io.out_len = 0;
		c->first = c->last = NULL;
		conn_lose(c, "write failed");
		return;
	}
	if (c->backlog.len == 0)
		c->spared_bytes = 0;
	if (c->state == CONN_OPEN && is_over_limit(c))
		c->worker->events->overflowed(c);
	if (c->state == CONN_CLOSING && c->said_bye && c->backlog.len == 0)
		conn_linger(c);
	else
		conn_poll_as_needed(c);
}

void output_write_backlog(struct conn *c)
{
	while (c->backlog.len > 0) {
		struct slice waiting = buffer_slice(&c->backlog);
		ssize_t n =
		    send(c->source.fd, waiting.ptr, waiting.len, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			break;
		if (n < 0) {
			conn_lose(c, strerror(errno));
			return;
		}
		buffer_take(&c->backlog, (size_t)n);
	}
	output_count(c);
	if (c->backlog.len > 0)
		return;
	buffer_clear(&c->backlog); /* a connection at rest owns no buffer */
	c->spared_bytes = 0;
	if (c->state == CONN_OPEN)
		c->worker->events->drained(c);
	if (c->state == CONN_CLOSING && c->said_bye)
		conn_linger(c);
	else
		conn_poll_as_needed(c);
}
