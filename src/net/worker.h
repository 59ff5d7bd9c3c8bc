/* worker.h: the inside of net/: what worker.c, mail.c, accept.c, handshake.c, connection.c and listener.c share. Not for other rooms. */
#ifndef NET_WORKER_H
#define NET_WORKER_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/list.h"
#include "base/wheel.h"
#include "net/admission.h"
#include "net/loop.h"
#include "net/net.h"
#include "net/penalties.h"
#include "net/stream.h"

enum {
	READ_HELLO_LEN = 2 * 1024, /* ciphertext taken from a socket at once: in the handshake, */
	READ_STRANGER_LEN = 1024,  /* before log-in, */
	READ_LEAST_LEN = 4 * 1024, /* after it, */
	READ_MAX_LEN = 64 * 1024,  /* and of who has used it well */
	PLAIN_SIZE = 256 * 1024,   /* what was left over, and what one read can decrypt to */
	LEFT_OVER_MAX =
	    128 *
	    1024, /* of a connection; one whose owner takes less than this lets it grow has to pause */
	WIPED_STACK_LEN = 16 * 1024,
	OUT_SIZE = 256 * 1024,  /* ciphertext on its way to the socket */
	ANSWERS_MAX_LEN = 4096, /* of TLS itself that may wait for a peer that does not read */
	GOODBYE_MAX_LEN = 1024, /* close_notify, and a ticket that is still to be sent */
	CACHED_MAX_BYTES =
	    128 << 10, /* queued between two reads before it is flushed: it is still in the cache */
	TURN_MAX_BYTES = 1 << 20, /* queued in one turn before it is flushed early */
};

/* A record that waits for the end of the turn. In the arena, as are its bytes (or another block that lives as long). */
struct record {
	struct record *next;
	struct slice bytes;
	struct kept *kept; /* whose bytes these are; NULL: the arena's */
};

/* CONN_PROXY: a balancer is about to say whose connection it is (proxy.h). */
enum conn_state { CONN_PROXY, CONN_HANDSHAKE, CONN_OPEN, CONN_CLOSING, CONN_LINGER, CONN_DEAD };

struct conn {
	struct worker *worker;
	void *owner;
	struct stream tls; /* begun when the client's hello is here, freed from CONN_LINGER on */
	enum conn_state state;
	enum net_phase phase; /* the same, as it is counted */
	bool has_begun;       /* the peer has sent something */
	bool admitted;        /* counted by admission_enter() */
	uint8_t places;       /* of those for who has not logged in: 1 or 2; 0 once it has */
	bool authenticated;
	bool paused;
	bool said_bye;  /* close_notify is out */
	bool heard_bye; /* the peer's has come */
	bool broken;    /* no memory: to be lost at the end of the turn */
	bool has_place; /* handshake.c's, with was_spared, answered_ms and limit_ms */
	bool was_spared;
	bool dropped; /* something that was queued never went out */
	uint32_t slot;
	uint32_t read_least; /* before so much has come it is not read; 0: anything */
	struct address address;

	struct record *first, *last; /* this turn's */
	struct buffer backlog;       /* ciphertext that the socket did not take */
	struct kept *waits;          /* the first record behind the backlog; NULL: there is none */
	struct buffer waiting;       /* struct kept *: those behind it */
	size_t waiting_bytes;        /* that all these will be, about */
	size_t queued_counted;       /* how much of both is in the worker's counts */
	uint64_t crowd_bytes;        /* how much is in the worker's crowd_bytes */
	struct buffer
	    left_over; /* plaintext that the owner did not take; at first the hello, as far as it is here */
	union {
		uint64_t answered_ms; /* of who has a place, */
		uint64_t limit_ms;    /* and its deadline of before it was hurried */
	};
	size_t read_len;        /* that may be read of it at once */
	size_t answers_len;     /* of what TLS itself said since the backlog was last empty */
	size_t spared_bytes;    /* of the backlog; they don't count for output_limit */
	uint64_t flushed_bytes; /* ciphertext handed to the socket or the backlog, ever */
	uint64_t sent_bytes;    /* of these, to the socket, when the peer hung up */
	uint64_t last_sent_ms;

	struct wheel_entry deadline;
	struct list dirty_node; /* in dirty or crowd; once it is dead, in the worker's dead */
	bool in_crowd;
	struct list resume_node; /* in resuming; before it is open, in one of handshakes */
	struct loop_source source;
};

/* Who shakes hands: handshake.c. */
struct handshakes {
	uint32_t count;        /* have a place */
	struct list unhurried; /* have one for as long as they may; the oldest first */
	struct list waiting;   /* for a place, with their hello; the newest last */
	struct list owing;     /* the same, but their address owes a penalty */
};

/* What a worker alone writes and any thread may read. */
struct worker_counts {
	_Atomic uint64_t phases[NET_PHASES];
	_Atomic uint64_t failed_handshakes;
	_Atomic uint64_t received_bytes, sent_bytes;
	_Atomic uint64_t queued_bytes; /* in all backlogs */
	struct histogram turns;
};

struct slot {
	struct conn *conn; /* NULL: free */
	uint64_t generation;
	uint32_t next_free;
};

struct listener {
	struct worker *worker;
	struct loop_source source;
	struct list node;
};

struct worker {
	struct net *net;
	uint32_t index;
	void *owner;
	const struct net_events *events;
	struct net_config config;
	SSL_CTX *tls;
	bool stopping;

	struct loop loop;
	struct loop_source timer; /* a timerfd: a wait with a limit would set one anew each turn */
	uint64_t timer_due_ms;    /* what it is set to; 0: nothing */
	uint64_t alarm_due_ms;    /* worker_set_alarm()'s; 0: nothing */
	void (*alarm)(struct worker *w);
	pthread_t thread;
	struct list listeners;

	struct wheel wheel;
	struct list dirty;   /* have something of their own to send */
	struct list crowd;   /* have only what many get: they are flushed in slices */
	struct list overdue; /* their deadline has come */
	struct list resuming;
	struct handshakes handshakes;
	struct list dead; /* connections that are freed at the end of the turn */
	struct slot *slots;
	uint32_t slot_count;
	uint32_t free_slot; /* slot_count: none */
	uint32_t conn_count;
	uint64_t generation;

	struct worker_counts counts;

	struct tls_io io;
	char *in;    /* READ_MAX_LEN */
	char *plain; /* PLAIN_SIZE */
	struct arena arena;
	uint64_t crowd_records;       /* that many get, since the last flush */
	uint64_t crowd_grew;          /* by so many in this turn */
	_Atomic uint64_t crowd_bytes; /* of records that wait for their slice */
	struct kept *kept;            /* this turn's */

	/* What others send here. */
	pthread_mutex_t mail_lock;
	struct buffer inbox;
	struct worker_job *jobs, **jobs_end;
	_Atomic uint64_t inbox_len;
	struct buffer reading; /* the inbox as it was when last taken */
	struct worker_job stop_job;
	uint64_t stop_wait_ms;

	struct buffer *outbox; /* this turn's mail, one for each worker */
	bool owes_wakes;       /* to who slept when it got the mail of the turn before */
};

struct net {
	const struct net_events *events;
	void *arg;
	struct net_config config;
	SSL_CTX *tls;
	struct admission *admission;
	struct penalties *penalties;
	struct worker *workers;
	unsigned worker_count;
	unsigned started_count;
	struct sockaddr_storage *listen; /* with the real ports */
	size_t listen_count;
	int *listen_fds; /* [worker][address] */
};

/* worker.c */
bool worker_prepare(struct net *net, struct worker *w, uint32_t index);
void worker_release(struct worker *w);
int worker_start(struct worker *w);
bool worker_add_conn(struct worker *w, struct conn *c);
void worker_remove_conn(struct conn *c);
void worker_mark_dirty(struct conn *c);
void worker_mark_crowd(struct conn *c);
void worker_flush(struct worker *w);
void worker_keep_cached(struct worker *w);
void worker_arm_timer(struct worker *w);

/* Has alarm() called after so long, once, in place of the alarm before. NULL: none any more. */
void worker_set_alarm(struct worker *w, uint64_t wait_ms, void (*alarm)(struct worker *w));

/* mail.c */
void mail_hand_over(struct worker *w);     /* this turn's to the other workers */
void mail_wake_sleepers(struct worker *w); /* who slept when that of the turn before came */
void mail_on_knock(struct loop_source *knock, uint32_t events);
void mail_run_late_jobs(struct worker *w); /* that came when the thread had ended */

/* accept.c */
void conn_accept(struct worker *w, int fd, const struct sockaddr_storage *from);
void conn_read_proxy(struct conn *c);
/* false: there is none, and the connection has to go. */
bool conn_take_second_place(struct conn *c);

/* connection.c */
void conn_die(struct conn *c);
void conn_bury(struct conn *c);
void conn_on_ready(struct loop_source *source, uint32_t events);
void conn_poll_as_needed(struct conn *c);
void conn_set_user_timeout(int fd, const struct net_config *config);
void conn_resume_now(struct conn *c);
void conn_on_deadline(struct conn *c);
void conn_reconfigure(struct conn *c);
void conn_stop(struct conn *c);
void conn_lose(struct conn *c, const char *reason);
void conn_linger(struct conn *c);
void conn_open(struct conn *c);

/* handshake.c */
void handshake_read(struct conn *c); /* what is in io.in */
void handshake_leave(struct conn *c);
bool handshake_waits(const struct conn *c); /* for a place */
bool handshake_may_stay(struct conn *c);    /* beyond its deadline */
bool handshakes_may_go_on(const struct worker *w);
void handshakes_go_on(struct worker *w);

/* output.c */
void output_flush(struct conn *c);
bool output_push(struct conn *c);
void output_go_on(struct conn *c);      /* the socket takes more */
void output_end_turn(struct worker *w); /* before the arena is reset */
void output_clear(struct conn *c);
void output_count(struct conn *c);

/* listener.c */
bool listener_add(struct worker *w, int fd);
void listener_reconfigure_all(struct worker *w);
void listener_close_all(struct worker *w);
int listener_open(const struct sockaddr_storage *address, bool shared);

#endif
