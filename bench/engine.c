#include "engine.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "meter.h"

enum { EVENTS_MAX = 1024, OUT_KEPT_MAX = 64 * 1024 };

static int keep_ticket(SSL *ssl, SSL_SESSION *session)
{
	struct link *l = SSL_get_app_data(ssl);
	SSL_SESSION_free(l->session);
	l->session = session;
	return 1; /* it is ours now */
}

void engine_init(struct engine *e, const struct link_events *events)
{
	*e = (struct engine){ .events = events };
	list_init(&e->talking);
	list_init(&e->dead);
	e->epoll = epoll_create1(EPOLL_CLOEXEC);
	e->tls = SSL_CTX_new(TLS_client_method());
	e->in = malloc(PIPE_IN_SIZE);
	e->plain = malloc(ENGINE_PLAIN_SIZE);
	if (e->epoll < 0 || e->tls == NULL || e->in == NULL || e->plain == NULL ||
	    !tls_pipe_set_up(e->tls) || !tls_pipe_init(&e->pipe))
		fail("the engine can't be set up");
	SSL_CTX_set_session_cache_mode(e->tls, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(e->tls, keep_ticket);
	prctl(PR_SET_TIMERSLACK, 1);
	e->now_ns = meter_now_ns();
}

static void watch(struct link *l, int operation)
{
	struct epoll_event event = { .events = EPOLLIN | (l->waits_to_write ? EPOLLOUT : 0),
		.data.ptr = l };
	if (epoll_ctl(l->engine->epoll, operation, l->fd, &event) < 0)
		fail("epoll_ctl: %s", strerror(errno));
}

/* Its owner is told at the end of the turn, when nobody has it in his hands. */
static void lose(struct link *l)
{
	if (!list_has(&l->dead))
		list_append(&l->engine->dead, &l->dead);
}

static void say_later(struct link *l)
{
	if (!list_has(&l->talking))
		list_append(&l->engine->talking, &l->talking);
}

/* Takes over what OpenSSL has written. */
static void take_out(struct link *l)
{
	struct tls_pipe *pipe = &l->engine->pipe;
	if (pipe->out_len == 0)
		return;
	if (!buffer_append(&l->out, pipe->out, pipe->out_len))
		fail("no memory");
	pipe->out_len = 0;
	say_later(l);
}

static void start_handshake(struct link *l);

void link_open(struct engine *e, struct link *l, bool resume)
{
	struct linger no_linger = { .l_onoff = 1 };
	struct sockaddr_in server = { .sin_family = AF_INET,
		.sin_port = htons(l->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int on = 1;
	l->engine = e;
	l->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (l->fd < 0 || connect(l->fd, (struct sockaddr *)&server, sizeof(server)) < 0)
		fail("connect: %s", strerror(errno));
	setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(l->fd, SOL_SOCKET, SO_LINGER, &no_linger, sizeof(no_linger));
	l->ssl = tls_pipe_connect(&e->pipe, e->tls);
	if (l->ssl == NULL)
		fail("no memory");
	SSL_set_app_data(l->ssl, l);
	SSL_set_connect_state(l->ssl);
	if (resume && l->session != NULL)
		SSL_set_session(l->ssl, l->session);
	watch(l, EPOLL_CTL_ADD);
	l->state = LINK_GREETING;
	if (!e->greets)
		start_handshake(l);
}

void link_send(struct link *l, struct slice bytes)
{
	if (l->state != LINK_OPEN || list_has(&l->dead))
		return;
	if (SSL_write(l->ssl, bytes.ptr, (int)bytes.len) != (int)bytes.len)
		fail("a record can't be written");
	take_out(l);
}

void link_close(struct link *l)
{
	if (l->state != LINK_OPEN)
		return;
	SSL_shutdown(l->ssl);
	take_out(l);
	l->state = LINK_CLOSING;
	say_later(l);
}

static void handshake(struct link *l)
{
	int done = SSL_do_handshake(l->ssl);
	take_out(l);
	if (done != 1 && SSL_get_error(l->ssl, done) != SSL_ERROR_WANT_READ) {
		ERR_print_errors_fp(stderr);
		fail("the handshake failed");
	}
	if (done != 1)
		return;
	l->state = LINK_OPEN;
	l->engine->events->opened(l);
}

static void start_handshake(struct link *l)
{
	l->state = LINK_HANDSHAKE;
	handshake(l);
}

static void deliver(struct link *l, struct slice bytes)
{
	size_t taken = l->engine->events->received(l, bytes);
	struct slice rest = slice_skip(bytes, taken);
	l->left_over.start = l->left_over.len = 0;
	if (!buffer_append_slice(&l->left_over, rest))
		fail("no memory");
}

/* Decrypts all that there is behind what was left over, or, by record, one record; returns what SSL_read() said last. */
static int read_records(struct link *l, struct slice *bytes_r)
{
	struct engine *e = l->engine;
	struct slice before = buffer_slice(&l->left_over);
	size_t len = before.len;
	int n;
	if (before.ptr != NULL)
		memcpy(e->plain, before.ptr, before.len);
	do {
		n = SSL_read(l->ssl, e->plain + len, (int)(ENGINE_PLAIN_SIZE - len));
		len += n > 0 ? (size_t)n : 0;
	} while (n > 0 && !l->by_record);
	*bytes_r = slice_of(e->plain, len > before.len ? len : 0);
	return n;
}

static void decrypt(struct link *l)
{
	struct slice bytes;
	int n, error;
	do {
		n = read_records(l, &bytes);
		error = SSL_get_error(l->ssl, n);
		take_out(l);
		if (bytes.len > 0 && l->state == LINK_OPEN)
			deliver(l, bytes);
	} while (n > 0);
	if (error == SSL_ERROR_ZERO_RETURN && l->state == LINK_OPEN)
		link_close(l);
	else if (error != SSL_ERROR_ZERO_RETURN && error != SSL_ERROR_WANT_READ)
		fail("a record can't be read");
}

static void on_readable(struct link *l)
{
	struct engine *e = l->engine;
	ssize_t n = recv(l->fd, e->in, PIPE_IN_SIZE, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		lose(l);
		return;
	}
	if (l->state == LINK_GREETING) {
		if (memchr(e->in, '\n', (size_t)n) != NULL)
			start_handshake(l);
		return;
	}
	e->pipe.in = e->in;
	e->pipe.in_len = (size_t)n;
	if (l->state == LINK_HANDSHAKE)
		handshake(l);
	if (l->state == LINK_OPEN || l->state == LINK_CLOSING)
		decrypt(l);
}

/* One write for all that was said in the turn. */
static void write_out(struct link *l)
{
	struct slice waiting = buffer_slice(&l->out);
	ssize_t n = waiting.len == 0
			? 0
			: send(l->fd, waiting.ptr, waiting.len, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		lose(l);
		return;
	}
	buffer_take(&l->out, n < 0 ? 0 : (size_t)n);
	bool waits = l->out.len > 0;
	if (waits != l->waits_to_write) {
		l->waits_to_write = waits;
		watch(l, EPOLL_CTL_MOD);
	}
	if (!waits && l->out.cap > OUT_KEPT_MAX)
		buffer_clear(&l->out);
	if (!waits && l->state == LINK_CLOSING)
		shutdown(l->fd, SHUT_WR);
	else if (!waits)
		l->engine->events->drained(l);
}

static void write_all(struct engine *e)
{
	while (!list_is_empty(&e->talking)) {
		struct link *l = list_entry(e->talking.next, struct link, talking);
		list_remove(&l->talking);
		if (!list_has(&l->dead))
			write_out(l);
	}
}

static void clear(struct link *l)
{
	struct engine *e = l->engine;
	list_remove(&l->dead);
	list_remove(&l->talking);
	close(l->fd);
	SSL_free(l->ssl);
	buffer_clear(&l->out);
	buffer_clear(&l->left_over);
	*l = (struct link){ .port = l->port, .session = l->session };
	e->events->closed(l);
}

static int wait_until(struct engine *e, struct epoll_event *events, uint64_t until_ns)
{
	uint64_t now_ns = meter_now_ns();
	uint64_t wait_ns = until_ns > now_ns ? until_ns - now_ns : 0;
	struct timespec wait = { .tv_sec = (time_t)(wait_ns / NS_PER_S),
		.tv_nsec = (long)(wait_ns % NS_PER_S) };
	int count = epoll_pwait2(e->epoll, events, EVENTS_MAX, &wait, NULL);
	if (count < 0 && errno != EINTR)
		fail("epoll_pwait2: %s", strerror(errno));
	e->now_ns = meter_now_ns();
	return count;
}

void engine_turn(struct engine *e, uint64_t until_ns)
{
	static struct epoll_event events[EVENTS_MAX];
	write_all(e); /* what was said between turns */
	int count = wait_until(e, events, until_ns);
	for (int i = 0; i < count; i++) {
		struct link *l = events[i].data.ptr;
		if (events[i].events & EPOLLOUT)
			write_out(l);
		if (!list_has(&l->dead) && (events[i].events & ~(uint32_t)EPOLLOUT))
			on_readable(l);
	}
	write_all(e);
	while (!list_is_empty(&e->dead))
		clear(list_entry(e->dead.next, struct link, dead));
}
