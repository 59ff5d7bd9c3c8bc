#include "chat/password.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "chat/legacy_hash.h"

bool password_hash(
    struct slice password, const struct password_cost *cost, char hash_r[static STORE_HASH_SIZE])
{
	_Static_assert(crypto_pwhash_STRBYTES <= STORE_HASH_SIZE, "a hash fits the store's column");
	memset(hash_r, 0, STORE_HASH_SIZE);
	return crypto_pwhash_str(hash_r, password.ptr, password.len, cost->passes,
		   (size_t)cost->memory_bytes) == 0;
}

/* Spends what a hash costs, for an answer that is known already. */
static void spend(struct slice password, const struct password_cost *cost)
{
	char hash[STORE_HASH_SIZE];
	password_hash(password, cost, hash);
	sodium_memzero(hash, sizeof(hash));
}

/* What a hash begins with says what it cost. libsodium would decode all of it. */
static bool has_cost(const char *hash, const struct password_cost *cost)
{
	char beginning[64];
	int len = snprintf(beginning, sizeof(beginning),
	    "$argon2id$v=19$m=%" PRIu64 ",t=%" PRIu64 ",p=1$", cost->memory_bytes / 1024,
	    cost->passes);
	return strncmp(hash, beginning, (size_t)len) == 0 ||
	       crypto_pwhash_str_needs_rehash(hash, cost->passes, (size_t)cost->memory_bytes) == 0;
}

enum password_verdict password_verify(
    struct slice password, const char *hash, const struct password_cost *cost)
{
	if (hash == NULL || legacy_hash_is_one(hash)) {
		bool right = hash != NULL && legacy_hash_fits(hash, password);
		spend(password, cost);
		return right ? PASSWORD_RIGHT_REHASH : PASSWORD_WRONG;
	}
	if (crypto_pwhash_str_verify(hash, password.ptr, password.len) != 0)
		return PASSWORD_WRONG;
	return has_cost(hash, cost) ? PASSWORD_RIGHT : PASSWORD_RIGHT_REHASH;
}
