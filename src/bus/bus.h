/*
 * bus.h: what must travel between servers of a cluster. local.c, the default, is a server alone: nobody is anywhere else.
 *
 * A message that arrives comes through deliver(), on a thread of the bus (for local.c: the sender's); its slices are borrowed for
 * the call. What comes from the bus is input like any other: the receiver checks it.
 */
#ifndef BUS_BUS_H
#define BUS_BUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct bus;

enum bus_kind { BUS_TO_USER, BUS_TO_GROUP };

struct bus_message {
	enum bus_kind kind;
	struct slice target; /* BUS_TO_USER: the user it is for */
	struct slice sender; /* the user who says it */
	struct slice text;   /* as the sender sent it, its trailing LF taken off */
	bool sender_uses_lf; /* protocol.md, 6 */
};

enum bus_status {
	BUS_SENT,    /* on its way */
	BUS_NOBODY,  /* that user is on no other server */
	BUS_TROUBLE, /* the bus is out of reach; treat the user as not online */
};

typedef void bus_deliver_fn(void *arg, const struct bus_message *message);

/*
 * Opens the bus that url names (configuration.md, [bus]): "local". node is this server's name in the cluster. Returns NULL with a sentence for the
 * operator in why.
 */
struct bus *bus_open(const char *url, const char *node, bus_deliver_fn *deliver, void *arg,
    char *why, size_t why_size);
void bus_close(struct bus *bus);

/* Sends a message to the other servers, never to this one. Any thread; never blocks; copies what it needs. */
enum bus_status bus_send(struct bus *bus, const struct bus_message *message);

/* This server now has, or no longer has, a session of that user. Any thread. */
void bus_user_joined(struct bus *bus, struct slice name);
void bus_user_left(struct bus *bus, struct slice name);

#endif
