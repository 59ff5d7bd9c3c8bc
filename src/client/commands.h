/* commands.h: what a person can type instead of a message (protocol.md, 7). One table; pure; any thread. */
#ifndef CLIENT_COMMANDS_H
#define CLIENT_COMMANDS_H

#include <stddef.h>

#include "base/slice.h"

enum command_id {
	COMMAND_NONE, /* the line is a message */
	COMMAND_QUIT,
	COMMAND_ONLINE,
	COMMAND_NEW_TARGET,
	COMMAND_TOGGLE,
	COMMAND_UPLOAD,
	COMMAND_DOWNLOAD,
	COMMAND_STATUS,
	COMMAND_HELP,
	COMMAND_MUTE,
	COMMAND_UNMUTE,
	/* of the full screen alone; messages in plain mode */
	COMMAND_RESEND,
	COMMAND_FORGET,
	COMMAND_CLOSE,
	COMMAND_COUNT
};

struct command {
	enum command_id id;
	const char *word;      /* ":quit:" */
	const char *arguments; /* as help shows them; "" for none */
	const char *help;
};

/* All commands in the order of the help, ended by a row whose word is NULL. */
extern const struct command commands[];

/* The command of that name, without colons ("quit"); NULL: there is none. */
const struct command *command_named(struct slice name);

/*
 * Which command a typed line is: one of the words at its start, alone or before a space.
 *   arguments_r	what follows it, without spaces around; points into line
 */
enum command_id command_find(struct slice line, struct slice *arguments_r);

/* Takes the next of words, which are separated by spaces, off the front. false: there is none. */
bool word_take(struct slice *words, struct slice *word_r);

#endif
