/*
 * penalties.h: who has misbehaved of late, by address (in IPv6 by /64), as OpenSSH's PerSourcePenalties do it. An offence adds seconds to what its source
 * owes, a second takes one off. A source that owes `threshold` is refused, before its handshake, until it owes nothing. Exempt
 * networks owe nothing. Bounded: of too many sources the one longest without an offence is forgotten. Shared by the workers; any thread.
 *
 * This is the door. How many passwords of an address are hashed in a minute, and what is said beyond, is chat/refusals.h.
 */
#ifndef NET_PENALTIES_H
#define NET_PENALTIES_H

#include "net/net.h"

enum { PENALTIES_MAX_SOURCES = 65536, PENALTIES_MAX_EXEMPT = 32 };

struct penalties;

struct penalties *penalties_new(void); /* NULL: no memory */
void penalties_free(struct penalties *p);

/* New settings: for what is added from now on; who became exempt is free at once. */
void penalties_configure(struct penalties *p, const struct net_config *config);

/* now_ms is clock_now_ms(). */
void penalties_add(
    struct penalties *p, const struct address *from, enum net_offence offence, uint64_t now_ms);

/* Does it owe anything? */
bool penalties_owes(struct penalties *p, const struct address *from, uint64_t now_ms);

/* Is it to be refused? */
bool penalties_refuse(struct penalties *p, const struct address *from, uint64_t now_ms);

/* Is it in a network that owes nothing? */
bool penalties_exempt(struct penalties *p, const struct address *from);

/* Those who owe something; each() must not call back. */
void penalties_each(struct penalties *p, uint64_t now_ms,
    void (*each)(const struct net_penalty *penalty, void *arg), void *arg);

/* Forgives a source, or all (NULL). Returns how many owed something. */
size_t penalties_clear(struct penalties *p, const struct address *from, uint64_t now_ms);

struct penalties_counts {
	uint64_t offences[NET_OFFENCES]; /* since the start */
	uint64_t refused_sources;        /* now */
	uint64_t sources; /* that owe something, now; may hold some that no longer do */
};
struct penalties_counts penalties_counts(struct penalties *p, uint64_t now_ms);

#endif
