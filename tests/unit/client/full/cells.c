#include "client/full/cells.h"

#include <string.h>

#include "unit.h"

enum { ROW_SIZE = 400 };

#define FAMILY "\U0001F468\u200D\U0001F469\u200D\U0001F467"

static const struct put_case {
	const char *name;
	struct slice text;
	unsigned column, end;
	const char *row;
	unsigned after;
} put_cases[] = {
	{ "a word", SLICE("hello"), 0, 10, "hello", 5 },
	{ "in the middle", SLICE("hi"), 3, 10, "   hi", 5 },
	{ "up to the end", SLICE("hello"), 7, 10, "       hel", 10 },
	{ "up to the end of the grid", SLICE("hello"), 7, 99, "       hel", 10 },
	{ "beyond the end", SLICE("hello"), 10, 10, "", 10 },
	{ "nothing", SLICE(""), 2, 10, "", 2 },
	{ "a mark stays with its letter", SLICE("e\u0301x"), 0, 10, "e\u0301x", 2 },
	{ "a wide one takes two", SLICE("\u4e2dx"), 0, 10, "\u4e2dx", 3 },
	{ "a wide one does not hang over", SLICE("a\u4e2d"), 8, 10, "        a", 9 },
	{ "a family is one", SLICE(FAMILY "x"), 0, 10, FAMILY "x", 3 },
	{ "Escape", SLICE("\x1b[2J"), 0, 10, "\\x1b[2J", 7 },
	{ "a line feed", SLICE("a\nb"), 0, 10, "a\\nb", 4 },
	{ "C1", SLICE("\xc2\x9b"), 0, 10, "\\u{9b}", 6 },
	{ "no UTF-8", SLICE("\xff"), 0, 10, "\\xff", 4 },
	{ "an override of direction", SLICE("\u202e"), 0, 10, "\\u{202e}", 8 },
	{ "a mark alone has no place", SLICE("\u0301x"), 0, 10, "x", 1 },
};

static void puts_text(void **state)
{
	const struct put_case *c = *state;
	struct cells cells;
	char row[ROW_SIZE];
	assert_true(cells_init(&cells, 10, 2));
	assert_int_equal(cells_put(&cells, 1, c->column, c->end, style_plain, c->text), c->after);
	assert_slice_equal(
	    slice_of(row, cells_row_text(&cells, 1, row, sizeof(row))), slice_str(c->row));
	assert_int_equal(cells_row_text(&cells, 0, row, sizeof(row)), 0);
	cells_clear(&cells);
}

/* Letters with a hundred marks are cut between characters, and do not reach the next cell. */
static void a_tower_of_marks_is_cut(void **state)
{
	(void)state;
	struct cells cells;
	char text[300] = "a";
	assert_true(cells_init(&cells, 10, 1));
	for (int i = 0; i < 60; i++)
		strcat(text, "\u0301");
	strcat(text, "b");
	cells_put(&cells, 0, 0, 10, style_plain, slice_str(text));
	assert_true(cells_at(&cells, 0, 0)->len <= CELL_BYTES);
	assert_int_equal(cells_at(&cells, 0, 0)->len % 2, 1);
	assert_int_equal(cells_at(&cells, 0, 0)->bytes[0], 'a');
	cells_clear(&cells);
}

static void rows_beyond_the_grid_take_nothing(void **state)
{
	(void)state;
	struct cells cells;
	assert_true(cells_init(&cells, 3, 1));
	cells_put(&cells, 1, 0, 3, style_plain, SLICE("abc"));
	cells_fill(&cells, 7, 0, 3, style_plain);
	cells_clear(&cells);
	assert_true(cells_init(&cells, 0, 0));
	cells_put(&cells, 0, 0, 3, style_plain, SLICE("abc"));
	cells_clear(&cells);
}

static void a_size_has_a_limit(void **state)
{
	(void)state;
	struct cells cells;
	assert_true(cells_init(&cells, 1000000, 1000000));
	assert_int_equal(cells.columns, CELLS_MAX_COLUMNS);
	assert_int_equal(cells.rows, CELLS_MAX_ROWS);
	cells_clear(&cells);
	unit_allocate_only(0);
	assert_false(cells_init(&cells, 10, 10));
	unit_allocate_all();
	assert_int_equal(cells.columns, 0);
}

static void styles_are_kept(void **state)
{
	(void)state;
	const struct style bold = { 2, CELL_BOLD };
	struct cells cells;
	assert_true(cells_init(&cells, 6, 1));
	cells_fill(&cells, 0, 0, 6, (struct style){ COLOR_DEFAULT, CELL_REVERSE });
	cells_put(&cells, 0, 1, 6, bold, SLICE("\u4e2da"));
	assert_int_equal(cells_at(&cells, 0, 0)->style.attributes, CELL_REVERSE);
	for (unsigned column = 1; column < 4; column++)
		assert_int_equal(cells_at(&cells, 0, column)->style.color, 2);
	assert_int_equal(cells_at(&cells, 0, 1)->width, 2);
	assert_int_equal(cells_at(&cells, 0, 2)->width, 0);
	assert_int_equal(cells_at(&cells, 0, 4)->style.attributes, CELL_REVERSE);
	cells_clear(&cells);
}

int main(int argc, char **argv)
{
	UNIT_EACH(puts_text, put_cases);
	UNIT_TEST(a_tower_of_marks_is_cut);
	UNIT_TEST(rows_beyond_the_grid_take_nothing);
	UNIT_TEST(a_size_has_a_limit);
	UNIT_TEST(styles_are_kept);
	return unit_run(argc, argv);
}
