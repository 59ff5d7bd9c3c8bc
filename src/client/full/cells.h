/*
 * cells.h: what the screen is to show: a grid of cells, each a grapheme (width.h) and how it looks. Whatever is put is made harmless on the
 * way (sanitize.h), and nothing leaves its area. Pure but for memory; one thread.
 */
#ifndef CLIENT_FULL_CELLS_H
#define CLIENT_FULL_CELLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/slice.h"

enum {
	CELL_BYTES = 24, /* of one grapheme; what does not fit is left out */
	CELLS_MAX_COLUMNS = 1000,
	CELLS_MAX_ROWS = 500,
};

enum { CELL_BOLD = 1, CELL_DIM = 2, CELL_UNDERLINE = 4, CELL_REVERSE = 8 };

enum { COLOR_DEFAULT = -1 };

struct style {
	int16_t color; /* of the terminal's palette (0 to 255); COLOR_DEFAULT: its own */
	uint16_t attributes;
};

static const struct style style_plain = { COLOR_DEFAULT, 0 };

struct cell {
	char bytes[CELL_BYTES]; /* UTF-8, without an end */
	uint8_t len;            /* 0: the right half of a wide one */
	uint8_t width;          /* 1 or 2; 0: the right half of the one before */
	struct style style;
};

struct cells {
	unsigned columns, rows;
	unsigned cursor_column, cursor_row;
	struct cell *cell;     /* row by row */
	struct buffer scratch; /* of cells_put() */
};

/* An empty grid of this size; a size beyond the limits is cut to them. false: no memory; the grid is empty then. */
bool cells_init(struct cells *c, unsigned columns, unsigned rows);
void cells_clear(struct cells *c);

static inline struct cell *cells_at(const struct cells *c, unsigned row, unsigned column)
{
	return &c->cell[(size_t)row * c->columns + column];
}

/* All cells from column up to end (exclusive) of the row become spaces of that style. */
void cells_fill(struct cells *c, unsigned row, unsigned column, unsigned end, struct style style);

/*
 * Writes text into the row from column on, up to end (exclusive). Foreign text may be passed as it is. A wide character that does not
 * fit is left out. Returns the column after the last that was written.
 */
unsigned cells_put(struct cells *c, unsigned row, unsigned column, unsigned end, struct style style,
    struct slice text);

/* For tests and captures: the row as UTF-8 text without spaces at its end, in out. Returns its length. */
size_t cells_row_text(const struct cells *c, unsigned row, char *out, size_t room);

#endif
