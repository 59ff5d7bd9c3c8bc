#include "base/pool.h"

#include <stdatomic.h>

#include "unit.h"

enum { JOBS = 1000 };

static struct test_job {
	struct pool_job job;
	struct pool *pool;
	struct test_job *then; /* handed in by this one */
	_Atomic int runs;
} jobs[JOBS];

static void run_once(struct pool_job *job)
{
	struct test_job *t = (struct test_job *)(void *)job;
	t->runs++;
	if (t->then != NULL)
		pool_submit(t->pool, &t->then->job);
}

static void prepare(struct pool *pool)
{
	for (int i = 0; i < JOBS; i++)
		jobs[i] = (struct test_job){ .job.run = run_once, .pool = pool };
}

static void runs_each_job_once_before_it_ends(void **state)
{
	struct pool *pool = pool_new(4);
	prepare(pool);
	for (int i = 0; i < JOBS; i++)
		pool_submit(pool, &jobs[i].job);
	pool_free(pool);
	for (int i = 0; i < JOBS; i++)
		assert_int_equal(jobs[i].runs, 1);
}

static void a_job_may_hand_in_another_even_at_the_end(void **state)
{
	struct pool *pool = pool_new(2);
	prepare(pool);
	for (int i = 0; i + 1 < JOBS; i++)
		jobs[i].then = &jobs[i + 1];
	pool_submit(pool, &jobs[0].job);
	pool_free(pool);
	for (int i = 0; i < JOBS; i++)
		assert_int_equal(jobs[i].runs, 1);
}

static void says_when_there_is_no_memory(void **state)
{
	unit_allocate_only(0);
	assert_null(pool_new(2));
	unit_allocate_all();
	pool_free(NULL);
}

int main(int argc, char **argv)
{
	UNIT_TEST(runs_each_job_once_before_it_ends);
	UNIT_TEST(a_job_may_hand_in_another_even_at_the_end);
	UNIT_TEST(says_when_there_is_no_memory);
	return unit_run(argc, argv);
}
