#include "server/http_request.h"

#include <string.h>
#include <strings.h>

/* RFC 9110, 5.6.2. */
static bool is_token(struct slice s)
{
	static const char others[] = "!#$%&'*+-.^_`|~";
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];
		bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
		if (!is_letter && !(c >= '0' && c <= '9') &&
		    (c == '\0' || strchr(others, c) == NULL))
			return false;
	}
	return s.len > 0;
}

static bool is_visible(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] <= ' ' || s.ptr[i] > '~')
			return false;
	}
	return true;
}

/* What a field may hold: no control bytes but the tab. Bytes of 80 and up are old practice. */
static bool is_value(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];
		if ((c < ' ' && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

static bool is_named(struct slice s, const char *name)
{
	return s.len == strlen(name) && strncasecmp(s.ptr, name, s.len) == 0;
}

/* Cuts at the first such byte: what stands before it, *rest_r what follows. false: there is none. */
static bool cut(struct slice in, char at, struct slice *before_r, struct slice *rest_r)
{
	const char *found = in.len > 0 ? memchr(in.ptr, at, in.len) : NULL;
	if (found == NULL)
		return false;
	*before_r = slice_of(in.ptr, (size_t)(found - in.ptr));
	*rest_r = slice_skip(in, before_r->len + 1);
	return true;
}

/* A line without its CRLF. Returns 1, 0: it is not all there, -1: its LF stands alone. */
static int next_line(struct slice *in, struct slice *line_r)
{
	struct slice rest;
	if (!cut(*in, '\n', line_r, &rest))
		return 0;
	if (line_r->len == 0 || line_r->ptr[line_r->len - 1] != '\r')
		return -1;
	line_r->len--;
	*in = rest;
	return 1;
}

/* METHOD SP PATH SP HTTP/1.x; HTTP_OK if it is right. */
static enum http_status read_first_line(
    struct slice line, struct http_request *request, bool *needs_host_r)
{
	struct slice method, target, version, ignored;
	if (!cut(line, ' ', &method, &version) || !cut(version, ' ', &target, &version) ||
	    !is_token(method) || target.len == 0 || target.ptr[0] != '/' || !is_visible(target) ||
	    !is_visible(version) || version.len != 8 || memcmp(version.ptr, "HTTP/", 5) != 0)
		return HTTP_BAD_REQUEST;
	*needs_host_r = memcmp(version.ptr, "HTTP/1.1", 8) == 0;
	if (!*needs_host_r && memcmp(version.ptr, "HTTP/1.0", 8) != 0)
		return HTTP_VERSION_NOT_SUPPORTED;
	request->is_head = slice_equal(method, SLICE("HEAD"));
	if (!request->is_head && !slice_equal(method, SLICE("GET")))
		return HTTP_METHOD_NOT_ALLOWED;
	request->path = target;
	cut(target, '?', &request->path, &ignored);
	return HTTP_OK;
}

static enum http_status read_field(struct slice line, unsigned *hosts)
{
	struct slice name, value;
	if (!cut(line, ':', &name, &value) || !is_token(name) || !is_value(value))
		return HTTP_BAD_REQUEST;
	value = slice_trim(value);
	*hosts += is_named(name, "host") ? 1 : 0;
	if (is_named(name, "transfer-encoding") ||
	    (is_named(name, "content-length") && !slice_equal(value, SLICE("0"))))
		return HTTP_BODY_NOT_TAKEN;
	return HTTP_OK;
}

int http_request_parse(struct slice in, struct http_request *request, enum http_status *why_r)
{
	struct slice all = in, line;
	bool is_first = true, needs_host = false;
	unsigned hosts = 0;
	int found;
	if (all.len > HTTP_REQUEST_MAX_LEN)
		all.len = HTTP_REQUEST_MAX_LEN;
	*why_r = HTTP_OK;
	while ((found = next_line(&all, &line)) == 1 && *why_r == HTTP_OK) {
		if (is_first)
			*why_r = read_first_line(line, request, &needs_host);
		else if (line.len > 0)
			*why_r = read_field(line, &hosts);
		else
			break;
		is_first = false;
	}
	if (*why_r == HTTP_OK && found == 1 && hosts > 1)
		*why_r = HTTP_BAD_REQUEST;
	if (*why_r == HTTP_OK && found == 1 && needs_host && hosts == 0)
		*why_r = HTTP_BAD_REQUEST;
	if (*why_r == HTTP_OK && found == -1)
		*why_r = HTTP_BAD_REQUEST;
	if (*why_r == HTTP_OK && found == 0 && in.len >= HTTP_REQUEST_MAX_LEN)
		*why_r = HTTP_TOO_LONG;
	return *why_r != HTTP_OK ? -1 : found;
}
