/*
 * accept.c: how a connection begins: who may come in, and, behind a balancer, who it really is.
 *
 *	socket -> admitted? -> CONN_HANDSHAKE                          from anybody
 *	socket -> CONN_PROXY -> header -> admitted? -> CONN_HANDSHAKE  from a balancer (server.proxy_from)
 *
 * Who is refused is closed without a byte: a handshake would cost us more than it costs a stranger.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "net/proxy.h"
#include "net/worker.h"

static struct conn *conn_new(struct worker *w, int fd, const struct address *from)
{
	struct conn *c = calloc(1, sizeof(*c));
	if (c == NULL)
		return NULL;
	c->worker = w;
	c->source = (struct loop_source){ .fd = fd, .ready = conn_on_ready, .gives_way = true };
	c->address = *from;
	c->state = CONN_HANDSHAKE;
	c->read_len = READ_HELLO_LEN;
	if (!worker_add_conn(w, c)) {
		free(c);
		return NULL;
	}
	c->phase = NET_IN_HANDSHAKE;
	histogram_grow(&w->counts.phases[c->phase], 1);
	return c;
}

static void refuse(struct worker *w, int fd, enum net_refusal refusal)
{
	admission_refused(w->net->admission, refusal);
	close(fd);
}

static bool is_balancer(const struct address *address, const char *list)
{
	enum { BALANCERS_MAX = 32 };
	struct network networks[BALANCERS_MAX];
	size_t count = network_parse_list(list, networks, BALANCERS_MAX);
	for (size_t i = 0; i < count; i++) {
		if (network_has(&networks[i], address))
			return true;
	}
	return false;
}

/* Counts it in, if it may come. */
static bool is_welcome(struct worker *w, const struct address *from, enum net_refusal *refusal_r)
{
	*refusal_r = NET_REFUSED_NOT_ADMITTED;
	if (!w->events->admits(w, from))
		return false;
	*refusal_r = NET_REFUSED_PENALTY;
	if (penalties_refuse(w->net->penalties, from, worker_now_ms(w)))
		return false;
	bool exempt = penalties_exempt(w->net->penalties, from);
	return admission_enter(w->net->admission, from, &w->config, exempt, refusal_r);
}

bool conn_take_second_place(struct conn *c)
{
	struct worker *w = c->worker;
	enum net_refusal refusal;
	bool exempt = penalties_exempt(w->net->penalties, &c->address);
	if (!admission_take_second(w->net->admission, &c->address, &w->config, exempt, &refusal)) {
		admission_refused(w->net->admission, refusal);
		return false;
	}
	c->places++;
	return true;
}

static void await_first_bytes(struct conn *c)
{
	struct worker *w = c->worker;
	if (w->config.handshake_timeout_ms > 0)
		conn_set_deadline(c, worker_now_ms(w) + w->config.handshake_timeout_ms);
	conn_poll_as_needed(c);
}

/* Nobody is counted yet: a connection of a balancer's, of which it will say whose it is. */
static void accept_from_balancer(struct worker *w, int fd, const struct address *balancer)
{
	struct conn *c = conn_new(w, fd, balancer);
	if (c == NULL) {
		refuse(w, fd, NET_REFUSED_NO_MEMORY);
		return;
	}
	c->state = CONN_PROXY;
	await_first_bytes(c);
}

void conn_accept(struct worker *w, int fd, const struct sockaddr_storage *from)
{
	struct address address = address_of(from);
	enum net_refusal refusal;
	if (w->config.proxy_from[0] != '\0' && is_balancer(&address, w->config.proxy_from)) {
		accept_from_balancer(w, fd, &address);
		return;
	}
	if (!is_welcome(w, &address, &refusal)) {
		refuse(w, fd, refusal);
		return;
	}
	struct conn *c = conn_new(w, fd, &address);
	if (c == NULL) {
		admission_leave(w->net->admission, &address, 1);
		refuse(w, fd, NET_REFUSED_NO_MEMORY);
		return;
	}
	c->admitted = true;
	c->places = 1;
	await_first_bytes(c);
}

/* ---- Behind a balancer ---- */

/* The limits go by where it really comes from. The bytes of the connection itself are still in the socket. */
static void admit(struct conn *c)
{
	struct worker *w = c->worker;
	enum net_refusal refusal;
	if (is_welcome(w, &c->address, &refusal)) {
		buffer_clear(&c->left_over);
		c->admitted = true;
		c->places = 1;
		c->state = CONN_HANDSHAKE;
		return;
	}
	admission_refused(w->net->admission, refusal);
	conn_die(c);
}

static void log_no_proxy(const struct conn *c)
{
	static struct log_limit limit;
	uint64_t suppressed;
	char from[ADDRESS_TEXT_SIZE];
	if (!log_limit_allows(&limit, &suppressed))
		return;
	address_text(&c->address, from);
	log_warn(
	    "proxy-header-missing", LOG_STR("balancer", from), LOG_INT("suppressed", suppressed));
}

/* Takes no more from the socket than the header needs: what follows is TLS's. */
void conn_read_proxy(struct conn *c)
{
	struct address from;
	bool has_from;
	size_t len;
	int found;
	while ((found = proxy_parse(buffer_slice(&c->left_over), &len, &from, &has_from)) == 0) {
		size_t wanted = len - c->left_over.len;
		char *to = buffer_reserve(&c->left_over, wanted);
		ssize_t n = to != NULL ? recv(c->source.fd, to, wanted, MSG_DONTWAIT) : 0;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
			return;
		if (n <= 0) {
			conn_die(c);
			return;
		}
		buffer_added(&c->left_over, (size_t)n);
	}
	if (found < 0) {
		log_no_proxy(c);
		conn_die(c);
		return;
	}
	if (has_from)
		c->address = from;
	admit(c);
}
