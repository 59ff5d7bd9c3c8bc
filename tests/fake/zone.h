/*
 * zone.h: OpenSSL's memory, from a place that can be put back as it was. A fuzzer that would shake hands for each input does it once, keeps that,
 * and puts it back: a copy in place of a thousand allocations and some arithmetic of curves.
 *
 *	| begun ... kept | since |
 *	`--- copied back-'`forgotten
 *
 * What is freed in the zone is not used again before it is put back. What OpenSSL has for all of its users (fetched ciphers, the text of errors) must
 * not be in it, for that is not put back: so the zone begins when all that has happened once.
 */
#ifndef FAKE_ZONE_H
#define FAKE_ZONE_H

#include <stdbool.h>

/* Before OpenSSL allocates anything. false: it has. */
bool zone_prepare(void);

/* What lies in the zone may still be used, and freed. */
void zone_done(void);

/* What OpenSSL allocates from now on lies in the zone. */
void zone_begin(void);

/* How the zone is now is how zone_back() makes it. false: no memory. */
bool zone_keep(void);
void zone_back(void);

#endif
