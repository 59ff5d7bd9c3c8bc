#include "net/hkdf.h"

#include <openssl/err.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_MAX_LEN = 128, INFO_MAX_LEN = 2 + 1 + 255 + 1 + 255, EXPANDED_MAX_HASHES = 255 };

static pthread_key_t context_key;

static void free_context(void *context)
{
	EVP_MD_CTX_free(context);
}

static void make_key(void)
{
	if (pthread_key_create(&context_key, free_context) != 0)
		abort(); /* the only key of this process beyond the libraries' */
}

/* The thread's own; NULL: no memory. */
static EVP_MD_CTX *own_context(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, make_key);
	EVP_MD_CTX *context = pthread_getspecific(context_key);
	if (context != NULL)
		return context;
	context = EVP_MD_CTX_new();
	if (context == NULL || pthread_setspecific(context_key, context) != 0) {
		EVP_MD_CTX_free(context);
		return NULL;
	}
	return context;
}

static bool absorb(EVP_MD_CTX *context, struct slice bytes)
{
	return bytes.len == 0 || EVP_DigestUpdate(context, bytes.ptr, bytes.len) == 1;
}

/* RFC 2104: one of the two hashes, over the key (xor mask, filled up to a block) and the parts. */
static bool hash_keyed(EVP_MD_CTX *context, const EVP_MD *hash, struct slice key, uint8_t mask,
    const struct slice *parts, size_t count, uint8_t *out)
{
	uint8_t block[BLOCK_MAX_LEN];
	size_t block_len = (size_t)EVP_MD_get_block_size(hash);
	memset(block, mask, block_len);
	for (size_t i = 0; i < key.len; i++)
		block[i] ^= (uint8_t)key.ptr[i];
	bool done = EVP_DigestInit_ex2(context, hash, NULL) == 1 &&
		    EVP_DigestUpdate(context, block, block_len) == 1;
	for (size_t i = 0; done && i < count; i++)
		done = absorb(context, parts[i]);
	sodium_memzero(block, sizeof(block));
	return done && EVP_DigestFinal_ex(context, out, NULL) == 1;
}

static bool hmac(
    const EVP_MD *hash, struct slice key, const struct slice *parts, size_t count, uint8_t *out)
{
	enum { INNER = 0x36, OUTER = 0x5c };
	uint8_t inner[EVP_MAX_MD_SIZE];
	size_t hash_len = (size_t)EVP_MD_get_size(hash);
	EVP_MD_CTX *context = own_context();
	size_t block_len = (size_t)EVP_MD_get_block_size(hash);
	struct slice part = slice_of((const char *)inner, hash_len);
	bool done = context != NULL && block_len <= BLOCK_MAX_LEN && key.len <= block_len &&
		    hash_keyed(context, hash, key, INNER, parts, count, inner) &&
		    hash_keyed(context, hash, key, OUTER, &part, 1, out);
	if (context != NULL)
		EVP_DigestInit_ex2(context, NULL, NULL); /* which overwrites what it has hashed */
	sodium_memzero(inner, sizeof(inner));
	if (!done)
		ERR_clear_error();
	return done;
}

bool hkdf_extract(const EVP_MD *hash, struct slice salt, struct slice key, uint8_t *out)
{
	return hmac(hash, salt, &key, 1, out);
}

/* struct HkdfLabel: the length wanted, the label with its prefix, the context. 0: it has no room. */
static size_t write_info(uint8_t info[static INFO_MAX_LEN], struct slice prefix, struct slice label,
    struct slice context, size_t len)
{
	size_t at = 0;
	if (prefix.len + label.len > UINT8_MAX || context.len > UINT8_MAX)
		return 0;
	info[at++] = (uint8_t)(len >> 8);
	info[at++] = (uint8_t)len;
	info[at++] = (uint8_t)(prefix.len + label.len);
	memcpy(info + at, prefix.ptr, prefix.len);
	at += prefix.len;
	memcpy(info + at, label.ptr, label.len);
	at += label.len;
	info[at++] = (uint8_t)context.len;
	if (context.len > 0)
		memcpy(info + at, context.ptr, context.len);
	return at + context.len;
}

bool hkdf_expand_label(const EVP_MD *hash, struct slice secret, struct slice prefix,
    struct slice label, struct slice context, uint8_t *out, size_t len)
{
	uint8_t info[INFO_MAX_LEN], block[EVP_MAX_MD_SIZE];
	size_t hash_len = (size_t)EVP_MD_get_size(hash);
	size_t info_len = write_info(info, prefix, label, context, len);
	bool done = info_len > 0 && len <= EXPANDED_MAX_HASHES * hash_len;
	uint8_t number = 1;
	for (size_t at = 0; done && at < len; at += hash_len, number++) {
		/* T(n) = HMAC(secret, T(n - 1) | info | n); T(0) is empty. */
		const struct slice parts[] = {
			slice_of((const char *)block, number > 1 ? hash_len : 0),
			slice_of((const char *)info, info_len), slice_of((const char *)&number, 1)
		};
		done = hmac(hash, secret, parts, 3, block);
		if (done)
			memcpy(out + at, block, len - at < hash_len ? len - at : hash_len);
	}
	sodium_memzero(block, sizeof(block));
	return done;
}

bool hkdf_empty(const EVP_MD *hash, uint8_t *out)
{
	EVP_MD_CTX *context = own_context();
	if (context != NULL && EVP_DigestInit_ex2(context, hash, NULL) == 1 &&
	    EVP_DigestFinal_ex(context, out, NULL) == 1)
		return true;
	ERR_clear_error();
	return false;
}
