/*
 * landlock.h: what of the disk and of the network this process may still reach (landlock(7)). A thin face: the headers that distributions
 * ship are often older than the kernel. One thread; holds for that thread and those it starts later.
 */
#ifndef SERVER_LANDLOCK_H
#define SERVER_LANDLOCK_H

#include <stdbool.h>

/* What the kernel knows: 0: nothing, it is missing or off; else the version of its interface. */
int landlock_version(void);

/* A set of rules that allow nothing yet; may_connect: TCP connections to others stay possible. -1: errno tells. */
int landlock_new(int version, bool may_connect);

enum landlock_use { LANDLOCK_READ, LANDLOCK_READ_WRITE };

/* Allows the use of a file, or of a folder with all below it. What is not there is left out. false: errno tells. */
bool landlock_allow(int rules, int version, const char *path, enum landlock_use use);

/* Puts the rules into force and closes them. false: errno tells. */
bool landlock_enforce(int rules);

#endif
