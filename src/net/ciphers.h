/*
 * ciphers.h: a worker's cipher contexts. One is 1.1 KiB and takes as long to be loaded with a key as a short record to be sealed, so they
 * are lent to keys that are in use, and taken from those that are not when all are lent. All of it on the worker's thread.
 */
#ifndef NET_CIPHERS_H
#define NET_CIPHERS_H

#include <stdbool.h>
#include <stddef.h>

#include "net/record.h"

struct cipher {
	EVP_CIPHER_CTX *context; /* NULL: not made yet */
	struct record_key *key;  /* whom it is lent to; NULL: nobody */
	bool used;               /* since the hand last came by */
	struct cipher *next_free;
};

struct ciphers {
	struct cipher *all;
	size_t count;
	size_t made;         /* of them have been lent at least once */
	size_t hand;         /* where the next is looked for that may be taken away */
	struct cipher *free; /* given back */
};

/* At most count contexts, which are made when they are needed. false: no memory. */
bool ciphers_init(struct ciphers *c, size_t count);

/* No key may have one any more. */
void ciphers_clear(struct ciphers *c);

/*
 * A context that is loaded with k, to seal or to open (a key does one of them only). It is k's until the next call for another key.
 * NULL: no memory.
 */
EVP_CIPHER_CTX *ciphers_lend(struct ciphers *c, struct record_key *k, bool seals);

/* k has changed, or goes: what it has been lent is wiped and lent to others. */
void ciphers_take_back(struct ciphers *c, struct record_key *k);

#endif
