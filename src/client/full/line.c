#include "client/full/line.h"

#include <string.h>

enum { NAME_MAX = 16, LONG_NAME = 6 };

/* Names that fingers know from elsewhere; they go with a slash only. */
static const struct {
	const char *name;
	enum command_id command;
} aliases[] = {
	{ "exit", COMMAND_QUIT },
	{ "q", COMMAND_QUIT },
	{ "names", COMMAND_ONLINE },
	{ "who", COMMAND_ONLINE },
	{ "query", COMMAND_NEW_TARGET },
	{ "group", COMMAND_TOGGLE },
	{ "ignore", COMMAND_MUTE },
	{ "unignore", COMMAND_UNMUTE },
	{ "wc", COMMAND_CLOSE },
};

static char lower(char c)
{
	return (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

static size_t least(size_t a, size_t b, size_t c)
{
	size_t less = a < b ? a : b;
	return less < c ? less : c;
}

/* How many letters have to be put in, taken out, changed or swapped with their neighbour to make b of a; both at most NAME_MAX long. */
static size_t distance(struct slice a, struct slice b)
{
	size_t rows[NAME_MAX + 1][NAME_MAX + 1];
	for (size_t i = 0; i <= a.len; i++)
		rows[i][0] = i;
	for (size_t j = 0; j <= b.len; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= a.len; i++) {
		for (size_t j = 1; j <= b.len; j++) {
			bool is_same = lower(a.ptr[i - 1]) == lower(b.ptr[j - 1]);
			rows[i][j] = least(
			    rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + !is_same);
			bool is_swapped = i > 1 && j > 1 &&
					  lower(a.ptr[i - 1]) == lower(b.ptr[j - 2]) &&
					  lower(a.ptr[i - 2]) == lower(b.ptr[j - 1]);
			if (is_swapped && rows[i - 2][j - 2] + 1 < rows[i][j])
				rows[i][j] = rows[i - 2][j - 2] + 1;
		}
	}
	return rows[a.len][b.len];
}

/* The command whose name was probably meant: one slip of the fingers away, in a long name two. */
static const struct command *near(struct slice name)
{
	const struct command *best = NULL;
	size_t best_distance = NAME_MAX;
	if (name.len < 2 || name.len > NAME_MAX)
		return NULL;
	for (const struct command *c = commands; c->word != NULL; c++) {
		struct slice known = slice_of(c->word + 1, strlen(c->word) - 2);
		size_t slips = distance(name, known);
		if (slips < best_distance && slips <= (known.len >= LONG_NAME ? 2 : 1)) {
			best = c;
			best_distance = slips;
		}
	}
	return best;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

/* Takes the word off the front of what follows the first character of the line; rest_r is without blanks around. */
static struct slice first_word(struct slice line, struct slice *rest_r)
{
	struct slice rest = slice_skip(line, 1);
	size_t len = 0;
	while (len < rest.len && !is_blank(rest.ptr[len]))
		len++;
	struct slice word = slice_of(rest.ptr, len);
	rest = slice_skip(rest, len);
	while (rest.len > 0 && is_blank(rest.ptr[0]))
		rest = slice_skip(rest, 1);
	while (rest.len > 0 && is_blank(rest.ptr[rest.len - 1]))
		rest.len--;
	*rest_r = rest;
	return word;
}

static struct line_meaning command_of(enum command_id command, struct slice arguments)
{
	return (struct line_meaning){ LINE_COMMAND, command, arguments, NULL };
}

static struct line_meaning read_slash(struct slice line)
{
	struct slice arguments, name = first_word(line, &arguments);
	const struct command *c = command_named(name);
	if (slice_begins(line, SLICE("//")))
		return (struct line_meaning){ .text = slice_skip(line, 1) };
	if (c != NULL)
		return command_of(c->id, arguments);
	for (size_t i = 0; i < sizeof(aliases) / sizeof(*aliases); i++) {
		if (slice_equal(slice_str(aliases[i].name), name))
			return command_of(aliases[i].command, arguments);
	}
	return (struct line_meaning){ LINE_UNKNOWN, COMMAND_NONE, line, near(name) };
}

/* A word of letters and _, that may be a command's. */
static bool is_verb(struct slice name)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = lower(name.ptr[i]);
		if ((c < 'a' || c > 'z') && c != '_')
			return false;
	}
	return name.len > 0;
}

static struct line_meaning read_colon(struct slice line)
{
	struct slice arguments, word = first_word(line, &arguments);
	bool is_closed = slice_ends(word, SLICE(":"));
	struct slice name = slice_of(word.ptr, word.len - is_closed);
	const struct command *c = is_closed ? command_named(name) : NULL;
	if (c != NULL)
		return command_of(c->id, arguments);
	const struct command *meant = is_verb(name) ? near(name) : NULL;
	if (meant != NULL)
		return (struct line_meaning){ LINE_DOUBTFUL, COMMAND_NONE, line, meant };
	return (struct line_meaning){ .text = line };
}

struct line_meaning line_read(struct slice line)
{
	if (slice_begins(line, SLICE("/")))
		return read_slash(line);
	if (slice_begins(line, SLICE(":")))
		return read_colon(line);
	return (struct line_meaning){ .text = line };
}
