/*
 * meter.c: how long a message takes, measured by somebody who talks to herself while others misbehave; for tests/lib/latency.py.
 *
 *	meter HOST PORT NAME
 *
 * Signs up as NAME, which must be new, and says "here". Then messages leave at a fixed pace, whether or not those before have arrived, and each counts from
 * when it was due: what a stall holds up is late, not left out. For each line on standard input it waits for what is under way and says
 * what was measured since the line before: how many, and the 50th and the 99th percentile in microseconds. Ends with standard input; status 1: it has
 * failed and says why.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

enum {
	PAUSE_US = 3000,
	WINDOW_MAX = 1 << 18,
	PATIENCE_US = 60 * 1000 * 1000,
	RECORD_SIZE = 16 * 1024
};

static SSL *ssl;
static const char *name;
static char token[64];
static uint64_t first_due_us; /* of the first message; each after it is PAUSE_US later */
static uint64_t said, heard;  /* messages, ever */
static double took_us[WINDOW_MAX];
static size_t count;

static _Noreturn void fail(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	fputs("meter: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	exit(1);
}

static uint64_t now_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* Where it may: who waits for a core measures the machine. */
static void go_first(void)
{
	struct sched_param param = { .sched_priority = 10 };
	sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &param);
	prctl(PR_SET_TIMERSLACK, 1);
}

static int connected(const char *host, const char *port)
{
	struct addrinfo *address,
	    wanted = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST };
	int on = 1;
	if (getaddrinfo(host, port, &wanted, &address) != 0)
		fail("no address: %s", host);
	int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, address->ai_addr, address->ai_addrlen) < 0)
		fail("connect: %s", strerror(errno));
	freeaddrinfo(address);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

static void write_query(const char *query, int len)
{
	if (SSL_write(ssl, query, len) != len)
		fail("what was to be said is not taken");
}

static void sign_up(int fd)
{
	char text[RECORD_SIZE];
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	ssl = context != NULL ? SSL_new(context) : NULL;
	if (ssl == NULL || SSL_set_fd(ssl, fd) != 1 || SSL_connect(ssl) != 1)
		fail("no handshake");
	write_query(text, snprintf(text, sizeof(text), "PUT %s secret \r\n", name));
	int len = SSL_read(ssl, text, sizeof(text) - 1);
	text[len > 0 ? len : 0] = '\0';
	if (sscanf(text, "ACCEPT %*s %63s", token) != 1)
		fail("not accepted: %s", text);
}

static void say(void)
{
	char text[RECORD_SIZE];
	write_query(text, snprintf(text, sizeof(text), "MSG %s %s %llu %s \r\n", name, name,
			      (unsigned long long)said++, token));
}

static void hear(void)
{
	char text[RECORD_SIZE], expected[RECORD_SIZE];
	int len;
	while ((len = SSL_read(ssl, text, sizeof(text))) > 0) {
		int expected_len = snprintf(expected, sizeof(expected), "RELAY %s %s %llu \r\n",
		    name, name, (unsigned long long)heard);
		if (len != expected_len || memcmp(text, expected, (size_t)len) != 0)
			fail("heard in place of message %llu: %.*s", (unsigned long long)heard, len,
			    text);
		if (count < WINDOW_MAX)
			took_us[count++] = (double)(now_us() - (first_due_us + heard * PAUSE_US));
		heard++;
	}
	if (SSL_get_error(ssl, len) != SSL_ERROR_WANT_READ)
		fail("the connection has ended");
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static void report(void)
{
	qsort(took_us, count, sizeof(*took_us), compare);
	printf("%zu %.0f %.0f\n", count, count > 0 ? took_us[count / 2] : 0,
	    count > 0 ? took_us[count * 99 / 100] : 0);
	fflush(stdout);
	count = 0;
}

/* Waits until the next message is due, or there is something to hear, or to do. */
static bool asked_for_report(struct pollfd polled[2], uint64_t due_us)
{
	char line[64];
	uint64_t now = now_us();
	uint64_t wait_us = due_us > now ? due_us - now : 0;
	struct timespec wait = { .tv_sec = (time_t)(wait_us / 1000000),
		.tv_nsec = (long)(wait_us % 1000000) * 1000 };
	if (ppoll(polled, 2, &wait, NULL) < 0)
		fail("ppoll: %s", strerror(errno));
	if (polled[0].revents != 0)
		hear();
	if (polled[1].revents == 0)
		return false;
	if (read(STDIN_FILENO, line, sizeof(line)) <= 0)
		exit(0);
	return true;
}

static void finish_window(struct pollfd polled[2])
{
	uint64_t give_up_us = now_us() + PATIENCE_US;
	while (heard < said) {
		if (now_us() >= give_up_us)
			fail("message %llu does not come", (unsigned long long)heard);
		polled[1].events = 0;
		asked_for_report(polled, give_up_us);
	}
	polled[1].events = POLLIN;
	report();
}

int main(int argc, char **argv)
{
	if (argc != 4)
		fail("HOST PORT NAME");
	name = argv[3];
	int fd = connected(argv[1], argv[2]);
	sign_up(fd);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	go_first();
	puts("here");
	fflush(stdout);
	struct pollfd polled[2] = { { .fd = fd, .events = POLLIN },
		{ .fd = STDIN_FILENO, .events = POLLIN } };
	for (first_due_us = now_us();;) {
		uint64_t due_us = first_due_us + said * PAUSE_US;
		bool asked = asked_for_report(polled, due_us);
		for (; now_us() >= due_us; due_us += PAUSE_US)
			say();
		if (!asked)
			continue;
		finish_window(polled);
		first_due_us = now_us() - said * PAUSE_US; /* nobody was kept waiting but by us */
	}
}
