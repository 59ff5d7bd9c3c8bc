#include "client/full/line.h"

#include "unit.h"

static const struct line_case {
	const char *name;
	struct slice line;
	enum line_kind kind;
	enum command_id command; /* or the one that it is near to */
	struct slice text;
} line_cases[] = {
	{ "a message", SLICE("hello"), LINE_MESSAGE, COMMAND_NONE, SLICE("hello") },
	{ "nothing", SLICE(""), LINE_MESSAGE, COMMAND_NONE, SLICE("") },
	{ "a colon later", SLICE("see :quit:"), LINE_MESSAGE, COMMAND_NONE, SLICE("see :quit:") },
	{ "a slash later", SLICE(" /quit"), LINE_MESSAGE, COMMAND_NONE, SLICE(" /quit") },
	{ "with colons", SLICE(":quit:"), LINE_COMMAND, COMMAND_QUIT, SLICE("") },
	{ "with a slash", SLICE("/quit"), LINE_COMMAND, COMMAND_QUIT, SLICE("") },
	{ "with colons and arguments", SLICE(":mute: bob  carol "), LINE_COMMAND, COMMAND_MUTE,
	    SLICE("bob  carol") },
	{ "with a slash and arguments", SLICE("/upload a b.txt"), LINE_COMMAND, COMMAND_UPLOAD,
	    SLICE("a b.txt") },
	{ "of the full screen", SLICE(":forget:"), LINE_COMMAND, COMMAND_FORGET, SLICE("") },
	{ "of irssi", SLICE("/query bob"), LINE_COMMAND, COMMAND_NEW_TARGET, SLICE("bob") },
	{ "of irssi, with colons", SLICE(":query: bob"), LINE_MESSAGE, COMMAND_NONE,
	    SLICE(":query: bob") },
	{ "two slashes", SLICE("//quit"), LINE_MESSAGE, COMMAND_NONE, SLICE("/quit") },
	{ "slashes alone", SLICE("//"), LINE_MESSAGE, COMMAND_NONE, SLICE("/") },
	{ "a comment", SLICE("///"), LINE_MESSAGE, COMMAND_NONE, SLICE("//") },
	{ "an unknown one", SLICE("/join #tea"), LINE_UNKNOWN, COMMAND_NONE, SLICE("/join #tea") },
	{ "a path", SLICE("/etc/passwd is"), LINE_UNKNOWN, COMMAND_NONE, SLICE("/etc/passwd is") },
	{ "a slash alone", SLICE("/"), LINE_UNKNOWN, COMMAND_NONE, SLICE("/") },
	{ "mistyped, with a slash", SLICE("/quti"), LINE_UNKNOWN, COMMAND_QUIT, SLICE("/quti") },
	{ "upper case, with a slash", SLICE("/QUIT"), LINE_UNKNOWN, COMMAND_QUIT, SLICE("/QUIT") },
	{ "mistyped", SLICE(":onlien:"), LINE_DOUBTFUL, COMMAND_ONLINE, SLICE(":onlien:") },
	{ "two slips in a long one", SLICE(":dwonlod:"), LINE_DOUBTFUL, COMMAND_DOWNLOAD,
	    SLICE(":dwonlod:") },
	{ "two slips in a short one", SLICE(":qiut!:"), LINE_MESSAGE, COMMAND_NONE,
	    SLICE(":qiut!:") },
	{ "without its end", SLICE(":quit"), LINE_DOUBTFUL, COMMAND_QUIT, SLICE(":quit") },
	{ "without its end, with a name", SLICE(":new_target bob"), LINE_DOUBTFUL,
	    COMMAND_NEW_TARGET, SLICE(":new_target bob") },
	{ "upper case", SLICE(":Help:"), LINE_DOUBTFUL, COMMAND_HELP, SLICE(":Help:") },
	{ "a smile", SLICE(":)"), LINE_MESSAGE, COMMAND_NONE, SLICE(":)") },
	{ "a smile with words", SLICE(":-D yes"), LINE_MESSAGE, COMMAND_NONE, SLICE(":-D yes") },
	{ "letters of a face", SLICE(":D"), LINE_MESSAGE, COMMAND_NONE, SLICE(":D") },
	{ "a picture's name", SLICE(":smile:"), LINE_MESSAGE, COMMAND_NONE, SLICE(":smile:") },
	{ "another", SLICE(":thumbsup: great"), LINE_MESSAGE, COMMAND_NONE,
	    SLICE(":thumbsup: great") },
	{ "colons alone", SLICE("::"), LINE_MESSAGE, COMMAND_NONE, SLICE("::") },
	{ "a colon alone", SLICE(":"), LINE_MESSAGE, COMMAND_NONE, SLICE(":") },
	{ "a long word", SLICE(":internationalization:"), LINE_MESSAGE, COMMAND_NONE,
	    SLICE(":internationalization:") },
	{ "foreign bytes", SLICE(":\xff\xfe:"), LINE_MESSAGE, COMMAND_NONE, SLICE(":\xff\xfe:") },
};

static void reads(void **state)
{
	const struct line_case *c = *state;
	struct line_meaning meaning = line_read(c->line);
	assert_int_equal(meaning.kind, c->kind);
	assert_slice_equal(meaning.text, c->text);
	if (c->kind == LINE_COMMAND) {
		assert_int_equal(meaning.command, c->command);
	} else {
		assert_int_equal(
		    meaning.near != NULL ? meaning.near->id : COMMAND_NONE, c->command);
	}
}

int main(int argc, char **argv)
{
	UNIT_EACH(reads, line_cases);
	return unit_run(argc, argv);
}
