#include "client/talk.h"

#include <stdio.h>

#include "unit.h"

static const char *const kinds[] = {
	[SESSION_ACCEPTED] = "accepted",
	[SESSION_TRY_AGAIN] = "try again",
	[SESSION_LOGIN_REFUSED] = "login refused",
	[SESSION_MESSAGE] = "message",
	[SESSION_GROUP_MESSAGE] = "group message",
	[SESSION_NAMES] = "names",
	[SESSION_WORDS] = "words",
	[SESSION_REFUSED] = "refused",
	[SESSION_NOT_DELIVERED] = "not delivered",
	[SESSION_DOUBTFUL] = "doubtful",
	[SESSION_UNCONFIRMED] = "unconfirmed",
	[SESSION_ENDED] = "ended",
	[SESSION_END_ACCEPTED] = "end accepted",
	[SESSION_NONSENSE] = "nonsense",
	[SESSION_UPLOAD_BEGUN] = "upload begun",
	[SESSION_UPLOADED] = "uploaded",
	[SESSION_UPLOAD_REFUSED] = "upload refused",
	[SESSION_FILES] = "files",
	[SESSION_FILE] = "file",
	[SESSION_FILE_BYTES] = "bytes",
	[SESSION_FILE_END] = "file end",
	[SESSION_FILES_END] = "files end",
	[SESSION_TRANSFER_LOST] = "transfer lost",
};

void talk_on_event(void *ctx, const struct session_event *e)
{
	struct talk *t = ctx;
	buffer_printf(&t->told, "%s", kinds[e->kind]);
	if (e->kind == SESSION_DOUBTFUL || e->kind == SESSION_FILES || e->kind == SESSION_FILES_END)
		buffer_printf(&t->told, " %zu", e->count);
	if (e->user.len + e->target.len > 0)
		buffer_printf(&t->told, " %.*s%.*s", (int)e->user.len,
		    e->user.ptr ? e->user.ptr : "", (int)e->target.len,
		    e->target.ptr ? e->target.ptr : "");
	if (e->text.len > 0) {
		buffer_append_slice(&t->told, SLICE(": "));
		buffer_append_slice(&t->told, e->text);
	}
	buffer_append_slice(&t->told, SLICE("\n"));
}

void talk_setup(struct talk *t)
{
	*t = (struct talk){ .now_ms = 1000000 };
	t->session = session_new(talk_on_event, t);
	assert_non_null(t->session);
}

void talk_end(struct talk *t)
{
	session_free(&t->session);
	buffer_clear(&t->told);
}

void hears(struct talk *t, const char *query)
{
	char record[RECORD_MAX_LEN];
	int len = snprintf(record, sizeof(record), "%s \r\n", query);
	assert_true(session_receive(t->session, slice_of(record, (size_t)len), t->now_ms));
}

void tells(struct talk *t, const char *lines)
{
	assert_slice_equal(buffer_slice(&t->told), slice_str(lines));
	buffer_take(&t->told, t->told.len);
}

void says(struct talk *t, const char *query)
{
	char got[RECORD_MAX_LEN], expected[QUERY_SENT_MAX_LEN + 8];
	size_t len = session_next(t->session, t->now_ms, got);
	snprintf(expected, sizeof(expected), "%s \r\n", query);
	assert_slice_equal(slice_of(got, len), slice_str(expected));
}

void says_nothing(struct talk *t)
{
	char got[RECORD_MAX_LEN];
	assert_slice_equal(slice_of(got, session_next(t->session, t->now_ms, got)), SLICE(""));
}

void passes(struct talk *t, uint64_t ms, bool acknowledged)
{
	t->now_ms += ms;
	session_tick(t->session, t->now_ms, acknowledged, 0);
}

void connects(struct talk *t, bool speaks_ours)
{
	session_connected(t->session, speaks_ours, t->now_ms);
}

void logs_in(struct talk *t)
{
	char query[RECORD_MAX_LEN];
	size_t len = session_log_in(t->session, false, SLICE("alice"), SLICE("a password"), query);
	assert_slice_is(slice_of(query, len), "AUTH alice a password \r\n");
	hears(t, "ACCEPT alice token");
	tells(t, "accepted\n");
}

void starts(struct talk *t)
{
	talk_setup(t);
	connects(t, true);
	logs_in(t);
}

void types(struct talk *t, const char *target, const char *text)
{
	assert_true(session_message(t->session, slice_str(target), slice_str(text)));
}
