/*
 * typed.c: what a person types, or a terminal pastes, into the line of the full screen. Each byte is a key, or begins a paste; how many there are
 * says how large the screen is, which shows the line after each. What must hold, besides no crash:
 *
 *  - the cursor is within the text, and the text within its bound; the cursor that is seen is within the input's rows;
 *  - what a line means is said of a part of that line;
 *  - undo leads back to the empty line from which it began.
 */
#include <string.h>

#include "base/buffer.h"
#include "client/full/input.h"
#include "client/full/line.h"
#include "client/full/view.h"
#include "client/full/width.h"
#include "fuzz.h"

/* A longer text is given up: a key that goes by words, or undoes them, costs what it passes over, and a few keys double a text. */
enum { TEXT_MAX_LEN = 16 * 1024 };

enum { NAMED_KEYS = 0x80, ALT_KEYS = 0xa0, PASTES = 0xc0, CHARACTERS = 0xe0 };

static void complete(void *ctx, struct slice before, size_t *from_r, struct buffer *candidates)
{
	static const char words[] = ":quit: \0:quiet\0\u00e9t\u00e9\0\u00e8re";
	const char *space = before.len > 0 ? memrchr(before.ptr, ' ', before.len) : NULL;
	*from_r = space == NULL ? 0 : (size_t)(space - before.ptr) + 1;
	MUST(*from_r <= before.len);
	if (before.len % 2 == 0)
		MUST(buffer_append(candidates, words, sizeof(words)));
}

static bool is_part(struct slice part, struct slice of)
{
	return part.len == 0 || (part.ptr >= of.ptr && part.ptr + part.len <= of.ptr + of.len);
}

/* The line, and the screen that shows it. */
struct desk {
	struct input in;
	struct model model;
	struct view view;
	struct cells cells;
};

static void desk_init(struct desk *d, unsigned columns, unsigned rows)
{
	*d = (struct desk){ 0 };
	input_init(&d->in, complete, NULL);
	MUST(model_init(&d->model) && cells_init(&d->cells, columns, rows));
	d->view = (struct view){ .model = &d->model,
		.input = &d->in,
		.server = "",
		.trust = "",
		.state = "",
		.busy = "",
		.prompt = "> ",
		.found = NO_LINE };
}

static void desk_clear(struct desk *d)
{
	input_destroy(&d->in);
	view_clear(&d->view);
	cells_clear(&d->cells);
	model_clear(&d->model);
}

static void look(struct desk *d)
{
	view_draw(&d->view, &d->cells);
	MUST(d->view.input_rows > 0);
	MUST(d->cells.cursor_row < d->cells.rows);
	MUST(d->cells.cursor_row + d->view.input_rows >= d->cells.rows);
	MUST(d->cells.cursor_column < d->cells.columns);
}

static void submit(struct input *in)
{
	struct slice text = input_text(in);
	struct line_meaning meaning = line_read(text);
	MUST(is_part(meaning.text, text));
	MUST((meaning.kind == LINE_COMMAND) == (meaning.command != COMMAND_NONE));
	MUST(meaning.kind != LINE_DOUBTFUL || meaning.near != NULL);
	MUST(width_rows(text, 1 + text.len % 80U) > 0);
	input_remember(in);
	input_clear(in);
}

/* Takes the key at the front. */
static struct key take_key(struct slice *typed)
{
	static const uint32_t characters[] = { 0xe9, 0x301, 0x4e2d, 0x1f468, 0x200d, 0x1f469,
		0x1f1e9, 0x1f1ea, 0x202e, 0x9b, 0xfe0f, 0x915, 0x93e, 0x1112, 0x1161, 0xd800,
		0x110000 };
	unsigned char byte = (unsigned char)typed->ptr[0];
	*typed = slice_skip(*typed, 1);
	if (byte >= CHARACTERS)
		return KEY_OF_TEXT(characters[byte % (sizeof(characters) / sizeof(*characters))]);
	if (byte >= ALT_KEYS)
		return KEY_OF_ALT(' ' + 0x40U + byte % 0x20);
	if (byte >= NAMED_KEYS)
		return (struct key){ .kind = (enum key_kind)(byte % (TYPED_OTHER + 1)),
			.alt = (byte & 0x10) != 0 };
	return byte < 0x20 ? KEY_OF_CONTROL(byte + 0x40U) : KEY_OF_TEXT(byte);
}

static void type(struct desk *d, struct slice typed)
{
	struct input *in = &d->in;
	while (typed.len > 0) {
		unsigned char byte = (unsigned char)typed.ptr[0];
		enum input_result result;
		if (byte >= PASTES && byte < CHARACTERS) {
			size_t len = byte - PASTES;
			typed = slice_skip(typed, 1);
			len = len < typed.len ? len : typed.len;
			result = input_paste(in, slice_of(typed.ptr, len));
			typed = slice_skip(typed, len);
		} else {
			result = input_key(in, take_key(&typed));
		}
		if (result == INPUT_SUBMIT)
			submit(in);
		else if (result == INPUT_AS_FILE)
			input_drop_paste(in);
		MUST(in->cursor <= in->len && in->len <= INPUT_MAX_LEN);
		MUST(in->mode == INPUT_ASKING || input_pasted(in).len == 0);
		for (size_t i = 0; i < input_candidate_count(in); i++)
			MUST(input_candidate(in, i).len > 0);
		look(d);
		if (in->len > TEXT_MAX_LEN)
			input_clear(in);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct desk d;
	desk_init(&d, 1 + size % 81, 1 + size % 7);
	type(&d, slice_of((const char *)data, size));
	input_key(&d.in, KEY_OF_CONTROL('G')); /* out of whatever it was in */
	input_key(&d.in, KEY_OF_CONTROL('G'));
	MUST(d.in.mode == INPUT_EDITING);
	bool has_all = d.in.undo.count < UNDO_MAX;
	while (input_key(&d.in, KEY_OF_CONTROL('_')) == INPUT_CHANGED)
		;
	MUST(!has_all || d.in.len == 0);
	desk_clear(&d);
	return 0;
}
