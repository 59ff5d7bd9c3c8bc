/*
 * connection.c: one connection's way from its first byte to its end. accept.c begins it, handshake.c has it until it is open.
 *
 *	in:   socket -> worker's buffer -> TLS -> worker's plain buffer (left_over in front) -> owner
 *	out:  output.c
 *
 * Nothing frees a connection while it is being worked on: it becomes CONN_DEAD, and the worker frees it at the end of the turn.
 */
#include <errno.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/log.h"
#include "net/worker.h"
#include "protocol/query.h"

enum {
	READ_WORK_LEN = 512,   /* of queries: so much is a piece of work, */
	BARREN_WORK_LEN = 128, /* and of who gives way, at the worst */
};

struct conn_id conn_id(const struct conn *c)
{
	return (struct conn_id){ c->worker->index, c->slot, c->worker->slots[c->slot].generation };
}

struct worker *conn_worker(const struct conn *c)
{
	return c->worker;
}

void *conn_owner(const struct conn *c)
{
	return c->owner;
}

void conn_set_owner(struct conn *c, void *owner)
{
	c->owner = owner;
}

const struct address *conn_address(const struct conn *c)
{
	return &c->address;
}

X509 *conn_peer_certificate(const struct conn *c)
{
	return stream_peer_certificate(&c->tls);
}

bool conn_is_open(const struct conn *c)
{
	return c->state == CONN_OPEN;
}

uint64_t conn_last_sent_ms(const struct conn *c)
{
	return c->last_sent_ms;
}

size_t conn_queued_bytes(const struct conn *c)
{
	/* What waits without a backlog goes with the next flush, of which nobody is told. */
	return c->backlog.len > 0 ? c->backlog.len + c->waiting_bytes : 0;
}

bool conn_is_flushed(const struct conn *c)
{
	return !c->dropped && c->first == NULL && c->waits == NULL;
}

uint64_t conn_flushed_bytes(const struct conn *c)
{
	return c->flushed_bytes;
}

uint64_t conn_acknowledged_bytes(const struct conn *c)
{
	int queued;
	uint64_t sent = c->state == CONN_OPEN ? c->flushed_bytes - c->backlog.len : c->sent_bytes;
	if (sent == 0 || ioctl(c->source.fd, SIOCOUTQ, &queued) < 0)
		return 0;
	return sent - (uint64_t)queued;
}

void conn_spare(struct conn *c, size_t bytes)
{
	c->spared_bytes = bytes;
}

void conn_set_deadline(struct conn *c, uint64_t due_ms)
{
	if (due_ms == UINT64_MAX)
		wheel_drop(&c->worker->wheel, &c->deadline);
	else
		wheel_set(&c->worker->wheel, &c->deadline, due_ms);
}

/* ---- Counts: each is written by the connection's worker alone ---- */

static void grow(_Atomic uint64_t *counter, uint64_t more)
{
	histogram_grow(counter, more);
}

static void enter_phase(struct conn *c, enum net_phase phase)
{
	grow(&c->worker->counts.phases[c->phase], UINT64_MAX); /* one less */
	grow(&c->worker->counts.phases[phase], 1);
	c->phase = phase;
}

/* ---- How much at once ---- */

/* 0 to 1: as soon as anything is there, or the peer has ended. */
static void read_at_least(struct conn *c, size_t len)
{
	int least = (int)len;
	if (len == c->read_least)
		return;
	setsockopt(c->source.fd, SOL_SOCKET, SO_RCVLOWAT, &least, sizeof(least));
	c->read_least = (uint32_t)len;
}

/* Of a stranger's long record the rest is left with the system until all of it is there. */
static void await_record(struct conn *c)
{
	size_t missing = stream_missing(&c->tls);
	read_at_least(c, missing > READ_STRANGER_LEN / 2 ? missing : 0);
	c->read_len = missing > READ_STRANGER_LEN ? missing : READ_STRANGER_LEN;
}

void conn_authenticated(struct conn *c)
{
	c->authenticated = true;
	c->source.gives_way = false;
	read_at_least(c, 0);
	c->read_len = READ_LEAST_LEN;
	enter_phase(c, NET_IN_SESSION);
	admission_authenticated(c->worker->net->admission, &c->address, c->places);
	c->places = 0;
	stream_authenticated(&c->tls);
}

/* ---- Ending ---- */

void conn_bury(struct conn *c)
{
	loop_forget(&c->worker->loop, &c->source);
	close(c->source.fd); /* which takes it out of epoll */
	worker_remove_conn(c);
	free(c);
}

/* A peer that connects and goes again has not even begun one: a port scanner, or somebody who looks whether we are there. */
static void handshake_failed(struct conn *c)
{
	grow(&c->worker->counts.failed_handshakes, 1);
	if (handshake_waits(c)) /* whom we had no place for has done nothing wrong */
		return;
	worker_penalize(
	    c->worker, &c->address, c->has_begun ? NET_OFFENCE_HANDSHAKE : NET_OFFENCE_NO_LOGIN);
}

void conn_open(struct conn *c)
{
	c->state = CONN_OPEN;
	c->read_len = READ_STRANGER_LEN;
	enter_phase(c, NET_IN_LOGIN);
	conn_set_deadline(c, UINT64_MAX);
	bool has_room = stream_is_handed_over(&c->tls) || conn_take_second_place(c);
	if (!has_room || !c->worker->events->opened(c))
		conn_die(c);
}

/* Everything goes at once but the object itself and the socket: an owner that is told that it is lost knows it before the peer does. */
void conn_die(struct conn *c)
{
	if (c->state == CONN_DEAD)
		return;
	if (c->state == CONN_HANDSHAKE && !c->worker->stopping && !c->broken)
		handshake_failed(c);
	c->state = CONN_DEAD;
	wheel_drop(&c->worker->wheel, &c->deadline);
	list_remove(&c->dirty_node);
	handshake_leave(c);
	output_clear(c);
	grow(&c->worker->counts.phases[c->phase], UINT64_MAX);
	buffer_wipe(&c->left_over);
	stream_free(&c->tls, &c->worker->io);
	if (c->admitted)
		admission_leave(c->worker->net->admission, &c->address, c->places);
	list_append(&c->worker->dead, &c->dirty_node);
	loop_add_work(&c->worker->loop, 1);
}

/* The connection broke or the peer left: an owner that has not closed it hears of it. */
void conn_lose(struct conn *c, const char *reason)
{
	bool tell = c->state == CONN_OPEN;
	conn_die(c);
	if (tell)
		c->worker->events->lost(c, reason);
}

void conn_abort(struct conn *c)
{
	conn_die(c);
}

/* What can't be waited for can't be served: without room in the system the connection ends with the turn. */
static void poll_for(struct conn *c, uint32_t events)
{
	if (loop_ask(&c->worker->loop, &c->source, events))
		return;
	c->broken = true;
	worker_mark_dirty(c);
}

static bool is_read(const struct conn *c)
{
	return !c->paused && c->state != CONN_CLOSING &&
	       (c->state != CONN_OPEN || !list_has(&c->resume_node));
}

static bool is_with_us(const struct conn *c)
{
	return c->state == CONN_OPEN || c->state == CONN_HANDSHAKE;
}

/* What has to be waited for of a connection that is not read. */
static uint32_t events_unread(const struct conn *c)
{
	uint32_t events = c->backlog.len > 0 ? EPOLLOUT : 0;
	if (c->paused && !c->authenticated && is_with_us(c))
		events |= EPOLLRDHUP; /* a log-in is work for us: not for who has left */
	return events;
}

/*
 * Each change costs system calls, and most pauses are over before the peer says anything more. So a connection that is no longer read is
 * still waited for, until it has something to read: stop_reading().
 */
void conn_poll_as_needed(struct conn *c)
{
	if (c->state == CONN_DEAD)
		return;
	if (is_read(c))
		poll_for(c, EPOLLIN | (c->backlog.len > 0 ? EPOLLOUT : 0));
	else if (c->source.asked & EPOLLIN)
		poll_for(c, EPOLLIN | (events_unread(c) & EPOLLOUT));
	else
		poll_for(c, events_unread(c));
}

static void stop_reading(struct conn *c)
{
	if (c->state == CONN_DEAD)
		return;
	poll_for(c, events_unread(c));
}

void conn_close(struct conn *c)
{
	if (c->state != CONN_OPEN)
		return;
	c->state = CONN_CLOSING;
	c->source.gives_way = true;
	enter_phase(c, NET_CLOSING);
	c->owner = NULL;
	list_remove(&c->resume_node);
	buffer_wipe(&c->left_over);
	conn_set_deadline(c, worker_now_ms(c->worker) + CONN_CLOSE_WAIT_MS);
	worker_mark_dirty(c);
}

/*
 * Our last words are with the kernel. A close() with unread input would reset the connection and the peer might never read them: so FIN, then
 * read and forget until the peer hangs up or the time is over.
 */
void conn_linger(struct conn *c)
{
	c->state = CONN_LINGER;
	c->paused = false;
	stream_free(&c->tls, &c->worker->io);
	read_at_least(c, 0);
	shutdown(c->source.fd, SHUT_WR);
	conn_set_deadline(c, worker_now_ms(c->worker) + CONN_LINGER_MS);
	conn_poll_as_needed(c);
}

void conn_stop(struct conn *c)
{
	if (c->state == CONN_OPEN)
		c->worker->events->goodbye(c);
	else if (c->state == CONN_HANDSHAKE || c->state == CONN_PROXY)
		conn_die(c);
}

/* Who has not taken our last words by now will not: else the kernel would keep them, and ask, for minutes more. */
static void forget_unsent(int fd)
{
	struct linger none = { .l_onoff = 1, .l_linger = 0 };
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
}

void conn_on_deadline(struct conn *c)
{
	if (c->state == CONN_OPEN) {
		c->worker->events->due(c);
		return;
	}
	if (c->state == CONN_HANDSHAKE) {
		if (handshake_may_stay(c))
			return;
		log_debug("handshake-timeout");
	}
	if (c->state == CONN_CLOSING)
		forget_unsent(c->source.fd);
	conn_die(c);
}

/* ---- In ---- */

/* The owner looks at what there is; what it does not take is kept. */
static void deliver(struct conn *c, struct slice bytes)
{
	size_t taken = bytes.len > 0 ? c->worker->events->received(c, bytes) : 0;
	if (c->state != CONN_OPEN)
		return;
	struct slice rest = slice_skip(bytes, taken);
	struct buffer kept = { 0 };
	if (rest.len > LEFT_OVER_MAX || !buffer_append_slice(&kept, rest)) {
		conn_lose(c, "no room for what was sent");
		return;
	}
	buffer_wipe(&c->left_over);
	c->left_over = kept;
}

/*
 * What TLS itself has to say: the answer to a key update, to a wish for renegotiation, an alert. It is not the owner's and may
 * come before log-in, so it has a limit of its own: a peer that makes us answer and does not read can't fill our memory.
 */
static bool push_answers(struct conn *c)
{
	c->answers_len += c->worker->io.out_len;
	if (!output_push(c))
		return false;
	if (c->backlog.len == 0)
		c->answers_len = 0;
	return c->answers_len <= ANSWERS_MAX_LEN;
}

/*
 * The peer leaves in good order: what it has acknowledged by now counts for the owner. The goodbye comes last, for whoever has it may come
 * back at once, and should not meet itself.
 */
static void part(struct conn *c, bool wants_goodbye)
{
	struct tls_io *io = &c->worker->io;
	char goodbye[GOODBYE_MAX_LEN];
	size_t len = 0;
	c->sent_bytes = c->flushed_bytes - c->backlog.len;
	io->out_len = 0;
	if (wants_goodbye && c->backlog.len == 0) {
		stream_close_notify(&c->tls, io);
		len = io->out_len <= sizeof(goodbye) ? io->out_len : 0;
		memcpy(goodbye, io->out, len);
		io->out_len = 0;
	}
	conn_lose(c, "closed by peer");
	if (len > 0)
		(void)!send(c->source.fd, goodbye, len, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* The peer has said close_notify. What it said before that comes first, also with an owner that makes it wait. */
static void part_if_done(struct conn *c)
{
	if (c->state == CONN_OPEN && c->heard_bye && !c->paused && !list_has(&c->resume_node))
		part(c, true);
}

/*
 * What a peer says to TLS alone, key updates most of all, may be a hundred times the work of as many bytes of queries, and no limit of the
 * owner's counts it. So a session is read in larger pieces only as more of them was for the owner; who says little else gives way.
 */
static void weigh(struct conn *c, size_t sealed_len, size_t said_len)
{
	if (!c->authenticated)
		return;
	size_t len = c->read_len + 2 * said_len;
	len = len > sealed_len + READ_LEAST_LEN ? len - sealed_len : READ_LEAST_LEN;
	c->read_len = len < READ_MAX_LEN ? len : READ_MAX_LEN;
	c->source.gives_way = c->read_len == READ_LEAST_LEN && 2 * said_len < sealed_len;
}

/* Decrypts all that io.in holds behind what was left over. */
static void decrypt(struct conn *c)
{
	struct worker *w = c->worker;
	struct slice before = buffer_slice(&c->left_over);
	size_t len = before.len, sealed_len = w->io.in.len;
	if (len > 0)
		memcpy(w->plain, before.ptr, len);
	int result;
	while ((result = stream_read(&c->tls, &w->io, w->plain + len, PLAIN_SIZE - len)) > 0)
		len += (size_t)result;
	weigh(c, sealed_len, len - before.len);
	if (!c->authenticated)
		await_record(c);
	if (w->io.out_len > 0 && !push_answers(c)) {
		conn_lose(c, "takes no answers");
		return;
	}
	c->heard_bye = result == TLS_CLOSED;
	if (len > before.len)
		deliver(c, slice_of(w->plain, len));
	if (!c->authenticated) { /* there may be a password in it, and in what the cipher left on the stack */
		explicit_bzero(w->plain, len);
		sodium_stackzero(WIPED_STACK_LEN);
	}
	if (c->state == CONN_OPEN && result == TLS_BROKEN)
		conn_lose(c, "broken TLS record");
	part_if_done(c);
}

static void read_and_forget(struct conn *c)
{
	ssize_t n = recv(c->source.fd, c->worker->in, READ_MAX_LEN, MSG_DONTWAIT);
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR))
		conn_die(c);
}

/* What is here of a hello goes in front. */
static void read_socket(struct conn *c)
{
	struct worker *w = c->worker;
	struct slice hello = c->state == CONN_HANDSHAKE ? buffer_slice(&c->left_over) : SLICE("");
	ssize_t n = recv(c->source.fd, w->in + hello.len, c->read_len, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
		return;
	if (n < 0)
		conn_lose(c, strerror(errno));
	else if (n == 0)
		part(c, false);
	if (n <= 0)
		return;
	grow(&w->counts.received_bytes, (uint64_t)n);
	loop_add_work(
	    &w->loop, (unsigned)n / (c->source.gives_way ? BARREN_WORK_LEN : READ_WORK_LEN));
	c->has_begun = true;
	if (hello.len > 0) {
		memcpy(w->in, hello.ptr, hello.len);
		buffer_clear(&c->left_over);
	}
	w->io.in = slice_of(w->in, hello.len + (size_t)n);
	w->io.out_len = 0;
	if (c->state == CONN_HANDSHAKE)
		handshake_read(c);
	if (c->state == CONN_OPEN)
		decrypt(c);
}

/* What epoll knows of an error is only that there is one. */
static const char *socket_error(int fd)
{
	int error = 0;
	socklen_t len = sizeof(error);
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len);
	return error != 0 ? strerror(error) : "closed by peer";
}

void conn_on_ready(struct loop_source *source, uint32_t events)
{
	struct conn *c = list_entry(source, struct conn, source);
	if (c->state == CONN_DEAD) /* in this turn */
		return;
	if (events & EPOLLERR) {
		conn_lose(c, socket_error(c->source.fd));
		return;
	}
	if (events & EPOLLHUP) /* both sides are done: whoever asks hears it */
		events |= source->asked;
	if ((events & EPOLLRDHUP) && is_with_us(c)) {
		conn_lose(c, "closed by peer");
		return;
	}
	if (events & EPOLLOUT)
		output_go_on(c);
	if (c->state == CONN_DEAD || !(events & EPOLLIN) || (source->asked & EPOLLIN) == 0)
		return;
	if (!is_read(c)) {
		stop_reading(c);
		return;
	}
	if (c->state == CONN_LINGER)
		read_and_forget(c);
	else if (c->state == CONN_PROXY)
		conn_read_proxy(c);
	else if (is_with_us(c))
		read_socket(c);
	worker_keep_cached(c->worker);
}

void conn_pause(struct conn *c)
{
	c->paused = true;
	conn_poll_as_needed(c);
}

/* At the end of the turn, not at once: the owner may be in the middle of something. */
void conn_resume(struct conn *c)
{
	if (c->state != CONN_OPEN || !c->paused)
		return;
	c->paused = false;
	if (!list_has(&c->resume_node))
		list_append(&c->worker->resuming, &c->resume_node);
}

void conn_yield(struct conn *c)
{
	if (c->paused)
		return; /* whoever paused it resumes it */
	conn_pause(c);
	conn_resume(c);
}

void conn_resume_now(struct conn *c)
{
	if (c->state != CONN_OPEN || c->paused)
		return;
	struct buffer waiting = c->left_over; /* which the owner may free by closing c */
	c->left_over = (struct buffer){ 0 };
	deliver(c, buffer_slice(&waiting));
	buffer_wipe(&waiting);
	part_if_done(c);
	conn_poll_as_needed(c);
}

/* ---- Settings ---- */

/* The user timeout counts only while something is unacknowledged: where CHECK is off, keep-alive asks. */
void conn_set_user_timeout(int fd, const struct net_config *config)
{
	unsigned timeout_ms =
	    config->user_timeout_ms > INT_MAX ? INT_MAX : (unsigned)config->user_timeout_ms;
	int ask = timeout_ms > 0;
	int idle_s = (int)(timeout_ms / 2000) + 1;
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms,
	    sizeof(timeout_ms)); /* 0: the system's own */
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof(idle_s));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &idle_s, sizeof(idle_s));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &ask, sizeof(ask));
}

void conn_reconfigure(struct conn *c)
{
	conn_set_user_timeout(c->source.fd, &c->worker->config);
	c->worker->events->reconfigured_conn(c);
}
