/*
 * nats.c: the bus over NATS core. Subjects, below the prefix of the settings:
 *
 *	user.NAME       each server at which NAME is on listens to it: NATS itself knows where to, and where to nobody
 *	group           every server listens
 *	admin           every server listens
 *	none.SELF.P.G   what NATS answers ("no responders") to what P, G of this server sent to a user whom nobody listens for
 *
 * The callers' threads never touch NATS: what they want goes into `out`, in order, and the sending thread carries it out. What arrives comes
 * on one thread of the NATS library, in the order of its arrival.
 */
#include <errno.h>
#include <inttypes.h>
#include <nats/nats.h>
#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/table.h"
#include "bus/engine.h"
#include "bus/nats_secure.h"
#include "bus/wire.h"

enum {
	OUT_LIMIT_BYTES = 8 << 20, /* of what waits to be sent */
	CONNECT_MS = 1500,
	CLOSE_MS = 2000,
	AGAIN_MS = 1000, /* where NATS refuses us */
	RETRY_MS = 250,
	PING_MS = 3000, /* a server that has not answered two of them is gone */
	PINGS_MAX = 2,
	WRITE_MS = 3000,
	JOIN_MS = 2000, /* a log-in waits no longer for NATS to know of it */
	SUBJECT_SIZE = 256,
	DRAINING_MAX = 64,
	ARRIVED_MAX = 65536, /* messages of one subject that wait to be delivered */
};

/* A user whose messages come here. Only the sending thread knows them; once they drain, only the library. */
struct listener {
	struct table_node node;
	struct nats *nats;
	natsSubscription *subscription;
	struct bus_join *leaving; /* who waits for its end */
	char name[NAME_MAX_LEN + 1];
};

/* What waits in `out`: this, then the bytes of a message or of a name. */
enum order_kind { ORDER_SEND, ORDER_JOIN, ORDER_LEAVE, ORDER_NOT_HERE };
struct order {
	enum order_kind kind;
	size_t len;
	struct bus_sender from;
	struct bus_join *join;
};

struct nats {
	struct bus bus; /* first */
	struct bus_events events;
	void *arg;
	char prefix[BUS_WORD_SIZE];
	uint64_t self; /* this server, in the subjects that are answered to */
	natsOptions *options;
	natsConnection *connection;
	natsSubscription *group, *admin, *none;

	pthread_t thread;
	bool has_thread;
	struct table listeners;
	unsigned char hash_key[crypto_shorthash_KEYBYTES];
	uint64_t unconfirmed; /* sent since NATS last said that it had all */

	pthread_mutex_t
	    event_lock; /* held while an event is under way; then is_over is what it was */
	bool is_over;   /* nobody is there to hear of it */

	pthread_mutex_t lock;
	pthread_cond_t filled;
	struct buffer out;
	bool is_closing;

	_Atomic bool is_up;
	_Atomic bool is_closed; /* the library has given up: NATS refuses our credentials */
	_Atomic unsigned draining;
	_Atomic uint64_t users, sent, received, found_nobody, refused, unsure, dropped, malformed,
	    breaks;
};

static struct nats *nats_of(struct bus *bus)
{
	return (struct nats *)bus;
}

static void subject_of(
    const struct nats *n, char subject[static SUBJECT_SIZE], const char *what, struct slice name)
{
	snprintf(subject, SUBJECT_SIZE, "%s.%s%s%.*s", n->prefix, what, name.len > 0 ? "." : "",
	    (int)name.len, name.ptr);
}

/* ---- handing in ---- */

/* false: too much waits. What is no message is taken in any case, as long as there is memory. */
static bool enqueue(struct nats *n, const struct order *order, struct slice bytes)
{
	pthread_mutex_lock(&n->lock);
	bool fits = order->kind != ORDER_SEND || n->out.len < OUT_LIMIT_BYTES;
	bool was_empty = n->out.len == 0;
	size_t len = sizeof(*order) + bytes.len;
	char *to = fits ? buffer_reserve(&n->out, len) : NULL;
	if (to != NULL) {
		memcpy(to, order, sizeof(*order));
		memcpy(to + sizeof(*order), bytes.ptr, bytes.len);
		buffer_added(&n->out, len);
		if (was_empty)
			pthread_cond_signal(&n->filled);
	}
	pthread_mutex_unlock(&n->lock);
	return to != NULL;
}

static enum bus_status send(struct bus *bus, const struct bus_message *message)
{
	struct nats *n = nats_of(bus);
	char bytes[WIRE_MAX_LEN];
	size_t len = wire_write(message, bytes);
	if (len == 0)
		return BUS_NOBODY; /* a target that no user could have */
	struct order order = { .kind = ORDER_SEND, .len = len, .from = message->from };
	if (n->is_up && enqueue(n, &order, slice_of(bytes, len)))
		return BUS_SENT;
	n->refused++;
	return BUS_TROUBLE;
}

static void user_joins(struct bus *bus, struct bus_join *join)
{
	struct order order = { .kind = ORDER_JOIN, .len = strlen(join->name), .join = join };
	if (!enqueue(nats_of(bus), &order, slice_str(join->name)))
		join->done(join); /* no memory: it hears nothing from elsewhere */
}

static void user_leaves(struct bus *bus, struct bus_join *join)
{
	struct order order = { .kind = ORDER_LEAVE, .len = strlen(join->name), .join = join };
	if (!enqueue(nats_of(bus), &order, slice_str(join->name)))
		join->done(join);
}

static void not_here(struct bus *bus, struct bus_sender from)
{
	struct order order = { .kind = ORDER_NOT_HERE, .from = from };
	if (from.generation != 0)
		enqueue(nats_of(bus), &order, SLICE(""));
}

/* ---- what arrives, on the library's thread ---- */

/* Where one who asked is answered, and who that is. */
static void answer_subject(
    const struct nats *n, char subject[static SUBJECT_SIZE], struct bus_sender from)
{
	snprintf(subject, SUBJECT_SIZE, "%s.none.%" PRIx64 ".%" PRIu64 ".%" PRIu64, n->prefix,
	    from.server, from.place, from.generation);
}

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

static void say_not_there(struct nats *n, struct bus_sender from)
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
		say_not_there(n, from);
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

static void on_connected(natsConnection *connection, void *arg)
{
	struct nats *n = arg;
	if (atomic_exchange(&n->is_up, true))
		return;
	log_info("bus-connected");
	pthread_mutex_lock(&n->event_lock);
	if (!n->is_over)
		n->events.came_back(n->arg);
	pthread_mutex_unlock(&n->event_lock);
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

/* ---- the sending thread ---- */

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

static natsStatus subscribe(struct nats *n, struct listener *l)
{
	char subject[SUBJECT_SIZE];
	subject_of(n, subject, "user", slice_str(l->name));
	return natsConnection_Subscribe(&l->subscription, n->connection, subject, on_message, n);
}

/* One that can't be had now is when the bus is opened again. */
static void join(struct nats *n, struct slice name)
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

/* On a thread of the library, or by leave(). */
static void on_drained(void *arg)
{
	struct listener *l = arg;
	struct nats *n = l->nats;
	struct bus_join *leaving = l->leaving;
	natsSubscription_Destroy(l->subscription);
	free(l);
	n->draining--;
	pthread_mutex_lock(&n->event_lock);
	if (!n->is_over)
		leaving->done(leaving);
	pthread_mutex_unlock(&n->event_lock);
}

/*
 * What NATS had on the way when it was told must not fall under the table: its sender shall hear that nobody is here. So the subscription
 * drains, which takes a thread of the library for a round trip; of too many at once the rest does without.
 */
static void leave(struct nats *n, struct slice name, struct bus_join *leaving)
{
	uint64_t hash;
	struct listener *l = find(n, name, &hash);
	if (l == NULL || l->subscription == NULL || !n->is_up || n->draining >= DRAINING_MAX) {
		if (l != NULL)
			forget(n, l);
		leaving->done(leaving);
		return;
	}
	table_remove(&n->listeners, &l->node);
	n->users--;
	n->draining++;
	l->leaving = leaving;
	natsStatus status = natsSubscription_SetOnCompleteCB(l->subscription, on_drained, l);
	if (status == NATS_OK)
		status = natsSubscription_DrainTimeout(l->subscription, WRITE_MS);
	if (status == NATS_OK)
		return;
	natsSubscription_SetOnCompleteCB(l->subscription, NULL, NULL);
	natsSubscription_Unsubscribe(l->subscription);
	on_drained(l);
}

static void say_not_here(struct nats *n, struct bus_sender to)
{
	char subject[SUBJECT_SIZE];
	answer_subject(n, subject, to);
	if (n->is_up && natsConnection_Publish(n->connection, subject, "", 0) == NATS_OK)
		n->unconfirmed++;
}

static void publish(struct nats *n, const struct order *order, struct slice bytes)
{
	char subject[SUBJECT_SIZE], reply[SUBJECT_SIZE];
	struct bus_message message;
	if (!wire_parse(bytes, &message))
		return;
	bool is_asked = order->from.generation != 0;
	answer_subject(
	    n, reply, (struct bus_sender){ order->from.place, order->from.generation, n->self });
	if (message.kind == BUS_TO_USER || message.kind == BUS_ADMIN_USER)
		subject_of(n, subject, "user", message.target);
	else
		subject_of(n, subject, message.kind == BUS_TO_GROUP ? "group" : "admin", SLICE(""));
	/* While it is out of reach the library would keep it and send it late. */
	natsStatus status =
	    !n->is_up  ? NATS_CONNECTION_DISCONNECTED
	    : is_asked ? natsConnection_PublishRequest(
			     n->connection, subject, reply, bytes.ptr, (int)bytes.len)
		       : natsConnection_Publish(n->connection, subject, bytes.ptr, (int)bytes.len);
	if (status == NATS_OK) {
		n->sent++;
		n->unconfirmed++;
		return;
	}
	n->refused++;
	if (is_asked)
		say_not_there(n, order->from);
}

static struct order order_at(struct slice rest, struct slice *bytes_r)
{
	struct order order;
	memcpy(&order, rest.ptr, sizeof(order));
	*bytes_r = slice_of(rest.ptr + sizeof(order), order.len);
	return order;
}

static void carry_out(struct nats *n, struct slice all)
{
	struct order order;
	struct slice bytes;
	bool any_joined = false;
	for (struct slice rest = all; rest.len > 0;
	     rest = slice_skip(rest, sizeof(order) + order.len)) {
		order = order_at(rest, &bytes);
		if (order.kind == ORDER_SEND)
			publish(n, &order, bytes);
		else if (order.kind == ORDER_LEAVE)
			leave(n, bytes, order.join);
		else if (order.kind == ORDER_NOT_HERE)
			say_not_here(n, order.from);
		else
			join(n, bytes);
		any_joined |= order.kind == ORDER_JOIN;
	}
	if (!any_joined)
		return;
	/* NATS answers when it has taken in all that was sent before: from now on messages come here. */
	if (n->is_up && natsConnection_FlushTimeout(n->connection, JOIN_MS) == NATS_OK)
		n->unconfirmed = 0;
	for (struct slice rest = all; rest.len > 0;
	     rest = slice_skip(rest, sizeof(order) + order.len)) {
		order = order_at(rest, &bytes);
		if (order.kind == ORDER_JOIN)
			order.join->done(order.join);
	}
}

/* How much of what was sent is in doubt when the bus breaks: what was sent since it last answered, which is asked for when there is time. */
static void confirm(struct nats *n)
{
	if (n->unconfirmed == 0)
		return;
	if (!n->is_up || natsConnection_FlushTimeout(n->connection, WRITE_MS) != NATS_OK)
		n->unsure += n->unconfirmed;
	n->unconfirmed = 0;
}

static natsStatus listen(struct nats *n)
{
	char subject[SUBJECT_SIZE];
	subject_of(n, subject, "group", SLICE(""));
	natsStatus status =
	    natsConnection_Subscribe(&n->group, n->connection, subject, on_message, n);
	subject_of(n, subject, "admin", SLICE(""));
	if (status == NATS_OK)
		status = natsConnection_Subscribe(&n->admin, n->connection, subject, on_message, n);
	snprintf(subject, sizeof(subject), "%s.none.%" PRIx64 ".*.*", n->prefix, n->self);
	if (status == NATS_OK)
		status = natsConnection_Subscribe(&n->none, n->connection, subject, on_nobody, n);
	return status;
}

/* Where the library is told of a connection, it goes on trying; where NATS refuses us it gives up, and we try, for somebody may mend it. */
static natsStatus connect_to(struct nats *n)
{
	n->is_closed = false;
	natsStatus status = natsConnection_Connect(&n->connection, n->options);
	if (status == NATS_OK)
		on_connected(n->connection, n);
	if (status == NATS_OK || status == NATS_NOT_YET_CONNECTED)
		status = listen(n);
	return status;
}

static void drop_subscription(natsSubscription **subscription)
{
	natsSubscription_Destroy(*subscription);
	*subscription = NULL;
}

static void open_again(struct nats *n)
{
	drop_subscription(&n->group);
	drop_subscription(&n->admin);
	drop_subscription(&n->none);
	natsConnection_Destroy(n->connection);
	n->connection = NULL;
	natsStatus status = connect_to(n);
	for (size_t i = 0; i < n->listeners.slot_count; i++) {
		for (struct table_node *node = n->listeners.slots[i]; node != NULL;
		     node = node->next) {
			struct listener *l = table_entry(node, struct listener, node);
			drop_subscription(&l->subscription);
			subscribe(n, l);
		}
	}
	if (status != NATS_OK)
		n->is_closed = true;
}

static bool has_work(const struct nats *n)
{
	return n->out.len > 0 || n->is_closing || n->unconfirmed > 0;
}

/* Takes all there is; waits for some, or for the time to try again. false: it is closing and there is none. */
static bool take_out(struct nats *n, struct buffer *taken)
{
	struct timespec until;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += AGAIN_MS / 1000;
	pthread_mutex_lock(&n->lock);
	while (!has_work(n)) {
		if (!n->is_closed)
			pthread_cond_wait(&n->filled, &n->lock);
		else if (pthread_cond_timedwait(&n->filled, &n->lock, &until) == ETIMEDOUT)
			break;
	}
	bool goes_on = n->out.len > 0 || !n->is_closing;
	struct buffer empty = *taken;
	*taken = n->out;
	n->out = empty;
	pthread_mutex_unlock(&n->lock);
	return goes_on;
}

static void *run(void *arg)
{
	struct nats *n = arg;
	struct buffer taken = { 0 };
	uint64_t again_ms = 0;
	while (take_out(n, &taken)) {
		if (n->is_closed && clock_now_ms() >= again_ms) {
			open_again(n);
			again_ms = clock_now_ms() + AGAIN_MS;
		}
		if (taken.len == 0)
			confirm(n);
		carry_out(n, buffer_slice(&taken));
		buffer_take(&taken, taken.len);
	}
	confirm(n);
	buffer_clear(&taken);
	return NULL;
}

/* ---- opening and closing ---- */

static natsStatus set_options(
    struct nats *n, const struct bus_config *c, char *why, size_t why_size)
{
	natsOptions *o = n->options;
	natsStatus status = natsOptions_SetURL(o, c->url);
	const struct {
		natsStatus (*set)(natsOptions *o, int64_t value);
		int64_t value;
	} times[] = { { natsOptions_SetTimeout, CONNECT_MS },
		{ natsOptions_SetReconnectWait, RETRY_MS },
		{ natsOptions_SetPingInterval, PING_MS },
		{ natsOptions_SetWriteDeadline, WRITE_MS } };
	for (size_t i = 0; status == NATS_OK && i < sizeof(times) / sizeof(times[0]); i++)
		status = times[i].set(o, times[i].value);
	if (status == NATS_OK)
		status = natsOptions_SetMaxPingsOut(o, PINGS_MAX);
	if (status == NATS_OK)
		status = natsOptions_SetMaxReconnect(o, -1);
	if (status == NATS_OK)
		status = natsOptions_SetReconnectJitter(o, 50, 50);
	if (status == NATS_OK)
		status = natsOptions_SetNoEcho(o, true);
	if (status == NATS_OK)
		status = natsOptions_UseGlobalMessageDelivery(o, true);
	if (status == NATS_OK)
		status = natsOptions_SetMaxPendingMsgs(o, ARRIVED_MAX);
	if (status == NATS_OK)
		status = natsOptions_SetName(o, c->node);
	if (status == NATS_OK)
		status = natsOptions_SetDisconnectedCB(o, on_disconnected, n);
	if (status == NATS_OK)
		status = natsOptions_SetReconnectedCB(o, on_connected, n);
	if (status == NATS_OK)
		status = natsOptions_SetClosedCB(o, on_closed, n);
	if (status == NATS_OK)
		status = natsOptions_SetRetryOnFailedConnect(o, true, on_connected, n);
	if (status == NATS_OK)
		status = natsOptions_SetErrorHandler(o, on_error, n);
	return status == NATS_OK ? nats_secure(o, c, why, why_size) : status;
}

static natsStatus start(struct nats *n, const struct bus_config *c, char *why, size_t why_size)
{
	randombytes_buf(&n->self, sizeof(n->self));
	crypto_shorthash_keygen(n->hash_key);
	snprintf(n->prefix, sizeof(n->prefix), "%s", c->prefix);
	natsStatus status = nats_SetMessageDeliveryPoolSize(1);
	if (status == NATS_OK)
		status = natsOptions_Create(&n->options);
	if (status == NATS_OK)
		status = set_options(n, c, why, why_size);
	if (status != NATS_OK)
		return status;
	status = connect_to(n);
	if (status == NATS_NO_MEMORY || status == NATS_INVALID_ARG || status == NATS_SSL_ERROR)
		return status;
	if (!n->is_up)
		log_warn("bus-unreachable", LOG_STR("reason", natsStatus_GetText(status)),
		    LOG_STR("advice", "it is tried again and again"));
	n->is_closed = n->is_closed || status != NATS_OK;
	n->has_thread = pthread_create(&n->thread, NULL, run, n) == 0;
	return n->has_thread ? NATS_OK : NATS_NO_MEMORY;
}

/*
 * A callback of the library may be at its end still when a connection has been closed, and the library itself cannot be ended: its end takes down
 * what OpenSSL takes down once more. So what the callbacks look at stays until the process ends.
 */
static struct nats *volatile remains; /* volatile: it is never read */

static void await_closed(struct nats *n)
{
	struct timespec until;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += CLOSE_MS / 1000;
	pthread_mutex_lock(&n->lock);
	while (n->connection != NULL && !n->is_closed &&
	       pthread_cond_timedwait(&n->filled, &n->lock, &until) != ETIMEDOUT)
		;
	pthread_mutex_unlock(&n->lock);
}

static void close_bus(struct bus *bus)
{
	struct nats *n = nats_of(bus);
	pthread_mutex_lock(&n->lock);
	n->is_closing = true;
	pthread_cond_signal(&n->filled);
	pthread_mutex_unlock(&n->lock);
	if (n->has_thread)
		pthread_join(n->thread, NULL);
	for (size_t i = 0; i < n->listeners.slot_count; i++) {
		while (n->listeners.slots[i] != NULL)
			forget(n, table_entry(n->listeners.slots[i], struct listener, node));
	}
	natsSubscription_Destroy(n->group);
	natsSubscription_Destroy(n->admin);
	natsSubscription_Destroy(n->none);
	pthread_mutex_lock(&n->event_lock);
	n->is_over = true;
	pthread_mutex_unlock(&n->event_lock);
	natsConnection_Close(n->connection);
	await_closed(n);
	natsConnection_Destroy(n->connection);
	natsOptions_Destroy(n->options);
	n->connection = NULL;
	table_clear(&n->listeners);
	buffer_clear(&n->out);
	remains = n;
}

static struct bus_counts counts(struct bus *bus)
{
	const struct nats *n = nats_of(bus);
	return (struct bus_counts){ .is_reachable = n->is_up,
		.users = n->users,
		.sent = n->sent,
		.received = n->received,
		.found_nobody = n->found_nobody,
		.refused = n->refused,
		.unsure = n->unsure,
		.dropped = n->dropped,
		.malformed = n->malformed,
		.breaks = n->breaks };
}

struct bus *nats_bus_open(const struct bus_config *config, const struct bus_events *events,
    void *arg, char *why, size_t why_size)
{
	static const struct bus_engine engine = { true, close_bus, send, user_joins, user_leaves,
		not_here, counts };
	struct nats *n = calloc(1, sizeof(*n));
	why[0] = '\0';
	if (n == NULL) {
		snprintf(why, why_size, "no memory for the bus");
		return NULL;
	}
	n->bus.engine = &engine;
	n->events = *events;
	n->arg = arg;
	pthread_mutex_init(&n->lock, NULL);
	pthread_mutex_init(&n->event_lock, NULL);
	pthread_cond_init(&n->filled, NULL);
	natsStatus status = start(n, config, why, why_size);
	if (status == NATS_OK)
		return &n->bus;
	if (why[0] == '\0')
		snprintf(why, why_size, "cannot use the bus: %s", natsStatus_GetText(status));
	close_bus(&n->bus);
	return NULL;
}
