/* key.h: a key that was pressed, whatever terminal it was pressed at. face_ncurses.c makes them, a test writes them down. Pure; any thread. */
#ifndef CLIENT_FULL_KEY_H
#define CLIENT_FULL_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ncurses has taken all names that begin with KEY_. */
enum key_kind {
	TYPED_TEXT,    /* code: the character */
	TYPED_CONTROL, /* code: what was held with Ctrl, '@' to '_' ('A' for C-a, '_' for C-_) */
	TYPED_ENTER,
	TYPED_TAB,
	TYPED_BACK_TAB,
	TYPED_BACKSPACE,
	TYPED_DELETE,
	TYPED_ESCAPE,
	TYPED_UP,
	TYPED_DOWN,
	TYPED_LEFT,
	TYPED_RIGHT,
	TYPED_HOME,
	TYPED_END,
	TYPED_PAGE_UP,
	TYPED_PAGE_DOWN,
	TYPED_OTHER, /* some key that has no use here */
};

struct key {
	enum key_kind kind;
	uint32_t code;
	bool alt;     /* Alt was held, or Esc came before */
	bool control; /* of a named key: Ctrl was held */
};

#define KEY_OF_TEXT(character) ((struct key){ .kind = TYPED_TEXT, .code = (character) })
#define KEY_OF_CONTROL(letter) ((struct key){ .kind = TYPED_CONTROL, .code = (letter) })
#define KEY_OF_ALT(character)  ((struct key){ .kind = TYPED_TEXT, .code = (character), .alt = true })
#define KEY_NAMED(typed)       ((struct key){ .kind = (typed) })

enum { KEY_UTF8_LEN = 4 };

/* Writes a character as UTF-8. Returns its length; 0: it is none. */
size_t key_utf8(uint32_t character, char out[static KEY_UTF8_LEN]);

#endif
