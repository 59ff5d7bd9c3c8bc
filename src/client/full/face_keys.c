#include "client/full/face_keys.h"

/* A terminal may say a key in another mode than terminfo tells. */
static const struct {
	const char *sequence;
	int code;
} sequences[] = {
	{ "\033[200~", CODE_PASTE_BEGIN },
	{ "\033[201~", CODE_PASTE_END },
	{ "\033[I", CODE_FOCUS },
	{ "\033[O", CODE_BLUR },
	{ "\033[A", KEY_UP },
	{ "\033[B", KEY_DOWN },
	{ "\033[C", KEY_RIGHT },
	{ "\033[D", KEY_LEFT },
	{ "\033OA", KEY_UP },
	{ "\033OB", KEY_DOWN },
	{ "\033OC", KEY_RIGHT },
	{ "\033OD", KEY_LEFT },
	{ "\033[H", KEY_HOME },
	{ "\033[F", KEY_END },
	{ "\033OH", KEY_HOME },
	{ "\033OF", KEY_END },
	{ "\033[1~", KEY_HOME },
	{ "\033[4~", KEY_END },
	{ "\033[3~", KEY_DC },
	{ "\033[5~", KEY_PPAGE },
	{ "\033[6~", KEY_NPAGE },
	{ "\033[Z", KEY_BTAB },
	{ "\033OM", KEY_ENTER },
	{ "\033[1;3D", CODE_WORD_LEFT },
	{ "\033[1;5D", CODE_WORD_LEFT },
	{ "\033[1;3C", CODE_WORD_RIGHT },
	{ "\033[1;5C", CODE_WORD_RIGHT },
	{ "\033[1;3A", CODE_ALT_UP },
	{ "\033[1;3B", CODE_ALT_DOWN },
};

static const struct {
	int code;
	struct key key;
} named[] = {
	{ KEY_ENTER, { .kind = TYPED_ENTER } },
	{ KEY_BTAB, { .kind = TYPED_BACK_TAB } },
	{ KEY_BACKSPACE, { .kind = TYPED_BACKSPACE } },
	{ KEY_DC, { .kind = TYPED_DELETE } },
	{ KEY_UP, { .kind = TYPED_UP } },
	{ KEY_DOWN, { .kind = TYPED_DOWN } },
	{ KEY_LEFT, { .kind = TYPED_LEFT } },
	{ KEY_RIGHT, { .kind = TYPED_RIGHT } },
	{ KEY_HOME, { .kind = TYPED_HOME } },
	{ KEY_END, { .kind = TYPED_END } },
	{ KEY_PPAGE, { .kind = TYPED_PAGE_UP } },
	{ KEY_NPAGE, { .kind = TYPED_PAGE_DOWN } },
	{ CODE_WORD_LEFT, { .kind = TYPED_LEFT, .control = true } },
	{ CODE_WORD_RIGHT, { .kind = TYPED_RIGHT, .control = true } },
	{ CODE_ALT_UP, { .kind = TYPED_UP, .alt = true } },
	{ CODE_ALT_DOWN, { .kind = TYPED_DOWN, .alt = true } },
};

void face_keys_define(void)
{
	for (size_t i = 0; i < sizeof(sequences) / sizeof(*sequences); i++)
		define_key(sequences[i].sequence, sequences[i].code);
}

struct key face_key_of_code(int code, bool alt)
{
	struct key key = { .kind = TYPED_OTHER };
	for (size_t i = 0; i < sizeof(named) / sizeof(*named); i++) {
		if (named[i].code == code)
			key = named[i].key;
	}
	key.alt = key.alt || alt;
	return key;
}

struct key face_key_of_character(uint32_t character, bool alt)
{
	enum { ESCAPE = 0x1b, DELETE = 0x7f, CONTROL = 0x20, LETTERS = 0x40 };
	struct key key = { .kind = TYPED_TEXT, .alt = alt };
	if (character == '\r' || character == '\n')
		key.kind = TYPED_ENTER;
	else if (character == '\t')
		key.kind = TYPED_TAB;
	else if (character == '\b' || character == DELETE)
		key.kind = TYPED_BACKSPACE;
	else if (character == ESCAPE)
		key.kind = TYPED_ESCAPE;
	else if (character < CONTROL)
		key.kind = TYPED_CONTROL;
	if (key.kind == TYPED_CONTROL)
		key.code = character + LETTERS;
	else if (key.kind == TYPED_TEXT)
		key.code = character;
	return key;
}
