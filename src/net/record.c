/* record.c: the rules of RFC 8446, section by section; "section" is of that. */
#include "net/record.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <pthread.h>
#include <sodium.h>
#include <string.h>

#include "net/hkdf.h"

/*
 * Section 5.5: AES-GCM may seal 2^24.5 records of full size with one key; of ChaCha20-Poly1305 the sequence ends first. One limit for all,
 * a little below, is simple, and who needs a new key after 2^24 records does not mind.
 */
enum { LIMIT = 1 << 24 };

static const struct record_suite suites[] = {
	{ 0x1301, 16, 32, "AES-128-GCM", "SHA256", LIMIT },
	{ 0x1302, 32, 48, "AES-256-GCM", "SHA384", LIMIT },
	{ 0x1303, 32, 32, "ChaCha20-Poly1305", "SHA256", LIMIT },
};
enum { SUITES = sizeof(suites) / sizeof(suites[0]) };

/* OpenSSL looks an algorithm up under locks, so it is done once. The same indexes as in suites. */
static struct {
	EVP_CIPHER *cipher;
	EVP_MD *hash;
	bool takes_iv; /* as a parameter: set_nonce() */
} fetched[SUITES];

static bool tried(size_t i);

static void fetch(void)
{
	for (size_t i = 0; i < SUITES; i++) {
		fetched[i].cipher = EVP_CIPHER_fetch(NULL, suites[i].cipher, NULL);
		fetched[i].hash = EVP_MD_fetch(NULL, suites[i].hash, NULL);
		fetched[i].takes_iv = fetched[i].cipher != NULL && tried(i);
	}
	ERR_clear_error();
}

const struct record_suite *record_suite(unsigned id)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, fetch);
	for (size_t i = 0; i < SUITES; i++) {
		if (suites[i].id == id && fetched[i].cipher != NULL && fetched[i].hash != NULL)
			return &suites[i];
	}
	return NULL;
}

/* ---- Keys ---- */

bool record_expand_label(const struct record_suite *suite, const uint8_t *secret, const char *label,
    uint8_t *out, size_t len)
{
	return hkdf_expand_label(fetched[suite - suites].hash,
	    slice_of((const char *)secret, suite->secret_len), SLICE("tls13 "),
	    slice_of(label, strlen(label)), slice_of("", 0), out, len);
}

static bool derive(struct record_key *k)
{
	k->sequence = 0;
	if (record_expand_label(k->suite, k->secret, "key", k->key, k->suite->key_len) &&
	    record_expand_label(k->suite, k->secret, "iv", k->iv, RECORD_IV_LEN))
		return true;
	record_key_wipe(k);
	return false;
}

bool record_key_init(struct record_key *k, const struct record_suite *suite, const uint8_t *secret)
{
	*k = (struct record_key){ .suite = suite };
	memcpy(k->secret, secret, suite->secret_len);
	return derive(k);
}

bool record_key_update(struct record_key *k)
{
	uint8_t next[RECORD_SECRET_MAX_LEN];
	if (!record_expand_label(k->suite, k->secret, "traffic upd", next, k->suite->secret_len)) {
		record_key_wipe(k);
		return false;
	}
	memcpy(k->secret, next, k->suite->secret_len);
	sodium_memzero(next, sizeof(next));
	return derive(k);
}

void record_key_wipe(struct record_key *k)
{
	sodium_memzero(k->secret, sizeof(k->secret));
	sodium_memzero(k->key, sizeof(k->key));
	sodium_memzero(k->iv, sizeof(k->iv));
}

bool record_key_load(const struct record_key *k, EVP_CIPHER_CTX *context, bool seals)
{
	const EVP_CIPHER *cipher = fetched[k->suite - suites].cipher;
	if (EVP_CIPHER_CTX_get0_cipher(context) == cipher)
		cipher = NULL; /* so that OpenSSL keeps what it has allocated for it */
	if (EVP_CipherInit_ex(context, cipher, NULL, k->key, k->iv, seals) == 1)
		return true;
	ERR_clear_error();
	return false;
}

/*
 * The usual way to tell OpenSSL an IV first asks the cipher by name how long it is, a fifth of what a short record costs. GCM takes one as a
 * parameter too, and the tag that is expected with it: the fixed part of an IV, of length -1, is all of it. No manual says so, so it is
 * done only where it was tried().
 */
static bool set_by_parameter(EVP_CIPHER_CTX *context, uint8_t *nonce, uint8_t *tag)
{
	OSSL_PARAM parameters[3], *end = parameters;
	*end++ = OSSL_PARAM_construct_octet_string(
	    OSSL_CIPHER_PARAM_AEAD_TLS1_IV_FIXED, nonce, (size_t)-1);
	if (tag != NULL)
		*end++ = OSSL_PARAM_construct_octet_string(
		    OSSL_CIPHER_PARAM_AEAD_TAG, tag, RECORD_TAG_LEN);
	*end = OSSL_PARAM_construct_end();
	return EVP_CIPHER_CTX_set_params(context, parameters) == 1;
}

/* Section 5.3: the sequence number, padded on the left, xor the IV. The sequence must not wrap. The tag is the one to open with, or NULL. */
static bool set_nonce(struct record_key *k, EVP_CIPHER_CTX *context, uint8_t *tag)
{
	uint8_t nonce[RECORD_IV_LEN];
	if (k->sequence == UINT64_MAX)
		return false;
	memcpy(nonce, k->iv, RECORD_IV_LEN);
	for (int i = 0; i < 8; i++)
		nonce[RECORD_IV_LEN - 1 - i] ^= (uint8_t)(k->sequence >> (8 * i));
	if (fetched[k->suite - suites].takes_iv)
		return set_by_parameter(context, nonce, tag);
	return EVP_CipherInit_ex(context, NULL, NULL, NULL, nonce, -1) == 1 &&
	       (tag == NULL ||
		   EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, RECORD_TAG_LEN, tag) == 1);
}

/* ---- Out ---- */

static bool encrypt(
    struct record_key *k, EVP_CIPHER_CTX *context, uint8_t *header, uint8_t *inner, size_t len)
{
	OSSL_PARAM tag[] = { OSSL_PARAM_construct_octet_string(
				 OSSL_CIPHER_PARAM_AEAD_TAG, inner + len, RECORD_TAG_LEN),
		OSSL_PARAM_construct_end() };
	int done;
	if (!set_nonce(k, context, NULL) ||
	    EVP_EncryptUpdate(context, NULL, &done, header, RECORD_HEADER_LEN) != 1 ||
	    EVP_EncryptUpdate(context, inner, &done, inner, (int)len) != 1 ||
	    EVP_EncryptFinal_ex(context, inner + len, &done) != 1 ||
	    EVP_CIPHER_CTX_get_params(context, tag) != 1) {
		ERR_clear_error();
		return false;
	}
	k->sequence++;
	return true;
}

size_t record_seal(struct record_key *k, EVP_CIPHER_CTX *context, enum record_type type,
    struct slice content, size_t padding, char *out)
{
	size_t len = content.len + 1 + padding;
	size_t sealed_len = len + RECORD_TAG_LEN;
	uint8_t *header = (uint8_t *)out, *inner = header + RECORD_HEADER_LEN;
	if (len > RECORD_CONTENT_MAX_LEN + 1)
		return 0;
	/* Section 5.2: the type that shows is always that of data. */
	header[0] = RECORD_DATA;
	header[1] = header[2] = 3;
	header[3] = (uint8_t)(sealed_len >> 8);
	header[4] = (uint8_t)sealed_len;
	if (content.len > 0)
		memcpy(inner, content.ptr, content.len);
	inner[content.len] = (uint8_t)type;
	memset(inner + content.len + 1, 0, padding);
	return encrypt(k, context, header, inner, len) ? RECORD_HEADER_LEN + sealed_len : 0;
}

/* ---- In ---- */

int record_begins(struct slice in, size_t *len_r)
{
	const uint8_t *header = (const uint8_t *)in.ptr;
	if (in.len < RECORD_HEADER_LEN)
		return 0;
	/* Section 5: after the handshake no type but that of sealed records, change_cipher_spec neither. */
	if (header[0] != RECORD_DATA)
		return -ALERT_UNEXPECTED_MESSAGE;
	/* Section 5.2: always 3.3. */
	if (header[1] != 3 || header[2] != 3)
		return -ALERT_DECODE_ERROR;
	size_t len = (size_t)header[3] << 8 | header[4];
	if (len > RECORD_SEALED_MAX_LEN)
		return -ALERT_RECORD_OVERFLOW;
	/* Section 5.2: what has no room for a type and a tag can't be deprotected. */
	if (len < 1 + RECORD_TAG_LEN)
		return -ALERT_BAD_RECORD_MAC;
	*len_r = RECORD_HEADER_LEN + len;
	return 1;
}

static bool decrypt(struct record_key *k, EVP_CIPHER_CTX *context, const uint8_t *header,
    uint8_t *plain, size_t len)
{
	const uint8_t *sealed = header + RECORD_HEADER_LEN;
	uint8_t tag[RECORD_TAG_LEN]; /* OpenSSL wants one that it may change */
	int done;
	memcpy(tag, sealed + len, RECORD_TAG_LEN);
	if (!set_nonce(k, context, tag) ||
	    EVP_DecryptUpdate(context, NULL, &done, header, RECORD_HEADER_LEN) != 1 ||
	    EVP_DecryptUpdate(context, plain, &done, sealed, (int)len) != 1 ||
	    EVP_DecryptFinal_ex(context, plain + len, &done) != 1) {
		sodium_memzero(plain, len); /* what somebody has changed may yet hold a password */
		ERR_clear_error();
		return false;
	}
	k->sequence++;
	return true;
}

int record_open(struct record_key *k, EVP_CIPHER_CTX *context, struct slice record, char *plain,
    struct slice *content_r, enum record_type *type_r)
{
	size_t len = record.len - RECORD_HEADER_LEN - RECORD_TAG_LEN;
	if (!decrypt(k, context, (const uint8_t *)record.ptr, (uint8_t *)plain, len))
		return -ALERT_BAD_RECORD_MAC;
	/* Section 5.4: padding does not make the limit larger. */
	if (len > RECORD_CONTENT_MAX_LEN + 1)
		return -ALERT_RECORD_OVERFLOW;
	/* Section 5.4: the type is the last byte that is not zero; if there is none, it is an unexpected message. */
	while (len > 0 && plain[len - 1] == 0)
		len--;
	if (len == 0)
		return -ALERT_UNEXPECTED_MESSAGE;
	uint8_t type = (uint8_t)plain[len - 1];
	*content_r = slice_of(plain, len - 1);
	*type_r = type;
	switch (type) {
	case RECORD_DATA:
		return 1;
	case RECORD_ALERT:
	case RECORD_HANDSHAKE:
		/* Sections 5.1 and 5.4: only data may be empty. */
		return len > 1 ? 1 : -ALERT_UNEXPECTED_MESSAGE;
	default:
		return -ALERT_UNEXPECTED_MESSAGE;
	}
}

/* ---- The trial of set_by_parameter() ---- */

enum { TRIAL_LEN = 40, TRIALS = 3, TRIAL_SEALED_LEN = TRIAL_LEN + RECORD_OVERHEAD };

/* Seals some records in a row with k, opens them, and sees that a wrong tag is refused. */
static bool try_some(struct record_key k, EVP_CIPHER_CTX *seals, EVP_CIPHER_CTX *opens,
    char sealed[static TRIALS * TRIAL_SEALED_LEN])
{
	char content[TRIAL_LEN] = "tried", plain[TRIAL_SEALED_LEN];
	struct record_key other = k;
	struct slice found;
	enum record_type type;
	if (!record_key_load(&k, seals, true) || !record_key_load(&other, opens, false))
		return false;
	for (int i = 0; i < TRIALS; i++) {
		struct slice record =
		    slice_of(sealed + (size_t)i * TRIAL_SEALED_LEN, TRIAL_SEALED_LEN);
		if (record_seal(&k, seals, RECORD_DATA, slice_of(content, TRIAL_LEN), 0,
			sealed + (size_t)i * TRIAL_SEALED_LEN) != TRIAL_SEALED_LEN ||
		    record_open(&other, opens, record, plain, &found, &type) != 1 ||
		    !slice_equal(found, slice_of(content, TRIAL_LEN)))
			return false;
	}
	other.sequence--;
	sealed[TRIALS * TRIAL_SEALED_LEN - 1] ^= 1;
	return record_open(&other, opens,
		   slice_of(sealed + (size_t)(TRIALS - 1) * TRIAL_SEALED_LEN, TRIAL_SEALED_LEN),
		   plain, &found, &type) == -ALERT_BAD_RECORD_MAC;
}

/* Whether records are the same either way. */
static bool tried(size_t i)
{
	struct record_key k = {
		.suite = &suites[i], .key = "any key", .iv = "any iv", .sequence = 7
	};
	char usual[TRIALS * TRIAL_SEALED_LEN], other[TRIALS * TRIAL_SEALED_LEN];
	EVP_CIPHER_CTX *seals = EVP_CIPHER_CTX_new(), *opens = EVP_CIPHER_CTX_new();
	bool same = seals != NULL && opens != NULL;
	fetched[i].takes_iv = false;
	same = same && try_some(k, seals, opens, usual);
	fetched[i].takes_iv = true;
	same = same && try_some(k, seals, opens, other) && memcmp(usual, other, sizeof(usual)) == 0;
	EVP_CIPHER_CTX_free(seals);
	EVP_CIPHER_CTX_free(opens);
	ERR_clear_error();
	return same;
}
