#include "client/reply.h"

#include "unit.h"

static const struct reply_case {
	const char *name;
	struct slice line;
	int enter, means;
} cases[] = {
	{ "y", SLICE("y"), -1, 1 },
	{ "yes", SLICE("yes"), -1, 1 },
	{ "n", SLICE("n"), -1, 0 },
	{ "no", SLICE("no"), 1, 0 },
	{ "another case", SLICE("YeS"), -1, 1 },
	{ "blanks around", SLICE(" no\t"), -1, 0 },
	{ "a beginning", SLICE("ye"), 0, -1 },
	{ "more", SLICE("yes please"), 0, -1 },
	{ "a NUL", SLICE("y\0"), 0, -1 },
	{ "another word", SLICE("maybe"), 0, -1 },
	{ "Enter", SLICE(""), 0, 0 },
	{ "Enter that answers nothing", SLICE(""), -1, -1 },
	{ "blanks alone", SLICE("  "), 1, 1 },
};

static void is_understood(void **state)
{
	const struct reply_case *c = *state;
	assert_int_equal(reply_yes_or_no(c->line, c->enter), c->means);
}

int main(int argc, char **argv)
{
	UNIT_EACH(is_understood, cases);
	return unit_run(argc, argv);
}
