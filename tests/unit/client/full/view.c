#include "client/full/view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/sanitize.h"
#include "unit.h"

enum { PICTURE_SIZE = 32 * 1024, MINUTE_MS = 60 * 1000 };

/* A view of a model that a test fills. */
struct scene {
	struct model model;
	struct input input;
	struct view view;
	struct cells cells;
	int64_t now_ms;
	char picture[PICTURE_SIZE];
};

static struct scene *scene_new(unsigned columns, unsigned rows)
{
	struct scene *s = calloc(1, sizeof(*s));
	assert_non_null(s);
	assert_true(model_init(&s->model));
	model_set_me(&s->model, SLICE("alice"));
	input_init(&s->input, NULL, NULL);
	s->view = (struct view){ .model = &s->model,
		.input = &s->input,
		.server = "chat.example.org:18443",
		.trust = "known key",
		.state = "connected",
		.is_connected = true,
		.busy = "",
		.prompt = "> ",
		.colors = 256,
		.found = NO_LINE };
	s->now_ms = INT64_C(1764093720) * 1000; /* 2025-11-25 18:02 UTC */
	assert_true(cells_init(&s->cells, columns, rows));
	return s;
}

static void scene_free(struct scene *s)
{
	view_clear(&s->view);
	input_destroy(&s->input);
	model_clear(&s->model);
	cells_clear(&s->cells);
	free(s);
}

static struct conversation *with(struct scene *s, const char *name)
{
	struct conversation *c = model_open(&s->model, slice_str(name));
	assert_non_null(c);
	return c;
}

static void says(struct scene *s, struct conversation *c, const char *who, const char *text)
{
	s->now_ms += MINUTE_MS;
	model_add_other(&s->model, c, s->now_ms, slice_str(who), slice_str(text));
}

static void go_to(struct scene *s, struct conversation *c)
{
	model_switch(&s->model, model_place(&s->model, c));
}

/* How often a character that is not plain has been looked at. NOLINTBEGIN(bugprone-reserved-identifier): the linker wants these names. */
static size_t looks;

size_t __real_sanitize_next(
    uint32_t before, struct slice text, char out[static SANITIZE_CHAR_MAX_LEN], size_t *taken_r);
size_t __wrap_sanitize_next(
    uint32_t before, struct slice text, char out[static SANITIZE_CHAR_MAX_LEN], size_t *taken_r);

size_t __wrap_sanitize_next(
    uint32_t before, struct slice text, char out[static SANITIZE_CHAR_MAX_LEN], size_t *taken_r)
{
	looks++;
	return __real_sanitize_next(before, text, out, taken_r);
}
/* NOLINTEND(bugprone-reserved-identifier) */

/* The picture as lines. */
static const char *draw(struct scene *s)
{
	size_t len = 0;
	view_draw(&s->view, &s->cells);
	for (unsigned row = 0; row < s->cells.rows; row++) {
		len += cells_row_text(&s->cells, row, s->picture + len, PICTURE_SIZE - len - 2);
		s->picture[len++] = '\n';
	}
	s->picture[len] = '\0';
	return s->picture;
}

static void a_talk(void **state)
{
	(void)state;
	struct scene *s = scene_new(50, 8);
	struct conversation *bob = with(s, "bob");
	go_to(s, bob);
	says(s, bob, "bob", "hello");
	s->now_ms += MINUTE_MS;
	model_add_mine(
	    &s->model, bob, s->now_ms, SLICE("hello bob, this line is too long for one row"));
	s->view.prompt = "bob> ";
	input_set(&s->input, SLICE("yes"), 3);
	assert_string_equal(draw(s), " bob        chat.example.org:18443 key: known key\n"
				     "18:03 bob: hello\n"
				     "18:04 alice: hello bob, this line is too long for\n"
				     "      one row [not sent yet]\n"
				     "\n"
				     "\n"
				     "\n"
				     "bob> yes\n");
	assert_int_equal(s->cells.cursor_row, 7);
	assert_int_equal(s->cells.cursor_column, 8);
	model_note_waiting(&s->model, 0);
	assert_null(strstr(draw(s), "not sent"));
	scene_free(s);
}

static void what_is_new_is_marked(void **state)
{
	(void)state;
	struct scene *s = scene_new(40, 8);
	struct conversation *bob = with(s, "bob");
	says(s, bob, "bob", "one");
	go_to(s, bob);
	go_to(s, model_server(&s->model));
	says(s, bob, "bob", "two");
	draw(s);
	assert_non_null(strstr(s->picture, "\n 3 bob 1\n"));
	go_to(s, bob);
	draw(s);
	assert_non_null(strstr(s->picture, "18:03 bob: one\n── new "));
	assert_non_null(strstr(s->picture, "─\n18:04 bob: two\n"));
	scene_free(s);
}

static void what_is_unread_is_in_the_order_of_its_weight(void **state)
{
	(void)state;
	struct scene *s = scene_new(70, 5);
	says(s, model_group(&s->model), "carol", "anybody here?");
	says(s, with(s, "bob"), "bob", "psst");
	says(s, with(s, "dave"), "dave", "alice, look");
	says(s, with(s, "erin"), "erin", "psst");
	s->model.me_len = 0;
	assert_non_null(strstr(draw(s), " connected │ 4 dave 1!  3 bob 1  5 erin 1  2 group 1\n"));
	with(s, "dave")->is_muted = true;
	assert_non_null(strstr(draw(s), " connected │ 3 bob 1  5 erin 1  2 group 1\n"));
	scene_free(s);
}

/* What matters most is seen where there is no room for all. */
static void a_narrow_screen_has_what_matters_most(void **state)
{
	(void)state;
	struct scene *s = scene_new(40, 5);
	go_to(s, with(s, "bob"));
	says(s, with(s, "carol"), "carol", "psst");
	assert_non_null(strstr(draw(s), "\n 4 carol 1\n"));
	assert_non_null(strstr(s->picture, " bob  chat.example.org:1 key: known key\n"));
	s->view.busy = "[sending 1 MiB]";
	assert_non_null(strstr(draw(s), "\n 4 carol 1 │ [sending 1 MiB]\n"));
	s->view.is_connected = false;
	s->view.busy = "";
	s->view.state = "NOT CONNECTED, next try in 7 s";
	assert_non_null(strstr(draw(s), "\n NOT CONNECTED │ 4 carol 1 │ next try in\n"));
	cells_clear(&s->cells);
	assert_true(cells_init(&s->cells, 60, 5));
	assert_non_null(strstr(draw(s), "\n alice · NOT CONNECTED, next try in 7 s │ 4 carol 1\n"));
	scene_free(s);
}

static void a_wide_screen_has_a_list(void **state)
{
	(void)state;
	struct scene *s = scene_new(VIEW_LIST_FROM_COLUMNS, 6);
	struct conversation *bob = with(s, "a_name_that_is_longer_than_the_list");
	says(s, bob, "x", "hello");
	draw(s);
	assert_non_null(strstr(
	    s->picture, "\n 1 messager         │\n 2 group            │\n 3 a_name_that_is_ 1│\n"));
	cells_clear(&s->cells);
	assert_true(cells_init(&s->cells, VIEW_LIST_FROM_COLUMNS - 1, 6));
	assert_null(strstr(draw(s), " 2 group"));
	scene_free(s);
}

/* Every size, down to nothing: no row is left, nothing is written beyond it. */
static void every_size_has_a_picture(void **state)
{
	(void)state;
	struct scene *s = scene_new(1, 1);
	struct conversation *bob = with(s, "bob");
	go_to(s, bob);
	for (int i = 0; i < 50; i++)
		says(s, bob, "bob", "\u4e2d\u6587 wide, e\u0301 and \x1b[2J words");
	input_set(&s->input, SLICE("a line that is longer than some of the screens are wide"), 20);
	for (unsigned columns = 0; columns < 130; columns += columns < 30 ? 1 : 33) {
		for (unsigned rows = 0; rows < 40; rows += rows < 8 ? 1 : 9) {
			cells_clear(&s->cells);
			assert_true(cells_init(&s->cells, columns, rows));
			draw(s);
			view_scroll(&s->view, -7);
			draw(s);
			view_scroll(&s->view, 3);
			draw(s);
			assert_true(rows == 0 || columns == 0 || s->cells.cursor_row < rows);
			assert_true(rows == 0 || columns == 0 || s->cells.cursor_column < columns);
		}
	}
	scene_free(s);
}

static void the_smallest_screen_has_all_parts(void **state)
{
	(void)state;
	struct scene *s = scene_new(20, 5);
	struct conversation *bob = with(s, "bob");
	go_to(s, bob);
	says(s, bob, "bob", "hello alice, how are you?");
	s->view.prompt = "bob> ";
	input_set(&s->input, SLICE("fine"), 4);
	assert_string_equal(draw(s), " bob   key: known ke\n"
				     "bob: hello alice,\n"
				     "how are you?\n"
				     "\n"
				     "bob> fine\n");
	scene_free(s);
}

static void the_smallest_screen_has_questions(void **state)
{
	(void)state;
	struct scene *s = scene_new(20, 5);
	input_paste(&s->input, SLICE("1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n"));
	assert_non_null(strstr(draw(s), "\n10 lines: i/f/c\n"));
	input_key(&s->input, KEY_OF_TEXT('f'));
	assert_non_null(strstr(draw(s), "\n10 lines: i/f/c f\n"));
	input_drop_paste(&s->input);
	s->view.prompt = "Trust this server for ever? (y/n) ";
	assert_non_null(strstr(draw(s), "\nTrust this server fo\n"));
	assert_int_equal(s->cells.cursor_row, 4);
	assert_int_equal(s->cells.cursor_column, 19);
	input_set(&s->input, SLICE("y"), 1);
	assert_non_null(strstr(draw(s), "\nr ever? (y/n) y\n"));
	assert_int_equal(s->cells.cursor_column, 15);
	scene_free(s);
}

/* Of the page before, some rows stay to be seen. */
static void pages_join_however_much_is_typed(void **state)
{
	(void)state;
	struct scene *s = scene_new(30, 15);
	struct conversation *bob = with(s, "bob");
	char first[40];
	go_to(s, bob);
	for (int i = 100; i < 200; i++) {
		snprintf(first, sizeof(first), "line %d.", i);
		says(s, bob, "bob", first);
	}
	input_set(&s->input, SLICE("1\n2\n3\n4\n5"), 9);
	for (int i = 0; i < 3; i++) {
		draw(s);
		snprintf(first, sizeof(first), "%.9s", strstr(s->picture, "line "));
		view_scroll(&s->view, -(long)view_page_rows(&s->view));
		draw(s);
		if (strstr(s->picture, first) == NULL)
			fail_msg("expected %s on\n%s", first, s->picture);
	}
	scene_free(s);
}

static void what_is_typed_grows_to_a_third(void **state)
{
	(void)state;
	struct scene *s = scene_new(20, 12);
	char text[200] = "";
	for (int i = 0; i < 9; i++)
		strcat(text, "0123456789");
	input_set(&s->input, slice_str(text), 90);
	draw(s);
	/* Four rows of twelve, the last ones: the cursor is at the end. */
	assert_non_null(strstr(s->picture, "\n\n89012345678901234567\n89012345678901234567\n"));
	assert_int_equal(s->cells.cursor_row, 11);
	assert_int_equal(s->cells.cursor_column, 12);
	input_set(&s->input, slice_str(text), 0);
	draw(s);
	assert_non_null(strstr(s->picture, "\n\n> 012345678901234567\n"));
	assert_int_equal(s->cells.cursor_row, 8);
	input_set(&s->input, SLICE("one\ntwo"), 7);
	draw(s);
	assert_non_null(strstr(s->picture, "\n> one\ntwo\n"));
	scene_free(s);
}

/* A full row: the cursor is where the next character goes. */
static void the_cursor_wraps(void **state)
{
	(void)state;
	struct scene *s = scene_new(20, 12);
	input_set(&s->input, SLICE("012345678901234567"), 18);
	draw(s);
	assert_int_equal(s->cells.cursor_row, 11);
	assert_int_equal(s->cells.cursor_column, 0);
	input_set(&s->input, SLICE("01234567890123456\u4e2d"), 20);
	draw(s);
	assert_non_null(strstr(s->picture, "\n> 01234567890123456\n\u4e2d\n"));
	assert_int_equal(s->cells.cursor_column, 2);
	scene_free(s);
}

/* Types so many characters, each of which is seen before the next. Returns how often one was looked at meanwhile. */
static size_t type(struct scene *s, uint32_t character, size_t count)
{
	size_t before = looks;
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(input_key(&s->input, KEY_OF_TEXT(character)), INPUT_CHANGED);
		view_draw(&s->view, &s->cells);
	}
	return looks - before;
}

/* 64 KiB, key by key: the last keys cost what the first beyond a screenful cost. */
static void a_key_costs_what_is_seen(void **state)
{
	enum { KIBI_KEYS = 512, ALL_KIBI = 64 }; /* of two bytes each */
	(void)state;
	struct scene *s = scene_new(10, 6);
	size_t early = 0, late = 0;
	for (int kibi = 0; kibi < ALL_KIBI; kibi++) {
		late = type(s, 0xe9, KIBI_KEYS);
		early = kibi == 1 ? late : early;
	}
	assert_int_equal(input_text(&s->input).len, ALL_KIBI * 1024);
	if (early < KIBI_KEYS || late > early + early / 4)
		fail_msg("%zu looks for the second KiB, %zu for the last", early, late);
	/* In the middle of it too. */
	s->input.cursor = input_text(&s->input).len / 2;
	late = type(s, 0xe9, KIBI_KEYS);
	if (late > 2 * early)
		fail_msg("%zu looks for the second KiB, %zu for one in the middle", early, late);
	scene_free(s);
}

/* A word of any script is passed over in a few looks at each of its characters, not at all those before it. */
static void a_word_costs_its_length(void **state)
{
	enum { LETTERS = 10000 };
	static const uint32_t letters[] = { 0xe9, 0xac00, 0x4e2d, 0x93e };
	(void)state;
	struct scene *s = scene_new(10, 6);
	for (size_t i = 0; i < sizeof(letters) / sizeof(*letters); i++) {
		input_clear(&s->input);
		for (int n = 0; n < LETTERS; n++)
			input_key(&s->input, KEY_OF_TEXT(letters[i]));
		size_t before = looks;
		assert_int_equal(input_key(&s->input, KEY_OF_ALT('b')), INPUT_CHANGED);
		assert_int_equal(s->input.cursor, 0);
		assert_in_range(looks - before, LETTERS, 10 * LETTERS);
	}
	scene_free(s);
}

/* However long the text is, a key moves no row but at the end of one. */
static void rows_stay_while_one_types(void **state)
{
	(void)state;
	struct scene *s = scene_new(20, 12);
	for (unsigned i = 0; i < 2000; i++) {
		type(s, '0' + i % 10, 1);
		if (i < 100)
			continue;
		for (unsigned row = 8; row < 12; row++)
			assert_int_equal(
			    cells_at(&s->cells, row, 0)->bytes[0], "8 "[row == 11 && i % 20 == 17]);
		assert_int_equal(s->cells.cursor_row, 11);
		assert_int_equal(s->cells.cursor_column, (2 + i + 1) % 20);
	}
	scene_free(s);
}

/* The text may be begun in the middle of a flag: its letters are paired otherwise then. */
static void the_cursor_is_found_among_flags(void **state)
{
	(void)state;
	struct scene *s = scene_new(20, 12);
	type(s, 0x1f600, 1);
	for (int i = 0; i < 500; i++) {
		type(s, 0x1f1e9, 1);
		type(s, 0x1f1ea, 1);
		input_key(&s->input, KEY_NAMED(TYPED_LEFT));
		view_draw(&s->view, &s->cells);
		if (i > 100)
			assert_in_range(s->cells.cursor_row, 10, 11);
		input_key(&s->input, KEY_NAMED(TYPED_RIGHT));
	}
	scene_free(s);
}

static void a_secret_is_not_shown(void **state)
{
	(void)state;
	struct scene *s = scene_new(40, 6);
	s->view.prompt = "Password: ";
	s->input.is_secret = true;
	input_set(&s->input, SLICE("sesame"), 6);
	draw(s);
	assert_null(strstr(s->picture, "sesame"));
	assert_non_null(strstr(s->picture, "\nPassword:\n"));
	assert_int_equal(s->cells.cursor_column, 10);
	scene_free(s);
}

static void scrolling_stays_where_it_is(void **state)
{
	(void)state;
	struct scene *s = scene_new(40, 8);
	struct conversation *bob = with(s, "bob");
	char text[40];
	go_to(s, bob);
	for (int i = 0; i < 100; i++) {
		snprintf(text, sizeof(text), "line %d.", i);
		says(s, bob, "bob", text);
	}
	assert_non_null(strstr(draw(s), "line 99."));
	view_scroll(&s->view, -(long)view_page_rows(&s->view));
	assert_non_null(strstr(draw(s), "line 96."));
	assert_null(strstr(s->picture, "line 97."));
	assert_non_null(strstr(s->picture, "more below: PgDn"));
	says(s, bob, "bob", "something new");
	assert_non_null(strstr(draw(s), "line 96."));
	assert_null(strstr(s->picture, "something new"));
	view_scroll(&s->view, -1000);
	assert_non_null(strstr(draw(s), "\n18:03 bob: line 0.\n"));
	view_scroll(&s->view, 1000);
	assert_non_null(strstr(draw(s), "something new"));
	assert_false(bob->is_scrolled);
	view_scroll_to(&s->view, 50);
	assert_non_null(strstr(draw(s), "line 50."));
	view_scroll_to_end(&s->view);
	assert_non_null(strstr(draw(s), "something new"));
	scene_free(s);
}

static void a_new_day_is_told(void **state)
{
	(void)state;
	struct scene *s = scene_new(40, 8);
	struct conversation *bob = with(s, "bob");
	go_to(s, bob);
	says(s, bob, "bob", "one");
	s->now_ms += INT64_C(24) * 60 * MINUTE_MS;
	says(s, bob, "bob", "two");
	assert_non_null(strstr(draw(s), "bob: one\n── Wednesday, 2025-11-26 ──"));
	scene_free(s);
}

static unsigned row_with(struct scene *s, const char *text, unsigned *column_r)
{
	char row[800];
	for (unsigned i = 0; i < s->cells.rows; i++) {
		row[cells_row_text(&s->cells, i, row, sizeof(row) - 1)] = '\0';
		const char *at = strstr(row, text);
		if (at == NULL)
			continue;
		*column_r = (unsigned)(at - row); /* the rows that are looked at are ASCII */
		return i;
	}
	fail_msg("no row has %s", text);
	return 0;
}

static struct style style_at(struct scene *s, const char *text)
{
	unsigned column = 0, row = row_with(s, text, &column);
	return cells_at(&s->cells, row, column)->style;
}

static void the_group_is_green(void **state)
{
	(void)state;
	enum { GREEN = 2 };
	struct scene *s = scene_new(60, 8);
	says(s, model_group(&s->model), "bob", "hello all");
	go_to(s, model_group(&s->model));
	s->view.is_group_on = true;
	draw(s);
	assert_int_equal(style_at(s, "hello all").color, GREEN);
	assert_int_equal(cells_at(&s->cells, 0, 1)->style.color, GREEN);
	s->view.colors = 0;
	draw(s);
	assert_int_equal(style_at(s, "hello all").color, COLOR_DEFAULT);
	assert_int_equal(style_at(s, "bob: ").color, COLOR_DEFAULT);
	scene_free(s);
}

static void what_was_found_stands_out(void **state)
{
	(void)state;
	struct scene *s = scene_new(60, 8);
	struct conversation *bob = with(s, "bob");
	go_to(s, bob);
	says(s, bob, "bob", "a needle, and another Needle");
	says(s, bob, "bob", "no needle is shown here");
	s->view.is_searching = true;
	s->view.query = SLICE("needle");
	s->view.found = bob->first;
	draw(s);
	assert_true((style_at(s, "needle, and").attributes & CELL_REVERSE) != 0);
	assert_true((style_at(s, "Needle").attributes & CELL_REVERSE) != 0);
	assert_false((style_at(s, ", and another").attributes & CELL_REVERSE) != 0);
	assert_false((style_at(s, "needle is shown").attributes & CELL_REVERSE) != 0);
	assert_non_null(strstr(s->picture, "\nback to: needle\n"));
	scene_free(s);
}

static void foreign_text_is_harmless(void **state)
{
	(void)state;
	struct scene *s = scene_new(70, 8);
	struct conversation *bob = with(s, "bob");
	go_to(s, bob);
	says(s, bob, "b\x1b[31mob", "\x1b]0;title\x07 \xff \u202eback");
	draw(s);
	assert_non_null(
	    strstr(s->picture, "b\\x1b[31mob: \\x1b]0;title\\x07 \\xff \\u{202e}back\n"));
	for (const char *at = s->picture; *at != '\0'; at++)
		assert_true((unsigned char)*at >= 0x20 || *at == '\n');
	scene_free(s);
}

int main(int argc, char **argv)
{
	setenv("TZ", "UTC", 1);
	UNIT_TEST(a_talk);
	UNIT_TEST(what_is_new_is_marked);
	UNIT_TEST(what_is_unread_is_in_the_order_of_its_weight);
	UNIT_TEST(a_narrow_screen_has_what_matters_most);
	UNIT_TEST(a_wide_screen_has_a_list);
	UNIT_TEST(every_size_has_a_picture);
	UNIT_TEST(the_smallest_screen_has_all_parts);
	UNIT_TEST(the_smallest_screen_has_questions);
	UNIT_TEST(pages_join_however_much_is_typed);
	UNIT_TEST(what_is_typed_grows_to_a_third);
	UNIT_TEST(the_cursor_wraps);
	UNIT_TEST(a_key_costs_what_is_seen);
	UNIT_TEST(a_word_costs_its_length);
	UNIT_TEST(rows_stay_while_one_types);
	UNIT_TEST(the_cursor_is_found_among_flags);
	UNIT_TEST(a_secret_is_not_shown);
	UNIT_TEST(scrolling_stays_where_it_is);
	UNIT_TEST(a_new_day_is_told);
	UNIT_TEST(the_group_is_green);
	UNIT_TEST(what_was_found_stands_out);
	UNIT_TEST(foreign_text_is_harmless);
	return unit_run(argc, argv);
}
