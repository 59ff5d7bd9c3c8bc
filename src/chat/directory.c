#include "chat/directory.h"

#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { SHARDS = 64 };

/* By name in shards, so that look-ups of different names seldom meet; in log-in order in one list. Lock order: shard, then order. */
struct directory {
	unsigned char hash_key[crypto_shorthash_KEYBYTES]; /* people choose the names */
	struct shard {
		pthread_mutex_t lock;
		struct table users;
	} shards[SHARDS];
	pthread_mutex_t order_lock;
	struct list order;
	_Atomic size_t count;
};

struct directory *directory_new(void)
{
	struct directory *d = calloc(1, sizeof(*d));
	if (d == NULL)
		return NULL;
	crypto_shorthash_keygen(d->hash_key);
	for (int i = 0; i < SHARDS; i++)
		pthread_mutex_init(&d->shards[i].lock, NULL);
	pthread_mutex_init(&d->order_lock, NULL);
	list_init(&d->order);
	return d;
}

void directory_free(struct directory *d)
{
	if (d == NULL)
		return;
	for (int i = 0; i < SHARDS; i++) {
		table_clear(&d->shards[i].users);
		pthread_mutex_destroy(&d->shards[i].lock);
	}
	pthread_mutex_destroy(&d->order_lock);
	free(d);
}

static uint64_t hash_of(const struct directory *d, struct slice name)
{
	uint64_t hash;
	crypto_shorthash(
	    (unsigned char *)&hash, (const unsigned char *)name.ptr, name.len, d->hash_key);
	return hash;
}

/* The table uses the low bits of the hash. */
static struct shard *shard_of(struct directory *d, uint64_t hash)
{
	return &d->shards[hash >> 58];
}

static bool is_name(const struct table_node *node, const void *key)
{
	const struct directory_entry *entry = table_entry(node, struct directory_entry, node);
	return slice_equal(slice_of(entry->name, entry->name_len), *(const struct slice *)key);
}

bool directory_add(struct directory *d, struct directory_entry *entry)
{
	struct slice name = slice_of(entry->name, entry->name_len);
	uint64_t hash = hash_of(d, name);
	struct shard *shard = shard_of(d, hash);
	pthread_mutex_lock(&shard->lock);
	bool added = table_find(&shard->users, hash, is_name, &name) == NULL &&
		     table_add(&shard->users, hash, &entry->node);
	if (added) {
		pthread_mutex_lock(&d->order_lock);
		list_append(&d->order, &entry->online);
		d->count++;
		pthread_mutex_unlock(&d->order_lock);
	}
	pthread_mutex_unlock(&shard->lock);
	return added;
}

void directory_remove(struct directory *d, struct directory_entry *entry)
{
	struct shard *shard = shard_of(d, entry->node.hash);
	pthread_mutex_lock(&shard->lock);
	table_remove(&shard->users, &entry->node);
	pthread_mutex_lock(&d->order_lock);
	list_remove(&entry->online);
	d->count--;
	pthread_mutex_unlock(&d->order_lock);
	pthread_mutex_unlock(&shard->lock);
}

bool directory_find(struct directory *d, struct slice name, struct conn_id *conn_r)
{
	uint64_t hash = hash_of(d, name);
	struct shard *shard = shard_of(d, hash);
	pthread_mutex_lock(&shard->lock);
	struct table_node *node = table_find(&shard->users, hash, is_name, &name);
	if (node != NULL)
		*conn_r = table_entry(node, struct directory_entry, node)->conn;
	pthread_mutex_unlock(&shard->lock);
	return node != NULL;
}

void directory_each(struct directory *d, size_t max,
    void (*each)(const struct directory_entry *entry, void *arg), void *arg)
{
	pthread_mutex_lock(&d->order_lock);
	list_each(node, &d->order) {
		if (max-- == 0)
			break;
		each(list_entry(node, struct directory_entry, online), arg);
	}
	pthread_mutex_unlock(&d->order_lock);
}

size_t directory_count(struct directory *d)
{
	return d->count;
}
