/*
 * session.h: one connection from the end of its handshake on: who it is, and what a query means. Knows no socket and no
 * encryption. Private to chat/; everything here is for the session's own worker.
 *
 *	LOGIN -> CHECKING -> TALKING -> (ended, freed)
 *	      <-  TRY         |  ^
 *	                      |  '- UPLOADING <-> STORING (upload.c)
 *	                      |---- DOWNLOADING (download.c)
 *	                      '---- ASKING (commands.c)
 */
#ifndef CHAT_SESSION_H
#define CHAT_SESSION_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/list.h"
#include "base/pool.h"
#include "chat/bans.h"
#include "chat/chat.h"
#include "chat/cluster.h"
#include "chat/ending.h"
#include "chat/outcome.h"
#include "chat/receipts.h"
#include "chat/refusals.h"
#include "protocol/query.h"
#include "protocol/text.h"

enum { TOKEN_RANDOM_BYTES = 24, TOKEN_LEN = 32 }; /* base64 of the random bytes */

/* What all workers share. */
struct chat {
	struct store *store;
	struct bus *bus;
	struct cluster *cluster; /* NULL: this server is alone */
	_Atomic bool is_started; /* net and bus are there */
	struct net *net;
	struct directory *directory;
	struct refusals *refusals;
	struct refusals *sign_ups; /* counted the same way */
	struct bans *bans;
	struct pool *passwords;
	_Atomic bool refusing_logins;
	pthread_mutex_t login_lock;
	pthread_cond_t login_ended;
	size_t logins_under_way; /* beside the loops */
	_Atomic uint64_t passwords_hashed;
	struct chat_config first_config; /* for workers that are about to start */
};

/* What a worker has to itself; other threads only read the atomics. */
struct chat_worker {
	struct chat *chat;
	struct worker *worker;
	struct chat_config *config;
	uint64_t
	    certain_until_ms; /* after that nothing is heard, until it is known whose sessions we still have (cluster.h) */
	struct list group;            /* sessions with group chat on */
	_Atomic uint64_t group_count; /* how many: others send no group text where nobody listens */
	_Atomic uint64_t outcomes[OUTCOMES]; /* of log-ins */
	_Atomic uint64_t endings[ENDINGS];
	_Atomic uint64_t messages, undelivered, group_messages, group_deliveries, uploads,
	    upload_bytes, downloads, download_bytes;
};

/* Counts on the worker that alone writes the counter: a plain store, no locked instruction. */
static inline void count_more(_Atomic uint64_t *counter, uint64_t more)
{
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + more,
	    memory_order_relaxed);
}

static inline void count_up(_Atomic uint64_t *counter)
{
	count_more(counter, 1);
}

enum session_state {
	SESSION_LOGIN = 1 << 0,    /* AUTH or PUT is awaited */
	SESSION_CHECKING = 1 << 1, /* the pool or the store is at it; nothing is read */
	SESSION_TALKING = 1 << 2,
	SESSION_UPLOADING = 1 << 3,   /* what comes in are bytes of a file */
	SESSION_STORING = 1 << 4,     /* the store is at the file; nothing is read */
	SESSION_DOWNLOADING = 1 << 5, /* files go out; nothing is read */
	SESSION_ASKING = 1 << 6,      /* the store is asked who is online; nothing is read */

	SESSION_ON = SESSION_TALKING | SESSION_UPLOADING | SESSION_STORING | SESSION_DOWNLOADING |
		     SESSION_ASKING,
	SESSION_NOT_READ =
	    SESSION_CHECKING | SESSION_STORING | SESSION_DOWNLOADING | SESSION_ASKING,
};

/* protocol.md, 6: does this client end its texts with LF, and so expects them to? */
enum session_lf { SESSION_LF_UNKNOWN, SESSION_LF_NEVER, SESSION_LF_USED };

struct session {
	struct conn *conn;
	struct chat_worker *here;
	enum session_state state;
	enum session_lf lf;
	bool group_on;
	struct list group_node;
	struct download *
	    download; /* in DOWNLOADING; here, since a group text looks at no more of a session than this */
	struct directory_entry user; /* its name; in the directory while online */
	char token[TOKEN_LEN + 1];
	int64_t ticket; /* of its lease, in a cluster */

	struct login *login; /* in SESSION_CHECKING: the one under way */
	uint32_t tries;      /* refusals so far */
	uint64_t login_began_ms;
	uint64_t try_began_ms;

	uint64_t due_ms; /* what the connection's deadline is set to */
	uint64_t last_query_ms;
	uint64_t query_began_ms; /* of a query whose end has not come; 0: none */
	uint64_t resume_ms;      /* when a slowed session is read again; 0: it is not slowed */
	const struct worker
	    *waits_for;           /* and not before this one has caught up; NULL: at any rate */
	uint64_t allowance;       /* queries it may send at once */
	uint64_t allowance_at_ms; /* when that was last topped up */

	struct upload *upload; /* in UPLOADING and STORING */
	struct receipts
	    receipts; /* files that went out and are to be removed once they have arrived */
};

/* Sends words, says goodbye, closes and frees: s is gone. words is a whole query. reason is for the log. */
void session_end(struct session *s, struct slice words, const char *reason);

/* Sends one whole query; during a download it goes out after that. */
void session_send(struct session *s, struct slice query);

/* The same for bytes that live until the end of the turn: they are not copied. */
void session_send_block(struct session *s, struct slice query);

/* The same of a query that many get: conn_send_to_many(). */
void session_send_to_many(struct session *s, struct kept *query);

/* Goes over to another state; in those of SESSION_NOT_READ reading stops, in the others it goes on. */
void session_enter(struct session *s, enum session_state state);

/* The user is in the directory and has its token: tells the client, begins to talk. */
void session_begin(struct session *s);

/* A transfer is over: queries again. */
void session_talk(struct session *s);

/* Looks at the clock again: a deadline may have come nearer. */
void session_rearm(struct session *s);

/* Reads no more of it until that worker, whose mail piles up, has caught up. */
void session_wait_for(struct session *s, const struct worker *behind);

struct slice session_name(const struct session *s);

/* As of the beginning of its worker's turn. */
static inline uint64_t session_now_ms(const struct session *s)
{
	return worker_now_ms(s->here->worker);
}

/* The session of a connection that is open on this worker, or NULL. */
struct session *session_of(struct chat_worker *here, struct conn_id id);

#define WORDS_END(reason) SLICE("END * <" reason "> \r\n")

/* ---- login.c ---- */

/* A query in SESSION_LOGIN. false: the session has ended. */
bool login_auth(struct session *s, const struct query *q);
bool login_put(struct session *s, const struct query *q);

/* Nobody waits for it any more: what is not hashed yet is not hashed. */
void login_abandon(struct login *login);

/* ---- relay.c ---- */

/* A query in SESSION_TALKING. false: the session has ended. */
bool relay_msg(struct session *s, const struct query *q);
bool relay_msgg(struct session *s, const struct query *q);

/* Mail from another worker or thread. */
void relay_mail(struct worker *w, struct slice bytes);

/* For cluster.c, from any thread: a user's session here ends, with these words; those of banned users; and the workers' certain_until_ms. */
bool relay_end_user(struct chat *chat, struct slice name, const char *words);
void relay_end_banned(struct chat *chat);
void relay_certain_until(struct chat *chat, uint64_t until_ms);

void group_join(struct session *s);
void group_leave(struct session *s);

/* ---- commands.c ---- */

/* CMD in SESSION_TALKING. false: the session has ended. */
bool command_run(struct session *s, const struct query *q);

#endif
