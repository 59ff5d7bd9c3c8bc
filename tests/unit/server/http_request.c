/* Requests of HTTP: every form that is taken, those that are refused and what for, and every length at which one may have come so far. */
#include "server/http_request.h"

#include <string.h>

#include "unit.h"

static const struct good_case {
	const char *name;
	struct slice bytes;
	const char *path;
	bool is_head;
} good_cases[] = {
	{ "GET", SLICE("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"), "/metrics", false },
	{ "HEAD", SLICE("HEAD / HTTP/1.1\r\nhost:\r\n\r\n"), "/", true },
	{ "1.0 needs no host", SLICE("GET /livez HTTP/1.0\r\n\r\n"), "/livez", false },
	{ "query", SLICE("GET /metrics?a=b?c HTTP/1.0\r\n\r\n"), "/metrics", false },
	{ "fields",
	    SLICE(
		"GET /a HTTP/1.1\r\nHost: x:1\r\nX-Y: \t a b\t\r\nAccept:\r\nContent-Length: 0\r\n\r\n"),
	    "/a", false },
	{ "bytes beyond ASCII in a value", SLICE("GET /a HTTP/1.0\r\nX: \xc3\xa9\r\n\r\n"), "/a",
	    false },
};

static void takes(void **state)
{
	const struct good_case *c = *state;
	struct http_request r;
	enum http_status why;
	for (size_t len = 0; len < c->bytes.len; len++)
		assert_int_equal(http_request_parse(slice_of(c->bytes.ptr, len), &r, &why), 0);
	assert_int_equal(http_request_parse(c->bytes, &r, &why), 1);
	assert_slice_equal(r.path, slice_str(c->path));
	assert_int_equal(r.is_head, c->is_head);
}

static const struct bad_case {
	const char *name;
	struct slice bytes;
	enum http_status why;
} bad_cases[] = {
	{ "nothing but a line's end", SLICE("\r\n"), HTTP_BAD_REQUEST },
	{ "bare LF", SLICE("GET / HTTP/1.0\n"), HTTP_BAD_REQUEST },
	{ "bare CR", SLICE("GET / HTTP/1.0\r\rX: y\r\n"), HTTP_BAD_REQUEST },
	{ "two spaces", SLICE("GET  / HTTP/1.0\r\n"), HTTP_BAD_REQUEST },
	{ "space in front", SLICE(" GET / HTTP/1.0\r\n"), HTTP_BAD_REQUEST },
	{ "no version", SLICE("GET /\r\n"), HTTP_BAD_REQUEST },
	{ "something behind the version", SLICE("GET / HTTP/1.0 x\r\n"), HTTP_BAD_REQUEST },
	{ "another protocol", SLICE("GET / ICY/1.00\r\n"), HTTP_BAD_REQUEST },
	{ "absolute form", SLICE("GET http://x/ HTTP/1.1\r\n"), HTTP_BAD_REQUEST },
	{ "control byte in the path", SLICE("GET /\x01 HTTP/1.1\r\n"), HTTP_BAD_REQUEST },
	{ "NUL in the path", SLICE("GET /\0 HTTP/1.1\r\n"), HTTP_BAD_REQUEST },
	{ "byte beyond ASCII in the path", SLICE("GET /\xff HTTP/1.1\r\n"), HTTP_BAD_REQUEST },
	{ "a TLS hello", SLICE("\x16\x03\x01\x00\xa5\x01\x00\n"), HTTP_BAD_REQUEST },
	{ "2.0", SLICE("GET / HTTP/2.0\r\n"), HTTP_VERSION_NOT_SUPPORTED },
	{ "0.9", SLICE("GET / HTTP/0.9\r\n"), HTTP_VERSION_NOT_SUPPORTED },
	{ "POST", SLICE("POST / HTTP/1.1\r\n"), HTTP_METHOD_NOT_ALLOWED },
	{ "small letters", SLICE("get / HTTP/1.1\r\n"), HTTP_METHOD_NOT_ALLOWED },
	{ "no host in 1.1", SLICE("GET / HTTP/1.1\r\n\r\n"), HTTP_BAD_REQUEST },
	{ "two hosts", SLICE("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"), HTTP_BAD_REQUEST },
	{ "two hosts in 1.0", SLICE("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"),
	    HTTP_BAD_REQUEST },
	{ "folded line", SLICE("GET / HTTP/1.1\r\nHost: a\r\n b\r\n"), HTTP_BAD_REQUEST },
	{ "blank before the colon", SLICE("GET / HTTP/1.1\r\nHost : a\r\n"), HTTP_BAD_REQUEST },
	{ "no colon", SLICE("GET / HTTP/1.1\r\nHost\r\n"), HTTP_BAD_REQUEST },
	{ "field without name", SLICE("GET / HTTP/1.1\r\n: a\r\n"), HTTP_BAD_REQUEST },
	{ "control byte in a value", SLICE("GET / HTTP/1.1\r\nX: \x1b[2J\r\n"), HTTP_BAD_REQUEST },
	{ "body", SLICE("GET / HTTP/1.1\r\nContent-Length: 1\r\n"), HTTP_BODY_NOT_TAKEN },
	{ "length of another kind", SLICE("GET / HTTP/1.1\r\nContent-Length: 0, 0\r\n"),
	    HTTP_BODY_NOT_TAKEN },
	{ "chunks", SLICE("GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n"),
	    HTTP_BODY_NOT_TAKEN },
};

static void refuses(void **state)
{
	const struct bad_case *c = *state;
	struct http_request r;
	enum http_status why;
	assert_int_equal(http_request_parse(c->bytes, &r, &why), -1);
	assert_int_equal(why, c->why);
}

static void is_not_endless(void **state)
{
	static char bytes[HTTP_REQUEST_MAX_LEN];
	struct http_request r;
	enum http_status why;
	memset(bytes, 'x', sizeof(bytes));
	memcpy(bytes, SLICE("GET /").ptr, 5);
	assert_int_equal(http_request_parse(slice_of(bytes, sizeof(bytes) - 1), &r, &why), 0);
	assert_int_equal(http_request_parse(slice_of(bytes, sizeof(bytes)), &r, &why), -1);
	assert_int_equal(why, HTTP_TOO_LONG);
}

int main(int argc, char **argv)
{
	UNIT_EACH(takes, good_cases);
	UNIT_EACH(refuses, bad_cases);
	UNIT_TEST(is_not_endless);
	return unit_run(argc, argv);
}
