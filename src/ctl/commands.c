#include "ctl/commands.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* The server has a table of its own with the same words (src/server/admin_commands.c). */
static const struct command commands[] = {
	{ "status", "", BODY_NONE, "how the server is, and its counts" },
	{ "online", "[--all]", BODY_NONE,
	    "who is online, the longest first, at most 100 without --all" },
	{ "user add", "NAME", BODY_PASSWORD, "make an account" },
	{ "user passwd", "NAME", BODY_PASSWORD, "give an account another password" },
	{ "user delete", "NAME", BODY_NONE, "delete an account, end its session" },
	{ "user list", "", BODY_NONE, "all accounts, by name" },
	{ "user import", "CSV", BODY_FILE,
	    "take over the accounts of an original server's user.csv" },
	{ "kick", "NAME", BODY_NONE, "end a user's session" },
	{ "ban", "NAME|ADDRESS", BODY_NONE,
	    "keep a user or an IP address out, end their sessions" },
	{ "unban", "NAME|ADDRESS", BODY_NONE, "let them in again" },
	{ "bans", "", BODY_NONE, "who is kept out, the oldest ban first" },
	{ "penalties list", "", BODY_NONE,
	    "addresses that misbehave, and which of them are refused" },
	{ "penalties clear", "[ADDRESS]", BODY_NONE, "forgive one of them, or all" },
	{ "files list", "[NAME]", BODY_NONE,
	    "the files that wait, for one user or all, the longest waiting first" },
	{ "files delete", "NAME FILE", BODY_NONE, "take one of them away" },
	{ "backup", "FILE", BODY_BACKUP,
	    "copy accounts, bans and waiting files to a new file, for messagerd --restore" },
	{ "message", "NAME TEXT", BODY_NONE, "send a user a message from admin" },
	{ "announce", "TEXT", BODY_NONE, "send everybody online a message from admin" },
	{ "reload", "", BODY_NONE, "read settings and certificate again" },
	{ "stop", "", BODY_NONE, "end the server" },
};
enum { COMMAND_COUNT = sizeof(commands) / sizeof(commands[0]), HELP_COLUMN = 29 };

static size_t match(const struct command *command, const char *const *words, size_t count)
{
	size_t matched = 0;
	for (const char *word = command->words; *word != '\0';) {
		size_t len = strcspn(word, " ");
		if (matched == count || strlen(words[matched]) != len ||
		    strncmp(words[matched], word, len) != 0)
			return 0;
		matched++;
		word += len + strspn(word + len, " ");
	}
	return matched;
}

const struct command *command_find(const char *const *words, size_t count, size_t *word_count_r)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		*word_count_r = match(&commands[i], words, count);
		if (*word_count_r > 0)
			return &commands[i];
	}
	return NULL;
}

static size_t count_args(const struct command *command, bool with_optional)
{
	size_t count = 0;
	for (const char *word = command->arguments; *word != '\0';) {
		count += with_optional || *word != '[' ? 1 : 0;
		word += strcspn(word, " ");
		word += strspn(word, " ");
	}
	return count;
}

size_t command_min_args(const struct command *command)
{
	return count_args(command, false);
}

size_t command_max_args(const struct command *command)
{
	return strstr(command->arguments, "TEXT") != NULL ? SIZE_MAX : count_args(command, true);
}

void commands_print(FILE *to)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		int width = fprintf(to, "  %s%s%s", commands[i].words,
		    commands[i].arguments[0] != '\0' ? " " : "", commands[i].arguments);
		fprintf(to, "%*s%s\n", width < HELP_COLUMN ? HELP_COLUMN - width : 1, "",
		    commands[i].help);
	}
}
