/*
 * tls.h: OpenSSL's TLS over bytes in memory. Knows no socket. A worker lends all its connections one pair of buffers (tls_io), so a
 * connection at rest owns no buffer of ours, and OpenSSL's own are given back between records.
 *
 *	socket -> tls_io.in -> [ SSL ] -> plaintext
 *	plaintext -> [ SSL ] -> tls_io.out -> socket
 *
 * A context may be used by any thread; an io, and the SSLs made with it, by one thread only.
 */
#ifndef NET_TLS_H
#define NET_TLS_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"
#include "net/certificate.h"
#include "net/ciphers.h"
#include "net/config.h"

struct tls_io {
	BIO *bio;
	struct slice in; /* ciphertext not yet taken by OpenSSL */
	char *out;       /* ciphertext not yet taken by the caller */
	size_t out_len;
	size_t out_cap;
	struct ciphers ciphers; /* for tls13.h */
};

/* What a record, or a flight of a handshake, may need in out: the caller makes sure of it before each call. */
enum { TLS_RECORD_OVERHEAD = 512, TLS_FLIGHT_MAX_LEN = 64 * 1024 };

enum { TLS_CIPHERS_COUNT = 4096 };

/* out_cap is in bytes. false: no memory. */
bool tls_io_init(struct tls_io *io, size_t out_cap);
void tls_io_clear(struct tls_io *io);

/*
 * A server's context from the settings: certificate, key, versions, client certificates, ALPN "ssl-messager/1" (protocol.md,
 * 1). Logs "certificate" with the key's fingerprint. Returns NULL with a sentence for the operator in why_r. Freed by SSL_CTX_free(),
 * which counts references.
 */
SSL_CTX *tls_server_context(
    const struct net_config *config, char why_r[static CERTIFICATE_WHY_SIZE]);

/* A connection that waits for its client's hello. NULL: no memory. Freed by openssl_memory_free(). */
SSL *tls_accept_new(SSL_CTX *context, struct tls_io *io);

enum tls_result {
	TLS_MORE = 0,    /* needs more bytes in io->in, which it has taken all of */
	TLS_CLOSED = -1, /* the peer said close_notify */
	TLS_BROKEN =
	    -2, /* not TLS, a bad record, an alert, no memory: send what is in io->out and give up */
};

/* Goes on with the handshake. 1: done; else a tls_result. */
int tls_handshake(SSL *ssl);

/*
 * For a handshake after which the SSL will be freed: its last words are the ticket, and OpenSSL may keep its buffers, until tls_settle() or tls_free_buffers().
 */
void tls_expect_hand_over(SSL *ssl);

/* It stays after all. */
void tls_settle(SSL *ssl);

/* Gives back what holds nothing. */
void tls_free_buffers(SSL *ssl);

/* Whether what is read may hold a password, and is to be wiped from OpenSSL's buffers. */
void tls_expect_password(SSL *ssl, bool expected);

/*
 * Has a ticket for the peer's next handshake go out in front of the next tls_write(), if it has none. It is for who has logged in: it shares a write with
 * ACCEPT, and strangers get none. (In TLS 1.2 it is part of the handshake.)
 */
void tls_send_ticket(SSL *ssl);

/* Reads one record's plaintext at most into buf. >0: bytes; else a tls_result. */
int tls_read(SSL *ssl, char *buf, size_t cap);

/* Writes bytes (1 to RECORD_CONTENT_MAX_LEN) as exactly one record into io->out. false: the connection is broken. */
bool tls_write(SSL *ssl, struct slice bytes);

/* Says whether OpenSSL may give its write buffer back after the next record: of a run of records only after the last. */
void tls_more_follows(SSL *ssl, bool more);

/* Writes close_notify into io->out, if a handshake was finished. */
void tls_close_notify(SSL *ssl);

/* OpenSSL's words for the last failure on this thread; forgets it. */
void tls_error_text(char *text, size_t size);

#endif
