/*
 * stream.c: which layer a connection is on, and the hand-over.
 *
 * OpenSSL must not have taken a byte beyond the client's Finished when it is freed. So while hands are shaken it is given one record at a
 * time, in as many parts as they come in: the handshake can only be done at the end of a record, and the rest is still in io->in. The ticket
 * that OpenSSL makes last counts in the sequence of what we seal.
 */
#include "net/stream.h"

#include <openssl/err.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/prefetch.h"
#include "net/openssl_memory.h"
#include "net/schedule.h"

struct hand_over {
	struct schedule_secrets secrets;
	uint8_t header[RECORD_HEADER_LEN]; /* of the record that OpenSSL is being given */
	size_t header_len;
	size_t body_left;
};

static void drop_hand_over(struct stream *s)
{
	if (s->hand_over == NULL)
		return;
	sodium_memzero(s->hand_over, sizeof(*s->hand_over));
	free(s->hand_over);
	s->hand_over = NULL;
}

/* ---- The hand-over ---- */

/* Takes from the front of rest what still belongs to the record that has begun. */
static struct slice take_part(struct hand_over *h, struct slice *rest)
{
	size_t len = 0;
	if (h->header_len == RECORD_HEADER_LEN && h->body_left == 0)
		h->header_len = 0;
	while (h->header_len < RECORD_HEADER_LEN && len < rest->len) {
		h->header[h->header_len++] = (uint8_t)rest->ptr[len++];
		if (h->header_len == RECORD_HEADER_LEN)
			h->body_left = (size_t)h->header[3] << 8 | h->header[4];
	}
	if (h->header_len == RECORD_HEADER_LEN) {
		size_t there = rest->len - len;
		size_t taken = h->body_left < there ? h->body_left : there;
		h->body_left -= taken;
		len += taken;
	}
	struct slice part = slice_of(rest->ptr, len);
	*rest = slice_skip(*rest, len);
	return part;
}

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
static bool is_unusual(SSL *ssl, const struct hand_over *h, const struct record_suite *suite)
{
	return suite == NULL || SSL_version(ssl) != TLS1_3_VERSION ||
	       h->secrets.client.len != suite->secret_len ||
	       h->secrets.server.len != suite->secret_len || h->header_len != RECORD_HEADER_LEN ||
	       h->body_left != 0 || SSL_has_pending(ssl) || has_short_records(ssl) ||
	       shows_certificate(ssl);
}

/*
 * What OpenSSL has said since tickets_at is the ticket, made while there is somebody who can. It waits for our first write, to spare a system
 * call. Without memory the connection stays where it is.
 */
static void hand_over(struct stream *s, struct tls_io *io, size_t tickets_at)
{
	struct hand_over *h = s->hand_over;
	const struct record_suite *suite =
	    record_suite(SSL_CIPHER_get_protocol_id(SSL_get_current_cipher(s->ssl)));
	if (is_unusual(s->ssl, h, suite))
		return;
	struct slice tickets = slice_of(io->out + tickets_at, io->out_len - tickets_at);
	int sealed = count_sealed(tickets);
	if (sealed < 0)
		return;
	struct tls13 *own = malloc(sizeof(*own));
	if (own == NULL ||
	    !tls13_init(own, suite, h->secrets.client.bytes, h->secrets.server.bytes)) {
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
	struct slice rest = io->in;
	int result;
	size_t out_before;
	do {
		out_before = io->out_len;
		io->in = take_part(s->hand_over, &rest);
		schedule_catch(&s->hand_over->secrets);
		result = tls_handshake(s->ssl);
		schedule_catch(NULL);
	} while (result == TLS_MORE && rest.len > 0);
	if (result == 1 && io->in.len == 0)
		hand_over(s, io, out_before);
	else if (result == TLS_MORE && s->hand_over->body_left == 0)
		tls_free_buffers(s->ssl); /* amid a record it would be a fault of older OpenSSLs */
	io->in = slice_of(rest.ptr - io->in.len, io->in.len + rest.len);
	return result;
}

/* Whose records there will be from now on. */
static void decide(struct stream *s)
{
	if (s->own != NULL) {
		openssl_memory_free(s->ssl);
		s->ssl = NULL;
		return;
	}
	if (s->hand_over != NULL)
		tls_settle(s->ssl);
	tls_expect_password(s->ssl, true);
}

int stream_handshake(struct stream *s, struct tls_io *io)
{
	int result = s->hand_over != NULL ? shake_hands(s, io) : tls_handshake(s->ssl);
	if (result == 1)
		decide(s);
	if (result != TLS_MORE)
		drop_hand_over(s);
	return result;
}

/* ---- The face ---- */

bool stream_accept(
    struct stream *s, SSL_CTX *context, struct tls_io *io, enum net_tls_records records)
{
	*s = (struct stream){ .ssl = tls_accept_new(context, io) };
	if (s->ssl == NULL)
		return false;
	if (records == NET_TLS_RECORDS_LIBSSL)
		return true;
	s->hand_over = calloc(1, sizeof(*s->hand_over));
	if (s->hand_over == NULL) {
		stream_free(s, io);
		return false;
	}
	tls_expect_hand_over(s->ssl);
	return true;
}

void stream_free(struct stream *s, struct tls_io *io)
{
	drop_hand_over(s);
	openssl_memory_free(s->ssl);
	if (s->own != NULL)
		tls13_clear(s->own, io);
	free(s->own);
	*s = (struct stream){ 0 };
}

int stream_read(struct stream *s, struct tls_io *io, char *buf, size_t cap)
{
	return s->own != NULL ? tls13_read(s->own, io, buf, cap) : tls_read(s->ssl, buf, cap);
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
}

X509 *stream_peer_certificate(const struct stream *s)
{
	return s->ssl != NULL ? SSL_get1_peer_certificate(s->ssl) : NULL;
}
