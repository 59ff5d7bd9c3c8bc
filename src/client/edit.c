#include "client/edit.h"

#include <sodium.h>

enum {
	KEY_BACKSPACE = 0x7f,
	KEY_ESCAPE = 0x1b,
	CHAR_MAX_LEN = 4,
};
#define CONTROL(letter) ((letter)-0x40)

static bool is_continuation(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

void edit_clear(struct edit *e)
{
	sodium_memzero(e->bytes, e->len);
	e->len = 0;
}

static void cut(struct edit *e, size_t len)
{
	sodium_memzero(e->bytes + len, e->len - len);
	e->len = len;
}

static void erase_char(struct edit *e)
{
	size_t len = e->len - 1;
	while (len > 0 && is_continuation(e->bytes[len]))
		len--;
	cut(e, len);
}

static void erase_word(struct edit *e)
{
	size_t len = e->len;
	while (len > 0 && e->bytes[len - 1] == ' ')
		len--;
	while (len > 0 && e->bytes[len - 1] != ' ')
		len--;
	cut(e, len);
}

/* How many bytes the character that begins at the byte should have. */
static size_t char_len(char byte)
{
	unsigned char first = (unsigned char)byte;
	return first < 0xc2 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 1;
}

struct slice edit_whole(const struct edit *e)
{
	size_t tail = 0;
	while (tail < CHAR_MAX_LEN - 1 && tail < e->len &&
	       is_continuation(e->bytes[e->len - 1 - tail]))
		tail++;
	if (tail < e->len && char_len(e->bytes[e->len - 1 - tail]) > tail + 1)
		return slice_of(e->bytes, e->len - 1 - tail);
	return edit_line(e);
}

static enum edit_result add(struct edit *e, char byte)
{
	e->bytes[e->len++] = byte;
	bool is_full = e->len > EDIT_MAX_LEN - CHAR_MAX_LEN && edit_whole(e).len == e->len;
	return is_full || e->len == EDIT_MAX_LEN ? EDIT_LINE : EDIT_MORE;
}

/* ESC, then a letter; or [ (a sequence up to its final byte) or O (one more byte). */
static void pass_over(struct edit *e, char byte)
{
	if (e->state == EDIT_ESCAPE && byte == '[')
		e->state = EDIT_SEQUENCE;
	else if (e->state == EDIT_ESCAPE && byte == 'O')
		e->state = EDIT_SHIFT;
	else if (e->state != EDIT_SEQUENCE || byte >= 0x40 || byte < 0x20)
		e->state = EDIT_TEXT;
}

enum edit_result edit_byte(struct edit *e, char byte)
{
	/* Enter is never a part of a sequence that was cut short. */
	if (e->state != EDIT_TEXT && byte != '\n' && byte != '\r') {
		pass_over(e, byte);
		return EDIT_NOTHING;
	}
	e->state = EDIT_TEXT;
	size_t before = e->len;
	switch (byte) {
	case '\n':
	case '\r':
		return EDIT_LINE;
	case CONTROL('D'):
		return e->len == 0 ? EDIT_END : EDIT_NOTHING;
	case KEY_BACKSPACE:
	case CONTROL('H'):
		if (e->len > 0)
			erase_char(e);
		break;
	case CONTROL('W'):
		erase_word(e);
		break;
	case CONTROL('U'):
		cut(e, 0);
		break;
	case CONTROL('L'):
	case CONTROL('R'):
		return EDIT_AGAIN;
	case KEY_ESCAPE:
		e->state = EDIT_ESCAPE;
		return EDIT_NOTHING;
	default:
		return add(e, byte);
	}
	return e->len == before ? EDIT_NOTHING : EDIT_CHANGED;
}
