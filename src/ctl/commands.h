/* commands.h: the table of messagerctl's commands: what --help shows, what is checked before the server is asked. */
#ifndef CTL_COMMANDS_H
#define CTL_COMMANDS_H

#include <stddef.h>
#include <stdio.h>

/* What goes to the server after the command's words. */
enum command_body {
	BODY_NONE,
	BODY_PASSWORD, /* asked for, or the first line of standard input */
	BODY_BACKUP, /* nothing: the last argument, which is not sent, names the file that the server's bytes go to */
	BODY_FILE, /* the file that the last argument names, which is not sent; "-": standard input */
};

struct command {
	const char *words; /* "user add" */
	const char *
	    arguments; /* as --help shows them; each is one, "[x]" may be left out; TEXT takes all that is left */
	enum command_body body;
	const char *help;
};

/* The command that the words begin with, and how many words it has of its own; NULL: there is none. */
const struct command *command_find(const char *const *words, size_t count, size_t *word_count_r);

/* How many arguments it takes. */
size_t command_min_args(const struct command *command);
size_t command_max_args(const struct command *command); /* SIZE_MAX: it ends in TEXT */

/* The table, a line each. */
void commands_print(FILE *to);

#endif
