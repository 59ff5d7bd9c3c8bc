/* A client's first record: when it is all there, what is no TLS, what is too long. */
#include "net/hello.h"

#include <string.h>

#include "unit.h"

static const struct look_case {
	const char *name;
	struct slice bytes;
	int looks;
} cases[] = {
	{ "nothing", SLICE(""), 0 },
	{ "a byte", SLICE("\x16"), 0 },
	{ "a head", SLICE("\x16\x03\x01\x00\x02"), 0 },
	{ "not all", SLICE("\x16\x03\x01\x00\x02x"), 0 },
	{ "all", SLICE("\x16\x03\x01\x00\x02xy"), 1 },
	{ "more than all", SLICE("\x16\x03\x01\x00\x02xyz"), 1 },
	{ "an empty record", SLICE("\x16\x03\x01\x00\x00"), 1 },
	{ "another record", SLICE("\x17\x03\x01\x00\x02"), 1 },
	{ "another version", SLICE("\x16\x02\x01\x00\x02"), 1 },
	{ "HTTP", SLICE("GET /"), 1 },
	{ "not yet HTTP", SLICE("GET "), 0 },
	{ "the longest", SLICE("\x16\x03\x01\x0f\xfb"), 0 },
	{ "too long", SLICE("\x16\x03\x01\x0f\xfc"), -1 },
	{ "much too long", SLICE("\x16\x03\x01\xff\xff"), -1 },
};

static void looks(void **state)
{
	const struct look_case *c = *state;
	assert_int_equal(hello_look(c->bytes), c->looks);
}

static void the_longest_is_taken(void **state)
{
	static char bytes[HELLO_MAX_LEN] = "\x16\x03\x01\x0f\xfb";
	assert_int_equal(hello_look(slice_of(bytes, sizeof(bytes) - 1)), 0);
	assert_int_equal(hello_look(slice_of(bytes, sizeof(bytes))), 1);
}

int main(int argc, char **argv)
{
	UNIT_EACH(looks, cases);
	UNIT_TEST(the_longest_is_taken);
	return unit_run(argc, argv);
}
