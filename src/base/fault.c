#include "base/fault.h"

#ifdef FAULT_POINTS

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

int fault_point(const char *name)
{
	const char *chosen = getenv("MESSAGERD_FAULT");
	size_t len = strlen(name);
	if (chosen == NULL || strncmp(chosen, name, len) != 0 || chosen[len] != ':')
		return 0;
	const char *fault = chosen + len + 1;
	if (strcmp(fault, "kill") == 0)
		raise(SIGKILL);
	return strcmp(fault, "ENOSPC") == 0 ? ENOSPC : EIO;
}

#endif
