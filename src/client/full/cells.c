#include "client/full/cells.h"

#include <stdlib.h>
#include <string.h>

#include "client/full/width.h"
#include "client/sanitize.h"
#include "protocol/text.h"

static unsigned at_most(unsigned value, unsigned limit)
{
	return value < limit ? value : limit;
}

bool cells_init(struct cells *c, unsigned columns, unsigned rows)
{
	*c = (struct cells){ .columns = at_most(columns, CELLS_MAX_COLUMNS),
		.rows = at_most(rows, CELLS_MAX_ROWS) };
	c->cell = calloc((size_t)c->columns * c->rows + 1, sizeof(*c->cell));
	if (c->cell == NULL) {
		*c = (struct cells){ 0 };
		return false;
	}
	for (unsigned row = 0; row < c->rows; row++)
		cells_fill(c, row, 0, c->columns, style_plain);
	return true;
}

void cells_clear(struct cells *c)
{
	free(c->cell);
	buffer_clear(&c->scratch);
	*c = (struct cells){ 0 };
}

void cells_fill(struct cells *c, unsigned row, unsigned column, unsigned end, struct style style)
{
	for (end = at_most(end, c->columns); row < c->rows && column < end; column++)
		*cells_at(c, row, column) =
		    (struct cell){ .bytes = " ", .len = 1, .width = 1, .style = style };
}

/* Whole characters only. */
static size_t fitting(struct slice grapheme)
{
	return grapheme.len <= CELL_BYTES ? grapheme.len : text_whole_chars(grapheme, CELL_BYTES);
}

static void set(struct cells *c, unsigned row, unsigned column, struct style style,
    struct slice grapheme, unsigned width)
{
	struct cell *cell = cells_at(c, row, column);
	*cell = (struct cell){
		.len = (uint8_t)fitting(grapheme), .width = (uint8_t)width, .style = style
	};
	memcpy(cell->bytes, grapheme.ptr, cell->len);
	if (width == 2)
		cell[1] = (struct cell){ .style = style };
}

unsigned cells_put(struct cells *c, unsigned row, unsigned column, unsigned end, struct style style,
    struct slice text)
{
	end = at_most(end, c->columns);
	buffer_take(&c->scratch, c->scratch.len);
	if (row >= c->rows || !sanitize(&c->scratch, text))
		return column;
	struct slice rest = buffer_slice(&c->scratch);
	while (rest.len > 0) {
		unsigned width;
		size_t len = grapheme_next(rest, &width);
		if (column + width > end)
			break;
		if (width > 0) /* marks without a letter have no place */
			set(c, row, column, style, slice_of(rest.ptr, len), width);
		column += width;
		rest = slice_skip(rest, len);
	}
	return column;
}

size_t cells_row_text(const struct cells *c, unsigned row, char *out, size_t room)
{
	size_t len = 0, end = 0;
	for (unsigned column = 0; column < c->columns; column++) {
		const struct cell *cell = cells_at(c, row, column);
		if (len + cell->len > room)
			break;
		memcpy(out + len, cell->bytes, cell->len);
		len += cell->len;
		if (cell->len > 0 && !(cell->len == 1 && cell->bytes[0] == ' '))
			end = len;
	}
	return end;
}
