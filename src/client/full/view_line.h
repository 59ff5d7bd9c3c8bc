/* view_line.h: a line of a conversation as rows of cells. Part of view.c's work. Pure but for memory; one thread. */
#ifndef CLIENT_FULL_VIEW_LINE_H
#define CLIENT_FULL_VIEW_LINE_H

#include "client/full/view.h"

/* Where a conversation is drawn. */
struct area {
	unsigned row, rows;
	unsigned column, end; /* end: exclusive */
};

/* How many rows the line takes, with what is shown above it: a new day, "new". */
size_t view_line_rows(
    struct view *v, const struct conversation *c, uint64_t number, struct area area);

/* Draws it, without its first `skip` rows, from the area's row `at` on. Returns the area's row after it. */
unsigned view_line_draw(struct view *v, const struct conversation *c, uint64_t number, size_t skip,
    struct area area, unsigned at, struct cells *cells);

#endif
