#include "base/pool.h"

#include <semaphore.h>
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

enum { SOON = 3 * POOL_STREAK, LATER = 10 };

static sem_t begun, all_handed_in;
static char order[SOON + LATER + 1];
static size_t order_len;

static void await(sem_t *event)
{
	while (sem_wait(event) != 0)
		;
}

static void wait_for_all(struct pool_job *job)
{
	sem_post(&begun);
	await(&all_handed_in);
}

static void note_soon(struct pool_job *job)
{
	order[order_len++] = 's';
}

static void note_later(struct pool_job *job)
{
	order[order_len++] = 'l';
}

static void what_can_wait_has_its_turn_after_a_streak(void **state)
{
	static struct pool_job first = { .run = wait_for_all }, soon[SOON], later[LATER];
	struct pool *pool = pool_new(1);
	sem_init(&begun, 0, 0);
	sem_init(&all_handed_in, 0, 0);
	pool_submit(pool, &first);
	await(&begun);
	for (int i = 0; i < LATER; i++) {
		later[i].run = note_later;
		pool_submit_later(pool, &later[i]);
	}
	for (int i = 0; i < SOON; i++) {
		soon[i].run = note_soon;
		pool_submit(pool, &soon[i]);
	}
	sem_post(&all_handed_in);
	pool_free(pool);
	sem_destroy(&all_handed_in);
	sem_destroy(&begun);
	char expected[sizeof(order)];
	size_t len = 0;
	for (int i = 0; i < SOON + LATER; i++) {
		bool is_later =
		    len >= SOON + SOON / POOL_STREAK || len % (POOL_STREAK + 1) == POOL_STREAK;
		expected[len++] = is_later ? 'l' : 's';
	}
	expected[len] = '\0';
	assert_string_equal(order, expected);
}

static sem_t rested;
static _Atomic int rests;

static void note_rest(void)
{
	rests++;
	sem_post(&rested);
}

static void await_rest_after(int before)
{
	while (rests == before)
		await(&rested);
}

/* Before it sleeps, each time, and before it ends. */
static void a_thread_says_that_it_rests(void **state)
{
	static struct pool_job first = { .run = note_soon }, second = { .run = note_soon };
	struct pool *pool = pool_new(1);
	sem_init(&rested, 0, 0);
	order_len = 0;
	pool_on_rest(pool, note_rest);
	pool_submit(pool, &first);
	await_rest_after(0);
	int before = rests;
	pool_submit(pool, &second);
	await_rest_after(before);
	before = rests;
	pool_free(pool);
	assert_true(rests > before);
	assert_int_equal(order_len, 2);
	sem_destroy(&rested);
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
	UNIT_TEST(what_can_wait_has_its_turn_after_a_streak);
	UNIT_TEST(a_thread_says_that_it_rests);
	UNIT_TEST(says_when_there_is_no_memory);
	return unit_run(argc, argv);
}
