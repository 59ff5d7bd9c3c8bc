/*
 * admin.c: requests on the administrator's socket, and answers made of their words. Besides no crash: however much of a request has
 * come, the verdict on it never changes but from "more must come"; no answer has a control byte but LF; one in JSON is one line of
 * valid UTF-8 in which every string ends.
 */
#include <stdbool.h>
#include <string.h>

#include "fuzz.h"
#include "protocol/text.h"
#include "server/admin_request.h"
#include "server/answer.h"

/* Takes the string off whose opening quote was just taken. */
static void take_json_string(struct slice *rest)
{
	for (;;) {
		MUST(rest->len > 0);
		char c = rest->ptr[0];
		*rest = slice_skip(*rest, text_char_len(*rest));
		if (c == '"')
			return;
		MUST((unsigned char)c < 0x80 || (unsigned char)c >= 0xc2);
		if (c == '\\') {
			MUST(rest->len > 0 && strchr("\"\\u", rest->ptr[0]) != NULL);
			*rest = slice_skip(*rest, 1);
		}
	}
}

static void must_be_json(struct slice answer)
{
	int depth = 0;
	MUST(slice_begins(answer, SLICE("ok\n{")) || slice_begins(answer, SLICE("error\n{")));
	MUST(slice_ends(answer, SLICE("}\n")));
	while (answer.len > 0) {
		char c = answer.ptr[0];
		answer = slice_skip(answer, 1);
		depth += c == '{' || c == '[' ? 1 : c == '}' || c == ']' ? -1 : 0;
		MUST(depth >= 0);
		if (c == '"')
			take_json_string(&answer);
	}
	MUST(depth == 0);
}

static void answer_words(const struct admin_request *r)
{
	struct answer a;
	answer_begin(&a, r->wants_json);
	answer_list(&a, "words");
	for (size_t i = 0; i < r->word_count; i++) {
		answer_row(&a);
		answer_string(&a, "word", r->words[i]);
		answer_number(&a, "length", (int64_t)r->words[i].len);
		answer_row_end(&a);
	}
	answer_list_end(&a);
	answer_say(&a, "%.*s", (int)r->words[0].len, r->words[0].ptr);
	if (r->word_count > 3)
		answer_fail(&a, "no %.*s", (int)r->words[3].len, r->words[3].ptr);
	struct slice all = answer_end(&a);
	for (size_t i = 0; i < all.len; i++)
		MUST(all.ptr[i] == '\n' || !text_is_control(all.ptr[i]));
	if (r->wants_json)
		must_be_json(all);
	answer_clear(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice bytes = slice_of((const char *)data, size);
	struct admin_request request;
	const char *fault;
	int before = 0;
	/* At every length of a short one, at some of a long one. */
	size_t step = 1 + size / 200;
	for (size_t len = 0; len <= size; len += step) {
		int found = admin_request_parse(slice_of(bytes.ptr, len), &request, &fault);
		MUST((found < 0) == (fault != NULL));
		MUST(before == 0 || found < 0);
		before = found;
	}
	if (admin_request_parse(bytes, &request, &fault) == 1)
		answer_words(&request);
	return 0;
}
