#include "ctl/secret.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* ---- signals while nothing is shown: the terminal must be as it was before any of them does its work ---- */

static volatile sig_atomic_t caught;
static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP };
enum { SIGNAL_COUNT = sizeof(signals) / sizeof(signals[0]) };

struct guard {
	struct sigaction actions[SIGNAL_COUNT];
	sigset_t mask;
};

static void note_signal(int number)
{
	caught = number;
}

/* They are blocked but for the moments in which await_input() waits, so that none comes just before it. */
static void begin_guard(struct guard *before)
{
	struct sigaction action = { .sa_handler = note_signal };
	sigset_t blocked;
	sigemptyset(&action.sa_mask);
	sigemptyset(&blocked);
	caught = 0;
	for (size_t i = 0; i < SIGNAL_COUNT; i++) {
		sigaddset(&blocked, signals[i]);
		sigaction(signals[i], &action, &before->actions[i]);
	}
	sigprocmask(SIG_BLOCK, &blocked, &before->mask);
}

static void end_guard(const struct guard *before)
{
	for (size_t i = 0; i < SIGNAL_COUNT; i++)
		sigaction(signals[i], &before->actions[i], NULL);
	sigprocmask(SIG_SETMASK, &before->mask, NULL);
	if (caught != 0)
		raise(caught);
}

/* false: a signal came. */
static bool await_input(const struct guard *guard)
{
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
	while (ppoll(&input, 1, NULL, &guard->mask) < 0 && errno == EINTR && caught == 0)
		;
	return caught == 0;
}

/* ---- reading ---- */

/*
 * Reads up to a line's end, the end of input or a signal that the guard (or NULL) catches, byte by byte: what follows in a
 * pipe may be somebody else's. What does not fit is dropped, but for one byte, which shows that it was too much. false: nothing came.
 */
static bool read_line(char to[static SECRET_SIZE], const struct guard *guard)
{
	size_t len = 0;
	char byte = '\0';
	bool came = false;
	while (byte != '\n') {
		if (guard != NULL && !await_input(guard))
			return false;
		ssize_t got = read(STDIN_FILENO, &byte, 1);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		came = true;
		if (byte != '\n' && len < SECRET_SIZE - 1)
			to[len++] =
			    byte != '\0' ? byte : '\1'; /* a control byte too: refused as one */
	}
	if (len > 0 && byte == '\n' && to[len - 1] == '\r')
		len--;
	to[len] = '\0';
	return came;
}

static bool ask(const char *question, char to[static SECRET_SIZE])
{
	struct guard guard;
	struct termios shown, hidden;
	if (tcgetattr(STDIN_FILENO, &shown) != 0)
		return false;
	hidden = shown;
	hidden.c_lflag &= ~(tcflag_t)ECHO;
	begin_guard(&guard);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
	fputs(question, stderr);
	bool is_read = read_line(to, &guard);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
	fputs("\n", stderr);
	end_guard(&guard);
	return is_read;
}

void secret_wipe(char secret[static SECRET_SIZE])
{
	explicit_bzero(secret, SECRET_SIZE);
}

bool secret_read(const char *name, char secret_r[static SECRET_SIZE], char *why, size_t why_size)
{
	char question[128], again[SECRET_SIZE] = "";
	bool is_terminal = isatty(STDIN_FILENO);
	snprintf(question, sizeof(question), "Password for %.64s: ", name);
	if (is_terminal ? !ask(question, secret_r) : !read_line(secret_r, NULL)) {
		snprintf(
		    why, why_size, "no password came%s", is_terminal ? "" : " on standard input");
		return false;
	}
	if (!is_terminal)
		return true;
	bool is_same = ask("Again: ", again) && strcmp(secret_r, again) == 0;
	secret_wipe(again);
	if (!is_same)
		snprintf(why, why_size, "the two passwords differ; nothing was changed");
	return is_same;
}
