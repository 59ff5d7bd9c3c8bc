#include "client/full/view.h"

#include <stdio.h>
#include <string.h>

#include "client/full/view_line.h"
#include "client/full/width.h"

enum {
	GREEN = 2,
	INPUT_SHARE = 3,       /* of the rows, at most a third is the input's */
	TOP_FROM_ROWS = 4,     /* with fewer there is no top line */
	STATUS_FROM_ROWS = 3,  /* and no status line */
	NARROW_COLUMNS = 60,   /* with fewer the status line has only what matters most */
	SERVER_SHOWN_MIN = 4,  /* of the server's name, or nothing of it */
	ASK_FROM_COLUMNS = 40, /* with fewer a question is asked in few letters */
	CELL_TYPED_BYTES = 4,  /* of what is typed, at most so many are in a cell, but for marks */
	PROMPT_SIZE = 512,
	TEXT_SIZE = 256,
};

void view_clear(struct view *v)
{
	buffer_clear(&v->scratch);
}

static struct style bar_style(const struct view *v)
{
	bool is_green = v->colors > 0 && model_current(v->model)->kind == WITH_GROUP;
	return (struct style){ is_green ? GREEN : COLOR_DEFAULT, CELL_REVERSE };
}

static struct style with(struct style style, unsigned attributes)
{
	style.attributes |= (uint16_t)attributes;
	return style;
}

static struct slice title_of(const struct conversation *c)
{
	static const char *const titles[] = { [WITH_SERVER] = "messager", [WITH_GROUP] = "group" };
	return c->kind == WITH_PERSON ? conversation_name(c) : slice_str(titles[c->kind]);
}

/* What is typed */

/* The line being typed: prompt and text, in rows of whole width. */
struct typed {
	unsigned columns, most; /* as many rows at most are seen */
	char prompt[PROMPT_SIZE];
	struct slice text; /* what is looked at of it */
	size_t cursor;     /* in text */
	unsigned rows, cursor_row, cursor_column;
};

static void prompt_of(const struct view *v, char out[static PROMPT_SIZE])
{
	const struct input *in = v->input;
	if (v->is_searching)
		snprintf(out, PROMPT_SIZE,
		    "%sback to: ", v->found == NO_LINE && v->query.len > 0 ? "(not found) " : "");
	else if (in->mode == INPUT_ASKING && v->columns < ASK_FROM_COLUMNS)
		snprintf(out, PROMPT_SIZE, "%zu lines: %sf/c ", input_paste_lines(in),
		    input_paste_fits(in) ? "i/" : "");
	else if (in->mode == INPUT_ASKING)
		snprintf(out, PROMPT_SIZE,
		    "%zu lines were pasted: %sf sends them as a file, c drops them, then Enter: ",
		    input_paste_lines(in), input_paste_fits(in) ? "i inserts them here, " : "");
	else if (in->mode == INPUT_SEARCHING)
		snprintf(out, PROMPT_SIZE, "(%s%.*s) ",
		    in->is_found ? "typed before: " : "never typed: ", (int)input_query(in).len,
		    input_query(in).ptr);
	else
		snprintf(out, PROMPT_SIZE, "%s", v->prompt);
}

/*
 * Of a long text only what can be seen near the cursor is looked at, or a key would cost what was typed before it. It begins between one and two
 * steps before the cursor, always a multiple of them, so that the rows do not move with each key.
 */
static struct slice near_cursor(struct slice text, size_t step, size_t *cursor)
{
	size_t begin = *cursor < 2 * step ? 0 : (*cursor / step - 1) * step;
	while (begin > 0 && begin < *cursor && (text.ptr[begin] & 0xc0) == 0x80)
		begin++;
	*cursor -= begin;
	text = slice_skip(text, begin);
	if (text.len <= *cursor + step)
		return text;
	text.len = *cursor + step;
	while (text.len > *cursor && (text.ptr[text.len] & 0xc0) == 0x80)
		text.len--;
	return text;
}

static void window_of(const struct view *v, struct typed *t)
{
	bool is_asking = v->input->mode == INPUT_ASKING && !v->is_searching;
	struct slice text = v->is_searching ? v->query
			    : is_asking     ? input_answer(v->input)
					    : input_text(v->input);
	t->cursor = v->is_searching || is_asking ? text.len : v->input->cursor;
	if (v->input->is_secret) {
		t->text = SLICE("");
		t->cursor = 0;
		return;
	}
	t->text = near_cursor(text, (size_t)t->columns * t->most * CELL_TYPED_BYTES, &t->cursor);
}

/* Where the next grapheme is put. */
struct pen {
	unsigned row, column, columns;
};

/* One grapheme further; a line feed goes to the next row. at_r: where it stands. Returns its length. */
static size_t advance(struct pen *pen, struct slice rest, struct pen *at_r)
{
	unsigned width = 0;
	size_t len = 1;
	if (rest.ptr[0] != '\n')
		len = grapheme_next(rest, &width);
	if (rest.ptr[0] == '\n' || (pen->column + width > pen->columns && pen->column > 0)) {
		pen->row++;
		pen->column = 0;
	}
	*at_r = *pen;
	pen->column += width;
	return len;
}

static void measure(struct typed *t)
{
	struct pen pen = { .columns = t->columns }, at;
	bool is_past_cursor = false;
	struct slice rest = slice_str(t->prompt);
	while (rest.len > 0)
		rest = slice_skip(rest, advance(&pen, rest, &at));
	for (rest = t->text;; rest = slice_skip(rest, advance(&pen, rest, &at))) {
		if (!is_past_cursor && t->text.len - rest.len >= t->cursor) {
			bool is_beyond = pen.column >= t->columns;
			t->cursor_row = pen.row + is_beyond;
			t->cursor_column = is_beyond ? 0 : pen.column;
			is_past_cursor = true;
		}
		if (rest.len == 0 || (is_past_cursor && pen.row >= t->most))
			break;
	}
	t->rows = (pen.row > t->cursor_row ? pen.row : t->cursor_row) + 1;
}

/* The rows of the screen that are the input's, and which of its own is the first to be seen. */
struct window {
	unsigned top, rows, first;
};

static void draw_typed(struct cells *cells, struct window window, struct pen *pen,
    struct slice text, struct style style)
{
	while (text.len > 0) {
		struct pen at;
		size_t len = advance(pen, text, &at);
		if (at.row >= window.first + window.rows)
			return;
		if (text.ptr[0] != '\n' && at.row >= window.first)
			cells_put(cells, window.top + at.row - window.first, at.column,
			    cells->columns, style, slice_of(text.ptr, len));
		text = slice_skip(text, len);
	}
}

/* What is typed is seen; until then the beginning of what is asked. */
static void draw_input(struct cells *cells, const struct typed *t, unsigned top, unsigned room)
{
	struct pen pen = { .columns = cells->columns };
	bool is_beyond = t->cursor_row >= room, is_prompt = t->text.len == 0;
	struct window window = { top, room,
		is_beyond && !is_prompt ? t->cursor_row - room + 1 : 0 };
	draw_typed(
	    cells, window, &pen, slice_str(t->prompt), (struct style){ COLOR_DEFAULT, CELL_BOLD });
	draw_typed(cells, window, &pen, t->text, style_plain);
	cells->cursor_row = top + (is_beyond ? room - 1 : t->cursor_row);
	cells->cursor_column = is_beyond && is_prompt ? cells->columns - 1 : t->cursor_column;
}

/* The lines above and below */

/* The server and the lock at the right; where there is no room for both the server's name is cut. */
static void draw_server(
    const struct view *v, struct cells *cells, unsigned column, struct style style)
{
	char lock[TEXT_SIZE];
	snprintf(lock, sizeof(lock), " %s%s ", v->has_pictures ? "🔒 " : "key: ", v->trust);
	unsigned server_columns = (unsigned)width_of(slice_str(v->server)),
		 columns = server_columns + (unsigned)width_of(slice_str(lock));
	if (column + columns <= cells->columns) {
		column = cells->columns - columns;
	} else {
		unsigned over = column + columns - cells->columns;
		server_columns =
		    over + SERVER_SHOWN_MIN <= server_columns ? server_columns - over : 0;
	}
	cells_put(cells, 0, column, column + server_columns, style, slice_str(v->server));
	cells_put(cells, 0, column + server_columns, cells->columns, style, slice_str(lock));
}

static void draw_top(const struct view *v, struct cells *cells)
{
	struct style style = bar_style(v);
	const struct conversation *c = model_current(v->model);
	cells_fill(cells, 0, 0, cells->columns, style);
	unsigned column =
	    cells_put(cells, 0, 1, cells->columns, with(style, CELL_BOLD), title_of(c));
	if (c->kind == WITH_GROUP)
		column = cells_put(cells, 0, column, cells->columns, style,
		    v->is_group_on ? SLICE(" (on)") : SLICE(" (off; :toggle: turns it on)"));
	if (*v->server == '\0')
		return;
	draw_server(v, cells, column + 2, style);
}

static void unread_text(const struct conversation *c, size_t place, char out[static TEXT_SIZE])
{
	snprintf(out, TEXT_SIZE, "%zu %.*s %zu%s", place + 1, (int)title_of(c).len, title_of(c).ptr,
	    c->unread, c->level == UNREAD_MENTION ? "!" : "");
}

/* Those with something unread, the most important first. */
static unsigned draw_unread(
    const struct view *v, struct cells *cells, unsigned row, unsigned column, struct style style)
{
	const struct model *m = v->model;
	char text[TEXT_SIZE];
	bool is_first = true;
	for (int level = UNREAD_MENTION; level > UNREAD_NOTICE; level--) {
		for (size_t i = 0; i < m->count && column < cells->columns; i++) {
			const struct conversation *c = m->conversations[i];
			if ((int)c->level != level || i == m->current || c->is_muted)
				continue;
			unread_text(c, i, text);
			column = cells_put(cells, row, column, cells->columns, style,
			    !is_first    ? SLICE("  ")
			    : column > 1 ? SLICE(" │ ")
					 : SLICE(""));
			column = cells_put(cells, row, column, cells->columns,
			    level == UNREAD_GROUP ? style : with(style, CELL_BOLD),
			    slice_str(text));
			is_first = false;
		}
	}
	return column;
}

static void draw_candidates(
    const struct view *v, struct cells *cells, unsigned row, struct style style)
{
	unsigned column = 1;
	for (size_t i = 0; i < input_candidate_count(v->input) && column < cells->columns; i++) {
		column = cells_put(
		    cells, row, column, cells->columns, style, input_candidate(v->input, i));
		column = cells_put(cells, row, column, cells->columns, style, SLICE("  "));
	}
}

/* One part of the status line, apart from those before it. */
static unsigned put_part(
    struct cells *cells, unsigned row, unsigned column, struct style style, struct slice text)
{
	if (text.len > 0 && column > 1)
		column = cells_put(cells, row, column, cells->columns, style, SLICE(" │ "));
	return cells_put(cells, row, column, cells->columns, style, text);
}

/* What matters most comes first, and is short: that there is no connection, what is unread, what is under way. */
static void draw_narrow_status(
    const struct view *v, struct cells *cells, unsigned row, struct style style)
{
	struct style bold = with(style, CELL_BOLD);
	struct slice state = slice_str(v->is_connected ? "" : v->state);
	const char *comma = state.len == 0 ? NULL : memchr(state.ptr, ',', state.len);
	size_t head = comma == NULL ? state.len : (size_t)(comma - state.ptr);
	unsigned column = put_part(cells, row, 1, bold, slice_of(state.ptr, head));
	column = draw_unread(v, cells, row, column, style);
	column = put_part(cells, row, column, style, slice_str(v->busy));
	if (model_current(v->model)->is_scrolled)
		column = put_part(cells, row, column, bold, SLICE("more below: PgDn"));
	if (comma != NULL)
		put_part(cells, row, column, style, slice_skip(state, head + strlen(", ")));
}

static void draw_status(const struct view *v, struct cells *cells, unsigned row)
{
	struct style style = bar_style(v);
	struct slice me = slice_of(v->model->me, v->model->me_len);
	const struct conversation *c = model_current(v->model);
	unsigned column = 1;
	cells_fill(cells, row, 0, cells->columns, style);
	if (input_candidate_count(v->input) > 1) {
		draw_candidates(v, cells, row, style);
		return;
	}
	if (cells->columns < NARROW_COLUMNS) {
		draw_narrow_status(v, cells, row, style);
		return;
	}
	if (me.len > 0) {
		column = cells_put(cells, row, column, cells->columns, style, me);
		column = cells_put(cells, row, column, cells->columns, style, SLICE(" · "));
	}
	column = cells_put(cells, row, column, cells->columns,
	    v->is_connected ? style : with(style, CELL_BOLD), slice_str(v->state));
	column = put_part(cells, row, column, style, slice_str(v->busy));
	if (c->is_scrolled)
		column =
		    put_part(cells, row, column, with(style, CELL_BOLD), SLICE("more below: PgDn"));
	draw_unread(v, cells, row, column, style);
}

/* The list */

static void draw_entry(const struct view *v, struct cells *cells, unsigned row, size_t place)
{
	const unsigned end = VIEW_LIST_COLUMNS - 2;
	const struct conversation *c = v->model->conversations[place];
	bool is_current = place == v->model->current;
	struct style style = { COLOR_DEFAULT, is_current ? CELL_REVERSE : 0 };
	char number[TEXT_SIZE], unread[TEXT_SIZE] = "";
	if (c->unread > 0 && c->level > UNREAD_NOTICE && !is_current)
		snprintf(unread, sizeof(unread), " %zu%s", c->unread,
		    c->level == UNREAD_MENTION ? "!" : "");
	if (c->level >= UNREAD_DIRECT && !is_current)
		style.attributes = CELL_BOLD;
	if (c->kind == WITH_GROUP && v->colors > 0 && v->is_group_on)
		style.color = GREEN;
	snprintf(number, sizeof(number), "%2zu ", place + 1);
	cells_fill(cells, row, 0, end, style);
	unsigned room = end - (unsigned)width_of(slice_str(unread));
	unsigned column = cells_put(cells, row, 0, room, style, slice_str(number));
	cells_put(cells, row, column, room, style, title_of(c));
	cells_put(cells, row, room, end, style, slice_str(unread));
}

static void draw_list(const struct view *v, struct cells *cells, unsigned row, unsigned rows)
{
	const struct style line = { COLOR_DEFAULT, CELL_DIM };
	size_t first = v->model->current >= rows ? v->model->current - rows + 1 : 0;
	for (unsigned i = 0; i < rows; i++) {
		if (first + i < v->model->count)
			draw_entry(v, cells, row + i, first + i);
		cells_put(
		    cells, row + i, VIEW_LIST_COLUMNS - 2, VIEW_LIST_COLUMNS, line, SLICE("│"));
	}
}

/* The conversation */

/* What a picture of that size is made of, but for the input, whose rows are known. */
static struct area conversation_area(unsigned columns, unsigned rows, unsigned input_rows)
{
	unsigned above = rows >= TOP_FROM_ROWS, below = input_rows + (rows >= STATUS_FROM_ROWS);
	return (struct area){
		.row = above,
		.rows = rows > above + below ? rows - above - below : 0,
		.column = columns >= VIEW_LIST_FROM_COLUMNS ? VIEW_LIST_COLUMNS : 0,
		.end = columns,
	};
}

static struct area area_now(const struct view *v)
{
	return conversation_area(v->columns, v->rows, v->input_rows > 0 ? v->input_rows : 1);
}

/* A place in a conversation: so many rows of a line are above it. */
struct place {
	uint64_t line;
	size_t row;
};

/* So many rows up from a place, as far as there are any. */
static struct place go_up(
    struct view *v, const struct conversation *c, struct area area, struct place from, size_t rows)
{
	while (rows > from.row) {
		rows -= from.row;
		from.row = 0;
		if (from.line <= c->first)
			return from;
		from.line--;
		from.row = view_line_rows(v, c, from.line, area);
	}
	from.row -= rows;
	return from;
}

static struct place go_down(
    struct view *v, const struct conversation *c, struct area area, struct place from, size_t rows)
{
	while (from.line < c->end) {
		size_t left = view_line_rows(v, c, from.line, area) - from.row;
		if (rows < left) {
			from.row += rows;
			return from;
		}
		rows -= left;
		from = (struct place){ from.line + 1, 0 };
	}
	return from;
}

static struct place last_page(struct view *v, const struct conversation *c, struct area area)
{
	return go_up(v, c, area, (struct place){ c->end, 0 }, area.rows);
}

static bool is_before(struct place a, struct place b)
{
	return a.line < b.line || (a.line == b.line && a.row < b.row);
}

/* The first row that is seen. Lines that have gone, and another width, are allowed for. */
static struct place top_of(struct view *v, const struct conversation *c, struct area area)
{
	struct place top = { c->top, c->top_row }, last = last_page(v, c, area);
	if (!c->is_scrolled || c->first == c->end)
		return last;
	if (top.line < c->first)
		top = (struct place){ c->first, 0 };
	if (top.line < c->end && top.row >= view_line_rows(v, c, top.line, area))
		top.row = 0;
	return is_before(top, last) ? top : last;
}

static void draw_conversation(struct view *v, struct cells *cells, struct area area)
{
	const struct conversation *c = model_current(v->model);
	struct place top = top_of(v, c, area);
	unsigned at = 0;
	for (uint64_t line = top.line; line < c->end && at < area.rows; line++) {
		at = view_line_draw(v, c, line, top.row, area, at, cells);
		top.row = 0;
	}
}

unsigned view_page_rows(const struct view *v)
{
	unsigned rows = area_now(v).rows;
	return rows > 2 ? rows - 2 : 1;
}

static void set_top(struct view *v, struct conversation *c, struct place top)
{
	c->is_scrolled = is_before(top, last_page(v, c, area_now(v)));
	c->top = top.line;
	c->top_row = top.row;
}

void view_scroll(struct view *v, long rows)
{
	struct conversation *c = model_current(v->model);
	struct area area = area_now(v);
	struct place top = top_of(v, c, area);
	if (rows < 0)
		set_top(v, c, go_up(v, c, area, top, (size_t)-rows));
	else
		set_top(v, c, go_down(v, c, area, top, (size_t)rows));
}

void view_scroll_to_end(struct view *v)
{
	model_current(v->model)->is_scrolled = false;
}

void view_scroll_to(struct view *v, uint64_t number)
{
	struct conversation *c = model_current(v->model);
	struct area area = area_now(v);
	set_top(v, c, go_up(v, c, area, (struct place){ number, 0 }, area.rows / 2));
}

void view_draw(struct view *v, struct cells *cells)
{
	unsigned columns = cells->columns, rows = cells->rows;
	struct typed typed = {
		.columns = columns, .most = rows < INPUT_SHARE ? 1 : rows / INPUT_SHARE, .rows = 1
	};
	v->columns = columns;
	v->rows = rows;
	if (columns == 0 || rows == 0)
		return;
	for (unsigned row = 0; row < rows; row++)
		cells_fill(cells, row, 0, columns, style_plain);
	prompt_of(v, typed.prompt);
	window_of(v, &typed);
	measure(&typed);
	unsigned input_rows = typed.rows < typed.most ? typed.rows : typed.most;
	v->input_rows = input_rows;
	struct area area = conversation_area(columns, rows, input_rows);
	draw_conversation(v, cells, area);
	if (area.column > 0)
		draw_list(v, cells, area.row, area.rows);
	if (rows >= TOP_FROM_ROWS)
		draw_top(v, cells);
	if (rows >= STATUS_FROM_ROWS)
		draw_status(v, cells, rows - input_rows - 1);
	draw_input(cells, &typed, rows - input_rows, input_rows);
}
