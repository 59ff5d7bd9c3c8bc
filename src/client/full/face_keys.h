/*
 * face_keys.h: what ncurses calls a key, as key.h has it. Part of face_ncurses.c's work, apart because it is all tables. Includes ncurses.h, whose macros
 * take many names. Pure but for face_keys_define(); one thread.
 */
#ifndef CLIENT_FULL_FACE_KEYS_H
#define CLIENT_FULL_FACE_KEYS_H

#define NCURSES_WIDECHAR 1
#include <ncurses.h>

#include "client/full/key.h"

/* Reports, and keys that terminfo may not know, beside ncurses's own codes. */
enum face_code {
	CODE_PASTE_BEGIN = KEY_MAX + 1,
	CODE_PASTE_END,
	CODE_FOCUS,
	CODE_BLUR,
	CODE_WORD_LEFT,
	CODE_WORD_RIGHT,
	CODE_ALT_UP,
	CODE_ALT_DOWN,
};

/* Has ncurses know the sequences of all of them. After newterm(). */
void face_keys_define(void);

/* The key of a code of ncurses's or ours; TYPED_OTHER: it has no use here. */
struct key face_key_of_code(int code, bool alt);
/* The key of a character that was typed, a control character too. */
struct key face_key_of_character(uint32_t character, bool alt);

#endif
