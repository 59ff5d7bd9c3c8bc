#include "client/sanitize.h"

#include "unit.h"

static const struct sanitize_case {
	const char *name;
	struct slice text;
	struct slice shown;
} sanitize_cases[] = {
	{ "nothing", SLICE(""), SLICE("") },
	{ "nowhere", { NULL, 0 }, SLICE("") },
	{ "ASCII", SLICE("Hello, world~ {}"), SLICE("Hello, world~ {}") },
	{ "backslashes stay", SLICE("C:\\n \\x1b"), SLICE("C:\\n \\x1b") },
	{ "line ends and tab", SLICE("a\nb\rc\td"), SLICE("a\\nb\\rc\\td") },
	{ "NUL", SLICE("a\0b"), SLICE("a\\x00b") },
	{ "ESC", SLICE("\x1b[2J"), SLICE("\\x1b[2J") },
	{ "BEL, BS, DEL", SLICE("\a\b\x7f"), SLICE("\\x07\\x08\\x7f") },
	{ "C1 as a byte",
	    SLICE("\x9b"
		  "2J"),
	    SLICE("\\x9b2J") },
	{ "C1 in UTF-8, first", SLICE("\xc2\x80"), SLICE("\\u{80}") },
	{ "C1 in UTF-8, CSI", SLICE("\xc2\x9b"), SLICE("\\u{9b}") },
	{ "C1 in UTF-8, last", SLICE("\xc2\x9f"), SLICE("\\u{9f}") },
	{ "behind C1", SLICE("\xc2\xa0\xc2\xa1"), SLICE("\xc2\xa0\xc2\xa1") },
	{ "two bytes", SLICE("h\xc3\xa9"), SLICE("h\xc3\xa9") },
	{ "three bytes", SLICE("\xe2\x82\xac"), SLICE("\xe2\x82\xac") },
	{ "four bytes", SLICE("\xf0\x9f\x91\x8b"), SLICE("\xf0\x9f\x91\x8b") },
	{ "the last character", SLICE("\xf4\x8f\xbf\xbd"), SLICE("\xf4\x8f\xbf\xbd") },
	{ "behind the last character", SLICE("\xf4\x90\x80\x80"), SLICE("\\xf4\\x90\\x80\\x80") },
	{ "cut short", SLICE("\xe2\x82"), SLICE("\\xe2\\x82") },
	{ "cut short, then ASCII", SLICE("\xf0\x9f\x91x"), SLICE("\\xf0\\x9f\\x91x") },
	{ "no beginning", SLICE("\xa9\xbf"), SLICE("\\xa9\\xbf") },
	{ "written too long, two bytes", SLICE("\xc0\xaf\xc1\xbf"), SLICE("\\xc0\\xaf\\xc1\\xbf") },
	{ "written too long, three bytes", SLICE("\xe0\x9f\xbf"), SLICE("\\xe0\\x9f\\xbf") },
	{ "written too long, four bytes", SLICE("\xf0\x8f\xbf\xbf"),
	    SLICE("\\xf0\\x8f\\xbf\\xbf") },
	{ "half a UTF-16 pair", SLICE("\xed\xa0\x80\xed\xbf\xbf"),
	    SLICE("\\xed\\xa0\\x80\\xed\\xbf\\xbf") },
	{ "bytes that are never UTF-8", SLICE("\xf5\xfe\xff"), SLICE("\\xf5\\xfe\\xff") },
	{ "no character", SLICE("\xef\xbf\xbe\xef\xbf\xbf"), SLICE("\\u{fffe}\\u{ffff}") },
	{ "override",
	    SLICE("a\xe2\x80\xae"
		  "b"),
	    SLICE("a\\u{202e}b") },
	{ "embeddings and isolates", SLICE("\xe2\x80\xaa\xe2\x81\xa6\xe2\x81\xa9"),
	    SLICE("\\u{202a}\\u{2066}\\u{2069}") },
	{ "direction marks", SLICE("\xe2\x80\x8e\xe2\x80\x8f\xd8\x9c"),
	    SLICE("\\u{200e}\\u{200f}\\u{61c}") },
	{ "zero width space",
	    SLICE("a\xe2\x80\x8b"
		  "b"),
	    SLICE("a\\u{200b}b") },
	{ "byte order mark", SLICE("\xef\xbb\xbf"), SLICE("\\u{feff}") },
	{ "soft hyphen",
	    SLICE("a\xc2\xad"
		  "b"),
	    SLICE("a\\u{ad}b") },
	{ "line and paragraph separator", SLICE("\xe2\x80\xa8\xe2\x80\xa9"),
	    SLICE("\\u{2028}\\u{2029}") },
	{ "a tag", SLICE("\xf3\xa0\x81\xa1"), SLICE("\\u{e0061}") },
	{ "joiner between letters",
	    SLICE("a\xe2\x80\x8d"
		  "b"),
	    SLICE("a\\u{200d}b") },
	{ "joiner at the beginning", SLICE("\xe2\x80\x8d\xf0\x9f\x91\xa9"),
	    SLICE("\\u{200d}\xf0\x9f\x91\xa9") },
	{ "joiner at the end", SLICE("\xf0\x9f\x91\xa9\xe2\x80\x8d"),
	    SLICE("\xf0\x9f\x91\xa9\\u{200d}") },
	{ "two joiners", SLICE("\xf0\x9f\x91\xa9\xe2\x80\x8d\xe2\x80\x8d\xf0\x9f\x91\xa9"),
	    SLICE("\xf0\x9f\x91\xa9\\u{200d}\\u{200d}\xf0\x9f\x91\xa9") },
	{ "a family", SLICE("\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa7"),
	    SLICE("\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa7") },
	{ "Persian", SLICE("\xd9\x85\xdb\x8c\xe2\x80\x8c\xd8\xae"),
	    SLICE("\xd9\x85\xdb\x8c\xe2\x80\x8c\xd8\xae") },
	{ "joiner beside a direction mark", SLICE("\xdb\x8c\xe2\x80\x8c\xd8\x9c"),
	    SLICE("\xdb\x8c\\u{200c}\\u{61c}") },
};

static void shows(void **state)
{
	const struct sanitize_case *c = *state;
	struct buffer out = { 0 };
	assert_true(sanitize(&out, c->text));
	assert_slice_equal(buffer_slice(&out), c->shown);
	buffer_clear(&out);
}

/* Whatever comes in, what comes out is UTF-8 without a control character, and is not changed a second time. */
static void output_is_always_harmless(void **state)
{
	(void)state;
	for (unsigned first = 0; first < 0x100; first++) {
		for (unsigned second = 0; second < 0x100; second++) {
			char text[] = { (char)first, (char)second, (char)0xbf, 'x' };
			struct buffer once = { 0 }, twice = { 0 };
			assert_true(sanitize(&once, slice_of(text, sizeof(text))));
			struct slice s = buffer_slice(&once);
			for (size_t i = 0; i < s.len; i++)
				assert_true((unsigned char)s.ptr[i] >= 0x20 && s.ptr[i] != 0x7f);
			assert_true(sanitize(&twice, s));
			assert_slice_equal(buffer_slice(&twice), s);
			buffer_clear(&once);
			buffer_clear(&twice);
		}
	}
}

static void says_when_memory_runs_out(void **state)
{
	(void)state;
	struct buffer out = { 0 };
	unit_allocate_only(0);
	bool ok = sanitize(&out, SLICE("text"));
	unit_allocate_all();
	assert_false(ok);
}

static void a_string_holds_what_fits(void **state)
{
	(void)state;
	char out[6];
	assert_string_equal(sanitize_string(SLICE("a\x1b"), out, sizeof(out)), "a\\x1b");
	assert_string_equal(sanitize_string(SLICE("abcdef"), out, sizeof(out)), "abcde");
	assert_string_equal(sanitize_string(SLICE("abcd\u00e9"), out, sizeof(out)), "abcd");
	assert_string_equal(sanitize_string(SLICE(""), out, sizeof(out)), "");
	assert_string_equal(sanitize_string(SLICE("a"), out, 1), "");
	unit_allocate_only(0);
	sanitize_string(SLICE("a"), out, sizeof(out));
	unit_allocate_all();
	assert_string_equal(out, "");
}

int main(int argc, char **argv)
{
	UNIT_EACH(shows, sanitize_cases);
	UNIT_TEST(output_is_always_harmless);
	UNIT_TEST(says_when_memory_runs_out);
	UNIT_TEST(a_string_holds_what_fits);
	return unit_run(argc, argv);
}
