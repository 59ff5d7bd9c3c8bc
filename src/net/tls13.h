/*
 * tls13.h: what is still to be said and heard in TLS 1.3 when the handshake is done: data, key updates, alerts (RFC 8446; "section" below
 * is of that). The handshake, and everything that a certificate is needed for, is OpenSSL's; stream.h hands over. Bytes in memory, as
 * in tls.h; on the worker's thread.
 */
#ifndef NET_TLS13_H
#define NET_TLS13_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "net/record.h"
#include "net/tls.h"

enum { TLS13_KEY_UPDATE_LEN = 5 };

enum tls13_update {
	TLS13_UPDATE_NOT_REQUESTED = 0,
	TLS13_UPDATE_REQUESTED = 1,
	TLS13_UPDATE_NONE,
};

/* One connection. At rest it has no memory but this. */
struct tls13 {
	bool is_broken; /* nothing more is said */
	bool is_over;   /* nothing more is read */
	uint8_t owed;   /* enum tls13_update: the key update that is to be said next */
	uint8_t empty_count, warning_count; /* records that brought nothing, in a row */
	uint8_t message_len;
	uint8_t
	    message[TLS13_KEY_UPDATE_LEN]; /* a handshake message of which the rest has not come */
	struct buffer
	    first; /* what was sealed with out before: goes in front of what is said first */
	struct record_key out, in;
	struct buffer partial; /* a record of which the rest has not come */
};

/*
 * Begins behind the handshake, with the application traffic secrets (section 7.1) of the other side and our own.
 * false: no memory, and nothing is to be cleared.
 */
bool tls13_init(struct tls13 *t, const struct record_suite *suite, const uint8_t *in_secret,
    const uint8_t *out_secret);

/* Takes count records that out's secret has sealed already, and that have not been sent. false: no memory. */
bool tls13_begin_with(struct tls13 *t, struct slice sealed, unsigned count);

/* Wipes and frees what it has. */
void tls13_clear(struct tls13 *t, struct tls_io *io);

/*
 * Takes records from io->in until one holds data, which it puts into buf; what is to be answered goes into io->out.
 *   cap  at least RECORD_WHOLE_MAX_LEN
 * >0: bytes; else an enum tls_result. After TLS_CLOSED and TLS_BROKEN it is the same again.
 */
int tls13_read(struct tls13 *t, struct tls_io *io, char *buf, size_t cap);

/* Writes bytes (at most RECORD_CONTENT_MAX_LEN) as one record into io->out, and a key update before when it is time. false: broken. */
bool tls13_write(struct tls13 *t, struct tls_io *io, struct slice bytes);

/* Writes close_notify into io->out, unless a worse alert was said or heard. */
void tls13_close_notify(struct tls13 *t, struct tls_io *io);

#endif
