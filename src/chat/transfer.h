/*
 * transfer.h: what uploads and downloads share: a file of the store, and its way between the session's worker and the store's threads.
 * The session may end at any time; then whoever has the transfer at hand gives back what it holds. Private to chat/.
 *
 *	                 transfer_start()        transfer_back()             next()
 *	worker (session) ----------------> store -----------------> worker ------->
 *	                                     '--- the session has ended: discarded here
 */
#ifndef CHAT_TRANSFER_H
#define CHAT_TRANSFER_H

#include <stdatomic.h>
#include <stdbool.h>

#include "net/net.h"
#include "store/files.h"

struct session;
struct transfer;

typedef void transfer_next_fn(struct session *s);

struct transfer {
	struct worker_job back; /* first */
	struct file file;
	struct worker *worker;
	void (*free)(
	    struct transfer *t); /* frees the whole, of which this is the first part; any thread */

	/* The worker's. */
	struct session *session; /* NULL: it has ended */
	bool is_busy;            /* a call is under way, or its return is */
	transfer_next_fn *next;

	_Atomic int place;
};

void transfer_init(struct transfer *t, struct session *s, void (*free)(struct transfer *t));

/*
 * Before each call of file_*(): when it is done, next() is called on the worker, unless the session has ended. One call at a time.
 */
void transfer_start(struct transfer *t, transfer_next_fn *next);

/* The same for a call that is none of file_*(): its done() calls transfer_back(), on a thread of the store. */
void transfer_back(struct transfer *t);

/*
 * The session needs it no more, or ends: what the file holds is given back, of one that was not finished nothing stays, and the memory is
 * freed. At once or when the call that is under way is done.
 */
void transfer_leave(struct transfer *t);

#endif
