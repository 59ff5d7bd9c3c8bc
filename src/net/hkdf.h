/*
 * hkdf.h: HKDF (RFC 5869) and HKDF-Expand-Label (RFC 8446, 7.1), without what they cost in OpenSSL, which looks algorithms up and
 * allocates each time: a handshake has two dozen of them. The hash itself is OpenSSL's.
 *
 * Any thread: each has a digest context of its own, in which no secret is left.
 */
#ifndef NET_HKDF_H
#define NET_HKDF_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

/* What is said of hash: one that was fetched, of at most 64 bytes in blocks of at most 128. false: no memory, or lengths that can't be. */

/* RFC 5869, 2.2. The salt is at most one block of hash; out gets the hash's length. */
bool hkdf_extract(const EVP_MD *hash, struct slice salt, struct slice key, uint8_t *out);

/* RFC 8446, 7.1: prefix is "tls13 " there. label and context as there; len is at most 255 of the hash's. */
bool hkdf_expand_label(const EVP_MD *hash, struct slice secret, struct slice prefix,
    struct slice label, struct slice context, uint8_t *out, size_t len);

/* The hash of nothing. */
bool hkdf_empty(const EVP_MD *hash, uint8_t *out);

#endif
