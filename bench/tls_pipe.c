#include "tls_pipe.h"

#include <stdlib.h>
#include <string.h>

static int pipe_read(BIO *bio, char *to, size_t cap, size_t *read_r)
{
	struct tls_pipe *p = BIO_get_data(bio);
	BIO_clear_retry_flags(bio);
	if (p->in_len == 0) {
		BIO_set_retry_read(bio);
		return 0;
	}
	size_t len = p->in_len < cap ? p->in_len : cap;
	memcpy(to, p->in, len);
	p->in += len;
	p->in_len -= len;
	*read_r = len;
	return 1;
}

static int pipe_write(BIO *bio, const char *from, size_t len, size_t *written_r)
{
	struct tls_pipe *p = BIO_get_data(bio);
	BIO_clear_retry_flags(bio);
	if (len > PIPE_OUT_SIZE - p->out_len)
		return 0;
	memcpy(p->out + p->out_len, from, len);
	p->out_len += len;
	*written_r = len;
	return 1;
}

static long pipe_ctrl(BIO *bio, int command, long number, void *pointer)
{
	return command == BIO_CTRL_FLUSH || command == BIO_CTRL_DUP;
}

bool tls_pipe_init(struct tls_pipe *p)
{
	*p = (struct tls_pipe){ .out = malloc(PIPE_OUT_SIZE) };
	BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "pipe");
	if (p->out == NULL || method == NULL)
		return false;
	BIO_meth_set_read_ex(method, pipe_read);
	BIO_meth_set_write_ex(method, pipe_write);
	BIO_meth_set_ctrl(method, pipe_ctrl);
	p->bio = BIO_new(method);
	if (p->bio == NULL)
		return false;
	BIO_set_data(p->bio, p);
	BIO_set_init(p->bio, 1);
	return true;
}

SSL *tls_pipe_connect(struct tls_pipe *p, SSL_CTX *context)
{
	SSL *ssl = SSL_new(context);
	if (ssl == NULL)
		return NULL;
	BIO_up_ref(p->bio);
	SSL_set_bio(ssl, p->bio, p->bio);
	return ssl;
}

bool tls_pipe_set_up(SSL_CTX *context)
{
	SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_read_ahead(context, 1);
	SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) &&
	       SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256") &&
	       SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM") &&
	       SSL_CTX_set1_groups_list(context, "X25519:P-256");
}
