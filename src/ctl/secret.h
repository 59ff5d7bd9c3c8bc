/* secret.h: a password from a person at a terminal, or from a pipe. */
#ifndef CTL_SECRET_H
#define CTL_SECRET_H

#include <stdbool.h>
#include <stddef.h>

enum {
	SECRET_SIZE = 1026
}; /* one more than any password has, so that the server sees that it is too long, and a NUL */

/*
 * Asks for a new password, twice and without showing it, if standard input is a terminal; else takes its first line, without
 * the line's end. Blocks. false with a sentence in why: none came, or the two differ. The caller wipes it (secret_wipe()).
 */
bool secret_read(const char *name, char secret_r[static SECRET_SIZE], char *why, size_t why_size);

void secret_wipe(char secret[static SECRET_SIZE]);

#endif
