#include "ctl/secret.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* ---- signals while nothing is shown: the terminal must be as it was before any of them does its work ---- */

static volatile sig_atomic_t caught;
static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP };
enum { SIGNAL_COUNT = sizeof(signals) / sizeof(signals[0]) };

static void catch (int number)
{
	caught = number;
}

/* Without SA_RESTART, so that read() returns. */
static void catch_all(struct sigaction before[static SIGNAL_COUNT])
{
	struct sigaction action = { .sa_handler = catch };
	sigemptyset(&action.sa_mask);
	caught = 0;
	for (size_t i = 0; i < SIGNAL_COUNT; i++)
		sigaction(signals[i], &action, &before[i]);
}

static void restore_all(const struct sigaction before[static SIGNAL_COUNT])
{
	for (size_t i = 0; i < SIGNAL_COUNT; i++)
		sigaction(signals[i], &before[i], NULL);
	if (caught != 0)
		raise(caught);
}

/* ---- reading ---- */

/*
 * Reads up to a line's end, the end of input or a signal, byte by byte: what follows in a pipe may be somebody else's. What does not
 * fit is dropped, but for one byte, which shows that it was too much. false: nothing came.
 */
static bool read_line(char to[static SECRET_SIZE])
{
	size_t len = 0;
	char byte = '\0';
	bool came = false;
	for (;;) {
		ssize_t got = read(STDIN_FILENO, &byte, 1);
		if (got < 0 && errno == EINTR && caught == 0)
			continue;
		if (got <= 0)
			break;
		came = true;
		if (byte == '\n')
			break;
		if (len < SECRET_SIZE - 1)
			to[len++] = byte;
	}
	if (len > 0 && byte == '\n' && to[len - 1] == '\r')
		len--;
	to[len] = '\0';
	return came && caught == 0;
}

static bool ask(const char *question, char to[static SECRET_SIZE])
{
	struct sigaction before[SIGNAL_COUNT];
	struct termios shown, hidden;
	if (tcgetattr(STDIN_FILENO, &shown) != 0)
		return false;
	hidden = shown;
	hidden.c_lflag &= ~(tcflag_t)ECHO;
	catch_all(before);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
	fputs(question, stderr);
	bool is_read = read_line(to);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
	fputs("\n", stderr);
	restore_all(before);
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
	if (is_terminal ? !ask(question, secret_r) : !read_line(secret_r)) {
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
