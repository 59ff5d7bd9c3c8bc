/*
 * tls_pipe.h: TLS over bytes in memory, for the load generator and the floor: one BIO for all connections of a thread.
 * It reads from in and appends to out; whoever calls OpenSSL fills the one before and empties the other after. One
 * thread.
 */
#ifndef BENCH_TLS_PIPE_H
#define BENCH_TLS_PIPE_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

enum {
	PIPE_IN_SIZE = 64 * 1024,   /* ciphertext that one read of a socket takes */
	PIPE_OUT_SIZE = 256 * 1024, /* ciphertext on its way to one socket */
	PIPE_ROOM = 17 * 1024,      /* what must be free in out before a record is written */
};

struct tls_pipe {
	BIO *bio;
	const char *in; /* ciphertext not yet taken by OpenSSL; borrowed from whoever sets it */
	size_t in_len;
	char *out; /* PIPE_OUT_SIZE bytes, the pipe's own */
	size_t out_len;
};

/* false: no memory. There is no clear: a pipe lives as long as its program. */
bool tls_pipe_init(struct tls_pipe *p);

/* A connection of the context over the pipe. NULL: no memory. Freed by SSL_free(). */
SSL *tls_pipe_connect(struct tls_pipe *p, SSL_CTX *context);

static inline bool tls_pipe_has_room(const struct tls_pipe *p)
{
	return PIPE_OUT_SIZE - p->out_len >= PIPE_ROOM;
}

/* What the server's side of TLS, and so the client's, is for all: suites, groups, buffers given back between records. */
bool tls_pipe_set_up(SSL_CTX *context);

#endif
