/*
 * password.h: the password between the person and the log-in. It lies in memory that is not swapped, has guard pages and is
 * wiped; it stays there to log in again after a lost connection. sodium_init() comes first. One thread.
 */
#ifndef CLIENT_PASSWORD_H
#define CLIENT_PASSWORD_H

#include <stdbool.h>

#include "base/slice.h"
#include "client/options.h"
#include "client/why.h"

struct password; /* opaque, so that nobody copies one by accident */

/* NULL: no memory. */
struct password *password_new(void);
/* Wipes it. Accepts NULL; *p is NULL afterwards. */
void password_free(struct password **p);

/* Replaces it. false, with a sentence: it is empty, too long or has control bytes. */
bool password_set(struct password *p, struct slice bytes, struct why *why);

/* Wipes it; it is not set afterwards. */
void password_clear(struct password *p);

/* "" before it is set. Valid until the password is next changed. */
struct slice password_get(const struct password *p);
bool password_is_set(const struct password *p);

/*
 * Takes what the options name: what a command says, the first line of a file, or (true) nothing. false: why says it. true: why may hold a
 * warning, else it is "".
 */
bool password_take(struct password *p, const struct options *o, struct why *why);

/* Takes the first line of a file. exposed_r: others than the owner may read it. */
bool password_from_file(struct password *p, const char *path, bool *exposed_r, struct why *why);

/*
 * Takes the first line that a command prints; the command must end with status 0, and within two minutes. It is run
 * without a shell: command_split() cuts it into words, the first is looked up in PATH; its standard input is empty.
 */
bool password_from_command(struct password *p, const char *command, struct why *why);

/*
 * Cuts a command into words as a shell would without its expansions: spaces and tabs separate, '…' is taken as it is, in "…"
 * a backslash stands before " or \, outside before any character.
 * Returns one block that ends in NULL, for free(). NULL: no word, an open quote, no memory.
 */
char **command_split(const char *command, struct why *why);

#endif
