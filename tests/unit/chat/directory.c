#include "chat/directory.h"

#include <pthread.h>
#include <sodium.h>
#include <stdio.h>

#include "unit.h"

static struct directory_entry entry_of(const char *name, uint32_t slot)
{
	struct directory_entry e = { .conn = { 0, slot, 1 }, .name_len = (uint8_t)strlen(name) };
	memcpy(e.name, name, strlen(name) + 1);
	return e;
}

static void add_name(const struct directory_entry *entry, void *arg)
{
	strcat(arg, entry->name);
	strcat(arg, " ");
}

static void lists_the_longest_online_first(void **state)
{
	struct directory *d = directory_new();
	struct directory_entry ann = entry_of("ann", 1), bob = entry_of("bob", 2),
			       cy = entry_of("cy", 3);
	char names[64] = "";
	assert_true(directory_add(d, &cy) && directory_add(d, &ann) && directory_add(d, &bob));
	directory_each(d, 100, add_name, names);
	assert_string_equal(names, "cy ann bob ");
	directory_remove(d, &cy);
	assert_true(directory_add(d, &cy));
	names[0] = '\0';
	directory_each(d, 2, add_name, names);
	assert_string_equal(names, "ann bob ");
	assert_int_equal(directory_count(d), 3);
	directory_free(d);
}

static void a_name_is_there_once(void **state)
{
	struct directory *d = directory_new();
	struct directory_entry first = entry_of("ann", 1), second = entry_of("ann", 2);
	struct conn_id found;
	assert_true(directory_add(d, &first));
	assert_false(directory_add(d, &second));
	assert_true(directory_find(d, SLICE("ann"), &found));
	assert_int_equal(found.slot, 1);
	assert_false(directory_find(d, SLICE("Ann"), &found));
	assert_false(directory_find(d, SLICE("an"), &found));
	directory_remove(d, &first);
	assert_false(directory_find(d, SLICE("ann"), &found));
	assert_true(directory_add(d, &second));
	directory_free(d);
}

/* Many threads want the same few names: each name has one owner at a time. */
enum { THREADS = 8, ROUNDS = 2000, NAMES = 3 };
struct contest {
	struct directory *directory;
	_Atomic int owners[NAMES];
	_Atomic int broken;
};

static void *contend(void *arg)
{
	struct contest *contest = arg;
	char name[8];
	for (int i = 0; i < ROUNDS; i++) {
		int n = i % NAMES;
		snprintf(name, sizeof(name), "user%d", n);
		struct directory_entry e = entry_of(name, (uint32_t)i);
		if (!directory_add(contest->directory, &e))
			continue;
		if (++contest->owners[n] != 1)
			contest->broken++;
		contest->owners[n]--;
		directory_remove(contest->directory, &e);
	}
	return NULL;
}

static void one_of_many_threads_gets_a_name(void **state)
{
	struct contest contest = { .directory = directory_new() };
	pthread_t threads[THREADS];
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, contend, &contest), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(contest.broken, 0);
	assert_int_equal(directory_count(contest.directory), 0);
	directory_free(contest.directory);
}

int main(int argc, char **argv)
{
	if (sodium_init() < 0)
		return 1;
	UNIT_TEST(lists_the_longest_online_first);
	UNIT_TEST(a_name_is_there_once);
	UNIT_TEST(one_of_many_threads_gets_a_name);
	return unit_run(argc, argv);
}
