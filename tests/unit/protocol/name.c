#include "protocol/name.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

#define TEN    "0123456789"
#define THIRTY TEN TEN TEN

/* --- user names --- */

static const struct name_case {
	const char *name;
	struct slice user;
	enum name_fault fault;
} name_cases[] = {
	{ "a letter", SLICE("a"), NAME_OK },
	{ "every kind of byte", SLICE("aZ_09"), NAME_OK },
	{ "digits only", SLICE("12345"), NAME_OK },
	{ "only _", SLICE("_"), NAME_OK },
	{ "32 bytes", SLICE(THIRTY "ab"), NAME_OK },
	{ "33 bytes", SLICE(THIRTY "abc"), NAME_LENGTH },
	{ "empty", SLICE(""), NAME_LENGTH },
	{ "nowhere", { NULL, 0 }, NAME_LENGTH },
	{ "space", SLICE("a b"), NAME_CHARACTERS },
	{ "dash", SLICE("a-b"), NAME_CHARACTERS },
	{ "dot", SLICE("."), NAME_CHARACTERS },
	{ "plus, which parts stored files", SLICE("a+b"), NAME_CHARACTERS },
	{ "slash", SLICE("../a"), NAME_CHARACTERS },
	{ "star", SLICE("*"), NAME_CHARACTERS },
	{ "brackets", SLICE("<a>"), NAME_CHARACTERS },
	{ "NUL at the end", SLICE("a\0"), NAME_CHARACTERS },
	{ "LF at the end", SLICE("a\n"), NAME_CHARACTERS },
	{ "ESC", SLICE("\x1b[2J"), NAME_CHARACTERS },
	{ "UTF-8", SLICE("h\xc3\xa9"), NAME_CHARACTERS },
	{ "too long and bad bytes: the bytes are named", SLICE(THIRTY "abc!"), NAME_CHARACTERS },
	{ "a shell command", SLICE("a';touch${IFS}X'"), NAME_CHARACTERS },
	{ "reserved: admin", SLICE("admin"), NAME_IS_RESERVED },
	{ "reserved: server", SLICE("server"), NAME_IS_RESERVED },
	{ "reserved: quit", SLICE("quit"), NAME_IS_RESERVED },
	{ "reserved: online", SLICE("online"), NAME_IS_RESERVED },
	{ "reserved: new_target", SLICE("new_target"), NAME_IS_RESERVED },
	{ "reserved: toggle", SLICE("toggle"), NAME_IS_RESERVED },
	{ "reserved: upload", SLICE("upload"), NAME_IS_RESERVED },
	{ "reserved: download", SLICE("download"), NAME_IS_RESERVED },
	{ "reserved: status", SLICE("status"), NAME_IS_RESERVED },
	{ "reserved: help", SLICE("help"), NAME_IS_RESERVED },
	{ "reserved: mute", SLICE("mute"), NAME_IS_RESERVED },
	{ "reserved: unmute", SLICE("unmute"), NAME_IS_RESERVED },
	{ "reserved, upper case", SLICE("ADMIN"), NAME_IS_RESERVED },
	{ "reserved, mixed case", SLICE("New_Target"), NAME_IS_RESERVED },
	{ "reserved, other mixed case", SLICE("uNmUTE"), NAME_IS_RESERVED },
	{ "longer than reserved", SLICE("admins"), NAME_OK },
	{ "shorter than reserved", SLICE("admi"), NAME_OK },
	{ "reserved at the end", SLICE("xadmin"), NAME_OK },
};

static void name_has_its_fault(void **state)
{
	const struct name_case *c = *state;
	assert_int_equal(name_check(c->user), c->fault);
}

static void each_byte_is_allowed_or_not(void **state)
{
	(void)state;
	for (int i = 0; i < 256; i++) {
		char name[] = { 'x', (char)i };
		bool allowed = (i >= 'A' && i <= 'Z') || (i >= 'a' && i <= 'z') ||
			       (i >= '0' && i <= '9') || i == '_';
		assert_int_equal(
		    name_check(slice_of(name, 2)), allowed ? NAME_OK : NAME_CHARACTERS);
	}
}

/* --- passwords --- */

/* The bytes of `front`, then `fill` letters. */
static const struct password_case {
	const char *name;
	struct slice front;
	size_t fill;
	size_t min_len;
	bool allowed;
} password_cases[] = {
	{ "one byte", SLICE("x"), 0, 1, true },
	{ "empty", SLICE(""), 0, 1, false },
	{ "nowhere", { NULL, 0 }, 0, 1, false },
	{ "empty, no least length", SLICE(""), 0, 0, false },
	{ "as long as must be", SLICE("12345678"), 0, 8, true },
	{ "too short by one", SLICE("1234567"), 0, 8, false },
	{ "1024 bytes", SLICE(""), 1024, 1, true },
	{ "1025 bytes", SLICE(""), 1025, 1, false },
	{ "a least length no password has", SLICE(""), 1024, 2000, false },
	{ "spaces inside", SLICE("correct horse  battery"), 0, 1, true },
	{ "space at the front", SLICE(" x"), 0, 1, false },
	{ "space at the end", SLICE("x "), 0, 1, false },
	{ "only a space", SLICE(" "), 0, 1, false },
	{ "UTF-8", SLICE("p\xc3\xa4ssw\xc3\xb6rd"), 0, 1, true },
	{ "bytes that are no UTF-8", SLICE("\xff\x80"), 0, 1, true },
	{ "punctuation", SLICE("<'\"\\;$>"), 0, 1, true },
	{ "LF", SLICE("a\nb"), 0, 1, false },
	{ "CR at the end", SLICE("a\r"), 0, 1, false },
	{ "TAB", SLICE("a\tb"), 0, 1, false },
	{ "NUL", SLICE("a\0b"), 0, 1, false },
	{ "DEL", SLICE("a\x7f"), 0, 1, false },
};

static void password_is_allowed_or_not(void **state)
{
	const struct password_case *c = *state;
	char bytes[2048];
	if (c->front.len > 0)
		memcpy(bytes, c->front.ptr, c->front.len);
	memset(bytes + c->front.len, 'p', c->fill);
	size_t len = c->front.len + c->fill;
	struct slice password = slice_of(c->front.ptr == NULL ? NULL : bytes, len);
	assert_int_equal(password_is_allowed(password, c->min_len), c->allowed);
}

/* --- file names --- */

static const struct filename_case {
	const char *name;
	struct slice file;
	bool allowed;
} filename_cases[] = {
	{ "plain", SLICE("notes.txt"), true },
	{ "one byte", SLICE("a"), true },
	{ "spaces", SLICE("my notes.txt"), true },
	{ "only a space", SLICE(" "), true },
	{ "UTF-8", SLICE("\xc3\xbc.txt"), true },
	{ "leading dot", SLICE(".profile"), true },
	{ "three dots", SLICE("..."), true },
	{ "dots before a name", SLICE("..a"), true },
	{ "leading dash", SLICE("-rf"), true },
	{ "star", SLICE("*"), true },
	{ "200 bytes", SLICE(THIRTY THIRTY THIRTY THIRTY THIRTY THIRTY TEN TEN), true },
	{ "201 bytes", SLICE(THIRTY THIRTY THIRTY THIRTY THIRTY THIRTY TEN TEN "x"), false },
	{ "empty", SLICE(""), false },
	{ "nowhere", { NULL, 0 }, false },
	{ "dot", SLICE("."), false },
	{ "two dots", SLICE(".."), false },
	{ "slash", SLICE("a/b"), false },
	{ "leading slash", SLICE("/a"), false },
	{ "trailing slash", SLICE("a/"), false },
	{ "backslash", SLICE("a\\b"), false },
	{ "climbing", SLICE("../x"), false },
	{ "NUL", SLICE("a\0.txt"), false },
	{ "LF", SLICE("a\n"), false },
	{ "ESC", SLICE("\x1b]0;x\x07"), false },
	{ "DEL", SLICE("\x7f"), false },
};

static void filename_is_allowed_or_not(void **state)
{
	const struct filename_case *c = *state;
	assert_int_equal(filename_is_allowed(c->file), c->allowed);
}

static void each_byte_of_a_filename(void **state)
{
	(void)state;
	for (int i = 0; i < 256; i++) {
		char name[] = { 'x', (char)i };
		bool allowed = i >= 0x20 && i != 0x7f && i != '/' && i != '\\';
		assert_int_equal(filename_is_allowed(slice_of(name, 2)), allowed);
	}
}

/* `fill` times the letter n, in front of the rest. */
static const struct numbered_case {
	const char *name;
	size_t fill;
	const char *rest;
	unsigned number;
	size_t fill_left;
	const char *rest_left;
} numbered_cases[] = {
	{ "no number", 0, "notes.txt", 0, 0, "notes.txt" },
	{ "the first needs none", 0, "notes.txt", 1, 0, "notes.txt" },
	{ "the second", 0, "notes.txt", 2, 0, "notes-2.txt" },
	{ "the tenth", 0, "notes.txt", 10, 0, "notes-10.txt" },
	{ "the last that can be counted", 0, "notes.txt", 4294967295u, 0, "notes-4294967295.txt" },
	{ "no extension", 0, "notes", 2, 0, "notes-2" },
	{ "two dots: the last counts", 0, "a.tar.gz", 2, 0, "a.tar-2.gz" },
	{ "leading dot is no extension", 0, ".profile", 2, 0, ".profile-2" },
	{ "leading dot and an extension", 0, ".a.b", 2, 0, ".a-2.b" },
	{ "two leading dots", 0, "..a", 2, 0, ".-2.a" },
	{ "three dots", 0, "...", 2, 0, "..-2." },
	{ "dot at the end", 0, "a.", 2, 0, "a-2." },
	{ "spaces, no number", 0, "my old notes.txt", 1, 0, "my_old_notes.txt" },
	{ "spaces, a number", 0, "my notes. t x", 2, 0, "my_notes-2._t_x" },
	{ "only spaces", 0, "   ", 2, 0, "___-2" },
	{ "a name that looks numbered", 0, "a-2.txt", 2, 0, "a-2-2.txt" },
	{ "200 bytes, no number", 196, ".txt", 1, 196, ".txt" },
	{ "200 bytes, a number", 196, ".txt", 2, 194, "-2.txt" },
	{ "199 bytes, a number", 195, ".txt", 2, 194, "-2.txt" },
	{ "198 bytes, a number", 194, ".txt", 2, 194, "-2.txt" },
	{ "200 bytes, a long number", 196, ".txt", 1000, 191, "-1000.txt" },
	{ "200 bytes, no extension", 200, "", 2, 198, "-2" },
	{ "extension of 100 bytes", 3, "." THIRTY THIRTY THIRTY TEN, 2, 3,
	    "-2." THIRTY THIRTY THIRTY TEN },
	{ "extension of 101 bytes is none", 3, "." THIRTY THIRTY THIRTY TEN "x", 2, 3,
	    "." THIRTY THIRTY THIRTY TEN "x-2" },
	{ "extension of 101 bytes, 200 bytes", 98, "." THIRTY THIRTY THIRTY TEN "x", 2, 98,
	    "." THIRTY THIRTY THIRTY "012345678-2" },
	{ "extension of 100 bytes, 200 bytes", 99, "." THIRTY THIRTY THIRTY TEN, 2, 97,
	    "-2." THIRTY THIRTY THIRTY TEN },
	{ "extension of 100 bytes and the longest number", 99, "." THIRTY THIRTY THIRTY TEN,
	    4294967295u, 88, "-4294967295." THIRTY THIRTY THIRTY TEN },
	{ "cut between two bytes of a character", 193, "\xc3\xa9x.txt", 2, 193, "-2.txt" },
	{ "cut behind a character", 192, "\xc3\xa9xy.txt", 2, 192, "\xc3\xa9-2.txt" },
	{ "cut in four bytes, after three", 191, "\xf0\x9f\x98\x80x.txt", 2, 191, "-2.txt" },
	{ "cut in bytes that are no UTF-8", 192, "\x80\x80\x80\x80.txt", 2, 192, "\x80\x80-2.txt" },
};

static void filename_has_its_form(void **state)
{
	const struct numbered_case *c = *state;
	char file[FILENAME_MAX_LEN + 1], expected[2 * FILENAME_MAX_LEN];
	size_t len = c->fill + strlen(c->rest);
	assert_true(len <= FILENAME_MAX_LEN);
	memset(file, 'n', c->fill);
	memcpy(file + c->fill, c->rest, strlen(c->rest));
	memset(expected, 'n', c->fill_left);
	memcpy(expected + c->fill_left, c->rest_left, strlen(c->rest_left));

	char *out =
	    malloc(FILENAME_MAX_LEN); /* of just that size, so that a byte too many is seen */
	assert_non_null(out);
	size_t out_len = filename_numbered(slice_of(file, len), c->number, out);
	assert_slice_equal(
	    slice_of(out, out_len), slice_of(expected, c->fill_left + strlen(c->rest_left)));
	assert_true(filename_is_allowed(slice_of(out, out_len)));
	free(out);
}

int main(int argc, char **argv)
{
	UNIT_EACH(name_has_its_fault, name_cases);
	UNIT_TEST(each_byte_is_allowed_or_not);
	UNIT_EACH(password_is_allowed_or_not, password_cases);
	UNIT_EACH(filename_is_allowed_or_not, filename_cases);
	UNIT_TEST(each_byte_of_a_filename);
	UNIT_EACH(filename_has_its_form, numbered_cases);
	return unit_run(argc, argv);
}
