#include "client/muting.h"

#include "base/buffer.h"
#include "unit.h"

static struct buffer told;

static void tell(void *ctx, const char *words, struct slice foreign)
{
	(void)ctx;
	assert_true(buffer_printf(&told, "%s%.*s\n", words, (int)foreign.len, foreign.ptr));
}

static void ignore(void *ctx, const struct session_event *event)
{
	(void)ctx;
	(void)event;
}

static const struct muting_case {
	const char *name;
	void (*order)(const struct muting_user *u, struct slice names);
	struct slice names;
	struct slice told;
	bool bob, carol; /* are muted afterwards; bob was before */
} cases[] = {
	{ "mute one", muting_mute, SLICE("carol"), SLICE("muted: carol\n"), true, true },
	{ "mute several", muting_mute, SLICE("carol  bob"), SLICE("muted: carol\nmuted: bob\n"),
	    true, true },
	{ "mute nobody", muting_mute, SLICE(""), SLICE("muted: bob\n"), true, false },
	{ "unmute one", muting_unmute, SLICE("bob"), SLICE("no longer muted: bob\n"), false,
	    false },
	{ "unmute who is not muted", muting_unmute, SLICE("carol"),
	    SLICE("no longer muted: carol\n"), true, false },
	{ "unmute nobody", muting_unmute, SLICE(""), SLICE("Say whom: :unmute: NAME...\n"), true,
	    false },
};

static void is_done_and_told(void **state)
{
	const struct muting_case *c = *state;
	struct session *session = session_new(ignore, NULL);
	struct muting_user user = { .session = session, .tell = tell };
	assert_true(session_mute(session, SLICE("bob"), true));
	c->order(&user, c->names);
	assert_slice_equal(buffer_slice(&told), c->told);
	assert_int_equal(session_has_muted(session, SLICE("bob")), c->bob);
	assert_int_equal(session_has_muted(session, SLICE("carol")), c->carol);
	buffer_clear(&told);
	session_free(&session);
}

static void what_cannot_be_a_name_is_refused(void **state)
{
	static char name[SESSION_NAME_MAX_LEN + 1];
	struct session *session = session_new(ignore, NULL);
	struct muting_user user = { .session = session, .tell = tell };
	memset(name, 'x', sizeof(name));
	muting_mute(&user, slice_of(name, sizeof(name)));
	assert_true(slice_begins(buffer_slice(&told), SLICE("cannot be muted: xxx")));
	buffer_clear(&told);
	muting_mute(&user, SLICE(""));
	assert_slice_is(buffer_slice(&told), "Nobody is muted.\n");
	buffer_clear(&told);
	session_free(&session);
}

int main(int argc, char **argv)
{
	UNIT_EACH(is_done_and_told, cases);
	UNIT_TEST(what_cannot_be_a_name_is_refused);
	return unit_run(argc, argv);
}
