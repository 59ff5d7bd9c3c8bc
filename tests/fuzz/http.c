/*
 * http.c: requests of HTTP. Besides no crash: however much of a request has come, the verdict on it never changes but from "more must
 * come"; a path that is taken is one that can be written into a line of a log.
 */
#include "fuzz.h"
#include "server/http_request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice all = slice_of((const char *)data, size);
	struct http_request whole, part;
	enum http_status why, part_why;
	int verdict = http_request_parse(all, &whole, &why);
	for (size_t len = 0; len <= size && len <= 512; len++) {
		int found = http_request_parse(slice_of(all.ptr, len), &part, &part_why);
		MUST(found == 0 || found == verdict);
		MUST(found >= 0 || part_why == why);
	}
	if (verdict == 1) {
		MUST(whole.path.len > 0 && whole.path.ptr[0] == '/');
		for (size_t i = 0; i < whole.path.len; i++)
			MUST(whole.path.ptr[i] > ' ' && whole.path.ptr[i] <= '~');
	} else if (verdict < 0) {
		MUST(why >= 400 && why <= 505);
	} else {
		MUST(size < HTTP_REQUEST_MAX_LEN);
	}
	return 0;
}
