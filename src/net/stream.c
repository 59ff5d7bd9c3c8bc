/*
 * stream.c: which layer a connection is on, and the hand-over.
 *
 * OpenSSL must not have taken a byte beyond the client's Finished when it is freed. So while hands are shaken it is given one record at a
 * time: the handshake can only be done at the end of a record, and the rest is still in io->in. The ticket that OpenSSL makes last counts in the
 * sequence of what we seal. Until log-in a record that is not all there is kept here, for OpenSSL would take 17 KiB to wait for the rest.
 */
#include "net/stream.h"

#include <openssl/err.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/prefetch.h"
#include "net/hello.h"
#include "net/openssl_memory.h"
#include "net/schedule.h"

struct early {
	struct schedule_secrets secrets;
	struct buffer partial; /* what has come of a record */
	size_t record_max_len;
	bool may_be_handed_over;
	bool is_over; /* the peer has logged in */
};

static void drop_early(struct stream *s)
{
	if (s->early == NULL)
		return;
	buffer_clear(&s->early->partial);
	sodium_memzero(s->early, sizeof(*s->early));
	free(s->early);
	s->early = NULL;
}

/* ---- A record at a time ---- */

enum { SEALED_MAX_LEN = (1 << 14) + 2048 }; /* RFC 5246, 6.2.3; TLS 1.3 has less */

/* How long the record is that begins bytes, as far as that can be seen; what is no record OpenSSL finds at once. */
static size_t record_len(struct slice bytes)
{
	const uint8_t *header = (const uint8_t *)bytes.ptr;
	if (bytes.len < RECORD_HEADER_LEN)
		return RECORD_HEADER_LEN;
	size_t len = (size_t)header[3] << 8 | header[4];
	if (header[0] < RECORD_CHANGE_CIPHER_SPEC || header[0] > RECORD_DATA || header[1] != 3 ||
	    len > SEALED_MAX_LEN)
		return bytes.len;
	return RECORD_HEADER_LEN + len;
}

/*
 * Takes the next record off the front of rest: 1. It is valid until partial is changed. 0: more bytes are needed, and all are taken. TLS_BROKEN: it is too long, or
 * no memory.
 */
static int take_record(struct early *early, struct slice *rest, struct slice *record_r)
{
	struct buffer *partial = &early->partial;
	for (;;) {
		struct slice bytes = partial->len > 0 ? buffer_slice(partial) : *rest;
		size_t len = record_len(bytes);
		if (len > early->record_max_len) {
			ERR_raise(ERR_LIB_SSL, SSL_R_PACKET_LENGTH_TOO_LONG);
			return TLS_BROKEN;
		}
		if (len <= bytes.len && bytes.len >= RECORD_HEADER_LEN) {
			*record_r = slice_of(bytes.ptr, len);
			if (partial->len == 0)
				*rest = slice_skip(*rest, len);
			return 1;
		}
		size_t missing = len - partial->len;
		size_t taken = missing < rest->len ? missing : rest->len;
		if (taken == 0)
			return 0;
		if (!buffer_append(partial, rest->ptr, taken))
			return TLS_BROKEN;
		*rest = slice_skip(*rest, taken);
	}
}

/* ---- The hand-over ---- */

/* How many records these bytes are; -1: not whole ones of the kind that our key has sealed. */
static int count_sealed(struct slice bytes)
{
	int count = 0;
	while (bytes.len > 0) {
		size_t len;
		if (record_begins(bytes, &len) != 1 || len > bytes.len)
			return -1;
		bytes = slice_skip(bytes, len);
		count++;
	}
	return count;
}

static bool shows_certificate(SSL *ssl)
{
	X509 *certificate = SSL_get1_peer_certificate(ssl);
	X509_free(certificate);
	return certificate != NULL;
}

/* RFC 6066, 4: a client may ask for them. */
static bool has_short_records(SSL *ssl)
{
	uint8_t code = SSL_SESSION_get_max_fragment_length(SSL_get_session(ssl));
	return code >= TLSEXT_max_fragment_length_512 && code <= TLSEXT_max_fragment_length_4096;
}

/* Whether this connection is one that tls13.h does not know all about. */
static bool is_unusual(SSL *ssl, const struct early *early, const struct record_suite *suite)
{
	return !early->may_be_handed_over || suite == NULL || SSL_version(ssl) != TLS1_3_VERSION ||
	       early->secrets.client.len != suite->secret_len ||
	       early->secrets.server.len != suite->secret_len || SSL_has_pending(ssl) ||
	       has_short_records(ssl) || shows_certificate(ssl);
}

/*
 * What OpenSSL has said since tickets_at is the ticket, made while there is somebody who can. It waits for our first write, to spare a system
 * call. Without memory the connection stays where it is.
 */
static void hand_over(struct stream *s, struct tls_io *io, size_t tickets_at)
{
	struct early *early = s->early;
	const struct record_suite *suite =
	    record_suite(SSL_CIPHER_get_protocol_id(SSL_get_current_cipher(s->ssl)));
	if (is_unusual(s->ssl, early, suite))
		return;
	struct slice tickets = slice_of(io->out + tickets_at, io->out_len - tickets_at);
	int sealed = count_sealed(tickets);
	if (sealed < 0)
		return;
	struct tls13 *own = malloc(sizeof(*own));
	if (own == NULL ||
	    !tls13_init(own, suite, early->secrets.client.bytes, early->secrets.server.bytes)) {
		free(own);
		return;
	}
	if (!tls13_begin_with(own, tickets, (unsigned)sealed)) {
		tls13_clear(own, io);
		free(own);
		return;
	}
	io->out_len = tickets_at;
	s->own = own;
}

/* Gives OpenSSL what belongs to the handshake, a record at a time. */
static int shake_hands(struct stream *s, struct tls_io *io)
{
	struct early *early = s->early;
	struct slice rest = io->in;
	int result;
	while ((result = take_record(early, &rest, &io->in)) == 1) {
		size_t out_before = io->out_len;
		schedule_catch(early->may_be_handed_over ? &early->secrets : NULL);
		result = tls_handshake(s->ssl);
		schedule_catch(NULL);
		if (result == 1)
			hand_over(s, io, out_before);
		buffer_clear(&early->partial);
		if (result != TLS_MORE)
			break;
	}
	if (result == TLS_MORE)
		tls_free_buffers(s->ssl);
	io->in = rest;
	return result;
}

/* Whose records there will be from now on. */
static void decide(struct stream *s)
{
	if (s->own != NULL) {
		openssl_memory_free(s->ssl);
		s->ssl = NULL;
		drop_early(s);
		return;
	}
	sodium_memzero(&s->early->secrets, sizeof(s->early->secrets));
	s->early->record_max_len = SIZE_MAX;
	tls_settle(s->ssl);
	tls_expect_password(s->ssl, true);
}

int stream_handshake(struct stream *s, struct tls_io *io)
{
	int result = shake_hands(s, io);
	if (result == 1)
		decide(s);
	return result;
}

/* ---- Until log-in OpenSSL is given whole records only ---- */

static int read_by_record(struct stream *s, struct tls_io *io, char *buf, size_t cap)
{
	struct slice rest = io->in;
	io->in = SLICE("");
	int result = tls_read(s->ssl, buf, cap);
	while (result == TLS_MORE && (result = take_record(s->early, &rest, &io->in)) == 1) {
		result = tls_read(s->ssl, buf, cap);
		buffer_clear(&s->early->partial);
	}
	io->in = rest;
	return result;
}

static int read_by_openssl(struct stream *s, struct tls_io *io, char *buf, size_t cap)
{
	if (s->early != NULL && s->early->is_over && s->early->partial.len == 0)
		drop_early(s);
	return s->early != NULL ? read_by_record(s, io, buf, cap) : tls_read(s->ssl, buf, cap);
}

/* ---- The face ---- */

bool stream_accept(
    struct stream *s, SSL_CTX *context, struct tls_io *io, enum net_tls_records records)
{
	*s = (struct stream){ .ssl = tls_accept_new(context, io) };
	if (s->ssl == NULL)
		return false;
	s->early = calloc(1, sizeof(*s->early));
	if (s->early == NULL) {
		stream_free(s, io);
		return false;
	}
	/* A client's words in a handshake are as short as its hello, but for a certificate. */
	s->early->record_max_len =
	    SSL_get_verify_mode(s->ssl) == SSL_VERIFY_NONE ? HELLO_MAX_LEN : RECORD_WHOLE_MAX_LEN;
	s->early->may_be_handed_over = records == NET_TLS_RECORDS_OWN;
	if (s->early->may_be_handed_over)
		tls_expect_hand_over(s->ssl);
	return true;
}

void stream_free(struct stream *s, struct tls_io *io)
{
	drop_early(s);
	openssl_memory_free(s->ssl);
	if (s->own != NULL)
		tls13_clear(s->own, io);
	free(s->own);
	*s = (struct stream){ 0 };
}

int stream_read(struct stream *s, struct tls_io *io, char *buf, size_t cap)
{
	return s->own != NULL ? tls13_read(s->own, io, buf, cap) : read_by_openssl(s, io, buf, cap);
}

size_t stream_missing(const struct stream *s)
{
	const struct buffer *partial = s->own != NULL ? &s->own->partial : &s->early->partial;
	size_t len = partial->len > 0 ? record_len(buffer_slice(partial)) : 0;
	return partial->len >= RECORD_HEADER_LEN ? len - partial->len : 0;
}

bool stream_write(struct stream *s, struct tls_io *io, struct slice bytes)
{
	return s->own != NULL ? tls13_write(s->own, io, bytes) : tls_write(s->ssl, bytes);
}

void stream_prefetch_key(const struct stream *s)
{
	if (s->own != NULL)
		prefetch(s->own, offsetof(struct tls13, out.key));
}

enum { CONTEXT_LEN = 192 }; /* of an EVP_CIPHER_CTX, about: OpenSSL does not say */

void stream_prefetch_cipher(const struct stream *s)
{
	if (s->own != NULL && s->own->out.cipher != NULL)
		prefetch(s->own->out.cipher->context, CONTEXT_LEN);
}

void stream_more_follows(struct stream *s, bool more)
{
	if (s->ssl != NULL)
		tls_more_follows(s->ssl, more);
}

void stream_close_notify(struct stream *s, struct tls_io *io)
{
	if (s->own != NULL)
		tls13_close_notify(s->own, io);
	else
		tls_close_notify(s->ssl);
}

void stream_authenticated(struct stream *s)
{
	if (s->ssl == NULL)
		return;
	tls_send_ticket(s->ssl);
	tls_expect_password(s->ssl, false);
	s->early->is_over = true;
}

X509 *stream_peer_certificate(const struct stream *s)
{
	return s->ssl != NULL ? SSL_get1_peer_certificate(s->ssl) : NULL;
}
