/*
 * postgres.c: the store in PostgreSQL, which several servers may share.
 *
 *	submit() --> queue --> thread: one poll() over POSTGRES_CONNECTIONS connections in pipeline mode, each with
 *
 *	             waiting: not yet sent ---> sent: in the order of their answers ---> done()
 *
 * A request goes to the connection that its name's hash says, so that what is asked about one user is carried out in the order in which it was
 * handed in. Each is a transaction of its own; those of several connections share PostgreSQL's commits.
 *
 * A connection that breaks is made anew, at first at once, then after growing pauses. What was sent on it and has no answer comes back
 * as STORE_UNAVAILABLE (nobody knows whether it was done), but for look-ups, which are sent again. What waits goes on waiting until its
 * deadline, so that a restart of PostgreSQL is a pause; once PostgreSQL is known to be away it fails at once.
 *
 * Nothing blocks the thread: an attempt to connect, which may have to look up a host's name, has one of its own (postgres_connect.c).
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/postgres.h"
#include "store/postgres_connect.h"
#include "store/postgres_schema.h"

enum {
	POSTGRES_CONNECTIONS = 4,
	SENT_MAX = 64, /* on one connection */
	RETRY_FIRST_MS = 50,
	RETRY_LONGEST_MS = 2000,
	TRIES_PATIENT = 5,      /* failed attempts, after which what waits fails at once */
	SWEEP_EVERY_MS = 60000, /* for uploads that were cut off */
};

enum state { DOWN, CONNECTING, PREPARING, UP };

struct queue {
	struct store_request *first, *last;
};

struct connection {
	PGconn *db;
	struct postgres_attempt *attempt; /* CONNECTING */
	enum state state;
	bool wants_flush;
	/* DOWN: of the next attempt; CONNECTING: PostgreSQL counts as away; PREPARING, and UP with something sent: it is given up. */
	uint64_t due_ms;
	unsigned tries; /* failed ones, since it was last UP */
	struct queue waiting, sent;
	size_t sent_count;
};

struct postgres {
	struct store store; /* first */
	struct connection connections[POSTGRES_CONNECTIONS];
	char *url;
	pthread_t thread;
	int wake_fd;
	char node[STORE_NODE_SIZE];
	int64_t epoch;
	uint64_t sweep_ms;
	struct store_request sweep;
	bool is_sweeping;
	_Atomic unsigned up_count;
	_Atomic uint64_t answered_ms,
	    silent_ms; /* when it last answered, and when it last should have and did not */
	_Atomic uint64_t lost, failed, failed_ms;

	pthread_mutex_t lock;
	struct queue incoming;
	size_t outstanding;      /* handed in, and its done() not yet back */
	_Atomic bool is_closing; /* set under the lock; the thread also looks without */
};

static struct postgres *postgres_of(struct store *store)
{
	return (struct postgres *)store;
}

/* ---- queues ---- */

static void push(struct queue *q, struct store_request *request)
{
	request->next = NULL;
	if (q->first == NULL)
		q->first = request;
	else
		q->last->next = request;
	q->last = request;
}

static void push_front(struct queue *q, struct store_request *request)
{
	request->next = q->first;
	q->first = request;
	if (request->next == NULL)
		q->last = request;
}

static struct store_request *pop(struct queue *q)
{
	struct store_request *request = q->first;
	q->first = request->next;
	return request;
}

/* ---- requests ---- */

static void wake(struct postgres *pg)
{
	uint64_t one = 1;
	while (write(pg->wake_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

static void submit(struct store *store, struct store_request *request)
{
	struct postgres *pg = postgres_of(store);
	request->due_ms = clock_now_ms() + STORE_DEADLINE_MS;
	pthread_mutex_lock(&pg->lock);
	pg->outstanding++;
	bool is_first = pg->incoming.first == NULL;
	push(&pg->incoming, request);
	pthread_mutex_unlock(&pg->lock);
	if (is_first)
		wake(pg);
}

/* A file's bytes may be called for meanwhile: what its request is answered with is noted before. */
static void finish(struct postgres *pg, struct store_request *request, enum store_status status)
{
	request->status = status;
	if (status == STORE_UNAVAILABLE) {
		pg->failed++;
		pg->failed_ms = clock_now_ms();
	}
	if (status == STORE_OK && request->call == STORE_NODE_REJOIN)
		request->epoch = request->id;
	if (status == STORE_OK &&
	    (request->call == STORE_NODE_JOIN || request->call == STORE_NODE_REJOIN)) {
		memcpy(pg->node, request->node, sizeof(pg->node));
		pg->epoch = request->epoch;
	}
	request->done(request);
	pthread_mutex_lock(&pg->lock);
	pg->outstanding--;
	pthread_mutex_unlock(&pg->lock);
}

void postgres_node(struct store *store, char node_r[static STORE_NODE_SIZE], int64_t *epoch_r)
{
	struct postgres *pg = postgres_of(store);
	memcpy(node_r, pg->node, sizeof(pg->node));
	*epoch_r = pg->epoch;
}

static unsigned connection_of(const struct store_request *request)
{
	uint32_t hash =
	    2166136261U; /* FNV-1a: who chooses names gains nothing by meeting others here */
	for (const char *at = request->name; *at != '\0'; at++)
		hash = (hash ^ (unsigned char)*at) * 16777619U;
	return hash % POSTGRES_CONNECTIONS;
}

/* ---- a connection ---- */

static void set_state(struct postgres *pg, struct connection *c, enum state state)
{
	pg->up_count += (state == UP) - (c->state == UP);
	c->state = state;
}

/* libpq explains at length; its first line says it. */
static void log_break(const struct connection *c, const char *why)
{
	static struct log_limit limit;
	uint64_t suppressed;
	if (c->state != UP && c->tries > 0)
		return;
	if (log_limit_allows(&limit, &suppressed))
		log_warn(c->state == UP ? "store-connection-lost" : "store-unreachable",
		    LOG_SLICE("reason", slice_of(why, strcspn(why, "\n"))),
		    LOG_INT("suppressed", suppressed));
}

/* Gives the connection up; what was sent goes back to wait, or to its caller. */
static void break_off(struct postgres *pg, struct connection *c, const char *why)
{
	log_break(c, why);
	if (c->state == UP) {
		pg->lost++;
		c->tries = 0;
	}
	uint64_t pause_ms = (uint64_t)RETRY_FIRST_MS << (c->tries < 10 ? c->tries : 10);
	c->due_ms = clock_now_ms() + (pause_ms < RETRY_LONGEST_MS ? pause_ms : RETRY_LONGEST_MS);
	c->tries++;
	set_state(pg, c, DOWN);
	struct queue sent = c->sent, again = { 0 };
	c->sent = (struct queue){ 0 };
	c->sent_count = 0;
	while (sent.first != NULL) {
		struct store_request *request = pop(&sent);
		if (postgres_call_is_repeatable(request))
			push_front(&again, request);
		else
			finish(pg, request, STORE_UNAVAILABLE);
	}
	while (again.first != NULL)
		push_front(&c->waiting, pop(&again));
	PQfinish(c->db);
	c->db = NULL;
}

static void start_connecting(struct postgres *pg, struct connection *c)
{
	c->due_ms = clock_now_ms() + STORE_DEADLINE_MS;
	c->attempt = postgres_attempt_begin(pg->url, pg->wake_fd);
	set_state(pg, c, CONNECTING);
	if (c->attempt == NULL)
		break_off(pg, c, "no memory, or no thread");
}

static void prepare(struct postgres *pg, struct connection *c)
{
	c->db = postgres_attempt_end(&c->attempt);
	c->due_ms = clock_now_ms() + STORE_DEADLINE_MS;
	set_state(pg, c, PREPARING);
	c->wants_flush = true;
	if (PQstatus(c->db) != CONNECTION_OK || PQsetnonblocking(c->db, 1) != 0 ||
	    !PQenterPipelineMode(c->db) || !postgres_calls_prepare(c->db))
		break_off(pg, c, PQerrorMessage(c->db));
}

/* It is not given up, or threads that wait for a name would become more and more; but nobody waits for it. */
static void count_as_away(struct postgres *pg, struct connection *c, uint64_t now_ms)
{
	pg->silent_ms = now_ms;
	log_break(c, "it does not answer");
	if (c->tries < TRIES_PATIENT)
		c->tries = TRIES_PATIENT;
	c->due_ms = now_ms + STORE_DEADLINE_MS;
}

static void came_up(struct postgres *pg, struct connection *c)
{
	set_state(pg, c, UP);
	c->tries = 0;
	if (pg->up_count == 1)
		log_info("store-connected");
}

static bool has_failed(const PGresult *result)
{
	ExecStatusType status = PQresultStatus(result);
	return status == PGRES_FATAL_ERROR || status == PGRES_PIPELINE_ABORTED;
}

/* One result. false: the connection is no good. */
static bool take_result(struct postgres *pg, struct connection *c, const PGresult *result)
{
	bool is_sync = PQresultStatus(result) == PGRES_PIPELINE_SYNC;
	pg->answered_ms = clock_now_ms();
	if (c->state == PREPARING) {
		if (has_failed(result))
			return false;
		if (is_sync)
			came_up(pg, c);
		return true;
	}
	struct store_request *request = c->sent.first;
	if (request == NULL)
		return !has_failed(result); /* it was shut down while at rest */
	if (!is_sync) {
		postgres_call_take(request, result);
		return true;
	}
	pop(&c->sent);
	c->sent_count--;
	finish(pg, request, postgres_call_status(request));
	return true;
}

/* Whatever comes shows that it goes on, though there be much before what is asked last, or large. */
static void receive(struct postgres *pg, struct connection *c)
{
	c->due_ms = clock_now_ms() + STORE_DEADLINE_MS;
	if (!PQconsumeInput(c->db)) {
		break_off(pg, c, PQerrorMessage(c->db));
		return;
	}
	/* A NULL stands between the results of two requests; two of them mean that there is no more. */
	for (int nulls = 0; nulls < 2 && !PQisBusy(c->db);) {
		PGresult *result = PQgetResult(c->db);
		nulls = result == NULL ? nulls + 1 : 0;
		bool is_good = result == NULL || take_result(pg, c, result);
		PQclear(result);
		if (!is_good || PQstatus(c->db) == CONNECTION_BAD) {
			break_off(pg, c, PQerrorMessage(c->db));
			return;
		}
	}
	c->wants_flush = true;
}

/* Sends what waits, as far as the pipeline has room. A long one has it to itself. */
static void send_waiting(struct postgres *pg, struct connection *c)
{
	while (c->waiting.first != NULL && c->sent_count < SENT_MAX) {
		struct store_request *request = c->waiting.first;
		if (c->sent.first != NULL &&
		    (postgres_call_is_long(request) || postgres_call_is_long(c->sent.first)))
			break;
		if (!postgres_call_send(c->db, request)) {
			break_off(pg, c, PQerrorMessage(c->db));
			return;
		}
		request->due_ms =
		    clock_now_ms() + STORE_DEADLINE_MS; /* should it have to wait again */
		if (c->sent.first == NULL)
			c->due_ms = request->due_ms;
		push(&c->sent, (pop(&c->waiting), request));
		c->sent_count++;
		c->wants_flush = true;
	}
}

static void flush(struct postgres *pg, struct connection *c)
{
	int left = PQflush(c->db);
	c->wants_flush = left == 1;
	if (left < 0)
		break_off(pg, c, PQerrorMessage(c->db));
}

/* ---- time ---- */

/* What has waited too long fails; all of it, once PostgreSQL is known to be away. */
static void fail_late(struct postgres *pg, struct connection *c, uint64_t now_ms)
{
	bool is_away = c->state != UP && c->tries >= TRIES_PATIENT;
	while (c->waiting.first != NULL && (is_away || now_ms >= c->waiting.first->due_ms))
		finish(pg, pop(&c->waiting), STORE_UNAVAILABLE);
}

static void give_up(struct postgres *pg, struct connection *c, uint64_t now_ms)
{
	pg->silent_ms = now_ms;
	break_off(pg, c, "it does not answer");
}

static void look_at_time(struct postgres *pg, struct connection *c, uint64_t now_ms)
{
	bool is_due = now_ms >= c->due_ms;
	if (c->state == CONNECTING && postgres_attempt_is_over(c->attempt))
		prepare(pg, c);
	else if (c->state == CONNECTING && is_due)
		count_as_away(pg, c, now_ms);
	else if (c->state == DOWN && is_due)
		start_connecting(pg, c);
	else if (is_due && (c->state == PREPARING || c->sent.first != NULL))
		give_up(pg, c, now_ms);
	fail_late(pg, c, now_ms);
}

static uint64_t next_due(const struct connection *c)
{
	uint64_t due_ms = c->state != UP || c->sent.first != NULL ? c->due_ms : UINT64_MAX;
	if (c->waiting.first != NULL && c->waiting.first->due_ms < due_ms)
		due_ms = c->waiting.first->due_ms;
	return due_ms;
}

static void swept(struct store_request *request)
{
	struct postgres *pg = request->arg;
	pg->is_sweeping = false;
	if (request->status == STORE_OK && request->files > 0)
		log_info("uploads-swept", LOG_INT("count", request->files));
}

static void sweep(struct postgres *pg, uint64_t now_ms)
{
	if (pg->is_sweeping || now_ms < pg->sweep_ms || pg->epoch == 0 || pg->is_closing)
		return;
	pg->sweep_ms = now_ms + SWEEP_EVERY_MS;
	pg->is_sweeping = true;
	pg->sweep = (struct store_request){
		.call = (enum store_call)POSTGRES_SWEEP, .done = swept, .arg = pg
	};
	submit(&pg->store, &pg->sweep);
}

/* ---- the thread ---- */

static void take_incoming(struct postgres *pg)
{
	pthread_mutex_lock(&pg->lock);
	struct queue incoming = pg->incoming;
	pg->incoming = (struct queue){ 0 };
	pthread_mutex_unlock(&pg->lock);
	while (incoming.first != NULL) {
		struct store_request *request = pop(&incoming);
		if (request->call == (enum store_call)POSTGRES_STEP)
			finish(pg, request, STORE_OK);
		else
			push(&pg->connections[connection_of(request)].waiting, request);
	}
}

static bool is_over(struct postgres *pg)
{
	pthread_mutex_lock(&pg->lock);
	bool is_over = pg->is_closing && pg->outstanding == 0;
	pthread_mutex_unlock(&pg->lock);
	return is_over;
}

static void on_ready(struct postgres *pg, struct connection *c, short events)
{
	if (events & (POLLIN | POLLHUP | POLLERR))
		receive(pg, c);
	if (c->state >= PREPARING && c->wants_flush)
		flush(pg, c);
}

static void wait_for_events(struct postgres *pg)
{
	struct pollfd fds[POSTGRES_CONNECTIONS + 1] = { { .fd = pg->wake_fd, .events = POLLIN } };
	uint64_t due_ms = pg->epoch != 0 ? pg->sweep_ms : UINT64_MAX, now_ms = clock_now_ms(), none;
	for (int i = 0; i < POSTGRES_CONNECTIONS; i++) {
		struct connection *c = &pg->connections[i];
		fds[i + 1] = (struct pollfd){ .fd = c->db != NULL ? PQsocket(c->db) : -1,
			.events = (short)(POLLIN | (c->wants_flush ? POLLOUT : 0)) };
		if (next_due(c) < due_ms)
			due_ms = next_due(c);
	}
	int wait_ms = due_ms <= now_ms          ? 0
		      : due_ms - now_ms > 60000 ? 60000
						: (int)(due_ms - now_ms);
	if (poll(fds, POSTGRES_CONNECTIONS + 1, wait_ms) <= 0)
		return;
	if (fds[0].revents != 0 && read(pg->wake_fd, &none, sizeof(none)) < 0)
		return; /* nothing is lost: it stays readable */
	for (int i = 0; i < POSTGRES_CONNECTIONS; i++) {
		if (fds[i + 1].revents != 0)
			on_ready(pg, &pg->connections[i], fds[i + 1].revents);
	}
}

static void *run(void *arg)
{
	struct postgres *pg = arg;
	while (!is_over(pg)) {
		uint64_t now_ms = clock_now_ms();
		sweep(pg, now_ms);
		take_incoming(pg);
		for (int i = 0; i < POSTGRES_CONNECTIONS; i++) {
			struct connection *c = &pg->connections[i];
			look_at_time(pg, c, now_ms);
			if (c->state == UP)
				send_waiting(pg, c);
			if (c->state >= PREPARING && c->wants_flush)
				flush(pg, c);
		}
		if (!is_over(pg))
			wait_for_events(pg);
	}
	return NULL;
}

/* ---- opening and closing ---- */

/* Once, with the caller waiting: are we let in, are the tables ours and current? */
static bool set_up(const char *url, char *why, size_t why_size)
{
	PGconn *db = postgres_connect_check(url, why, why_size)
			 ? postgres_connect(url, why, why_size)
			 : NULL;
	bool is_good = db != NULL && postgres_schema_update(db, why, why_size);
	PQfinish(db);
	for (char *at = why; !is_good && *at != '\0'; at++) {
		if (*at == '\n')
			*at = at[1] != '\0' ? ' ' : '\0';
	}
	return is_good;
}

static void free_all(struct postgres *pg)
{
	for (int i = 0; i < POSTGRES_CONNECTIONS; i++) {
		PQfinish(pg->connections[i].db);
		postgres_attempt_abandon(&pg->connections[i].attempt);
	}
	if (pg->wake_fd >= 0)
		close(pg->wake_fd);
	pthread_mutex_destroy(&pg->lock);
	free(pg->url);
	free(pg);
}

static struct store *open_store(const char *url, const char *data_dir, char *why, size_t why_size)
{
	(void)data_dir;
	why[0] = '\0';
	if (!set_up(url, why, why_size))
		return NULL;
	struct postgres *pg = calloc(1, sizeof(*pg));
	if (pg == NULL) {
		snprintf(why, why_size, "no memory for the store");
		return NULL;
	}
	pg->store.engine = &postgres_engine;
	pthread_mutex_init(&pg->lock, NULL);
	pg->url = strdup(url);
	pg->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (pg->url != NULL && pg->wake_fd >= 0 && pthread_create(&pg->thread, NULL, run, pg) == 0)
		return &pg->store;
	snprintf(why, why_size, "no memory, descriptor or thread for the store");
	free_all(pg);
	return NULL;
}

static void close_store(struct store *store)
{
	struct postgres *pg = postgres_of(store);
	pthread_mutex_lock(&pg->lock);
	pg->is_closing = true;
	pthread_mutex_unlock(&pg->lock);
	wake(pg);
	pthread_join(pg->thread, NULL);
	free_all(pg);
}

static struct store_counts counts(struct store *store)
{
	struct postgres *pg = postgres_of(store);
	pthread_mutex_lock(&pg->lock);
	uint64_t waiting = pg->outstanding;
	pthread_mutex_unlock(&pg->lock);
	/* Connections at rest would look well for long where the network drops all. */
	return (struct store_counts){ .is_reachable =
					  pg->up_count > 0 && pg->answered_ms >= pg->silent_ms,
		.waiting = waiting,
		.connections = pg->up_count,
		.lost = pg->lost,
		.failed = pg->failed,
		.failed_ms = pg->failed_ms };
}

const struct store_engine postgres_engine = {
	.scheme = "postgres", /* libpq takes postgres:// and postgresql:// */
	.form = "postgres://USER@HOST/DATABASE",
	.is_shared = true,
	.open = open_store,
	.close = close_store,
	.submit = submit,
	.file_begin = postgres_file_begin,
	.file_append = postgres_file_append,
	.file_finish = postgres_file_finish,
	.file_read = postgres_file_read,
	.file_discard = postgres_file_discard,
	.counts = counts,
};
