/*
 * query.c: what a stranger can say, into the framing, the grammar and the relay of texts. The first byte chooses who says it
 * and how it arrives; the rest is the stream. What must hold, besides no crash:
 *
 *  - however the stream is cut into pieces, it is the same queries;
 *  - what is read and short enough to be sent is written again, and read as the same;
 *  - what a text becomes on its way to a receiver is queries of at most 4096 bytes, each read as RELAY with the same names
 *    and no control byte in its text, and all the texts together are the text, escaped.
 */
#include <stdbool.h>
#include <string.h>

#include "fuzz.h"
#include "protocol/name.h"
#include "protocol/query.h"
#include "protocol/text.h"

enum { FROM_SERVER = 1, ADD_LF = 2, PIECE_SHIFT = 2 };

static bool is_same(const struct query *a, const struct query *b)
{
	return a->verb == b->verb && slice_equal(a->target, b->target) &&
	       slice_equal(a->user, b->user) && slice_equal(a->text, b->text) &&
	       slice_equal(a->token, b->token);
}

static void must_read_back(const struct query *q, enum query_side from)
{
	char out[QUERY_SENT_MAX_LEN];
	size_t len = query_write(q, from, out), taken;
	size_t fields_len = q->target.len + q->user.len + q->text.len + q->token.len;
	if (len == 0) {
		/* Too long, then: a verb of at most 6, a space before each of 4 fields, the end. */
		MUST(fields_len + 6 + 4 + 3 > QUERY_SENT_MAX_LEN);
		return;
	}
	struct slice line;
	struct query read;
	MUST(query_next(slice_of(out, len), &line, &taken) == 1);
	MUST(taken == len);
	MUST(query_parse(line, from, &read));
	MUST(is_same(q, &read));
}

/* Takes the printable form of the character at the front of the text off the front of the form. */
static void must_be_escaped(struct slice *text, struct slice *form)
{
	char c = text->ptr[0], escaped[8];
	size_t taken = text_is_control(c) ? 1 : text_char_len(*text);
	struct slice expected = slice_of(text->ptr, taken);
	if (c == '\n' || c == '\t' || c == '\r') {
		expected = slice_of(escaped, 2);
		snprintf(escaped, sizeof(escaped), "\\%c", c == '\n' ? 'n' : c == '\t' ? 't' : 'r');
	} else if (text_is_control(c)) {
		expected = slice_of(escaped, 4);
		snprintf(escaped, sizeof(escaped), "\\x%02x", (unsigned char)c);
	}
	MUST(slice_begins(*form, expected));
	*form = slice_skip(*form, expected.len);
	*text = slice_skip(*text, taken);
}

static void must_be_relayed(struct slice target, struct slice user, struct slice text, bool add_lf)
{
	char head[QUERY_SENT_MAX_LEN], out[QUERY_SENT_MAX_LEN];
	int head_len = snprintf(head, sizeof(head), "RELAY %.*s %.*s ", (int)target.len, target.ptr,
	    (int)user.len, user.ptr);
	text_take_lf(&text);
	struct text_relay relay = {
		.head = slice_of(head, (size_t)head_len), .text = text, .add_lf = add_lf
	};
	size_t len, queries = 0, taken;
	while ((len = text_relay_next(&relay, out)) > 0) {
		MUST(len <= QUERY_SENT_MAX_LEN);
		struct slice line;
		struct query q;
		MUST(query_next(slice_of(out, len), &line, &taken) == 1);
		MUST(taken == len);
		MUST(query_parse(line, QUERY_FROM_SERVER, &q));
		MUST(q.verb == QUERY_RELAY);
		MUST(slice_equal(q.target, target) && slice_equal(q.user, user));
		for (size_t i = 0; i < q.text.len; i++)
			MUST(!text_is_control(q.text.ptr[i]));
		if (add_lf) {
			MUST(slice_ends(q.text, SLICE("\\n")));
			q.text.len -= 2;
		}
		MUST(queries == 0 || q.text.len > 0);
		while (q.text.len > 0) {
			MUST(text.len > 0);
			must_be_escaped(&text, &q.text);
		}
		queries++;
	}
	MUST(queries > 0);
	MUST(text.len == 0);
}

static bool has_space(struct slice s)
{
	return s.len > 0 && memchr(s.ptr, ' ', s.len) != NULL;
}

/* A sender's name is a user's; a target is any word, but only a user's name is ever looked up and relayed to. */
static void take_query(struct slice line, enum query_side from, bool add_lf)
{
	struct query q;
	if (!query_parse(line, from, &q))
		return;
	MUST(!has_space(q.target) && !has_space(q.user) && !has_space(q.token));
	must_read_back(&q, from);
	if (from == QUERY_FROM_CLIENT && q.verb == QUERY_MSG && name_check(q.target) == NAME_OK &&
	    name_check(q.user) == NAME_OK)
		must_be_relayed(q.target, q.user, q.text, add_lf);
	if (q.verb == QUERY_BEGINF && filename_is_allowed(q.text)) {
		char name[FILENAME_MAX_LEN];
		for (unsigned number = 1; number < 1000000; number *= 31) {
			size_t len = filename_numbered(q.text, number, name);
			MUST(len <= FILENAME_MAX_LEN);
			MUST(filename_is_allowed(slice_of(name, len)));
			MUST(memchr(name, ' ', len) == NULL);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	enum query_side from = data[0] & FROM_SERVER ? QUERY_FROM_SERVER : QUERY_FROM_CLIENT;
	bool add_lf = data[0] & ADD_LF;
	size_t piece = (size_t)(data[0] >> PIECE_SHIFT) * 16 + 1;
	struct slice whole = slice_of((const char *)data + 1, size - 1);

	size_t begin = 0, end = 0;
	int found = 0;
	while (end < whole.len && found >= 0) {
		end = whole.len - end < piece ? whole.len : end + piece;
		struct slice line, line_of_whole;
		size_t taken, taken_of_whole;
		while ((found = query_next(
			    slice_of(whole.ptr + begin, end - begin), &line, &taken)) == 1) {
			struct slice rest = slice_skip(whole, begin);
			MUST(query_next(rest, &line_of_whole, &taken_of_whole) == 1);
			MUST(line.ptr == line_of_whole.ptr && line.len == line_of_whole.len);
			MUST(taken == taken_of_whole && taken <= QUERY_TAKEN_MAX_LEN);
			MUST(taken == line.len + 2 && memcmp(line.ptr + line.len, "\r\n", 2) == 0);
			MUST(memmem(line.ptr, line.len, "\r\n", 2) == NULL);
			take_query(line, from, add_lf);
			begin += taken;
		}
		MUST(found == 0 || end - begin >= QUERY_TAKEN_MAX_LEN);
	}
	return 0;
}
