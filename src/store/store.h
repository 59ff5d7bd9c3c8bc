/*
 * store.h: what must last: accounts, bans, and which files wait for whom (the files themselves: files.h). One interface,
 * several engines behind it: sqlite.c, the default, and postgres.c, which several servers may share.
 *
 * A caller fills a store_request, hands it in and gets it back through its done(), exactly once, with `status` set. Calls
 * return at once; done() runs on a thread of the store, must not block, and may hand in further requests. The request, and
 * what it points to, belongs to the store from the call until done(). The store allocates nothing per request.
 *
 * "STORE_OK" of a change means: it is on disk and survives a power cut. Changes handed in at about the same time share one
 * commit.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/histogram.h"
#include "protocol/name.h"

struct store;

enum store_status {
	STORE_OK,
	STORE_NONE,  /* there is no such row */
	STORE_TAKEN, /* add: there is one already; nothing changed */
	/*
	 * Disk full, file gone, no memory, …: nothing changed, and the store has logged why. (Where the disk itself failed to say
	 * whether it has the change, a crash right after may still bring it to light.)
	 */
	STORE_UNAVAILABLE,
};

/* Which call; also which fields of the request count. */
enum store_call {
	STORE_ACCOUNT_GET,      /* in: name; out: hash, created_ms */
	STORE_ACCOUNT_ADD,      /* in: name, hash, created_ms; STORE_TAKEN: name exists */
	STORE_ACCOUNT_SET_HASH, /* in: name, hash; if old_hash is not empty, only where the hash still is that one (else STORE_NONE) */
	STORE_ACCOUNT_DELETE, /* in: name; what waits for it goes too. STORE_NONE: no such account */
	STORE_ACCOUNT_LIST,   /* out: each_account() for every account, by name */
	STORE_BAN_ADD, /* in: name (a user name or an address), created_ms; STORE_TAKEN: is banned already */
	STORE_BAN_DELETE, /* in: name */
	STORE_BAN_LIST,   /* out: each_ban() for every ban, the oldest first */

	/* Waiting files. Where one is removed, its bytes follow once the removal is on disk. */
	STORE_FILE_LIST, /* in: name, the receiver; empty: all. out: each_file(), the longest waiting first */
	STORE_FILE_SNAPSHOT, /* the same of one receiver; sees every removal that was handed in before it */
	STORE_FILE_REMOVE, /* in: id; out: files */
	STORE_FILE_DELETE, /* in: name, file; out: files */
	STORE_FILE_EXPIRE, /* in: created_ms: some of those complete before then go. out: files, 0: none is left */
	STORE_FILE_ROOM, /* in: name; out: files, size_bytes of what waits. STORE_NONE: no such account */
	STORE_FILE_ADD, /* files.h's: name, file, size_bytes, created_ms, max_files, max_bytes */

	/*
	 * Servers that share a store (store_is_shared()), called nodes, and who is on at which. A node is alive for STORE_LEASE_MS
	 * after each join or renewal; a session is valid while its node is alive and still has the epoch of then.
	 */
	STORE_NODE_JOIN, /* in: node, address: who calls itself so; out: epoch. STORE_TAKEN: another one does, alive; address: which */
	STORE_NODE_RENEW, /* in: node, epoch. STORE_NONE: that time is over; join again, and see what is left */
	STORE_NODE_REJOIN, /* in: node, address, epoch; out: a new epoch, each_session() of those that are still ours */
	STORE_NODE_LEAVE, /* in: node, epoch; its sessions go too */
	STORE_NODE_LIST,  /* out: each_session() of each node: node, epoch, since_ms: until when */
	STORE_SESSION_TAKE, /* in: name, node, epoch, ticket, created_ms, address. STORE_TAKEN: is on at another node. out: files: 1, taken from
	                        one that is dead */
	STORE_SESSION_LEAVE, /* in: name, node, ticket */
	STORE_SESSION_GET,   /* in: name; out: node. STORE_NONE: is not on */
	STORE_SESSION_LIST, /* in: max_files: at most so many, 0: all; out: each_session(), the longest online first */
};

enum {
	STORE_LEASE_MS = 20000,
	STORE_DEADLINE_MS =
	    5000, /* a shared store that has not answered by then is STORE_UNAVAILABLE */
};

enum {
	STORE_HASH_SIZE = 160, /* of a password hash as text, with its NUL */
	STORE_NAME_SIZE = 64,  /* of a user name or an address as text, with its NUL */
	STORE_NODE_SIZE = 65,
	STORE_PLACE_SIZE = 256, /* of an address, or what says where a node lives */
};

struct store_request;
typedef void store_done_fn(struct store_request *request);
typedef void store_account_fn(
    struct store_request *request, const char *name, const char *hash, int64_t created_ms);
typedef void store_ban_fn(struct store_request *request, const char *name, int64_t created_ms);

/* A waiting file; ids grow in the order of completion and are never used twice. */
struct store_file {
	int64_t id;
	const char *receiver, *name;
	uint64_t size_bytes;
	int64_t completed_ms;
};
typedef void store_file_fn(struct store_request *request, const struct store_file *file);

/* A session at one of the nodes. */
struct store_session {
	const char *name, *node, *address;
	int64_t since_ms, epoch;
};
typedef void store_session_fn(struct store_request *request, const struct store_session *session);

struct store_request {
	/* The caller's. */
	enum store_call call;
	store_done_fn *done;
	void *arg;
	char name[STORE_NAME_SIZE];
	char hash[STORE_HASH_SIZE];
	char old_hash[STORE_HASH_SIZE];
	int64_t created_ms; /* since 1970 */
	int64_t id;
	char file[FILENAME_MAX_LEN + 1];
	uint64_t size_bytes;
	uint64_t files;
	uint64_t max_files, max_bytes; /* of one receiver; 0: no limit */
	/* On the store's thread, before done(); the strings are borrowed for the call. */
	store_account_fn *each_account;
	store_ban_fn *each_ban;
	store_file_fn *each_file;
	store_session_fn *each_session;
	char node[STORE_NODE_SIZE];
	char address[STORE_PLACE_SIZE];
	int64_t epoch, ticket;

	/* The answer. */
	enum store_status status;

	/* The store's own. */
	struct store_request *next;
	struct buffer *removed;
	struct slice bytes, digest; /* of a piece of a file */
	uint64_t due_ms;
	bool is_touched, has_failed, is_taken;
};

/*
 * Opens the store that url names (messagerd.conf(5), [store]): "sqlite:" is DATA/messagerd.db, "sqlite:PATH" that file. Makes the
 * file, mode 0600, if there is none (not its folder); brings an older schema up to date; refuses a newer one. Makes DATA/files
 * agree with it (docs/files.md). "postgres://…" (or postgresql://) is a database of PostgreSQL, as libpq reads it; its tables are made or
 * brought up to date. Blocks; before the threads start. Returns the store, or NULL with a sentence for the
 * operator in why.
 */
struct store *store_open(const char *url, const char *data_dir, char *why, size_t why_size);

/*
 * Carries out everything handed in, also what a done() hands in meanwhile, calls the done()s, then closes. No other store_submit()
 * may come any more. Blocks. Accepts NULL.
 */
void store_close(struct store *store);

/* May several servers use this store at the same time? Then sessions are kept in it as well. */
bool store_is_shared(const struct store *store);

/* How it is, for the administrator. Any thread. */
struct store_counts {
	bool is_reachable;
	uint64_t waiting;             /* requests under way */
	uint64_t connections;         /* to the server behind it */
	uint64_t lost;                /* connections that broke, since the start */
	uint64_t failed;              /* requests that came back as STORE_UNAVAILABLE */
	uint64_t failed_ms;           /* when the last did, by clock_now_ms(); 0: none has */
	struct histogram_sum commits; /* sqlite.c's: of groups of changes, the disk included */
};
struct store_counts store_counts(struct store *store);

/* Hands a request in. Any thread. Never fails: what can't be done comes back as STORE_UNAVAILABLE. */
void store_submit(struct store *store, struct store_request *request);

/*
 * Answers a look-up (STORE_ACCOUNT_GET) at once, on the caller's thread, which may have to wait for a disk: a pool's, never a loop's.
 * True: status is set, done() is not called. False: this engine answers only what is handed in.
 */
bool store_look_up(struct store *store, struct store_request *request);

/* Wipes what is secret in a request (the hashes) when it is no longer needed. */
void store_request_wipe(struct store_request *request);

#endif
