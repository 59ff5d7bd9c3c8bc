/*
 * openssl_memory.h: an SSL that goes leaves no secret behind. OpenSSL wipes most of what it frees, but not the object itself, in which the
 * traffic secrets stand; and of these all keys follow that come later, key updates or not. And what OpenSSL may take while a stranger shakes hands has a limit.
 */
#ifndef NET_OPENSSL_MEMORY_H
#define NET_OPENSSL_MEMORY_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * First of all that is asked of OpenSSL in this process. Without it, or too late, openssl_memory_free() is SSL_free(). false: OpenSSL has no memory for
 * what it has once, and nothing more may be asked of it: it would look for a lock there that was never made.
 */
bool openssl_memory_prepare(void);

/*
 * From now on this thread's OpenSSL gets no more than so much in one piece; SIZE_MAX: as much as there is. It would make room for all that a stranger's
 * hello announces.
 */
void openssl_memory_limit(size_t len);

/* SSL_free(), and all that it frees is wiped. Any thread. */
void openssl_memory_free(SSL *ssl);

#endif
