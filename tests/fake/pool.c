/* pool.c: stands in for base/pool.c: jobs are run when told to, on the caller's thread. */
#include "base/pool.h"

#include <stdlib.h>

#include "fake/fake.h"

struct pool {
	struct pool_job *first, **end;
	size_t waiting;
};

struct pool *pool_new(unsigned threads)
{
	struct pool *p = calloc(1, sizeof(*p));
	if (p != NULL)
		p->end = &p->first;
	return p;
}

bool fake_pool_step(struct pool *p)
{
	struct pool_job *job = p->first;
	if (job == NULL)
		return false;
	p->first = job->next;
	if (p->first == NULL)
		p->end = &p->first;
	p->waiting--;
	job->run(job);
	return true;
}

void pool_on_rest(struct pool *p, void (*rest)(void))
{
}

void pool_free(struct pool *p)
{
	while (p != NULL && fake_pool_step(p))
		;
	free(p);
}

void pool_submit(struct pool *p, struct pool_job *job)
{
	job->next = NULL;
	*p->end = job;
	p->end = &job->next;
	p->waiting++;
}

void pool_submit_later(struct pool *p, struct pool_job *job)
{
	pool_submit(p, job);
}

size_t pool_waiting(struct pool *p)
{
	return p->waiting;
}
