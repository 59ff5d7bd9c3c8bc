/*
 * password.h: password hashes as text, made to be slow: for the pool's threads, never for a loop. Argon2id, or, for accounts
 * that came from an original server, its hash behind "legacy:" (replaced at the first log-in). Argon2's other kinds, as libsodium
 * writes them, are checked and replaced too.
 */
#ifndef CHAT_PASSWORD_H
#define CHAT_PASSWORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "store/store.h"

/* What a hash costs: memory in bytes, passes over it (messagerd.conf(5), [login]). */
struct password_cost {
	uint64_t memory_bytes;
	uint64_t passes;
	bool
	    more_follow; /* this thread will hash again right afterwards, so it keeps the memory (hash_memory.h) */
};

/* Makes the hash text of a password, which has at most PASSWORD_MAX_LEN bytes. false: no memory for it. */
bool password_hash(
    struct slice password, const struct password_cost *cost, char hash_r[static STORE_HASH_SIZE]);

enum password_verdict {
	PASSWORD_WRONG,
	PASSWORD_RIGHT,
	PASSWORD_RIGHT_REHASH, /* right, but the hash is of another kind or cost than is wanted now */
	PASSWORD_NO_MEMORY,    /* nobody knows */
};

/*
 * Compares. Takes the time of one hash of that cost in any case: with hash NULL (there is no such user) or a legacy one as well.
 */
enum password_verdict password_verify(
    struct slice password, const char *hash, const struct password_cost *cost);

#endif
