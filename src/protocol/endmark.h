/*
 * endmark.h: where the bytes of a file end, on their way in and on their way out (protocol.md, 5). Pure: no I/O, no allocation, no clock, no
 * globals. Any thread.
 */
#ifndef PROTOCOL_ENDMARK_H
#define PROTOCOL_ENDMARK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

/* ---- In: "ENDF token CRLF", with or without the space before the CRLF; "ENDF token" and anything else is data ---- */

enum { ENDMARK_TOKEN_MAX_LEN = 64, ENDMARK_MAX_LEN = 5 + ENDMARK_TOKEN_MAX_LEN + 3 };

struct endmark {
	char word[5 + ENDMARK_TOKEN_MAX_LEN]; /* "ENDF token" */
	size_t len;
};

/* The mark of the session that has this token (1 to ENDMARK_TOKEN_MAX_LEN bytes). */
struct endmark endmark_of(struct slice token);

/*
 * Looks for the mark in bytes of an upload.
 *   data_len_r	how many bytes at the front are surely of the file
 *   mark_len_r	on true: the length of the mark, which stands right behind them
 * On false what follows the data, if anything, may still become the mark: it has to be presented again in front of more. It is then a
 * beginning of the mark, shorter than ENDMARK_MAX_LEN.
 */
bool endmark_find(
    const struct endmark *mark, struct slice bytes, size_t *data_len_r, size_t *mark_len_r);

/* ---- Out: no data record begins with "ENDF" ---- */

enum { ENDMARK_READ_LEN = 4096 };

/*
 * How many bytes (1 to RECORD_MAX_LEN, at most bytes.len) go into the next record, so that it does not begin with ENDF; nor does any part
 * of it to a client that takes ENDMARK_READ_LEN bytes of a record at once, as the original does.
 */
size_t endmark_record_len(struct slice bytes);

#endif
