#include "chat/bans.h"

#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/table.h"

/* Names and addresses share one table: the key is the name's text, or the address's canonical text, which no name can be. */
struct ban {
	struct table_node node;
	size_t len;
	char text[];
};

struct bans {
	pthread_rwlock_t lock;
	unsigned char hash_key[crypto_shorthash_KEYBYTES];
	struct table table;
	_Atomic size_t count; /* most servers ban nobody: then nothing is locked */
};

struct bans *bans_new(void)
{
	struct bans *b = calloc(1, sizeof(*b));
	if (b == NULL)
		return NULL;
	pthread_rwlock_init(&b->lock, NULL);
	crypto_shorthash_keygen(b->hash_key);
	return b;
}

void bans_free(struct bans *b)
{
	if (b == NULL)
		return;
	for (size_t i = 0; i < b->table.slot_count; i++) {
		while (b->table.slots[i] != NULL) {
			struct ban *ban = table_entry(b->table.slots[i], struct ban, node);
			table_remove(&b->table, &ban->node);
			free(ban);
		}
	}
	table_clear(&b->table);
	pthread_rwlock_destroy(&b->lock);
	free(b);
}

static bool is_text(const struct table_node *node, const void *key)
{
	const struct ban *ban = table_entry(node, struct ban, node);
	return slice_equal(slice_of(ban->text, ban->len), *(const struct slice *)key);
}

static struct ban *find(struct bans *b, struct slice text, uint64_t *hash_r)
{
	crypto_shorthash(
	    (unsigned char *)hash_r, (const unsigned char *)text.ptr, text.len, b->hash_key);
	struct table_node *node = table_find(&b->table, *hash_r, is_text, &text);
	return node ? table_entry(node, struct ban, node) : NULL;
}

/* One spelling for each address. */
static struct slice canonical(const char *text, char buf[static ADDRESS_TEXT_SIZE])
{
	struct address address;
	if (!address_parse(text, &address))
		return slice_str(text);
	address_text(&address, buf);
	return slice_str(buf);
}

bool bans_add(struct bans *b, const char *text)
{
	char buf[ADDRESS_TEXT_SIZE];
	struct slice key = canonical(text, buf);
	uint64_t hash;
	pthread_rwlock_wrlock(&b->lock);
	bool there = find(b, key, &hash) != NULL;
	struct ban *ban = there ? NULL : malloc(sizeof(*ban) + key.len);
	if (ban != NULL) {
		ban->len = key.len;
		memcpy(ban->text, key.ptr, key.len);
		there = table_add(&b->table, hash, &ban->node);
		if (!there)
			free(ban);
	}
	b->count = b->table.count;
	pthread_rwlock_unlock(&b->lock);
	return there;
}

void bans_remove(struct bans *b, const char *text)
{
	char buf[ADDRESS_TEXT_SIZE];
	uint64_t hash;
	pthread_rwlock_wrlock(&b->lock);
	struct ban *ban = find(b, canonical(text, buf), &hash);
	if (ban != NULL) {
		table_remove(&b->table, &ban->node);
		free(ban);
	}
	b->count = b->table.count;
	pthread_rwlock_unlock(&b->lock);
}

/* other is nobody else's, so its lock is not needed. */
void bans_exchange(struct bans *b, struct bans *other)
{
	unsigned char key[crypto_shorthash_KEYBYTES];
	pthread_rwlock_wrlock(&b->lock);
	struct table table = b->table;
	b->table = other->table;
	other->table = table;
	memcpy(key, b->hash_key, sizeof(key));
	memcpy(b->hash_key, other->hash_key, sizeof(key));
	memcpy(other->hash_key, key, sizeof(key));
	b->count = b->table.count;
	other->count = other->table.count;
	pthread_rwlock_unlock(&b->lock);
}

bool bans_has_name(struct bans *b, struct slice name)
{
	uint64_t hash;
	if (b->count == 0)
		return false;
	pthread_rwlock_rdlock(&b->lock);
	bool has = find(b, name, &hash) != NULL;
	pthread_rwlock_unlock(&b->lock);
	return has;
}

bool bans_has_address(struct bans *b, const struct address *address)
{
	char text[ADDRESS_TEXT_SIZE];
	if (b->count == 0)
		return false;
	address_text(address, text);
	return bans_has_name(b, slice_str(text));
}
