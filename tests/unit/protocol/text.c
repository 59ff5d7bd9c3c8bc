#include "protocol/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

/* All bytes from 00 to FF, one behind the other. */
static struct slice every_byte(char out[static 256])
{
	for (int i = 0; i < 256; i++)
		out[i] = (char)i;
	return slice_of(out, 256);
}

/* --- characters --- */

static const struct char_case {
	const char *name;
	struct slice bytes;
	size_t len;
} char_cases[] = {
	{ "ASCII", { "a", 1 }, 1 },
	{ "ASCII, then more", { "ab", 2 }, 1 },
	{ "NUL", { "\0", 1 }, 1 },
	{ "two bytes", { "\xc3\xa9x", 3 }, 2 },
	{ "smallest of two bytes", { "\xc2\x80", 2 }, 2 },
	{ "three bytes", { "\xe2\x82\xacx", 4 }, 3 },
	{ "four bytes", { "\xf0\x9f\x98\x80x", 5 }, 4 },
	{ "largest of four bytes", { "\xf4\x8f\xbf\xbf", 4 }, 4 },
	{ "two bytes, cut", { "\xc3", 1 }, 1 },
	{ "three bytes, cut", { "\xe2\x82", 2 }, 1 },
	{ "four bytes, cut", { "\xf0\x9f\x98", 3 }, 1 },
	{ "two bytes, second is ASCII", { "\xc3z", 2 }, 1 },
	{ "three bytes, third is ASCII", { "\xe2\x82z", 3 }, 1 },
	{ "four bytes, fourth begins another", { "\xf0\x9f\x98\xc3", 4 }, 1 },
	{ "a continuation alone", { "\x80\x80", 2 }, 1 },
	{ "overlong slash", { "\xc0\xaf", 2 }, 1 },
	{ "overlong, C1", { "\xc1\xbf", 2 }, 1 },
	{ "beyond Unicode, F5", { "\xf5\x80\x80\x80", 4 }, 1 },
	{ "FF", { "\xff\xff", 2 }, 1 },
};

static void char_has_its_length(void **state)
{
	const struct char_case *c = *state;
	assert_int_equal(text_char_len(c->bytes), c->len);
}

static const struct whole_case {
	const char *name;
	struct slice bytes;
	size_t max_len;
	size_t len;
} whole_cases[] = {
	{ "nothing", { NULL, 0 }, 10, 0 },
	{ "no room", { "abc", 3 }, 0, 0 },
	{ "fits", { "abc", 3 }, 3, 3 },
	{ "more room than bytes", { "abc", 3 }, 9, 3 },
	{ "cut between ASCII", { "abc", 3 }, 2, 2 },
	{ "cut before two bytes", { "a\xc3\xa9", 3 }, 2, 1 },
	{ "two bytes fit", { "a\xc3\xa9", 3 }, 3, 3 },
	{ "cut before four bytes", { "ab\xf0\x9f\x98\x80", 6 }, 5, 2 },
	{ "bytes that are no UTF-8 are cut anywhere", { "\x80\x80\x80\x80", 4 }, 3, 3 },
};

static void whole_chars_fit(void **state)
{
	const struct whole_case *c = *state;
	assert_int_equal(text_whole_chars(c->bytes, c->max_len), c->len);
}

/* Every byte at every place of texts of every length up to three words. */
static void finds_a_control_byte_wherever_it_stands(void **state)
{
	char text[24];
	for (size_t len = 1; len <= sizeof(text); len++) {
		memset(text, 0xff, len);
		assert_false(text_has_control(slice_of(text, len)));
		for (size_t at = 0; at < len; at++) {
			for (int byte = 0; byte < 256; byte++) {
				text[at] = (char)byte;
				assert_int_equal(text_has_control(slice_of(text, len)),
				    text_is_control((char)byte));
			}
			text[at] = (char)0x80;
		}
	}
}

static void control_bytes_are_known(void **state)
{
	(void)state;
	for (int i = 0; i < 256; i++)
		assert_int_equal(text_is_control((char)i), i <= 0x1f || i == 0x7f);
}

/* --- the trailing line feed --- */

static const struct lf_case {
	const char *name;
	struct slice text;
	bool had_lf;
	size_t len_left;
} lf_cases[] = {
	{ "empty", { "", 0 }, false, 0 },
	{ "nowhere", { NULL, 0 }, false, 0 },
	{ "no LF", { "hi", 2 }, false, 2 },
	{ "LF", { "hi\n", 3 }, true, 2 },
	{ "only LF", { "\n", 1 }, true, 0 },
	{ "two LF: one is taken", { "hi\n\n", 4 }, true, 3 },
	{ "LF inside stays", { "h\ni", 3 }, false, 3 },
	{ "CR LF: the CR stays", { "hi\r\n", 4 }, true, 3 },
	{ "the two characters \\n are none", { "hi\\n", 4 }, false, 4 },
};

static void trailing_lf_is_taken_once(void **state)
{
	const struct lf_case *c = *state;
	struct slice text = c->text;
	assert_int_equal(text_take_lf(&text), c->had_lf);
	assert_int_equal(text.len, c->len_left);
	assert_ptr_equal(text.ptr, c->text.ptr);
}

/* --- one query --- */

static const struct relay_case {
	const char *name;
	const char *head;
	struct slice text;
	bool add_lf;
	const char *query;
} relay_cases[] = {
	{ "plain", "RELAY bob alice ", { "hello", 5 }, false, "RELAY bob alice hello \r\n" },
	{ "plain, LF", "RELAY bob alice ", { "hello", 5 }, true, "RELAY bob alice hello\\n \r\n" },
	{ "group", "RELAYG alice ", { "hello", 5 }, false, "RELAYG alice hello \r\n" },
	{ "empty", "RELAY bob alice ", { "", 0 }, false, "RELAY bob alice  \r\n" },
	{ "empty from nowhere", "RELAY bob alice ", { NULL, 0 }, false, "RELAY bob alice  \r\n" },
	{ "empty, LF", "RELAY bob alice ", { NULL, 0 }, true, "RELAY bob alice \\n \r\n" },
	{ "spaces stay", "RELAYG a ", { "  two  words ", 13 }, false,
	    "RELAYG a   two  words  \r\n" },
	{ "backslash stays", "RELAYG a ", { "a\\nb\\", 5 }, false, "RELAYG a a\\nb\\ \r\n" },
	{ "UTF-8 stays", "RELAYG a ", { "h\xc3\xa9", 3 }, false, "RELAYG a h\xc3\xa9 \r\n" },
	{ "not UTF-8 stays", "RELAYG a ", { "\xff\x80\xc3", 3 }, false,
	    "RELAYG a \xff\x80\xc3 \r\n" },
	{ "LF inside", "RELAYG a ", { "b\nc", 3 }, false, "RELAYG a b\\nc \r\n" },
	{ "LF inside, LF", "RELAYG a ", { "b\nc", 3 }, true, "RELAYG a b\\nc\\n \r\n" },
	{ "TAB and CR", "RELAYG a ", { "\t\r", 2 }, false, "RELAYG a \\t\\r \r\n" },
	{ "NUL", "RELAYG a ", { "x\0y", 3 }, false, "RELAYG a x\\x00y \r\n" },
	{ "ESC", "RELAYG a ", { "\x1b[2J", 4 }, false, "RELAYG a \\x1b[2J \r\n" },
	{ "DEL", "RELAYG a ", { "\x7f", 1 }, false, "RELAYG a \\x7f \r\n" },
	{ "a forged query", "RELAYG a ", { "x \r\nEND * <x> \r\n", 16 }, false,
	    "RELAYG a x \\r\\nEND * <x> \\r\\n \r\n" },
};

static void one_query_is_written(void **state)
{
	const struct relay_case *c = *state;
	struct text_relay relay = {
		.head = slice_str(c->head), .text = c->text, .add_lf = c->add_lf
	};
	char out[QUERY_SENT_MAX_LEN];
	size_t len = text_relay_next(&relay, out);
	assert_slice_equal(slice_of(out, len), slice_str(c->query));
	assert_int_equal(text_relay_next(&relay, out), 0);
	assert_int_equal(text_relay_next(&relay, out), 0);
}

static void each_byte_has_its_form(void **state)
{
	(void)state;
	char bytes[256], expected[16];
	every_byte(bytes);
	for (int i = 0; i < 256; i++) {
		struct text_relay relay = { .head = SLICE("RELAYG a "),
			.text = slice_of(&bytes[i], 1) };
		char out[QUERY_SENT_MAX_LEN];
		size_t len = text_relay_next(&relay, out);
		if (i == '\n' || i == '\t' || i == '\r')
			sprintf(expected, "\\%c", i == '\n' ? 'n' : i == '\t' ? 't' : 'r');
		else if (i < 0x20 || i == 0x7f)
			sprintf(expected, "\\x%02x", (unsigned)i);
		else
			sprintf(expected, "%c", i);
		assert_slice_equal(slice_of(out + 9, len - 9 - 3), slice_str(expected));
	}
}

/* --- several queries --- */

/*
 * An independent reading of protocol.md, 6: writes the printable form of the character at the front of the text, and
 * returns how many bytes of the text that is.
 */
static size_t write_form(struct slice text, char *out, size_t *len_r)
{
	unsigned char byte = (unsigned char)text.ptr[0];
	if (byte == '\n' || byte == '\t' || byte == '\r') {
		*len_r = (size_t)sprintf(out, "\\%c",
		    byte == '\n'   ? 'n'
		    : byte == '\t' ? 't'
				   : 'r');
		return 1;
	}
	if (byte < 0x20 || byte == 0x7f) {
		*len_r = (size_t)sprintf(out, "\\x%02x", byte);
		return 1;
	}
	*len_r = text_char_len(text);
	memcpy(out, text.ptr, *len_r);
	return *len_r;
}

/*
 * Relays the text and holds each query against the rules: its form, its length, cut only between whole characters, and only
 * where the next one would not have fit. Returns how many queries it was.
 */
static size_t assert_relayed(struct slice head, struct slice text, bool add_lf)
{
	struct text_relay relay = { .head = head, .text = text, .add_lf = add_lf };
	size_t tail_len = add_lf ? 5 : 3, queries = 0, len;
	char out[QUERY_SENT_MAX_LEN];
	while ((len = text_relay_next(&relay, out)) > 0) {
		struct slice query = slice_of(out, len);
		queries++;
		assert_true(len <= QUERY_SENT_MAX_LEN);
		assert_true(slice_begins(query, head));
		assert_true(slice_ends(query, add_lf ? SLICE("\\n \r\n") : SLICE(" \r\n")));
		struct slice body = slice_of(out + head.len, len - head.len - tail_len);
		char form[8];
		size_t form_len = 0;
		while (text.len > 0) {
			size_t taken = write_form(text, form, &form_len);
			if (!slice_begins(body, slice_of(form, form_len)) || body.len == 0)
				break;
			body = slice_skip(body, form_len);
			text = slice_skip(text, taken);
		}
		assert_slice_is(body, ""); /* nothing but whole characters of the text, in order */
		if (text.len > 0)
			assert_true(len + form_len > QUERY_SENT_MAX_LEN);
	}
	assert_int_equal(text.len, 0);
	return queries;
}

enum { HEAD_LEN = 16, ROOM = QUERY_SENT_MAX_LEN - HEAD_LEN - 3, ROOM_LF = ROOM - 2 };

/* The text is `unit` again and again, up to len bytes, between front and back. */
static const struct split_case {
	const char *name;
	const char *front;
	const char *unit;
	size_t len;
	const char *back;
	size_t queries;
	size_t queries_lf;
} split_cases[] = {
	{ "a query full to the last byte", "", "a", ROOM, "", 1, 2 },
	{ "a query full with LF", "", "a", ROOM_LF, "", 1, 1 },
	{ "one byte more", "", "a", ROOM + 1, "", 2, 2 },
	{ "two full queries", "", "a", 2 * ROOM, "", 2, 3 },
	{ "two full queries with LF", "", "a", 2 * ROOM_LF, "", 2, 2 },
	{ "the longest text there is", "", "a", 16384, "", 5, 5 },
	{ "an escape of two ends a query", "", "a", ROOM - 2, "\n", 1, 2 },
	{ "an escape of two would be cut", "", "a", ROOM - 1, "\n", 2, 2 },
	{ "an escape of four ends a query", "", "a", ROOM - 4, "\x1b", 1, 2 },
	{ "an escape of four would lose 1", "", "a", ROOM - 3, "\x1b", 2, 2 },
	{ "an escape of four would lose 2", "", "a", ROOM - 2, "\x1b", 2, 2 },
	{ "an escape of four would lose 3", "", "a", ROOM - 1, "\x1b", 2, 2 },
	{ "two bytes of UTF-8 end a query", "", "a", ROOM - 2, "\xc3\xa9", 1, 2 },
	{ "two bytes of UTF-8 would be cut", "", "a", ROOM - 1, "\xc3\xa9", 2, 2 },
	{ "four bytes of UTF-8 end a query", "", "a", ROOM - 4, "\xf0\x9f\x98\x80", 1, 2 },
	{ "four bytes of UTF-8 would lose 1", "", "a", ROOM - 3, "\xf0\x9f\x98\x80", 2, 2 },
	{ "four bytes of UTF-8 would lose 3", "", "a", ROOM - 1, "\xf0\x9f\x98\x80", 2, 2 },
	{ "much UTF-8, odd", "x", "\xe2\x82\xac", 9000, "", 3, 3 },
	{ "no UTF-8 at all", "", "\x80", 10000, "", 3, 3 },
	{ "16 KiB of LF", "", "\n", 16384, "", 9, 9 },
	{ "16 KiB of NUL", "", "", 16384, "", 17, 17 },
	{ "16 KiB of DEL", "", "\x7f", 16384, "", 17, 17 },
	{ "16 KiB of CR LF ESC", "a", "\r\n\x1b", 16383, "", 11, 11 },
	{ "controls between letters", "", "a\tb\x01", 16000, "", 8, 8 },
};

static void long_text_is_split(void **state)
{
	const struct split_case *c = *state;
	size_t unit_len = c->unit[0] == '\0' ? 1 : strlen(c->unit); /* "" stands for NUL */
	size_t front_len = strlen(c->front), back_len = strlen(c->back);
	/* Memory of just that size, so that a read beyond the text is seen. */
	char *bytes = malloc(front_len + c->len + back_len);
	assert_non_null(bytes);
	memcpy(bytes, c->front, front_len);
	for (size_t i = 0; i < c->len; i++)
		bytes[front_len + i] = c->unit[i % unit_len];
	memcpy(bytes + front_len + c->len, c->back, back_len);
	struct slice text = slice_of(bytes, front_len + c->len + back_len);
	assert_int_equal(assert_relayed(SLICE("RELAY bob alice "), text, false), c->queries);
	assert_int_equal(assert_relayed(SLICE("RELAY bob alice "), text, true), c->queries_lf);
	free(bytes);
}

static void any_text_is_split_by_the_rules(void **state)
{
	(void)state;
	static const char mix[] = "ab \\\n\t\r\x1b\x7f\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xff\x80";
	char *bytes = malloc(QUERY_TAKEN_MAX_LEN);
	assert_non_null(bytes);
	srand(6);
	for (int round = 0; round < 60; round++) {
		size_t len = (size_t)rand() % QUERY_TAKEN_MAX_LEN;
		for (size_t i = 0; i < len; i++)
			bytes[i] = mix[(size_t)rand() % (sizeof(mix) - 1)];
		assert_relayed(SLICE("RELAY bob alice "), slice_of(bytes, len), round % 2 == 0);
	}
	free(bytes);
}

static void longest_head_leaves_room(void **state)
{
	(void)state;
	char head[QUERY_SENT_MAX_LEN / 2], text[5000];
	memset(head, 'h', sizeof(head));
	head[sizeof(head) - 1] = ' ';
	memset(text, 0x01, sizeof(text));
	assert_int_equal(
	    assert_relayed(slice_of(head, sizeof(head)), slice_of(text, sizeof(text)), true),
	    (sizeof(text) + 509) / 510);
}

int main(int argc, char **argv)
{
	UNIT_EACH(char_has_its_length, char_cases);
	UNIT_EACH(whole_chars_fit, whole_cases);
	UNIT_TEST(control_bytes_are_known);
	UNIT_TEST(finds_a_control_byte_wherever_it_stands);
	UNIT_EACH(trailing_lf_is_taken_once, lf_cases);
	UNIT_EACH(one_query_is_written, relay_cases);
	UNIT_TEST(each_byte_has_its_form);
	UNIT_EACH(long_text_is_split, split_cases);
	UNIT_TEST(any_text_is_split_by_the_rules);
	UNIT_TEST(longest_head_leaves_room);
	return unit_run(argc, argv);
}
