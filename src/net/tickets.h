/*
 * tickets.h: the keys that seal session tickets. All workers and all contexts share them, so a ticket is good whichever worker its owner meets
 * next, and after new settings too, but for tls.client_certificates (tls.c). They change with time and are nowhere but in memory: who takes one later reads no more than some hours of
 * tickets. Any thread.
 */
#ifndef NET_TICKETS_H
#define NET_TICKETS_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

enum { TICKET_KEY_LIFE_MS = 3600 * 1000, TICKET_NAME_LEN = 16, TICKET_SECRET_LEN = 32 };

struct ticket_key {
	unsigned char name[TICKET_NAME_LEN];
	unsigned char cipher[TICKET_SECRET_LEN], mac[TICKET_SECRET_LEN];
	uint64_t made_ms;
};

/* The key that seals at that time: a new one if the last is older than TICKET_KEY_LIFE_MS. To be wiped. */
void ticket_key_newest(uint64_t now_ms, struct ticket_key *key_r);

/* The key of that name, if it seals or was the one before and is no older than twice its life. To be wiped. false: unknown by now. */
bool ticket_key_find(
    uint64_t now_ms, const unsigned char name[static TICKET_NAME_LEN], struct ticket_key *key_r);

/* Has a context seal its tickets with these keys. false: no memory. */
bool tickets_use(SSL_CTX *context);

#endif
