/*
 * nats_listen.c: what this server hears of NATS. What arrives comes on one thread of the NATS library, in the order of its arrival; whom it
 * comes for, only the sending thread knows.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "bus/nats.h"
#include "bus/wire.h"

enum {
	DRAIN_MS = 3000,
	DRAINING_MAX = 64,
};

/* A user whose messages come here. Only the sending thread knows them; once they drain, only the library. */
struct listener {
	struct table_node node;
	struct nats *nats;
	natsSubscription *subscription;
	struct bus_join *leaving; /* who waits for its end */
	char name[NAME_MAX_LEN + 1];
};

void nats_subject(const struct nats *n, char subject[static NATS_SUBJECT_SIZE], const char *what,
    struct slice name)
{
	snprintf(subject, NATS_SUBJECT_SIZE, "%s.%s%s%.*s", n->prefix, what,
	    name.len > 0 ? "." : "", (int)name.len, name.ptr);
}

void nats_answer_subject(
    const struct nats *n, char subject[static NATS_SUBJECT_SIZE], struct bus_sender from)
{
	snprintf(subject, NATS_SUBJECT_SIZE, "%s.none.%" PRIx64 ".%" PRIu64 ".%" PRIu64, n->prefix,
	    from.server, from.place, from.generation);
}

/* ---- what arrives ---- */

static bool read_answer_subject(
    const struct nats *n, const char *subject, struct bus_sender *from_r)
{
	size_t len = strlen(n->prefix);
	int end = 0;
	return subject != NULL && strncmp(subject, n->prefix, len) == 0 &&
	       sscanf(subject + len, ".none.%" SCNx64 ".%" SCNu64 ".%" SCNu64 "%n", &from_r->server,
		   &from_r->place, &from_r->generation, &end) == 3 &&
	       subject[len + (size_t)end] == '\0';
}

static void on_message(
    natsConnection *connection, natsSubscription *subscription, natsMsg *msg, void *arg)
{
	struct nats *n = arg;
	struct bus_message message;
	n->received++;
	int len = natsMsg_GetDataLength(msg);
	if (len < 0 || !wire_parse(slice_of(natsMsg_GetData(msg), (size_t)len), &message)) {
		n->malformed++;
	} else {
		if (!read_answer_subject(n, natsMsg_GetReply(msg), &message.from))
			message.from = (struct bus_sender){ 0 };
		pthread_mutex_lock(&n->event_lock);
		if (!n->is_over)
			n->events.deliver(n->arg, &message);
		pthread_mutex_unlock(&n->event_lock);
	}
	natsMsg_Destroy(msg);
}

void nats_listen_say_not_there(struct nats *n, struct bus_sender from)
{
	pthread_mutex_lock(&n->event_lock);
	if (!n->is_over)
		n->events.not_there(n->arg, from);
	pthread_mutex_unlock(&n->event_lock);
}

/* Whoever sends this: all that comes of it is an answer to one who asked, or nothing. */
static void on_nobody(
    natsConnection *connection, natsSubscription *subscription, natsMsg *msg, void *arg)
{
	struct nats *n = arg;
	struct bus_sender from;
	if (read_answer_subject(n, natsMsg_GetSubject(msg), &from) && from.server == n->self) {
		n->found_nobody++;
		nats_listen_say_not_there(n, from);
	} else {
		n->malformed++;
	}
	natsMsg_Destroy(msg);
}

static void on_disconnected(natsConnection *connection, void *arg)
{
	struct nats *n = arg;
	if (!atomic_exchange(&n->is_up, false))
		return;
	pthread_mutex_lock(&n->lock);
	bool is_wanted = n->is_closing;
	pthread_mutex_unlock(&n->lock);
	if (is_wanted)
		return;
	n->breaks++;
	log_warn("bus-lost");
}

static void on_closed(natsConnection *connection, void *arg)
{
	struct nats *n = arg;
	on_disconnected(connection, arg);
	pthread_mutex_lock(&n->lock);
	n->is_closed = true;
	pthread_cond_signal(&n->filled);
	pthread_mutex_unlock(&n->lock);
}

void nats_listen_came_up(struct nats *n)
{
	if (atomic_exchange(&n->is_up, true))
		return;
	log_info("bus-connected");
	pthread_mutex_lock(&n->event_lock);
	if (!n->is_over)
		n->events.came_back(n->arg);
	pthread_mutex_unlock(&n->event_lock);
}

static void on_connected(natsConnection *connection, void *arg)
{
	nats_listen_came_up(arg);
}

static void on_error(
    natsConnection *connection, natsSubscription *subscription, natsStatus status, void *arg)
{
	static struct log_limit limit;
	struct nats *n = arg;
	uint64_t suppressed;
	if (status == NATS_SLOW_CONSUMER)
		n->dropped++;
	if (log_limit_allows(&limit, &suppressed))
		log_warn("bus-trouble", LOG_STR("reason", natsStatus_GetText(status)),
		    LOG_INT("suppressed", suppressed));
}

natsStatus nats_listen_set_options(struct nats *n)
{
	natsOptions *o = n->options;
	natsStatus status = natsOptions_SetDisconnectedCB(o, on_disconnected, n);
	if (status == NATS_OK)
		status = natsOptions_SetReconnectedCB(o, on_connected, n);
	if (status == NATS_OK)
		status = natsOptions_SetClosedCB(o, on_closed, n);
	if (status == NATS_OK)
		status = natsOptions_SetRetryOnFailedConnect(o, true, on_connected, n);
	return status == NATS_OK ? natsOptions_SetErrorHandler(o, on_error, n) : status;
}

/* ---- listening ---- */

static bool is_name(const struct table_node *node, const void *key)
{
	const struct listener *l = table_entry(node, struct listener, node);
	return slice_equal(slice_str(l->name), *(const struct slice *)key);
}

static struct listener *find(struct nats *n, struct slice name, uint64_t *hash_r)
{
	crypto_shorthash(
	    (unsigned char *)hash_r, (const unsigned char *)name.ptr, name.len, n->hash_key);
	struct table_node *node = table_find(&n->listeners, *hash_r, is_name, &name);
	return node != NULL ? table_entry(node, struct listener, node) : NULL;
}

static void drop(natsSubscription **subscription)
{
	natsSubscription_Destroy(*subscription);
	*subscription = NULL;
}

static natsStatus subscribe(struct nats *n, struct listener *l)
{
	char subject[NATS_SUBJECT_SIZE];
	nats_subject(n, subject, "user", slice_str(l->name));
	return natsConnection_Subscribe(&l->subscription, n->connection, subject, on_message, n);
}

/* One that can't be had now is when the bus is opened again. */
void nats_listen_join(struct nats *n, struct slice name)
{
	uint64_t hash;
	struct listener *l = find(n, name, &hash);
	if (l != NULL || (l = calloc(1, sizeof(*l))) == NULL)
		return;
	memcpy(l->name, name.ptr, name.len);
	l->nats = n;
	if (!table_add(&n->listeners, hash, &l->node)) {
		free(l);
		return;
	}
	n->users++;
	subscribe(n, l);
}

static void forget(struct nats *n, struct listener *l)
{
	table_remove(&n->listeners, &l->node);
	natsSubscription_Unsubscribe(l->subscription);
	natsSubscription_Destroy(l->subscription);
	free(l);
	n->users--;
}

static void leave_is_done(struct nats *n, struct bus_join *leaving)
{
	pthread_mutex_lock(&n->event_lock);
	if (leaving != NULL && !n->is_over)
		leaving->done(leaving);
	pthread_mutex_unlock(&n->event_lock);
}

/* On a thread of the library, or by nats_listen_leave(). */
static void on_drained(void *arg)
{
	struct listener *l = arg;
	struct nats *n = l->nats;
	struct bus_join *leaving = l->leaving;
	natsSubscription_Destroy(l->subscription);
	free(l);
	n->draining--;
	leave_is_done(n, leaving);
}

/*
 * What NATS had on the way when it was told must not fall under the table: its sender shall hear that nobody is here. So the subscription
 * drains, which takes a thread of the library for a round trip; of too many at once the rest does without.
 */
void nats_listen_leave(struct nats *n, struct slice name, struct bus_join *leaving)
{
	uint64_t hash;
	struct listener *l = find(n, name, &hash);
	if (l == NULL || l->subscription == NULL || !n->is_up || n->draining >= DRAINING_MAX) {
		if (l != NULL)
			forget(n, l);
		leave_is_done(n, leaving);
		return;
	}
	table_remove(&n->listeners, &l->node);
	n->users--;
	n->draining++;
	l->leaving = leaving;
	natsStatus status = natsSubscription_SetOnCompleteCB(l->subscription, on_drained, l);
	if (status == NATS_OK)
		status = natsSubscription_DrainTimeout(l->subscription, DRAIN_MS);
	if (status == NATS_OK)
		return;
	natsSubscription_SetOnCompleteCB(l->subscription, NULL, NULL);
	natsSubscription_Unsubscribe(l->subscription);
	on_drained(l);
}

natsStatus nats_listen_to_all(struct nats *n)
{
	drop(&n->group);
	drop(&n->admin);
	drop(&n->none);
	char subject[NATS_SUBJECT_SIZE];
	nats_subject(n, subject, "group", SLICE(""));
	natsStatus status =
	    natsConnection_Subscribe(&n->group, n->connection, subject, on_message, n);
	nats_subject(n, subject, "admin", SLICE(""));
	if (status == NATS_OK)
		status = natsConnection_Subscribe(&n->admin, n->connection, subject, on_message, n);
	snprintf(subject, sizeof(subject), "%s.none.%" PRIx64 ".*.*", n->prefix, n->self);
	if (status == NATS_OK)
		status = natsConnection_Subscribe(&n->none, n->connection, subject, on_nobody, n);
	return status;
}

void nats_listen_to_users(struct nats *n)
{
	for (size_t i = 0; i < n->listeners.slot_count; i++) {
		for (struct table_node *node = n->listeners.slots[i]; node != NULL;
		     node = node->next) {
			struct listener *l = table_entry(node, struct listener, node);
			drop(&l->subscription);
			subscribe(n, l);
		}
	}
}

void nats_listen_to_nobody(struct nats *n)
{
	for (size_t i = 0; i < n->listeners.slot_count; i++) {
		while (n->listeners.slots[i] != NULL)
			forget(n, table_entry(n->listeners.slots[i], struct listener, node));
	}
	table_clear(&n->listeners);
	drop(&n->group);
	drop(&n->admin);
	drop(&n->none);
}
