/*
 * net.h: connections on worker threads. Knows bytes and who is connected, not what is said.
 *
 * A worker is a thread with a loop, a listener on each address and its own connections. A connection lives and dies on one
 * worker; every conn_* and worker_* function is for that worker's thread unless it says otherwise. A turn is one round of the loop: what
 * is sent in a turn to a connection leaves in one write when the turn ends.
 *
 *	accepted -> HANDSHAKE -> OPEN -> CLOSING (last words on their way) -> LINGER (peer's turn to hang up) -> freed
 *
 * Above net/ stands one owner (chat/), which gets the events below.
 */
#ifndef NET_NET_H
#define NET_NET_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/histogram.h"
#include "base/slice.h"
#include "net/address.h"
#include "net/certificate.h"
#include "net/config.h"

enum { NET_WHY_SIZE = CERTIFICATE_WHY_SIZE }; /* a sentence for the operator */

struct net;
struct worker;
struct conn;
struct kept;

/* Names a connection from any thread; worker_conn() looks it up on its worker, in vain once it is gone. */
struct conn_id {
	uint32_t worker;
	uint32_t slot;
	uint64_t generation; /* never 0 in an id of a connection */
};

/* All on the connection's worker. */
struct net_events {
	/* A worker is about to run. What it returns is worker_owner(); false: can't start. */
	bool (*worker_started)(struct worker *w, void *arg, void **owner_r);
	void (*worker_stopped)(struct worker *w, void *owner);

	/* May a connection from there be made? Asked before anything else is spent on it. */
	bool (*admits)(struct worker *w, const struct address *from);

	/* The handshake is done. false: close without a word. */
	bool (*opened)(struct conn *c);

	/*
	 * Bytes that came in; whatever was not taken before comes again in front of more. Returns how many were taken; may close c.
	 * A paused connection gets none.
	 */
	size_t (*received)(struct conn *c, struct slice bytes);

	/* The time of conn_set_deadline() has come. */
	void (*due)(struct conn *c);

	/* The output queue outgrew output_limit: close c, or it will be called again. */
	void (*overflowed)(struct conn *c);

	/* The output queue, which could not be written at once, is empty again. */
	void (*drained)(struct conn *c);

	/* The peer is gone, or the connection broke: the owner forgets c. Not called after conn_close(). */
	void (*lost)(struct conn *c, const char *reason);

	/* Bytes that another worker, or another thread, sent with worker_post(). */
	void (*mail)(struct worker *w, struct slice bytes);

	/* The server ends: say goodbye to an open connection and close it. */
	void (*goodbye)(struct conn *c);

	/* New settings are in force; deadlines may have changed. */
	void (*reconfigured)(struct worker *w, void *config);
	void (*reconfigured_conn)(struct conn *c);
};

/* ---- The whole. Main thread. ---- */

struct net_options {
	const struct sockaddr_storage
	    *listen; /* addresses to listen on; port 0 lets the system choose */
	size_t listen_count;
	unsigned workers;
	const struct net_config *config; /* copied */
	const struct net_events *events;
	void *arg; /* for worker_started() */
};

/* Takes the addresses and prepares everything, starts no thread. NULL with a sentence for the operator in why_r. */
struct net *net_open(const struct net_options *options, char why_r[static NET_WHY_SIZE]);

/* Starts the workers: connections are taken from now on. Logs "listening" for each real address. false: see why_r. */
bool net_start(struct net *net, char why_r[static NET_WHY_SIZE]);

/*
 * Puts new settings in force on all workers, without dropping anyone; new connections see the new certificate. owner_configs
 * is one pointer per worker, handed to reconfigured(), whose owner then frees it. false with why_r: nothing has changed.
 */
bool net_reconfigure(struct net *net, const struct net_config *config, void **owner_configs,
    char why_r[static NET_WHY_SIZE]);

/*
 * Says goodbye to everybody, waits until they are gone or wait_ms are over, ends the threads, and makes the calls that were posted to
 * them too late. Blocks.
 */
void net_stop(struct net *net, uint64_t wait_ms);

/* After net_stop(), or instead of net_start(). Accepts NULL. */
void net_free(struct net *net);

/* Any thread. */
unsigned net_worker_count(const struct net *net);
struct worker *net_worker(struct net *net, unsigned index);

/* How far a connection is, for those who look on. */
enum net_phase { NET_IN_HANDSHAKE, NET_IN_LOGIN, NET_IN_SESSION, NET_CLOSING, NET_PHASES };
extern const char *const net_phase_names[NET_PHASES];

/* Why a connection was closed before its handshake (or, for want of a second place, right after it). */
enum net_refusal {
	NET_REFUSED_CONNECTIONS,
	NET_REFUSED_UNAUTHENTICATED,
	NET_REFUSED_ADDRESS,
	NET_REFUSED_SHARE,        /* of unauthenticated */
	NET_REFUSED_NOT_ADMITTED, /* by the owner: banned */
	NET_REFUSED_PENALTY,
	NET_REFUSED_NO_MEMORY,
	NET_REFUSALS
};
extern const char *const net_refusal_names[NET_REFUSALS];

struct net_counts {
	uint64_t connections; /* open now */
	uint64_t
	    unauthenticated; /* places of those that have not logged in: one each, two where OpenSSL makes the records */
	uint64_t phases[NET_PHASES];
	uint64_t accepted; /* since the start, as all that follows but queues */
	uint64_t refused, refusals[NET_REFUSALS];
	uint64_t offences[NET_OFFENCES];
	uint64_t penalized; /* sources that are refused, now */
	uint64_t failed_handshakes;
	uint64_t received_bytes, sent_bytes; /* as they went over the wire */
	uint64_t output_queue_bytes;         /* that wait for sockets, now */
	uint64_t mail_queue_bytes;           /* that wait for workers, now */
	struct histogram_sum turns;          /* of the loops, from waking up to going to sleep */
};
struct net_counts net_counts(const struct net *net);

/* What a source owes; see penalties.h. */
struct net_penalty {
	struct address source;
	uint64_t owes_ms;
	bool is_refused; /* until it owes nothing */
};
extern const char *const net_offence_names[NET_OFFENCES];

/* Those who owe something, under a lock: each() is short. */
void net_each_penalty(
    struct net *net, void (*each)(const struct net_penalty *penalty, void *arg), void *arg);

/* Forgives a source, or all (NULL). Returns how many owed something. */
size_t net_clear_penalties(struct net *net, const struct address *source);

/* When the certificate in force ends, in seconds since 1970; 0: not known. Main thread. */
int64_t net_certificate_end(const struct net *net);

/* ---- A worker. ---- */

void *worker_owner(const struct worker *w);
unsigned worker_index(const struct worker *w);
const struct net_config *worker_config(const struct worker *w);

/* This turn's time on clock_now_ms()'s scale, without asking the clock. */
uint64_t worker_now_ms(const struct worker *w);

/* Somebody there has done that: it adds to the penalties of its address. */
void worker_penalize(struct worker *w, const struct address *from, enum net_offence offence);

/* Is that an address of limits.penalty_exempt? */
bool worker_exempts(struct worker *w, const struct address *from);

/* The connection of that name, or NULL if it is gone, closing, or another worker's. */
struct conn *worker_conn(struct worker *w, struct conn_id id);

/* Calls each() for every open connection; it may close its own. */
void worker_each_conn(struct worker *w, void (*each)(struct conn *c, void *arg), void *arg);

/* Memory that lives until the end of the turn, when everything sent in it has been encrypted. NULL: no memory. */
char *worker_alloc(struct worker *w, size_t size);

/* A copy of bytes that many get. It lives until the end of the turn, and as long as somebody to whom it was sent has not taken it. NULL: no memory. */
struct kept {
	struct kept *next; /* of this turn's; this and refs are net/'s own */
	size_t refs;
	size_t len;
	char bytes[];
};
struct kept *worker_keep(struct worker *w, struct slice bytes);

/* Gives back what a worker_alloc() of the newest block did not use. */
void worker_alloc_shrink(struct worker *w, char *newest, size_t used);

/*
 * Between two pieces of work of one turn: flushes early if much has been queued. True if it did: what worker_alloc() gave is then gone,
 * any connection may be lost, and it is time to let others have their turn.
 */
bool worker_ease(struct worker *w);

/*
 * Sends bytes to another worker's mail(), in the order of the calls, at the end of the turn. from is the worker that calls; NULL from any
 * other thread. false: no memory, or the other is far behind (MAIL_LIMIT_BYTES): not sent.
 */
enum { MAIL_LIMIT_BYTES = 64 << 20, MAIL_HIGH_BYTES = 4 << 20 };
bool worker_post(struct worker *from, struct worker *to, struct slice bytes);

/* True if mail to that worker piles up, or what it is to send to many: whoever causes it should be slowed down. Any thread. */
bool worker_is_behind(const struct worker *to);

/* A call that a worker shall make: the caller's memory, which is its again when run() is called. Never fails. Any thread. */
struct worker_job {
	struct worker_job *next;
	void (*run)(struct worker *w, struct worker_job *job);
};
void worker_post_job(struct worker *to, struct worker_job *job);

/* ---- A connection. ---- */

struct conn_id conn_id(const struct conn *c);
struct worker *conn_worker(const struct conn *c);
void *conn_owner(const struct conn *c);
void conn_set_owner(struct conn *c, void *owner);
const struct address *conn_address(const struct conn *c);
X509 *conn_peer_certificate(
    const struct conn *c); /* while c is open; NULL: none. The caller frees it */

/* Sends bytes as one TLS record. conn_send() copies; conn_send_block() needs them until the end of the turn. No memory: the connection is lost. */
void conn_send(struct conn *c, struct slice bytes);
void conn_send_block(struct conn *c, struct slice bytes);

/*
 * The same for bytes that many get. Who has nothing else to be sent may have it in one of the next turns, so that those who are not among the
 * many need not wait for all of them.
 */
void conn_send_to_many(struct conn *c, struct kept *many);

/* The processor is asked for what sending needs of it (base/prefetch.h). */
void conn_prefetch(const struct conn *c);

/* False as soon as it is lost or closed; the object itself stays until the end of the turn. */
bool conn_is_open(const struct conn *c);

/* When something was last handed to conn_send*(). */
uint64_t conn_last_sent_ms(const struct conn *c);

/* Bytes that wait for the socket to take them: as long as there are any, drained() is still to come. */
size_t conn_queued_bytes(const struct conn *c);

/*
 * Of all ciphertext since the connection began, how much was flushed (handed to the socket, or waiting for it), and how much the peer's
 * system has acknowledged. What is sent is flushed at the end of the turn: until then conn_is_flushed() is false. In lost() they tell how
 * it was when the peer hung up; where the connection broke, nothing counts as acknowledged.
 */
bool conn_is_flushed(const struct conn *c);
uint64_t conn_flushed_bytes(const struct conn *c);
uint64_t conn_acknowledged_bytes(const struct conn *c);

/* Until the output queue is next empty so many bytes of it do not count for output_limit: file bytes (the owner bounds them itself). */
void conn_spare(struct conn *c, size_t bytes);

/*
 * While paused nothing is read and received() is not called; that the peer hangs up is noticed at once before log-in, and when the rest has
 * been read after. Resuming hands over what is still there, at the end of the turn.
 */
void conn_pause(struct conn *c);
void conn_resume(struct conn *c);

/* In received(): what is not taken now comes again in the next turn, after the other connections had theirs. */
void conn_yield(struct conn *c);

/* When due() is wanted: as soon as the clock says due_ms; UINT64_MAX: never. One deadline per connection, the last call counts. */
void conn_set_deadline(struct conn *c, uint64_t due_ms);

/* It has logged in: no longer counts as unauthenticated. */
void conn_authenticated(struct conn *c);

/*
 * Sends what is queued (as far as the peer takes it within CONN_CLOSE_WAIT_MS), close_notify and FIN, waits a moment for the peer to hang up, so that
 * our last words are not lost to a reset. No more events but none; c is not to be used after.
 */
enum { CONN_CLOSE_WAIT_MS = 5000, CONN_LINGER_MS = 2000 };
void conn_close(struct conn *c);

/* Closes at once, without a word. c is not to be used after. */
void conn_abort(struct conn *c);

#endif
