/*
 * nats.c: the bus over NATS core (its subjects: nats.h). The callers' threads never touch NATS: what they want goes into `out`, in order, and the
 * sending thread carries it out. What arrives is nats_listen.c's.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "bus/nats.h"
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
	JOIN_MS = 2000,      /* a log-in waits no longer for NATS to know of it */
	ARRIVED_MAX = 65536, /* messages of one subject that wait to be delivered */
};

/* What waits in `out`: this, then the bytes of a message or of a name. */
enum order_kind { ORDER_SEND, ORDER_JOIN, ORDER_LEAVE, ORDER_NOT_HERE };
struct order {
	enum order_kind kind;
	size_t len;
	struct bus_sender from;
	struct bus_join *join;
};

static struct nats *nats_of(struct bus *bus)
{
	return (struct nats *)bus;
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

/* Where the bus is out of reach it may be long until the order is carried out, which shall keep nobody out, or in. */
static void order_for_user(struct nats *n, enum order_kind kind, struct bus_join *join)
{
	bool waits = n->is_up;
	struct order order = {
		.kind = kind, .len = strlen(join->name), .join = waits ? join : NULL
	};
	bool is_taken = enqueue(n, &order, slice_str(join->name));
	if (!waits || !is_taken) /* no memory: it hears nothing from elsewhere */
		join->done(join);
}

static void user_joins(struct bus *bus, struct bus_join *join)
{
	order_for_user(nats_of(bus), ORDER_JOIN, join);
}

static void user_leaves(struct bus *bus, struct bus_join *join)
{
	order_for_user(nats_of(bus), ORDER_LEAVE, join);
}

static void not_here(struct bus *bus, struct bus_sender from)
{
	struct order order = { .kind = ORDER_NOT_HERE, .from = from };
	if (from.generation != 0)
		enqueue(nats_of(bus), &order, SLICE(""));
}

/* ---- the sending thread ---- */

static void say_not_here(struct nats *n, struct bus_sender to)
{
	char subject[NATS_SUBJECT_SIZE];
	nats_answer_subject(n, subject, to);
	if (n->is_up && natsConnection_Publish(n->connection, subject, "", 0) == NATS_OK)
		n->unconfirmed++;
}

static void publish(struct nats *n, const struct order *order, struct slice bytes)
{
	char subject[NATS_SUBJECT_SIZE], reply[NATS_SUBJECT_SIZE];
	struct bus_message message;
	if (!wire_parse(bytes, &message))
		return;
	bool is_asked = order->from.generation != 0;
	nats_answer_subject(
	    n, reply, (struct bus_sender){ order->from.place, order->from.generation, n->self });
	if (message.kind == BUS_TO_USER || message.kind == BUS_ADMIN_USER)
		nats_subject(n, subject, "user", message.target);
	else
		nats_subject(
		    n, subject, message.kind == BUS_TO_GROUP ? "group" : "admin", SLICE(""));
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
		nats_listen_say_not_there(n, order->from);
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
			nats_listen_leave(n, bytes, order.join);
		else if (order.kind == ORDER_NOT_HERE)
			say_not_here(n, order.from);
		else
			nats_listen_join(n, bytes);
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
		if (order.kind == ORDER_JOIN && order.join != NULL)
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

/* Where the library is told of a connection, it goes on trying; where NATS refuses us it gives up, and we try, for somebody may mend it. */
static natsStatus connect_to(struct nats *n)
{
	n->is_closed = false;
	natsStatus status = natsConnection_Connect(&n->connection, n->options);
	if (status == NATS_OK)
		nats_listen_came_up(n);
	if (status == NATS_OK || status == NATS_NOT_YET_CONNECTED) {
		natsStatus listened = nats_listen_to_all(n);
		status = listened == NATS_OK ? status : listened;
	}
	return status;
}

static void open_again(struct nats *n)
{
	natsConnection_Destroy(n->connection);
	n->connection = NULL;
	natsStatus status = connect_to(n);
	nats_listen_to_users(n);
	if (status != NATS_OK && status != NATS_NOT_YET_CONNECTED)
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
	natsStatus status = nats_secure(o, c, why, why_size);
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
		status = nats_listen_set_options(n);
	return status;
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
	n->is_closed = n->is_closed || (status != NATS_OK && status != NATS_NOT_YET_CONNECTED);
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
	nats_listen_to_nobody(n);
	pthread_mutex_lock(&n->event_lock);
	n->is_over = true;
	pthread_mutex_unlock(&n->event_lock);
	natsConnection_Close(n->connection);
	await_closed(n);
	natsConnection_Destroy(n->connection);
	natsOptions_Destroy(n->options);
	n->connection = NULL;
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
