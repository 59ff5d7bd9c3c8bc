/*
 * histogram.h: how long something took, counted in fixed steps; what Prometheus calls a histogram. One thread writes, any thread reads.
 * All zero is a valid empty one.
 */
#ifndef BASE_HISTOGRAM_H
#define BASE_HISTOGRAM_H

#include <stdatomic.h>
#include <stdint.h>

/* The steps' upper ends; what is longer than the last goes into a step of its own. */
static const uint64_t histogram_ends_us[] = { 1000, 2000, 5000, 10000, 20000, 50000, 100000, 200000,
	500000, 1000000, 5000000 };
enum {
	HISTOGRAM_ENDS = sizeof(histogram_ends_us) / sizeof(histogram_ends_us[0]),
	HISTOGRAM_STEPS = HISTOGRAM_ENDS + 1,
};

struct histogram {
	_Atomic uint64_t counts[HISTOGRAM_STEPS];
	_Atomic uint64_t sum_us;
};

/* What was read of one, or of several together. */
struct histogram_sum {
	uint64_t counts[HISTOGRAM_STEPS];
	uint64_t sum_us;
};

static inline void histogram_grow(_Atomic uint64_t *counter, uint64_t more)
{
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + more,
	    memory_order_relaxed);
}

static inline void histogram_add(struct histogram *h, uint64_t took_us)
{
	unsigned step = 0;
	while (step < HISTOGRAM_ENDS && took_us > histogram_ends_us[step])
		step++;
	histogram_grow(&h->counts[step], 1);
	histogram_grow(&h->sum_us, took_us);
}

static inline void histogram_read(const struct histogram *h, struct histogram_sum *sum)
{
	for (unsigned step = 0; step < HISTOGRAM_STEPS; step++)
		sum->counts[step] += atomic_load_explicit(&h->counts[step], memory_order_relaxed);
	sum->sum_us += atomic_load_explicit(&h->sum_us, memory_order_relaxed);
}

#endif
