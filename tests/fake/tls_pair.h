/*
 * tls_pair.h: a server's stream and a client that talk in memory. The client is libssl's, and, since the client's secrets are known, anybody
 * who wants to say under its keys what libssl never would: `raw`, the same from the other side.
 */
#ifndef FAKE_TLS_PAIR_H
#define FAKE_TLS_PAIR_H

#include "base/buffer.h"
#include "net/stream.h"

/* What a pair may be like; all zero: TLS 1.3 with AES-128-GCM and records of our own. */
struct tls_pair_options {
	const char *suite;    /* of TLS 1.3 */
	int version;          /* the newest that the client speaks */
	bool libssl;          /* tls.records = libssl */
	bool short_records;   /* the client asks for them (RFC 6066, 4) */
	bool certificate;     /* the client shows one */
	SSL_SESSION *session; /* to resume */
};

struct tls_secrets {
	uint8_t client[RECORD_SECRET_MAX_LEN], server[RECORD_SECRET_MAX_LEN];
};

struct tls_pair {
	struct tls_io io;
	struct stream server;
	bool is_shaken; /* the handshake is done, as the server sees it */
	SSL *client;
	struct buffer to_server; /* the client's words that the server has not been given */
	struct tls_secrets secrets;
	struct tls_io raw_io;
	struct tls13 raw;
	char plain[4 * RECORD_WHOLE_MAX_LEN]; /* what the server read last */
	size_t plain_len;
};

/* Makes a certificate for all pairs. false: can't. */
bool tls_pair_prepare(void);
void tls_pair_done(void);

/* Makes both. What the client says stays in to_server. NULL: no memory. */
struct tls_pair *tls_pair_new(const struct tls_pair_options *options);
void tls_pair_free(struct tls_pair *p);

/* Lets the client work at the handshake with what the server has said, which is taken. 1: it is done; 0: not yet; -1: it failed. */
int tls_pair_client_shakes(struct tls_pair *p);

/*
 * Gives the server bytes: hands are shaken, then everything is read into plain. The result is the last one: TLS_MORE also where the
 * handshake is done and all was read.
 */
int tls_pair_give(struct tls_pair *p, struct slice bytes);

/* Both shake hands until the client has said Finished, which is left in to_server for the server. false: it failed. */
bool tls_pair_to_finished(struct tls_pair *p);

/* Both shake hands. false: it failed. */
bool tls_pair_shake_hands(struct tls_pair *p);

/* After the handshake: raw gets the keys. */
bool tls_pair_go_raw(struct tls_pair *p);

/*
 * Keeps how p stands in the handshake, and brings it back there, as often as one likes and whatever became of it since; one pair only, and not
 * for one that is handed over. For zone.h: the zone has begun before p was made, and is kept and put back here. false: no memory.
 *   other  another io with cipher contexts that nobody has, or NULL
 */
bool tls_pair_keep(struct tls_pair *p);
bool tls_pair_back(struct tls_pair *p, struct tls_io *other);

/* The client reads what the server has said. As SSL_read(). */
int tls_pair_client_reads(struct tls_pair *p, char *buf, size_t cap);

#endif
