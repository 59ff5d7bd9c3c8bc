/*
 * pool.h: a fixed number of threads that work off jobs, first come first served: for what would make a loop wait. The queues have no
 * bound of their own: jobs are their callers' memory, and callers bound how many they have.
 */
#ifndef BASE_POOL_H
#define BASE_POOL_H

#include <stdbool.h>
#include <stddef.h>

struct pool;

struct pool_job {
	struct pool_job *next;
	void (*run)(struct pool_job
		*job); /* on a thread of the pool; the job's memory is its own to free */
};

/* NULL: no memory or no threads. */
struct pool *pool_new(unsigned threads);

/* From now on each thread calls it when it has nothing to do and is about to sleep or to end. Once, before the first job. */
void pool_on_rest(struct pool *p, void (*rest)(void));

/* Works off what is queued, ends the threads, frees. No pool_submit() may come after, but from jobs. Accepts NULL. */
void pool_free(struct pool *p);

/* Never fails, never waits. Any thread. */
void pool_submit(struct pool *p, struct pool_job *job);

/*
 * The same for a job that can wait: those of pool_submit() go before it, but after POOL_STREAK of them in a row one of these has its turn, so
 * that none waits for ever.
 */
enum { POOL_STREAK = 8 };
void pool_submit_later(struct pool *p, struct pool_job *job);

/* How many jobs wait, those at work not counted. Any thread. */
size_t pool_waiting(struct pool *p);

#endif
