/*
 * verdict.h: is this the server one means? What the options and the known keys (trust.h) say about a key that a server has shown and
 * proved to own. Blocking file calls; one thread.
 */
#ifndef CLIENT_VERDICT_H
#define CLIENT_VERDICT_H

#include "client/options.h"
#include "client/why.h"

enum verdict {
	VERDICT_TRUSTED, /* how_r: by what, for a person */
	VERDICT_ASK,     /* the server is not known: a person must compare the fingerprint */
	VERDICT_REFUSED, /* why says it; nothing must be sent */
};

/* What the server has shown. */
struct shown {
	const char *key; /* its fingerprint */
	const char
	    *certificate; /* the whole certificate's, with which --fingerprint may be given too */
	enum certificate_dates dates;
	const char *date; /* since or from when, where it is not in force */
};

/*
 * Judges a key. With --ca the handshake has asked the authorities already. A certificate that is not in force is refused, unless
 * --fingerprint vouches for it.
 *   trusted  the fingerprint that was trusted earlier in this run; "": none was
 *   can_ask  a person is there
 *   why      on VERDICT_TRUSTED: "", or a warning that the key could not be remembered
 */
enum verdict verdict_find(const struct options *options, const struct shown *shown,
    const char *trusted, bool can_ask, const char **how_r, struct why *why);

/* The person has said yes: remembers the key. As verdict_find(), but never asks. */
enum verdict verdict_remember(
    const struct options *options, const char *shown, const char **how_r, struct why *why);

#endif
