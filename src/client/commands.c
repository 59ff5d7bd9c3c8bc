#include "client/commands.h"

const struct command commands[] = {
	{ COMMAND_QUIT, ":quit:", "", "leave; what was typed before is sent first" },
	{ COMMAND_ONLINE, ":online:", "", "show who is online" },
	{ COMMAND_NEW_TARGET, ":new_target:", "[NAME]",
	    "talk to somebody else; asks for the name" },
	{ COMMAND_TOGGLE, ":toggle:", "",
	    "turn group chat on or off; while on, lines go to the group" },
	{ COMMAND_UPLOAD, ":upload:", "[FILE]", "send a file to the target" },
	{ COMMAND_DOWNLOAD, ":download:", "", "fetch the files that wait for you" },
	{ COMMAND_STATUS, ":status:", "", "show server, user, trust, target, group chat" },
	{ COMMAND_HELP, ":help:", "", "show this list" },
	{ COMMAND_MUTE, ":mute:", "[NAME...]",
	    "hide what they say, until you quit; alone: show who is muted" },
	{ COMMAND_UNMUTE, ":unmute:", "NAME...", "show it again" },
	{ COMMAND_RESEND, ":resend:", "", "send again what the person here has missed" },
	{ COMMAND_FORGET, ":forget:", "",
	    "remove what was said here, from the screen and from the disk" },
	{ COMMAND_CLOSE, ":close:", "", "close this conversation" },
	{ COMMAND_NONE, NULL, NULL, NULL },
};

const struct command *command_named(struct slice name)
{
	for (const struct command *c = commands; c->word != NULL; c++) {
		if (slice_equal(slice_of(c->word + 1, strlen(c->word) - 2), name))
			return c;
	}
	return NULL;
}

enum command_id command_find(struct slice line, struct slice *arguments_r)
{
	for (const struct command *c = commands; c->word != NULL; c++) {
		struct slice word = slice_str(c->word);
		if (!slice_begins(line, word))
			continue;
		struct slice rest = slice_skip(line, word.len);
		if (rest.len == 0 || rest.ptr[0] == ' ' || rest.ptr[0] == '\t') {
			*arguments_r = slice_trim(rest);
			return c->id;
		}
	}
	return COMMAND_NONE;
}

bool word_take(struct slice *words, struct slice *word_r)
{
	*words = slice_trim(*words);
	if (words->len == 0)
		return false;
	const char *space = memchr(words->ptr, ' ', words->len);
	*word_r = slice_of(words->ptr, space == NULL ? words->len : (size_t)(space - words->ptr));
	*words = slice_skip(*words, word_r->len);
	return true;
}
