#include "chat/hash_memory.h"

#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "chat/password.h"
#include "unit.h"

enum { MIB = 1 << 20, HALF = 16 * MIB, WHOLE = 32 * MIB, NOISE = 8 * MIB };

static const struct password_cost lone = { WHOLE, 1, false }, followed = { WHOLE, 1, true },
				  smaller = { HALF, 1, true };

/* By these names libsodium has them; the headers may mean others. */
void *any_map(void *address, size_t len, int protection, int flags, int fd, off_t offset) __asm__(
    "mmap");
int any_unmap(void *block, size_t len) __asm__("munmap");

static void *map_as_libsodium(size_t len)
{
	return any_map(
	    NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

static size_t address_space(void)
{
	unsigned long pages = 0;
	FILE *file = fopen("/proc/self/statm", "r");
	assert_non_null(file);
	assert_int_equal(fscanf(file, "%lu", &pages), 1);
	fclose(file);
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static void assert_grew_by(size_t before, size_t size)
{
	size_t now = address_space();
	assert_in_range(now - before + NOISE, size, size + 2 * NOISE);
}

static void hash(const struct password_cost *cost)
{
	char hash[STORE_HASH_SIZE];
	assert_true(password_hash(SLICE("secret"), cost, hash));
	assert_int_equal(crypto_pwhash_str_verify(hash, "secret", 6), 0);
	assert_int_equal(password_verify(SLICE("secret"), hash, cost), PASSWORD_RIGHT);
	assert_int_equal(password_verify(SLICE("Secret"), hash, cost), PASSWORD_WRONG);
}

static void a_lone_hash_keeps_nothing(void **state)
{
	size_t before = address_space();
	hash(&lone);
	assert_grew_by(before, 0);
}

static void a_hash_that_another_follows_keeps_its_memory(void **state)
{
	size_t before = address_space();
	for (int i = 0; i < 3; i++) {
		hash(&followed);
		assert_grew_by(before, WHOLE);
	}
	hash(&lone); /* the last of them */
	assert_grew_by(before, 0);
}

static void what_nobody_came_for_is_given_back(void **state)
{
	size_t before = address_space();
	hash(&followed);
	hash_memory_give_back();
	assert_grew_by(before, 0);
	hash_memory_give_back();
	hash(&followed);
	hash_memory_give_back();
	assert_grew_by(before, 0);
}

static void another_size_is_another_block(void **state)
{
	size_t before = address_space();
	hash(&followed);
	hash(&smaller);
	assert_grew_by(before, HALF);
	hash(&followed);
	assert_grew_by(before, WHOLE);
	hash_memory_give_back();
	assert_grew_by(before, 0);
}

static void a_small_block_is_kept_without_what_was_in_it(void **state)
{
	static const char none[HASH_MEMORY_SMALL];
	hash_memory_begin(false);
	char *first = map_as_libsodium(HASH_MEMORY_SMALL);
	memset(first, 's', HASH_MEMORY_SMALL);
	char *second = map_as_libsodium(HASH_MEMORY_SMALL); /* more than one at a time */
	assert_true(first != MAP_FAILED && second != MAP_FAILED && second != first);
	assert_int_equal(any_unmap(second, HASH_MEMORY_SMALL), 0);
	assert_int_equal(any_unmap(first, HASH_MEMORY_SMALL), 0);
	hash_memory_end();
	hash_memory_give_back();
	assert_memory_equal(first, none, HASH_MEMORY_SMALL); /* still there */
	hash_memory_begin(false);
	assert_ptr_equal(map_as_libsodium(HASH_MEMORY_SMALL), first);
	assert_int_equal(any_unmap(first, HASH_MEMORY_SMALL), 0);
	hash_memory_end();
}

static void who_does_not_hash_has_memory_of_its_own(void **state)
{
	hash_memory_begin(false);
	any_unmap(map_as_libsodium(4096), 4096);
	hash_memory_end();
	size_t before = address_space();
	char *one = map_as_libsodium(HALF), *other = map_as_libsodium(HALF);
	assert_true(one != MAP_FAILED && other != MAP_FAILED && one != other);
	assert_grew_by(before, WHOLE);
	assert_int_equal(any_unmap(one, HALF), 0);
	assert_int_equal(any_unmap(other, HALF), 0);
	assert_grew_by(before, 0);
}

static void *hash_often(void *arg)
{
	for (int i = 0; i < 20; i++)
		hash(arg);
	hash_memory_give_back();
	return NULL;
}

static void each_thread_has_its_own(void **state)
{
	static struct password_cost costs[] = { { 8192, 1, true }, { 8192, 2, false },
		{ 256 * 1024, 1, true }, { 512 * 1024, 1, true } };
	enum { THREADS = sizeof(costs) / sizeof(*costs) };
	pthread_t threads[THREADS];
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, hash_often, &costs[i]), 0);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
}

static void without_memory_is_no_hash_and_no_harm(void **state)
{
	char text[STORE_HASH_SIZE];
	struct rlimit all, little;
	hash(&followed);
	hash_memory_give_back();
	assert_int_equal(getrlimit(RLIMIT_AS, &all), 0);
	little = (struct rlimit){ address_space() + NOISE, all.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_AS, &little), 0);
	bool is_hashed = password_hash(SLICE("secret"), &followed, text);
	assert_int_equal(setrlimit(RLIMIT_AS, &all), 0);
	assert_false(is_hashed);
	hash(&lone);
}

int main(int argc, char **argv)
{
	if (sodium_init() < 0)
		return 1;
	UNIT_TEST(a_lone_hash_keeps_nothing);
	UNIT_TEST(what_nobody_came_for_is_given_back);
	UNIT_TEST(who_does_not_hash_has_memory_of_its_own);
	UNIT_TEST(each_thread_has_its_own);
	if (HASH_MEMORY_IS_KEPT) {
		UNIT_TEST(a_hash_that_another_follows_keeps_its_memory);
		UNIT_TEST(another_size_is_another_block);
		UNIT_TEST(a_small_block_is_kept_without_what_was_in_it);
		UNIT_TEST(
		    without_memory_is_no_hash_and_no_harm); /* a sanitizer has an address space of its own */
	}
	return unit_run(argc, argv);
}
