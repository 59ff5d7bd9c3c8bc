#include "chat/refusals.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/table.h"

enum { SECONDS = 60 };

struct source {
	struct table_node node;
	struct list by_age; /* the latest refusal last */
	struct address address;
	uint64_t second;          /* of the latest refusal */
	uint32_t counts[SECONDS]; /* per second, by second modulo SECONDS */
};

struct refusals {
	pthread_mutex_t lock;
	unsigned char hash_key[crypto_shorthash_KEYBYTES];
	struct table sources;
	struct list by_age;
};

struct refusals *refusals_new(void)
{
	struct refusals *r = calloc(1, sizeof(*r));
	if (r == NULL)
		return NULL;
	pthread_mutex_init(&r->lock, NULL);
	crypto_shorthash_keygen(r->hash_key);
	list_init(&r->by_age);
	return r;
}

static void forget(struct refusals *r, struct source *s)
{
	table_remove(&r->sources, &s->node);
	list_remove(&s->by_age);
	free(s);
}

void refusals_free(struct refusals *r)
{
	if (r == NULL)
		return;
	while (!list_is_empty(&r->by_age))
		forget(r, list_entry(r->by_age.next, struct source, by_age));
	table_clear(&r->sources);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

static bool is_address(const struct table_node *node, const void *key)
{
	return address_equal(&table_entry(node, struct source, node)->address, key);
}

static struct source *find(struct refusals *r, const struct address *address, uint64_t *hash_r)
{
	crypto_shorthash(
	    (unsigned char *)hash_r, address->bytes, sizeof(address->bytes), r->hash_key);
	struct table_node *node = table_find(&r->sources, *hash_r, is_address, address);
	return node ? table_entry(node, struct source, node) : NULL;
}

static struct source *add(struct refusals *r, const struct address *address, uint64_t hash)
{
	if (r->sources.count >= REFUSALS_MAX_SOURCES)
		forget(r, list_entry(r->by_age.next, struct source, by_age));
	struct source *s = calloc(1, sizeof(*s));
	if (s == NULL)
		return NULL;
	s->address = *address;
	if (!table_add(&r->sources, hash, &s->node)) {
		free(s);
		return NULL;
	}
	list_append(&r->by_age, &s->by_age);
	return s;
}

/* Seconds that have passed since the latest refusal hold counts of a minute ago. */
static void clear_passed(struct source *s, uint64_t second)
{
	if (second - s->second >= SECONDS)
		memset(s->counts, 0, sizeof(s->counts));
	else
		for (uint64_t passed = s->second + 1; passed <= second; passed++)
			s->counts[passed % SECONDS] = 0;
	s->second = second;
}

static uint64_t count_of(struct source *s, uint64_t now_ms)
{
	uint64_t count = 0;
	clear_passed(s, now_ms / 1000);
	for (int i = 0; i < SECONDS; i++)
		count += s->counts[i];
	return count;
}

bool refusals_add_below(
    struct refusals *r, const struct address *from, uint64_t max, uint64_t now_ms)
{
	struct address address = address_source(from);
	uint64_t hash;
	pthread_mutex_lock(&r->lock);
	struct source *s = find(r, &address, &hash);
	bool is_below = (s != NULL ? count_of(s, now_ms) : 0) < max;
	if (is_below && s == NULL)
		s = add(r, &address, hash);
	if (is_below && s != NULL) {
		clear_passed(s, now_ms / 1000);
		s->counts[s->second % SECONDS]++;
		list_remove(&s->by_age);
		list_append(&r->by_age, &s->by_age);
	}
	pthread_mutex_unlock(&r->lock);
	return is_below;
}

void refusals_add(struct refusals *r, const struct address *from, uint64_t now_ms)
{
	refusals_add_below(r, from, UINT64_MAX, now_ms);
}

uint64_t refusals_count(struct refusals *r, const struct address *from, uint64_t now_ms)
{
	struct address address = address_source(from);
	uint64_t hash;
	pthread_mutex_lock(&r->lock);
	struct source *s = find(r, &address, &hash);
	uint64_t count = s != NULL ? count_of(s, now_ms) : 0;
	pthread_mutex_unlock(&r->lock);
	return count;
}
