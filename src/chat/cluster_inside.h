/*
 * cluster_inside.h: the inside of a node, for cluster.c (its own lease, the thread that renews it, what it may be certain of) and cluster_sessions.c (the
 * leases of the sessions on it). Not for others.
 */
#ifndef CHAT_CLUSTER_INSIDE_H
#define CHAT_CLUSTER_INSIDE_H

#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>

#include "chat/cluster.h"

struct cluster {
	struct chat *chat;
	struct store *store;
	char node[STORE_NODE_SIZE], place[STORE_PLACE_SIZE];
	unsigned char hash_key[crypto_shorthash_KEYBYTES];
	pthread_t thread;
	bool has_thread;
	uint64_t bans_ms; /* when they are to be read again */
	bool was_away;

	pthread_mutex_t lock;
	pthread_cond_t changed; /* something to do, certainty, the end */
	struct table entering;  /* users on their way in */
	struct list again;      /* those who were on elsewhere, and perhaps are no longer */
	struct list unreleased; /* leases that could not be given back yet */
	size_t unreleased_count;
	size_t leaving_count; /* sessions whose messages may still come */
	bool is_closing, looks_again;

	_Atomic bool is_stopped;
	_Atomic int64_t epoch;
	_Atomic uint64_t certain_until_ms;
	_Atomic uint64_t renewals, failed_renewals, rejoins, lost_sessions, taken_over;
};

/* For the tables of names. */
static inline uint64_t cluster_hash(const struct cluster *c, struct slice name)
{
	uint64_t hash;
	crypto_shorthash(
	    (unsigned char *)&hash, (const unsigned char *)name.ptr, name.len, c->hash_key);
	return hash;
}

/* ---- cluster_sessions.c, on the thread of cluster.c ---- */

/*
 * Asks once more for a user who was on elsewhere, if one's time has come. Under the lock, which is free meanwhile. false: nobody's has, and *due_ms is when the next
 * one's is, if that is nearer.
 */
bool cluster_sessions_ask_again(struct cluster *c, uint64_t *due_ms);
/* Gives back the leases that could not be given back before, if the store is there again. */
void cluster_sessions_release(struct cluster *c);
/* Frees what still waits to be given back; at the end, when all other threads are gone. */
void cluster_sessions_clear(struct cluster *c);

#endif
