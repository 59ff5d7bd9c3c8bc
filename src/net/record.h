/*
 * record.h: the protection of TLS 1.3's records (RFC 8446, 5; "section" below is of that): bytes in, bytes out. No I/O, no
 * allocation of ours, no clock. Nothing here is shared: a key, and the context it is loaded into, belong to one thread at a time.
 *
 *	 5 bytes                  sealed, together at most 2^14 + 256
 *	| 23 | 3.3 | length |  content | its type | zeros, as padding |  tag (16)  |
 *	                       `-------- at most 2^14 + 1 ---------'
 *
 * A key is one direction's; an EVP_CIPHER_CTX, which is much larger, is lent while there is work (net/ciphers.h).
 */
#ifndef NET_RECORD_H
#define NET_RECORD_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

enum {
	RECORD_HEADER_LEN = 5,
	RECORD_TAG_LEN = 16,
	RECORD_OVERHEAD = RECORD_HEADER_LEN + 1 + RECORD_TAG_LEN,
	RECORD_CONTENT_MAX_LEN = 1 << 14,
	RECORD_SEALED_MAX_LEN = (1 << 14) + 256, /* without the header */
	RECORD_WHOLE_MAX_LEN = RECORD_HEADER_LEN + RECORD_SEALED_MAX_LEN,
	RECORD_SECRET_MAX_LEN = 48,
	RECORD_KEY_MAX_LEN = 32,
	RECORD_IV_LEN = 12,
};

/* Section 5.1: what a record may hold. */
enum record_type {
	RECORD_CHANGE_CIPHER_SPEC = 20,
	RECORD_ALERT = 21,
	RECORD_HANDSHAKE = 22,
	RECORD_DATA = 23,
};

/* Section 6: the alerts that are said or understood here. */
enum record_alert {
	ALERT_CLOSE_NOTIFY = 0,
	ALERT_UNEXPECTED_MESSAGE = 10,
	ALERT_BAD_RECORD_MAC = 20,
	ALERT_RECORD_OVERFLOW = 22,
	ALERT_ILLEGAL_PARAMETER = 47,
	ALERT_DECODE_ERROR = 50,
	ALERT_INTERNAL_ERROR = 80,
	ALERT_USER_CANCELED = 90,
};

/* A row for each cipher suite that is known here. */
struct record_suite {
	uint16_t id; /* section B.4 */
	uint8_t key_len;
	uint8_t secret_len; /* that of its hash */
	const char *cipher;
	const char *hash;
	uint64_t limit; /* records that one key may seal (section 5.5) */
};

/* NULL: not known here. */
const struct record_suite *record_suite(unsigned id);

struct cipher;

/* How one direction's records are protected. The owner wipes it with record_key_wipe(). */
struct record_key {
	const struct record_suite *suite;
	uint64_t sequence;         /* of the next record */
	struct cipher *cipher;     /* net/ciphers.h's; NULL: none is lent */
	uint8_t iv[RECORD_IV_LEN]; /* up to here a record needs it */
	uint8_t key[RECORD_KEY_MAX_LEN];
	uint8_t secret[RECORD_SECRET_MAX_LEN]; /* the traffic secret, of which the next is made */
};

/*
 * Section 7.1: HKDF-Expand-Label without a context, for at most as many bytes as the suite's hash has.
 *   secret  suite->secret_len bytes
 *   label   without "tls13 "; at most 12 bytes
 * false: no memory.
 */
bool record_expand_label(const struct record_suite *suite, const uint8_t *secret, const char *label,
    uint8_t *out, size_t len);

/* Section 7.3: the key and IV of a traffic secret; the sequence begins at 0. false: no memory, and k is wiped. */
bool record_key_init(struct record_key *k, const struct record_suite *suite, const uint8_t *secret);

/* Section 7.2: the next secret, key and IV. What k was loaded into must be loaded again. false: no memory, and k is wiped. */
bool record_key_update(struct record_key *k);

void record_key_wipe(struct record_key *k);

/* Makes the context one that seals, or opens, with k. false: no memory. */
bool record_key_load(const struct record_key *k, EVP_CIPHER_CTX *context, bool seals);

/*
 * Seals content as one record.
 *   context  k's, to seal
 *   padding  zeros that hide the length; content and padding are at most RECORD_CONTENT_MAX_LEN
 *   out      gets content.len + padding + RECORD_OVERHEAD bytes; content may not be in it
 * Returns that length; 0: the context failed, and no more may be sealed with k.
 */
size_t record_seal(struct record_key *k, EVP_CIPHER_CTX *context, enum record_type type,
    struct slice content, size_t padding, char *out);

/*
 * Looks at the header of the record that begins in.
 *   len_r  on 1: the record's length, header included, at most RECORD_WHOLE_MAX_LEN
 * Returns 1; 0: there are not yet five bytes; else -(the alert that it is to be answered with).
 */
int record_begins(struct slice in, size_t *len_r);

/*
 * Opens a record, of which record_begins() has told the length.
 *   context  k's, to open
 *   plain    room for record.len bytes, apart from it; after a failure nothing of it is to be used, and without a right tag nothing stands in it
 *   content_r  on 1: lies in plain. May be empty
 *   type_r   on 1: never RECORD_CHANGE_CIPHER_SPEC
 * Returns 1; else -(the alert that it is to be answered with).
 */
int record_open(struct record_key *k, EVP_CIPHER_CTX *context, struct slice record, char *plain,
    struct slice *content_r, enum record_type *type_r);

#endif
