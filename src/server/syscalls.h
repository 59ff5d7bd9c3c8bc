/* syscalls.h: the system calls that the running server needs, and no others (seccomp(2)). */
#ifndef SERVER_SYSCALLS_H
#define SERVER_SYSCALLS_H

#include <stdbool.h>

/*
 * From now on, for all threads: what is not on the list fails with ENOSYS, as on an older kernel (so that libraries fall back to
 * what is), and to run a program or to touch another process ends the process. reaches_out: connections to other hosts,
 * with the name look-ups that they need, stay possible. There is no way back. false: errno tells; ENOTSUP: not in this build.
 */
bool syscalls_restrict(bool reaches_out);

#endif
