#include "client/screen.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "client/sanitize.h"
#include "client/terminal.h"

enum { NOTICE_SIZE = 2048, STAMP_SIZE = 16 };

static const char green[] = "\033[32m", normal[] = "\033[0m";

static bool is_same_terminal(int a, int b)
{
	struct stat of_a, of_b;
	return isatty(a) && isatty(b) && fstat(a, &of_a) == 0 && fstat(b, &of_b) == 0 &&
	       of_a.st_rdev == of_b.st_rdev;
}

static bool terminal_is_dumb(void)
{
	const char *term = getenv("TERM");
	return term != NULL && strcmp(term, "dumb") == 0;
}

void screen_init(struct screen *s, bool is_interactive, bool no_color)
{
	const char *no_color_too = getenv("NO_COLOR");
	bool out_is_terminal = isatty(STDOUT_FILENO);
	*s = (struct screen){ .is_interactive = is_interactive };
	outlet_init(&s->out, STDOUT_FILENO);
	outlet_init(&s->err, STDERR_FILENO);
	s->notices = is_same_terminal(STDOUT_FILENO, STDERR_FILENO) ? &s->out : &s->err;
	s->terminal = out_is_terminal ? &s->out : isatty(STDERR_FILENO) ? &s->err : NULL;
	s->has_stamps = out_is_terminal;
	s->has_colors = s->terminal != NULL && !no_color && !terminal_is_dumb() &&
			(no_color_too == NULL || *no_color_too == '\0');
	s->typing.out = s->notices;
	s->typing.is_dumb = terminal_is_dumb();
	s->typing.columns = is_interactive ? terminal_columns(STDERR_FILENO) : 0;
}

void screen_clear(struct screen *s)
{
	edit_clear(&s->typing.edit);
	outlet_clear(&s->out);
	outlet_clear(&s->err);
}

static void hide(struct screen *s)
{
	if (s->is_interactive)
		typing_hide(&s->typing);
}

static void show(struct screen *s)
{
	if (s->is_interactive)
		typing_show(&s->typing);
}

static bool add_stamp(struct buffer *line)
{
	char stamp[STAMP_SIZE];
	struct tm now;
	time_t seconds = time(NULL);
	if (localtime_r(&seconds, &now) == NULL ||
	    strftime(stamp, sizeof(stamp), "%H:%M ", &now) == 0)
		return true;
	return buffer_append_slice(line, slice_str(stamp));
}

void screen_message(struct screen *s, bool is_group, struct slice user, struct slice text)
{
	struct buffer line = { 0 };
	bool is_painted = is_group && s->has_colors && !s->is_green && s->terminal == &s->out;
	bool ok = (!is_painted || buffer_append_slice(&line, slice_str(green))) &&
		  (!s->has_stamps || add_stamp(&line)) &&
		  (!is_group || buffer_append_slice(&line, SLICE("group "))) &&
		  sanitize(&line, user) && buffer_append_slice(&line, SLICE(": ")) &&
		  sanitize(&line, text) &&
		  (!is_painted || buffer_append_slice(&line, slice_str(normal))) &&
		  buffer_append_slice(&line, SLICE("\n"));
	hide(s);
	if (ok)
		outlet_write(&s->out, buffer_slice(&line));
	else
		s->out.is_broken =
		    true; /* a message that is not shown must not pass for one that is */
	show(s);
	buffer_clear(&line);
}

static void notice(struct screen *s, struct slice words, struct slice foreign)
{
	struct buffer lines = { 0 };
	struct slice prefix = s->is_interactive ? SLICE("* ") : SLICE("messager: ");
	bool ok = true;
	do {
		const char *end = memchr(words.ptr, '\n', words.len);
		size_t len = end == NULL ? words.len : (size_t)(end - words.ptr);
		ok = buffer_append_slice(&lines, prefix) && buffer_append(&lines, words.ptr, len) &&
		     (end != NULL || sanitize(&lines, foreign)) &&
		     buffer_append_slice(&lines, SLICE("\n"));
		words = slice_skip(words, len + (end != NULL));
	} while (ok && words.len > 0);
	hide(s);
	outlet_write(s->notices, buffer_slice(&lines));
	show(s);
	buffer_clear(&lines);
}

void screen_notice(struct screen *s, const char *format, ...)
{
	char words[NOTICE_SIZE];
	va_list args;
	va_start(args, format);
	vsnprintf(words, sizeof(words), format, args);
	va_end(args);
	notice(s, slice_str(words), SLICE(""));
}

void screen_notice_text(struct screen *s, struct slice foreign, const char *format, ...)
{
	char words[NOTICE_SIZE];
	va_list args;
	va_start(args, format);
	vsnprintf(words, sizeof(words), format, args);
	va_end(args);
	notice(s, slice_str(words), foreign);
}

void screen_set_green(struct screen *s, bool is_green)
{
	if (!s->has_colors || s->is_green == is_green)
		return;
	s->is_green = is_green;
	terminal_set_farewell(s->terminal->fd, is_green ? normal : "");
	hide(s);
	outlet_write(s->terminal, slice_str(is_green ? green : normal));
	show(s);
}

void screen_leave(struct screen *s)
{
	hide(s);
	if (s->is_green)
		outlet_write(s->terminal, slice_str(normal));
	screen_flush(s);
}

void screen_return(struct screen *s)
{
	if (s->is_interactive)
		s->typing.columns = terminal_columns(STDERR_FILENO);
	if (s->is_green)
		outlet_write(s->terminal, slice_str(green));
	show(s);
}

void screen_flush(struct screen *s)
{
	outlet_flush(&s->out);
	outlet_flush(&s->err);
}
