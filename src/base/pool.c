#include "base/pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

struct pool {
	pthread_mutex_t lock;
	pthread_cond_t filled;
	struct pool_job *first, **end;
	size_t waiting;
	unsigned asleep; /* threads that wait and nobody has woken yet */
	_Atomic unsigned submitting;
	bool closing;
	unsigned thread_count;
	pthread_t threads[];
};

static void *run(void *arg)
{
	struct pool *p = arg;
	pthread_mutex_lock(&p->lock);
	for (;;) {
		while (p->first == NULL && !p->closing) {
			p->asleep++;
			pthread_cond_wait(&p->filled, &p->lock);
		}
		struct pool_job *job = p->first;
		if (job == NULL)
			break;
		p->first = job->next;
		if (p->first == NULL)
			p->end = &p->first;
		p->waiting--;
		pthread_mutex_unlock(&p->lock);
		job->run(job);
		pthread_mutex_lock(&p->lock);
	}
	pthread_mutex_unlock(&p->lock);
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
	p->end = &p->first;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->filled, NULL);
	while (p->thread_count < threads &&
	       pthread_create(&p->threads[p->thread_count], NULL, run, p) == 0)
		have_it_give_way(p->threads[p->thread_count++]);
	if (p->thread_count == 0) {
		pool_free(p);
		return NULL;
	}
	return p;
}

void pool_free(struct pool *p)
{
	if (p == NULL)
		return;
	pthread_mutex_lock(&p->lock);
	p->closing = true;
	pthread_cond_broadcast(&p->filled);
	pthread_mutex_unlock(&p->lock);
	for (unsigned i = 0; i < p->thread_count; i++)
		pthread_join(p->threads[i], NULL);
	while (p->submitting > 0) /* its job is done already, it is about to return */
		sched_yield();
	pthread_cond_destroy(&p->filled);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

void pool_submit(struct pool *p, struct pool_job *job)
{
	job->next = NULL;
	p->submitting++;
	pthread_mutex_lock(&p->lock);
	*p->end = job;
	p->end = &job->next;
	p->waiting++;
	bool wakes = p->asleep > 0; /* the others will see it when they are done */
	if (wakes)
		p->asleep--;
	pthread_mutex_unlock(&p->lock);
	if (wakes)
		pthread_cond_signal(
		    &p->filled); /* after the lock, or who wakes up has to wait for it */
	p->submitting--;
}

size_t pool_waiting(struct pool *p)
{
	pthread_mutex_lock(&p->lock);
	size_t waiting = p->waiting;
	pthread_mutex_unlock(&p->lock);
	return waiting;
}
