/*
 * engine.h: the load generator's loop and its TLS connections ("links"). One thread; a turn is one look at epoll, after
 * which every link that said something gets one write. What goes wrong ends the program (fail()), but for a link that
 * the server closes: its owner hears of that.
 */
#ifndef BENCH_ENGINE_H
#define BENCH_ENGINE_H

#include <netinet/in.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/list.h"
#include "tls_pipe.h"

enum link_state {
	LINK_NONE,
	LINK_GREETING, /* waits for the line that the server says in the clear, where it does */
	LINK_HANDSHAKE,
	LINK_OPEN,
	LINK_CLOSING, /* has said close_notify and FIN, waits for the server's end */
};

struct engine;

struct link {
	struct engine *engine;
	enum link_state state;
	uint16_t port; /* at 127.0.0.1: whom it is to */
	int fd;
	bool waits_to_write;
	bool by_record; /* received() gets each TLS record by itself, and takes all of it */
	SSL *ssl;
	SSL_SESSION *session;    /* the newest ticket; the link's own, kept when it is closed */
	struct buffer out;       /* ciphertext of this turn, and what the socket did not take */
	struct buffer left_over; /* plaintext that the owner did not take */
	struct list talking;     /* among those with something to write */
	struct list dead;        /* among those to be cleared after the turn */
};

struct link_events {
	/* The handshake is done. */
	void (*opened)(struct link *l);
	/* Bytes came; returns how many were taken; the rest comes again in front of more. */
	size_t (*received)(struct link *l, struct slice bytes);
	/* All that was sent has been taken by the socket. */
	void (*drained)(struct link *l);
	/* The link is gone and may be opened again; after link_close() or because the server closed it. */
	void (*closed)(struct link *l);
};

struct engine {
	const struct link_events *events;
	SSL_CTX *tls;
	bool greets;     /* the server says a line in the clear before TLS */
	uint64_t now_ns; /* when this turn began */
	int epoll;
	struct list talking;
	struct list dead;
	struct tls_pipe pipe;
	char *in;    /* PIPE_IN_SIZE */
	char *plain; /* ENGINE_PLAIN_SIZE */
};

enum { ENGINE_PLAIN_SIZE = 256 * 1024 };

void engine_init(struct engine *e, const struct link_events *events);

/* One turn: waits for something to happen, until until_ns at most, and works it off. */
void engine_turn(struct engine *e, uint64_t until_ns);

/* Connects a link that has none; all zero but its port is such a link. resume: with the link's ticket, if the server gave one. */
void link_open(struct engine *e, struct link *l, bool resume);

/* Sends bytes as one TLS record, at the end of the turn. */
void link_send(struct link *l, struct slice bytes);

/* Says close_notify and FIN; closed() comes when the server has closed its side too. */
void link_close(struct link *l);

#endif
