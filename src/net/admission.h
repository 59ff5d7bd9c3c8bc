/*
 * admission.h: how many connections there are, in all and from each address, and whether one more may be ([limits] of
 * messagerd.conf(5)). Shared by the workers; any thread.
 */
#ifndef NET_ADMISSION_H
#define NET_ADMISSION_H

#include <stdbool.h>
#include <stdint.h>

#include "net/address.h"
#include "net/config.h"
#include "net/net.h"

struct admission;

struct admission *admission_new(void); /* NULL: no memory */
void admission_free(struct admission *a);

/*
 * One more connection from there: counted if the limits allow it, and then given back by admission_leave(); else refusal_r says which does not.
 * An exempt address may have all the places for those who have not logged in; of others each leaves as many free as it has.
 */
bool admission_enter(struct admission *a, const struct address *from,
    const struct net_config *limits, bool exempt, enum net_refusal *refusal_r);

/*
 * The same connection needs as much memory as two: a second place of those for who has not logged in, under the same limits, which is given back with the
 * first.
 */
bool admission_take_second(struct admission *a, const struct address *from,
    const struct net_config *limits, bool exempt, enum net_refusal *refusal_r);

/* A connection was refused, by admission_enter() or for another reason. */
void admission_refused(struct admission *a, enum net_refusal refusal);

/* It has logged in and gives back its places, one or two. */
void admission_authenticated(struct admission *a, const struct address *from, unsigned places);

/* places: those that it still has, 0 if it has logged in. */
void admission_leave(struct admission *a, const struct address *from, unsigned places);

struct admission_counts {
	uint64_t connections, accepted;
	uint64_t unauthenticated; /* places that are taken */
	uint64_t refusals[NET_REFUSALS];
};
struct admission_counts admission_counts(const struct admission *a);

#endif
