/*
 * typed.c: what a person types, or a terminal pastes, into the line of the full screen. Each byte is a key, or begins a paste. What must hold,
 * besides no crash:
 *
 *  - the cursor is within the text, and the text within its bound;
 *  - what a line means is said of a part of that line;
 *  - undo leads back to the empty line from which it began.
 */
#include <string.h>

#include "base/buffer.h"
#include "client/full/input.h"
#include "client/full/line.h"
#include "client/full/width.h"
#include "fuzz.h"

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

static void submit(struct input *in)
{
	struct slice text = input_text(in);
	struct line_meaning meaning = line_read(text);
	MUST(is_part(meaning.text, text));
	MUST((meaning.kind == LINE_COMMAND) == (meaning.command != COMMAND_NONE));
	MUST(meaning.kind != LINE_DOUBTFUL || meaning.near != NULL);
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

static void type(struct input *in, struct slice typed)
{
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
		MUST(width_rows(input_text(in), 1 + byte % 80U) > 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in;
	input_init(&in, complete, NULL);
	type(&in, slice_of((const char *)data, size));
	input_key(&in, KEY_OF_CONTROL('G')); /* out of whatever it was in */
	input_key(&in, KEY_OF_CONTROL('G'));
	MUST(in.mode == INPUT_EDITING);
	bool has_all = in.undo.count < UNDO_MAX;
	while (input_key(&in, KEY_OF_CONTROL('_')) == INPUT_CHANGED)
		;
	MUST(!has_all || in.len == 0);
	input_destroy(&in);
	return 0;
}
