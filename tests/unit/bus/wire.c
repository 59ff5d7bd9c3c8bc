/* A message between servers as bytes: what one writes the other reads, and whatever else comes is refused. */
#include "bus/wire.h"

#include <string.h>

#include "unit.h"

#define N32 "abcdefghijklmnopqrstuvwxyz_01234"

static const struct round_case {
	const char *name;
	struct bus_message message;
} round_cases[] = {
	{ "to a user", { BUS_TO_USER, { "bob", sizeof("bob") - 1 }, { "ann", sizeof("ann") - 1 },
			   { "hi\n\x00\xff bob", sizeof("hi\n\x00\xff bob") - 1 }, true } },
	{ "an empty text", { BUS_TO_USER, { "b", sizeof("b") - 1 }, { "a", sizeof("a") - 1 },
			       { "", sizeof("") - 1 }, false } },
	{ "longest names", { BUS_TO_USER, { N32, sizeof(N32) - 1 }, { N32, sizeof(N32) - 1 },
			       { "x", sizeof("x") - 1 }, false } },
	{ "to the group", { BUS_TO_GROUP, { "", sizeof("") - 1 }, { "ann", sizeof("ann") - 1 },
			      { "all", sizeof("all") - 1 }, true } },
	{ "the administrator", { BUS_ADMIN_USER, { "bob", sizeof("bob") - 1 },
				   { "", sizeof("") - 1 }, { "now", sizeof("now") - 1 }, false } },
	{ "to all", { BUS_ADMIN_ALL, { "", sizeof("") - 1 }, { "", sizeof("") - 1 },
			{ "now", sizeof("now") - 1 }, false } },
	{ "an end", { BUS_END_USER, { "bob", sizeof("bob") - 1 }, { "", sizeof("") - 1 },
			{ "kicked", sizeof("kicked") - 1 }, false } },
	{ "moved", { BUS_MOVED, { "bob", sizeof("bob") - 1 }, { "", sizeof("") - 1 },
		       { "", sizeof("") - 1 }, false } },
	{ "banned", { BUS_BANNED, { "", sizeof("") - 1 }, { "", sizeof("") - 1 },
			{ "fe80::1", sizeof("fe80::1") - 1 }, false } },
	{ "unbanned", { BUS_UNBANNED, { "", sizeof("") - 1 }, { "", sizeof("") - 1 },
			  { "bob", sizeof("bob") - 1 }, false } },
};

static void comes_back_as_it_went(void **state)
{
	const struct round_case *c = *state;
	struct bus_message got;
	char bytes[WIRE_MAX_LEN];
	size_t len = wire_write(&c->message, bytes);
	assert_true(len > 0);
	assert_true(wire_parse(slice_of(bytes, len), &got));
	assert_int_equal(got.kind, c->message.kind);
	assert_slice_equal(got.target, c->message.target);
	assert_slice_equal(got.sender, c->message.sender);
	assert_slice_equal(got.text, c->message.text);
	assert_int_equal(got.sender_uses_lf, c->message.sender_uses_lf);
	/* Cut within its names it is nothing; and none of its bytes past the cut is looked at. */
	size_t names = WIRE_HEAD_LEN + got.target.len + got.sender.len;
	for (size_t cut = 0; cut < names; cut++) {
		char piece[WIRE_MAX_LEN];
		memcpy(piece, bytes, cut);
		assert_false(wire_parse(slice_of(piece, cut), &got));
	}
}

static const struct refused_case {
	const char *name;
	struct slice bytes;
} refused_cases[] = {
	{ "another version", { "2\0\0\3\3bobannhi", sizeof("2\0\0\3\3bobannhi") - 1 } },
	{ "an unknown kind", { "1\x63\0\3\3bobannhi", sizeof("1\x63\0\3\3bobannhi") - 1 } },
	{ "an unknown flag", { "1\0\2\3\3bobannhi", sizeof("1\0\2\3\3bobannhi") - 1 } },
	{ "no target", { "1\0\0\0\3annhi", sizeof("1\0\0\0\3annhi") - 1 } },
	{ "no sender", { "1\0\0\3\0bobhi", sizeof("1\0\0\3\0bobhi") - 1 } },
	{ "a sender to whom nobody listens",
	    { "1\2\0\3\3bobannhi", sizeof("1\2\0\3\3bobannhi") - 1 } },
	{ "lengths beyond the end", { "1\0\0\377\377bobann", sizeof("1\0\0\377\377bobann") - 1 } },
	{ "a name with a space", { "1\0\0\3\3b banna", sizeof("1\0\0\3\3b banna") - 1 } },
	{ "a name with a wildcard", { "1\0\0\1\3*annx", sizeof("1\0\0\1\3*annx") - 1 } },
	{ "a name with a line feed", { "1\0\0\3\3b\nbannx", sizeof("1\0\0\3\3b\nbannx") - 1 } },
	{ "a reserved name", { "1\0\0\3\5bobadminx", sizeof("1\0\0\3\5bobadminx") - 1 } },
	{ "a reason that ends the query",
	    { "1\4\0\3\0bobx> \r\nCMD <y", sizeof("1\4\0\3\0bobx> \r\nCMD <y") - 1 } },
	{ "a reason in brackets", { "1\4\0\3\0bob<x>", sizeof("1\4\0\3\0bob<x>") - 1 } },
	{ "a reason that is too long",
	    { "1\4\0\3\0bob01234567890123456789012345678901",
		sizeof("1\4\0\3\0bob01234567890123456789012345678901") - 1 } },
	{ "moved, with a text", { "1\5\0\3\0bobx", sizeof("1\5\0\3\0bobx") - 1 } },
};

static void is_refused(void **state)
{
	const struct refused_case *c = *state;
	struct bus_message message;
	assert_false(wire_parse(c->bytes, &message));
}

static void text_is_bounded(void **state)
{
	static char text[WIRE_TEXT_MAX_LEN + 1], bytes[WIRE_MAX_LEN + 1];
	struct bus_message message = { .kind = BUS_TO_GROUP, .sender = SLICE("ann") };
	message.text = slice_of(text, WIRE_TEXT_MAX_LEN);
	size_t len = wire_write(&message, bytes);
	assert_int_equal(len, WIRE_HEAD_LEN + 3 + WIRE_TEXT_MAX_LEN);
	assert_false(wire_parse(slice_of(bytes, len + 1), &message));
	message = (struct bus_message){ .kind = BUS_TO_GROUP,
		.sender = SLICE("ann"),
		.text = slice_of(text, WIRE_TEXT_MAX_LEN + 1) };
	assert_int_equal(wire_write(&message, bytes), 0);
}

int main(int argc, char **argv)
{
	UNIT_EACH(comes_back_as_it_went, round_cases);
	UNIT_EACH(is_refused, refused_cases);
	UNIT_TEST(text_is_bounded);
	return unit_run(argc, argv);
}
