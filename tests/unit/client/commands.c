#include "client/commands.h"

#include "protocol/name.h"
#include "unit.h"

static const struct find_case {
	const char *name;
	struct slice line;
	enum command_id id;
	struct slice arguments;
} find_cases[] = {
	{ "quit", SLICE(":quit:"), COMMAND_QUIT, SLICE("") },
	{ "online", SLICE(":online:"), COMMAND_ONLINE, SLICE("") },
	{ "new_target", SLICE(":new_target:"), COMMAND_NEW_TARGET, SLICE("") },
	{ "new_target with a name", SLICE(":new_target: bob"), COMMAND_NEW_TARGET, SLICE("bob") },
	{ "toggle", SLICE(":toggle:"), COMMAND_TOGGLE, SLICE("") },
	{ "upload with spaces", SLICE(":upload:  my file "), COMMAND_UPLOAD, SLICE("my file") },
	{ "download", SLICE(":download:"), COMMAND_DOWNLOAD, SLICE("") },
	{ "status", SLICE(":status:"), COMMAND_STATUS, SLICE("") },
	{ "help", SLICE(":help:"), COMMAND_HELP, SLICE("") },
	{ "mute", SLICE(":mute: a b"), COMMAND_MUTE, SLICE("a b") },
	{ "unmute", SLICE(":unmute: a"), COMMAND_UNMUTE, SLICE("a") },
	{ "of the full screen", SLICE(":forget:"), COMMAND_FORGET, SLICE("") },
	{ "a space behind it", SLICE(":quit: "), COMMAND_QUIT, SLICE("") },
	{ "a tab behind it", SLICE(":mute:\ta"), COMMAND_MUTE, SLICE("a") },
	{ "words behind it", SLICE(":quit: now"), COMMAND_QUIT, SLICE("now") },
	{ "nothing", SLICE(""), COMMAND_NONE, { NULL, 0 } },
	{ "not at the start", SLICE(" :quit:"), COMMAND_NONE, { NULL, 0 } },
	{ "in a sentence", SLICE("type :quit:"), COMMAND_NONE, { NULL, 0 } },
	{ "run on", SLICE(":quit:now"), COMMAND_NONE, { NULL, 0 } },
	{ "no second colon", SLICE(":quit"), COMMAND_NONE, { NULL, 0 } },
	{ "upper case", SLICE(":QUIT:"), COMMAND_NONE, { NULL, 0 } },
	{ "unknown", SLICE(":nothing:"), COMMAND_NONE, { NULL, 0 } },
	{ "colons", SLICE("::"), COMMAND_NONE, { NULL, 0 } },
};

static void finds(void **state)
{
	const struct find_case *c = *state;
	struct slice arguments = { NULL, 0 };
	assert_int_equal(command_find(c->line, &arguments), c->id);
	assert_slice_equal(arguments, c->arguments);
}

/* No user can have a command's name: the reserved names are those of the protocol's commands, and two more. */
static void command_names_are_reserved(void **state)
{
	(void)state;
	size_t count = 0;
	for (const struct command *c = commands; c->word != NULL; c++) {
		struct slice name = slice_of(c->word + 1, strlen(c->word) - 2);
		if (c->id < COMMAND_RESEND)
			assert_int_equal(name_check(name), NAME_IS_RESERVED);
		assert_ptr_equal(command_named(name), c);
		assert_true(c->help[0] != '\0');
		count++;
	}
	assert_int_equal(count, COMMAND_COUNT - 1);
}

static void words_are_taken_one_by_one(void **state)
{
	(void)state;
	struct slice words = SLICE("  one two\tthree   four  "), word;
	assert_true(word_take(&words, &word));
	assert_slice_is(word, "one");
	assert_true(word_take(&words, &word));
	assert_slice_is(word, "two\tthree");
	assert_true(word_take(&words, &word));
	assert_slice_is(word, "four");
	assert_false(word_take(&words, &word));
}

int main(int argc, char **argv)
{
	UNIT_EACH(finds, find_cases);
	UNIT_TEST(command_names_are_reserved);
	UNIT_TEST(words_are_taken_one_by_one);
	return unit_run(argc, argv);
}
