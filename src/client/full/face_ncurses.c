/*
 * ncurses writes into a file in memory, and what is there goes to the terminal by an outlet: so a terminal that does not read (a hung
 * line) stops no session. ncurses never touches the terminal's modes; terminal.c does, which also puts them right in a crash.
 */
#include "client/full/face.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <wchar.h>

#include "base/buffer.h"
#include "client/full/face_keys.h"
#include "client/full/face_typing.h"
#include "client/outlet.h"
#include "client/sanitize.h"
#include "client/terminal.h"

enum {
	ESCAPE_PATIENCE_MS = 100, /* after ESC: was it alone? */
	DRAIN_MS = 1000,          /* how long a terminal may take for the last bytes */
	FAREWELL_SIZE = 256,
	UNWRITE_SIZE = 4096,
	SIGNS_MAX_BYTES = 64 * 1024, /* that a terminal which does not read may leave */
	DEFAULT_COLUMNS = 80,
	DEFAULT_ROWS = 24,
};

struct ncurses_face {
	struct face face; /* first */
	struct outlet out;
	int memory; /* what ncurses writes to */
	FILE *file;
	SCREEN *screen;
	WINDOW *input;      /* a pad, since reading from the screen's window would draw it */
	struct cells shown; /* what ncurses was told last */
	struct face_typing typing;
	bool is_entered;
	char farewell[FAREWELL_SIZE];
};

static const char ask_for_reports[] = "\033[?2004h\033[?1004h"; /* pastes in brackets; focus */
static const char no_reports[] = "\033[?2004l\033[?1004l";

static struct ncurses_face *of(const struct face *f)
{
	return (struct ncurses_face *)(uintptr_t)f;
}

/* Out */

/* What ncurses has written goes to the terminal. */
static void collect(struct ncurses_face *n)
{
	off_t len = lseek(n->memory, 0, SEEK_END);
	char *room = len > 0 ? buffer_reserve(&n->out.pending, (size_t)len) : NULL;
	if (room != NULL) {
		ssize_t got = pread(n->memory, room, (size_t)len, 0);
		buffer_added(&n->out.pending, got > 0 ? (size_t)got : 0);
	}
	if (ftruncate(n->memory, 0) != 0)
		n->out.is_broken = true;
	outlet_flush(&n->out);
}

static attr_t attributes_of(struct style style)
{
	static const struct {
		unsigned ours;
		attr_t theirs;
	} table[] = {
		{ CELL_BOLD, A_BOLD },
		{ CELL_DIM, A_DIM },
		{ CELL_UNDERLINE, A_UNDERLINE },
		{ CELL_REVERSE, A_REVERSE },
	};
	attr_t attributes = A_NORMAL;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		if ((style.attributes & table[i].ours) != 0)
			attributes |= table[i].theirs;
	}
	return attributes;
}

static short pair_of(const struct face *f, struct style style)
{
	return style.color >= 0 && (unsigned)style.color < f->colors ? (short)(style.color + 1) : 0;
}

/*
 * The characters of a cell as ncurses can write them: one that has a width, and marks. It goes by libc's widths, and terminals differ in what they
 * make of a picture that is put together of several: so of such the first is shown, which keeps the columns everywhere.
 */
static void wide_of(const struct cell *cell, wchar_t wide[static CCHARW_MAX + 1])
{
	struct slice rest = slice_of(cell->bytes, cell->len);
	int count = 0;
	while (rest.len > 0 && count < CCHARW_MAX) {
		size_t len;
		uint32_t character = utf8_decode(rest, &len);
		rest = slice_skip(rest, len);
		if (count > 0 && (wcwidth((wchar_t)character) != 0 || character == 0x200d))
			break;
		wide[count++] = (wchar_t)character;
	}
	wide[count] = L'\0';
	if (count == 0 || wcwidth(wide[0]) < 1 || wcwidth(wide[0]) > cell->width)
		wcscpy(wide, L"?");
	else if (wcwidth(wide[0]) < cell->width)
		wide[1] =
		    L'\0'; /* without "shown as a picture", which makes it wide on some terminals */
}

static void put_cell(
    const struct ncurses_face *n, unsigned row, unsigned column, const struct cell *cell)
{
	wchar_t wide[CCHARW_MAX + 1];
	cchar_t character;
	attr_t attributes = attributes_of(cell->style);
	short pair = pair_of(&n->face, cell->style);
	wide_of(cell, wide);
	if (setcchar(&character, wide, attributes, pair, NULL) != OK)
		setcchar(&character, L"?", attributes, pair, NULL);
	mvadd_wch((int)row, (int)column, &character);
	if (cell->width > wcwidth(wide[0])) {
		setcchar(&character, L" ", attributes, pair, NULL);
		mvadd_wch((int)row, (int)column + 1, &character);
	}
}

static bool adopt_size(struct ncurses_face *n, const struct cells *cells)
{
	if (n->shown.columns == cells->columns && n->shown.rows == cells->rows)
		return false;
	cells_clear(&n->shown);
	if (!cells_init(&n->shown, cells->columns, cells->rows))
		return true;
	resizeterm((int)cells->rows, (int)cells->columns);
	erase();
	return true;
}

static void show(struct face *f, const struct cells *cells, bool redraw)
{
	struct ncurses_face *n = of(f);
	if (!n->is_entered || cells->cell == NULL)
		return;
	if (adopt_size(n, cells) || redraw)
		clearok(curscr, TRUE);
	if (n->shown.cell == NULL)
		return;
	for (unsigned row = 0; row < cells->rows; row++) {
		for (unsigned column = 0; column < cells->columns; column++) {
			const struct cell *cell = cells_at(cells, row, column);
			if (cell->width > 0 &&
			    memcmp(cell, cells_at(&n->shown, row, column), sizeof(*cell)) != 0)
				put_cell(n, row, column, cell);
		}
	}
	memcpy(n->shown.cell, cells->cell,
	    sizeof(*cells->cell) * (size_t)cells->columns * cells->rows);
	move((int)cells->cursor_row, (int)cells->cursor_column);
	refresh();
	collect(n);
}

static bool is_behind(const struct face *f)
{
	return outlet_pending(&of(f)->out) > 0;
}

static void ring(struct face *f, bool bell, const char *text)
{
	struct ncurses_face *n = of(f);
	if (outlet_pending(&n->out) > SIGNS_MAX_BYTES)
		return;
	if (bell)
		outlet_write(&n->out, SLICE("\a"));
	if (text != NULL) {
		outlet_write(&n->out, SLICE("\033]9;"));
		outlet_write(&n->out, slice_str(text));
		outlet_write(&n->out, SLICE("\a"));
	}
	outlet_flush(&n->out);
}

/* In */

static bool next(struct face *f, uint64_t now_ms, struct face_event *event_r)
{
	return face_typing_next(&of(f)->typing, now_ms, event_r);
}

static uint64_t deadline_ms(const struct face *f)
{
	return face_typing_deadline_ms(&of(f)->typing);
}

/* The terminal itself */

static void size(struct face *f, unsigned *columns_r, unsigned *rows_r)
{
	struct winsize now = { 0 };
	bool is_known =
	    ioctl(STDOUT_FILENO, TIOCGWINSZ, &now) == 0 && now.ws_col > 0 && now.ws_row > 0;
	*columns_r = is_known ? now.ws_col : DEFAULT_COLUMNS;
	*rows_r = is_known ? now.ws_row : DEFAULT_ROWS;
}

/* What is on its way must be out before the modes change; a terminal that does not take it goes without. */
static void drain(struct ncurses_face *n)
{
	struct pollfd ready = { .fd = n->out.fd, .events = POLLOUT };
	outlet_flush(&n->out);
	while (outlet_pending(&n->out) > 0 && poll(&ready, 1, DRAIN_MS) > 0)
		outlet_flush(&n->out);
	buffer_clear(&n->out.pending);
}

static void enter(struct face *f)
{
	struct ncurses_face *n = of(f);
	terminal_take_over();
	terminal_set_farewell(STDOUT_FILENO, n->farewell);
	n->is_entered = true;
	clearok(curscr, TRUE);
	refresh();
	collect(n);
	outlet_write(&n->out, slice_str(ask_for_reports));
	outlet_flush(&n->out);
}

static void leave(struct face *f)
{
	struct ncurses_face *n = of(f);
	if (!n->is_entered)
		return;
	n->is_entered = false;
	outlet_write(&n->out, slice_str(no_reports));
	endwin();
	collect(n);
	drain(n);
	terminal_set_farewell(STDOUT_FILENO, "");
	terminal_restore();
}

static void polls(const struct face *f, struct pollfd polls_r[static 2])
{
	const struct ncurses_face *n = of(f);
	polls_r[0] = (struct pollfd){ .fd = STDIN_FILENO, .events = POLLIN };
	polls_r[1] = (struct pollfd){ .fd = n->out.is_broken ? -1 : n->out.fd,
		.events = (short)(outlet_pending(&n->out) > 0 ? POLLOUT : 0) };
}

static bool step(struct face *f, const struct pollfd polls[static 2])
{
	struct ncurses_face *n = of(f);
	outlet_flush(&n->out);
	return !n->out.is_broken &&
	       ((polls[0].revents | polls[1].revents) & (POLLHUP | POLLERR | POLLNVAL)) == 0;
}

static void face_free(struct face *f)
{
	struct ncurses_face *n = of(f);
	leave(f);
	delwin(n->input);
	delscreen(n->screen);
	fclose(n->file);
	cells_clear(&n->shown);
	outlet_clear(&n->out);
	face_typing_clear(&n->typing);
	free(n);
}

/* Adds a terminal's sequence to the farewell, without terminfo's delays ("$<5>"). */
static void add_sequence(struct ncurses_face *n, const char *sequence)
{
	size_t len = strlen(n->farewell);
	while (*sequence != '\0' && len + 1 < FAREWELL_SIZE) {
		size_t delay = strncmp(sequence, "$<", 2) == 0 ? strcspn(sequence, ">") + 1 : 0;
		if (delay > 0 && delay <= strlen(sequence)) {
			sequence += delay;
			continue;
		}
		n->farewell[len++] = *sequence++;
	}
	n->farewell[len] = '\0';
}

/* What a crash has to write is made beforehand. */
static void compose_farewell(struct ncurses_face *n)
{
	static const char *const names[] = { "sgr0", "cnorm", "rmkx", "rmcup" };
	add_sequence(n, no_reports);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const char *sequence = tigetstr(names[i]);
		if (sequence != NULL && sequence != (const char *)-1)
			add_sequence(n, sequence);
	}
	add_sequence(n, "\r");
}

static unsigned begin_colors(bool no_color)
{
	const char *no_color_too = getenv("NO_COLOR");
	if (no_color || (no_color_too != NULL && *no_color_too != '\0') || !has_colors())
		return 0;
	if (start_color() != OK || use_default_colors() != OK)
		return 0;
	int colors = COLORS >= 256 ? 256 : COLORS >= 8 ? 8 : 0;
	for (int color = 0; color < colors; color++)
		init_pair((short)(color + 1), (short)color, -1);
	return (unsigned)colors;
}

static bool can_be_full(void)
{
	static const char *const names[] = { "cup", "clear", "el" };
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char *sequence = tigetstr(names[i]);
		if (sequence == NULL || sequence == (char *)-1)
			return false;
	}
	return true;
}

/* Takes a sequence out of what ncurses has written and nobody has read. */
static void unwrite(struct ncurses_face *n, const char *sequence)
{
	char bytes[UNWRITE_SIZE];
	ssize_t len = pread(n->memory, bytes, sizeof(bytes), 0);
	char *at = len > 0 ? memmem(bytes, (size_t)len, sequence, strlen(sequence)) : NULL;
	if (at == NULL)
		return;
	size_t before = (size_t)(at - bytes), after = before + strlen(sequence);
	bool ok = ftruncate(n->memory, 0) == 0 &&
		  write(n->memory, bytes, before) == (ssize_t)before &&
		  write(n->memory, bytes + after, (size_t)len - after) == len - (ssize_t)after;
	n->out.is_broken = n->out.is_broken || !ok;
}

/*
 * ncurses takes bytes for characters of eight bits only after meta(), which also tells the terminal to send Alt as the eighth bit. That must not
 * reach it; keypad() flushes it into our memory, where it is taken out.
 */
static void take_eight_bits(struct ncurses_face *n)
{
	const char *told = tigetstr("smm");
	meta(n->input, TRUE);
	keypad(n->input, TRUE);
	if (told != NULL && told != (const char *)-1)
		unwrite(n, told);
}

static bool open_screen(struct ncurses_face *n, bool no_color)
{
	unsigned columns, rows;
	n->memory = memfd_create("screen", MFD_CLOEXEC);
	if (n->memory < 0 || fcntl(n->memory, F_SETFL, O_APPEND) != 0 ||
	    (n->file = fdopen(n->memory, "r+")) == NULL)
		return false;
	n->screen = newterm(NULL, n->file, stdin);
	if (n->screen == NULL || !can_be_full())
		return false;
	set_term(n->screen);
	typeahead(-1);
	raw();
	noecho();
	nonl();
	set_escdelay(ESCAPE_PATIENCE_MS);
	n->face.colors = begin_colors(no_color);
	size(&n->face, &columns, &rows);
	resizeterm((int)rows, (int)columns);
	n->input = newpad(1, 1);
	if (n->input == NULL)
		return false;
	take_eight_bits(n);
	nodelay(n->input, TRUE);
	face_keys_define();
	face_typing_init(&n->typing, n->input);
	compose_farewell(n);
	return true;
}

static const struct face ncurses = {
	.size = size,
	.show = show,
	.is_behind = is_behind,
	.next = next,
	.deadline_ms = deadline_ms,
	.ring = ring,
	.leave = leave,
	.enter = enter,
	.polls = polls,
	.step = step,
	.free = face_free,
};

struct face *face_ncurses_new(bool no_color)
{
	struct ncurses_face *n = calloc(1, sizeof(*n));
	if (n == NULL)
		return NULL;
	n->face = ncurses;
	n->memory = -1;
	outlet_init(&n->out, STDOUT_FILENO);
	if (terminal_open(STDIN_FILENO) && open_screen(n, no_color)) {
		terminal_take_all_keys();
		return &n->face;
	}
	if (n->screen != NULL)
		delscreen(n->screen);
	if (n->file != NULL)
		fclose(n->file);
	else if (n->memory >= 0)
		close(n->memory);
	free(n);
	return NULL;
}
