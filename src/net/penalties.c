#include "net/penalties.h"

#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/log.h"
#include "base/table.h"

struct source {
	struct table_node node;
	struct list by_age; /* the latest offence last */
	struct address address;
	uint64_t until_ms; /* when it owes nothing */
	bool is_refused;   /* until then */
};

struct penalties {
	pthread_mutex_t lock;
	unsigned char hash_key[crypto_shorthash_KEYBYTES];
	struct table sources;
	struct list by_age;
	_Atomic size_t count; /* of sources: most of the time none, and no lock is taken */
	uint64_t cost_ms[NET_OFFENCES];
	uint64_t threshold_ms, longest_ms;
	struct network exempt[PENALTIES_MAX_EXEMPT];
	size_t exempt_count;
	_Atomic uint64_t offences[NET_OFFENCES];
};

const char *const net_offence_names[] = { [NET_OFFENCE_PASSWORD] = "wrong password",
	[NET_OFFENCE_GARBAGE] = "garbage",
	[NET_OFFENCE_NO_LOGIN] = "no log-in",
	[NET_OFFENCE_HANDSHAKE] = "handshake" };

struct penalties *penalties_new(void)
{
	struct penalties *p = calloc(1, sizeof(*p));
	if (p == NULL)
		return NULL;
	pthread_mutex_init(&p->lock, NULL);
	crypto_shorthash_keygen(p->hash_key);
	list_init(&p->by_age);
	return p;
}

static void forget(struct penalties *p, struct source *s)
{
	table_remove(&p->sources, &s->node);
	list_remove(&s->by_age);
	free(s);
	p->count = p->sources.count;
}

void penalties_free(struct penalties *p)
{
	if (p == NULL)
		return;
	while (!list_is_empty(&p->by_age))
		forget(p, list_entry(p->by_age.next, struct source, by_age));
	table_clear(&p->sources);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

static bool is_exempt(const struct penalties *p, const struct address *from)
{
	for (size_t i = 0; i < p->exempt_count; i++) {
		if (network_has(&p->exempt[i], from))
			return true;
	}
	return false;
}

void penalties_configure(struct penalties *p, const struct net_config *config)
{
	pthread_mutex_lock(&p->lock);
	memcpy(p->cost_ms, config->penalty_ms, sizeof(p->cost_ms));
	p->threshold_ms = config->penalty_threshold_ms;
	p->longest_ms = config->penalty_longest_ms;
	p->exempt_count =
	    network_parse_list(config->penalty_exempt, p->exempt, PENALTIES_MAX_EXEMPT);
	list_each_safe(node, &p->by_age) {
		struct source *s = list_entry(node, struct source, by_age);
		if (p->threshold_ms == 0 || is_exempt(p, &s->address))
			forget(p, s);
	}
	pthread_mutex_unlock(&p->lock);
}

static bool is_address(const struct table_node *node, const void *key)
{
	return address_equal(&table_entry(node, struct source, node)->address, key);
}

static struct source *find(struct penalties *p, const struct address *address, uint64_t *hash_r)
{
	crypto_shorthash(
	    (unsigned char *)hash_r, address->bytes, sizeof(address->bytes), p->hash_key);
	struct table_node *node = table_find(&p->sources, *hash_r, is_address, address);
	return node ? table_entry(node, struct source, node) : NULL;
}

/* Makes room: those that owe nothing any more are taken off as others come, two for each. */
static void tidy(struct penalties *p, uint64_t now_ms)
{
	for (int i = 0; i < 2 && !list_is_empty(&p->by_age); i++) {
		struct source *oldest = list_entry(p->by_age.next, struct source, by_age);
		if (oldest->until_ms > now_ms && p->sources.count < PENALTIES_MAX_SOURCES)
			break;
		forget(p, oldest);
	}
}

static struct source *add(
    struct penalties *p, const struct address *address, uint64_t hash, uint64_t now_ms)
{
	tidy(p, now_ms);
	struct source *s = calloc(1, sizeof(*s));
	if (s == NULL)
		return NULL;
	s->address = *address;
	s->until_ms = now_ms;
	if (!table_add(&p->sources, hash, &s->node)) {
		free(s);
		return NULL;
	}
	list_append(&p->by_age, &s->by_age);
	p->count = p->sources.count;
	return s;
}

static void owe(struct penalties *p, struct source *s, uint64_t cost_ms, uint64_t now_ms)
{
	if (s->until_ms <= now_ms) {
		s->until_ms = now_ms;
		s->is_refused = false;
	}
	s->until_ms += cost_ms;
	if (s->until_ms > now_ms + p->longest_ms)
		s->until_ms = now_ms + p->longest_ms;
	if (s->until_ms - now_ms >= p->threshold_ms)
		s->is_refused = true;
	list_remove(&s->by_age);
	list_append(&p->by_age, &s->by_age);
}

static void log_refused(const struct address *source, enum net_offence offence, uint64_t seconds)
{
	static struct log_limit limit;
	uint64_t suppressed;
	char text[ADDRESS_TEXT_SIZE];
	if (!log_limit_allows(&limit, &suppressed))
		return;
	address_text(source, text);
	log_warn("address-refused", LOG_STR("address", text),
	    LOG_STR("last-offence", net_offence_names[offence]), LOG_INT("seconds", seconds),
	    LOG_INT("suppressed", suppressed));
}

void penalties_add(
    struct penalties *p, const struct address *from, enum net_offence offence, uint64_t now_ms)
{
	struct address address = address_source(from);
	uint64_t hash, seconds = 0;
	p->offences[offence]++;
	pthread_mutex_lock(&p->lock);
	bool counts = p->threshold_ms != 0 && p->cost_ms[offence] != 0 && !is_exempt(p, from);
	struct source *s = counts ? find(p, &address, &hash) : NULL;
	if (counts && s == NULL)
		s = add(p, &address, hash, now_ms);
	if (s != NULL) {
		bool was_refused = s->is_refused && s->until_ms > now_ms;
		owe(p, s, p->cost_ms[offence], now_ms);
		if (s->is_refused && !was_refused)
			seconds = (s->until_ms - now_ms + 999) / 1000;
	}
	pthread_mutex_unlock(&p->lock);
	if (seconds > 0)
		log_refused(&address, offence, seconds);
}

static void look(
    struct penalties *p, const struct address *from, uint64_t now_ms, bool *owes_r, bool *refused_r)
{
	*owes_r = *refused_r = false;
	if (p->count == 0)
		return;
	struct address address = address_source(from);
	uint64_t hash;
	pthread_mutex_lock(&p->lock);
	const struct source *s = find(p, &address, &hash);
	*owes_r = s != NULL && s->until_ms > now_ms && !is_exempt(p, from);
	*refused_r = *owes_r && s->is_refused;
	pthread_mutex_unlock(&p->lock);
}

bool penalties_owes(struct penalties *p, const struct address *from, uint64_t now_ms)
{
	bool owes, refused;
	look(p, from, now_ms, &owes, &refused);
	return owes;
}

bool penalties_refuse(struct penalties *p, const struct address *from, uint64_t now_ms)
{
	bool owes, refused;
	look(p, from, now_ms, &owes, &refused);
	return refused;
}

bool penalties_exempt(struct penalties *p, const struct address *from)
{
	pthread_mutex_lock(&p->lock);
	bool exempt = is_exempt(p, from);
	pthread_mutex_unlock(&p->lock);
	return exempt;
}

void penalties_each(struct penalties *p, uint64_t now_ms,
    void (*each)(const struct net_penalty *penalty, void *arg), void *arg)
{
	pthread_mutex_lock(&p->lock);
	list_each(node, &p->by_age) {
		const struct source *s = list_entry(node, struct source, by_age);
		struct net_penalty penalty = { .source = s->address, .is_refused = s->is_refused };
		if (s->until_ms <= now_ms)
			continue;
		penalty.owes_ms = s->until_ms - now_ms;
		each(&penalty, arg);
	}
	pthread_mutex_unlock(&p->lock);
}

size_t penalties_clear(struct penalties *p, const struct address *from, uint64_t now_ms)
{
	struct address source = { { 0 } };
	size_t cleared = 0;
	if (from != NULL)
		source = address_source(from);
	pthread_mutex_lock(&p->lock);
	list_each_safe(node, &p->by_age) {
		struct source *s = list_entry(node, struct source, by_age);
		if (from != NULL && !address_equal(&s->address, &source))
			continue;
		cleared += s->until_ms > now_ms ? 1 : 0;
		forget(p, s);
	}
	pthread_mutex_unlock(&p->lock);
	return cleared;
}

struct penalties_counts penalties_counts(struct penalties *p, uint64_t now_ms)
{
	struct penalties_counts counts = { .sources = p->count };
	for (int i = 0; i < NET_OFFENCES; i++)
		counts.offences[i] = p->offences[i];
	if (counts.sources == 0)
		return counts;
	pthread_mutex_lock(&p->lock);
	list_each(node, &p->by_age) {
		const struct source *s = list_entry(node, struct source, by_age);
		counts.refused_sources += s->is_refused && s->until_ms > now_ms ? 1 : 0;
	}
	pthread_mutex_unlock(&p->lock);
	return counts;
}
