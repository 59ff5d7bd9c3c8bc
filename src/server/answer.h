/*
 * answer.h: what a command of the administrator answers, as text for people or as one JSON object, from the same calls:
 *
 *	answer_list(a, "users");                      text   ann   2026-01-31T12:00:00Z
 *	answer_row(a);                                       count: 1
 *	answer_string(a, "name", SLICE("ann"));
 *	answer_time(a, "since", ms);                  JSON   {"users":[{"name":"ann","since":"2026-01-31T12:00:00Z"}],
 *	answer_row_end(a);                                   "count":1}
 *	answer_list_end(a);
 *	answer_number(a, "count", 1);
 *
 * Whatever bytes a value has, text shows no control byte and JSON is valid. One thread at a time.
 */
#ifndef SERVER_ANSWER_H
#define SERVER_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/slice.h"

struct answer {
	struct buffer bytes;
	size_t field_begin; /* text, in a row: where the last field stands in bytes */
	bool is_json;
	bool in_row;
	bool needs_comma;
	bool has_failed;
	bool lacks_memory;
};

void answer_begin(struct answer *a, bool is_json);
void answer_clear(struct answer *a);

void answer_string(struct answer *a, const char *key, struct slice value);
void answer_number(struct answer *a, const char *key, int64_t value);
void answer_time(struct answer *a, const char *key, int64_t ms); /* since 1970 */

/* A list of rows; not in a row. In text a row is a line of columns. */
void answer_list(struct answer *a, const char *key);
void answer_list_end(struct answer *a);
void answer_row(struct answer *a);
void answer_row_end(struct answer *a);

/* A line for people only: JSON says the same in fields. */
void answer_note(struct answer *a, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A sentence: what has been done. JSON has it under "message"; at most one per answer. */
void answer_say(struct answer *a, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Nothing but this sentence, which says why it could not be done. JSON has it under "error". */
void answer_fail(struct answer *a, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * Ends it. Returns the whole, with the line "ok" or "error" before it (admin.h), borrowed until answer_clear(). If memory has run
 * out, it says that.
 */
struct slice answer_end(struct answer *a);

#endif
