#include "net/address.h"

#include "unit.h"

static const struct text_case {
	const char *name;
	const char *text;
	const char *again; /* NULL: no address with port */
} text_cases[] = {
	{ "IPv4", "127.0.0.1:18443", "127.0.0.1:18443" },
	{ "any IPv4, any port", "0.0.0.0:0", "0.0.0.0:0" },
	{ "IPv6", "[::1]:18443", "[::1]:18443" },
	{ "IPv6 with capitals", "[2001:DB8::A]:65535", "[2001:db8::a]:65535" },
	{ "any IPv6", "[::]:1", "[::]:1" },
	{ "no port", "127.0.0.1", NULL },
	{ "an empty port", "127.0.0.1:", NULL },
	{ "a port too high", "127.0.0.1:65536", NULL },
	{ "a port with a sign", "127.0.0.1:-1", NULL },
	{ "a port with a letter", "127.0.0.1:80a", NULL },
	{ "a very long port", "127.0.0.1:000000000000000000001", NULL },
	{ "a name", "localhost:80", NULL },
	{ "IPv6 without brackets", "::1:80", NULL },
	{ "brackets around nothing", "[]:80", NULL },
	{ "brackets around IPv4", "[127.0.0.1]:80", NULL },
	{ "one bracket", "[::1:80", NULL },
	{ "nothing", "", NULL },
	{ "a colon", ":", NULL },
	{ "a host that is too long",
	    "11111111111111111111111111111111111111111111111111111111111111111111:1", NULL },
};

static void reads_and_writes_with_port(void **state)
{
	const struct text_case *c = *state;
	struct sockaddr_storage address;
	socklen_t len;
	char again[ADDRESS_TEXT_SIZE];
	assert_int_equal(address_parse_with_port(c->text, &address, &len), c->again != NULL);
	if (c->again == NULL)
		return;
	address_text_with_port(&address, again);
	assert_string_equal(again, c->again);
}

static const struct source_case {
	const char *name;
	const char *text;
	const char *source;
	bool is_ipv4;
} source_cases[] = {
	{ "IPv4 is its own", "192.0.2.77", "192.0.2.77", true },
	{ "IPv6 goes by its /64", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::", false },
	{ "mapped IPv4 is IPv4", "::ffff:192.0.2.77", "192.0.2.77", true },
	{ "loopback", "::1", "::", false },
};

static void knows_the_source(void **state)
{
	const struct source_case *c = *state;
	struct address address, source;
	char text[ADDRESS_TEXT_SIZE];
	assert_true(address_parse(c->text, &address));
	assert_int_equal(address_is_ipv4(&address), c->is_ipv4);
	source = address_source(&address);
	address_text(&source, text);
	assert_string_equal(text, c->source);
}

int main(int argc, char **argv)
{
	UNIT_EACH(reads_and_writes_with_port, text_cases);
	UNIT_EACH(knows_the_source, source_cases);
	return unit_run(argc, argv);
}
