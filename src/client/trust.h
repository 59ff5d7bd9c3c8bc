/*
 * trust.h: the keys of the servers that one has trusted (protocol.md, 1). One text file, a line for each server:
 *
 *	HOST:PORT sha256:HEX
 *
 * It is replaced as a whole under a lock, so several clients can use it at once. A line that is not understood makes the
 * whole file untrusted: it might be the one that would have told of a changed key.
 * Blocking file calls; paths in the clear; any thread.
 */
#ifndef CLIENT_TRUST_H
#define CLIENT_TRUST_H

#include "client/why.h"
#include "net/certificate.h"

enum trust {
	TRUST_KNOWN,   /* the server has that key */
	TRUST_UNKNOWN, /* nothing is known of the server */
	TRUST_CHANGED, /* another key is known */
	TRUST_BROKEN,  /* the file can't be read or understood; why says where */
	TRUST_UNSAVED, /* trust_remember(): the file can't be written */
};

/*
 * Looks a server up.
 *   server  its HOST:PORT as server_name_text() writes it
 *   known_r on TRUST_CHANGED: the fingerprint that the file has
 */
enum trust trust_look_up(const char *path, const char *server, const char *fingerprint,
    char known_r[static FINGERPRINT_SIZE], struct why *why);

/*
 * Adds a server, and makes the file (mode 0600) and its folder where needed. TRUST_KNOWN: it is on disk, or was there. Another
 * client may have been faster: then TRUST_CHANGED as above. Never replaces a key.
 */
enum trust trust_remember(const char *path, const char *server, const char *fingerprint,
    char known_r[static FINGERPRINT_SIZE], struct why *why);

#endif
