/* What a CNT means, which does not say which text was not delivered (window.h). */
#include "client/session.h"

#include <stdio.h>

#include "client/talk.h"
#include "client/window.h"
#include "unit.h"

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

int main(int argc, char **argv)
{
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
	return unit_run(argc, argv);
}
