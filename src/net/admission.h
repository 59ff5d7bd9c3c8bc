/*
 * admission.h: how many connections there are, in all and from each address, and whether one more may be ([limits] of
 * configuration.md). Shared by the workers; any thread.
 */
#ifndef NET_ADMISSION_H
#define NET_ADMISSION_H

#include <stdbool.h>
#include <stdint.h>

#include "net/address.h"
#include "net/config.h"

struct admission;

struct admission *admission_new(void); /* NULL: no memory */
void admission_free(struct admission *a);

/* One more connection from there: counted if the limits allow it. Each is given back by admission_leave(). */
bool admission_enter(
    struct admission *a, const struct address *from, const struct net_config *limits);

/* It has logged in. */
void admission_authenticated(struct admission *a);

void admission_leave(struct admission *a, const struct address *from, bool authenticated);

struct admission_counts {
	uint64_t connections, unauthenticated, accepted, refused;
};
struct admission_counts admission_counts(const struct admission *a);

#endif
