#include "client/session.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "client/download.h"
#include "client/window.h"
#include "unit.h"

/* A session, the clock, and all that it has told since the last look, a line each. */
struct talk {
	struct session *session;
	uint64_t now_ms;
	struct buffer told;
};

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

static void on_event(void *ctx, const struct session_event *e)
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

static int talk_setup(struct talk *t)
{
	*t = (struct talk){ .now_ms = 1000000 };
	t->session = session_new(on_event, t);
	assert_non_null(t->session);
	return 0;
}

static void talk_end(struct talk *t)
{
	session_free(&t->session);
	buffer_clear(&t->told);
}

/* The server says this. */
static void hears(struct talk *t, const char *query)
{
	char record[RECORD_MAX_LEN];
	int len = snprintf(record, sizeof(record), "%s \r\n", query);
	assert_true(session_receive(t->session, slice_of(record, (size_t)len), t->now_ms));
}

/* All that was told since the last call is this. */
static void tells(struct talk *t, const char *lines)
{
	assert_slice_equal(buffer_slice(&t->told), slice_str(lines));
	buffer_take(&t->told, t->told.len);
}

/* The next query is this. */
static void says(struct talk *t, const char *query)
{
	char got[RECORD_MAX_LEN], expected[QUERY_SENT_MAX_LEN + 8];
	size_t len = session_next(t->session, t->now_ms, got);
	snprintf(expected, sizeof(expected), "%s \r\n", query);
	assert_slice_equal(slice_of(got, len), slice_str(expected));
}

static void says_nothing(struct talk *t)
{
	char got[RECORD_MAX_LEN];
	assert_slice_equal(slice_of(got, session_next(t->session, t->now_ms, got)), SLICE(""));
}

static void passes(struct talk *t, uint64_t ms, bool acknowledged)
{
	t->now_ms += ms;
	session_tick(t->session, t->now_ms, acknowledged, 0);
}

static void connects(struct talk *t, bool speaks_ours)
{
	session_connected(t->session, speaks_ours, t->now_ms);
}

static void logs_in(struct talk *t)
{
	char query[RECORD_MAX_LEN];
	size_t len = session_log_in(t->session, false, SLICE("alice"), SLICE("a password"), query);
	assert_slice_is(slice_of(query, len), "AUTH alice a password \r\n");
	hears(t, "ACCEPT alice token");
	tells(t, "accepted\n");
}

static void starts(struct talk *t)
{
	talk_setup(t);
	connects(t, true);
	logs_in(t);
}

static void types(struct talk *t, const char *target, const char *text)
{
	assert_true(session_message(t->session, slice_str(target), slice_str(text)));
}

/* Logging in */

static void signs_up_after_a_refusal(void **state)
{
	(void)state;
	struct talk t;
	char query[RECORD_MAX_LEN];
	talk_setup(&t);
	connects(&t, true);
	size_t len = session_log_in(t.session, true, SLICE("bob"), SLICE("pw"), query);
	assert_slice_is(slice_of(query, len), "PUT bob pw \r\n");
	hears(&t, "TRY <username already taken>");
	tells(&t, "try again: username already taken\n");
	assert_int_equal(session_state(t.session), SESSION_OFF);
	logs_in(&t);
	assert_int_equal(session_state(t.session), SESSION_ON);
	assert_slice_is(session_user(t.session), "alice");
	talk_end(&t);
}

static void says_nothing_before_it_is_accepted(void **state)
{
	(void)state;
	struct talk t;
	talk_setup(&t);
	types(&t, "bob", "early");
	says_nothing(&t);
	connects(&t, true);
	says_nothing(&t);
	logs_in(&t);
	says(&t, "MSG bob alice early token");
	says_nothing(&t);
	talk_end(&t);
}

static const struct end_case {
	const char *name;
	const char *query;
	const char *told;
} end_cases[] = {
	{ "wrong password", "END <incorrect username or password>",
	    "login refused: incorrect username or password\n" },
	{ "with a star", "END * <user already online>", "login refused: user already online\n" },
	{ "without brackets", "END * reason", "login refused: reason\n" },
	{ "accepted as somebody else", "ACCEPT mallory token",
	    "nonsense: ACCEPT mallory token \n" },
	{ "without a token", "ACCEPT alice", "nonsense: ACCEPT alice \n" },
	{ "CHECK is no answer", "CHECK", "" },
};

static void answers_to_log_in(void **state)
{
	const struct end_case *c = *state;
	struct talk t;
	char query[RECORD_MAX_LEN];
	talk_setup(&t);
	connects(&t, true);
	session_log_in(t.session, false, SLICE("alice"), SLICE("pw"), query);
	hears(&t, c->query);
	tells(&t, c->told);
	says_nothing(&t);
	talk_end(&t);
}

static void log_in_that_does_not_fit(void **state)
{
	(void)state;
	struct talk t;
	char long_one[QUERY_SENT_MAX_LEN], query[RECORD_MAX_LEN];
	memset(long_one, 'x', sizeof(long_one));
	talk_setup(&t);
	assert_int_equal(session_log_in(t.session, false, SLICE("a"),
			     slice_of(long_one, sizeof(long_one)), query),
	    0);
	assert_int_equal(session_log_in(t.session, false,
			     slice_of(long_one, SESSION_NAME_MAX_LEN + 1), SLICE("p"), query),
	    0);
	assert_int_equal(session_state(t.session), SESSION_OFF);
	talk_end(&t);
}

/* Receiving */

static void tells_what_is_said(void **state)
{
	(void)state;
	struct talk t;
	starts(&t);
	hears(&t, "RELAY alice bob hello you");
	hears(&t, "RELAYG bob hello all");
	hears(&t, "CMD <problem with command>");
	hears(&t, "WHAT is this");
	tells(&t,
	    "message bob: hello you\ngroup message bob: hello all\nwords: problem with command\n"
	    "nonsense: WHAT is this \n");
	assert_true(session_ask_online(t.session));
	says(&t, "CMD <online> token");
	hears(&t, "CMD <alice bob>");
	hears(&t, "CMD <other words>");
	hears(&t, "END * <kicked>");
	tells(&t, "names: alice bob\nwords: other words\nended: kicked\n");
	assert_int_equal(session_state(t.session), SESSION_OFF);
	talk_end(&t);
}

static void queries_come_in_any_pieces(void **state)
{
	(void)state;
	static const char stream[] =
	    "RELAY alice bob one \r\nCHECK \r\nRELAY alice bob a\nb\r\nRELAY alice bob  \r\n";
	static const char told[] = "message bob: one\nmessage bob: a\nb\nmessage bob\n";
	for (size_t first = 0; first < sizeof(stream) - 1; first++) {
		for (size_t second = first; second < sizeof(stream) - 1; second += 7) {
			struct talk t;
			starts(&t);
			assert_true(session_receive(t.session, slice_of(stream, first), t.now_ms));
			assert_true(session_receive(
			    t.session, slice_of(stream + first, second - first), t.now_ms));
			assert_true(session_receive(t.session,
			    slice_of(stream + second, sizeof(stream) - 1 - second), t.now_ms));
			tells(&t, told);
			talk_end(&t);
		}
	}
}

static void a_query_without_end_is_given_up(void **state)
{
	(void)state;
	static char flood[QUERY_TAKEN_MAX_LEN];
	struct talk t;
	memset(flood, 'x', sizeof(flood));
	starts(&t);
	assert_true(session_receive(t.session, slice_of(flood, sizeof(flood) - 1), t.now_ms));
	assert_false(session_receive(t.session, slice_of(flood, 1), t.now_ms));
	talk_end(&t);
}

static void the_muted_are_not_heard(void **state)
{
	(void)state;
	struct talk t;
	starts(&t);
	assert_true(session_mute(t.session, SLICE("bob"), true));
	assert_true(session_mute(t.session, SLICE("carol"), true));
	assert_true(session_mute(t.session, SLICE("bob"), true));
	hears(&t, "RELAY alice bob no");
	hears(&t, "RELAYG carol no");
	hears(&t, "RELAY alice bobby yes");
	tells(&t, "message bobby: yes\n");
	assert_slice_is(session_muted(t.session, 0), "carol");
	assert_slice_is(session_muted(t.session, 1), "bob");
	assert_slice_is(session_muted(t.session, 2), "");
	assert_true(session_mute(t.session, SLICE("bob"), false));
	assert_true(session_mute(t.session, SLICE("nobody"), false));
	hears(&t, "RELAY alice bob yes");
	tells(&t, "message bob: yes\n");
	assert_false(session_mute(t.session, SLICE(""), true));
	talk_end(&t);
}

/* Sending */

static void sends_in_order(void **state)
{
	(void)state;
	struct talk t;
	starts(&t);
	types(&t, "bob", "one");
	assert_true(session_group_message(t.session, SLICE("two")));
	assert_true(session_toggle_group(t.session));
	types(&t, "bob", "");
	assert_int_equal(session_waiting_texts(t.session), 3);
	assert_int_equal(session_waiting_bytes(t.session), 6);
	assert_true(session_quit(t.session));
	assert_true(session_quit(t.session)); /* once is enough */
	says(&t, "MSG bob alice one token");
	says(&t, "MSGG alice two token");
	says(&t, "CMD <group> token");
	says(&t, "MSG bob alice  token");
	assert_int_equal(session_waiting_texts(t.session), 0);
	assert_int_equal(session_state(t.session), SESSION_ON);
	says(&t, "END <user command> token");
	assert_int_equal(session_state(t.session), SESSION_LEAVING);
	says_nothing(&t);
	hears(&t, "RELAY alice bob a last word");
	hears(&t, "END <end accepted>");
	tells(&t, "message bob: a last word\nend accepted\n");
	talk_end(&t);
}

static void another_end_while_leaving(void **state)
{
	(void)state;
	struct talk t;
	starts(&t);
	assert_true(session_quit(t.session));
	says(&t, "END <user command> token");
	hears(&t, "END * <server closing>");
	tells(&t, "ended: server closing\n");
	talk_end(&t);
}

static void end_accepted_that_was_not_asked_for(void **state)
{
	(void)state;
	struct talk t;
	starts(&t);
	hears(&t, "END <end accepted>");
	tells(&t, "ended: end accepted\n");
	talk_end(&t);
}

static void long_texts_are_cut_between_characters(void **state)
{
	(void)state;
	static const size_t lens[] = { 4070, 4071, 4072, 4073, 4074, 4075, 4076, 8200 };
	for (size_t i = 0; i < sizeof(lens) / sizeof(*lens); i++) {
		struct talk t;
		char *text = malloc(lens[i] + 2), query[RECORD_MAX_LEN];
		struct buffer got = { 0 };
		memset(text, 'x', lens[i]);
		memcpy(text + lens[i], "\xc3\xa9", 2);
		starts(&t);
		assert_true(session_message(t.session, SLICE("bob"), slice_of(text, lens[i] + 2)));
		for (size_t len; (len = session_next(t.session, t.now_ms, query)) > 0;) {
			struct query q;
			assert_true(query_parse(slice_of(query, len - 2), QUERY_FROM_CLIENT, &q));
			assert_int_equal(q.verb, QUERY_MSG);
			assert_true((q.text.ptr[0] & 0xc0) != 0x80);
			buffer_append_slice(&got, q.text);
		}
		assert_slice_equal(buffer_slice(&got), slice_of(text, lens[i] + 2));
		buffer_clear(&got);
		talk_end(&t);
		free(text);
	}
}

/* Group chat */

static void group_chat_comes_back(void **state)
{
	(void)state;
	struct talk t;
	starts(&t);
	assert_true(session_toggle_group(t.session));
	assert_true(session_group_is_on(t.session));
	session_lost(t.session);
	assert_true(session_group_message(t.session, SLICE("typed meanwhile")));
	connects(&t, true);
	logs_in(&t);
	says(&t, "CMD <group> token"); /* once, and before the text */
	says(&t, "MSGG alice typed meanwhile token");
	assert_true(session_toggle_group(t.session));
	says(&t, "CMD <group> token");
	session_lost(t.session);
	tells(&t, "unconfirmed: typed meanwhile\n");
	connects(&t, true);
	logs_in(&t);
	says_nothing(&t);
	talk_end(&t);
}

/* CNT */

static void one_text_is_clear_at_once(void **state)
{
	(void)state;
	struct talk t;
	starts(&t);
	types(&t, "bob", "one");
	says(&t, "MSG bob alice one token");
	hears(&t, "CNT <user not online>");
	tells(&t, "refused: user not online\nnot delivered bob: one\n");
	talk_end(&t);
}

static void all_of_several_are_clear(void **state)
{
	(void)state;
	struct talk t;
	starts(&t);
	types(&t, "bob", "one");
	types(&t, "carol", "two");
	says(&t, "MSG bob alice one token");
	says(&t, "MSG carol alice two token");
	hears(&t, "CNT <user not online>");
	tells(&t, "refused: user not online\n");
	hears(&t, "CNT <user not online>");
	tells(&t, "refused: user not online\nnot delivered bob: one\nnot delivered carol: two\n");
	talk_end(&t);
}

static void one_of_two_is_doubtful_after_a_while(void **state)
{
	(void)state;
	struct talk t;
	starts(&t);
	types(&t, "bob", "one");
	types(&t, "bob", "two");
	says(&t, "MSG bob alice one token");
	says(&t, "MSG bob alice two token");
	hears(&t, "CNT <user not online>");
	tells(&t, "refused: user not online\n");
	assert_int_equal(session_deadline_ms(t.session), t.now_ms + WINDOW_SETTLE_MS / 2);
	passes(&t, WINDOW_SETTLE_MS / 2 - 1, true);
	tells(&t, "");
	passes(&t, 1, true);
	tells(&t, "doubtful 1 bob: one\ndoubtful 1 bob: two\n");
	assert_int_equal(session_deadline_ms(t.session), UINT64_MAX);
	talk_end(&t);
}

static void an_old_text_is_not_meant(void **state)
{
	(void)state;
	struct talk t;
	starts(&t);
	types(&t, "bob", "one");
	says(&t, "MSG bob alice one token");
	passes(&t, WINDOW_SETTLE_MS, true);
	types(&t, "bob", "two");
	says(&t, "MSG bob alice two token");
	hears(&t, "CNT <user not online>");
	tells(&t, "refused: user not online\nnot delivered bob: two\n");
	talk_end(&t);
}

static void a_text_that_is_not_acknowledged_does_not_grow_old(void **state)
{
	(void)state;
	struct talk t;
	starts(&t);
	types(&t, "bob", "one");
	says(&t, "MSG bob alice one token");
	passes(&t, 60000, false);
	assert_int_equal(session_deadline_ms(t.session), t.now_ms + WINDOW_LOOK_MS);
	types(&t, "bob", "two");
	says(&t, "MSG bob alice two token");
	hears(&t, "CNT <user not online>");
	passes(&t, WINDOW_SETTLE_MS / 2, true);
	tells(&t, "refused: user not online\ndoubtful 1 bob: one\ndoubtful 1 bob: two\n");
	talk_end(&t);
}

static void a_late_cnt_means_the_last_text(void **state)
{
	(void)state;
	struct talk t;
	starts(&t);
	types(&t, "bob", "one");
	says(&t, "MSG bob alice one token");
	passes(&t, 60000, true);
	hears(&t, "CNT <user not online>");
	tells(&t, "refused: user not online\nnot delivered bob: one\n");
	talk_end(&t);
}

static void group_texts_have_no_cnt(void **state)
{
	(void)state;
	struct talk t;
	starts(&t);
	types(&t, "bob", "one");
	assert_true(session_group_message(t.session, SLICE("two")));
	says(&t, "MSG bob alice one token");
	says(&t, "MSGG alice two token");
	hears(&t, "CNT <user not online>");
	tells(&t, "refused: user not online\nnot delivered bob: one\n");
	talk_end(&t);
}

static void the_end_settles_it(void **state)
{
	(void)state;
	struct talk t;
	starts(&t);
	types(&t, "bob", "one");
	types(&t, "bob", "two");
	assert_true(session_quit(t.session));
	says(&t, "MSG bob alice one token");
	says(&t, "MSG bob alice two token");
	says(&t, "END <user command> token");
	hears(&t, "CNT <user not online>");
	hears(&t, "END <end accepted>");
	tells(&t,
	    "refused: user not online\ndoubtful 1 bob: one\ndoubtful 1 bob: two\nend accepted\n");
	talk_end(&t);
}

static void too_many_to_keep_are_only_counted(void **state)
{
	(void)state;
	struct talk t;
	char query[RECORD_MAX_LEN];
	starts(&t);
	for (int i = 0; i < WINDOW_MAX_TEXTS + 1; i++) {
		types(&t, "bob", "text");
		assert_true(session_next(t.session, t.now_ms, query) > 0);
	}
	for (int i = 0; i < WINDOW_MAX_TEXTS + 1; i++)
		hears(&t, "CNT <user not online>");
	buffer_take(&t.told, t.told.len);
	passes(&t, WINDOW_SETTLE_MS / 2, true);
	tells(&t, "doubtful 257\n");
	types(&t, "bob", "later");
	says(&t, "MSG bob alice later token");
	hears(&t, "CNT <user not online>");
	tells(&t, "refused: user not online\nnot delivered bob: later\n");
	talk_end(&t);
}

static void what_had_no_room_is_forgotten_when_it_is_old(void **state)
{
	(void)state;
	struct talk t;
	char query[RECORD_MAX_LEN];
	starts(&t);
	for (int i = 0; i < WINDOW_MAX_TEXTS + 1; i++) {
		types(&t, "bob", "text");
		assert_true(session_next(t.session, t.now_ms, query) > 0);
	}
	passes(&t, WINDOW_SETTLE_MS, true);
	types(&t, "bob", "later");
	says(&t, "MSG bob alice later token");
	hears(&t, "CNT <user not online>");
	tells(&t, "refused: user not online\nnot delivered bob: later\n");
	talk_end(&t);
}

static void a_cnt_for_nothing_is_told(void **state)
{
	(void)state;
	struct talk t;
	starts(&t);
	hears(&t, "CNT <odd>");
	passes(&t, WINDOW_SETTLE_MS / 2, true);
	tells(&t, "refused: odd\ndoubtful 1\n");
	talk_end(&t);
}

/* Each piece of a long text can be refused. While pieces are still to be sent, the case is open. */
static void pieces_of_a_long_text(void **state)
{
	(void)state;
	static char text[5000];
	struct talk t;
	char query[RECORD_MAX_LEN];
	memset(text, 'x', sizeof(text));
	starts(&t);
	assert_true(session_message(t.session, SLICE("bob"), slice_of(text, sizeof(text))));
	assert_true(session_next(t.session, t.now_ms, query) > 0);
	hears(&t, "CNT <user not online>");
	tells(&t, "refused: user not online\n");
	assert_true(session_next(t.session, t.now_ms, query) > 0);
	hears(&t, "CNT <user not online>");
	struct slice told = buffer_slice(&t.told);
	assert_true(slice_begins(told, SLICE("refused: user not online\nnot delivered bob: xxx")));
	assert_true(told.len > sizeof(text));
	talk_end(&t);
}

/* Losing the connection */

static void what_was_not_acknowledged_is_told(void **state)
{
	(void)state;
	struct talk t;
	starts(&t);
	types(&t, "bob", "old");
	says(&t, "MSG bob alice old token");
	passes(&t, WINDOW_SETTLE_MS, true);
	types(&t, "bob", "new");
	says(&t, "MSG bob alice new token");
	passes(&t, 10, false);
	types(&t, "bob", "waiting");
	session_lost(t.session);
	tells(&t, "unconfirmed bob: new\n");
	connects(&t, true);
	logs_in(&t);
	says(&t, "MSG bob alice waiting token");
	talk_end(&t);
}

static void what_was_acknowledged_is_not_told(void **state)
{
	(void)state;
	struct talk t;
	starts(&t);
	types(&t, "bob", "new");
	says(&t, "MSG bob alice new token");
	passes(&t, 10, true);
	session_lost(t.session);
	tells(&t, "");
	talk_end(&t);
}

static void a_text_that_is_half_out_is_sent_as_a_whole(void **state)
{
	(void)state;
	static char text[5000];
	struct talk t;
	char query[RECORD_MAX_LEN];
	memset(text, 'x', sizeof(text));
	starts(&t);
	assert_true(session_message(t.session, SLICE("bob"), slice_of(text, sizeof(text))));
	size_t first = session_next(t.session, t.now_ms, query);
	session_lost(t.session);
	tells(&t, "");
	connects(&t, true);
	logs_in(&t);
	assert_int_equal(session_next(t.session, t.now_ms, query), first);
	assert_true(session_next(t.session, t.now_ms, query) > 0);
	says_nothing(&t);
	talk_end(&t);
}

static void a_half_query_of_the_old_connection_is_forgotten(void **state)
{
	(void)state;
	struct talk t;
	starts(&t);
	assert_true(session_receive(t.session, SLICE("RELAY alice bob hal"), t.now_ms));
	session_lost(t.session);
	connects(&t, true);
	logs_in(&t);
	talk_end(&t);
}

/* Silence */

static void silence_counts_after_a_check(void **state)
{
	(void)state;
	struct talk t;
	starts(&t);
	assert_false(session_is_silent(t.session, t.now_ms + 1000000));
	t.now_ms += 15000;
	hears(&t, "CHECK");
	assert_false(session_is_silent(t.session, t.now_ms + 59999));
	assert_true(session_is_silent(t.session, t.now_ms + 60000));
	assert_int_equal(session_deadline_ms(t.session), t.now_ms + 60000);
	t.now_ms += 30000;
	hears(&t, "RELAY alice bob hello");
	tells(&t, "message bob: hello\n");
	assert_false(session_is_silent(t.session, t.now_ms + 59999));
	t.now_ms += 30000; /* a slower server is given more time */
	hears(&t, "CHECK");
	assert_false(session_is_silent(t.session, t.now_ms + 119999));
	assert_true(session_is_silent(t.session, t.now_ms + 120000));
	session_lost(t.session);
	connects(&t, true);
	logs_in(&t);
	assert_false(session_is_silent(t.session, t.now_ms + 1000000));
	talk_end(&t);
}

/* Memory */

static void memory_that_runs_out_is_said(void **state)
{
	(void)state;
	struct talk t;
	starts(&t);
	unit_allocate_only(0);
	bool message = session_message(t.session, SLICE("bob"), SLICE("text"));
	bool group = session_toggle_group(t.session);
	bool online = session_ask_online(t.session);
	bool quits = session_quit(t.session);
	bool mutes = session_mute(t.session, SLICE("bob"), true);
	bool received = session_receive(t.session, SLICE("RELAY"), t.now_ms);
	struct session *none = session_new(on_event, &t);
	unit_allocate_all();
	assert_false(message || group || online || quits || mutes || received);
	assert_null(none);
	assert_false(session_group_is_on(t.session));
	says_nothing(&t);
	talk_end(&t);
}

/* Files */

static ssize_t read_text(void *ctx, char *out, size_t room)
{
	struct slice *text = ctx;
	size_t len = text->len < room ? text->len : room;
	memcpy(out, text->ptr, len);
	*text = slice_skip(*text, len);
	return (ssize_t)len;
}

/* A record that is taken as it is. */
static void hears_record(struct talk *t, struct slice record)
{
	assert_true(session_receive(t->session, record, t->now_ms));
}

static void a_file_has_the_wire_for_itself(void **state)
{
	(void)state;
	struct talk t;
	char got[RECORD_MAX_LEN];
	struct slice text = SLICE("data");
	starts(&t);
	types(&t, "bob", "before");
	assert_true(session_upload(t.session, SLICE("bob"), SLICE("a b.txt"), read_text, &text));
	types(&t, "bob", "after");
	assert_false(session_download(t.session));
	says(&t, "MSG bob alice before token");
	says(&t, "BEGINF a b.txt bob token");
	tells(&t, "upload begun\n");
	assert_slice_is(slice_of(got, session_next(t.session, t.now_ms, got)), "data");
	hears(&t, "RELAY alice bob meanwhile");
	tells(&t, "message bob: meanwhile\n");
	says(&t, "ENDF token");
	says_nothing(&t);
	hears(&t, "CMD <upload complete>");
	tells(&t, "uploaded: upload complete\n");
	says(&t, "MSG bob alice after token");
	assert_false(session_is_transferring(t.session));
	talk_end(&t);
}

static void names_that_were_asked_for_are_no_answer_for_a_file(void **state)
{
	(void)state;
	struct talk t;
	struct slice text = SLICE("");
	starts(&t);
	assert_true(session_ask_online(t.session));
	assert_true(session_upload(t.session, SLICE("bob"), SLICE("a"), read_text, &text));
	says(&t, "CMD <online> token");
	says(&t, "BEGINF a bob token");
	says(&t, "ENDF token");
	hears(&t, "CMD <problem with command>");
	hears(&t, "CMD <upload complete>");
	tells(&t, "upload begun\nnames: problem with command\nuploaded: upload complete\n");
	talk_end(&t);
}

static void files_come(void **state)
{
	(void)state;
	struct talk t;
	starts(&t);
	assert_true(session_download(t.session));
	types(&t, "bob", "after");
	says(&t, "CMD <get> token");
	says_nothing(&t);
	hears(&t, "RELAY alice bob before");
	hears(&t, "BEGIN 2");
	hears(&t, "BEGINF a b");
	hears(&t, "RELAY alice bob inside");
	hears_record(&t, SLICE("ENDF \r"));
	hears_record(&t, SLICE("ENDF \r\n"));
	hears(&t, "CHECK");
	hears(&t, "BEGINF c");
	hears_record(&t, SLICE("ENDF \r\n"));
	says_nothing(&t);
	hears(&t, "CMD <file send complete>");
	tells(&t,
	    "message bob: before\nfiles 2\nfile: a b\nbytes: RELAY alice bob inside \r\n\nbytes: ENDF \r\nfile end\n"
	    "file: c\nfile end\nfiles end 0: file send complete\n");
	says(&t, "MSG bob alice after token");
	talk_end(&t);
}

static void bytes_behind_the_beginning_of_a_file_are_not_taken(void **state)
{
	(void)state;
	struct talk t;
	starts(&t);
	assert_true(session_download(t.session));
	says(&t, "CMD <get> token");
	hears(&t, "BEGIN 1");
	assert_false(session_receive(t.session, SLICE("BEGINF a \r\ndata"), t.now_ms));
	talk_end(&t);
}

static void a_transfer_ends_with_its_connection(void **state)
{
	(void)state;
	struct talk t;
	struct slice text = SLICE("data");
	starts(&t);
	assert_true(session_upload(t.session, SLICE("bob"), SLICE("a"), read_text, &text));
	session_lost(t.session);
	tells(&t, "transfer lost\n");
	connects(&t, true);
	logs_in(&t);
	says_nothing(&t);
	assert_true(session_download(t.session));
	says(&t, "CMD <get> token");
	hears(&t, "BEGIN 1");
	hears(&t, "BEGINF a");
	session_lost(t.session);
	tells(&t, "files 1\nfile: a\ntransfer lost\n");
	connects(&t, true);
	logs_in(&t);
	hears(&t, "RELAY alice bob hello");
	tells(&t, "message bob: hello\n");
	talk_end(&t);
}

static void a_download_that_stands_still_is_silence(void **state)
{
	(void)state;
	struct talk t;
	starts(&t);
	assert_true(session_download(t.session));
	says(&t, "CMD <get> token");
	passes(&t, DOWNLOAD_SILENCE_MS - 1, true);
	assert_false(session_is_silent(t.session, t.now_ms));
	passes(&t, 1, true);
	assert_true(session_is_silent(t.session, t.now_ms));
	talk_end(&t);
}

int main(int argc, char **argv)
{
	UNIT_TEST(a_file_has_the_wire_for_itself);
	UNIT_TEST(names_that_were_asked_for_are_no_answer_for_a_file);
	UNIT_TEST(files_come);
	UNIT_TEST(bytes_behind_the_beginning_of_a_file_are_not_taken);
	UNIT_TEST(a_transfer_ends_with_its_connection);
	UNIT_TEST(a_download_that_stands_still_is_silence);
	UNIT_TEST(signs_up_after_a_refusal);
	UNIT_TEST(says_nothing_before_it_is_accepted);
	UNIT_EACH(answers_to_log_in, end_cases);
	UNIT_TEST(log_in_that_does_not_fit);
	UNIT_TEST(tells_what_is_said);
	UNIT_TEST(queries_come_in_any_pieces);
	UNIT_TEST(a_query_without_end_is_given_up);
	UNIT_TEST(the_muted_are_not_heard);
	UNIT_TEST(sends_in_order);
	UNIT_TEST(another_end_while_leaving);
	UNIT_TEST(end_accepted_that_was_not_asked_for);
	UNIT_TEST(long_texts_are_cut_between_characters);
	UNIT_TEST(group_chat_comes_back);
	UNIT_TEST(one_text_is_clear_at_once);
	UNIT_TEST(all_of_several_are_clear);
	UNIT_TEST(one_of_two_is_doubtful_after_a_while);
	UNIT_TEST(an_old_text_is_not_meant);
	UNIT_TEST(a_text_that_is_not_acknowledged_does_not_grow_old);
	UNIT_TEST(a_late_cnt_means_the_last_text);
	UNIT_TEST(group_texts_have_no_cnt);
	UNIT_TEST(the_end_settles_it);
	UNIT_TEST(too_many_to_keep_are_only_counted);
	UNIT_TEST(what_had_no_room_is_forgotten_when_it_is_old);
	UNIT_TEST(a_cnt_for_nothing_is_told);
	UNIT_TEST(pieces_of_a_long_text);
	UNIT_TEST(what_was_not_acknowledged_is_told);
	UNIT_TEST(what_was_acknowledged_is_not_told);
	UNIT_TEST(a_text_that_is_half_out_is_sent_as_a_whole);
	UNIT_TEST(a_half_query_of_the_old_connection_is_forgotten);
	UNIT_TEST(silence_counts_after_a_check);
	UNIT_TEST(memory_that_runs_out_is_said);
	return unit_run(argc, argv);
}
