#include "net/admission.h"

#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/table.h"

struct source {
	struct table_node node;
	struct address address;
	uint64_t connections;
	uint64_t unauthenticated; /* places of those that have not logged in */
};

struct admission {
	pthread_mutex_t lock;
	struct table sources;
	unsigned char hash_key[crypto_shorthash_KEYBYTES]; /* strangers choose the addresses */
	_Atomic uint64_t connections;
	_Atomic uint64_t unauthenticated;
	_Atomic uint64_t accepted;
	_Atomic uint64_t refusals[NET_REFUSALS];
};

struct admission *admission_new(void)
{
	struct admission *a = calloc(1, sizeof(*a));
	if (a == NULL)
		return NULL;
	pthread_mutex_init(&a->lock, NULL);
	crypto_shorthash_keygen(a->hash_key);
	return a;
}

void admission_free(struct admission *a)
{
	if (a == NULL)
		return;
	for (size_t i = 0; i < a->sources.slot_count; i++) {
		while (a->sources.slots[i] != NULL) {
			struct source *s = table_entry(a->sources.slots[i], struct source, node);
			table_remove(&a->sources, &s->node);
			free(s);
		}
	}
	table_clear(&a->sources);
	pthread_mutex_destroy(&a->lock);
	free(a);
}

static bool is_address(const struct table_node *node, const void *key)
{
	return address_equal(&table_entry(node, const struct source, node)->address, key);
}

static uint64_t hash_of(const struct admission *a, const struct address *source)
{
	uint64_t hash;
	crypto_shorthash((unsigned char *)&hash, source->bytes, sizeof(source->bytes), a->hash_key);
	return hash;
}

/* NULL: nobody is here from there. */
static struct source *source_find(struct admission *a, const struct address *address)
{
	struct table_node *node = table_find(&a->sources, hash_of(a, address), is_address, address);
	return node != NULL ? table_entry(node, struct source, node) : NULL;
}

static struct source *source_get(struct admission *a, const struct address *address)
{
	struct source *s = source_find(a, address);
	if (s != NULL)
		return s;
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return NULL;
	s->address = *address;
	if (!table_add(&a->sources, hash_of(a, address), &s->node)) {
		free(s);
		return NULL;
	}
	return s;
}

static bool is_full(uint64_t count, uint64_t limit)
{
	return limit != 0 && count >= limit;
}

/*
 * Nobody gets more of the places for those who have not logged in than are still free: half of them if nobody else is here, and however many
 * addresses come with all they can, there is one for the next.
 */
static bool has_its_share(const struct admission *a, const struct source *s, uint64_t limit)
{
	return limit != 0 && s->unauthenticated >= limit - a->unauthenticated;
}

/* NET_REFUSALS: nothing stands against one more. */
static enum net_refusal place_refusal(
    const struct admission *a, const struct source *s, const struct net_config *limits, bool exempt)
{
	if (is_full(a->unauthenticated, limits->unauthenticated))
		return NET_REFUSED_UNAUTHENTICATED;
	if (!exempt && has_its_share(a, s, limits->unauthenticated))
		return NET_REFUSED_SHARE;
	return NET_REFUSALS;
}

static enum net_refusal refusal_of(struct admission *a, const struct address *source,
    const struct net_config *limits, bool exempt, struct source **source_r)
{
	if (is_full(a->connections, limits->connections))
		return NET_REFUSED_CONNECTIONS;
	if (is_full(a->unauthenticated, limits->unauthenticated))
		return NET_REFUSED_UNAUTHENTICATED;
	*source_r = source_get(a, source);
	if (*source_r == NULL)
		return NET_REFUSED_NO_MEMORY;
	if (is_full((*source_r)->connections, limits->connections_per_address))
		return NET_REFUSED_ADDRESS;
	return place_refusal(a, *source_r, limits, exempt);
}

static void take_place(struct admission *a, struct source *s)
{
	s->unauthenticated++;
	a->unauthenticated++;
}

static void give_places_back(struct admission *a, struct source *s, unsigned places)
{
	s->unauthenticated -= places;
	a->unauthenticated -= places;
}

bool admission_enter(struct admission *a, const struct address *from,
    const struct net_config *limits, bool exempt, enum net_refusal *refusal_r)
{
	struct address address = address_source(from);
	struct source *s = NULL;
	pthread_mutex_lock(&a->lock);
	*refusal_r = refusal_of(a, &address, limits, exempt, &s);
	bool admitted = *refusal_r == NET_REFUSALS;
	if (admitted) {
		s->connections++;
		a->connections++;
		a->accepted++;
		take_place(a, s);
	}
	pthread_mutex_unlock(&a->lock);
	return admitted;
}

bool admission_take_second(struct admission *a, const struct address *from,
    const struct net_config *limits, bool exempt, enum net_refusal *refusal_r)
{
	struct address address = address_source(from);
	pthread_mutex_lock(&a->lock);
	struct source *s = source_find(a, &address); /* it has the first, so it is there */
	*refusal_r = place_refusal(a, s, limits, exempt);
	bool has_one = *refusal_r == NET_REFUSALS;
	if (has_one)
		take_place(a, s);
	pthread_mutex_unlock(&a->lock);
	return has_one;
}

void admission_refused(struct admission *a, enum net_refusal refusal)
{
	a->refusals[refusal]++;
}

void admission_authenticated(struct admission *a, const struct address *from, unsigned places)
{
	struct address address = address_source(from);
	pthread_mutex_lock(&a->lock);
	give_places_back(a, source_find(a, &address), places);
	pthread_mutex_unlock(&a->lock);
}

void admission_leave(struct admission *a, const struct address *from, unsigned places)
{
	struct address address = address_source(from);
	pthread_mutex_lock(&a->lock);
	struct source *s = source_find(a, &address);
	give_places_back(a, s, places);
	a->connections--;
	if (--s->connections == 0) {
		table_remove(&a->sources, &s->node);
		free(s);
	}
	pthread_mutex_unlock(&a->lock);
}

struct admission_counts admission_counts(const struct admission *a)
{
	struct admission_counts counts = { .connections = a->connections,
		.accepted = a->accepted,
		.unauthenticated = a->unauthenticated };
	for (int i = 0; i < NET_REFUSALS; i++)
		counts.refusals[i] = a->refusals[i];
	return counts;
}
