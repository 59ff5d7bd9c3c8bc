/*
 * fault.h: places at which a test can make the program die or a step fail, to see what is left behind. Only in builds with
 * -Dfaultpoints=true, and only if the environment says so; elsewhere a fault point is the constant 0.
 *
 *	MESSAGERD_FAULT=NAME:kill      the process is killed when it first comes to that point
 *	MESSAGERD_FAULT=NAME:EIO       the step behind the point fails with that error, each time (or ENOSPC)
 */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H

#ifdef FAULT_POINTS

/* Returns 0, or the errno value with which the step behind this point shall fail. Any thread. */
int fault_point(const char *name);

#else

static inline int fault_point(const char *name)
{
	return 0;
}

#endif

#endif
