/* The PROXY protocol, version 2: what a balancer says, byte by byte, and what is none of it. */
#include "net/proxy.h"

#include <string.h>

#include "unit.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define V4        "\xc0\x00\x02\x01\x7f\x00\x00\x01\x10\x00\x48\x0b"
#define V6                                                                                         \
	"\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07"                                               \
	"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x10\x00\x48\x0b"
#define BYTES(text)                                                                                \
	{                                                                                          \
		text, sizeof(text) - 1                                                             \
	}

static const struct good_case {
	const char *name;
	struct slice bytes;
	const char *from; /* NULL: it says none */
} good_cases[] = {
	{ "IPv4", BYTES(SIGNATURE "\x21\x11\x00\x0c" V4), "192.0.2.1" },
	{ "IPv6", BYTES(SIGNATURE "\x21\x21\x00\x24" V6), "2001:db8::7" },
	{ "with TLVs", BYTES(SIGNATURE "\x21\x11\x00\x10" V4 "\x04\x00\x01\x00"), "192.0.2.1" },
	{ "a health check", BYTES(SIGNATURE "\x20\x00\x00\x00"), NULL },
	{ "a health check with addresses", BYTES(SIGNATURE "\x20\x11\x00\x0c" V4), NULL },
	{ "of no family", BYTES(SIGNATURE "\x21\x00\x00\x00"), NULL },
};

static void is_read(void **state)
{
	const struct good_case *c = *state;
	struct address from;
	char text[ADDRESS_TEXT_SIZE];
	size_t len;
	bool has_from;
	for (size_t have = 0; have < c->bytes.len; have++) {
		char piece[64];
		memcpy(piece, c->bytes.ptr, have);
		assert_int_equal(proxy_parse(slice_of(piece, have), &len, &from, &has_from), 0);
		assert_int_equal(len, have < PROXY_HEAD_LEN ? PROXY_HEAD_LEN : c->bytes.len);
	}
	assert_int_equal(proxy_parse(c->bytes, &len, &from, &has_from), 1);
	assert_int_equal(len, c->bytes.len);
	assert_int_equal(has_from, c->from != NULL);
	if (!has_from)
		return;
	address_text(&from, text);
	assert_string_equal(text, c->from);
}

static const struct bad_case {
	const char *name;
	struct slice bytes;
} bad_cases[] = {
	{ "a TLS hello", BYTES("\x16\x03\x01\x02\x00\x01") },
	{ "version 1", BYTES("PROXY TCP4 192.0.2.1 127.0.0.1 1 2\r\n") },
	{ "another version", BYTES(SIGNATURE "\x31\x11\x00\x0c" V4) },
	{ "another command", BYTES(SIGNATURE "\x22\x11\x00\x0c" V4) },
	{ "too short for IPv4",
	    BYTES(SIGNATURE "\x21\x11\x00\x0b\xc0\x00\x02\x01\x7f\x00\x00\x01\x10\x00\x48") },
	{ "too short for IPv6", BYTES(SIGNATURE "\x21\x21\x00\x0c" V4) },
	{ "a Unix socket", BYTES(SIGNATURE "\x21\x31\x00\x0c" V4) },
	{ "endless", BYTES(SIGNATURE "\x21\x11\xff\xff" V4) },
};

static void is_refused(void **state)
{
	const struct bad_case *c = *state;
	struct address from;
	size_t len;
	bool has_from;
	assert_int_equal(proxy_parse(c->bytes, &len, &from, &has_from), -1);
}

int main(int argc, char **argv)
{
	UNIT_EACH(is_read, good_cases);
	UNIT_EACH(is_refused, bad_cases);
	return unit_run(argc, argv);
}
