/*
 * http_request.h: the little of HTTP/1 that a scraper and a health check need (RFC 9112), read strictly. Pure; any thread.
 *
 *	GET /metrics?whatever HTTP/1.1 CRLF    GET or HEAD; HTTP/1.0 or 1.1; a path, no absolute form
 *	Host: anything CRLF                    once in 1.1; other fields are looked at for their form only
 *	CRLF                                   no body
 *
 * Refused are bare CR and LF, folded lines, blanks before a colon, control bytes, and every field that announces a body.
 */
#ifndef SERVER_HTTP_REQUEST_H
#define SERVER_HTTP_REQUEST_H

#include <stdbool.h>

#include "base/slice.h"

enum { HTTP_REQUEST_MAX_LEN = 8192 };

enum http_status {
	HTTP_OK = 200,
	HTTP_BAD_REQUEST = 400,
	HTTP_NOT_FOUND = 404,
	HTTP_METHOD_NOT_ALLOWED = 405,
	HTTP_TIMEOUT = 408,
	HTTP_BODY_NOT_TAKEN = 413,
	HTTP_TOO_LONG = 431,
	HTTP_UNAVAILABLE = 503,
	HTTP_VERSION_NOT_SUPPORTED = 505,
};

struct http_request {
	struct slice path; /* without what follows a "?"; borrowed from what was parsed */
	bool is_head;      /* the answer shall have no body */
};

/*
 * Reads the request that in begins with. Returns 1: it is all there. 0: more bytes are needed. -1: it is refused, for *why_r.
 * What follows a request is not looked at: one request per connection.
 */
int http_request_parse(struct slice in, struct http_request *request, enum http_status *why_r);

#endif
