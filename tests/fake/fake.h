/*
 * fake.h: the messenger (chat/, as it is) in a house without a network, a disk, threads or a clock: net/, the store and the pools are
 * stand-ins that do their work when told to, so whole dialogues are repeatable to the byte and take microseconds. For unit tests and
 * fuzzers. What a stand-in does is what the header of the real one promises; a function that chat/ newly uses needs one here.
 *
 *	struct fake *f = fake_new(NULL);
 *	struct conn *alice = fake_connect(f, 0);
 *	fake_say(alice, SLICE("PUT alice secret \r\n"));
 *	fake_settle(f);
 *	fake_heard(alice)	"ACCEPT alice AAAA…\n"
 *	fake_free(f);
 *
 * Passwords are hashed as always (at the least cost); tokens come from a generator that begins anew with each house. One thread.
 */
#ifndef FAKE_FAKE_H
#define FAKE_FAKE_H

#include "base/buffer.h"
#include "base/pool.h"
#include "chat/chat.h"

enum { FAKE_WORKERS = 2 };

struct fake;

/* config NULL: the usual settings, no CHECK. */
struct fake *fake_new(const struct chat_config *config);
struct chat_config fake_usual_config(void);

/* Everybody hangs up, what is under way comes to its end; then nothing may be left. */
void fake_free(struct fake *f);

/* Forgets the connections that have ended, every file, and that account: so a house can be used again. */
void fake_forget(struct fake *f, const char *account);

/* A connection whose handshake is done, on that worker. The house's memory. */
struct conn *fake_connect(struct fake *f, unsigned worker);

/* These bytes arrive, in a read of their own. */
void fake_say(struct conn *c, struct slice bytes);

/* The peer's FIN, behind what it said. */
void fake_hang_up(struct conn *c);

/* Whether the peer takes what is sent to it (at first it does). What it has not taken waits, and counts. */
void fake_take(struct conn *c, bool takes);

/*
 * What the peer has taken so far: a line for each record, without the " \r\n" at its end; "[…]" for one that does not end so (bytes of a
 * file). At the end "closed" or "aborted", if it was.
 */
struct slice fake_heard(const struct conn *c);
bool fake_is_open(const struct conn *c);

/* Calls heard() with each record that a peer takes. */
typedef void fake_record_fn(void *arg, struct conn *c, struct slice record);
void fake_listen(struct fake *f, fake_record_fn *heard, void *arg);

/* One step of the pool or the store, or one turn of a worker; false: there is nothing to do. */
bool fake_step(struct fake *f);

/* Steps until nothing is left to do but to wait. */
void fake_settle(struct fake *f);

/* Time goes by, then everything is settled. */
void fake_pass(struct fake *f, uint64_t ms);

/* From now on the store answers that it is unavailable, or no longer. */
void fake_break_store(struct fake *f, bool is_broken);

/* Files that wait, as "receiver+name: bytes\n". Valid until the next call. */
struct slice fake_files(struct fake *f);

/* Chance begins anew: the same seed brings the same tokens. */
void fake_random_restart(uint64_t seed);

/* What chat/ holds, for looking into it. */
struct chat *fake_chat(struct fake *f);

/* ---- People (people.c) ---- */

enum { FAKE_TOKEN_SIZE = 33 }; /* with its NUL */

/* Sends `enters` (AUTH or PUT) over a new connection and settles; that must let them in. */
struct conn *fake_person(
    struct fake *f, unsigned worker, const char *enters, char token_r[static FAKE_TOKEN_SIZE]);

/* The token of the last ACCEPT that was heard; false: there was none. */
bool fake_token(const struct conn *c, char token_r[static FAKE_TOKEN_SIZE]);

/* Appends the text, in which TOKEN stands for that token, NUL for a zero byte and BIG for 64 KiB. */
void fake_spell(struct buffer *to, const char *text, const char *token);

/* Says what is spelled so, without settling. */
void fake_tell(struct conn *c, const char *text, const char *token);

/* ---- Between the stand-ins ---- */

struct store *fake_store_new(void);
void fake_store_free(struct store *store);
bool fake_store_step(struct store *store);
void fake_store_at_once(struct store *store, bool at_once);
void fake_store_break(struct store *store, bool is_broken);
void fake_store_forget(struct store *store, const char *account);
void fake_store_files(const struct store *store, struct buffer *to);
bool fake_pool_step(struct pool *pool);

/* Fails loudly, also where assert() is off and below a fuzzer. */
#define FAKE_MUST(condition)                                                                       \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: must hold: %s\n", __FILE__, __LINE__, #condition); \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

#endif
