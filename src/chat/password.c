#include "chat/password.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chat/hash_memory.h"
#include "chat/legacy_hash.h"

enum {
	SALT_LEN = 16,
	DIGEST_LEN = 32,
	BASE64 = sodium_base64_VARIANT_ORIGINAL_NO_PADDING,
	BASE64_MAX_SIZE = 48, /* of a digest, with its NUL */
	MEMORY_LEAST_KIB = 8, /* that Argon2 takes: less is no hash, not a want of memory */
};

/* A hash as text: "$argon2id$v=19$m=KIBIBYTES,t=PASSES,p=1$SALT$DIGEST", Argon2's own and libsodium's form. */
struct parts {
	uint32_t memory_kib;
	uint32_t passes;
	uint8_t salt[SALT_LEN];
	uint8_t digest[DIGEST_LEN];
};

/* ---- Text ---- */

static bool take_word(const char **text, const char *word)
{
	size_t len = strlen(word);
	if (strncmp(*text, word, len) != 0)
		return false;
	*text += len;
	return true;
}

static bool take_number(const char **text, uint32_t *number_r)
{
	char *end;
	if (**text < '1' || **text > '9')
		return false;
	unsigned long number = strtoul(*text, &end, 10);
	*text = end;
	*number_r = (uint32_t)number;
	return number <= UINT32_MAX;
}

static bool take_bytes(const char **text, uint8_t *bytes, size_t len)
{
	size_t found = 0;
	return sodium_base642bin(bytes, len, *text, strlen(*text), NULL, &found, text, BASE64) ==
		   0 &&
	       found == len;
}

/* false: it is of another kind. */
static bool take_apart(const char *hash, struct parts *parts)
{
	return take_word(&hash, "$argon2id$v=19$m=") && take_number(&hash, &parts->memory_kib) &&
	       take_word(&hash, ",t=") && take_number(&hash, &parts->passes) &&
	       take_word(&hash, ",p=1$") && take_bytes(&hash, parts->salt, SALT_LEN) &&
	       take_word(&hash, "$") && take_bytes(&hash, parts->digest, DIGEST_LEN) &&
	       *hash == '\0' && parts->memory_kib >= MEMORY_LEAST_KIB;
}

static void write_down(const struct parts *parts, char hash_r[static STORE_HASH_SIZE])
{
	char salt[BASE64_MAX_SIZE], digest[BASE64_MAX_SIZE];
	sodium_bin2base64(salt, sizeof(salt), parts->salt, SALT_LEN, BASE64);
	sodium_bin2base64(digest, sizeof(digest), parts->digest, DIGEST_LEN, BASE64);
	memset(hash_r, 0, STORE_HASH_SIZE);
	snprintf(hash_r, STORE_HASH_SIZE, "$argon2id$v=19$m=%" PRIu32 ",t=%" PRIu32 ",p=1$%s$%s",
	    parts->memory_kib, parts->passes, salt, digest);
	sodium_memzero(digest, sizeof(digest));
}

/* ---- Hashes ---- */

/* Of the password, with the salt and at the cost of parts. false: no memory. */
static bool compute(struct slice password, const struct parts *parts, bool more_follow,
    uint8_t digest_r[static DIGEST_LEN])
{
	hash_memory_begin(more_follow);
	bool is_done = crypto_pwhash_argon2id(digest_r, DIGEST_LEN, password.ptr, password.len,
			   parts->salt, parts->passes, (size_t)parts->memory_kib * 1024,
			   crypto_pwhash_argon2id_ALG_ARGON2ID13) == 0;
	hash_memory_end();
	return is_done;
}

static struct parts new_parts(const struct password_cost *cost)
{
	struct parts parts = { .memory_kib = (uint32_t)(cost->memory_bytes / 1024),
		.passes = (uint32_t)cost->passes };
	randombytes_buf(parts.salt, SALT_LEN);
	return parts;
}

bool password_hash(
    struct slice password, const struct password_cost *cost, char hash_r[static STORE_HASH_SIZE])
{
	struct parts parts = new_parts(cost);
	if (!compute(password, &parts, cost->more_follow, parts.digest))
		return false;
	write_down(&parts, hash_r);
	sodium_memzero(&parts, sizeof(parts));
	return true;
}

/* Spends what a hash costs, for an answer that is known already. */
static enum password_verdict spend(
    struct slice password, const struct password_cost *cost, enum password_verdict verdict)
{
	struct parts parts = new_parts(cost);
	bool spent = compute(password, &parts, cost->more_follow, parts.digest);
	sodium_memzero(&parts, sizeof(parts));
	return spent ? verdict : PASSWORD_NO_MEMORY;
}

static enum password_verdict compare(
    struct slice password, const struct parts *parts, const struct password_cost *cost)
{
	uint8_t digest[DIGEST_LEN];
	if (!compute(password, parts, cost->more_follow, digest))
		return PASSWORD_NO_MEMORY;
	bool right = sodium_memcmp(digest, parts->digest, DIGEST_LEN) == 0;
	sodium_memzero(digest, sizeof(digest));
	if (!right)
		return PASSWORD_WRONG;
	bool has_cost =
	    parts->memory_kib == cost->memory_bytes / 1024 && parts->passes == cost->passes;
	return has_cost ? PASSWORD_RIGHT : PASSWORD_RIGHT_REHASH;
}

enum password_verdict password_verify(
    struct slice password, const char *hash, const struct password_cost *cost)
{
	struct parts parts;
	if (hash == NULL)
		return spend(password, cost, PASSWORD_WRONG);
	if (legacy_hash_is_one(hash))
		return spend(password, cost,
		    legacy_hash_fits(hash, password) ? PASSWORD_RIGHT_REHASH : PASSWORD_WRONG);
	if (take_apart(hash, &parts))
		return compare(password, &parts, cost);
	bool right = crypto_pwhash_str_verify(hash, password.ptr, password.len) == 0;
	return right ? PASSWORD_RIGHT_REHASH : PASSWORD_WRONG;
}
