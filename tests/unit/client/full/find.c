#include "client/full/find.h"

#include "unit.h"

static const struct find_case {
	const char *name;
	struct slice text, wanted;
	size_t from, at;
} find_cases[] = {
	{ "at the beginning", SLICE("hello"), SLICE("he"), 0, 0 },
	{ "in the middle", SLICE("hello"), SLICE("ll"), 0, 2 },
	{ "the second", SLICE("hello"), SLICE("l"), 3, 3 },
	{ "nowhere", SLICE("hello"), SLICE("lx"), 0, NOT_FOUND },
	{ "half at the end", SLICE("hello"), SLICE("lox"), 0, NOT_FOUND },
	{ "another case", SLICE("Hello World"), SLICE("WORLD"), 0, 6 },
	{ "another case, not in ASCII", SLICE("x \u00c9T\u00c9"), SLICE("\u00e9t\u00e9"), 0, 2 },
	{ "another case of another length", SLICE("a\u212a"), SLICE("k"), 0, 1 },
	{ "another of another length", SLICE("a\u0130x"), SLICE("IX"), 0, 1 },
	{ "foreign letters before it", SLICE("\u00e9\u4e2dword"), SLICE("WO"), 0, 5 },
	{ "Cyrillic", SLICE("\u041f\u0440\u0438\u0432\u0435\u0442"), SLICE("\u043f\u0420"), 0, 0 },
	{ "nothing", SLICE("abc"), SLICE(""), 1, 1 },
	{ "nothing behind the end", SLICE("abc"), SLICE(""), 4, NOT_FOUND },
	{ "in nothing", SLICE(""), SLICE("a"), 0, NOT_FOUND },
	{ "after bytes that are no UTF-8", SLICE("\xff\xe4\xb8zz"), SLICE("z"), 0, 3 },
	{ "bytes that are no UTF-8", SLICE("\xff\xfe"), SLICE("\xfe"), 0, 1 },
	{ "a byte is not the character of its number", SLICE("\u00ff"), SLICE("\xff"), 0,
	    NOT_FOUND },
};

static void finds(void **state)
{
	const struct find_case *c = *state;
	assert_int_equal(find_text(c->text, c->wanted, c->from), c->at);
}

int main(int argc, char **argv)
{
	UNIT_EACH(finds, find_cases);
	return unit_run(argc, argv);
}
