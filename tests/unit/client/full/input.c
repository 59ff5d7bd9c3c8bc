#include "client/full/input.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "client/full/key.h"
#include "unit.h"

/* Keys as they are written here: ^A is C-a, ~b is Alt and b, a name in <> is a key of its own; all else is typed. */
static const struct {
	const char *name;
	struct key key;
} named[] = {
	{ "<enter>", { .kind = TYPED_ENTER } },
	{ "<newline>", { .kind = TYPED_ENTER, .alt = true } },
	{ "<tab>", { .kind = TYPED_TAB } },
	{ "<backtab>", { .kind = TYPED_BACK_TAB } },
	{ "<bs>", { .kind = TYPED_BACKSPACE } },
	{ "<altbs>", { .kind = TYPED_BACKSPACE, .alt = true } },
	{ "<del>", { .kind = TYPED_DELETE } },
	{ "<esc>", { .kind = TYPED_ESCAPE } },
	{ "<up>", { .kind = TYPED_UP } },
	{ "<down>", { .kind = TYPED_DOWN } },
	{ "<left>", { .kind = TYPED_LEFT } },
	{ "<right>", { .kind = TYPED_RIGHT } },
	{ "<wordleft>", { .kind = TYPED_LEFT, .control = true } },
	{ "<wordright>", { .kind = TYPED_RIGHT, .control = true } },
	{ "<home>", { .kind = TYPED_HOME } },
	{ "<end>", { .kind = TYPED_END } },
	{ "<pageup>", { .kind = TYPED_PAGE_UP } },
};

static struct input in;

static struct key next_key(const char **typed)
{
	const char *at = *typed;
	for (size_t i = 0; i < sizeof(named) / sizeof(*named); i++) {
		size_t len = strlen(named[i].name);
		if (strncmp(at, named[i].name, len) == 0) {
			*typed += len;
			return named[i].key;
		}
	}
	if ((*at == '^' || *at == '~') && at[1] != '\0') {
		*typed += 2;
		return *at == '^' ? KEY_OF_CONTROL((uint32_t)at[1]) : KEY_OF_ALT((uint32_t)at[1]);
	}
	uint32_t character = (unsigned char)*at;
	size_t len = character < 0x80 ? 1 : character < 0xe0 ? 2 : character < 0xf0 ? 3 : 4;
	if (len > 1)
		character &= 0x7fU >> len;
	for (size_t i = 1; i < len; i++)
		character = character << 6 | ((unsigned char)at[i] & 0x3f);
	*typed += len;
	return KEY_OF_TEXT(character);
}

/* Enter, if it submits, is followed by what its caller does. */
static enum input_result press(const char *typed)
{
	enum input_result result = INPUT_NOTHING;
	while (*typed != '\0') {
		result = input_key(&in, next_key(&typed));
		if (result == INPUT_SUBMIT) {
			input_remember(&in);
			input_clear(&in);
		}
	}
	return result;
}

static void complete(void *ctx, struct slice before, size_t *from_r, struct buffer *candidates)
{
	static const char *const words[] = { ":quit: ", ":toggle: ", ":online: ", "alice ",
		"alina ", "\u00e9mile ", "\u00e8ve ", "dir/a/", "dir/b" };
	size_t from = before.len;
	while (from > 0 && before.ptr[from - 1] != ' ')
		from--;
	*from_r = from;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (slice_begins(slice_str(words[i]), slice_skip(before, from)))
			buffer_append(candidates, words[i], strlen(words[i]) + 1);
	}
}

static void set_up(void)
{
	input_destroy(&in);
	input_init(&in, complete, NULL);
}

/* The text with | where the cursor is, and / for line feeds. */
static void is(const char *expected)
{
	char shown[4096];
	struct slice text = input_text(&in);
	snprintf(shown, sizeof(shown), "%.*s|%.*s", (int)in.cursor, text.ptr,
	    (int)(text.len - in.cursor), text.ptr + in.cursor);
	for (char *c = shown; *c != '\0'; c++)
		*c = *c == '\n' ? '/' : *c;
	assert_string_equal(shown, expected);
}

static const struct edit_case {
	const char *name;
	const char *typed;
	const char *expected;
} edit_cases[] = {
	{ "letters", "hello", "hello|" },
	{ "letters of several bytes", "h\u00e9\u4e2d\U0001F44B", "h\u00e9\u4e2d\U0001F44B|" },
	{ "C-a", "hello^A", "|hello" },
	{ "C-e", "hello^A^E", "hello|" },
	{ "Home and End", "hello<home>a<end>z", "ahelloz|" },
	{ "C-b and C-f", "hello^B^B^F", "hell|o" },
	{ "the ends stop", "ab^F^A^B", "|ab" },
	{ "cursor keys", "ab<left>x<right>y", "axby|" },
	{ "in front of a mark", "e\u0301<left>", "|e\u0301" },
	{ "over an emoji of many", "a\U0001F468\u200d\U0001F469<left><left>",
	    "|a\U0001F468\u200d\U0001F469" },
	{ "M-b", "one two~b", "one |two" },
	{ "M-b over dots", "one two.. ~b", "one |two.. " },
	{ "M-f", "one two^A~f", "one| two" },
	{ "M-f twice", "one two^A~f~f", "one two|" },
	{ "words with Ctrl", "one two<wordleft><wordleft><wordright>", "one| two" },
	{ "words of other scripts", "\u043f\u0440 \u0438\u0432~b", "\u043f\u0440 |\u0438\u0432" },
	{ "Backspace", "hello<bs>", "hell|" },
	{ "Backspace takes the marks", "ae\u0301<bs>", "a|" },
	{ "Backspace takes the family", "a\U0001F468\u200d\U0001F469<bs>", "a|" },
	{ "Backspace on nothing", "<bs>", "|" },
	{ "C-h", "ab^H", "a|" },
	{ "Delete", "abc^A<del>", "|bc" },
	{ "Delete at the end", "abc<del>", "abc|" },
	{ "C-d", "abc^A^D", "|bc" },
	{ "C-w", "one two.three^W", "one |" },
	{ "C-w over blanks", "one two  ^W", "one |" },
	{ "M-Backspace", "one two.three<altbs>", "one two.|" },
	{ "M-d", "one two^A~d", "| two" },
	{ "C-u", "one two~b^U", "|two" },
	{ "C-k", "one two~b^K", "one |" },
	{ "C-k at the end of a line takes the line feed", "a<newline>b<up>^K", "a|b" },
	{ "C-u in the second line", "a<newline>bc^U", "a/|" },
	{ "C-y", "one two^W^A^Y", "two|one " },
	{ "C-y twice", "ab^U^Y^Y", "abab|" },
	{ "killed in a row is one", "one two three^W^W^U^Y", "one two three|" },
	{ "killed in both directions", "one two^B^B^B^W^K^Y", "one two|" },
	{ "killed apart is two", "one two^W ^W^Y", "one  |" },
	{ "M-y", "one^Utwo^U^Y~y", "one|" },
	{ "M-y round", "one^Utwo^U^Y~y~y", "two|" },
	{ "M-y after something else", "one^Utwo^U^Yx~y", "twox|" },
	{ "M-y after M-y that found nothing", "abc ^W^Ade~y~y", "de|" },
	{ "C-y of nothing", "a^Y", "a|" },
	{ "C-t at the end", "teh^T", "the|" },
	{ "C-t in the middle", "tehx^B^B^T", "the|x" },
	{ "C-t of one", "a^T", "a|" },
	{ "C-t at the start", "ab^A^T", "|ab" },
	{ "C-t with marks", "ae\u0301^T", "e\u0301a|" },
	{ "C-_ takes a word back", "one two^_", "one|" },
	{ "C-_ twice", "one two^_^_", "|" },
	{ "C-_ on nothing", "^_", "|" },
	{ "C-_ of C-w", "one two^W^_", "one two|" },
	{ "C-_ of C-u", "one two^A~f^U^_", "one| two" },
	{ "C-_ of C-y", "one^Utwo^U^Y^_", "|" },
	{ "C-_ step by step", "a<bs>b<bs>^_^_^_^_", "|" },
	{ "C-c clears, C-_ brings back", "hello^C^_", "hello|" },
	{ "Alt-Enter", "a<newline>b", "a/b|" },
	{ "up and down in several lines", "abc<newline>defg<newline>hi<up><up>X", "abX|c/defg/hi" },
	{ "down keeps the column", "abc<newline>defg<up>x<down>y", "abcx/defgy|" },
	{ "up by columns, not bytes", "ab\u00e9d<newline>\u4e2d<up>X", "abX|\u00e9d/\u4e2d" },
};

static void edits(void **state)
{
	const struct edit_case *c = *state;
	set_up();
	press(c->typed);
	is(c->expected);
}

static const struct result_case {
	const char *name;
	const char *typed;
	enum input_result result;
} result_cases[] = {
	{ "a letter", "a", INPUT_CHANGED },
	{ "Enter", "a<enter>", INPUT_SUBMIT },
	{ "C-m", "a^M", INPUT_SUBMIT },
	{ "C-j", "a^J", INPUT_SUBMIT },
	{ "Enter on nothing", "<enter>", INPUT_SUBMIT },
	{ "C-d on nothing", "^D", INPUT_END },
	{ "C-d on something", "a^D", INPUT_NOTHING },
	{ "C-c on nothing", "^C", INPUT_UNUSED },
	{ "C-c on something", "a^C", INPUT_CHANGED },
	{ "the first Alt-Enter", "a<newline>", INPUT_NEW_LINE },
	{ "the second Alt-Enter", "a<newline>b<newline>", INPUT_CHANGED },
	{ "a key of others", "<pageup>", INPUT_UNUSED },
	{ "Alt-1", "~1", INPUT_UNUSED },
	{ "C-n", "^N", INPUT_UNUSED },
	{ "up without history", "a<up>", INPUT_NOTHING },
	{ "Back-Tab without candidates", "a<backtab>", INPUT_UNUSED },
};

static void says_what_came_of_it(void **state)
{
	const struct result_case *c = *state;
	set_up();
	assert_int_equal(press(c->typed), c->result);
}

static const struct edit_case history_cases[] = {
	{ "up", "one<enter>two<enter><up>", "two|" },
	{ "up twice", "one<enter>two<enter><up><up>", "one|" },
	{ "up to the end", "one<enter>two<enter><up><up><up>", "one|" },
	{ "down brings back what was typed", "one<enter>new<up><down>", "new|" },
	{ "down at the end", "one<enter>new<down>", "new|" },
	{ "the same twice is once", "one<enter>two<enter>two<enter><up><up>", "one|" },
	{ "nothing is not kept", "one<enter><enter><up>", "one|" },
	{ "several lines", "a<newline>b<enter><up>", "a/b|" },
	{ "through several lines", "one<enter>a<newline>b<enter><up><up><up>", "one|" },
	{ "sent again, then up", "one<enter>two<enter><up><up><enter><up>", "one|" },
	{ "undo of up", "one<enter>new<up>^_", "new|" },
	{ "C-r", "one<enter>two<enter>^Ron", "|one" },
	{ "C-r in another case", "One<enter>two<enter>^RonE", "|One" },
	{ "C-r again", "one a<enter>one b<enter>^Rone^R", "|one a" },
	{ "C-r stays at the last that has it", "one a<enter>one b<enter>^Rone^R^R", "|one a" },
	{ "C-r finds where it is", "what a day<enter>^Rday", "what a |day" },
	{ "C-r, Backspace", "one<enter>once<enter>^Rone<bs>", "|once" },
	{ "C-r, C-g", "one<enter>new^Rone^G", "new|" },
	{ "C-r, C-c", "one<enter>new^Rone^C", "new|" },
	{ "C-r, Escape", "one<enter>new^Rone<esc>", "|one" },
	{ "C-r, a key of the editor", "one<enter>new^Rone^E!", "one!|" },
	{ "C-r, accepted, undone", "one<enter>new^Rone^E^_", "new|" },
	{ "C-r, then down", "one<enter>two<enter>new^Rone<down>", "two|" },
	{ "C-r, not found", "one<enter>new^Rxyz", "new|" },
	{ "C-r, emptied", "one<enter>new^Ro<bs>", "new|" },
};

static void remembers(void **state)
{
	const struct edit_case *c = *state;
	set_up();
	press(c->typed);
	is(c->expected);
}

static void searching_tells_what_it_looks_for(void **state)
{
	set_up();
	press("one<enter>^Ron");
	assert_int_equal(in.mode, INPUT_SEARCHING);
	assert_slice_is(input_query(&in), "on");
	assert_true(in.is_found);
	press("x");
	assert_false(in.is_found);
	assert_int_equal(press("<bs><enter>"), INPUT_SUBMIT);
	assert_int_equal(in.mode, INPUT_EDITING);
}

static const struct edit_case complete_cases[] = {
	{ "the only one", ":q<tab>", ":quit: |" },
	{ "what they have in common", "al<tab>", "ali|" },
	{ "then one after the other", "al<tab><tab>", "alice |" },
	{ "and the next", "al<tab><tab><tab>", "alina |" },
	{ "and round", "al<tab><tab><tab><tab>", "alice |" },
	{ "and back", "al<tab><tab><backtab>", "alina |" },
	{ "none", "x<tab>", "x|" },
	{ "the second word", ":new_target: alin<tab>", ":new_target: alina |" },
	{ "before other words", "alic x<left><left><tab>", "alice | x" },
	{ "in the second line", "x<newline>:to<tab>", "x/:toggle: |" },
	{ "nothing in common but half a character", "x <tab>", "x |" },
	{ "anything else ends it", "al<tab>c<tab>", "alice |" },
	{ "undone", ":q<tab>^_", ":q|" },
};

static void completes(void **state)
{
	const struct edit_case *c = *state;
	set_up();
	press(c->typed);
	is(c->expected);
}

static void shows_candidates(void **state)
{
	set_up();
	press("al<tab>");
	assert_int_equal(input_candidate_count(&in), 2);
	assert_slice_is(input_candidate(&in, 0), "alice ");
	assert_slice_is(input_candidate(&in, 1), "alina ");
	press("<left>");
	assert_int_equal(input_candidate_count(&in), 0);
}

/* Paste */

static const struct paste_case {
	const char *name;
	struct slice pasted;
	const char *expected;
} paste_cases[] = {
	{ "a word", SLICE("word"), "a word| b" },
	{ "a line with its end", SLICE("word\r\n"), "a word| b" },
	{ "three lines", SLICE("1\r2\r\n3\n"), "a 1/2/3| b" },
	{ "empty lines", SLICE("1\r\r2"), "a 1//2| b" },
	{ "tabs", SLICE("1\t2"), "a 1    2| b" },
	{ "control characters", SLICE("\x1b[31m\x00\x07x\x7f"), "a [31mx| b" },
	{ "keys", SLICE("\x01\x15x"), "a x| b" },
	{ "nothing", SLICE(""), "a | b" },
};

static void pastes(void **state)
{
	const struct paste_case *c = *state;
	set_up();
	press("a  b<left><left>");
	enum input_result result = input_paste(&in, c->pasted);
	assert_int_equal(result, c->pasted.len > 0 ? INPUT_CHANGED : INPUT_NOTHING);
	is(c->expected);
	press("^_");
	if (c->pasted.len > 0)
		is("a | b");
}

static void many_lines_are_asked_about(void **state)
{
	set_up();
	press("x");
	assert_int_equal(input_paste(&in, SLICE("1\n2\n3\n4\n5\n")), INPUT_CHANGED);
	assert_int_equal(input_paste(&in, SLICE("1\r2\r3\r4\r5\r6\r")), INPUT_ASK);
	assert_int_equal(in.mode, INPUT_ASKING);
	assert_int_equal(input_paste_lines(&in), 6);
	assert_true(input_paste_fits(&in));
	assert_int_equal(press("x<enter><tab>^R<up>"), INPUT_NOTHING);
	assert_int_equal(press("i<bs>f a c<enter>"), INPUT_CHANGED);
	assert_int_equal(in.mode, INPUT_ASKING);
	is("x1/2/3/4/5|");
	press("xi^Ui");
	assert_slice_is(input_answer(&in), "i");
	assert_int_equal(press("<enter>"), INPUT_CHANGED);
	assert_int_equal(in.mode, INPUT_EDITING);
	is("x1/2/3/4/51/2/3/4/5/6|");
}

static void a_paste_is_given_up(void **state)
{
	static const char *const keys[] = { "c<enter>", "C<enter>", "<esc>", "f^C", "^G" };
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		set_up();
		press("x");
		input_paste(&in, SLICE("1\n2\n3\n4\n5\n6"));
		assert_int_equal(press(keys[i]), INPUT_CHANGED);
		assert_int_equal(in.mode, INPUT_EDITING);
		assert_int_equal(input_pasted(&in).len, 0);
		is("x|");
	}
}

static void a_paste_becomes_a_file(void **state)
{
	set_up();
	input_paste(&in, SLICE("1\t\n2\r\n3\n4\n5\n"));
	input_paste(&in, SLICE("1\t\n2\r\n3\n4\n5\n6\n"));
	assert_int_equal(press("f<enter>"), INPUT_AS_FILE);
	assert_int_equal(in.mode, INPUT_ASKING);
	assert_slice_is(input_pasted(&in), "1\t\n2\r\n3\n4\n5\n6\n");
	input_drop_paste(&in);
	assert_int_equal(input_pasted(&in).len, 0);
}

static void another_text_drops_the_paste(void **state)
{
	set_up();
	input_paste(&in, SLICE("1\n2\n3\n4\n5\n6\n"));
	assert_true(input_set(&in, SLICE("draft"), 5));
	assert_int_equal(in.mode, INPUT_EDITING);
	assert_int_equal(input_pasted(&in).len, 0);
	assert_int_equal(input_paste(&in, SLICE("1\n2\n3\n4\n5\n6\n")), INPUT_ASK);
	assert_int_equal(input_paste_lines(&in), 6);
}

static void a_paste_in_two_pieces_is_one(void **state)
{
	set_up();
	input_paste(&in, SLICE("1\n2\n3\n4\n5\n6\n"));
	assert_int_equal(input_paste(&in, SLICE("7")), INPUT_ASK);
	assert_int_equal(input_paste_lines(&in), 7);
}

static void a_paste_has_a_bound(void **state)
{
	static char text[INPUT_MAX_LEN];
	memset(text, 'x', sizeof(text));
	set_up();
	assert_int_equal(input_paste(&in, slice_of(text, sizeof(text))), INPUT_CHANGED);
	assert_int_equal(press("y"), INPUT_FULL);
	assert_int_equal(input_paste(&in, SLICE("y")), INPUT_ASK);
	assert_false(input_paste_fits(&in));
	assert_int_equal(press("i<enter>"), INPUT_CHANGED);
	assert_int_equal(in.mode, INPUT_ASKING);
	assert_int_equal(press("c<enter>"), INPUT_CHANGED);
	enum input_result result = INPUT_ASK;
	for (int i = 0; i < 8; i++) {
		assert_int_equal(result, INPUT_ASK);
		result = input_paste(&in, slice_of(text, sizeof(text)));
	}
	assert_int_equal(result, INPUT_ASK);
	assert_int_equal(input_paste(&in, SLICE("y")), INPUT_FULL);
	assert_int_equal(in.mode, INPUT_EDITING);
	assert_int_equal(input_text(&in).len, INPUT_MAX_LEN);
}

/* 10,000 lines of 80 characters, and a hundred keys in them: quick enough not to be felt, on any machine. */
static void a_long_paste_is_quick(void **state)
{
	static char text[10000 * 81];
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = i % 81 == 80 ? '\n' : 'x';
	set_up();
	clock_t begin = clock();
	assert_int_equal(input_paste(&in, slice_of(text, sizeof(text))), INPUT_ASK);
	assert_int_equal(press("i<enter>"), INPUT_CHANGED);
	for (int i = 0; i < 20; i++)
		press("<up>ab<bs>^A^E~b");
	assert_true(clock() - begin < CLOCKS_PER_SEC);
	assert_true(input_text(&in).len > 800 * 1000);
}

/* Secrets */

static bool memory_has(const char *bytes, size_t len, const char *secret)
{
	return bytes != NULL && memmem(bytes, len, secret, strlen(secret)) != NULL;
}

static void secrets_leave_no_trace(void **state)
{
	set_up();
	in.is_secret = true;
	press("hunter2^W^Yx<up>^R~bo<tab>^_");
	assert_int_equal(input_paste(&in, SLICE("hunter2\nhunter3\nh\nh\nh\nh\nh")), INPUT_CHANGED);
	assert_null(memchr(in.bytes, '\n', in.len));
	press("hunter2<enter>");
	assert_int_equal(in.history.count, 0);
	assert_int_equal(in.kills.count, 0);
	assert_int_equal(in.undo.count, 0);
	assert_int_equal(in.len, 0);
	assert_false(memory_has(in.bytes, in.cap, "unter"));
}

static void drafts_come_and_go(void **state)
{
	set_up();
	press("old<up>");
	assert_true(input_set(&in, SLICE("draft \u00e9"), 7));
	is("draft |\u00e9");
	press("^_");
	is("draft |\u00e9");
	assert_true(input_set(&in, SLICE("short"), 99));
	is("short|");
}

static void without_memory_nothing_is_lost(void **state)
{
	char long_text[600];
	memset(long_text, 'x', sizeof(long_text));
	set_up();
	press("hello");
	unit_allocate_only(0);
	assert_int_equal(input_paste(&in, slice_of(long_text, sizeof(long_text))), INPUT_FULL);
	press("^W");
	press("^_^R<up><tab>");
	assert_false(input_set(&in, slice_of(long_text, sizeof(long_text)), 0));
	unit_allocate_all();
	is("|");
	press("again");
	is("again|");
}

/* Whatever is pressed, the cursor stands between graphemes of the text. */
static void any_keys_keep_it_whole(void **state)
{
	static const char *const keys[] = { "a", " ", "\u0301", "\U0001F468", "\u200d",
		"\U0001F1E9", "^A", "^E", "^B", "^F", "~b", "~f", "~d", "^W", "^K", "^U", "^Y",
		"~y", "^T", "^_", "<bs>", "<del>", "<altbs>", "<newline>", "<up>", "<down>",
		"<enter>", "^R", "<esc>", "<tab>", "^G", "^C", "i" };
	unsigned random = 1;
	set_up();
	for (int i = 0; i < 200 * 1000; i++) {
		random = random * 1103515245U + 12345U;
		unsigned choice = (random >> 16) % (sizeof(keys) / sizeof(*keys) + 1);
		if (choice == sizeof(keys) / sizeof(*keys))
			input_paste(&in, SLICE("1\n2\n\u00e93\n4\n5\n6"));
		else
			press(keys[choice]);
		assert_true(in.cursor <= in.len && in.len <= INPUT_MAX_LEN);
		struct slice text = input_text(&in);
		if (in.cursor < in.len)
			assert_int_not_equal((unsigned char)text.ptr[in.cursor] & 0xc0, 0x80);
		if (in.len > 5000)
			input_clear(&in);
	}
}

int main(int argc, char **argv)
{
	input_init(&in, complete, NULL);
	UNIT_EACH(edits, edit_cases);
	UNIT_EACH(says_what_came_of_it, result_cases);
	UNIT_EACH(remembers, history_cases);
	UNIT_TEST(searching_tells_what_it_looks_for);
	UNIT_EACH(completes, complete_cases);
	UNIT_TEST(shows_candidates);
	UNIT_EACH(pastes, paste_cases);
	UNIT_TEST(many_lines_are_asked_about);
	UNIT_TEST(a_paste_is_given_up);
	UNIT_TEST(a_paste_becomes_a_file);
	UNIT_TEST(another_text_drops_the_paste);
	UNIT_TEST(a_paste_in_two_pieces_is_one);
	UNIT_TEST(a_paste_has_a_bound);
	UNIT_TEST(a_long_paste_is_quick);
	UNIT_TEST(secrets_leave_no_trace);
	UNIT_TEST(drafts_come_and_go);
	UNIT_TEST(without_memory_nothing_is_lost);
	UNIT_TEST(any_keys_keep_it_whole);
	int failed = unit_run(argc, argv);
	input_destroy(&in);
	return failed;
}
