#include "chat/cluster_inside.h"

#include <errno.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"
#include "chat/session.h"

enum {
	RENEW_MS = 4000,
	MARGIN_MS = 2000, /* clocks and machines that are slow: we think it over before others do */
	AWAY_MS =
	    30000, /* while the store is out of reach: certain for so long, then looked at again */
	LEAVE_MS = 1000, /* at the end, for the bus to have brought the last messages */
	BANS_MS = 30000, /* bans are read again, in case the bus lost one */
};

/* ---- asking the store and waiting, on our own thread ---- */

struct question {
	struct store_request request; /* first */
	sem_t answered;
	struct cluster *cluster;
	struct table kept; /* NODE_REJOIN: names */
	struct bans *bans; /* BAN_LIST */
	bool is_complete;
};

static void answered(struct store_request *request)
{
	sem_post(&((struct question *)(void *)request)->answered);
}

static enum store_status ask(struct cluster *c, struct question *q, enum store_call call)
{
	struct store_request *r = &q->request;
	q->cluster = c;
	q->is_complete = true;
	r->call = call;
	r->done = answered;
	r->epoch = c->epoch;
	memcpy(r->node, c->node, sizeof(c->node));
	memcpy(r->address, c->place, sizeof(c->place));
	sem_init(&q->answered, 0, 0);
	store_submit(c->store, r);
	while (sem_wait(&q->answered) != 0)
		;
	sem_destroy(&q->answered);
	return r->status;
}

/* ---- names that a rejoin keeps ---- */

struct kept_name {
	struct table_node node;
	char name[NAME_MAX_LEN + 1];
};

static bool is_kept(const struct table_node *node, const void *key)
{
	return slice_equal(
	    slice_str(table_entry(node, struct kept_name, node)->name), *(const struct slice *)key);
}

static void keep_name(struct store_request *request, const struct store_session *session)
{
	struct question *q = (struct question *)(void *)request;
	struct kept_name *kept = calloc(1, sizeof(*kept));
	size_t len = strlen(session->name);
	if (kept == NULL || len > NAME_MAX_LEN) {
		free(kept);
		q->is_complete = false;
		return;
	}
	memcpy(kept->name, session->name, len);
	if (!table_add(&q->kept, cluster_hash(q->cluster, slice_str(kept->name)), &kept->node)) {
		free(kept);
		q->is_complete = false;
	}
}

static void clear_kept(struct table *kept)
{
	for (size_t i = 0; i < kept->slot_count; i++) {
		while (kept->slots[i] != NULL) {
			struct kept_name *name =
			    table_entry(kept->slots[i], struct kept_name, node);
			table_remove(kept, &name->node);
			free(name);
		}
	}
	table_clear(kept);
}

/* ---- certainty ---- */

static void become_certain(struct cluster *c, uint64_t until_ms)
{
	relay_certain_until(c->chat, until_ms); /* behind the ends of the sessions that were lost */
	pthread_mutex_lock(&c->lock);
	c->certain_until_ms = until_ms;
	pthread_cond_broadcast(&c->changed);
	pthread_mutex_unlock(&c->lock);
}

void cluster_await_certainty(struct cluster *c)
{
	if (clock_now_ms() <= c->certain_until_ms)
		return;
	pthread_mutex_lock(&c->lock);
	while (!c->is_closing && clock_now_ms() > c->certain_until_ms)
		pthread_cond_wait(&c->changed, &c->lock);
	pthread_mutex_unlock(&c->lock);
}

struct lost {
	struct question *q;
	struct buffer names; /* each with its NUL */
};

static void look_if_kept(const struct directory_entry *entry, void *arg)
{
	struct lost *lost = arg;
	struct slice name = slice_of(entry->name, entry->name_len);
	if (table_find(&lost->q->kept, cluster_hash(lost->q->cluster, name), is_kept, &name) ==
		NULL &&
	    !buffer_append(&lost->names, entry->name, entry->name_len + 1U))
		lost->q->is_complete = false;
}

static void end_lost(struct cluster *c, struct question *q)
{
	struct lost lost = { .q = q };
	directory_each(c->chat->directory, SIZE_MAX, look_if_kept, &lost);
	struct slice rest = buffer_slice(&lost.names);
	while (rest.len > 0) {
		struct slice name = slice_str(rest.ptr);
		c->lost_sessions++;
		log_warn("session-lost", LOG_SLICE("user", name));
		relay_end_user(c->chat, name, "user already online");
		rest = slice_skip(rest, name.len + 1);
	}
	buffer_clear(&lost.names);
}

/* Our lease is over: a new one, and an end to what others took meanwhile. false: the store did not say. */
static bool rejoin(struct cluster *c)
{
	struct question q = { .request.each_session = keep_name };
	uint64_t asked_ms = clock_now_ms();
	enum store_status status = ask(c, &q, STORE_NODE_REJOIN);
	if (status == STORE_NONE) { /* nobody knows us any more: then nothing is ours */
		clear_kept(&q.kept);
		q = (struct question){ 0 };
		status = ask(c, &q, STORE_NODE_JOIN);
	}
	bool is_in = status == STORE_OK && q.is_complete;
	if (is_in) {
		c->epoch = q.request.epoch;
		c->rejoins++;
		log_warn("node-rejoined", LOG_STR("node", c->node), LOG_INT("epoch", c->epoch),
		    LOG_INT("kept", q.kept.count));
		end_lost(c, &q);
		become_certain(c, asked_ms + STORE_LEASE_MS - MARGIN_MS);
	} else if (status == STORE_TAKEN) {
		log_error("node-name-taken", LOG_STR("node", c->node));
	}
	clear_kept(&q.kept);
	return is_in;
}

/* A connection that broke is made anew at the second try; after that it is the store that is away. */
static void renew(struct cluster *c)
{
	enum store_status status = STORE_UNAVAILABLE;
	for (int tries = 0; tries < 2 && status == STORE_UNAVAILABLE; tries++) {
		struct question q = { 0 };
		uint64_t asked_ms = clock_now_ms();
		status = ask(c, &q, STORE_NODE_RENEW);
		if (status == STORE_OK) {
			c->renewals++;
			become_certain(c, asked_ms + STORE_LEASE_MS - MARGIN_MS);
		} else if (status == STORE_NONE && !rejoin(c)) {
			status = STORE_UNAVAILABLE;
		}
	}
	bool is_away = status == STORE_UNAVAILABLE && !store_counts(c->store).is_reachable;
	if (status == STORE_UNAVAILABLE)
		c->failed_renewals++;
	if (is_away)
		become_certain(c, clock_now_ms() + AWAY_MS);
	if (is_away != c->was_away)
		log_warn(is_away ? "node-out-of-touch" : "node-in-touch", LOG_STR("node", c->node));
	c->was_away = is_away;
}

/* ---- bans ---- */

static void add_ban(struct store_request *request, const char *name, int64_t created_ms)
{
	struct question *q = (struct question *)(void *)request;
	q->is_complete = bans_add(q->bans, name) && q->is_complete;
}

static void read_bans(struct cluster *c)
{
	struct question q = { .request.each_ban = add_ban, .bans = bans_new() };
	if (q.bans != NULL && ask(c, &q, STORE_BAN_LIST) == STORE_OK && q.is_complete) {
		bans_exchange(c->chat->bans, q.bans);
		relay_end_banned(c->chat);
	}
	bans_free(q.bans);
}

/* ---- the thread ---- */

/* Waits until due_ms, or until there is something else to do; meanwhile asks again for those who were on elsewhere. */
static void wait_until(struct cluster *c, uint64_t due_ms)
{
	pthread_mutex_lock(&c->lock);
	while (!c->is_closing && !c->looks_again && clock_now_ms() < due_ms) {
		uint64_t until_ms = due_ms;
		if (cluster_sessions_ask_again(c, &until_ms))
			continue;
		struct timespec until = { .tv_sec = (time_t)(until_ms / 1000),
			.tv_nsec = (long)(until_ms % 1000) * 1000000 };
		pthread_cond_timedwait(&c->changed, &c->lock, &until);
	}
	if (c->looks_again)
		c->bans_ms = 0;
	c->looks_again = false;
	pthread_mutex_unlock(&c->lock);
}

static void *run(void *arg)
{
	struct cluster *c = arg;
	for (;;) {
		wait_until(c, clock_now_ms() + RENEW_MS);
		if (c->is_stopped)
			return NULL;
		renew(c);
		cluster_sessions_release(c);
		if (clock_now_ms() < c->bans_ms)
			continue;
		read_bans(c);
		c->bans_ms = clock_now_ms() + BANS_MS;
	}
}

void cluster_look_again(struct cluster *c)
{
	pthread_mutex_lock(&c->lock);
	c->looks_again = true;
	pthread_cond_broadcast(&c->changed);
	pthread_mutex_unlock(&c->lock);
}

/* ---- beginning and end ---- */

/* What it is itself; what came to be in its lists is gone by now. */
static void let_go(struct cluster *c)
{
	table_clear(&c->entering);
	pthread_cond_destroy(&c->changed);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

struct cluster *cluster_new(
    struct chat *chat, const char *node, const char *place, char *why, size_t why_size)
{
	struct cluster *c = calloc(1, sizeof(*c));
	struct question q = { 0 };
	pthread_condattr_t monotonic;
	if (c == NULL) {
		snprintf(why, why_size, "no memory");
		return NULL;
	}
	c->chat = chat;
	c->store = chat->store;
	snprintf(c->node, sizeof(c->node), "%s", node);
	snprintf(c->place, sizeof(c->place), "%s", place);
	crypto_shorthash_keygen(c->hash_key);
	list_init(&c->again);
	list_init(&c->unreleased);
	pthread_mutex_init(&c->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&c->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	uint64_t asked_ms = clock_now_ms();
	enum store_status status = ask(c, &q, STORE_NODE_JOIN);
	if (status == STORE_OK) {
		c->epoch = q.request.epoch;
		c->certain_until_ms = asked_ms + STORE_LEASE_MS - MARGIN_MS;
		c->bans_ms = asked_ms + BANS_MS;
		log_info("node-joined", LOG_STR("node", c->node), LOG_INT("epoch", c->epoch));
		return c;
	}
	if (status == STORE_TAKEN)
		snprintf(why, why_size,
		    "another server of this cluster is called %s; set bus.node, or, if it is gone, wait %d s",
		    node, STORE_LEASE_MS / 1000);
	else
		snprintf(why, why_size, "the store does not answer");
	let_go(c);
	return NULL;
}

bool cluster_start(struct cluster *c)
{
	c->has_thread = pthread_create(&c->thread, NULL, run, c) == 0;
	return c->has_thread;
}

void cluster_stop(struct cluster *c)
{
	if (c == NULL)
		return;
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += LEAVE_MS / 1000;
	pthread_mutex_lock(&c->lock);
	while (c->leaving_count > 0 &&
	       pthread_cond_timedwait(&c->changed, &c->lock, &until) != ETIMEDOUT)
		;
	c->is_stopped = c->is_closing = true;
	pthread_cond_broadcast(&c->changed);
	pthread_mutex_unlock(&c->lock);
	if (c->has_thread)
		pthread_join(c->thread, NULL);
	struct question q = { 0 };
	ask(c, &q, STORE_NODE_LEAVE);
}

void cluster_free(struct cluster *c)
{
	if (c == NULL)
		return;
	cluster_sessions_clear(c);
	let_go(c);
}

struct cluster_counts cluster_counts(struct cluster *c)
{
	struct cluster_counts counts = { .epoch = c->epoch,
		.is_certain = clock_now_ms() <= c->certain_until_ms,
		.renewals = c->renewals,
		.failed_renewals = c->failed_renewals,
		.rejoins = c->rejoins,
		.lost_sessions = c->lost_sessions,
		.taken_over = c->taken_over };
	pthread_mutex_lock(&c->lock);
	counts.releases_waiting = c->unreleased_count;
	pthread_mutex_unlock(&c->lock);
	memcpy(counts.node, c->node, sizeof(counts.node));
	return counts;
}
