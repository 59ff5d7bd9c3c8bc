/* The hand-over, and what tls13.c makes of what a client may say then: libssl is the other side, or somebody with its keys. */
#include "net/stream.h"

#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake/tls_pair.h"
#include "unit.h"

static struct tls_pair *pair_with(const struct tls_pair_options *options)
{
	struct tls_pair *p = tls_pair_new(options);
	assert_non_null(p);
	assert_true(tls_pair_shake_hands(p));
	return p;
}

static struct tls_pair *raw_pair(void)
{
	struct tls_pair *p = pair_with(&(struct tls_pair_options){ 0 });
	assert_non_null(p->server.own);
	assert_true(tls_pair_go_raw(p));
	return p;
}

/* ---- Both ways, with libssl ---- */

static void client_says(struct tls_pair *p, const char *text)
{
	assert_int_equal(SSL_write(p->client, text, (int)strlen(text)), (int)strlen(text));
}

/* What the client has written gets to the server, which answers with TLS_MORE. */
static void arrives(struct tls_pair *p)
{
	char none;
	(void)tls_pair_client_reads(p, &none, 0);
	struct buffer said = p->to_server;
	p->to_server = (struct buffer){ 0 };
	assert_int_equal(tls_pair_give(p, buffer_slice(&said)), TLS_MORE);
	buffer_clear(&said);
}

static void client_hears(struct tls_pair *p, const char *text)
{
	char got[256];
	int len = tls_pair_client_reads(p, got, sizeof(got));
	assert_true(len >= 0);
	assert_slice_equal(slice_of(got, (size_t)len), slice_str(text));
}

static void they_talk(struct tls_pair *p)
{
	for (int i = 0; i < 3; i++) {
		client_says(p, "hello");
		arrives(p);
		assert_slice_is(slice_of(p->plain, p->plain_len), "hello");
		assert_true(stream_write(&p->server, &p->io, SLICE("good day")));
		client_hears(p, "good day");
	}
}

static void they_part(struct tls_pair *p)
{
	char none;
	stream_close_notify(&p->server, &p->io);
	assert_int_equal(tls_pair_client_reads(p, &none, 1), 0);
	assert_int_equal(SSL_get_error(p->client, 0), SSL_ERROR_ZERO_RETURN);
	assert_int_equal(SSL_shutdown(p->client), 1);
	(void)tls_pair_client_reads(p, &none, 1);
	struct slice bye = buffer_slice(&p->to_server);
	assert_int_equal(tls_pair_give(p, bye), TLS_CLOSED);
	assert_int_equal(tls_pair_give(p, SLICE("whatever")), TLS_CLOSED);
	assert_int_equal(p->plain_len, 0);
}

static const struct kind_case {
	const char *name;
	struct tls_pair_options options;
	bool own;
} kind_cases[] = {
	{ "AES-128-GCM", { .suite = "TLS_AES_128_GCM_SHA256" }, true },
	{ "AES-256-GCM", { .suite = "TLS_AES_256_GCM_SHA384" }, true },
	{ "ChaCha20-Poly1305", { .suite = "TLS_CHACHA20_POLY1305_SHA256" }, true },
	{ "TLS 1.2", { .version = TLS1_2_VERSION }, false },
	{ "a client that shows a certificate", { .certificate = true }, false },
	{ "short records", { .short_records = true }, false },
	{ "libssl by choice", { .libssl = true }, false },
};

static void each_kind_is_where_it_belongs(void **state)
{
	const struct kind_case *c = *state;
	struct tls_pair *p = pair_with(&c->options);
	assert_int_equal(p->server.own != NULL, c->own);
	assert_int_equal(p->server.ssl != NULL, !c->own);
	assert_int_equal(p->server.early != NULL, !c->own);
	X509 *certificate = stream_peer_certificate(&p->server);
	assert_int_equal(certificate != NULL, c->options.certificate);
	X509_free(certificate);
	stream_authenticated(&p->server);
	they_talk(p);
	assert_null(p->server.early);
	they_part(p);
	tls_pair_free(p);
}

static void a_ticket_resumes(void **state)
{
	const struct kind_case *c = *state;
	if (c->options.version == TLS1_2_VERSION)
		return; /* there tickets are none of ours */
	struct tls_pair *p = pair_with(&c->options);
	stream_authenticated(&p->server);
	they_talk(p);
	SSL_SESSION *session = SSL_get1_session(p->client);
	assert_true(SSL_SESSION_is_resumable(session));
	they_part(p);
	tls_pair_free(p);
	for (int i = 0; i < 2; i++) {
		struct tls_pair_options again = c->options;
		again.session = session;
		p = pair_with(&again);
		assert_true(SSL_session_reused(p->client));
		assert_int_equal(p->server.own != NULL, c->own);
		stream_authenticated(&p->server);
		they_talk(p);
		/* There is a new one for the next time. */
		assert_ptr_not_equal(SSL_get0_session(p->client), session);
		assert_true(SSL_SESSION_is_resumable(SSL_get0_session(p->client)));
		tls_pair_free(p);
	}
	SSL_SESSION_free(session);
}

static void without_memory_it_stays_with_libssl(void **state)
{
	for (long n = 0; n < 2; n++) {
		struct tls_pair *p = tls_pair_new(&(struct tls_pair_options){ 0 });
		assert_true(tls_pair_to_finished(p));
		unit_allocate_only(n);
		int result = tls_pair_give(p, buffer_slice(&p->to_server));
		unit_allocate_all();
		p->to_server.len = 0;
		assert_int_equal(result, TLS_MORE);
		assert_null(p->server.own);
		they_talk(p);
		tls_pair_free(p);
	}
}

/* ---- The hand-over at every split of what follows Finished ---- */

static const char *const after_finished[] = { "one", "two", "three" };

/* Finished, three records of data with a key update between two of them, in pieces that end at the given places. */
static void give_in_pieces(size_t piece, size_t first_piece, size_t *len_r)
{
	struct tls_pair *p = tls_pair_new(&(struct tls_pair_options){ 0 });
	char said[16];
	size_t said_len = 0;
	assert_true(tls_pair_to_finished(p));
	client_says(p, after_finished[0]);
	client_says(p, after_finished[1]);
	assert_true(SSL_key_update(p->client, SSL_KEY_UPDATE_REQUESTED));
	client_says(p, after_finished[2]);
	(void)tls_pair_client_shakes(p);
	struct slice rest = buffer_slice(&p->to_server);
	*len_r = rest.len;
	for (size_t next = first_piece; rest.len > 0; next = piece) {
		size_t len = next < rest.len ? next : rest.len;
		/* A piece of memory of its own, so that a read behind its end is seen. */
		char *copy = malloc(len);
		memcpy(copy, rest.ptr, len);
		assert_int_equal(tls_pair_give(p, slice_of(copy, len)), TLS_MORE);
		free(copy);
		memcpy(said + said_len, p->plain, p->plain_len);
		said_len += p->plain_len;
		rest = slice_skip(rest, len);
	}
	assert_non_null(p->server.own);
	assert_slice_is(slice_of(said, said_len), "onetwothree");
	p->to_server.len = 0;
	they_talk(p);
	tls_pair_free(p);
}

static void any_split_will_do(void **state)
{
	size_t len = 1;
	for (size_t at = 1; at <= len; at++)
		give_in_pieces(SIZE_MAX, at, &len);
	assert_true(len > 100);
}

static void byte_by_byte_will_do(void **state)
{
	size_t len;
	give_in_pieces(1, 1, &len);
	give_in_pieces(7, 3, &len);
}

/* ---- Key updates ---- */

static void updates_are_followed(void **state)
{
	const struct kind_case *c = *state;
	if (!c->own)
		return;
	struct tls_pair *p = pair_with(&c->options);
	for (int i = 0; i < 500; i++) {
		int how = i % 2 ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED;
		assert_true(SSL_key_update(p->client, how));
		they_talk(p);
	}
	tls_pair_free(p);
}

/* Many at once: one answer is enough. */
static void a_storm_gets_one_answer(void **state)
{
	struct tls_pair *p = raw_pair();
	for (int i = 0; i < 1000; i++) {
		EVP_CIPHER_CTX *context = ciphers_lend(&p->raw_io.ciphers, &p->raw.out, true);
		p->raw_io.out_len += record_seal(&p->raw.out, context, RECORD_HANDSHAKE,
		    SLICE("\x18\0\0\1\1"), 0, p->raw_io.out + p->raw_io.out_len);
		assert_true(record_key_update(&p->raw.out));
		ciphers_take_back(&p->raw_io.ciphers, &p->raw.out);
	}
	p->io.out_len = 0;
	assert_true(tls13_write(&p->raw, &p->raw_io, SLICE("calm")));
	assert_int_equal(tls_pair_give(p, slice_of(p->raw_io.out, p->raw_io.out_len)), TLS_MORE);
	assert_slice_is(slice_of(p->plain, p->plain_len), "calm");
	assert_true(p->io.out_len < 1024); /* the ticket and one update */
	assert_true(stream_write(&p->server, &p->io, SLICE("good day")));
	p->raw_io.in = slice_of(p->io.out, p->io.out_len);
	tls_pair_free(p);
}

/* Takes the ticket, which libssl's client would, off what the server has said. */
static void skip_ticket(struct tls_pair *p)
{
	size_t len;
	assert_true(stream_write(&p->server, &p->io, SLICE("first")));
	assert_int_equal(record_begins(slice_of(p->io.out, p->io.out_len), &len), 1);
	p->io.out_len = 0;
	p->raw.in.sequence = p->server.own->out.sequence;
}

static void raw_hears(struct tls_pair *p, struct slice expected)
{
	char got[RECORD_WHOLE_MAX_LEN];
	p->raw_io.in = slice_of(p->io.out, p->io.out_len);
	int len = tls13_read(&p->raw, &p->raw_io, got, sizeof(got));
	p->io.out_len = 0;
	assert_true(len > 0);
	assert_slice_equal(slice_of(got, (size_t)len), expected);
}

static void a_key_is_renewed_before_its_limit(void **state)
{
	struct tls_pair *p = raw_pair();
	skip_ticket(p);
	struct tls13 *own = p->server.own;
	own->out.sequence = p->raw.in.sequence = own->out.suite->limit - 3;
	for (int i = 0; i < 5; i++) {
		assert_true(stream_write(&p->server, &p->io, SLICE("hello")));
		raw_hears(p, SLICE("hello"));
		assert_true(own->out.sequence < own->out.suite->limit);
	}
	assert_int_equal(own->out.sequence, 3); /* two before the update, and three after it */
	tls_pair_free(p);
}

static void who_seals_too_much_is_asked_for_a_new_key(void **state)
{
	struct tls_pair *p = raw_pair();
	skip_ticket(p);
	struct tls13 *own = p->server.own;
	own->in.sequence = p->raw.out.sequence = own->in.suite->limit - 1;
	EVP_CIPHER_CTX *context = ciphers_lend(&p->raw_io.ciphers, &p->raw.out, true);
	p->raw_io.out_len =
	    record_seal(&p->raw.out, context, RECORD_DATA, SLICE("more"), 0, p->raw_io.out);
	assert_int_equal(tls_pair_give(p, slice_of(p->raw_io.out, p->raw_io.out_len)), TLS_MORE);
	assert_slice_is(slice_of(p->plain, p->plain_len), "more");
	/* raw answers as a server would: with an update of its own. */
	char none[RECORD_WHOLE_MAX_LEN];
	p->raw_io.in = slice_of(p->io.out, p->io.out_len);
	p->raw_io.out_len = 0;
	assert_int_equal(tls13_read(&p->raw, &p->raw_io, none, sizeof(none)), TLS_MORE);
	assert_int_equal(p->raw.out.sequence, 0);
	assert_true(tls13_write(&p->raw, &p->raw_io, SLICE("on")));
	assert_int_equal(tls_pair_give(p, slice_of(p->raw_io.out, p->raw_io.out_len)), TLS_MORE);
	assert_slice_is(slice_of(p->plain, p->plain_len), "on");
	tls_pair_free(p);
}

/* ---- Many, small ---- */

static void a_hundred_thousand_records_and_more(void **state)
{
	struct tls_pair *p = pair_with(&(struct tls_pair_options){ 0 });
	for (int i = 0; i < 1 << 17; i++) {
		client_says(p, "x");
		if (i % 256 < 255)
			continue;
		arrives(p);
		assert_int_equal(p->plain_len, 256);
		for (int k = 0; k < 256; k++)
			assert_true(stream_write(&p->server, &p->io, SLICE("y")));
		for (int k = 0; k < 256; k++)
			client_hears(p, "y");
	}
	assert_int_equal(p->server.own->in.sequence, 1 << 17);
	tls_pair_free(p);
}

static void empty_and_padded_records_are_records(void **state)
{
	struct tls_pair *p = raw_pair();
	EVP_CIPHER_CTX *context = ciphers_lend(&p->raw_io.ciphers, &p->raw.out, true);
	for (int i = 0; i < 100; i++) {
		p->raw_io.out_len += record_seal(&p->raw.out, context, RECORD_DATA, SLICE(""),
		    i % 3 ? 100 : 0, p->raw_io.out + p->raw_io.out_len);
		p->raw_io.out_len += record_seal(&p->raw.out, context, RECORD_DATA, SLICE("a"),
		    (size_t)i, p->raw_io.out + p->raw_io.out_len);
	}
	assert_int_equal(tls_pair_give(p, slice_of(p->raw_io.out, p->raw_io.out_len)), TLS_MORE);
	assert_int_equal(p->plain_len, 100);
	tls_pair_free(p);
}

/* ---- What is answered with an alert ---- */

static int heard_alert(struct tls_pair *p);
static void raw_says(struct tls_pair *p, uint8_t type, struct slice content);

static const struct useless_case {
	const char *name;
	uint8_t type;
	struct slice content;
	int most; /* of them in a row */
} useless_cases[] = {
	{ "empty records", RECORD_DATA, SLICE(""), 32 },
	{ "warnings", RECORD_ALERT, SLICE("\1\x5a"), 4 },
};

static void what_brings_nothing_ends(void **state)
{
	const struct useless_case *c = *state;
	struct tls_pair *p = raw_pair();
	for (int rounds = 0; rounds < 3; rounds++) {
		for (int i = 0; i < c->most; i++)
			raw_says(p, c->type, c->content);
		raw_says(p, RECORD_DATA, SLICE("x"));
	}
	assert_int_equal(tls_pair_give(p, slice_of(p->raw_io.out, p->raw_io.out_len)), TLS_MORE);
	assert_int_equal(p->plain_len, 3);
	p->raw_io.out_len = p->io.out_len = 0;
	for (int i = 0; i < c->most + 1; i++)
		raw_says(p, c->type, c->content);
	assert_int_equal(tls_pair_give(p, slice_of(p->raw_io.out, p->raw_io.out_len)), TLS_BROKEN);
	assert_int_equal(heard_alert(p), ALERT_UNEXPECTED_MESSAGE);
	tls_pair_free(p);
}

struct saying {
	uint8_t type; /* 0: nothing more */
	struct slice content;
};

static const struct bad_case {
	const char *name;
	struct saying sayings[6]; /* in records of their own; "good" is delivered before */
	int ending;               /* TLS_MORE, TLS_CLOSED, or -(alert) */
} bad_cases[] = {
	{ "nothing more", { { 0 } }, TLS_MORE },
	{ "close_notify", { { 21, SLICE("\1\0") } }, TLS_CLOSED },
	{ "close_notify that calls itself fatal", { { 21, SLICE("\2\0") } }, TLS_CLOSED },
	{ "data after close_notify", { { 21, SLICE("\1\0") }, { 23, SLICE("bad") } }, TLS_CLOSED },
	{ "user_canceled", { { 21, SLICE("\1\x5a") } }, TLS_MORE },
	{ "user_canceled, close_notify", { { 21, SLICE("\1\x5a") }, { 21, SLICE("\1\0") } },
	    TLS_CLOSED },
	{ "a fatal alert", { { 21, SLICE("\2\x28") }, { 23, SLICE("bad") } }, TLS_BROKEN },
	{ "a fatal alert that calls itself a warning", { { 21, SLICE("\1\x28") } }, TLS_BROKEN },
	{ "a short alert", { { 21, SLICE("\2") } }, -ALERT_DECODE_ERROR },
	{ "two alerts in one record", { { 21, SLICE("\1\x5a\1\0") } }, -ALERT_DECODE_ERROR },
	{ "an empty alert", { { 21, SLICE("") } }, -ALERT_UNEXPECTED_MESSAGE },
	{ "an empty message", { { 22, SLICE("") } }, -ALERT_UNEXPECTED_MESSAGE },
	{ "change_cipher_spec, sealed", { { 20, SLICE("\1") } }, -ALERT_UNEXPECTED_MESSAGE },
	{ "an unknown type", { { 24, SLICE("x") } }, -ALERT_UNEXPECTED_MESSAGE },
	{ "type 0", { { 0xff, SLICE("\0") } }, -ALERT_UNEXPECTED_MESSAGE },
	{ "a second ClientHello", { { 22, SLICE("\1\0\0\1\0") } }, -ALERT_UNEXPECTED_MESSAGE },
	{ "a certificate nobody asked for", { { 22, SLICE("\x0b\0\0\4\0\0\0\0") } },
	    -ALERT_UNEXPECTED_MESSAGE },
	{ "a ticket from a client", { { 22, SLICE("\4\0\0\1\0") } }, -ALERT_UNEXPECTED_MESSAGE },
	{ "a second Finished, one byte of it", { { 22, SLICE("\x14") } },
	    -ALERT_UNEXPECTED_MESSAGE },
	{ "a key update of no length", { { 22, SLICE("\x18\0\0\0") } }, -ALERT_DECODE_ERROR },
	{ "a key update that is too long", { { 22, SLICE("\x18\0\0\2\0\0") } },
	    -ALERT_DECODE_ERROR },
	{ "a key update that is far too long", { { 22, SLICE("\x18\1\0\1\0") } },
	    -ALERT_DECODE_ERROR },
	{ "a key update of an unknown kind", { { 22, SLICE("\x18\0\0\1\2") } },
	    -ALERT_ILLEGAL_PARAMETER },
	{ "a key update with a byte behind it", { { 22, SLICE("\x18\0\0\1\0\x18") } },
	    -ALERT_UNEXPECTED_MESSAGE },
	{ "two key updates in one record", { { 22, SLICE("\x18\0\0\1\0\x18\0\0\1\0") } },
	    -ALERT_UNEXPECTED_MESSAGE },
	{ "a key update in five records",
	    { { 22, SLICE("\x18") }, { 22, SLICE("\0") }, { 22, SLICE("\0") }, { 22, SLICE("\1") },
		{ 22, SLICE("\1") } },
	    TLS_MORE },
	{ "data amid a key update", { { 22, SLICE("\x18\0") }, { 23, SLICE("bad") } },
	    -ALERT_UNEXPECTED_MESSAGE },
	{ "an alert amid a key update", { { 22, SLICE("\x18\0") }, { 21, SLICE("\1\0") } },
	    -ALERT_UNEXPECTED_MESSAGE },
	{ "the old key after an update", { { 22, SLICE("\x18\0\0\1\0") }, { 23, SLICE("bad") } },
	    -ALERT_BAD_RECORD_MAC },
};

/* The alert that the server has said last, or -1. */
static int heard_alert(struct tls_pair *p)
{
	struct slice rest = slice_of(p->io.out, p->io.out_len), content = SLICE("");
	enum record_type type = RECORD_DATA;
	char plain[RECORD_WHOLE_MAX_LEN];
	while (rest.len > 0) {
		size_t len;
		EVP_CIPHER_CTX *context = ciphers_lend(&p->raw_io.ciphers, &p->raw.in, false);
		assert_int_equal(record_begins(rest, &len), 1);
		int opened = record_open(
		    &p->raw.in, context, slice_of(rest.ptr, len), plain, &content, &type);
		assert_int_equal(opened, 1);
		rest = slice_skip(rest, len);
	}
	if (type != RECORD_ALERT)
		return -1;
	assert_int_equal(content.len, 2);
	assert_int_equal(content.ptr[0], 2); /* fatal */
	return (uint8_t)content.ptr[1];
}

static void ends_with(struct tls_pair *p, int result, int ending)
{
	assert_slice_is(slice_of(p->plain, p->plain_len), "good");
	if (ending <= -ALERT_UNEXPECTED_MESSAGE) {
		assert_int_equal(result, TLS_BROKEN);
		assert_int_equal(heard_alert(p), -ending);
	} else {
		assert_int_equal(result, ending);
		assert_int_equal(heard_alert(p), -1);
	}
	if (result == TLS_MORE)
		return;
	/* It stays so, whatever comes. */
	p->io.out_len = 0;
	assert_int_equal(tls_pair_give(p, SLICE("\x17\3\3")), result);
	assert_int_equal(p->plain_len, 0);
	assert_int_equal(p->io.out_len, 0);
	if (result == TLS_BROKEN) {
		assert_false(stream_write(&p->server, &p->io, SLICE("x")));
		stream_close_notify(&p->server, &p->io);
		assert_int_equal(p->io.out_len, 0);
	}
}

static void raw_says(struct tls_pair *p, uint8_t type, struct slice content)
{
	EVP_CIPHER_CTX *context = ciphers_lend(&p->raw_io.ciphers, &p->raw.out, true);
	size_t len = record_seal(&p->raw.out, context, type == 0xff ? 0 : type, content, 0,
	    p->raw_io.out + p->raw_io.out_len);
	assert_true(len > 0);
	p->raw_io.out_len += len;
}

static void bad_sayings_get_their_alert(void **state)
{
	const struct bad_case *c = *state;
	struct tls_pair *p = raw_pair();
	p->io.out_len = 0;
	raw_says(p, RECORD_DATA, SLICE("good"));
	for (const struct saying *s = c->sayings; s->type != 0; s++)
		raw_says(p, s->type, s->content);
	int result = tls_pair_give(p, slice_of(p->raw_io.out, p->raw_io.out_len));
	ends_with(p, result, c->ending);
	tls_pair_free(p);
}

/* What is done to the third record of "good", "bad" and "worse", which all begin well. */
enum harm {
	WRONG_TAG,
	WRONG_BYTE,
	WRONG_TYPE,
	WRONG_VERSION,
	OVERSIZE,
	NO_SIZE,
	REPLAY,
	REORDER,
	LOST,
	TRUNCATED,
	PLAIN_CCS,
	PLAIN_ALERT,
};

static const struct harm_case {
	const char *name;
	enum harm harm;
	int ending;
} harm_cases[] = {
	{ "wrong tag", WRONG_TAG, -ALERT_BAD_RECORD_MAC },
	{ "wrong byte", WRONG_BYTE, -ALERT_BAD_RECORD_MAC },
	{ "wrong type", WRONG_TYPE, -ALERT_UNEXPECTED_MESSAGE },
	{ "wrong version", WRONG_VERSION, -ALERT_DECODE_ERROR },
	{ "oversize", OVERSIZE, -ALERT_RECORD_OVERFLOW },
	{ "no size", NO_SIZE, -ALERT_BAD_RECORD_MAC },
	{ "replay", REPLAY, -ALERT_BAD_RECORD_MAC },
	{ "reorder", REORDER, -ALERT_BAD_RECORD_MAC },
	{ "lost", LOST, -ALERT_BAD_RECORD_MAC },
	{ "truncated", TRUNCATED, TLS_MORE },
	{ "a plain change_cipher_spec", PLAIN_CCS, -ALERT_UNEXPECTED_MESSAGE },
	{ "a plain alert", PLAIN_ALERT, -ALERT_UNEXPECTED_MESSAGE },
};

static void do_harm(struct tls_pair *p, enum harm harm)
{
	char *first = p->raw_io.out;
	size_t first_len = p->raw_io.out_len;
	raw_says(p, RECORD_DATA, SLICE("bad"));
	char *bad = first + first_len;
	size_t bad_len = p->raw_io.out_len - first_len;
	raw_says(p, RECORD_DATA, SLICE("one"));
	switch (harm) {
	case WRONG_TAG:
		bad[bad_len - 1] ^= 1;
		break;
	case WRONG_BYTE:
		bad[RECORD_HEADER_LEN] ^= 0x40;
		break;
	case WRONG_TYPE:
		bad[0] = RECORD_HANDSHAKE;
		break;
	case WRONG_VERSION:
		bad[2] = 1;
		break;
	case OVERSIZE:
		bad[3] = 0x41;
		bad[4] = 1;
		break;
	case NO_SIZE:
		bad[3] = bad[4] = 0;
		break;
	case REPLAY:
		memcpy(bad, first, first_len);
		p->raw_io.out_len = 2 * first_len;
		break;
	case REORDER: { /* both are of one length */
		char kept[64];
		memcpy(kept, bad, bad_len);
		memcpy(bad, bad + bad_len, bad_len);
		memcpy(bad + bad_len, kept, bad_len);
		break;
	}
	case LOST:
		memmove(bad, bad + bad_len, bad_len);
		p->raw_io.out_len -= bad_len;
		break;
	case TRUNCATED:
		p->raw_io.out_len = first_len + bad_len - 1;
		break;
	case PLAIN_CCS:
		memcpy(bad, "\x14\3\3\0\1\1", 6);
		break;
	case PLAIN_ALERT:
		memcpy(bad, "\x15\3\3\0\2\1\0", 7);
		break;
	}
}

static void harm_is_seen(void **state)
{
	const struct harm_case *c = *state;
	struct tls_pair *p = raw_pair();
	p->io.out_len = 0;
	raw_says(p, RECORD_DATA, SLICE("good"));
	do_harm(p, c->harm);
	int result = tls_pair_give(p, slice_of(p->raw_io.out, p->raw_io.out_len));
	ends_with(p, result, c->ending);
	tls_pair_free(p);
}

/* ---- Contexts that are lent ---- */

static void renews(struct tls13 *from, struct tls13 *to, struct tls_io *io)
{
	static char none[RECORD_WHOLE_MAX_LEN];
	from->owed = TLS13_UPDATE_NOT_REQUESTED;
	io->in = SLICE("");
	io->out_len = 0;
	assert_int_equal(tls13_read(from, io, none, sizeof(none)), TLS_MORE);
	io->in = slice_of(io->out, io->out_len);
	assert_int_equal(tls13_read(to, io, none, sizeof(none)), TLS_MORE);
	assert_int_equal(from->out.sequence, 0);
	assert_int_equal(to->in.sequence, 0);
}

/* Of all suites, and to seal as well as to open. */
static void few_contexts_do_for_many(void **state)
{
	enum { MANY = 21, FEW = 3, SUITES = 3 };
	unsigned dice = 1;
	struct tls_io io;
	struct tls13 ways[2][MANY]; /* who talks to whom */
	uint8_t secrets[2][RECORD_SECRET_MAX_LEN] = { { 1 }, { 2 } };
	static char plain[RECORD_WHOLE_MAX_LEN];
	assert_true(tls_io_init(&io, 4096));
	ciphers_clear(&io.ciphers);
	assert_true(ciphers_init(&io.ciphers, FEW));
	for (int i = 0; i < MANY; i++) {
		const struct record_suite *suite = record_suite(0x1301 + (unsigned)i % SUITES);
		secrets[0][1] = (uint8_t)i;
		assert_true(tls13_init(&ways[0][i], suite, secrets[0], secrets[1]));
		assert_true(tls13_init(&ways[1][i], suite, secrets[1], secrets[0]));
	}
	for (int n = 0; n < 5000; n++) {
		int i = rand_r(&dice) % MANY, from = rand_r(&dice) % 2;
		char text[32];
		snprintf(text, sizeof(text), "message %d", n);
		io.out_len = 0;
		assert_true(tls13_write(&ways[from][i], &io, slice_str(text)));
		io.in = slice_of(io.out, io.out_len);
		int len = tls13_read(&ways[!from][i], &io, plain, sizeof(plain));
		assert_true(len > 0);
		assert_slice_equal(slice_of(plain, (size_t)len), slice_str(text));
		if (n % 7 == 0)
			renews(&ways[from][i], &ways[!from][i], &io);
		if (n % 97 == 0) /* one goes, and its contexts serve others */
			ciphers_take_back(&io.ciphers, &ways[from][i].out);
	}
	assert_true(io.ciphers.made <= FEW);
	for (int i = 0; i < MANY; i++) {
		tls13_clear(&ways[0][i], &io);
		tls13_clear(&ways[1][i], &io);
	}
	tls_io_clear(&io);
}

int main(int argc, char **argv)
{
	if (!tls_pair_prepare())
		return 1;
	UNIT_EACH(each_kind_is_where_it_belongs, kind_cases);
	UNIT_EACH(a_ticket_resumes, kind_cases);
	UNIT_TEST(without_memory_it_stays_with_libssl);
	UNIT_TEST(any_split_will_do);
	UNIT_TEST(byte_by_byte_will_do);
	UNIT_EACH(updates_are_followed, kind_cases);
	UNIT_TEST(a_storm_gets_one_answer);
	UNIT_TEST(a_key_is_renewed_before_its_limit);
	UNIT_TEST(who_seals_too_much_is_asked_for_a_new_key);
	UNIT_TEST(a_hundred_thousand_records_and_more);
	UNIT_TEST(empty_and_padded_records_are_records);
	UNIT_EACH(what_brings_nothing_ends, useless_cases);
	UNIT_EACH(bad_sayings_get_their_alert, bad_cases);
	UNIT_EACH(harm_is_seen, harm_cases);
	UNIT_TEST(few_contexts_do_for_many);
	int status = unit_run(argc, argv);
	tls_pair_done();
	return status;
}
