/* listener.c: taking connections. Each worker has a socket of its own on every address (SO_REUSEPORT); the kernel shares them out. */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "net/worker.h"

enum {
	LISTEN_BACKLOG = 4096,
	ACCEPT_PAUSE_MS = 100,
	UNSENT_MAX_LEN = 128 * 1024,
};

static int set_on(int fd, int level, int option)
{
	int on = 1;
	return setsockopt(fd, level, option, &on, sizeof(on));
}

/*
 * What a peer has not yet room for is better with us, who count it and have one copy for many, than in the kernel, which would take
 * megabytes for each. Connections have it from their listener.
 */
static void bound_unsent(int fd)
{
	int most = UNSENT_MAX_LEN;
	setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &most, sizeof(most));
}

/*
 * A listening socket, or -errno. Not shared: bound only, without SO_REUSEPORT, so that it fails if anybody, another of our
 * servers too, has the port.
 */
int listener_open(const struct sockaddr_storage *address, bool shared)
{
	int fd = socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	socklen_t len = address->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
						       : sizeof(struct sockaddr_in);
	if (set_on(fd, SOL_SOCKET, SO_REUSEADDR) < 0 ||
	    (shared && set_on(fd, SOL_SOCKET, SO_REUSEPORT) < 0) ||
	    (address->ss_family == AF_INET6 && set_on(fd, IPPROTO_IPV6, IPV6_V6ONLY) < 0) ||
	    bind(fd, (const struct sockaddr *)address, len) < 0 ||
	    (shared && listen(fd, LISTEN_BACKLOG) < 0)) {
		int error = errno;
		close(fd);
		return -error;
	}
	bound_unsent(fd);
	return fd;
}

static void on_pause_over(struct worker *w);

/* Without a descriptor to spare the loop would spin on a listener that stays readable. */
static void pause_accepting(struct worker *w, int error)
{
	static struct log_limit limit;
	uint64_t suppressed;
	if (log_limit_allows(&limit, &suppressed))
		log_warn("accept-paused", LOG_STR("reason", strerror(error)),
		    LOG_INT("suppressed", suppressed));
	list_each(node, &w->listeners)
		loop_ask(&w->loop, &list_entry(node, struct listener, node)->source, 0);
	worker_set_alarm(w, ACCEPT_PAUSE_MS, on_pause_over);
}

/* Where there is no room to wait for it either, another pause. */
static void on_pause_over(struct worker *w)
{
	list_each(node, &w->listeners) {
		if (!loop_ask(&w->loop, &list_entry(node, struct listener, node)->source, EPOLLIN))
			worker_set_alarm(w, ACCEPT_PAUSE_MS, on_pause_over);
	}
}

/*
 * One in a turn: if others wait epoll says so again. Asking for one more, as is the custom, is an answer (EAGAIN) for which the kernel makes a socket
 * and a file and throws them away: more than a turn costs. So little work gives way to nobody: nobody can be kept out by strangers who are here already.
 */
static void on_readable(struct loop_source *source, uint32_t events)
{
	struct listener *l = list_entry(source, struct listener, source);
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);
	int fd = accept4(source->fd, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= 0)
		conn_accept(l->worker, fd, &from);
	else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
		pause_accepting(l->worker, errno);
}

/* What is set here, every connection that is accepted has from its beginning (tcp(7)): that saves system calls for each. */
static void set_up(const struct listener *l)
{
	set_on(l->source.fd, IPPROTO_TCP, TCP_NODELAY);
	conn_set_user_timeout(l->source.fd, &l->worker->config);
}

void listener_reconfigure_all(struct worker *w)
{
	list_each(node, &w->listeners)
		set_up(list_entry(node, struct listener, node));
}

bool listener_add(struct worker *w, int fd)
{
	struct listener *l = calloc(1, sizeof(*l));
	if (l == NULL)
		return false;
	l->worker = w;
	l->source = (struct loop_source){ .fd = fd, .ready = on_readable };
	if (!loop_ask(&w->loop, &l->source, EPOLLIN)) {
		free(l);
		return false;
	}
	set_up(l);
	list_append(&w->listeners, &l->node);
	return true;
}

void listener_close_all(struct worker *w)
{
	worker_set_alarm(w, 0, NULL);
	list_each_safe(node, &w->listeners) {
		struct listener *l = list_entry(node, struct listener, node);
		list_remove(node);
		loop_forget(&w->loop, &l->source);
		close(l->source.fd);
		free(l);
	}
}
