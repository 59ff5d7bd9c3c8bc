/*
 * client.c: what a server can say, into the client's session and onto the terminal. The first byte chooses which kind of server it is
 * and how its words arrive; the rest is the stream, in records of up to that many bytes. What must hold, besides no crash:
 *
 *  - the session tells the same, however the stream is cut into records;
 *  - whatever is shown is UTF-8 without control characters, and is not changed when it is made harmless again;
 *  - nothing is said before the server has accepted the log-in, and then only queries.
 */
#include <stdbool.h>
#include <string.h>

#include "base/buffer.h"
#include "client/sanitize.h"
#include "client/session.h"
#include "fuzz.h"

enum { IS_OURS = 1, RECORD_SHIFT = 1, END_OF_TIME_MS = 1000 * 1000 };

static void must_be_harmless(struct slice shown)
{
	while (shown.len > 0) {
		size_t len;
		uint32_t character = utf8_decode(shown, &len);
		MUST(character != NOT_A_CHARACTER);
		MUST(character >= 0x20 && !(character >= 0x7f && character < 0xa0));
		MUST(!(character >= 0x202a && character <= 0x202e));
		shown = slice_skip(shown, len);
	}
}

static void show(struct buffer *told, struct slice foreign)
{
	struct buffer once = { 0 }, twice = { 0 };
	MUST(sanitize(&once, foreign));
	must_be_harmless(buffer_slice(&once));
	MUST(sanitize(&twice, buffer_slice(&once)));
	MUST(slice_equal(buffer_slice(&once), buffer_slice(&twice)));
	MUST(buffer_append_slice(told, buffer_slice(&once)) &&
	     buffer_append_slice(told, SLICE("|")));
	buffer_clear(&once);
	buffer_clear(&twice);
}

static void on_event(void *ctx, const struct session_event *event)
{
	struct buffer *told = ctx;
	MUST(buffer_printf(told, "%d|", (int)event->kind));
	show(told, event->user);
	show(told, event->target);
	show(told, event->text);
}

/* All that is told of the stream, in told. */
static void listen(struct slice stream, bool is_ours, size_t record_len, struct buffer *told)
{
	char query[RECORD_MAX_LEN];
	struct session *s = session_new(on_event, told);
	MUST(s != NULL);
	session_connected(s, is_ours, 0);
	MUST(session_log_in(s, false, SLICE("alice"), SLICE("password"), query) > 0);
	MUST(session_message(s, SLICE("bob"), SLICE("one")) &&
	     session_group_message(s, SLICE("two")));
	MUST(session_ask_online(s) && session_toggle_group(s));
	MUST(session_next(s, 0, query) == 0);
	bool is_whole = true;
	while (stream.len > 0 && is_whole) {
		size_t len = stream.len < record_len ? stream.len : record_len;
		is_whole = session_receive(s, slice_of(stream.ptr, len), 0);
		stream = slice_skip(stream, len);
	}
	for (size_t len; (len = session_next(s, 0, query)) > 0;) {
		struct query q;
		MUST(query_parse(slice_of(query, len - 2), QUERY_FROM_CLIENT, &q));
	}
	session_tick(s, END_OF_TIME_MS, true, 0);
	session_lost(s);
	session_free(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	struct slice stream = slice_of((const char *)data + 1, size - 1);
	bool is_ours = (data[0] & IS_OURS) != 0;
	size_t record_len = (size_t)(data[0] >> RECORD_SHIFT) + 1;
	struct buffer whole = { 0 }, pieces = { 0 };
	listen(stream, is_ours, RECORD_MAX_LEN, &whole);
	listen(stream, is_ours, record_len, &pieces);
	MUST(slice_equal(buffer_slice(&whole), buffer_slice(&pieces)));
	buffer_clear(&whole);
	buffer_clear(&pieces);
	return 0;
}
