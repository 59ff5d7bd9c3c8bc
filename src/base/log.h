/*
 * log.h: one event, one line, on standard error. Any thread; a call never waits for the reader of the log:
 * lines go through a bounded queue to a thread of its own, and what finds the queue full is counted and dropped.
 *
 *   log_info("session-ended", LOG_STR("user", name), LOG_STR("reason", why));
 *
 *   text  2026-01-31T12:00:00.123Z info session-ended user=ann reason="too slow"
 *   json  {"time":"2026-01-31T12:00:00.123Z","level":"info","event":"session-ended","user":"ann","reason":"too slow"}
 *
 * Never log a password, a token or the text of a message, at any level.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };
enum log_format { LOG_TEXT, LOG_JSON };

struct log_field {
	const char *key; /* NULL ends a list of fields */
	bool is_number;
	struct slice text; /* may hold any bytes: what is not printable ASCII is escaped */
	int64_t number;
};

#define LOG_STR(k, str) ((struct log_field){ .key = (k), .text = slice_str(str) })
#define LOG_SLICE(k, s) ((struct log_field){ .key = (k), .text = (s) })
#define LOG_INT(k, value)                                                                          \
	((struct log_field){ .key = (k), .is_number = true, .number = (int64_t)(value) })

#define log_error(...) log_at(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)  log_at(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_at(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_at(LOG_DEBUG, __VA_ARGS__)

/* The field in front lets the list be empty; it is skipped. */
#define log_at(level, event, ...)                                                                  \
	do {                                                                                       \
		if (log_is_on(level))                                                              \
			log_event(level, event,                                                    \
			    (const struct log_field[]){ { 0 }, ##__VA_ARGS__, { 0 } } + 1);        \
	} while (0)

/* Starts the writing thread. Before it, and after log_stop(), lines are written at once. false: no thread, lines are written at once. */
bool log_start(void);

/* Writes what is queued (for at most a second, if nobody reads) and ends the thread. */
void log_stop(void);

void log_configure(enum log_level level, enum log_format format);
bool log_is_on(enum log_level level);
void log_event(enum log_level level, const char *event, const struct log_field *fields);

/*
 * For events that a stranger can repeat at will: at most LOG_LIMIT_PER_MINUTE a minute.
 * Returns true when the event may be logged; *suppressed_r is then how many were not since the last.
 */
enum { LOG_LIMIT_PER_MINUTE = 20 };
struct log_limit {
	_Atomic uint64_t minute;
	_Atomic uint64_t count;
};
bool log_limit_allows(struct log_limit *limit, uint64_t *suppressed_r);

#endif
