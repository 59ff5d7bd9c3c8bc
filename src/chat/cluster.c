#include "chat/cluster.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"
#include "chat/session.h"

enum {
	AGAIN_TRIES = 3,     /* for a user who is on elsewhere, */
	AGAIN_FIRST_MS = 60, /* after that, and then twice that each time */
	RENEW_MS = 4000,
	MARGIN_MS = 2000, /* clocks and machines that are slow: we think it over before others do */
	AWAY_MS =
	    30000, /* while the store is out of reach: certain for so long, then looked at again */
	LEAVE_MS = 1000, /* at the end, for the bus to have brought the last messages */
	BANS_MS = 30000, /* bans are read again, in case the bus lost one */
};

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

/* ---- names in tables ---- */

struct kept_name {
	struct table_node node;
	char name[NAME_MAX_LEN + 1];
};

static uint64_t hash_of(const struct cluster *c, struct slice name)
{
	uint64_t hash;
	crypto_shorthash(
	    (unsigned char *)&hash, (const unsigned char *)name.ptr, name.len, c->hash_key);
	return hash;
}

static bool is_kept(const struct table_node *node, const void *key)
{
	return slice_equal(
	    slice_str(table_entry(node, struct kept_name, node)->name), *(const struct slice *)key);
}

static bool is_entering(const struct table_node *node, const void *key)
{
	return slice_equal(slice_str(table_entry(node, struct cluster_entry, entering)->name),
	    *(const struct slice *)key);
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
	if (!table_add(&q->kept, hash_of(q->cluster, slice_str(kept->name)), &kept->node)) {
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
	if (table_find(&lost->q->kept, hash_of(lost->q->cluster, name), is_kept, &name) == NULL &&
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

static void retry_releases(struct cluster *c);

/* The first that is due, taken off the list. NULL: none is yet, and *due_ms is when the next one is, if that is nearer. */
static struct cluster_entry *next_again(struct cluster *c, uint64_t *due_ms)
{
	list_each(node, &c->again) {
		struct cluster_entry *entry = list_entry(node, struct cluster_entry, again);
		if (c->is_closing || entry->again_ms <= clock_now_ms()) {
			list_remove(node);
			return entry;
		}
		if (entry->again_ms < *due_ms)
			*due_ms = entry->again_ms;
	}
	return NULL;
}

static void take(struct cluster_entry *entry);

/* Waits until due_ms, or until there is something else to do; meanwhile asks again for those who were on elsewhere. */
static void wait_until(struct cluster *c, uint64_t due_ms)
{
	pthread_mutex_lock(&c->lock);
	while (!c->is_closing && !c->looks_again && clock_now_ms() < due_ms) {
		uint64_t until_ms = due_ms;
		struct cluster_entry *entry = next_again(c, &until_ms);
		if (entry != NULL) {
			pthread_mutex_unlock(&c->lock);
			take(entry);
			pthread_mutex_lock(&c->lock);
			continue;
		}
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
		retry_releases(c);
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

/* ---- coming in ---- */

static void stop_entering(struct cluster *c, struct cluster_entry *entry)
{
	pthread_mutex_lock(&c->lock);
	table_remove(&c->entering, &entry->entering);
	pthread_mutex_unlock(&c->lock);
}

/* Two log-ins of one user on this node: the second one finds the first here, in the directory, or nowhere. */
static bool start_entering(struct cluster *c, struct cluster_entry *entry)
{
	struct slice name = slice_str(entry->name);
	struct conn_id conn;
	uint64_t hash = hash_of(c, name);
	pthread_mutex_lock(&c->lock);
	bool is_first = table_find(&c->entering, hash, is_entering, &name) == NULL &&
			table_add(&c->entering, hash, &entry->entering);
	pthread_mutex_unlock(&c->lock);
	if (is_first && directory_find(c->chat->directory, name, &conn)) {
		stop_entering(c, entry);
		is_first = false;
	}
	return is_first;
}

static void joined(struct bus_join *join)
{
	struct cluster_entry *entry = list_entry(join, struct cluster_entry, join);
	entry->status = STORE_OK;
	entry->done(entry);
}

/*
 * Who has just said goodbye at another node may be here before that node's word is in the store: so a name that is taken is asked for again,
 * a little later. false: often enough.
 */
static bool ask_again_later(struct cluster *c, struct cluster_entry *entry)
{
	pthread_mutex_lock(&c->lock);
	bool is_later = !c->is_closing && entry->tries < AGAIN_TRIES;
	if (is_later) {
		entry->again_ms = clock_now_ms() + ((uint64_t)AGAIN_FIRST_MS << entry->tries++);
		list_append(&c->again, &entry->again);
		pthread_cond_broadcast(&c->changed);
	}
	pthread_mutex_unlock(&c->lock);
	return is_later;
}

static void taken(struct store_request *request)
{
	struct cluster_entry *entry = request->arg;
	struct cluster *c = entry->cluster;
	if (request->status == STORE_TAKEN && ask_again_later(c, entry))
		return;
	if (request->status != STORE_OK) {
		stop_entering(c, entry);
		entry->status = request->status;
		entry->done(entry);
		return;
	}
	if (request->files > 0) { /* should that node still be there, cut off from the store */
		struct bus_message moved = { .kind = BUS_MOVED, .target = slice_str(entry->name) };
		c->taken_over++;
		bus_send(c->chat->bus, &moved);
	}
	entry->join.done = joined;
	memcpy(entry->join.name, entry->name, sizeof(entry->name));
	bus_user_joins(c->chat->bus, &entry->join);
}

static void take(struct cluster_entry *entry)
{
	struct store_request *r = &entry->request;
	*r = (struct store_request){ .call = STORE_SESSION_TAKE,
		.done = taken,
		.arg = entry,
		.epoch = entry->epoch,
		.ticket = entry->ticket,
		.created_ms = clock_wall_ms() };
	memcpy(r->name, entry->name, sizeof(entry->name));
	memcpy(r->node, entry->cluster->node, sizeof(r->node));
	address_text(&entry->address, r->address);
	store_submit(entry->cluster->store, r);
}

void cluster_enter(struct cluster *c, struct cluster_entry *entry)
{
	entry->cluster = c;
	entry->tries = 0;
	entry->epoch = c->epoch;
	randombytes_buf(&entry->ticket, sizeof(entry->ticket));
	entry->ticket &= INT64_MAX;
	bool is_certain = clock_now_ms() <= c->certain_until_ms;
	if (!is_certain || !start_entering(c, entry)) {
		entry->status = is_certain ? STORE_TAKEN : STORE_UNAVAILABLE;
		entry->done(entry);
		return;
	}
	take(entry);
}

bool cluster_entered(struct cluster *c, struct cluster_entry *entry)
{
	stop_entering(c, entry);
	return entry->epoch == c->epoch;
}

void cluster_not_entered(struct cluster *c, struct cluster_entry *entry)
{
	cluster_left(c, slice_str(entry->name), entry->ticket);
	stop_entering(c, entry);
}

/* ---- going ---- */

/* A lease on its way back. */
struct release {
	struct store_request request; /* first */
	struct bus_join leaving;
	struct list node;
	struct cluster *cluster;
};

static void released(struct store_request *request)
{
	struct release *release = (struct release *)(void *)request;
	struct cluster *c = release->cluster;
	if (request->status != STORE_UNAVAILABLE || c->is_stopped) {
		free(release);
		return;
	}
	pthread_mutex_lock(&c->lock);
	list_append(&c->unreleased, &release->node);
	c->unreleased_count++;
	pthread_mutex_unlock(&c->lock);
}

/* Who has come back meanwhile has another ticket: that lease stays. */
static void retry_releases(struct cluster *c)
{
	if (c->was_away)
		return;
	struct list again;
	list_init(&again);
	pthread_mutex_lock(&c->lock);
	list_each_safe(node, &c->unreleased) {
		list_remove(node);
		list_append(&again, node);
	}
	c->unreleased_count = 0;
	pthread_mutex_unlock(&c->lock);
	list_each_safe(node, &again) {
		list_remove(node);
		store_submit(c->store, &list_entry(node, struct release, node)->request);
	}
}

/* First its messages no longer come here, then it may come in elsewhere: so they never come to two servers. */
static void left_bus(struct bus_join *leaving)
{
	struct release *release = list_entry(leaving, struct release, leaving);
	struct cluster *c = release->cluster;
	pthread_mutex_lock(&c->lock);
	bool is_over = c->is_stopped;
	if (!is_over)
		store_submit(c->store, &release->request);
	c->leaving_count--;
	pthread_cond_broadcast(&c->changed);
	pthread_mutex_unlock(&c->lock);
	if (is_over)
		free(release);
}

void cluster_left(struct cluster *c, struct slice name, int64_t ticket)
{
	if (c->is_stopped)
		return;
	struct release *release = calloc(1, sizeof(*release));
	if (release == NULL) {
		log_error("lease-kept", LOG_SLICE("user", name), LOG_STR("reason", "no memory"));
		return;
	}
	release->cluster = c;
	release->request.call = STORE_SESSION_LEAVE;
	release->request.done = released;
	release->request.ticket = ticket;
	memcpy(release->request.name, name.ptr, name.len);
	memcpy(release->request.node, c->node, sizeof(c->node));
	memcpy(release->leaving.name, name.ptr, name.len);
	release->leaving.done = left_bus;
	pthread_mutex_lock(&c->lock);
	c->leaving_count++;
	pthread_mutex_unlock(&c->lock);
	bus_user_leaves(c->chat->bus, &release->leaving);
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
	list_each_safe(node, &c->unreleased) {
		list_remove(node);
		free(list_entry(node, struct release, node));
	}
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
