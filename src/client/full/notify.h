/*
 * notify.h: the command that a person has set for notices: run with arguments, never by a shell, with nothing of the terminal. At most one
 * at a time; what comes meanwhile is left out, so that nobody can start a thousand of them, and one that runs for
 * too long is ended, so that it does not keep all others out. One thread.
 */
#ifndef CLIENT_FULL_NOTIFY_H
#define CLIENT_FULL_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "client/why.h"

enum { NOTIFY_LIMIT_MS = 30 * 1000 };

struct notify {
	char **words;    /* of the command; NULL: none is set */
	pid_t child;     /* 0: none runs */
	uint64_t end_ms; /* when it is ended, by clock_now_ms(); UINT64_MAX: it was */
};

/* Takes the command apart (command_split() of password.h). "" or NULL: none. false: why says it, none is set. */
bool notify_init(struct notify *n, const char *command, struct why *why);
/* A command that still runs goes on without us. */
void notify_clear(struct notify *n);

/*
 * Runs the command with two more arguments: who (a user's name, for the group "group NAME") and text, both sanitized. It has an empty
 * standard input, its output goes nowhere. false: it does not run, why says it; "" when the last one still runs.
 */
bool notify_run(struct notify *n, const char *who, const char *text, struct why *why);

/* Ends a command, and what it has started in its process group, that has run for too long. notify_deadline_ms(): when that is due; UINT64_MAX: never. */
void notify_step(struct notify *n, uint64_t now_ms);
uint64_t notify_deadline_ms(const struct notify *n);

#endif
