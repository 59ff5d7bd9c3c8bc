/*
 * nats.h: the inside of the bus over NATS: what nats.c, which speaks, and nats_listen.c, which hears, share. Not for other rooms.
 *
 * Subjects, below the prefix of the settings:
 *
 *	user.NAME       each server at which NAME is on listens to it: NATS itself knows where to, and where to nobody
 *	group           every server listens
 *	admin           every server listens
 *	none.SELF.P.G   what NATS answers ("no responders") to what P, G of this server sent to a user whom nobody listens for
 */
#ifndef BUS_NATS_H
#define BUS_NATS_H

#include <nats/nats.h>
#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>

#include "base/buffer.h"
#include "base/table.h"
#include "bus/engine.h"

enum { NATS_SUBJECT_SIZE = 256 };

struct nats {
	struct bus bus; /* first */
	struct bus_events events;
	void *arg;
	char prefix[BUS_WORD_SIZE];
	uint64_t self; /* this server, in the subjects that are answered to */
	natsOptions *options;
	natsConnection *connection;
	natsSubscription *group, *admin, *none;

	pthread_t thread;
	bool has_thread;
	struct table listeners;
	unsigned char hash_key[crypto_shorthash_KEYBYTES];
	uint64_t unconfirmed; /* sent since NATS last said that it had all */

	pthread_mutex_t
	    event_lock; /* held while an event is under way; then is_over is what it was */
	bool is_over;   /* nobody is there to hear of it */

	pthread_mutex_t lock;
	pthread_cond_t filled;
	struct buffer out;
	bool is_closing;

	_Atomic bool is_up;
	_Atomic bool is_closed; /* the library has given up: NATS refuses our credentials */
	_Atomic unsigned draining;
	_Atomic uint64_t users, sent, received, found_nobody, refused, unsure, dropped, malformed,
	    breaks;
};

/* "PREFIX.WHAT", or "PREFIX.WHAT.NAME" if there is a name. */
void nats_subject(const struct nats *n, char subject_r[static NATS_SUBJECT_SIZE], const char *what,
    struct slice name);

/* Where one who asked is answered, and who that is. */
void nats_answer_subject(
    const struct nats *n, char subject_r[static NATS_SUBJECT_SIZE], struct bus_sender from);

/* ---- nats_listen.c ---- */

/* Tells the library whom to call when the connection comes, goes, or has trouble. */
natsStatus nats_listen_set_options(struct nats *n);

/* The connection is there, or will be. Any thread. */
void nats_listen_came_up(struct nats *n);

/*
 * From here on the sending thread's, or before it begins and after its end. Listens, on a connection that is new, to what every server listens to, and
 * to the users that it knows.
 */
natsStatus nats_listen_to_all(struct nats *n);
void nats_listen_to_users(struct nats *n);
void nats_listen_to_nobody(struct nats *n); /* of either; the users are forgotten */

void nats_listen_join(struct nats *n, struct slice name);

/* `leaving`, unless it is NULL, is done when the last message for that user has come. */
void nats_listen_leave(struct nats *n, struct slice name, struct bus_join *leaving);

/* Tells a sender of this server that nobody was there. */
void nats_listen_say_not_there(struct nats *n, struct bus_sender from);

#endif
