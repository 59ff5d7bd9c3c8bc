/*
 * crowd.h: the users of one run: brings them in, a bounded number at once, tells the mode what they hear, and checks
 * that what comes is what was said: each text carries whom it is for and its number in the order of what was said to
 * him. One thread.
 */
#ifndef BENCH_CROWD_H
#define BENCH_CROWD_H

#include <stdint.h>
#include <sys/types.h>

#include "dialect.h"
#include "meter.h"

enum peer_state {
	PEER_OUT,
	PEER_CONNECTING, /* up to the end of the handshake */
	PEER_SECURE,     /* the handshake is done, not logged in */
	PEER_ENTERING,   /* has asked to log in */
	PEER_IN,
	PEER_JOINING,
	PEER_MEMBER,
	PEER_STATES
};

/* What a mode wants to know of. NULL: it does not. */
struct crowd_events {
	void (*in)(struct peer *p);
	void (*text)(struct peer *p, struct slice text);
	void (*out)(struct peer *p); /* without it, a peer that goes out is a failure */
	void (*words)(struct peer *p,
	    struct slice text); /* an answer to something else than coming in or joining */
	void (*record)(struct peer *p,
	    struct slice record);        /* a link that is read by_record: nobody else sees it */
	void (*drained)(struct link *l); /* the engine's */
};

/* What is measured: mostly one; of the nodes of a cluster, user i is on the one with number i modulo count. */
enum { SERVERS_MAX = 8 };
struct servers {
	uint32_t count;
	int ports[SERVERS_MAX];
	pid_t pids[SERVERS_MAX];
	bool by_pair; /* users 2i and 2i+1 are at the same; else they are dealt out one by one */
};

/* What they have used, or have, together (meter.h). */
uint64_t servers_cpu_ns(const struct servers *s);
uint64_t servers_memory_bytes(const struct servers *s);

struct crowd {
	struct engine engine;
	const struct dialect *dialect;
	const struct crowd_events *events;
	void *mode; /* the mode's */
	struct peer *peers;
	uint32_t count;
	uint32_t in_state[PEER_STATES]; /* how many peers */
	bool stays_secure;              /* peers are not logged in when their handshake is done */
};

void crowd_init(
    struct crowd *c, const struct dialect *dialect, const struct servers *servers, uint32_t count);

/* Brings a peer that is out in; in() is called when it is. */
void crowd_open(struct crowd *c, struct peer *p, bool resume);

/* Logs a peer in or on, or makes it a member. */
void crowd_enter(struct peer *p);
void crowd_join(struct peer *p);

/* Brings peers that are out, from `from` up to before `to`, into PEER_SECURE, PEER_IN or PEER_MEMBER; blocks until all are. */
void crowd_bring(struct crowd *c, uint32_t from, uint32_t to, enum peer_state state);

/* Takes turns until *under_way is 0; in vain for so many seconds: fails. */
void crowd_drain(struct crowd *c, const uint64_t *under_way, unsigned seconds, const char *what);
enum { DRAIN_S = 5 }; /* for what is under way when a run ends */

/* ---- The text that is said ---- */

enum { STAMP_LEN = 16, TEXT_MAX_LEN = 3072 };

/*
 * A text of len bytes (STAMP_LEN to TEXT_MAX_LEN) for that receiver: whom it is for, which one it is, filler. Borrowed,
 * until the next call.
 */
struct slice stamp_write(uint32_t receiver, uint32_t sequence, size_t len);

/* Checks that a text is whole and for that receiver; returns its sequence. Anything else ends the program. */
uint32_t stamp_check(struct slice text, uint32_t receiver, size_t len);

#endif
