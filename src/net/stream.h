/*
 * stream.h: a connection's TLS, whoever makes its records. OpenSSL shakes hands. What is then plain TLS 1.3 is handed over to tls13.h, with the
 * two traffic secrets, and the SSL is freed: 13 KiB and a third of the time of a record less. TLS 1.2, clients that show a certificate, and
 * whatever else is unusual, stay with OpenSSL for good.
 *
 *	               ┌─ tls.h ──── SSL
 *	connection ─ stream
 *	               └─ tls13.h ── keys, counters
 *
 * Results, and what happens to io, are as in tls.h. On the thread of the io.
 */
#ifndef NET_STREAM_H
#define NET_STREAM_H

#include "net/tls.h"
#include "net/tls13.h"

struct early;

/* All zero is a valid stream without anything. */
struct stream {
	SSL *ssl;            /* NULL: handed over, or freed */
	struct tls13 *own;   /* NULL: not handed over */
	struct early *early; /* until the hand-over; where it does not come to that, until log-in */
};

/* A stream that waits for its client's hello, and will make its records as said if it can. false: no memory. */
bool stream_accept(
    struct stream *s, SSL_CTX *context, struct tls_io *io, enum net_tls_records records);

/* Accepts a stream that is freed already. */
void stream_free(struct stream *s, struct tls_io *io);

/* It makes its records itself. Where OpenSSL does, that takes some 14 KiB more of memory. */
static inline bool stream_is_handed_over(const struct stream *s)
{
	return s->own != NULL;
}

/* Takes of io->in what belongs to the handshake. */
int stream_handshake(struct stream *s, struct tls_io *io);

int stream_read(struct stream *s, struct tls_io *io, char *buf, size_t cap);

/* Before log-in, after TLS_MORE: how many bytes the record that has begun still lacks, as far as that is known; else 0. */
size_t stream_missing(const struct stream *s);

bool stream_write(struct stream *s, struct tls_io *io, struct slice bytes);
void stream_more_follows(struct stream *s, bool more);
void stream_close_notify(struct stream *s, struct tls_io *io);

/*
 * The peer has logged in. It gets a ticket for its next handshake in front of the next write, unless it was handed over and has one; and what is read from now on
 * holds no password, so that OpenSSL need not wipe its buffers any more.
 */
void stream_authenticated(struct stream *s);

/* What the next write needs is asked for (base/prefetch.h): first its key, then, when that has come, what the key was lent. */
void stream_prefetch_key(const struct stream *s);
void stream_prefetch_cipher(const struct stream *s);

/* After the handshake: the certificate that the client has shown, or NULL. The caller's, to be freed. */
X509 *stream_peer_certificate(const struct stream *s);

#endif
