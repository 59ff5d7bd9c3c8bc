/*
 * sanitize.h: the one place that foreign text passes on its way to a person. What could drive a terminal, hide, or change
 * the order of what is seen comes out as printable ASCII: a byte as \n, \t, \r or \xHH, a character as \u{HEX}. Everything
 * else comes out as it is, backslashes too: the form is for reading and can't be turned back. Pure; any thread.
 */
#ifndef CLIENT_SANITIZE_H
#define CLIENT_SANITIZE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/slice.h"

enum {
	SANITIZE_CHAR_MAX_LEN = 16, /* of what one character becomes */
	NOT_A_CHARACTER = UINT32_MAX,
};

/*
 * Reads the UTF-8 character at the front of s (s.len > 0). len_r: its bytes.
 * NOT_A_CHARACTER: that byte begins none (len_r is 1 then).
 */
uint32_t utf8_decode(struct slice s, size_t *len_r);

/* Appends the harmless form of text. false: no memory; out then holds a part of it. */
bool sanitize(struct buffer *out, struct slice text);

/* The harmless form as a string, of which whole characters are left out at the end where size is too small; without memory "". Returns out. */
char *sanitize_string(struct slice text, char *out, size_t size);

/*
 * The harmless form of the character at the front of text (text.len > 0), judged alone.
 *   taken_r  bytes of text it stands for
 * Returns its length in out.
 */
size_t sanitize_char(struct slice text, char out[static SANITIZE_CHAR_MAX_LEN], size_t *taken_r);

/*
 * As sanitize_char(), judged where it stands, as sanitize() does.
 *   before   the character before it, NOT_A_CHARACTER at the beginning
 */
size_t sanitize_next(
    uint32_t before, struct slice text, char out[static SANITIZE_CHAR_MAX_LEN], size_t *taken_r);

#endif
