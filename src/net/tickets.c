#include "net/tickets.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <sodium.h>
#include <string.h>

#include "base/clock.h"
#include "net/hello.h"

enum {
	TICKET_IV_LEN = 16,
	TICKET_CERTIFICATE_MAX_LEN = HELLO_MAX_LEN / 2,
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct ticket_key newest, before; /* made_ms 0: none yet */
static EVP_CIPHER *cbc;

static bool is_young(const struct ticket_key *key, uint64_t now_ms, uint64_t life_ms)
{
	return key->made_ms != 0 && now_ms < key->made_ms + life_ms;
}

static void make(struct ticket_key *key, uint64_t now_ms)
{
	randombytes_buf(key->name, sizeof(key->name));
	randombytes_buf(key->cipher, sizeof(key->cipher));
	randombytes_buf(key->mac, sizeof(key->mac));
	key->made_ms = now_ms;
}

void ticket_key_newest(uint64_t now_ms, struct ticket_key *key_r)
{
	pthread_mutex_lock(&lock);
	if (!is_young(&newest, now_ms, TICKET_KEY_LIFE_MS)) {
		before = newest;
		make(&newest, now_ms);
	}
	*key_r = newest;
	pthread_mutex_unlock(&lock);
}

bool ticket_key_find(
    uint64_t now_ms, const unsigned char name[static TICKET_NAME_LEN], struct ticket_key *key_r)
{
	const struct ticket_key *keys[] = { &newest, &before };
	bool found = false;
	pthread_mutex_lock(&lock);
	for (int i = 0; i < 2 && !found; i++) {
		found = is_young(keys[i], now_ms, 2 * (uint64_t)TICKET_KEY_LIFE_MS) &&
			memcmp(keys[i]->name, name, TICKET_NAME_LEN) == 0;
		if (found)
			*key_r = *keys[i];
	}
	pthread_mutex_unlock(&lock);
	return found;
}

static bool load(const struct ticket_key *key, const unsigned char *iv, EVP_CIPHER_CTX *cipher,
    EVP_MAC_CTX *mac, int seals)
{
	struct ticket_key copy = *key; /* which OpenSSL wants without const */
	char digest[] = "SHA256";
	OSSL_PARAM parameters[] = { OSSL_PARAM_construct_octet_string(
					OSSL_MAC_PARAM_KEY, copy.mac, sizeof(copy.mac)),
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end() };
	bool loaded = EVP_CipherInit_ex(cipher, cbc, NULL, key->cipher, iv, seals) == 1 &&
		      EVP_MAC_CTX_set_params(mac, parameters) == 1;
	sodium_memzero(&copy, sizeof(copy));
	return loaded;
}

/* A ticket holds the certificate that the client has shown, and comes back in its next hello: a longer one we would not take. */
static bool fits_in_hello(const SSL *ssl)
{
	const X509 *shown = SSL_get0_peer_certificate(ssl);
	return shown == NULL || i2d_X509(shown, NULL) <= TICKET_CERTIFICATE_MAX_LEN;
}

/* SSL_CTX_set_tlsext_ticket_key_evp_cb(3). 0: not ours any more, so a full handshake; 2: ours, but time for another, as
 * it always is in TLS 1.3 (RFC 8446, C.4: each is for one use); <0: none at all. To seal, 0: no ticket. */
static int use_key(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
    EVP_MAC_CTX *mac, int seals)
{
	struct ticket_key key;
	uint64_t now_ms = clock_now_ms();
	if (seals && !fits_in_hello(ssl))
		return 0;
	if (seals) {
		ticket_key_newest(now_ms, &key);
		memcpy(name, key.name, sizeof(key.name));
		randombytes_buf(iv, TICKET_IV_LEN);
	} else if (!ticket_key_find(now_ms, name, &key)) {
		return 0;
	}
	bool loaded = load(&key, iv, cipher, mac, seals);
	bool is_old = !is_young(&key, now_ms, TICKET_KEY_LIFE_MS);
	sodium_memzero(&key, sizeof(key));
	if (!loaded)
		return -1;
	return !seals && (is_old || SSL_version(ssl) == TLS1_3_VERSION) ? 2 : 1;
}

/* OpenSSL would look it up each time. */
static void fetch(void)
{
	cbc = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
}

bool tickets_use(SSL_CTX *context)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, fetch);
	return cbc != NULL && SSL_CTX_set_tlsext_ticket_key_evp_cb(context, use_key) == 1;
}
