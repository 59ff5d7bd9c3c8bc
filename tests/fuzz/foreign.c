/*
 * foreign.c: what others say, on its way to a person and to the disk: made harmless, measured, cut, wrapped to rows; as the name of a file. The
 * first byte chooses the columns; the rest is the text. What must hold, besides no crash:
 *
 *  - what is shown is UTF-8 without control characters, without what overrides the direction of writing, and without invisible marks but
 *    joiners between characters that are written with them; made harmless again it stays as it is;
 *  - the rows are the text but for what was broken at, and none is wider than the columns unless one character is;
 *  - on the screen nothing leaves the columns it is put into, a wide character has both of its own, and each cell is harmless;
 *  - the name of a file is harmless, no path, not hidden, not empty, not too long; made safe again it stays as it is.
 */
#include <stdbool.h>
#include <string.h>

#include "client/filename.h"
#include "client/full/cells.h"
#include "client/full/width.h"
#include "client/sanitize.h"
#include "fuzz.h"

enum { COLUMNS_MAX = 90 };

static bool is_between(uint32_t c, uint32_t first, uint32_t last)
{
	return c >= first && c <= last;
}

static bool is_joiner(uint32_t c)
{
	return c == 0x200c || c == 0x200d;
}

static void must_be_harmless(struct slice shown)
{
	uint32_t before = ' ';
	while (shown.len > 0) {
		size_t len;
		uint32_t c = utf8_decode(shown, &len);
		MUST(c != NOT_A_CHARACTER);
		MUST(c >= 0x20 && !is_between(c, 0x7f, 0x9f));
		MUST(!is_between(c, 0x202a, 0x202e) && !is_between(c, 0x2066, 0x2069));
		MUST(!is_between(c, 0x200b, 0x200f) || is_joiner(c));
		MUST(c != 0xfeff && c != 0x2028 && c != 0x2029 && !is_between(c, 0xe0000, 0xe0fff));
		MUST(!is_joiner(c) || before >= 0x600); /* never after a Latin letter or a digit */
		before = c;
		shown = slice_skip(shown, len);
	}
}

static void take_text(struct slice text)
{
	struct buffer once = { 0 }, twice = { 0 };
	MUST(sanitize(&once, text));
	must_be_harmless(buffer_slice(&once));
	MUST(sanitize(&twice, buffer_slice(&once)));
	MUST(slice_equal(buffer_slice(&once), buffer_slice(&twice)));
	buffer_clear(&once);
	buffer_clear(&twice);
}

static void take_name(struct slice name)
{
	char safe[FILENAME_MAX_LEN], again[FILENAME_MAX_LEN];
	size_t len = filename_safe(name, safe);
	MUST(len > 0 && len <= FILENAME_MAX_LEN && safe[0] != '.');
	MUST(memchr(safe, '/', len) == NULL && memchr(safe, '\\', len) == NULL);
	must_be_harmless(slice_of(safe, len));
	MUST(filename_is_allowed(slice_of(safe, len)));
	MUST(filename_safe(slice_of(safe, len), again) == len && memcmp(safe, again, len) == 0);
}

/* A joiner at the end of a row is one without its neighbour where the row is measured alone. */
static bool has_joiner(struct slice text)
{
	return text.len > 0 && (memmem(text.ptr, text.len, "\xe2\x80\x8c", 3) != NULL ||
				   memmem(text.ptr, text.len, "\xe2\x80\x8d", 3) != NULL);
}

static void must_fit(struct slice row, size_t columns)
{
	unsigned first_columns;
	MUST(has_joiner(row) || width_of(row) <= columns ||
	     grapheme_next(row, &first_columns) == row.len);
}

static void take_rows(struct slice text, size_t columns)
{
	struct slice rest = text;
	size_t rows = 0, row_end = 0, breaks = 0;
	bool more = true;
	while (more) {
		struct slice row = width_wrap(&rest, columns, &more);
		if (row.len > 0) {
			size_t at = (size_t)(row.ptr - text.ptr);
			must_fit(row, columns);
			MUST(at >= row_end && at - row_end <= breaks);
			for (size_t i = row_end; i < at; i++)
				MUST(text.ptr[i] == ' ' || text.ptr[i] == '\n');
			row_end = at + row.len;
			breaks = 0;
		}
		breaks++;
		rows++;
		MUST(rows <= text.len + 1);
	}
	MUST(rows == width_rows(text, columns));
}

static void take_columns(struct slice text, size_t columns)
{
	size_t taken;
	size_t len = width_cut(text, columns, &taken);
	MUST(len <= text.len && taken <= columns);
	MUST(has_joiner(text) || width_of(slice_of(text.ptr, len)) == taken);
	if (text.len > 0)
		MUST(grapheme_last(text) >= 1 && grapheme_last(text) <= text.len);
}

static bool is_empty(const struct cell *cell)
{
	return cell->len == 1 && cell->width == 1 && cell->bytes[0] == ' ';
}

static void take_cells(struct slice text, size_t columns)
{
	struct cells c;
	unsigned end = (unsigned)columns + 1; /* one column is left at each side, and a row below */
	MUST(cells_init(&c, end + 1, 2));
	unsigned after = cells_put(&c, 0, 1, end, style_plain, text);
	MUST(after >= 1 && after <= end);
	MUST(is_empty(cells_at(&c, 0, 0)) && is_empty(cells_at(&c, 0, end)));
	for (unsigned column = 0; column < c.columns; column++) {
		const struct cell *cell = cells_at(&c, 0, column);
		MUST(cell->width <= 2 && cell->len <= CELL_BYTES);
		MUST(cell->width > 0 || (cell->len == 0 && cell[-1].width == 2));
		MUST(cell->width < 2 || (column + 1 < end && cell[1].width == 0));
		MUST(cell->width == 0 || cell->len > 0);
		for (size_t i = 0; i < cell->len; i++)
			MUST((unsigned char)cell->bytes[i] >= 0x20 && cell->bytes[i] != 0x7f);
		MUST(is_empty(cells_at(&c, 1, column)));
	}
	cells_clear(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	size_t columns = data[0] % COLUMNS_MAX + 1;
	struct slice text = slice_of((const char *)data + 1, size - 1);
	take_text(text);
	take_name(text);
	take_rows(text, columns);
	take_columns(text, columns);
	take_cells(text, columns);
	return 0;
}
