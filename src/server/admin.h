/*
 * admin.h: what messagerctl talks to: a Unix stream socket that only the server's owner can open (mode 0600). One request per connection:
 *
 *	the client sends    FORM LENGTH LF      FORM is text or json: how the answer shall look; LENGTH: that of the body, in bytes
 *	                    word LF             the command and its arguments, one a line: "user" LF "add" LF "ann" LF
 *	                    LF
 *	                    body                what belongs to the command: a password, the lines of a user.csv
 *	the server sends    ok | error LF       whether it was done
 *	                    what to print       lines of text for a person, or one JSON object and LF
 *	                                        and closes
 *
 * Before the answer to "backup" come the bytes of the archive, in any number of pieces: LENGTH LF, then so many bytes. Without an "ok" behind
 * them they are no archive.
 *
 * A word is not empty and has no LF and no NUL. Bounds: admin_request.h, and below. The commands: admin_commands.c.
 */
#ifndef SERVER_ADMIN_H
#define SERVER_ADMIN_H

#include "net/net.h"

struct admin;
struct server;

enum {
	ADMIN_MAX_CLIENTS = 16,
	ADMIN_REQUEST_MS = 10000, /* a request is here by then, or refused */
	ADMIN_ANSWER_MS = 10000,  /* its answer is taken by then, or dropped */
	ADMIN_RETRY_MS = 100, /* after which a connection that had no memory is looked at again */
};

/*
 * Makes the socket at path and serves it on the server's loop. The server is borrowed until admin_close(), its chat, net and store
 * must be there. Main thread. NULL with a sentence for the operator in why_r.
 */
struct admin *admin_open(struct server *server, const char *path, char why_r[static NET_WHY_SIZE]);

/* Takes the socket away, waits for commands that are at work, runs the server's loop meanwhile. Accepts NULL; *admin is NULL then. */
void admin_close(struct admin **admin);

#endif
