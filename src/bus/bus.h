/*
 * bus.h: what must travel between servers of a cluster. local.c, the default, is a server alone: nobody is anywhere else; nats.c is NATS.
 *
 * Between two users order is kept, and a message comes once at most. What arrives comes through the events, on a thread of the bus; slices
 * are borrowed for the call. What comes from the bus is input like any other: wire.c bounds it, the receiver checks it.
 */
#ifndef BUS_BUS_H
#define BUS_BUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "bus/config.h"
#include "protocol/name.h"

struct bus;

enum bus_kind {
	BUS_TO_USER,    /* a user's text for a user */
	BUS_TO_GROUP,   /* a user's text for the group */
	BUS_ADMIN_USER, /* the administrator's text for a user */
	BUS_ADMIN_ALL,  /* and for everybody */
	BUS_END_USER, /* that user's session ends; text: with which of the reasons of protocol.md, 4 */
	BUS_MOVED,  /* that user has a session at the server that says so: one elsewhere is over */
	BUS_BANNED, /* text, a user name or an address, is banned, */
	BUS_UNBANNED, /* or may come in again */
	BUS_KIND_COUNT,
};

/* Who wants to know if it found nobody; what it means is the sender's to say. */
struct bus_sender {
	uint64_t place, generation; /* 0: nobody */
	uint64_t server;            /* the bus's own: at which server */
};

struct bus_message {
	enum bus_kind kind;
	struct slice target; /* the user it is for; empty where there is none */
	struct slice sender; /* the user who says it; empty if it is no user */
	struct slice text;   /* as the sender sent it, its trailing LF taken off */
	bool sender_uses_lf; /* protocol.md, 6 */
	struct bus_sender from;
};

enum bus_status {
	BUS_SENT,    /* on its way; not_there() may still come of it */
	BUS_NOBODY,  /* that user is on no other server */
	BUS_TROUBLE, /* the bus is out of reach; treat the user as not online */
};

struct bus_events {
	/* May take its time: what comes meanwhile waits. If that user is not here: bus_not_here(). */
	void (*deliver)(void *arg, const struct bus_message *message);
	/* What this sender sent has found nobody. */
	void (*not_there)(void *arg, struct bus_sender from);
	/* The bus was out of reach and is back: what was said meanwhile was not heard. */
	void (*came_back)(void *arg);
};

/*
 * Opens the bus that the configuration names. One that is out of reach is tried again for ever. Returns NULL with a sentence for the operator
 * in why. arg goes with the events. The configuration is borrowed for the call.
 */
struct bus *bus_open(const struct bus_config *config, const struct bus_events *events, void *arg,
    char *why, size_t why_size);
void bus_close(struct bus *bus); /* accepts NULL */

/* Is there another server at all? */
bool bus_is_shared(const struct bus *bus);

/* Sends a message to the other servers, never to this one. Any thread; never blocks; copies what it needs. */
enum bus_status bus_send(struct bus *bus, const struct bus_message *message);

/* What came in has found nobody after all: tells who sent it, if he wants to know. Any thread. */
void bus_not_here(struct bus *bus, struct bus_sender from);

/*
 * This server is about to have a session of that user: done() is called, on a thread of the bus or at once, when messages for it would come here
 * (or the bus is out of reach: then they will once it is back). The struct is the caller's and stays until then. Any thread.
 */
struct bus_join {
	void (*done)(struct bus_join *join);
	char name[NAME_MAX_LEN + 1];
};
void bus_user_joins(struct bus *bus, struct bus_join *join);

/* And no longer has it: done() when nothing for that user comes any more. Any thread. */
void bus_user_leaves(struct bus *bus, struct bus_join *join);

/* For the administrator. Any thread. */
struct bus_counts {
	bool is_reachable;
	uint64_t users;          /* whose messages would come here */
	uint64_t sent, received; /* messages */
	uint64_t found_nobody;   /* of the sent ones */
	uint64_t refused;        /* not sent: the bus was out of reach, or too much waited for it */
	uint64_t unsure;         /* sent right before the bus broke: perhaps lost */
	uint64_t dropped, malformed; /* received: too many at once; not what it should be */
	uint64_t breaks;             /* times that it went out of reach */
};
struct bus_counts bus_counts(struct bus *bus);

#endif
