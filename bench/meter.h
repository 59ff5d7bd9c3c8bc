/* meter.h: what is measured: time, latencies, and what a server's process has used. One thread. */
#ifndef BENCH_METER_H
#define BENCH_METER_H

#include <stdint.h>
#include <sys/types.h>

#define NS_PER_S UINT64_C(1000000000)

/* Says why on standard error and ends the program with status 1: a measurement that went wrong is none. */
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A clock that only goes forward. */
uint64_t meter_now_ns(void);

/* CPU time that a process has used so far, user and system, all threads, from its own clock; 0: this process. */
uint64_t meter_cpu_ns(pid_t pid);

/* Memory of a process that no other shares (its proportional set size), in bytes. */
uint64_t meter_memory_bytes(pid_t pid);

/*
 * Latencies in ns, kept to within 1.6 %: 64 steps in each power of two.
 */
enum { HISTOGRAM_STEPS = 64, HISTOGRAM_SLOTS = 64 * HISTOGRAM_STEPS };
struct histogram {
	uint64_t slot[HISTOGRAM_SLOTS];
	uint64_t count;
};
void histogram_add(struct histogram *h, uint64_t ns);

/* The latency that the given share (0 to 1) does not exceed; 0 if there are none. */
uint64_t histogram_at(const struct histogram *h, double share);

#endif
