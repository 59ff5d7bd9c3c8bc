#include "client/full/view_line.h"

#include <string.h>
#include <strings.h>
#include <time.h>

#include "client/full/names.h"
#include "client/full/width.h"

enum {
	TIME_COLUMNS = 6,       /* "10:02 " */
	TIME_FROM_COLUMNS = 36, /* in a narrower area there is no time */
	GREEN = 2,
	STAMP_SIZE = 32,
	PIECES_MAX = 64,
};

/* A run of bytes that looks the same. */
struct piece {
	size_t end;
	struct style style;
};

/* A line ready to be wrapped: its bytes are in the view's scratch. */
struct composed {
	struct slice bytes;
	struct piece pieces[PIECES_MAX];
	size_t count;
};

static const char *const state_marks[] = {
	[STATE_NONE] = "",
	[STATE_WAITING] = " [not sent yet]",
	[STATE_SENT] = "",
	[STATE_NOT_DELIVERED] = " [not delivered]",
	[STATE_DOUBTFUL] = " [perhaps not delivered]",
	[STATE_UNCONFIRMED] = " [may not have arrived]",
	[STATE_REPEATED] = " [sent again]",
};

static unsigned indent_of(struct area area)
{
	return area.end - area.column >= TIME_FROM_COLUMNS ? TIME_COLUMNS : 0;
}

static unsigned body_columns(struct area area)
{
	unsigned columns = area.end - area.column - indent_of(area);
	return columns > 0 ? columns : 1;
}

enum stamp { STAMP_TIME, STAMP_DATE, STAMP_DAY };

static void stamp(const struct said *line, enum stamp what, char out[static STAMP_SIZE])
{
	time_t seconds = (time_t)(line->time_ms / 1000);
	struct tm when;
	if (localtime_r(&seconds, &when) == NULL || strftime(out, STAMP_SIZE,
							what == STAMP_TIME   ? "%H:%M"
							: what == STAMP_DATE ? "%F"
									     : "%A, %F",
							&when) == 0)
		out[0] = '\0';
}

static bool is_new_day(const struct conversation *c, uint64_t number)
{
	char day[STAMP_SIZE], before[STAMP_SIZE];
	if (number == c->first)
		return false;
	stamp(conversation_line(c, number), STAMP_DATE, day);
	stamp(conversation_line(c, number - 1), STAMP_DATE, before);
	return strcmp(day, before) != 0;
}

static bool has_marker(const struct conversation *c, uint64_t number)
{
	return number == c->marker && number > c->first;
}

/* Composing */

static void add_piece(struct composed *line, const struct buffer *bytes, struct style style)
{
	if (line->count < PIECES_MAX)
		line->pieces[line->count++] = (struct piece){ bytes->len, style };
	else
		line->pieces[PIECES_MAX - 1].end = bytes->len;
}

static struct style text_style(
    const struct view *v, const struct conversation *c, const struct said *line)
{
	struct style style = style_plain;
	if (v->colors > 0 && c->kind == WITH_GROUP)
		style.color = GREEN;
	if (line->is_old || line->kind == SAID_NOTICE)
		style.attributes = CELL_DIM;
	return style;
}

static struct style sender_style(const struct view *v, const struct said *line)
{
	uint16_t attributes = line->kind == SAID_BY_ME ? CELL_DIM : CELL_BOLD;
	if (line->is_mention)
		attributes = CELL_BOLD | CELL_REVERSE;
	return (struct style){ name_color(said_sender(line), v->colors, v->is_light), attributes };
}

/* Where query is in text, from an offset on, no matter in which case; text.len: nowhere. */
static size_t find(struct slice text, size_t from, struct slice query)
{
	for (; from + query.len <= text.len; from++) {
		if (strncasecmp(text.ptr + from, query.ptr, query.len) == 0)
			return from;
	}
	return text.len;
}

/* The text, with what was searched for in reverse. */
static void add_text(
    struct view *v, struct composed *line, struct slice text, struct style style, bool is_found)
{
	struct style found = style;
	size_t at = 0;
	found.attributes = CELL_REVERSE | CELL_BOLD;
	while (is_found && v->query.len > 0 && line->count + 3 < PIECES_MAX) {
		size_t match = find(text, at, v->query);
		if (match == text.len)
			break;
		buffer_append(&v->scratch, text.ptr + at, match - at);
		add_piece(line, &v->scratch, style);
		buffer_append(&v->scratch, text.ptr + match, v->query.len);
		add_piece(line, &v->scratch, found);
		at = match + v->query.len;
	}
	buffer_append(&v->scratch, text.ptr + at, text.len - at);
	add_piece(line, &v->scratch, style);
}

static void compose(
    struct view *v, const struct conversation *c, uint64_t number, struct composed *line)
{
	const struct said *said = conversation_line(c, number);
	struct style style = text_style(v, c, said);
	line->count = 0;
	buffer_take(&v->scratch, v->scratch.len);
	if (said->kind == SAID_NOTICE) {
		buffer_append_slice(&v->scratch, SLICE("* "));
	} else {
		struct slice sender = said_sender(said);
		buffer_append_slice(&v->scratch, said->kind == SAID_BY_ME && sender.len == 0
						     ? slice_of(v->model->me, v->model->me_len)
						     : sender);
		add_piece(line, &v->scratch, sender_style(v, said));
		buffer_append_slice(&v->scratch, SLICE(": "));
	}
	add_piece(line, &v->scratch, style);
	add_text(v, line, said_text(said), style, v->is_searching && number == v->found);
	buffer_append_slice(&v->scratch, slice_str(state_marks[said->state]));
	add_piece(line, &v->scratch, (struct style){ style.color, CELL_BOLD });
	line->bytes = buffer_slice(&v->scratch);
}

/* Rows */

size_t view_line_rows(
    struct view *v, const struct conversation *c, uint64_t number, struct area area)
{
	struct composed line;
	compose(v, c, number, &line);
	return is_new_day(c, number) + has_marker(c, number) +
	       width_rows(line.bytes, body_columns(area));
}

/* A row of its own: ── words ───── */
static void draw_rule(
    struct cells *cells, unsigned row, struct area area, struct style style, const char *words)
{
	unsigned column = area.column;
	column = cells_put(cells, row, column, area.end, style, SLICE("── "));
	column = cells_put(cells, row, column, area.end, style, slice_str(words));
	column = cells_put(cells, row, column, area.end, style, SLICE(" "));
	while (column < area.end)
		column = cells_put(cells, row, column, area.end, style, SLICE("─"));
}

/* The row's bytes in their looks. */
static void draw_row(struct cells *cells, unsigned row, struct area area,
    const struct composed *line, struct slice bytes)
{
	unsigned column = area.column + indent_of(area);
	size_t at = (size_t)(bytes.ptr - line->bytes.ptr), end = at + bytes.len;
	for (size_t i = 0; i < line->count && at < end; i++) {
		size_t piece_end = line->pieces[i].end < end ? line->pieces[i].end : end;
		if (piece_end <= at)
			continue;
		column = cells_put(cells, row, column, area.end, line->pieces[i].style,
		    slice_of(line->bytes.ptr + at, piece_end - at));
		at = piece_end;
	}
}

static void draw_time(struct cells *cells, unsigned row, struct area area, const struct said *said)
{
	char text[STAMP_SIZE];
	if (indent_of(area) == 0)
		return;
	stamp(said, STAMP_TIME, text);
	cells_put(cells, row, area.column, area.end, (struct style){ COLOR_DEFAULT, CELL_DIM },
	    slice_str(text));
}

/* Where the next row goes, as the first `skip` of a line are passed over. false: it is passed over. */
static bool take_place(size_t *skip, unsigned *at, unsigned *row_r)
{
	if (*skip > 0) {
		(*skip)--;
		return false;
	}
	*row_r = (*at)++;
	return true;
}

unsigned view_line_draw(struct view *v, const struct conversation *c, uint64_t number, size_t skip,
    struct area area, unsigned at, struct cells *cells)
{
	const struct style rule = { COLOR_DEFAULT, CELL_DIM }, news = { COLOR_DEFAULT, CELL_BOLD };
	const struct said *said = conversation_line(c, number);
	struct composed line;
	char day[STAMP_SIZE];
	unsigned row;
	bool more = true;
	compose(v, c, number, &line);
	struct slice rest = line.bytes;
	if (is_new_day(c, number) && take_place(&skip, &at, &row) && row < area.rows) {
		stamp(said, STAMP_DAY, day);
		draw_rule(cells, area.row + row, area, rule, day);
	}
	if (has_marker(c, number) && take_place(&skip, &at, &row) && row < area.rows)
		draw_rule(cells, area.row + row, area, news, "new");
	for (bool is_first = true; more && at < area.rows; is_first = false) {
		struct slice bytes = width_wrap(&rest, body_columns(area), &more);
		if (!take_place(&skip, &at, &row))
			continue;
		if (is_first)
			draw_time(cells, area.row + row, area, said);
		draw_row(cells, area.row + row, area, &line, bytes);
	}
	return at;
}
