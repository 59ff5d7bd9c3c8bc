/* The table of messagerctl's commands: which words are which, and how many arguments each takes. */
#include "ctl/commands.h"

#include <string.h>

#include "unit.h"

static const struct find_case {
	const char *name;
	const char *words[4];
	size_t count;
	const char *finds; /* NULL: nothing */
	size_t min, max;   /* arguments */
} find_cases[] = {
	{ "one word", { "status" }, 1, "status", 0, 0 },
	{ "with an argument", { "kick", "ann" }, 2, "kick", 1, 1 },
	{ "two words", { "user", "add", "ann" }, 3, "user add", 1, 1 },
	{ "optional", { "online" }, 1, "online", 0, 1 },
	{ "two words, optional", { "files", "list" }, 2, "files list", 0, 1 },
	{ "either", { "ban", "1.2.3.4" }, 2, "ban", 1, 1 },
	{ "text", { "announce", "hello" }, 2, "announce", 1, SIZE_MAX },
	{ "name and text", { "message", "ann", "hello" }, 3, "message", 2, SIZE_MAX },
	{ "half of two words", { "user" }, 1, NULL, 0, 0 },
	{ "other second word", { "user", "kick" }, 2, NULL, 0, 0 },
	{ "beginning of a word", { "stat" }, 1, NULL, 0, 0 },
	{ "more than a word", { "statusx" }, 1, NULL, 0, 0 },
	{ "two words in one", { "user add" }, 1, NULL, 0, 0 },
	{ "empty word", { "" }, 1, NULL, 0, 0 },
	{ "no word", { NULL }, 0, NULL, 0, 0 },
};

static void finds(void **state)
{
	const struct find_case *c = *state;
	size_t own = 0;
	const struct command *command = command_find(c->words, c->count, &own);
	if (c->finds == NULL) {
		assert_null(command);
		return;
	}
	assert_non_null(command);
	assert_string_equal(command->words, c->finds);
	assert_int_equal(own, strchr(command->words, ' ') != NULL ? 2 : 1);
	assert_int_equal(command_min_args(command), c->min);
	assert_int_equal(command_max_args(command), c->max);
}

int main(int argc, char **argv)
{
	UNIT_EACH(finds, find_cases);
	return unit_run(argc, argv);
}
