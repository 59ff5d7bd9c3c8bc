#include "client/session.h"

#include <stdio.h>

#include "client/talk.h"
#include "client/window.h"
#include "unit.h"

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
	struct session *none = session_new(talk_on_event, &t);
	unit_allocate_all();
	assert_false(message || group || online || quits || mutes || received);
	assert_null(none);
	assert_false(session_group_is_on(t.session));
	says_nothing(&t);
	talk_end(&t);
}

int main(int argc, char **argv)
{
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
	UNIT_TEST(what_was_not_acknowledged_is_told);
	UNIT_TEST(what_was_acknowledged_is_not_told);
	UNIT_TEST(a_text_that_is_half_out_is_sent_as_a_whole);
	UNIT_TEST(a_half_query_of_the_old_connection_is_forgotten);
	UNIT_TEST(silence_counts_after_a_check);
	UNIT_TEST(memory_that_runs_out_is_said);
	return unit_run(argc, argv);
}
