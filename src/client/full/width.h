/*
 * width.h: how many columns of a terminal a text takes, where it is cut and where it is wrapped. A grapheme is what a person takes for one
 * character: a letter with its marks, a flag, a family. Its width is that of its first character that has one, 2 if it is shown as a
 * picture. What sanitize() would escape has the width of the escape here too, so raw text can be measured. Pure; any thread.
 */
#ifndef CLIENT_FULL_WIDTH_H
#define CLIENT_FULL_WIDTH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

enum {
	GRAPHEME_MAX_LEN =
	    128, /* bytes; one that is longer (marks upon marks) is taken for several */
};

/*
 * The grapheme at the front of text (text.len > 0).
 *   columns_r  its width, 1 or 2; of something that is escaped, that of the escape; 0 for marks without a letter
 * Returns its length in bytes, at least 1.
 */
size_t grapheme_next(struct slice text, unsigned *columns_r);
/* The length of the grapheme at the end of text (text.len > 0). */
size_t grapheme_last(struct slice text);

/* The width of the whole text, in columns. A line feed counts as its escape. */
size_t width_of(struct slice text);

/* The length of the longest run of whole graphemes at the front of text that takes at most so many columns. columns_r: what it takes. */
size_t width_cut(struct slice text, size_t columns, size_t *columns_r);

/*
 * Wraps text to rows of so many columns (at least 1): takes one row off the front of rest, breaking at a line feed, else after the last
 * space that fits, else between graphemes; a word that would not fit in a row of its own goes on where it is. The space or line feed broken at belongs to no row. Returns the row; more_r: whether there are
 * more. An empty text is one empty row. A grapheme that is wider than the columns has a row of its own.
 */
struct slice width_wrap(struct slice *rest, size_t columns, bool *more_r);

/* How many rows width_wrap() makes of text. */
size_t width_rows(struct slice text, size_t columns);

#endif
