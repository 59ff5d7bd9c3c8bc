/* admin_request.h: a request of the administrator as bytes (admin.h says how it is spelled). Pure; any thread. */
#ifndef SERVER_ADMIN_REQUEST_H
#define SERVER_ADMIN_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

enum {
	ADMIN_HEAD_MAX_LEN = 64 << 10, /* up to and with the empty line */
	ADMIN_BODY_MAX_LEN = 64 << 20,
	ADMIN_MAX_WORDS = 8,
};

struct admin_request {
	bool wants_json;
	struct slice words[ADMIN_MAX_WORDS]; /* at least one; none is empty */
	size_t word_count;
	struct slice body;
};

/*
 * Reads a request. Its slices borrow from bytes. Returns 1: bytes are a whole request; 0: more must come; -1: *fault_r, a
 * constant, says what is wrong (wants_json is then as far as it was understood).
 */
int admin_request_parse(struct slice bytes, struct admin_request *request_r, const char **fault_r);

#endif
