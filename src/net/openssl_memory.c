#include "net/openssl_memory.h"

#include <malloc.h>
#include <openssl/crypto.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Only then: to wipe each buffer of libssl's would cost more than its records. */
static _Thread_local bool wipes;
static _Thread_local size_t most_len = SIZE_MAX;

/* As OpenSSL's own, which make nothing of 0 bytes. */
static void *take(size_t len, const char *file, int line)
{
	return len > 0 && len <= most_len ? malloc(len) : NULL;
}

static void give(void *mem, const char *file, int line)
{
	if (wipes && mem != NULL)
		explicit_bzero(mem, malloc_usable_size(mem));
	free(mem);
}

static void *resize(void *mem, size_t len, const char *file, int line)
{
	if (len > 0)
		return len <= most_len ? realloc(mem, len) : NULL;
	give(mem, file, line);
	return NULL;
}

bool openssl_memory_prepare(void)
{
	CRYPTO_set_mem_functions(take, resize, give);
	return OPENSSL_init_ssl(0, NULL) == 1 && OSSL_LIB_CTX_get0_global_default() != NULL;
}

void openssl_memory_limit(size_t len)
{
	most_len = len;
}

void openssl_memory_free(SSL *ssl)
{
	wipes = true;
	SSL_free(ssl);
	wipes = false;
}
