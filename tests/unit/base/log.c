#include "base/log.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "unit.h"

enum { LINE_MAX = 2048, TIME_LEN = 24 };

/* --- standard error, for the time of a test ours --- */

static int real_stderr = -1;

static void stderr_becomes(int fd)
{
	real_stderr = dup(STDERR_FILENO);
	assert_true(real_stderr >= 0);
	assert_int_equal(dup2(fd, STDERR_FILENO), STDERR_FILENO);
}

static void stderr_is_real_again(void)
{
	assert_int_equal(dup2(real_stderr, STDERR_FILENO), STDERR_FILENO);
	close(real_stderr);
}

static FILE *capture(void)
{
	FILE *file = tmpfile();
	assert_non_null(file);
	stderr_becomes(fileno(file));
	return file;
}

/* All that was written since capture(); the caller clears it. */
static struct buffer captured(FILE *file)
{
	struct buffer b = { 0 };
	char piece[4096];
	size_t len;
	stderr_is_real_again();
	rewind(file);
	while ((len = fread(piece, 1, sizeof(piece), file)) > 0)
		assert_true(buffer_append(&b, piece, len));
	fclose(file);
	return b;
}

/* Like "2026-01-31T12:00:00.123Z", with digits for the digits. */
static void assert_time(struct slice s)
{
	static const char form[] = "0000-00-00T00:00:00.000Z";
	assert_true(s.len >= TIME_LEN);
	for (size_t i = 0; i < TIME_LEN; i++) {
		bool digit = s.ptr[i] >= '0' && s.ptr[i] <= '9';
		assert_true(form[i] == '0' ? digit : s.ptr[i] == form[i]);
	}
}

/* --- the form of a line --- */

/* As LOG_SLICE() and LOG_INT(), for a table. */
#define TEXT(k, literal)                                                                           \
	{                                                                                          \
		.key = (k), .text = {(literal), sizeof(literal) - 1 }                              \
	}
#define NUMBER(k, value)                                                                           \
	{                                                                                          \
		.key = (k), .is_number = true, .number = (value)                                   \
	}

static const struct line_case {
	const char *name;
	enum log_level level;
	const char *event;
	struct log_field fields[4];
	const char *text; /* behind the time and a space */
	const char *json; /* behind the time and a quote */
} line_cases[] = {
	{ "no field", LOG_INFO, "ready", { { 0 } }, "info ready\n",
	    ",\"level\":\"info\",\"event\":\"ready\"}\n" },
	{ "a word", LOG_WARN, "session-ended", { TEXT("user", "ann") },
	    "warn session-ended user=ann\n",
	    ",\"level\":\"warn\",\"event\":\"session-ended\",\"user\":\"ann\"}\n" },
	{ "two fields", LOG_ERROR, "e", { TEXT("a", "b"), TEXT("c", "d") }, "error e a=b c=d\n",
	    ",\"level\":\"error\",\"event\":\"e\",\"a\":\"b\",\"c\":\"d\"}\n" },
	{ "numbers", LOG_DEBUG, "e", { NUMBER("n", 0), NUMBER("m", -17) }, "debug e n=0 m=-17\n",
	    ",\"level\":\"debug\",\"event\":\"e\",\"n\":0,\"m\":-17}\n" },
	{ "largest numbers", LOG_INFO, "e", { NUMBER("n", INT64_MAX), NUMBER("m", INT64_MIN) },
	    "info e n=9223372036854775807 m=-9223372036854775808\n",
	    ",\"level\":\"info\",\"event\":\"e\",\"n\":9223372036854775807,"
	    "\"m\":-9223372036854775808}\n" },
	{ "empty", LOG_INFO, "e", { TEXT("v", "") }, "info e v=\"\"\n",
	    ",\"level\":\"info\",\"event\":\"e\",\"v\":\"\"}\n" },
	{ "nowhere", LOG_INFO, "e", { { .key = "v" } }, "info e v=\"\"\n",
	    ",\"level\":\"info\",\"event\":\"e\",\"v\":\"\"}\n" },
	{ "spaces", LOG_INFO, "e", { TEXT("v", "too slow") }, "info e v=\"too slow\"\n",
	    ",\"level\":\"info\",\"event\":\"e\",\"v\":\"too slow\"}\n" },
	{ "an address", LOG_INFO, "e", { TEXT("v", "[::1]:18443") }, "info e v=[::1]:18443\n",
	    ",\"level\":\"info\",\"event\":\"e\",\"v\":\"[::1]:18443\"}\n" },
	{ "quotes", LOG_INFO, "e", { TEXT("v", "a\"b") }, "info e v=\"a\\\"b\"\n",
	    ",\"level\":\"info\",\"event\":\"e\",\"v\":\"a\\\"b\"}\n" },
	{ "backslash", LOG_INFO, "e", { TEXT("v", "a\\b") }, "info e v=\"a\\\\b\"\n",
	    ",\"level\":\"info\",\"event\":\"e\",\"v\":\"a\\\\b\"}\n" },
	{ "equals sign", LOG_INFO, "e", { TEXT("v", "a=b") }, "info e v=\"a=b\"\n",
	    ",\"level\":\"info\",\"event\":\"e\",\"v\":\"a=b\"}\n" },
	{ "LF", LOG_INFO, "e", { TEXT("v", "a\nb") }, "info e v=\"a\\x0ab\"\n",
	    ",\"level\":\"info\",\"event\":\"e\",\"v\":\"a\\u000ab\"}\n" },
	{ "NUL", LOG_INFO, "e", { TEXT("v", "a\0b") }, "info e v=\"a\\x00b\"\n",
	    ",\"level\":\"info\",\"event\":\"e\",\"v\":\"a\\u0000b\"}\n" },
	{ "ESC", LOG_INFO, "e", { TEXT("v", "\x1b[2J") }, "info e v=\"\\x1b[2J\"\n",
	    ",\"level\":\"info\",\"event\":\"e\",\"v\":\"\\u001b[2J\"}\n" },
	{ "UTF-8", LOG_INFO, "e", { TEXT("v", "\xc3\xa9") }, "info e v=\"\\xc3\\xa9\"\n",
	    ",\"level\":\"info\",\"event\":\"e\",\"v\":\"\\u00c3\\u00a9\"}\n" },
	{ "a forged line", LOG_INFO, "e", { TEXT("v", "x\n2026-01-31T12:00:00.123Z info ready") },
	    "info e v=\"x\\x0a2026-01-31T12:00:00.123Z info ready\"\n",
	    ",\"level\":\"info\",\"event\":\"e\","
	    "\"v\":\"x\\u000a2026-01-31T12:00:00.123Z info ready\"}\n" },
	{ "a forged field", LOG_INFO, "e", { TEXT("v", "x\" user=\"admin") },
	    "info e v=\"x\\\" user=\\\"admin\"\n",
	    ",\"level\":\"info\",\"event\":\"e\",\"v\":\"x\\\" user=\\\"admin\"}\n" },
	{ "a forged JSON field", LOG_INFO, "e", { TEXT("v", "x\",\"user\":\"admin") },
	    "info e v=\"x\\\",\\\"user\\\":\\\"admin\"\n",
	    ",\"level\":\"info\",\"event\":\"e\",\"v\":\"x\\\",\\\"user\\\":\\\"admin\"}\n" },
	{ "a quote kept open", LOG_INFO, "e", { TEXT("v", "x\\"), TEXT("w", "y") },
	    "info e v=\"x\\\\\" w=y\n",
	    ",\"level\":\"info\",\"event\":\"e\",\"v\":\"x\\\\\",\"w\":\"y\"}\n" },
};

static struct buffer logged(const struct line_case *c, enum log_format format)
{
	log_configure(LOG_DEBUG, format);
	FILE *file = capture();
	log_event(c->level, c->event, c->fields);
	return captured(file);
}

static void line_has_its_text_form(void **state)
{
	const struct line_case *c = *state;
	struct buffer b = logged(c, LOG_TEXT);
	assert_time(buffer_slice(&b));
	buffer_take(&b, TIME_LEN);
	assert_slice_is(slice_of(buffer_slice(&b).ptr, 1), " ");
	buffer_take(&b, 1);
	assert_slice_equal(buffer_slice(&b), slice_str(c->text));
	buffer_clear(&b);
}

static void line_has_its_json_form(void **state)
{
	const struct line_case *c = *state;
	struct buffer b = logged(c, LOG_JSON);
	assert_true(slice_begins(buffer_slice(&b), SLICE("{\"time\":\"")));
	buffer_take(&b, strlen("{\"time\":\""));
	assert_time(buffer_slice(&b));
	buffer_take(&b, TIME_LEN);
	assert_slice_is(slice_of(buffer_slice(&b).ptr, 1), "\"");
	buffer_take(&b, 1);
	assert_slice_equal(buffer_slice(&b), slice_str(c->json));
	buffer_clear(&b);
}

static const struct format_case {
	const char *name;
	enum log_format format;
} format_cases[] = {
	{ "text", LOG_TEXT },
	{ "json", LOG_JSON },
};

/* Whatever byte a stranger puts where: one line, printable ASCII only, and its quotes are in pairs. */
static void no_byte_breaks_a_line(void **state)
{
	const struct format_case *c = *state;
	log_configure(LOG_DEBUG, c->format);
	for (int byte = 0; byte < 256; byte++) {
		char value[] = { 'a', (char)byte, (char)byte, 'z' };
		FILE *file = capture();
		log_info(
		    "event", LOG_SLICE("value", slice_of(value, sizeof(value))), LOG_INT("n", 1));
		struct buffer b = captured(file);
		struct slice line = buffer_slice(&b);
		size_t quotes = 0;
		for (size_t i = 0; i + 1 < line.len; i++) {
			assert_in_range((unsigned char)line.ptr[i], 0x20, 0x7e);
			if (line.ptr[i] == '\\')
				i++;
			else
				quotes += line.ptr[i] == '"';
		}
		assert_int_equal(quotes % 2, 0);
		assert_true(slice_ends(
		    line, c->format == LOG_JSON ? SLICE(",\"n\":1}\n") : SLICE(" n=1\n")));
		buffer_clear(&b);
	}
}

/* A field that does not fit is left out whole; what fits behind it is there. */
static const struct long_case {
	const char *name;
	size_t value_len;
	bool is_there;
} long_cases[] = {
	{ "1,500 bytes", 1500, true },
	{ "1,900 bytes", 1900, true },
	{ "2,040 bytes", 2040, false },
	{ "100,000 bytes", 100000, false },
};

static void long_field_is_whole_or_left_out(void **state)
{
	const struct long_case *c = *state;
	char *value = malloc(c->value_len);
	assert_non_null(value);
	memset(value, 'v', c->value_len);
	for (int format = LOG_TEXT; format <= LOG_JSON; format++) {
		log_configure(LOG_INFO, (enum log_format)format);
		FILE *file = capture();
		log_info(
		    "event", LOG_SLICE("long", slice_of(value, c->value_len)), LOG_INT("n", 7));
		struct buffer b = captured(file);
		struct slice line = buffer_slice(&b);
		assert_true(line.len <= LINE_MAX);
		assert_int_equal(memmem(line.ptr, line.len, "long", 4) != NULL, c->is_there);
		assert_true(
		    slice_ends(line, format == LOG_JSON ? SLICE(",\"n\":7}\n") : SLICE(" n=7\n")));
		buffer_clear(&b);
	}
	free(value);
}

static void long_escapes_stay_in_bounds(void **state)
{
	const struct format_case *c = *state;
	char value[LINE_MAX];
	memset(value, '\x01', sizeof(value));
	log_configure(LOG_INFO, c->format);
	for (size_t len = 280; len < 520; len++) { /* around the place where the line is full */
		FILE *file = capture();
		log_info("event", LOG_SLICE("v", slice_of(value, len)));
		struct buffer b = captured(file);
		struct slice line = buffer_slice(&b);
		assert_true(line.len <= LINE_MAX);
		assert_true(slice_ends(line, c->format == LOG_JSON ? SLICE("\"}\n") : SLICE("\n")));
		assert_null(memchr(line.ptr, '\x01', line.len));
		buffer_clear(&b);
	}
}

/* --- what is logged --- */

static const struct level_case {
	const char *name;
	enum log_level level;
	const char *expected;
} level_cases[] = {
	{ "error", LOG_ERROR, "E" },
	{ "warn", LOG_WARN, "EW" },
	{ "info", LOG_INFO, "EWI" },
	{ "debug", LOG_DEBUG, "EWID" },
};

static void level_decides_what_is_logged(void **state)
{
	const struct level_case *c = *state;
	log_configure(c->level, LOG_TEXT);
	FILE *file = capture();
	log_error("E");
	log_warn("W");
	log_info("I");
	log_debug("D");
	struct buffer b = captured(file);
	char events[16];
	size_t count = 0;
	for (struct slice rest = buffer_slice(&b); rest.len > 0;) {
		const char *end = memchr(rest.ptr, '\n', rest.len);
		assert_non_null(end);
		events[count++] = end[-1];
		rest = slice_skip(rest, (size_t)(end - rest.ptr) + 1);
	}
	assert_slice_equal(slice_of(events, count), slice_str(c->expected));
	buffer_clear(&b);
}

static int evaluated;

static int64_t costly(void)
{
	return ++evaluated;
}

static void what_is_not_logged_costs_nothing(void **state)
{
	(void)state;
	log_configure(LOG_INFO, LOG_TEXT);
	FILE *file = capture();
	log_debug("event", LOG_INT("n", costly()));
	struct buffer b = captured(file);
	assert_int_equal(evaluated, 0);
	assert_int_equal(b.len, 0);
	buffer_clear(&b);
}

static void events_of_strangers_are_limited(void **state)
{
	(void)state;
	struct log_limit limit = { 0 };
	uint64_t suppressed;
	/* A minute may end in the middle of this, once. */
	for (int attempt = 0; attempt < 2; attempt++) {
		uint64_t minute = clock_now_ms() / 60000;
		limit = (struct log_limit){ 0 };
		int allowed = 0;
		for (int i = 0; i < LOG_LIMIT_PER_MINUTE + 30; i++)
			allowed += log_limit_allows(&limit, &suppressed);
		if (clock_now_ms() / 60000 != minute)
			continue;
		assert_int_equal(allowed, LOG_LIMIT_PER_MINUTE);
		break;
	}
	limit.minute--; /* a minute goes by */
	assert_true(log_limit_allows(&limit, &suppressed));
	assert_int_equal(suppressed, 30);
	limit.minute--;
	assert_true(log_limit_allows(&limit, &suppressed));
	assert_int_equal(suppressed, 0);
}

/* --- the thread --- */

enum { THREADS = 4, LINES_EACH = 200 };

static void *log_lines(void *arg)
{
	int64_t who = (int64_t)(intptr_t)arg;
	for (int i = 0; i < LINES_EACH; i++)
		log_info("line", LOG_INT("thread", who), LOG_INT("number", i));
	return NULL;
}

static void threads_log_whole_lines_in_order(void **state)
{
	(void)state;
	log_configure(LOG_INFO, LOG_TEXT);
	FILE *file = capture();
	assert_true(log_start());
	pthread_t threads[THREADS];
	for (intptr_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, log_lines, (void *)i), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	log_stop();
	struct buffer b = captured(file);
	int next[THREADS] = { 0 };
	for (struct slice rest = buffer_slice(&b); rest.len > 0;) {
		const char *end = memchr(rest.ptr, '\n', rest.len);
		assert_non_null(end);
		char line[200];
		size_t len = (size_t)(end - rest.ptr);
		assert_true(len < sizeof(line));
		memcpy(line, rest.ptr, len);
		line[len] = '\0';
		int who = -1, number = -1, at = 0;
		sscanf(line + TIME_LEN, " info line thread=%d number=%d%n", &who, &number, &at);
		assert_int_equal(at, len - TIME_LEN);
		assert_in_range(who, 0, THREADS - 1);
		assert_int_equal(number, next[who]++);
		rest = slice_skip(rest, len + 1);
	}
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(next[i], LINES_EACH);
	buffer_clear(&b);
}

static void after_the_end_lines_are_written_at_once(void **state)
{
	(void)state;
	log_configure(LOG_INFO, LOG_TEXT);
	FILE *file = capture();
	assert_true(log_start());
	log_stop();
	log_info("late");
	struct buffer b = captured(file);
	assert_true(slice_ends(buffer_slice(&b), SLICE(" info late\n")));
	buffer_clear(&b);
}

struct reader {
	int fd;
	struct buffer read;
};

/* Reads until the other end is closed. */
static void *read_all(void *arg)
{
	struct reader *r = arg;
	char *room;
	ssize_t len;
	while (
	    (room = buffer_reserve(&r->read, 4096)) != NULL && (len = read(r->fd, room, 4096)) > 0)
		buffer_added(&r->read, (size_t)len);
	return NULL;
}

static const struct reader_case {
	const char *name;
	int flags;
} reader_cases[] = {
	{ "a pipe", 0 },
	{ "a pipe that someone made non-blocking", O_NONBLOCK },
};

/* Nobody reads: who logs never waits, ending takes its second, and who reads later hears how many lines are missing. */
static void nobody_reads_and_nobody_waits(void **state)
{
	const struct reader_case *c = *state;
	enum { LINES = 20000 };
	int ends[2];
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(fcntl(ends[1], F_SETFL, c->flags), 0);
	log_configure(LOG_INFO, LOG_TEXT);
	stderr_becomes(ends[1]);
	close(ends[1]);
	bool started = log_start();
	for (int i = 0; i < LINES; i++)
		log_info("line", LOG_INT("number", i));
	uint64_t before_ms = clock_now_ms();
	log_stop();
	uint64_t took_ms = clock_now_ms() - before_ms;

	struct reader reader = { .fd = ends[0] };
	pthread_t thread;
	int failed = pthread_create(&thread, NULL, read_all, &reader);
	log_stop(); /* now the log's thread can end */
	stderr_is_real_again();
	assert_int_equal(failed, 0);
	pthread_join(thread, NULL);
	close(ends[0]);
	assert_true(started);
	assert_in_range(took_ms, 900, 10000);

	size_t lines = 0, dropped = 0;
	assert_true(buffer_append(&reader.read, "", 1)); /* sscanf() wants an end */
	for (struct slice rest = slice_of(reader.read.mem, reader.read.len - 1); rest.len > 0;) {
		const char *end = memchr(rest.ptr, '\n', rest.len);
		assert_non_null(end);
		struct slice line = slice_of(rest.ptr, (size_t)(end - rest.ptr));
		size_t count = 0;
		if (memmem(line.ptr, line.len, " info line number=", 18) != NULL)
			lines++;
		else if (sscanf(line.ptr + TIME_LEN, " warn log-lines-dropped count=%zu", &count) ==
			 1)
			dropped += count;
		else
			fail_msg("%.*s", (int)line.len, line.ptr);
		rest = slice_skip(rest, line.len + 1);
	}
	assert_int_equal(lines + dropped, LINES);
	assert_true(dropped > 0);
	buffer_clear(&reader.read);
}

int main(int argc, char **argv)
{
	UNIT_EACH(line_has_its_text_form, line_cases);
	UNIT_EACH(line_has_its_json_form, line_cases);
	UNIT_EACH(no_byte_breaks_a_line, format_cases);
	UNIT_EACH(long_field_is_whole_or_left_out, long_cases);
	UNIT_EACH(long_escapes_stay_in_bounds, format_cases);
	UNIT_EACH(level_decides_what_is_logged, level_cases);
	UNIT_TEST(what_is_not_logged_costs_nothing);
	UNIT_TEST(events_of_strangers_are_limited);
	UNIT_TEST(threads_log_whole_lines_in_order);
	UNIT_TEST(after_the_end_lines_are_written_at_once);
	UNIT_EACH(nobody_reads_and_nobody_waits, reader_cases);
	return unit_run(argc, argv);
}
