#include "server/sweep.h"

#include "base/clock.h"
#include "base/log.h"

enum { DAY_MS = 24 * 3600 * 1000 };

static void swept(struct store_request *request)
{
	struct sweep *sweep = request->arg;
	uint64_t removed = request->status == STORE_OK ? request->files : 0;
	sweep->removed += removed;
	if (removed > 0) { /* perhaps there are more */
		request->files = 0;
		store_submit(sweep->store, request);
		return;
	}
	if (sweep->removed > 0)
		log_info("files-expired", LOG_INT("count", sweep->removed));
	atomic_store(&sweep->is_busy, false);
}

/*
 * By how much the wall clock has moved against the other one since the last look. After a step of more than a day nothing is removed for
 * an interval: whoever set the clock wrong by years has that long to notice before files that people wait for are gone.
 */
static bool clock_has_stepped(struct sweep *sweep)
{
	int64_t apart_ms = clock_wall_ms() - (int64_t)clock_now_ms();
	int64_t step_ms = sweep->apart_ms != 0 ? apart_ms - sweep->apart_ms : 0;
	sweep->apart_ms = apart_ms;
	if (step_ms > -DAY_MS && step_ms < DAY_MS)
		return false;
	log_warn("clock-stepped", LOG_INT("seconds", step_ms / 1000));
	return true;
}

static void sweep_now(struct sweep *sweep)
{
	if (clock_has_stepped(sweep) || sweep->keep_days == 0 ||
	    atomic_exchange(&sweep->is_busy, true))
		return;
	sweep->removed = 0;
	sweep->request = (struct store_request){ .call = STORE_FILE_EXPIRE,
		.done = swept,
		.arg = sweep,
		.created_ms = clock_wall_ms() - (int64_t)sweep->keep_days * DAY_MS };
	store_submit(sweep->store, &sweep->request);
}

static void on_timer(uv_timer_t *timer)
{
	sweep_now(timer->data);
}

void sweep_start(struct sweep *sweep, uv_loop_t *loop, struct store *store, uint64_t keep_days)
{
	sweep->store = store;
	sweep->keep_days = keep_days;
	sweep->timer.data = sweep;
	uv_timer_init(loop, &sweep->timer); /* neither can fail for a good loop */
	uv_timer_start(&sweep->timer, on_timer, 0, SWEEP_INTERVAL_MS);
}

void sweep_reconfigure(struct sweep *sweep, uint64_t keep_days)
{
	sweep->keep_days = keep_days;
	sweep_now(sweep);
}
