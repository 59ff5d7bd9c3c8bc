/*
 * stepping_clock.c: to be preloaded: a wall clock that steps when a test says so. The file that STEPPING_CLOCK names is shared memory:
 *
 *	step_s   by so many seconds it is off
 */
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "shared_control.h"

struct control {
	_Atomic int64_t step_s;
};

static struct control *control;

__attribute__((constructor)) static void open_control(void)
{
	control = shared_control_open("STEPPING_CLOCK", sizeof(*control));
}

int clock_gettime(clockid_t clock, struct timespec *t)
{
	if (syscall(SYS_clock_gettime, clock, t) != 0)
		return -1;
	if (control != NULL && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
		t->tv_sec += control->step_s;
	return 0;
}

time_t time(time_t *seconds_r)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	if (seconds_r != NULL)
		*seconds_r = t.tv_sec;
	return t.tv_sec;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
	struct timespec t;
	(void)zone;
	clock_gettime(CLOCK_REALTIME, &t);
	*now = (struct timeval){ t.tv_sec, t.tv_nsec / 1000 };
	return 0;
}
