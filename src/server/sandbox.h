/*
 * sandbox.h: what the server takes away from itself, so that whoever got into it would hold little: another user than root, no more of
 * the disk than its own folders (Landlock), no more of the kernel than it uses (seccomp), no core files. Main thread.
 *
 *	sandbox_enter()   before there is any thread: user, disk
 *	sandbox_seal()    when everything is open and before the first foreign byte: system calls, of all threads
 *
 * Where the kernel, or the build, lacks one of them, the log says so once and the server goes on without. Neither is done in
 * builds with a sanitizer, which needs more than the server does.
 */
#ifndef SERVER_SANDBOX_H
#define SERVER_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

#include "server/settings.h"

/*
 * Makes the data folder if it is missing, becomes server.user, and gives up the rest of the disk. config_path is the settings file, to be
 * read again later, or NULL: the default one. false with a sentence for the operator in why.
 */
bool sandbox_enter(const struct settings *s, const char *config_path, char *why, size_t why_size);

/* Logs "confined" with what is in force. Needs server.sandbox; there is no way back. */
void sandbox_seal(const struct settings *s);

#endif
