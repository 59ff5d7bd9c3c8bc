#include "client/typing.h"

#include <stdio.h>
#include <wchar.h>

#include "client/sanitize.h"

void typing_ask(struct typing *t, const char *prompt, bool is_secret)
{
	typing_hide(t);
	snprintf(t->prompt, sizeof(t->prompt), "%s", prompt);
	t->is_secret = is_secret;
	typing_show(t);
}

static void put(struct typing *t, const char *str)
{
	outlet_write(t->out, slice_str(str));
}

/* Follows the cursor over a character of the given width, as terminals wrap: a wide one does not stay in half a place. */
static void advance(struct typing *t, unsigned width)
{
	if (t->columns == 0) {
		t->column += width;
		return;
	}
	if (t->column + width > t->columns) {
		t->row++;
		t->column = 0;
	}
	t->column += width;
	if (t->column == t->columns) {
		/* The cursor hangs at the end of the full row until the next character; this brings it to the next row. */
		if (!t->is_dumb)
			put(t, " \r");
		t->row++;
		t->column = 0;
	}
}

static unsigned width_of(struct slice shown)
{
	size_t len;
	int width = wcwidth((wchar_t)utf8_decode(shown, &len));
	return width < 0 ? 1 : (unsigned)width;
}

/* Draws the character at the front of s. Returns the bytes it stands for. */
static size_t draw_char(struct typing *t, struct slice s)
{
	char safe[SANITIZE_CHAR_MAX_LEN];
	size_t taken, len = sanitize_char(s, safe, &taken);
	struct slice shown = slice_of(safe, len);
	if (len == taken && s.ptr[0] == safe[0]) {
		outlet_write(t->out, shown);
		advance(t, width_of(shown));
		return taken;
	}
	for (size_t i = 0; i < len; i++) {
		outlet_write(t->out, slice_of(&safe[i], 1));
		advance(t, 1);
	}
	return taken;
}

static void draw_rest(struct typing *t)
{
	struct slice line = edit_whole(&t->edit);
	while (!t->is_secret && t->drawn < line.len)
		t->drawn += draw_char(t, slice_skip(line, t->drawn));
}

void typing_show(struct typing *t)
{
	if (t->is_shown)
		return;
	t->is_shown = true;
	t->row = t->column = 0;
	t->drawn = 0;
	struct slice prompt = slice_str(t->prompt);
	while (prompt.len > 0)
		prompt = slice_skip(prompt, draw_char(t, prompt));
	draw_rest(t);
}

void typing_hide(struct typing *t)
{
	if (!t->is_shown)
		return;
	t->is_shown = false;
	if (t->is_dumb) {
		if (t->row > 0 || t->column > 0)
			put(t, "\n");
		return;
	}
	char up[24];
	snprintf(up, sizeof(up), "\033[%uA", t->row);
	put(t, "\r");
	if (t->row > 0)
		put(t, up);
	put(t, "\033[J");
}

static void leave_standing(struct typing *t)
{
	/* After a full row the cursor is on the next one already. */
	if (t->is_shown && (t->column > 0 || t->row == 0 || t->is_dumb))
		put(t, "\n");
	t->is_shown = false;
}

enum edit_result typing_byte(struct typing *t, char byte)
{
	enum edit_result result = edit_byte(&t->edit, byte);
	switch (result) {
	case EDIT_MORE:
		if (t->is_shown)
			draw_rest(t);
		break;
	case EDIT_CHANGED:
	case EDIT_AGAIN:
		if (t->is_secret)
			break;
		typing_hide(t);
		typing_show(t);
		break;
	case EDIT_LINE:
	case EDIT_END:
		leave_standing(t);
		break;
	case EDIT_NOTHING:
		break;
	}
	return result;
}
