/*
 * schedule.h: the key schedule of TLS 1.3 (RFC 8446, 7.1). libssl has each of its steps done by whoever offers OpenSSL "TLS13-KDF"; here
 * that is net/hkdf.h, for contexts made with SCHEDULE_PROPERTIES: a fifth of what a resumed handshake costs. And so two secrets
 * can be had that libssl tells nobody but a log (which would take as long again, for it writes each byte by printf).
 *
 * What it does not know (another hash, a mode of a later libssl) it leaves to OpenSSL's own.
 * OpenSSL knows such a thing as a provider; this one is in the program, holds nothing, and asks for nothing.
 */
#ifndef NET_SCHEDULE_H
#define NET_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* For SSL_CTX_new_ex(3). "?": where the administrator's properties forbid it, OpenSSL's own is taken, and no secret is caught. */
#define SCHEDULE_PROPERTIES "?provider=messagerd"

enum { SCHEDULE_SECRET_MAX_LEN = 48 };

struct schedule_secret {
	uint8_t bytes[SCHEDULE_SECRET_MAX_LEN];
	size_t len; /* 0: has not come */
};

/* Of application data, as the handshake gives them. The owner wipes them. */
struct schedule_secrets {
	struct schedule_secret client, server;
};

/* Makes it known to OpenSSL. false: no memory. Any thread, any number of times. */
bool schedule_offer(void);

/* Until the next call, what this thread's handshakes derive is kept in secrets. NULL: nowhere. */
void schedule_catch(struct schedule_secrets *secrets);

#endif
