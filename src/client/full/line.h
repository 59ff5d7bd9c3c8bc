/*
 * line.h: what a submitted line means: a message, a command (:verb: or /verb, of the one table in client/commands.h), or something that was
 * meant as a command and is none. Pure; any thread.
 *
 *	/verb …        a command, or unknown: it is shown, not sent
 *	//text         the message /text
 *	:verb: …       a command
 *	:vreb: :verb   doubtful: so near to a command that it was hardly meant as a message; sent if it is submitted once more
 *	:) and others  a message
 */
#ifndef CLIENT_FULL_LINE_H
#define CLIENT_FULL_LINE_H

#include "base/slice.h"
#include "client/commands.h"

enum line_kind {
	LINE_MESSAGE,  /* text */
	LINE_COMMAND,  /* command, text: its arguments */
	LINE_UNKNOWN,  /* near, if there is one */
	LINE_DOUBTFUL, /* near */
};

struct line_meaning {
	enum line_kind kind;
	enum command_id command;
	struct slice text;          /* points into the line */
	const struct command *near; /* the command that it is like; NULL: none */
};

struct line_meaning line_read(struct slice line);

#endif
