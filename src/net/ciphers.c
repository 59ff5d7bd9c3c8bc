#include "net/ciphers.h"

#include <openssl/err.h>
#include <stdlib.h>

bool ciphers_init(struct ciphers *c, size_t count)
{
	*c = (struct ciphers){ .count = count };
	c->all = calloc(count, sizeof(*c->all));
	return c->all != NULL;
}

void ciphers_clear(struct ciphers *c)
{
	for (size_t i = 0; i < c->made; i++)
		EVP_CIPHER_CTX_free(c->all[i].context);
	free(c->all);
	*c = (struct ciphers){ 0 };
}

/* The hand goes round, and takes from the first key that has not used its context since it last came by. */
static struct cipher *take_away(struct ciphers *c)
{
	for (;;) {
		struct cipher *cipher = &c->all[c->hand];
		c->hand = (c->hand + 1) % c->made;
		if (!cipher->used) {
			cipher->key->cipher = NULL;
			cipher->key = NULL;
			return cipher;
		}
		cipher->used = false;
	}
}

static struct cipher *make(struct ciphers *c)
{
	if (c->made == c->count)
		return NULL;
	struct cipher *cipher = &c->all[c->made];
	cipher->context = EVP_CIPHER_CTX_new();
	if (cipher->context == NULL) {
		ERR_clear_error();
		return NULL;
	}
	c->made++;
	return cipher;
}

static struct cipher *get_one(struct ciphers *c)
{
	struct cipher *cipher = c->free;
	if (cipher != NULL) {
		c->free = cipher->next_free;
		return cipher;
	}
	cipher = make(c);
	if (cipher == NULL && c->made > 0)
		cipher = take_away(c); /* nothing is free, so each of them is a key's */
	return cipher;
}

static void give_back(struct ciphers *c, struct cipher *cipher)
{
	EVP_CIPHER_CTX_reset(cipher->context); /* which wipes it */
	cipher->key = NULL;
	cipher->next_free = c->free;
	c->free = cipher;
}

EVP_CIPHER_CTX *ciphers_lend(struct ciphers *c, struct record_key *k, bool seals)
{
	struct cipher *cipher = k->cipher;
	if (cipher == NULL) {
		cipher = get_one(c);
		if (cipher == NULL)
			return NULL;
		if (!record_key_load(k, cipher->context, seals)) {
			give_back(c, cipher);
			return NULL;
		}
		cipher->key = k;
		k->cipher = cipher;
	}
	cipher->used = true;
	return cipher->context;
}

void ciphers_take_back(struct ciphers *c, struct record_key *k)
{
	if (k->cipher == NULL)
		return;
	give_back(c, k->cipher);
	k->cipher = NULL;
}
