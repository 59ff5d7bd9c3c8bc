/*
 * chat.h: the messenger itself, as the server's main program and its administrator see it. Everything about one connection is in session.h.
 * Functions are for any thread unless they say otherwise; none of them waits.
 */
#ifndef CHAT_CHAT_H
#define CHAT_CHAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "bus/bus.h"
#include "chat/config.h"
#include "chat/directory.h"
#include "chat/ending.h"
#include "chat/outcome.h"
#include "net/net.h"
#include "store/store.h"

struct chat;

/* What net/ calls: hand it to net_open() with the chat as its arg. */
extern const struct net_events chat_net_events;

struct chat_options {
	const struct chat_config *config; /* copied */
	struct store *store;              /* borrowed until chat_free() */
	unsigned password_threads;
	const char *node;  /* this server's name among those that share the store, */
	const char *place; /* and which process that is */
};

/* Loads the bans, joins the cluster if the store is shared; blocks. NULL with a sentence in why. Main thread. */
struct chat *chat_new(const struct chat_options *options, char *why, size_t why_size);

/* The two it needs later: net is set before net_start(), bus before as well. Borrowed. */
void chat_set_net(struct chat *chat, struct net *net);
void chat_set_bus(struct chat *chat, struct bus *bus);

/* For bus_open(), with the chat as arg: what came from another server goes to those who are here. */
extern const struct bus_events chat_bus_events;

/* Net and bus are set: from now on other servers are heard, and the lease is renewed. Before net_start(). false: no thread. */
bool chat_start(struct chat *chat);

/* One copy of the settings for each worker, as net_reconfigure() wants them. false: no memory. */
bool chat_config_copies(struct chat *chat, const struct chat_config *config, void **copies_r);

/* From now on passwords are no longer hashed: who is in the middle of a log-in is sent away. Before net_stop(). */
void chat_refuse_logins(struct chat *chat);

/* Waits for the log-ins that are under way and ends their threads: after net_stop(), before store_close() and net_free(). */
void chat_stop(struct chat *chat);

/* After net_free(). Accepts NULL. */
void chat_free(struct chat *chat);

/* ---- For the administrator ---- */

struct chat_counts {
	uint64_t online;
	uint64_t logins, signups,
	    refused_logins;             /* since the start, as all that follows but queues */
	uint64_t outcomes[OUTCOMES];    /* the same in full */
	uint64_t endings[ENDINGS];      /* of connections that had shaken hands */
	uint64_t messages, undelivered; /* MSG taken; of these, to nobody online */
	uint64_t group_messages, group_deliveries;
	uint64_t passwords_waiting, passwords_hashed;
	uint64_t uploads, downloads; /* files that came in and went out whole */
	uint64_t upload_bytes, download_bytes;
};
struct chat_counts chat_counts(struct chat *chat);

/* The users that are online; see directory_each(). */
struct directory *chat_directory(struct chat *chat);

/* Ends a user's session: END * <words>. words is one of the reasons of protocol.md, 4, without brackets. false: not online. */
bool chat_end_user(struct chat *chat, struct slice name, const char *words);

/* Puts a ban into force or takes it back, at all servers: text is a user name or an address. Keeping it in the store is the caller's. false: no memory. */
bool chat_ban(struct chat *chat, const char *text);
void chat_unban(struct chat *chat, const char *text);

/* The same at whichever other server has it; whether one does is the store's to know (STORE_SESSION_GET). false: the bus is out of reach. */
bool chat_end_user_elsewhere(struct chat *chat, struct slice name, const char *words);

/* How it is in its cluster. false: it is alone. */
struct cluster_counts;
bool chat_cluster_counts(struct chat *chat, struct cluster_counts *counts_r);

/* A message from "admin". text: any bytes but LF. false: that user is not online. */
bool chat_message(struct chat *chat, struct slice name, struct slice text);

bool chat_message_elsewhere(struct chat *chat, struct slice name, struct slice text);

/* The same to everybody online, group or not, at all servers. */
void chat_announce(struct chat *chat, struct slice text);

#endif
