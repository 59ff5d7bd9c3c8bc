#include "base/pool.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>

struct queue {
	struct pool_job *first, **end;
};

struct pool {
	pthread_mutex_t lock;
	sem_t
	    filled; /* no condition variable: who wakes from that holds the lock as one that others wait for, and has to wake nobody */
	struct queue soon, later;
	unsigned streak; /* of soon, while later waits */
	size_t waiting;
	unsigned asleep; /* threads that wait and nobody has woken yet */
	_Atomic unsigned submitting;
	bool closing;
	void (*rest)(void); /* NULL: nothing */
	unsigned thread_count;
	pthread_t threads[];
};

static void append(struct queue *q, struct pool_job *job)
{
	job->next = NULL;
	*q->end = job;
	q->end = &job->next;
}

/* NULL: it is empty. */
static struct pool_job *take(struct queue *q)
{
	struct pool_job *job = q->first;
	if (job == NULL)
		return NULL;
	q->first = job->next;
	if (q->first == NULL)
		q->end = &q->first;
	return job;
}

static bool is_idle(const struct pool *p)
{
	return p->soon.first == NULL && p->later.first == NULL;
}

static struct pool_job *next_job(struct pool *p)
{
	bool later_waits = p->later.first != NULL;
	if (p->soon.first == NULL || (later_waits && p->streak >= POOL_STREAK)) {
		p->streak = 0;
		return take(&p->later);
	}
	p->streak = later_waits ? p->streak + 1 : 0;
	return take(&p->soon);
}

static void *run(void *arg)
{
	struct pool *p = arg;
	pthread_mutex_lock(&p->lock);
	for (;;) {
		while (is_idle(p) && !p->closing) {
			p->asleep++;
			void (*rest)(void) = p->rest;
			pthread_mutex_unlock(&p->lock);
			if (rest != NULL)
				rest();
			while (sem_wait(&p->filled) != 0) /* a signal */
				;
			pthread_mutex_lock(&p->lock);
		}
		struct pool_job *job = next_job(p);
		if (job == NULL)
			break;
		p->waiting--;
		pthread_mutex_unlock(&p->lock);
		job->run(job);
		pthread_mutex_lock(&p->lock);
	}
	pthread_mutex_unlock(&p->lock);
	if (p->rest != NULL)
		p->rest();
	return NULL;
}

/* A thread that gets something to do is not to push aside the one that brings it: loops go first, and bring more meanwhile. */
static void have_it_give_way(pthread_t thread)
{
	const struct sched_param none = { 0 };
	pthread_setschedparam(
	    thread, SCHED_BATCH, &none); /* where that is refused, it is only slower */
}

struct pool *pool_new(unsigned threads)
{
	struct pool *p = calloc(1, sizeof(*p) + threads * sizeof(*p->threads));
	if (p == NULL)
		return NULL;
	p->soon.end = &p->soon.first;
	p->later.end = &p->later.first;
	pthread_mutex_init(&p->lock, NULL);
	sem_init(&p->filled, 0, 0);
	while (p->thread_count < threads &&
	       pthread_create(&p->threads[p->thread_count], NULL, run, p) == 0)
		have_it_give_way(p->threads[p->thread_count++]);
	if (p->thread_count == 0) {
		pool_free(p);
		return NULL;
	}
	return p;
}

void pool_on_rest(struct pool *p, void (*rest)(void))
{
	pthread_mutex_lock(&p->lock);
	p->rest = rest;
	pthread_mutex_unlock(&p->lock);
}

void pool_free(struct pool *p)
{
	if (p == NULL)
		return;
	pthread_mutex_lock(&p->lock);
	p->closing = true;
	for (; p->asleep > 0; p->asleep--)
		sem_post(&p->filled);
	pthread_mutex_unlock(&p->lock);
	for (unsigned i = 0; i < p->thread_count; i++)
		pthread_join(p->threads[i], NULL);
	while (p->submitting > 0) /* its job is done already, it is about to return */
		sched_yield();
	sem_destroy(&p->filled);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

static void submit(struct pool *p, struct queue *q, struct pool_job *job)
{
	p->submitting++;
	pthread_mutex_lock(&p->lock);
	append(q, job);
	p->waiting++;
	bool wakes = p->asleep > 0; /* the others will see it when they are done */
	if (wakes)
		p->asleep--;
	pthread_mutex_unlock(&p->lock);
	if (wakes)
		sem_post(&p->filled); /* after the lock, or who wakes up has to wait for it */
	p->submitting--;
}

void pool_submit(struct pool *p, struct pool_job *job)
{
	submit(p, &p->soon, job);
}

void pool_submit_later(struct pool *p, struct pool_job *job)
{
	submit(p, &p->later, job);
}

size_t pool_waiting(struct pool *p)
{
	pthread_mutex_lock(&p->lock);
	size_t waiting = p->waiting;
	pthread_mutex_unlock(&p->lock);
	return waiting;
}
