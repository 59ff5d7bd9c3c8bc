/*
 * legacy_hash.h: the password hash of the original server, by which accounts that were imported from its user.csv are
 * checked once. It has no salt and collides easily: good for nothing else. Pure; any thread.
 */
#ifndef CHAT_LEGACY_HASH_H
#define CHAT_LEGACY_HASH_H

#include <stdbool.h>

#include "base/slice.h"

#define LEGACY_HASH_PREFIX "legacy:"

/* True for the text of such a hash: the prefix, then 1 to 40 decimal digits, as they stand in a user.csv. */
bool legacy_hash_is_one(const char *hash);

/* True if hash, which is one, is that of the password. */
bool legacy_hash_fits(const char *hash, struct slice password);

#endif
