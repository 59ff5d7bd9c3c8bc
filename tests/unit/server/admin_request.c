/* Requests of the administrator: every form, malformed ones, and every length at which one may have come so far. */
#include "server/admin_request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

static const struct good_case {
	const char *name;
	struct slice bytes;
	bool wants_json;
	const char *words; /* each with a ';' behind it */
	struct slice body;
} good_cases[] = {
	{ "one word", SLICE("text 0\nstatus\n\n"), false, "status;", { "", 0 } },
	{ "JSON", SLICE("json 0\nstatus\n\n"), true, "status;", { "", 0 } },
	{ "words with spaces", SLICE("text 0\nmessage\nann\n hello there \n\n"), false,
	    "message;ann; hello there ;", { "", 0 } },
	{ "body", SLICE("text 2\nuser\nadd\nann\n\npw"), false, "user;add;ann;", SLICE("pw") },
	{ "body with lines and NUL", SLICE("text 5\nx\n\n\n\0\n\na"), false, "x;",
	    SLICE("\n\0\n\na") },
	{ "eight words", SLICE("text 0\n1\n2\n3\n4\n5\n6\n7\n8\n\n"), false, "1;2;3;4;5;6;7;8;",
	    { "", 0 } },
	{ "length with zeros", SLICE("text 00000001\nx\n\ny"), false, "x;", SLICE("y") },
};

static void takes(void **state)
{
	const struct good_case *c = *state;
	struct admin_request r;
	const char *fault;
	char words[128] = "";
	for (size_t len = 0; len < c->bytes.len; len++)
		assert_int_equal(admin_request_parse(slice_of(c->bytes.ptr, len), &r, &fault), 0);
	assert_int_equal(admin_request_parse(c->bytes, &r, &fault), 1);
	assert_int_equal(r.wants_json, c->wants_json);
	for (size_t i = 0; i < r.word_count; i++) {
		size_t len = strlen(words);
		snprintf(
		    words + len, sizeof(words) - len, "%.*s;", (int)r.words[i].len, r.words[i].ptr);
	}
	assert_string_equal(words, c->words);
	assert_slice_equal(r.body, c->body);
}

static const struct bad_case {
	const char *name;
	struct slice bytes;
	const char *fault;
	size_t decided_at; /* so many bytes are enough to say so */
} bad_cases[] = {
	{ "no form", SLICE("\nstatus\n\n"), "it begins with neither text nor json", 1 },
	{ "other form", SLICE("xml 0\n"), "it begins with neither text nor json", 6 },
	{ "no length", SLICE("text\n"), "it begins with neither text nor json", 5 },
	{ "empty length", SLICE("text \n"), "its length is missing", 6 },
	{ "length in letters", SLICE("text x\n"), "its length is no number", 7 },
	{ "negative length", SLICE("text -1\n"), "its length is no number", 8 },
	{ "two lengths", SLICE("text 1 2\n"), "its length is no number", 9 },
	{ "too long a body", SLICE("text 67108865\n"),
	    "what belongs to the command is longer than 64 MiB", 14 },
	{ "length that would wrap", SLICE("text 18446744073709551616\n"),
	    "what belongs to the command is longer than 64 MiB", 26 },
	{ "no command", SLICE("json 0\n\n"), "there is no command", 8 },
	{ "nine words", SLICE("text 0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n\n"), "there are too many words",
	    25 },
	{ "NUL in a word", SLICE("text 0\nsta\0tus\n\n"), "there is a NUL byte in a word", 15 },
	{ "more than said", SLICE("text 1\nx\n\nyz"), "it is longer than it says", 12 },
};

static void refuses(void **state)
{
	const struct bad_case *c = *state;
	struct admin_request r;
	const char *fault;
	for (size_t len = 0; len < c->decided_at; len++) {
		int found = admin_request_parse(slice_of(c->bytes.ptr, len), &r, &fault);
		if (found < 0)
			fail_msg("refused at %zu bytes: %s", len, fault);
	}
	for (size_t len = c->decided_at; len <= c->bytes.len; len++) {
		assert_int_equal(admin_request_parse(slice_of(c->bytes.ptr, len), &r, &fault), -1);
		assert_string_equal(fault, c->fault);
	}
}

/* A head is bounded, a body has its own bound. */
static void bounds(void **state)
{
	(void)state;
	struct admin_request r;
	const char *fault;
	size_t body_len = ADMIN_BODY_MAX_LEN, size = ADMIN_HEAD_MAX_LEN + body_len;
	char *bytes = malloc(size);
	assert_non_null(bytes);
	memset(bytes, 'x', size);

	memcpy(bytes, "text 0\n", 7);
	assert_int_equal(
	    admin_request_parse(slice_of(bytes, ADMIN_HEAD_MAX_LEN - 1), &r, &fault), 0);
	assert_int_equal(admin_request_parse(slice_of(bytes, ADMIN_HEAD_MAX_LEN), &r, &fault), -1);
	assert_string_equal(fault, "the command is longer than 64 KiB");
	bytes[ADMIN_HEAD_MAX_LEN - 2] = bytes[ADMIN_HEAD_MAX_LEN - 1] = '\n';
	assert_int_equal(admin_request_parse(slice_of(bytes, ADMIN_HEAD_MAX_LEN), &r, &fault), 1);
	assert_int_equal(r.words[0].len, ADMIN_HEAD_MAX_LEN - 9);

	int head_len = snprintf(bytes, 64, "text %zu\nw\n\n", body_len);
	size_t whole = (size_t)head_len + body_len;
	assert_int_equal(admin_request_parse(slice_of(bytes, whole - 1), &r, &fault), 0);
	assert_int_equal(admin_request_parse(slice_of(bytes, whole), &r, &fault), 1);
	assert_int_equal(r.body.len, body_len);
	free(bytes);
}

int main(int argc, char **argv)
{
	UNIT_EACH(takes, good_cases);
	UNIT_EACH(refuses, bad_cases);
	UNIT_TEST(bounds);
	return unit_run(argc, argv);
}
