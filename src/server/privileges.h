/* privileges.h: from root to a user without rights. Main thread, before there is any other. */
#ifndef SERVER_PRIVILEGES_H
#define SERVER_PRIVILEGES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Who a user is. false with a sentence in why: there is no such user. */
bool privileges_find(const char *user, uid_t *uid_r, gid_t *gid_r, char *why, size_t why_size);

/*
 * Becomes that user, for good, with its groups; of root's rights only that to listen on ports below 1024 stays. Nothing
 * happens if it is that user already. false with a sentence in why.
 */
bool privileges_become(const char *user, char *why, size_t why_size);

#endif
