#include "client/full/model.h"

#include <malloc.h>
#include <stdio.h>

#include "unit.h"

static struct model m;

static int set_up(void)
{
	model_clear(&m);
	bool ok = model_init(&m);
	model_set_me(&m, SLICE("alice"));
	return ok ? 0 : -1;
}

static struct conversation *with(const char *name)
{
	struct conversation *c = model_open(&m, slice_str(name));
	assert_non_null(c);
	return c;
}

static uint64_t hear(struct conversation *c, const char *sender, const char *text)
{
	return model_add_other(&m, c, 1, slice_str(sender), slice_str(text));
}

static uint64_t say(struct conversation *c, const char *text)
{
	return model_add_mine(&m, c, 1, slice_str(text));
}

static enum said_state state_of(const struct conversation *c, uint64_t number)
{
	return (enum said_state)conversation_line(c, number)->state;
}

static void begins_with_server_and_group(void **state)
{
	set_up();
	assert_int_equal(m.count, 2);
	assert_int_equal(model_server(&m)->kind, WITH_SERVER);
	assert_int_equal(model_group(&m)->kind, WITH_GROUP);
	assert_ptr_equal(model_current(&m), model_server(&m));
}

static void keeps_what_was_said(void **state)
{
	set_up();
	struct conversation *bob = with("bob");
	uint64_t number = model_add_other(&m, bob, 1234, SLICE("bob"), SLICE("hi \xff"));
	const struct said *s = conversation_line(bob, number);
	assert_slice_is(said_sender(s), "bob");
	assert_slice_is(said_text(s), "hi \xff");
	assert_int_equal(s->time_ms, 1234);
	assert_int_equal(s->kind, SAID_BY_OTHER);
	number = say(bob, "");
	s = conversation_line(bob, number);
	assert_slice_is(said_sender(s), "alice");
	assert_slice_is(said_text(s), "");
	assert_int_equal(s->kind, SAID_BY_ME);
	assert_int_equal(bob->end - bob->first, 2);
}

static void names_are_exact(void **state)
{
	set_up();
	struct conversation *bob = with("bob");
	assert_ptr_equal(with("bob"), bob);
	assert_ptr_not_equal(with("Bob"), bob);
	assert_ptr_not_equal(with("bo"), bob);
	assert_null(model_find(&m, SLICE("carol")));
	assert_null(model_open(&m, SLICE("")));
	char long_name[SESSION_NAME_MAX_LEN + 1];
	memset(long_name, 'x', sizeof(long_name));
	assert_null(model_open(&m, slice_of(long_name, sizeof(long_name))));
	assert_non_null(model_open(&m, slice_of(long_name, sizeof(long_name) - 1)));
}

/* Unread */

static void what_is_looked_at_is_read(void **state)
{
	set_up();
	struct conversation *bob = with("bob");
	model_switch(&m, model_place(&m, bob));
	hear(bob, "bob", "hi");
	assert_int_equal(bob->unread, 0);
	assert_int_equal(bob->level, UNREAD_NONE);
	assert_true(bob->marker == NO_LINE);
}

/* What is unread in other conversations than the current: the highest level, and how many lines have it. */
static enum unread unread_elsewhere(size_t *count_r)
{
	enum unread level = UNREAD_NONE;
	*count_r = 0;
	for (size_t i = 0; i < m.count; i++) {
		const struct conversation *c = m.conversations[i];
		if (i == m.current || c->level < level || c->level == UNREAD_NONE)
			continue;
		*count_r = c->level == level ? *count_r + c->unread : c->unread;
		level = c->level;
	}
	return level;
}

static const struct level_case {
	const char *name;
	const char *where; /* a person, or "" for the group */
	const char *text;
	enum unread level;
} level_cases[] = {
	{ "a direct message", "bob", "hi", UNREAD_DIRECT },
	{ "the group", "", "hi all", UNREAD_GROUP },
	{ "a mention in the group", "", "hi Alice", UNREAD_MENTION },
	{ "a mention by a person", "bob", "alice?", UNREAD_MENTION },
};

static void knows_levels(void **state)
{
	const struct level_case *c = *state;
	set_up();
	struct conversation *where = *c->where != '\0' ? with(c->where) : model_group(&m);
	uint64_t number = hear(where, "bob", c->text);
	size_t count;
	assert_int_equal(where->level, c->level);
	assert_int_equal(where->unread, 1);
	assert_true(where->marker == number);
	assert_int_equal(unread_elsewhere(&count), c->level);
	assert_int_equal(count, 1);
	assert_int_equal(conversation_line(where, number)->is_mention, c->level == UNREAD_MENTION);
}

static void the_highest_level_stays(void **state)
{
	set_up();
	struct conversation *group = model_group(&m);
	hear(group, "bob", "one");
	hear(group, "bob", "alice!");
	hear(group, "bob", "three");
	model_add_notice(&m, group, 1, SLICE("bob left"));
	assert_int_equal(group->level, UNREAD_MENTION);
	assert_int_equal(group->unread, 4);
}

static void unread_elsewhere_is_summed_up(void **state)
{
	size_t count;
	set_up();
	hear(model_group(&m), "bob", "one");
	hear(with("bob"), "bob", "two");
	hear(with("carol"), "carol", "three");
	hear(with("carol"), "carol", "four");
	assert_int_equal(unread_elsewhere(&count), UNREAD_DIRECT);
	assert_int_equal(count, 3);
	model_switch(&m, model_place(&m, with("carol")));
	assert_int_equal(unread_elsewhere(&count), UNREAD_DIRECT);
	assert_int_equal(count, 1);
	model_switch(&m, model_place(&m, with("bob")));
	assert_int_equal(unread_elsewhere(&count), UNREAD_GROUP);
	model_switch(&m, 1);
	assert_int_equal(unread_elsewhere(&count), UNREAD_NONE);
	assert_int_equal(count, 0);
}

static void the_marker_stays_until_it_is_left(void **state)
{
	set_up();
	struct conversation *bob = with("bob");
	uint64_t first = hear(bob, "bob", "one");
	hear(bob, "bob", "two");
	model_switch(&m, model_place(&m, bob));
	assert_true(bob->marker == first);
	assert_int_equal(bob->unread, 0);
	hear(bob, "bob", "three");
	assert_true(bob->marker == first);
	model_switch(&m, 0);
	assert_true(bob->marker == NO_LINE);
	assert_true(hear(bob, "bob", "four") == bob->marker);
}

static void unwatched_it_is_unread(void **state)
{
	set_up();
	struct conversation *bob = with("bob");
	model_switch(&m, model_place(&m, bob));
	model_set_watched(&m, false);
	uint64_t number = hear(bob, "bob", "are you there?");
	assert_int_equal(bob->unread, 1);
	assert_true(bob->marker == number);
	model_set_watched(&m, true);
	assert_int_equal(bob->unread, 0);
	assert_int_equal(bob->level, UNREAD_NONE);
	assert_true(bob->marker == number);
}

static void the_muted_are_not_counted(void **state)
{
	set_up();
	struct conversation *bob = with("bob");
	bob->is_muted = true;
	hear(bob, "bob", "alice!");
	assert_int_equal(bob->unread, 0);
	assert_int_equal(bob->level, UNREAD_NONE);
	assert_int_equal(model_next_active(&m), m.current);
}

/* Switching */

static void goes_round(void **state)
{
	set_up();
	with("bob");
	assert_int_equal(model_next(&m, 1), 1);
	assert_int_equal(model_next(&m, -1), 2);
	model_switch(&m, 2);
	assert_int_equal(model_next(&m, 1), 0);
	model_switch(&m, 99);
	assert_int_equal(m.current, 2);
}

static void the_most_urgent_is_next(void **state)
{
	set_up();
	struct conversation *bob = with("bob"), *carol = with("carol"), *dave = with("dave");
	assert_int_equal(model_next_active(&m), m.current);
	hear(model_group(&m), "eve", "hi");
	hear(dave, "dave", "first");
	hear(bob, "bob", "second");
	hear(dave, "dave", "third");
	hear(carol, "carol", "alice?");
	static const char *const order[] = { "carol", "dave", "bob" };
	for (size_t i = 0; i < 3; i++) {
		model_switch(&m, model_next_active(&m));
		assert_slice_equal(conversation_name(model_current(&m)), slice_str(order[i]));
	}
	model_switch(&m, model_next_active(&m));
	assert_ptr_equal(model_current(&m), model_group(&m));
	assert_int_equal(model_next_active(&m), m.current);
}

static void closing_goes_back(void **state)
{
	set_up();
	with("bob");
	with("carol");
	model_switch(&m, 2);
	model_switch(&m, 3);
	model_close(&m, 3);
	assert_slice_is(conversation_name(model_current(&m)), "bob");
	model_close(&m, 0);
	model_close(&m, 1);
	assert_int_equal(m.count, 3);
	model_close(&m, 2);
	assert_int_equal(m.current, 0);
	assert_int_equal(m.count, 2);
}

static void closing_another_keeps_the_place(void **state)
{
	set_up();
	with("bob");
	with("carol");
	with("dave");
	model_switch(&m, 4);
	model_switch(&m, 3);
	model_close(&m, 2);
	assert_slice_is(conversation_name(model_current(&m)), "carol");
	assert_int_equal(m.previous, 3);
}

static void what_waits_is_not_closed(void **state)
{
	set_up();
	struct conversation *bob = with("bob");
	say(bob, "hi");
	model_close(&m, model_place(&m, bob));
	assert_ptr_equal(model_find(&m, SLICE("bob")), bob);
	model_note_waiting(&m, 0);
	model_close(&m, model_place(&m, bob));
	assert_null(model_find(&m, SLICE("bob")));
}

static void drafts_are_kept(void **state)
{
	set_up();
	struct conversation *bob = with("bob");
	assert_true(conversation_keep_draft(bob, SLICE("half a sen"), 4));
	assert_slice_is(slice_of(bob->draft, bob->draft_len), "half a sen");
	assert_int_equal(bob->draft_cursor, 4);
	unit_allocate_only(0);
	assert_false(conversation_keep_draft(bob, SLICE("other"), 0));
	unit_allocate_all();
	assert_slice_is(slice_of(bob->draft, bob->draft_len), "half a sen");
	assert_true(conversation_keep_draft(bob, SLICE(""), 0));
	assert_null(bob->draft);
}

/* One's own lines */

static void lines_wait_until_they_are_sent(void **state)
{
	set_up();
	struct conversation *bob = with("bob"), *group = model_group(&m);
	uint64_t one = say(bob, "one"), two = say(group, "two"), three = say(bob, "three");
	assert_int_equal(state_of(bob, one), STATE_WAITING);
	assert_false(model_note_waiting(&m, 3));
	assert_true(model_note_waiting(&m, 1));
	assert_int_equal(state_of(bob, one), STATE_SENT);
	assert_int_equal(state_of(group, two), STATE_SENT);
	assert_int_equal(state_of(bob, three), STATE_WAITING);
	assert_true(model_note_waiting(&m, 0));
	assert_int_equal(state_of(bob, three), STATE_SENT);
	assert_false(model_note_waiting(&m, 0));
	say(bob, "four");
	assert_int_equal(m.waiting, 1);
}

static void a_refusal_finds_its_line(void **state)
{
	set_up();
	uint64_t number = 0;
	struct conversation *bob = with("bob");
	uint64_t delivered = say(bob, "hi");
	uint64_t other = say(bob, "ho");
	uint64_t refused = say(bob, "hi");
	model_note_waiting(&m, 0);
	uint64_t waiting = say(bob, "hi");
	assert_ptr_equal(
	    model_note_state(&m, SLICE("bob"), SLICE("hi"), STATE_NOT_DELIVERED, &number), bob);
	assert_true(number == refused);
	assert_int_equal(state_of(bob, delivered), STATE_SENT);
	assert_int_equal(state_of(bob, other), STATE_SENT);
	assert_int_equal(state_of(bob, refused), STATE_NOT_DELIVERED);
	assert_int_equal(state_of(bob, waiting), STATE_WAITING);
	assert_int_equal(bob->undelivered, 1);
	assert_null(model_note_state(&m, SLICE("Bob"), SLICE("hi"), STATE_DOUBTFUL, &number));
	assert_null(model_note_state(&m, SLICE("bob"), SLICE("x"), STATE_DOUBTFUL, &number));
}

static void what_was_lost_is_of_the_group_too(void **state)
{
	uint64_t number;
	set_up();
	uint64_t said = say(model_group(&m), "hi all");
	model_note_waiting(&m, 0);
	assert_ptr_equal(
	    model_note_state(&m, SLICE(""), SLICE("hi all"), STATE_UNCONFIRMED, &number),
	    model_group(&m));
	assert_true(number == said);
}

static void undelivered_is_sent_again(void **state)
{
	uint64_t number;
	set_up();
	struct conversation *bob = with("bob");
	assert_true(conversation_undelivered(bob, 0) == NO_LINE);
	uint64_t one = say(bob, "one"), two = say(bob, "two");
	model_note_waiting(&m, 0);
	model_note_state(&m, SLICE("bob"), SLICE("two"), STATE_NOT_DELIVERED, &number);
	model_note_state(&m, SLICE("bob"), SLICE("one"), STATE_NOT_DELIVERED, &number);
	assert_true(conversation_undelivered(bob, 0) == one);
	assert_true(conversation_undelivered(bob, one + 1) == two);
	assert_true(conversation_undelivered(bob, two + 1) == NO_LINE);
	model_note_repeated(&m, bob, one);
	assert_int_equal(bob->undelivered, 1);
	assert_int_equal(state_of(bob, one), STATE_REPEATED);
	model_note_repeated(&m, bob, two);
	assert_true(conversation_undelivered(bob, 0) == NO_LINE);
}

static void forgetting_leaves_nothing(void **state)
{
	uint64_t number;
	set_up();
	struct conversation *bob = with("bob");
	hear(bob, "bob", "secret");
	say(bob, "mine");
	model_note_waiting(&m, 0);
	say(bob, "waits");
	model_note_state(&m, SLICE("bob"), SLICE("mine"), STATE_NOT_DELIVERED, &number);
	model_forget(&m, bob);
	assert_int_equal(bob->end - bob->first, 0);
	assert_int_equal(bob->unread + bob->undelivered + bob->bytes, 0);
	assert_int_equal(m.bytes, 0);
	model_note_waiting(&m, 0);
	assert_true(conversation_search(bob, NO_LINE, SLICE("secret")) == NO_LINE);
}

static void old_lines_are_not_news(void **state)
{
	set_up();
	struct conversation *bob = with("bob");
	model_add_old(&m, bob, 5, SAID_BY_OTHER, STATE_NONE, SLICE("bob"), SLICE("alice, hi"));
	assert_int_equal(bob->unread, 0);
	assert_true(conversation_line(bob, 0)->is_old);
	assert_int_equal(unread_elsewhere(&(size_t){ 0 }), UNREAD_NONE);
}

static void search_goes_back(void **state)
{
	set_up();
	struct conversation *bob = with("bob");
	uint64_t one = hear(bob, "bob", "Lunch?"), two = say(bob, "no lunch today");
	hear(bob, "bob", "ok");
	assert_true(conversation_search(bob, NO_LINE, SLICE("lunch")) == two);
	assert_true(conversation_search(bob, two, SLICE("lunch")) == one);
	assert_true(conversation_search(bob, one, SLICE("lunch")) == NO_LINE);
	assert_true(conversation_search(bob, NO_LINE, SLICE("dinner")) == NO_LINE);
}

/* Bounds */

static void only_so_many_lines_stay(void **state)
{
	set_up();
	struct conversation *bob = with("bob");
	for (int i = 0; i < MODEL_MAX_LINES + 10; i++) {
		char text[32];
		snprintf(text, sizeof(text), "line %d", i);
		hear(bob, "bob", text);
	}
	assert_int_equal(bob->end - bob->first, MODEL_MAX_LINES);
	assert_int_equal(bob->first, 10);
	assert_slice_is(said_text(conversation_line(bob, bob->first)), "line 10");
	assert_slice_is(said_text(conversation_line(bob, bob->end - 1)), "line 100009");
}

/* 100,000 lines in one conversation and 500 others, then far more than may stay. */
static void memory_has_a_bound(void **state)
{
	char text[4000];
	memset(text, 'x', sizeof(text));
	set_up();
	size_t before = mallinfo2().uordblks;
	struct conversation *bob = with("bob");
	for (int i = 0; i < MODEL_MAX_LINES; i++)
		model_add_other(&m, bob, 1, SLICE("bob"), slice_of(text, 60 + (size_t)i % 40));
	for (int i = 0; i < 500; i++) {
		char name[16];
		snprintf(name, sizeof(name), "user%d", i);
		hear(with(name), name, "hello");
	}
	assert_int_equal(bob->end - bob->first, MODEL_MAX_LINES);
	assert_true(mallinfo2().uordblks - before < 20 * 1024 * 1024);
	for (int i = 0; i < 20000; i++)
		model_add_other(&m, bob, 1, SLICE("bob"), slice_of(text, sizeof(text)));
	assert_true(m.bytes <= MODEL_MAX_BYTES);
	assert_true(mallinfo2().uordblks - before < MODEL_MAX_BYTES + 3 * 1024 * 1024);
	assert_int_equal(with("user7")->end, 1);
	assert_slice_is(said_text(conversation_line(with("user7"), 0)), "hello");
}

static void too_many_conversations_push_the_stillest_out(void **state)
{
	set_up();
	struct conversation *waits = with("waits"), *drafted = with("drafted");
	say(waits, "hi");
	conversation_keep_draft(drafted, SLICE("hm"), 2);
	model_switch(&m, model_place(&m, with("current")));
	with("still");
	struct conversation *lively = with("lively");
	for (int i = 0; i < MODEL_MAX_CONVERSATIONS; i++) {
		char name[16];
		snprintf(name, sizeof(name), "user%d", i);
		with(name);
		hear(lively, "lively", "hi");
	}
	assert_int_equal(m.count, MODEL_MAX_CONVERSATIONS);
	assert_null(model_find(&m, SLICE("still")));
	assert_ptr_equal(model_find(&m, SLICE("waits")), waits);
	assert_ptr_equal(model_find(&m, SLICE("drafted")), drafted);
	assert_ptr_equal(model_find(&m, SLICE("lively")), lively);
	assert_slice_is(conversation_name(model_current(&m)), "current");
}

static void without_memory_nothing_changes(void **state)
{
	set_up();
	struct conversation *bob = with("bob");
	hear(bob, "bob", "one");
	for (long n = 0; n < 2; n++) {
		unit_allocate_only(n);
		uint64_t mine = say(bob, "two");
		struct conversation *other = n == 0 ? model_open(&m, SLICE("carol")) : NULL;
		unit_allocate_all();
		assert_true(mine == NO_LINE);
		assert_null(other);
	}
	unit_allocate_only(0);
	assert_true(hear(bob, "bob", "three") == NO_LINE);
	unit_allocate_all();
	assert_int_equal(bob->end - bob->first, 1);
	assert_int_equal(m.waiting, 0);
}

static void a_model_without_memory_is_none(void **state)
{
	model_clear(&m);
	for (long n = 0; n < 3; n++) {
		unit_allocate_only(n);
		bool ok = model_init(&m);
		unit_allocate_all();
		assert_false(ok);
	}
	set_up();
}

int main(int argc, char **argv)
{
	UNIT_TEST(begins_with_server_and_group);
	UNIT_TEST(keeps_what_was_said);
	UNIT_TEST(names_are_exact);
	UNIT_TEST(what_is_looked_at_is_read);
	UNIT_EACH(knows_levels, level_cases);
	UNIT_TEST(the_highest_level_stays);
	UNIT_TEST(unread_elsewhere_is_summed_up);
	UNIT_TEST(the_marker_stays_until_it_is_left);
	UNIT_TEST(unwatched_it_is_unread);
	UNIT_TEST(the_muted_are_not_counted);
	UNIT_TEST(goes_round);
	UNIT_TEST(the_most_urgent_is_next);
	UNIT_TEST(closing_goes_back);
	UNIT_TEST(closing_another_keeps_the_place);
	UNIT_TEST(what_waits_is_not_closed);
	UNIT_TEST(drafts_are_kept);
	UNIT_TEST(lines_wait_until_they_are_sent);
	UNIT_TEST(a_refusal_finds_its_line);
	UNIT_TEST(what_was_lost_is_of_the_group_too);
	UNIT_TEST(undelivered_is_sent_again);
	UNIT_TEST(forgetting_leaves_nothing);
	UNIT_TEST(old_lines_are_not_news);
	UNIT_TEST(search_goes_back);
	UNIT_TEST(only_so_many_lines_stay);
	UNIT_TEST(memory_has_a_bound);
	UNIT_TEST(too_many_conversations_push_the_stillest_out);
	UNIT_TEST(without_memory_nothing_changes);
	UNIT_TEST(a_model_without_memory_is_none);
	int failed = unit_run(argc, argv);
	model_clear(&m);
	return failed;
}
