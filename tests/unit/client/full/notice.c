#include "client/full/notice.h"

#include "unit.h"

static const struct settings all_on = { .bell = true, .osc9 = true, .notify = "notify-send" };
static const struct settings bell_only = { .bell = true };
static const struct settings all_off = { 0 };

static const struct notice_case {
	const char *name;
	const struct settings *settings;
	enum unread level;
	bool is_muted;
	enum focus focus;
	bool is_current;
	struct notice expected;
} notice_cases[] = {
	{ "a direct message, elsewhere", &all_on, UNREAD_DIRECT, false, FOCUS_ELSEWHERE, true,
	    { true, true, true } },
	{ "a mention, elsewhere", &all_on, UNREAD_MENTION, false, FOCUS_ELSEWHERE, false,
	    { true, true, true } },
	{ "the group", &all_on, UNREAD_GROUP, false, FOCUS_ELSEWHERE, false, { 0 } },
	{ "a notice", &all_on, UNREAD_NOTICE, false, FOCUS_ELSEWHERE, false, { 0 } },
	{ "in focus", &all_on, UNREAD_MENTION, false, FOCUS_HERE, false, { 0 } },
	{ "unknown focus, another conversation", &all_on, UNREAD_DIRECT, false, FOCUS_UNKNOWN,
	    false, { true, true, true } },
	{ "unknown focus, this one", &all_on, UNREAD_DIRECT, false, FOCUS_UNKNOWN, true, { 0 } },
	{ "muted", &all_on, UNREAD_MENTION, true, FOCUS_ELSEWHERE, false, { 0 } },
	{ "only the bell is on", &bell_only, UNREAD_DIRECT, false, FOCUS_ELSEWHERE, false,
	    { true, false, false } },
	{ "all are off", &all_off, UNREAD_MENTION, false, FOCUS_ELSEWHERE, false, { 0 } },
};

static void decides(void **state)
{
	const struct notice_case *c = *state;
	uint64_t last_ms = 0;
	struct notice n = notice_decide(
	    c->settings, c->level, c->is_muted, c->focus, c->is_current, 5000, &last_ms);
	assert_int_equal(n.bell, c->expected.bell);
	assert_int_equal(n.osc9, c->expected.osc9);
	assert_int_equal(n.command, c->expected.command);
	assert_int_equal(last_ms, n.bell || n.osc9 || n.command ? 5000 : 0);
}

static void signs_are_not_close(void **state)
{
	uint64_t last_ms = 0;
	static const struct {
		uint64_t now_ms;
		bool rings;
	} times[] = { { 1000, true }, { 1500, false }, { 1999, false }, { 2000, true },
		{ 2999, false }, { 9000, true } };
	for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++)
		assert_int_equal(notice_decide(&all_on, UNREAD_DIRECT, false, FOCUS_ELSEWHERE,
				     false, times[i].now_ms, &last_ms)
				     .bell,
		    times[i].rings);
}

int main(int argc, char **argv)
{
	UNIT_EACH(decides, notice_cases);
	UNIT_TEST(signs_are_not_close);
	return unit_run(argc, argv);
}
