/* resolve.h: looks up a server's addresses without keeping anybody waiting. One look-up each; used by one thread. */
#ifndef CLIENT_RESOLVE_H
#define CLIENT_RESOLVE_H

#include <netdb.h>

#include "client/options.h"
#include "client/why.h"

struct resolve;

/* Begins to look up (an address in digits is not asked for anywhere). NULL: why says it. */
struct resolve *resolve_new(const struct server_name *name, struct why *why);

/* Gives it up if it still runs. Accepts NULL; *r is NULL afterwards. */
void resolve_free(struct resolve **r);

/* Becomes readable when the answer is there. */
int resolve_fd(const struct resolve *r);

/*
 * The answer, once resolve_fd() is readable; asked for once: the addresses in the order to try them; they live as long as r.
 * NULL: why says it.
 */
const struct addrinfo *resolve_answer(struct resolve *r, struct why *why);

#endif
