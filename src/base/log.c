#include "base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

enum { LOG_LINE_MAX = 2048, LOG_QUEUE_BYTES = 1 << 18, LOG_STOP_WAIT_MS = 1000 };

static const char *const level_names[] = { "error", "warn", "info", "debug" };

static _Atomic enum log_level max_level = LOG_INFO;
static _Atomic enum log_format line_format = LOG_TEXT;

/* Two halves: events fill one while the thread writes the other. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t filled;
	pthread_cond_t emptied;
	pthread_t thread;
	bool running;
	bool stopping;
	bool writing;
	char half[2][LOG_QUEUE_BYTES];
	size_t len;
	int filling;
	uint64_t dropped;
} queue = { .lock = PTHREAD_MUTEX_INITIALIZER,
	.filled = PTHREAD_COND_INITIALIZER,
	.emptied = PTHREAD_COND_INITIALIZER };

struct line {
	char text[LOG_LINE_MAX];
	size_t len;
};

static void put(struct line *l, const char *bytes, size_t len)
{
	size_t room = sizeof(l->text) - 2 - l->len; /* the line's own end always fits */
	if (len > room)
		len = room;
	memcpy(l->text + l->len, bytes, len);
	l->len += len;
}

static void put_str(struct line *l, const char *str)
{
	put(l, str, strlen(str));
}

static void put_byte_escaped(struct line *l, unsigned char byte, enum log_format format)
{
	char escaped[8];
	if (byte == '"' || byte == '\\')
		snprintf(escaped, sizeof(escaped), "\\%c", byte);
	else if (byte >= 0x20 && byte < 0x7f)
		snprintf(escaped, sizeof(escaped), "%c", byte);
	else
		snprintf(
		    escaped, sizeof(escaped), format == LOG_JSON ? "\\u%04x" : "\\x%02x", byte);
	put_str(l, escaped);
}

static void put_quoted(struct line *l, struct slice s, enum log_format format)
{
	put_str(l, "\"");
	for (size_t i = 0; i < s.len; i++)
		put_byte_escaped(l, (unsigned char)s.ptr[i], format);
	put_str(l, "\"");
}

/* In text a plain word stands as it is; everything else in quotes, so that a line can be cut by machine. */
static bool is_plain_word(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char byte = (unsigned char)s.ptr[i];
		if (byte <= 0x20 || byte >= 0x7f || strchr("\"\\=", byte) != NULL)
			return false;
	}
	return s.len > 0;
}

static void put_field(struct line *l, const struct log_field *f, enum log_format format)
{
	put_str(l, format == LOG_JSON ? ",\"" : " ");
	put_str(l, f->key);
	put_str(l, format == LOG_JSON ? "\":" : "=");
	if (f->is_number) {
		char digits[24];
		snprintf(digits, sizeof(digits), "%" PRId64, f->number);
		put_str(l, digits);
	} else if (format == LOG_TEXT && is_plain_word(f->text)) {
		put(l, f->text.ptr, f->text.len);
	} else {
		put_quoted(l, f->text, format);
	}
}

static void put_time(struct line *l)
{
	int64_t now_ms = clock_wall_ms();
	time_t seconds = (time_t)(now_ms / 1000);
	struct tm utc;
	gmtime_r(&seconds, &utc);
	char stamp[32], whole[40];
	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(whole, sizeof(whole), "%s.%03dZ", stamp, (int)(now_ms % 1000));
	put_str(l, whole);
}

static void format_line(
    struct line *l, enum log_level level, const char *event, const struct log_field *fields)
{
	enum log_format format = line_format;
	l->len = 0;
	put_str(l, format == LOG_JSON ? "{\"time\":\"" : "");
	put_time(l);
	put_str(l, format == LOG_JSON ? "\",\"level\":\"" : " ");
	put_str(l, level_names[level]);
	put_str(l, format == LOG_JSON ? "\",\"event\":\"" : " ");
	put_str(l, event);
	put_str(l, format == LOG_JSON ? "\"" : "");
	for (; fields->key != NULL; fields++) {
		/* A field is whole or not there: a cut one would break the JSON. */
		size_t before = l->len;
		put_field(l, fields, format);
		if (l->len >= sizeof(l->text) - 2)
			l->len = before;
	}
	if (format == LOG_JSON)
		l->text[l->len++] = '}';
	l->text[l->len++] = '\n';
}

static void write_all(const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t written = write(STDERR_FILENO, bytes, len);
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0 && errno == EAGAIN) {
			/* Whoever shares our terminal or pipe may have made it non-blocking; half a line is no line. */
			poll(&(struct pollfd){ .fd = STDERR_FILENO, .events = POLLOUT }, 1, -1);
			continue;
		}
		if (written < 0)
			return; /* nobody to tell */
		bytes += written;
		len -= (size_t)written;
	}
}

static void write_dropped(uint64_t dropped)
{
	if (dropped == 0)
		return;
	struct line l;
	format_line(&l, LOG_WARN, "log-lines-dropped",
	    (const struct log_field[]){ LOG_INT("count", dropped), { 0 } });
	write_all(l.text, l.len);
}

static void *writer_run(void *unused)
{
	(void)unused;
	pthread_mutex_lock(&queue.lock);
	for (;;) {
		while (queue.len == 0 && queue.dropped == 0 && !queue.stopping)
			pthread_cond_wait(&queue.filled, &queue.lock);
		if (queue.len == 0 && queue.dropped == 0)
			break;
		const char *full = queue.half[queue.filling];
		size_t len = queue.len;
		uint64_t dropped = queue.dropped;
		queue.filling = !queue.filling;
		queue.len = 0;
		queue.dropped = 0;
		queue.writing = true;
		pthread_mutex_unlock(&queue.lock);
		write_all(full, len);
		write_dropped(dropped);
		pthread_mutex_lock(&queue.lock);
		queue.writing = false;
		pthread_cond_broadcast(&queue.emptied);
	}
	queue.running = false;
	pthread_cond_broadcast(&queue.emptied);
	pthread_mutex_unlock(&queue.lock);
	return NULL;
}

bool log_start(void)
{
	pthread_mutex_lock(&queue.lock);
	queue.stopping = false;
	queue.running = pthread_create(&queue.thread, NULL, writer_run, NULL) == 0;
	bool running = queue.running;
	if (running)
		pthread_detach(queue.thread); /* log_stop() must not wait for ever for a reader */
	pthread_mutex_unlock(&queue.lock);
	return running;
}

void log_stop(void)
{
	struct timespec until;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += LOG_STOP_WAIT_MS / 1000;
	pthread_mutex_lock(&queue.lock);
	queue.stopping = true;
	pthread_cond_signal(&queue.filled);
	while (queue.running && pthread_cond_timedwait(&queue.emptied, &queue.lock, &until) == 0)
		;
	pthread_mutex_unlock(&queue.lock);
}

void log_configure(enum log_level level, enum log_format format)
{
	max_level = level;
	line_format = format;
}

bool log_is_on(enum log_level level)
{
	return level <= atomic_load_explicit(&max_level, memory_order_relaxed);
}

void log_event(enum log_level level, const char *event, const struct log_field *fields)
{
	struct line l;
	format_line(&l, level, event, fields);
	pthread_mutex_lock(&queue.lock);
	if (!queue.running) {
		pthread_mutex_unlock(&queue.lock);
		write_all(l.text, l.len);
		return;
	}
	if (queue.len + l.len > LOG_QUEUE_BYTES) {
		queue.dropped++;
	} else {
		memcpy(queue.half[queue.filling] + queue.len, l.text, l.len);
		queue.len += l.len;
	}
	if (!queue.writing)
		pthread_cond_signal(&queue.filled);
	pthread_mutex_unlock(&queue.lock);
}

bool log_limit_allows(struct log_limit *limit, uint64_t *suppressed_r)
{
	uint64_t minute = clock_now_ms() / 60000 + 1;
	*suppressed_r = 0;
	if (atomic_exchange(&limit->minute, minute) != minute) {
		uint64_t counted = atomic_exchange(&limit->count, 0);
		if (counted > LOG_LIMIT_PER_MINUTE)
			*suppressed_r = counted - LOG_LIMIT_PER_MINUTE;
	}
	return atomic_fetch_add(&limit->count, 1) < LOG_LIMIT_PER_MINUTE;
}
