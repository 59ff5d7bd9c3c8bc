#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "chat/cluster_inside.h"
#include "chat/session.h"

enum {
	AGAIN_TRIES = 3,     /* for a user who is on elsewhere, */
	AGAIN_FIRST_MS = 60, /* after that, and then twice that each time */
};

/* ---- coming in ---- */

static void stop_entering(struct cluster *c, struct cluster_entry *entry)
{
	pthread_mutex_lock(&c->lock);
	table_remove(&c->entering, &entry->entering);
	pthread_mutex_unlock(&c->lock);
}

static bool is_entering(const struct table_node *node, const void *key)
{
	return slice_equal(slice_str(table_entry(node, struct cluster_entry, entering)->name),
	    *(const struct slice *)key);
}

/* Two log-ins of one user on this node: the second one finds the first here, in the directory, or nowhere. */
static bool start_entering(struct cluster *c, struct cluster_entry *entry)
{
	struct slice name = slice_str(entry->name);
	struct conn_id conn;
	uint64_t hash = cluster_hash(c, name);
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

/* The first that is due, taken off the list. NULL: none is yet, and *due_ms is when the next one is, if that is nearer. */
static struct cluster_entry *next_again(struct cluster *c, uint64_t *due_ms)
{
	list_each(node, &c->again) {
		struct cluster_entry *entry = list_entry(node, struct cluster_entry, again);
		if (entry->again_ms <= clock_now_ms()) {
			list_remove(node);
			return entry;
		}
		if (entry->again_ms < *due_ms)
			*due_ms = entry->again_ms;
	}
	return NULL;
}

bool cluster_sessions_ask_again(struct cluster *c, uint64_t *due_ms)
{
	struct cluster_entry *entry = next_again(c, due_ms);
	if (entry == NULL)
		return false;
	pthread_mutex_unlock(&c->lock);
	take(entry);
	pthread_mutex_lock(&c->lock);
	return true;
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
void cluster_sessions_release(struct cluster *c)
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

void cluster_sessions_clear(struct cluster *c)
{
	list_each_safe(node, &c->unreleased) {
		list_remove(node);
		free(list_entry(node, struct release, node));
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
