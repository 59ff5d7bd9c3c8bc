#include "client/password.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sodium.h>

#include "base/clock.h"
#include "protocol/name.h"

enum {
	LINE_ROOM = PASSWORD_MAX_LEN + 2, /* a line that fills it is too long, whatever ends it */
	COMMAND_LIMIT_MS = 120 * 1000,
};

struct password {
	size_t len;
	size_t line_len; /* of what is read from a file or a command */
	char bytes[PASSWORD_MAX_LEN];
	char line[LINE_ROOM];
};

struct password *password_new(void)
{
	struct password *p = sodium_malloc(sizeof(*p));
	if (p != NULL)
		sodium_memzero(p, sizeof(*p));
	return p;
}

void password_free(struct password **p)
{
	sodium_free(*p);
	*p = NULL;
}

void password_clear(struct password *p)
{
	sodium_memzero(p, sizeof(*p));
}

struct slice password_get(const struct password *p)
{
	return slice_of(p->bytes, p->len);
}

bool password_is_set(const struct password *p)
{
	return p->len > 0;
}

bool password_set(struct password *p, struct slice bytes, struct why *why)
{
	p->len = 0;
	if (bytes.len == 0)
		return why_fail(why, "the password is empty");
	if (bytes.len > PASSWORD_MAX_LEN)
		return why_fail(why, "the password is longer than %d bytes", PASSWORD_MAX_LEN);
	for (size_t i = 0; i < bytes.len; i++) {
		unsigned char byte = (unsigned char)bytes.ptr[i];
		if (byte < 0x20 || byte == 0x7f)
			return why_fail(why, "the password holds a control character");
	}
	memcpy(p->bytes, bytes.ptr, bytes.len);
	p->len = bytes.len;
	return true;
}

/* What was read up to the first line end becomes the password. */
static bool line_take(struct password *p, const char *from, struct why *why)
{
	const char *end = memchr(p->line, '\n', p->line_len);
	size_t len = end == NULL ? p->line_len : (size_t)(end - p->line);
	if (len > 0 && p->line[len - 1] == '\r')
		len--;
	struct why reason;
	bool ok = password_set(p, slice_of(p->line, len), &reason);
	sodium_memzero(p->line, sizeof(p->line));
	return ok || why_fail(why, "%s from %.512s", reason.text, from);
}

/* Adds what fd has now. 1: more may come. 0: the first line is here, or the end, or no room. <0: errno. */
static int line_read(struct password *p, int fd)
{
	ssize_t got = read(fd, p->line + p->line_len, LINE_ROOM - p->line_len);
	if (got < 0)
		return errno == EINTR || errno == EAGAIN ? 1 : -1;
	bool ended = got == 0 || memchr(p->line + p->line_len, '\n', (size_t)got) != NULL;
	p->line_len += (size_t)got;
	return !ended && p->line_len < LINE_ROOM;
}

bool password_from_file(struct password *p, const char *path, bool *exposed_r, struct why *why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return why_fail(
		    why, "cannot open the password file %.512s: %s", path, strerror(errno));
	struct stat st;
	*exposed_r =
	    fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & (S_IRGRP | S_IROTH)) != 0;
	p->line_len = 0;
	int more;
	do {
		more = line_read(p, fd);
	} while (more > 0);
	int error = errno;
	close(fd);
	if (more < 0)
		return why_fail(
		    why, "cannot read the password file %.512s: %s", path, strerror(error));
	return line_take(p, path, why);
}

struct splitter {
	const char *in;
	char *out;
	char quote; /* 0 outside of quotes */
};

/* Copies one word. false: a quote is open at the end. */
static bool split_word(struct splitter *s)
{
	for (; *s->in != '\0'; s->in++) {
		char c = *s->in;
		if (s->quote == 0 && (c == ' ' || c == '\t'))
			break;
		if (c == s->quote) {
			s->quote = 0;
		} else if (s->quote == 0 && (c == '\'' || c == '"')) {
			s->quote = c;
		} else {
			bool escapes = c == '\\' && s->quote != '\'' && s->in[1] != '\0' &&
				       (s->quote == 0 || s->in[1] == '"' || s->in[1] == '\\');
			if (escapes)
				s->in++;
			*s->out++ = *s->in;
		}
	}
	*s->out++ = '\0';
	return s->quote == 0;
}

char **command_split(const char *command, struct why *why)
{
	/* One block: pointers first, then the words; there are at most half as many words as characters. */
	size_t len = strlen(command), most = len / 2 + 2;
	char **words = calloc(1, most * sizeof(*words) + len + 1);
	if (words == NULL) {
		why_fail(why, "out of memory");
		return NULL;
	}
	struct splitter s = { .in = command, .out = (char *)(words + most) };
	size_t count = 0;
	for (;;) {
		s.in += strspn(s.in, " \t");
		if (*s.in == '\0')
			break;
		words[count++] = s.out;
		if (!split_word(&s)) {
			why_fail(why, "a quote is not closed in the command: %.512s", command);
			free(words);
			return NULL;
		}
	}
	if (count == 0) {
		why_fail(why, "the command for the password is empty");
		free(words);
		return NULL;
	}
	return words;
}

/* In the child: becomes the command; says errno on status_fd if it can't. */
static void __attribute__((noreturn)) child_run(char **words, int output_fd, int status_fd)
{
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	int empty = open("/dev/null", O_RDONLY);
	if (empty >= 0 && dup2(empty, STDIN_FILENO) >= 0 && dup2(output_fd, STDOUT_FILENO) >= 0)
		execvp(words[0], words);
	int error = errno;
	ssize_t ignored = write(status_fd, &error, sizeof(error));
	(void)ignored;
	_exit(127);
}

/* Reads the command's first line, then waits for the end of its output. false: it took too long. */
static bool output_read(struct password *p, int fd)
{
	uint64_t end_ms = clock_now_ms() + COMMAND_LIMIT_MS;
	int more = 1;
	for (;;) {
		uint64_t now_ms = clock_now_ms();
		struct pollfd wait = { .fd = fd, .events = POLLIN };
		if (now_ms >= end_ms)
			return false;
		int ready = poll(&wait, 1, (int)(end_ms - now_ms));
		if (ready <= 0)
			continue;
		if (more > 0) { /* the end of the output is met again below */
			more = line_read(p, fd);
			continue;
		}
		char rest[256];
		ssize_t got = read(fd, rest, sizeof(rest));
		sodium_memzero(rest, sizeof(rest));
		if (got == 0 || (got < 0 && errno != EINTR))
			return true;
	}
}

static bool child_judge(
    pid_t child, bool in_time, int exec_error, const char *command, struct why *why)
{
	if (!in_time)
		kill(child, SIGKILL);
	int status = 0;
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (exec_error != 0)
		return why_fail(
		    why, "cannot run the command %.512s: %s", command, strerror(exec_error));
	if (!in_time)
		return why_fail(
		    why, "the command took too long to say the password: %.512s", command);
	if (!WIFEXITED(status))
		return why_fail(why, "the command was stopped by a signal: %.512s", command);
	return WEXITSTATUS(status) == 0 || why_fail(why, "the command ended with status %d: %.512s",
					       WEXITSTATUS(status), command);
}

static void pipe_close(int fds[2])
{
	for (int i = 0; i < 2; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
		fds[i] = -1;
	}
}

bool password_from_command(struct password *p, const char *command, struct why *why)
{
	char **words = command_split(command, why);
	if (words == NULL)
		return false;
	int output[2] = { -1, -1 }, status[2] = { -1, -1 };
	pid_t child = -1;
	if (pipe2(output, O_CLOEXEC) == 0 && pipe2(status, O_CLOEXEC) == 0)
		child = fork();
	if (child == 0)
		child_run(words, output[1], status[1]);
	int error = errno;
	free(words);
	if (child < 0) {
		pipe_close(output);
		pipe_close(status);
		return why_fail(why, "cannot run the command %.512s: %s", command, strerror(error));
	}
	close(output[1]);
	close(status[1]);
	output[1] = status[1] = -1;
	/* The status pipe closes at the exec, so this read ends then. */
	int exec_error = 0;
	while (read(status[0], &exec_error, sizeof(exec_error)) < 0 && errno == EINTR)
		;
	p->line_len = 0;
	bool in_time = output_read(p, output[0]);
	pipe_close(output);
	pipe_close(status);
	return child_judge(child, in_time, exec_error, command, why) && line_take(p, command, why);
}

bool password_take(struct password *p, const struct options *o, struct why *why)
{
	bool is_exposed = false;
	why->text[0] = '\0';
	if (o->password_command != NULL)
		return password_from_command(p, o->password_command, why);
	if (o->password_file == NULL)
		return true;
	if (!password_from_file(p, o->password_file, &is_exposed, why))
		return false;
	if (is_exposed)
		why_fail(
		    why, "warning: others can read the password file %.512s", o->password_file);
	return true;
}
