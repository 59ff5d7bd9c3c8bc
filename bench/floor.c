/*
 * floor.c: what TLS and system calls cost here: a server that does nothing else. It decrypts what comes in and encrypts
 * it again for whom it goes to; it looks at no byte but those of a connection's first record, which says the
 * connection's number.
 *
 *	relay      2i <-> 2i+1
 *	broadcast  everybody else
 *	echo       back
 *
 * Each record that comes in goes out as a record of its own, as version 1 of the protocol demands; with --merge all text
 * of a read goes out in one, which shows what that rule costs. A receiver gets one write per turn: a read's records go
 * to their receiver at once, since a connection is read once per turn. One thread.
 */
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buffer.h"
#include "tls_pipe.h"

enum { EVENTS_MAX = 1024, PLAIN_SIZE = 96 * 1024, RECORDS_MAX = 4096, BACKLOG = 4096 };

enum mode { MODE_RELAY, MODE_BROADCAST, MODE_ECHO };

struct conn {
	int fd;
	bool is_on; /* has said its number */
	bool waits_to_write;
	bool dead; /* freed at the end of the turn */
	uint32_t number;
	SSL *ssl;
	struct buffer backlog; /* ciphertext that the socket did not take */
	struct conn *next_dead;
};

static struct {
	int epoll;
	int listener;
	enum mode mode;
	bool merge;
	SSL_CTX *tls;
	struct tls_pipe pipe;
	struct conn **by_number;
	uint32_t number_count;
	struct conn *dead;
	char in[PIPE_IN_SIZE];
	char plain[PLAIN_SIZE + 1];
	size_t record_end[RECORDS_MAX]; /* where each record of a read ends in plain */
	int record_count;
} here;

static _Noreturn void fail(const char *what)
{
	perror(what);
	ERR_print_errors_fp(stderr);
	exit(1);
}

static void drop(struct conn *c)
{
	if (c->dead)
		return;
	c->dead = true;
	if (c->is_on)
		here.by_number[c->number] = NULL;
	close(c->fd);
	c->next_dead = here.dead;
	here.dead = c;
}

static void free_dead(void)
{
	while (here.dead != NULL) {
		struct conn *c = here.dead;
		here.dead = c->next_dead;
		SSL_free(c->ssl);
		buffer_clear(&c->backlog);
		free(c);
	}
}

static void watch(struct conn *c, bool waits_to_write)
{
	if (c->waits_to_write == waits_to_write)
		return;
	c->waits_to_write = waits_to_write;
	struct epoll_event event = { .events = EPOLLIN | (waits_to_write ? EPOLLOUT : 0),
		.data.ptr = c };
	epoll_ctl(here.epoll, EPOLL_CTL_MOD, c->fd, &event);
}

/* Hands what was encrypted to the socket; what that does not take waits. */
static void push(struct conn *c)
{
	size_t sent = 0;
	if (c->backlog.len == 0 && here.pipe.out_len > 0) {
		ssize_t n = send(c->fd, here.pipe.out, here.pipe.out_len, MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN && errno != EINTR) {
			here.pipe.out_len = 0;
			drop(c);
			return;
		}
		sent = n < 0 ? 0 : (size_t)n;
	}
	if (!buffer_append(&c->backlog, here.pipe.out + sent, here.pipe.out_len - sent))
		fail("no memory");
	here.pipe.out_len = 0;
	watch(c, c->backlog.len > 0);
}

static void write_backlog(struct conn *c)
{
	struct slice waiting = buffer_slice(&c->backlog);
	ssize_t n = send(c->fd, waiting.ptr, waiting.len, MSG_NOSIGNAL);
	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		drop(c);
		return;
	}
	buffer_take(&c->backlog, n < 0 ? 0 : (size_t)n);
	if (c->backlog.len == 0) {
		buffer_clear(&c->backlog);
		watch(c, false);
	}
}

/* The first record of a connection is its number, and goes back as it is. */
static void take_number(struct conn *c, const char *text, size_t len)
{
	uint32_t number = (uint32_t)strtoul(text, NULL, 10);
	if (number >= here.number_count) {
		uint32_t count = here.number_count ? here.number_count * 2 : 1024;
		while (count <= number)
			count *= 2;
		here.by_number = realloc(here.by_number, count * sizeof(struct conn *));
		if (here.by_number == NULL)
			fail("no memory");
		for (uint32_t i = here.number_count; i < count; i++)
			here.by_number[i] = NULL;
		here.number_count = count;
	}
	c->number = number;
	c->is_on = true;
	here.by_number[number] = c;
	SSL_write(c->ssl, text, (int)len);
	push(c);
}

static struct conn *receiver_of(const struct conn *c)
{
	uint32_t number = here.mode == MODE_ECHO ? c->number : c->number ^ 1;
	return number < here.number_count ? here.by_number[number] : NULL;
}

/* Encrypts what was read for one receiver and sends it. */
static void give(struct conn *to)
{
	size_t begin = 0;
	for (int i = 0; i < here.record_count; i++) {
		if (!tls_pipe_has_room(&here.pipe))
			push(to);
		SSL_write(to->ssl, here.plain + begin, (int)(here.record_end[i] - begin));
		begin = here.record_end[i];
	}
	push(to);
}

static void give_all(struct conn *c)
{
	if (here.record_count == 0)
		return;
	if (here.mode != MODE_BROADCAST) {
		struct conn *to = receiver_of(c);
		if (to != NULL)
			give(to);
		return;
	}
	for (uint32_t i = 0; i < here.number_count; i++) {
		if (here.by_number[i] != NULL && i != c->number)
			give(here.by_number[i]);
	}
}

/* Counts what was decrypted up to len in as a record to send, or, when merging, to the one before if that has room. */
static void add_record(size_t len)
{
	int last = here.record_count - 1;
	size_t begin = last > 0 ? here.record_end[last - 1] : 0;
	if (!here.merge || last < 0 || len - begin > SSL3_RT_MAX_PLAIN_LENGTH)
		last = here.record_count++;
	here.record_end[last] = len;
}

/* Decrypts all of a read, then gives it away. */
static void decrypt(struct conn *c)
{
	size_t len = 0;
	int n = 1;
	here.record_count = 0;
	while (here.record_count < RECORDS_MAX &&
	       (n = SSL_read(c->ssl, here.plain + len, (int)(PLAIN_SIZE - len))) > 0) {
		if (!c->is_on) {
			here.plain[n] = '\0';
			take_number(c, here.plain, (size_t)n);
			continue;
		}
		len += (size_t)n;
		add_record(len);
	}
	int error = SSL_get_error(c->ssl, n); /* before others use the same BIO */
	give_all(c);
	if (error == SSL_ERROR_ZERO_RETURN) {
		SSL_shutdown(c->ssl);
		push(c);
		drop(c);
	} else if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_NONE) {
		ERR_clear_error();
		drop(c);
	}
}

static void on_readable(struct conn *c)
{
	ssize_t n = recv(c->fd, here.in, sizeof(here.in), 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		drop(c);
		return;
	}
	here.pipe.in = here.in;
	here.pipe.in_len = (size_t)n;
	if (!SSL_is_init_finished(c->ssl)) {
		int done = SSL_do_handshake(c->ssl);
		push(c);
		if (done != 1 && SSL_get_error(c->ssl, done) != SSL_ERROR_WANT_READ) {
			ERR_clear_error();
			drop(c);
		}
		if (done != 1)
			return;
	}
	decrypt(c);
}

static void accept_all(void)
{
	int fd, on = 1;
	/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): what epoll has is not lost */
	while ((fd = accept4(here.listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct conn *c = calloc(1, sizeof(*c));
		if (c == NULL)
			fail("no memory");
		c->fd = fd;
		c->ssl = tls_pipe_connect(&here.pipe, here.tls);
		if (c->ssl == NULL)
			fail("no memory");
		SSL_set_accept_state(c->ssl);
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		struct epoll_event event = { .events = EPOLLIN, .data.ptr = c };
		if (epoll_ctl(here.epoll, EPOLL_CTL_ADD, fd, &event) < 0)
			fail("epoll_ctl");
	}
}

static void serve(void)
{
	static struct epoll_event events[EVENTS_MAX];
	for (;;) {
		int count = epoll_wait(here.epoll, events, EVENTS_MAX, -1);
		for (int i = 0; i < count; i++) {
			struct conn *c = events[i].data.ptr;
			if (c == NULL) {
				accept_all();
				continue;
			}
			if (!c->dead && (events[i].events & EPOLLOUT))
				write_backlog(c);
			if (!c->dead && (events[i].events & ~(uint32_t)EPOLLOUT))
				on_readable(c);
		}
		free_dead();
	}
}

static void listen_at(uint16_t port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);
	int on = 1;
	here.listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	setsockopt(here.listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(here.listener, (struct sockaddr *)&address, len) < 0 ||
	    listen(here.listener, BACKLOG) < 0 ||
	    getsockname(here.listener, (struct sockaddr *)&address, &len) < 0)
		fail("listen");
	here.epoll = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event event = { .events = EPOLLIN };
	if (here.epoll < 0 || epoll_ctl(here.epoll, EPOLL_CTL_ADD, here.listener, &event) < 0)
		fail("epoll");
	printf("listening 127.0.0.1:%u\n", ntohs(address.sin_port));
	fflush(stdout);
}

static void set_up_tls(const char *certificate)
{
	static const unsigned char id[] = "floor";
	here.tls = SSL_CTX_new(TLS_server_method());
	if (here.tls == NULL || !tls_pipe_set_up(here.tls) ||
	    SSL_CTX_use_certificate_chain_file(here.tls, certificate) != 1 ||
	    SSL_CTX_use_PrivateKey_file(here.tls, certificate, SSL_FILETYPE_PEM) != 1 ||
	    !SSL_CTX_set_session_id_context(here.tls, id, sizeof(id) - 1) ||
	    !tls_pipe_init(&here.pipe))
		fail(certificate);
	SSL_CTX_set_session_cache_mode(here.tls, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(here.tls, 1);
}

int main(int argc, char **argv)
{
	static const struct option options[] = { { "port", required_argument, NULL, 'p' },
		{ "certificate", required_argument, NULL, 'c' },
		{ "broadcast", no_argument, NULL, 'b' }, { "echo", no_argument, NULL, 'e' },
		{ "merge", no_argument, NULL, 'm' }, { 0 } };
	const char *certificate = NULL;
	uint16_t port = 0;
	int option;
	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		switch (option) {
		case 'p':
			port = (uint16_t)strtoul(optarg, NULL, 10);
			break;
		case 'c':
			certificate = optarg;
			break;
		case 'b':
			here.mode = MODE_BROADCAST;
			break;
		case 'e':
			here.mode = MODE_ECHO;
			break;
		case 'm':
			here.merge = true;
			break;
		default:
			return 2;
		}
	}
	if (certificate == NULL || optind < argc) {
		fputs("usage: floor --certificate PEM [--port PORT] [--broadcast | --echo] "
		      "[--merge]\n",
		    stderr);
		return 2;
	}
	set_up_tls(certificate);
	listen_at(port);
	serve();
}
