/*
 * openssl_memory.h: an SSL that goes leaves no secret behind. OpenSSL wipes most of what it frees, but not the object itself, in which the
 * traffic secrets stand; and of these all keys follow that come later, key updates or not.
 */
#ifndef NET_OPENSSL_MEMORY_H
#define NET_OPENSSL_MEMORY_H

#include <stdbool.h>

#include <openssl/ssl.h>

/*
 * First of all that is asked of OpenSSL in this process. Without it, or too late, openssl_memory_free() is SSL_free(). false: OpenSSL has no memory for
 * what it has once, and nothing more may be asked of it: it would look for a lock there that was never made.
 */
bool openssl_memory_prepare(void);

/* SSL_free(), and all that it frees is wiped. Any thread. */
void openssl_memory_free(SSL *ssl);

#endif
