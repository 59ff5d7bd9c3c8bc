#include "meter.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

_Noreturn void fail(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	fputs("load: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	exit(1);
}

static uint64_t read_clock(clockid_t clock)
{
	struct timespec t;
	if (clock_gettime(clock, &t) < 0)
		fail("a clock can't be read (is the server gone?)");
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

uint64_t meter_now_ns(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

uint64_t meter_cpu_ns(pid_t pid)
{
	clockid_t clock;
	if (clock_getcpuclockid(pid, &clock) != 0)
		fail("process %d has no clock", (int)pid);
	return read_clock(clock);
}

uint64_t meter_memory_bytes(pid_t pid)
{
	char path[64], line[256];
	unsigned long kib = 0;
	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
	FILE *file = fopen(path, "r");
	if (file == NULL)
		fail("%s can't be read", path);
	while (fgets(line, sizeof(line), file) != NULL && sscanf(line, "Pss: %lu", &kib) != 1)
		continue;
	fclose(file);
	return (uint64_t)kib * 1024;
}

/* The slot: the exponent, and the HISTOGRAM_STEPS values of the bits below the leading one. */
static unsigned slot_of(uint64_t ns)
{
	if (ns < HISTOGRAM_STEPS)
		return (unsigned)ns;
	unsigned shift = 63 - (unsigned)__builtin_clzll(ns) - 6;
	return (shift + 1) * HISTOGRAM_STEPS + (unsigned)((ns >> shift) - HISTOGRAM_STEPS);
}

static uint64_t middle_of(unsigned slot)
{
	if (slot < HISTOGRAM_STEPS)
		return slot;
	unsigned shift = slot / HISTOGRAM_STEPS - 1;
	uint64_t low = (uint64_t)(slot % HISTOGRAM_STEPS + HISTOGRAM_STEPS) << shift;
	return low + (UINT64_C(1) << shift) / 2;
}

void histogram_add(struct histogram *h, uint64_t ns)
{
	h->slot[slot_of(ns)]++;
	h->count++;
}

uint64_t histogram_at(const struct histogram *h, double share)
{
	uint64_t rank = (uint64_t)(share * (double)h->count), seen = 0;
	for (unsigned slot = 0; slot < HISTOGRAM_SLOTS; slot++) {
		seen += h->slot[slot];
		if (seen > rank)
			return middle_of(slot);
	}
	return 0;
}
