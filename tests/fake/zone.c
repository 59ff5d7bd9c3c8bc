#include "fake/zone.h"

#include <openssl/crypto.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE = 16 << 20, HEADER = 16 };

static _Alignas(HEADER) char memory[SIZE];
static struct {
	size_t used, kept;
	char *copy;
	bool begun;
} zone;

static bool is_in_zone(const void *p)
{
	uintptr_t at = (uintptr_t)p, begins = (uintptr_t)memory;
	return at >= begins && at < begins + SIZE;
}

/* In front of each stands its size. */
static size_t size_of(const void *p)
{
	size_t size;
	memcpy(&size, (const char *)p - HEADER, sizeof(size));
	return size;
}

static void *take(size_t size, const char *file, int line)
{
	if (!zone.begun)
		return malloc(size);
	size_t whole = HEADER + (size + HEADER - 1) / HEADER * HEADER;
	if (size > SIZE || whole > SIZE - zone.used)
		return NULL;
	char *p = memory + zone.used;
	memcpy(p, &size, sizeof(size));
	zone.used += whole;
	return p + HEADER;
}

static void *resize(void *p, size_t size, const char *file, int line)
{
	if (p == NULL)
		return take(size, file, line);
	if (!is_in_zone(p))
		return realloc(p, size);
	void *larger = take(size, file, line);
	if (larger != NULL)
		memcpy(larger, p, size_of(p) < size ? size_of(p) : size);
	return larger;
}

static void give(void *p, const char *file, int line)
{
	if (!is_in_zone(p))
		free(p);
}

bool zone_prepare(void)
{
	return CRYPTO_set_mem_functions(take, resize, give) == 1;
}

void zone_done(void)
{
	free(zone.copy);
	zone.copy = NULL;
	zone.begun = false;
}

void zone_begin(void)
{
	OPENSSL_thread_stop(); /* what this thread has of its own is made anew, in the zone */
	zone.begun = true;
}

bool zone_keep(void)
{
	OPENSSL_thread_stop();
	zone.copy = malloc(zone.used);
	if (zone.copy == NULL)
		return false;
	memcpy(zone.copy, memory, zone.used);
	zone.kept = zone.used;
	return true;
}

void zone_back(void)
{
	OPENSSL_thread_stop(); /* else its errors would be kept in what is forgotten */
	memcpy(memory, zone.copy, zone.kept);
	zone.used = zone.kept;
}
