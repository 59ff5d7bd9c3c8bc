/*
 * cluster.h: this server as one of several that share a store, a node: its own lease, and that of each session on it, so that a user
 * has one session in the whole cluster (docs/cluster.md). Any thread, unless said otherwise.
 *
 * A node that was out of touch for longer than its lease (STORE_LEASE_MS) may have lost users to other nodes. It notices by its clock, hears and
 * delivers nothing until it knows which, and ends those first. While the store is out of reach nobody can be lost: talk goes on.
 */
#ifndef CHAT_CLUSTER_H
#define CHAT_CLUSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/table.h"
#include "bus/bus.h"
#include "net/address.h"
#include "store/store.h"

struct chat;
struct cluster;

/* Joins the cluster as node; place says which process that is. Blocks. NULL with a sentence for the operator in why. */
struct cluster *cluster_new(
    struct chat *chat, const char *node, const char *place, char *why, size_t why_size);

/* Begins to renew: when net and bus are there. false: no thread. */
bool cluster_start(struct cluster *c);

/* Leaves the cluster: its users can log in elsewhere at once. Nobody is on the way in any more (chat_stop()). Blocks. After this the functions below do nothing. Accepts NULL, as does the next. */
void cluster_stop(struct cluster *c);
void cluster_free(struct cluster *c);

/*
 * One user on its way in: takes its lease, then has its messages come here. done() is called on a thread of the store or the bus,
 * with status: STORE_OK, STORE_TAKEN (has a session, here or elsewhere) or STORE_UNAVAILABLE. From STORE_OK on the name is held until
 * cluster_entered() or cluster_left().
 */
struct cluster_entry {
	void (*done)(struct cluster_entry *entry);
	char name[NAME_MAX_LEN + 1];
	struct address address;
	enum store_status status;
	int64_t ticket;

	/* cluster_sessions.c's own. */
	struct cluster *cluster;
	int64_t epoch;
	struct table_node entering;
	struct bus_join join;
	struct list again;
	uint64_t again_ms;
	unsigned tries;
	struct store_request request;
};
void cluster_enter(struct cluster *c, struct cluster_entry *entry);

/* It is in the directory. false: meanwhile this node has lost its lease, and with it perhaps the user: it must not come in. */
bool cluster_entered(struct cluster *c, struct cluster_entry *entry);

/* It did not come in after all. */
void cluster_not_entered(struct cluster *c, struct cluster_entry *entry);

/* The user's session ends: before it is taken out of the directory. */
void cluster_left(struct cluster *c, struct slice name, int64_t ticket);

/* Waits until it is known which sessions are still ours. On a thread of the bus. */
void cluster_await_certainty(struct cluster *c);

/* The bus was away: bans may have been missed. */
void cluster_look_again(struct cluster *c);

struct cluster_counts {
	char node[STORE_NODE_SIZE];
	int64_t epoch;
	bool is_certain;
	uint64_t renewals, failed_renewals, rejoins, lost_sessions, taken_over, releases_waiting;
};
struct cluster_counts cluster_counts(struct cluster *c);

#endif
