#include "fake/tls_pair.h"

#include <malloc.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fake/zone.h"

enum { OUT_SIZE = 256 * 1024, CIPHERS = 8 };

static struct {
	char folder[64], pem[96];
	SSL_CTX *own, *libssl, *asking; /* contexts of the server */
	SSL_CTX *client;
	struct tls_pair *spare; /* freed, with buffers that the next may have */
} shared;

static void keep_secret(const SSL *ssl, const char *line);
static void forget_kept(void);

static SSL_CTX *server_context(
    enum net_tls_records records, enum net_client_certificates certificates)
{
	struct net_config config = { .records = records, .client_certificates = certificates };
	char why[CERTIFICATE_WHY_SIZE];
	snprintf(config.certificate_path, sizeof(config.certificate_path), "%s", shared.pem);
	snprintf(config.key_path, sizeof(config.key_path), "%s", shared.pem);
	return tls_server_context(&config, why);
}

bool tls_pair_prepare(void)
{
	char why[CERTIFICATE_WHY_SIZE];
	snprintf(shared.folder, sizeof(shared.folder), "/tmp/tls_pair.XXXXXX");
	if (mkdtemp(shared.folder) == NULL)
		return false;
	snprintf(shared.pem, sizeof(shared.pem), "%s/pem", shared.folder);
	if (!certificate_make(shared.pem, "pair", NULL, 0, why))
		return false;
	shared.own = server_context(NET_TLS_RECORDS_OWN, NET_CLIENT_CERTIFICATES_OFF);
	shared.asking = server_context(NET_TLS_RECORDS_OWN, NET_CLIENT_CERTIFICATES_OPTIONAL);
	shared.libssl = server_context(NET_TLS_RECORDS_LIBSSL, NET_CLIENT_CERTIFICATES_OFF);
	shared.client = SSL_CTX_new(TLS_client_method());
	if (shared.client != NULL)
		SSL_CTX_set_keylog_callback(shared.client, keep_secret);
	return shared.own != NULL && shared.asking != NULL && shared.libssl != NULL &&
	       shared.client != NULL;
}

static void read_hex(uint8_t *to, const char *hex)
{
	unsigned byte;
	for (size_t i = 0; i < RECORD_SECRET_MAX_LEN && sscanf(hex + 2 * i, "%2x", &byte) == 1; i++)
		to[i] = (uint8_t)byte;
}

static void keep_secret(const SSL *ssl, const char *line)
{
	struct tls_pair *p = SSL_get_app_data(ssl);
	const char *hex = strrchr(line, ' ') + 1;
	if (strncmp(line, "CLIENT_TRAFFIC_SECRET_0 ", 24) == 0)
		read_hex(p->secrets.client, hex);
	if (strncmp(line, "SERVER_TRAFFIC_SECRET_0 ", 24) == 0)
		read_hex(p->secrets.server, hex);
}

static SSL *client_new(struct tls_pair *p, const struct tls_pair_options *options)
{
	SSL *ssl = SSL_new(shared.client);
	if (ssl == NULL)
		return NULL;
	SSL_set_max_proto_version(ssl, options->version);
	SSL_set_ciphersuites(ssl, options->suite ? options->suite : "TLS_AES_128_GCM_SHA256");
	if (options->short_records)
		SSL_set_tlsext_max_fragment_length(ssl, TLSEXT_max_fragment_length_512);
	if (options->certificate) {
		SSL_use_certificate_file(ssl, shared.pem, SSL_FILETYPE_PEM);
		SSL_use_PrivateKey_file(ssl, shared.pem, SSL_FILETYPE_PEM);
	}
	BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
	BIO_set_mem_eof_return(in, -1);
	SSL_set_bio(ssl, in, out);
	SSL_set_app_data(ssl, p);
	SSL_set_connect_state(ssl);
	if (options->session != NULL)
		SSL_set_session(ssl, options->session);
	return ssl;
}

static void forget_said(struct tls_pair *p)
{
	p->io.in = (struct slice){ 0 };
	p->io.out_len = p->raw_io.out_len = p->plain_len = 0;
}

static void release(struct tls_pair *p)
{
	tls_io_clear(&p->io);
	tls_io_clear(&p->raw_io);
	free(p);
}

/* Without anything but its buffers. NULL: no memory. */
static struct tls_pair *pair_empty(void)
{
	struct tls_pair *p = shared.spare;
	shared.spare = NULL;
	if (p != NULL)
		return p;
	p = calloc(1, sizeof(*p));
	if (p == NULL)
		return NULL;
	if (!tls_io_init(&p->io, OUT_SIZE) || !tls_io_init(&p->raw_io, OUT_SIZE)) {
		release(p);
		return NULL;
	}
	return p;
}

struct tls_pair *tls_pair_new(const struct tls_pair_options *options)
{
	struct tls_pair *p = pair_empty();
	if (p == NULL)
		return NULL;
	SSL_CTX *context = options->libssl        ? shared.libssl
			   : options->certificate ? shared.asking
						  : shared.own;
	p->client = client_new(p, options);
	if (p->client == NULL ||
	    !stream_accept(&p->server, context, &p->io,
		options->libssl ? NET_TLS_RECORDS_LIBSSL : NET_TLS_RECORDS_OWN)) {
		tls_pair_free(p);
		return NULL;
	}
	return p;
}

/* Buffers are kept for the next pair: to make them takes as long as to shake hands. */
void tls_pair_free(struct tls_pair *p)
{
	stream_free(&p->server, &p->io);
	if (p->raw.in.suite != NULL)
		tls13_clear(&p->raw, &p->raw_io);
	SSL_free(p->client);
	buffer_clear(&p->to_server);
	ERR_clear_error();
	p->client = NULL;
	p->is_shaken = false;
	p->raw = (struct tls13){ 0 };
	forget_said(p);
	if (shared.spare == NULL)
		shared.spare = p;
	else
		release(p);
}

void tls_pair_done(void)
{
	SSL_CTX_free(shared.own);
	SSL_CTX_free(shared.asking);
	SSL_CTX_free(shared.libssl);
	SSL_CTX_free(shared.client);
	if (shared.spare != NULL)
		release(shared.spare);
	forget_kept();
	unlink(shared.pem);
	rmdir(shared.folder);
}

/* What the server has said goes to the client, what the client says to to_server. */
static void carry_to_client(struct tls_pair *p)
{
	if (p->io.out_len > 0)
		BIO_write(SSL_get_rbio(p->client), p->io.out, (int)p->io.out_len);
	p->io.out_len = 0;
}

static void carry_from_client(struct tls_pair *p)
{
	char *said;
	long len = BIO_get_mem_data(SSL_get_wbio(p->client), &said);
	buffer_append(&p->to_server, said, (size_t)len);
	(void)BIO_reset(SSL_get_wbio(p->client));
}

int tls_pair_client_shakes(struct tls_pair *p)
{
	carry_to_client(p);
	ERR_clear_error();
	int done = SSL_do_handshake(p->client);
	bool more = done != 1 && SSL_get_error(p->client, done) == SSL_ERROR_WANT_READ;
	carry_from_client(p);
	return done == 1 ? 1 : more ? 0 : -1;
}

int tls_pair_give(struct tls_pair *p, struct slice bytes)
{
	int result = 1;
	p->io.in = bytes;
	p->plain_len = 0;
	if (!p->is_shaken)
		result = stream_handshake(&p->server, &p->io);
	if (result == 1)
		p->is_shaken = true;
	while (result > 0 && sizeof(p->plain) - p->plain_len >= RECORD_WHOLE_MAX_LEN) {
		result = stream_read(
		    &p->server, &p->io, p->plain + p->plain_len, sizeof(p->plain) - p->plain_len);
		p->plain_len += result > 0 ? (size_t)result : 0;
	}
	ERR_clear_error();
	return result;
}

bool tls_pair_to_finished(struct tls_pair *p)
{
	for (;;) {
		int done = tls_pair_client_shakes(p);
		if (done != 0)
			return done == 1;
		struct buffer said = p->to_server;
		p->to_server = (struct buffer){ 0 };
		int result = tls_pair_give(p, buffer_slice(&said));
		buffer_clear(&said);
		if (result != TLS_MORE)
			return false;
	}
}

bool tls_pair_shake_hands(struct tls_pair *p)
{
	if (!tls_pair_to_finished(p))
		return false;
	struct buffer said = p->to_server;
	p->to_server = (struct buffer){ 0 };
	int result = tls_pair_give(p, buffer_slice(&said));
	buffer_clear(&said);
	if (result == TLS_MORE && p->io.out_len > 0) /* the ending of TLS 1.2, tickets */
		return tls_pair_client_shakes(p) == 1;
	return result == TLS_MORE;
}

bool tls_pair_go_raw(struct tls_pair *p)
{
	const struct record_suite *suite =
	    record_suite(SSL_CIPHER_get_protocol_id(SSL_get_current_cipher(p->client)));
	return tls13_init(&p->raw, suite, p->secrets.server, p->secrets.client);
}

/* ---- There and back ---- */

static struct {
	SSL *ssl;
	struct buffer to_server;
	struct tls_secrets secrets;
	char *early; /* stream.c knows what that is */
	size_t early_len;
} kept;

static void forget_kept(void)
{
	buffer_clear(&kept.to_server);
	free(kept.early);
	kept.early = NULL;
}

bool tls_pair_keep(struct tls_pair *p)
{
	kept.ssl = p->server.ssl;
	kept.secrets = p->secrets;
	if (!buffer_append_slice(&kept.to_server, buffer_slice(&p->to_server)))
		return false;
	if (p->server.early != NULL) {
		kept.early_len = malloc_usable_size(p->server.early);
		kept.early = malloc(kept.early_len);
		if (kept.early == NULL)
			return false;
		memcpy(kept.early, p->server.early, kept.early_len);
	}
	/* The hand-over frees it: that must not reach what it shares with others, and is not put back. */
	return SSL_up_ref(kept.ssl) == 1 && zone_keep();
}

static bool get_hand_over_back(struct tls_pair *p)
{
	free(p->server.early);
	p->server.early = NULL;
	if (kept.early == NULL)
		return true;
	p->server.early = malloc(kept.early_len);
	if (p->server.early == NULL)
		return false;
	memcpy(p->server.early, kept.early, kept.early_len);
	return SSL_set_app_data(kept.ssl, p->server.early) == 1;
}

/* Cipher contexts are OpenSSL's memory: those that were made since must not be lent again. */
static bool renew(struct tls_io *io)
{
	ciphers_clear(&io->ciphers);
	return ciphers_init(&io->ciphers, CIPHERS);
}

bool tls_pair_back(struct tls_pair *p, struct tls_io *other)
{
	if (p->server.own != NULL)
		tls13_clear(p->server.own, &p->io);
	free(p->server.own);
	if (p->raw.in.suite != NULL)
		tls13_clear(&p->raw, &p->raw_io);
	buffer_clear(&p->to_server);
	if (!renew(&p->io) || !renew(&p->raw_io) || (other != NULL && !renew(other)))
		return false;
	zone_back();
	p->server.own = NULL;
	p->server.ssl = kept.ssl;
	p->is_shaken = false;
	p->raw = (struct tls13){ 0 };
	p->secrets = kept.secrets;
	forget_said(p);
	return get_hand_over_back(p) &&
	       buffer_append_slice(&p->to_server, buffer_slice(&kept.to_server));
}

int tls_pair_client_reads(struct tls_pair *p, char *buf, size_t cap)
{
	carry_to_client(p);
	ERR_clear_error();
	int len = SSL_read(p->client, buf, (int)cap);
	carry_from_client(p);
	return len;
}
