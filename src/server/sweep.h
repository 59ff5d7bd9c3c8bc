/* sweep.h: removes files that have waited for longer than files.keep_days, every hour, on the main thread's loop. */
#ifndef SERVER_SWEEP_H
#define SERVER_SWEEP_H

#include <stdatomic.h>
#include <uv.h>

#include "store/store.h"

enum { SWEEP_INTERVAL_MS = 3600 * 1000 };

struct sweep {
	uv_timer_t timer;
	struct store *store;
	int64_t apart_ms;   /* the wall clock from the other one, at the last look */
	uint64_t keep_days; /* 0: for ever */
	struct store_request request;
	atomic_bool is_busy;
	uint64_t removed; /* by the one that is at work */
};

/* Begins, with a first one at once. The store is borrowed until store_close(), which waits for one at work; the timer belongs to the loop. */
void sweep_start(struct sweep *sweep, uv_loop_t *loop, struct store *store, uint64_t keep_days);

/* The setting has changed: one at once. */
void sweep_reconfigure(struct sweep *sweep, uint64_t keep_days);

#endif
