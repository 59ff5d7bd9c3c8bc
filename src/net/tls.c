#include "net/tls.h"

#include <openssl/err.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "net/openssl_memory.h"
#include "net/schedule.h"
#include "net/tickets.h"

enum {
	CLIENT_CHAIN_MAX_LEN = 32 * 1024,
	/* What OpenSSL may want in one piece while hands are shaken: its buffers have 21 KiB; where clients show certificates, a third more than those. */
	BLOCK_MAX_LEN = 24 * 1024,
	SHOWN_BLOCK_MAX_LEN = 2 * CLIENT_CHAIN_MAX_LEN,
	/* Its buffer for what it says is doubled once that is more than 16 KiB, and then a third is added: as a chain of our own may be. */
	CHAIN_USUAL_MAX_LEN = 15 * 1024,
	CHAIN_BLOCK_FACTOR = 3,
};

static const unsigned char alpn_name[] = "\x0essl-messager/1";

/* The BIO of a worker: reads from io->in, writes to io->out, never waits. */

static int io_read(BIO *bio, char *to, size_t cap, size_t *read_r)
{
	struct tls_io *io = BIO_get_data(bio);
	BIO_clear_retry_flags(bio);
	if (io->in.len == 0) {
		BIO_set_retry_read(bio);
		return 0;
	}
	size_t len = io->in.len < cap ? io->in.len : cap;
	memcpy(to, io->in.ptr, len);
	io->in = slice_skip(io->in, len);
	*read_r = len;
	return 1;
}

static int io_write(BIO *bio, const char *from, size_t len, size_t *written_r)
{
	struct tls_io *io = BIO_get_data(bio);
	BIO_clear_retry_flags(bio);
	if (len > io->out_cap - io->out_len)
		return 0; /* the caller promised room; the connection breaks rather than the memory */
	memcpy(io->out + io->out_len, from, len);
	io->out_len += len;
	*written_r = len;
	return 1;
}

static long io_ctrl(BIO *bio, int command, long number, void *pointer)
{
	return command == BIO_CTRL_FLUSH || command == BIO_CTRL_DUP;
}

static BIO_METHOD *io_method;

static void make_method(void)
{
	io_method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "worker");
	if (io_method == NULL)
		return;
	BIO_meth_set_read_ex(io_method, io_read);
	BIO_meth_set_write_ex(io_method, io_write);
	BIO_meth_set_ctrl(io_method, io_ctrl);
}

bool tls_io_init(struct tls_io *io, size_t out_cap)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, make_method);
	*io = (struct tls_io){ .out_cap = out_cap };
	io->out = malloc(out_cap);
	io->bio = io_method ? BIO_new(io_method) : NULL;
	if (io->out == NULL || io->bio == NULL || !ciphers_init(&io->ciphers, TLS_CIPHERS_COUNT)) {
		tls_io_clear(io);
		return false;
	}
	BIO_set_data(io->bio, io);
	BIO_set_init(io->bio, 1);
	return true;
}

void tls_io_clear(struct tls_io *io)
{
	BIO_free(io->bio);
	free(io->out);
	ciphers_clear(&io->ciphers);
	*io = (struct tls_io){ 0 };
}

static int choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
    const unsigned char *offered, unsigned int offered_len, void *arg)
{
	unsigned char *chosen;
	if (SSL_select_next_proto(&chosen, out_len, alpn_name, sizeof(alpn_name) - 1, offered,
		offered_len) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_NOACK; /* names of other versions: go on without (protocol.md, 1) */
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

/*
 * Certificates of clients may be self-signed: whoever shows one proves only that it holds the key (protocol.md, 1). So OpenSSL does not even
 * look at the chain, which would be work at a stranger's will, and whose complaints would stay in its error queue.
 */
static int accept_any_certificate(X509_STORE_CTX *store, void *arg)
{
	return 1;
}

static void ask_for_certificate(SSL_CTX *context, enum net_client_certificates how)
{
	int mode = SSL_VERIFY_NONE;
	if (how != NET_CLIENT_CERTIFICATES_OFF)
		mode = SSL_VERIFY_PEER;
	if (how == NET_CLIENT_CERTIFICATES_REQUIRED)
		mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
	SSL_CTX_set_verify(context, mode, NULL);
	SSL_CTX_set_cert_verify_callback(context, accept_any_certificate, NULL);
	SSL_CTX_set_max_cert_list(context, CLIENT_CHAIN_MAX_LEN);
}

void tls_error_text(char *text, size_t size)
{
	unsigned long code = ERR_peek_last_error();
	const char *reason = ERR_reason_error_string(code);
	snprintf(text, size, "%s", reason ? reason : "unknown reason");
	ERR_clear_error();
}

/* A ticket is good only where certificates are asked for as they were when it was made: it brings the peer's, or that there was none. */
static bool name_sessions(SSL_CTX *context, enum net_client_certificates how)
{
	unsigned char name[sizeof(alpn_name)]; /* the last byte says how */
	memcpy(name, alpn_name, sizeof(name) - 1);
	name[sizeof(name) - 1] = (unsigned char)how;
	return SSL_CTX_set_session_id_context(context, name, sizeof(name)) == 1;
}

/* There is one certificate, and nothing to choose. But where nobody might choose, OpenSSL looks at each key it has, in each handshake, whether it is good for TLS 1.3. */
static int choose_no_certificate(SSL *ssl, void *arg)
{
	return 1;
}

/* OpenSSL's own but for SHA-1 and SHA-224, the quick ones first. Each that is listed is looked for in each handshake. */
static const char signatures[] =
    "ecdsa_secp256r1_sha256:ed25519:rsa_pss_rsae_sha256:rsa_pss_pss_sha256:rsa_pkcs1_sha256:"
    "ecdsa_secp384r1_sha384:rsa_pss_rsae_sha384:rsa_pss_pss_sha384:rsa_pkcs1_sha384:"
    "ecdsa_secp521r1_sha512:rsa_pss_rsae_sha512:rsa_pss_pss_sha512:rsa_pkcs1_sha512:ed448";

static bool set_up(SSL_CTX *context, const struct net_config *config)
{
	SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
					 SSL_OP_CIPHER_SERVER_PREFERENCE |
					 SSL_OP_PRIORITIZE_CHACHA);
	SSL_CTX_set_mode(context,
	    SSL_MODE_RELEASE_BUFFERS |
		SSL_MODE_NO_AUTO_CHAIN); /* the file has the chain; else one is looked for in each handshake */
	SSL_CTX_set_cert_cb(context, choose_no_certificate, NULL);
	SSL_CTX_set_read_ahead(context, 1);
	SSL_CTX_set_session_cache_mode(
	    context, SSL_SESS_CACHE_OFF);    /* tickets carry the sessions */
	SSL_CTX_set_num_tickets(context, 0); /* of TLS 1.3: tls_send_ticket() */
	SSL_CTX_set_alpn_select_cb(context, choose_alpn, NULL);
	ask_for_certificate(context, config->client_certificates);
	int version = config->min_version == NET_TLS_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION;
	return tickets_use(context) && SSL_CTX_set_min_proto_version(context, version) &&
	       name_sessions(context, config->client_certificates) &&
	       SSL_CTX_set_ciphersuites(context,
		   "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256") &&
	       SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20") &&
	       SSL_CTX_set1_groups_list(context, "X25519:P-256:P-384") &&
	       SSL_CTX_set1_sigalgs_list(context, signatures);
}

static size_t certificate_len(const X509 *certificate)
{
	int len = certificate != NULL ? i2d_X509(certificate, NULL) : 0;
	return len > 0 ? (size_t)len : 0;
}

/* Once the certificate is loaded. It is kept in the context, for each handshake asks. */
static void set_block_max_len(SSL_CTX *context)
{
	STACK_OF(X509) *chain = NULL;
	size_t most = SSL_CTX_get_verify_mode(context) == SSL_VERIFY_NONE ? BLOCK_MAX_LEN
									  : SHOWN_BLOCK_MAX_LEN;
	size_t chain_len = certificate_len(SSL_CTX_get0_certificate(context));
	SSL_CTX_get0_chain_certs(context, &chain);
	for (int i = 0; i < sk_X509_num(chain); i++)
		chain_len += certificate_len(sk_X509_value(chain, i));
	if (chain_len > CHAIN_USUAL_MAX_LEN && CHAIN_BLOCK_FACTOR * chain_len > most)
		most = CHAIN_BLOCK_FACTOR * chain_len;
	SSL_CTX_set_app_data(context, (void *)most);
}

static size_t block_max_len(const SSL *ssl)
{
	return (size_t)SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
}

SSL_CTX *tls_server_context(
    const struct net_config *config, char why_r[static CERTIFICATE_WHY_SIZE])
{
	char fingerprint[FINGERPRINT_SIZE];
	SSL_CTX *context = schedule_offer()
			       ? SSL_CTX_new_ex(NULL, SCHEDULE_PROPERTIES, TLS_server_method())
			       : NULL;
	if (context == NULL || !set_up(context, config)) {
		char reason[128];
		tls_error_text(reason, sizeof(reason));
		snprintf(why_r, CERTIFICATE_WHY_SIZE, "TLS can't be set up: %s", reason);
		SSL_CTX_free(context);
		return NULL;
	}
	if (!certificate_load(
		context, config->certificate_path, config->key_path, fingerprint, why_r)) {
		SSL_CTX_free(context);
		return NULL;
	}
	set_block_max_len(context);
	log_info("certificate", LOG_STR("path", config->certificate_path),
	    LOG_STR("fingerprint", fingerprint));
	return context;
}

SSL *tls_accept_new(SSL_CTX *context, struct tls_io *io)
{
	SSL *ssl = SSL_new(context);
	if (ssl == NULL) {
		ERR_clear_error();
		return NULL;
	}
	BIO_up_ref(io->bio);
	SSL_set_bio(ssl, io->bio, io->bio);
	SSL_set_accept_state(ssl);
	return ssl;
}

void tls_expect_hand_over(SSL *ssl)
{
	SSL_set_num_tickets(ssl, 1);
	SSL_clear_mode(ssl, SSL_MODE_RELEASE_BUFFERS);
}

void tls_settle(SSL *ssl)
{
	SSL_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS);
	SSL_free_buffers(ssl);
}

void tls_free_buffers(SSL *ssl)
{
	SSL_free_buffers(ssl);
}

void tls_expect_password(SSL *ssl, bool expected)
{
	if (expected)
		SSL_set_options(ssl, SSL_OP_CLEANSE_PLAINTEXT);
	else
		SSL_clear_options(ssl, SSL_OP_CLEANSE_PLAINTEXT);
}

void tls_send_ticket(SSL *ssl)
{
	if (SSL_version(ssl) == TLS1_3_VERSION && SSL_get_num_tickets(ssl) == 0 &&
	    SSL_new_session_ticket(ssl) != 1)
		ERR_clear_error();
}

/* The error queue must be empty before each call of OpenSSL: whoever meets a failure empties it. */
static int result_of(SSL *ssl, int returned)
{
	switch (SSL_get_error(ssl, returned)) {
	case SSL_ERROR_WANT_READ:
		return TLS_MORE;
	case SSL_ERROR_ZERO_RETURN:
		return TLS_CLOSED;
	default:
		return TLS_BROKEN; /* the queue is left for tls_error_text() */
	}
}

int tls_handshake(SSL *ssl)
{
	ERR_clear_error();
	openssl_memory_limit(block_max_len(ssl));
	int done = SSL_do_handshake(ssl);
	openssl_memory_limit(SIZE_MAX);
	if (done != 1)
		return result_of(ssl, done);
	ERR_clear_error(); /* a handshake may go well and yet leave a complaint */
	return 1;
}

int tls_read(SSL *ssl, char *buf, size_t cap)
{
	int len = SSL_read(ssl, buf, cap > INT_MAX ? INT_MAX : (int)cap);
	if (len > 0)
		return len;
	int result = result_of(ssl, len);
	if (result == TLS_BROKEN)
		ERR_clear_error();
	return result;
}

bool tls_write(SSL *ssl, struct slice bytes)
{
	if (SSL_write(ssl, bytes.ptr, (int)bytes.len) == (int)bytes.len)
		return true;
	ERR_clear_error();
	return false;
}

void tls_more_follows(SSL *ssl, bool more)
{
	if (more)
		SSL_clear_mode(ssl, SSL_MODE_RELEASE_BUFFERS);
	else
		SSL_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS);
}

void tls_close_notify(SSL *ssl)
{
	if (SSL_is_init_finished(ssl) && SSL_shutdown(ssl) < 0)
		ERR_clear_error();
}
