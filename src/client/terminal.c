#include "client/terminal.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static const int noted[] = { SIGINT, SIGTERM, SIGHUP };
static const int noted_at_terminal[] = { SIGTSTP, SIGCONT, SIGWINCH };
/* What ends the process without a chance to do anything but put the terminal right. */
static const int deadly[] = { SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGABRT, SIGSEGV, SIGBUS, SIGFPE,
	SIGILL, SIGXCPU };
/* See signals_lend(). */
static const int lent[] = { SIGTERM, SIGHUP, SIGTSTP };
static bool is_lent[3];
#define COUNT(array) (sizeof(array) / sizeof(*(array)))

enum { SIGNALS = 65 };

/* Written by handlers. */
static volatile sig_atomic_t has_come[SIGNALS];

/* Read by handlers: complete before terminal_fd is set. */
static volatile sig_atomic_t terminal_fd = -1;
static struct termios found, ours;
static volatile sig_atomic_t is_taken;
static volatile sig_atomic_t farewell_fd = -1;
static const char *volatile farewell = "";

static void note(int number)
{
	has_come[number] = 1;
}

static void handle(int number, void (*handler)(int), int flags)
{
	struct sigaction action = { .sa_flags = flags };
	action.sa_handler = handler;
	sigfillset(&action.sa_mask);
	sigaction(number, &action, NULL);
}

static void unblock(int number)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, number);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static void restore_and_die(int number)
{
	terminal_restore();
	/* SA_RESETHAND has put the default back; it strikes when this handler returns. */
	raise(number);
}

bool signal_take(int number)
{
	bool came = has_come[number] != 0;
	has_come[number] = 0;
	return came;
}

void signals_init(bool has_terminal, sigset_t *wait_mask_r)
{
	sigset_t blocked;
	sigemptyset(&blocked);
	for (size_t i = 0; i < COUNT(noted); i++) {
		struct sigaction before;
		/* Under nohup a hang-up stays ignored, and so on. */
		if (sigaction(noted[i], NULL, &before) == 0 && before.sa_handler == SIG_IGN)
			continue;
		handle(noted[i], note, 0);
		sigaddset(&blocked, noted[i]);
	}
	for (size_t i = 0; has_terminal && i < COUNT(noted_at_terminal); i++) {
		handle(noted_at_terminal[i], note, 0);
		sigaddset(&blocked, noted_at_terminal[i]);
	}
	for (size_t i = 0; has_terminal && i < COUNT(deadly); i++)
		handle(deadly[i], restore_and_die, (int)SA_RESETHAND);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a download above the limit on files fails as on a full disk */
	sigprocmask(SIG_BLOCK, &blocked, wait_mask_r);
	/* Whatever the parent had blocked: while waiting, they come. */
	for (int number = 1; number < SIGNALS; number++) {
		if (sigismember(&blocked, number) == 1)
			sigdelset(wait_mask_r, number);
	}
}

void signal_stop(void)
{
	sigset_t blocked, before;
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTSTP);
	handle(SIGTSTP, SIG_DFL, 0);
	raise(SIGTSTP);
	sigprocmask(SIG_UNBLOCK, &blocked, &before); /* here it stops */
	sigprocmask(SIG_SETMASK, &before, NULL);
	handle(SIGTSTP, note, 0);
}

static bool is_noted(int number)
{
	struct sigaction now;
	return sigaction(number, NULL, &now) == 0 && now.sa_handler == note;
}

void signals_lend(void)
{
	for (size_t i = 0; i < COUNT(lent); i++) {
		is_lent[i] = is_noted(lent[i]);
		if (is_lent[i])
			handle(lent[i], SIG_DFL, 0);
		if (is_lent[i])
			unblock(lent[i]);
	}
}

void signals_take_back(void)
{
	static const struct timespec no_time;
	sigset_t set;
	sigemptyset(&set);
	for (size_t i = 0; i < COUNT(lent); i++) {
		if (is_lent[i])
			sigaddset(&set, lent[i]);
	}
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (size_t i = 0; i < COUNT(lent); i++) {
		if (is_lent[i])
			handle(lent[i], note, 0);
	}
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigtimedwait(&set, NULL, &no_time);
}

void signal_die(int number)
{
	handle(number, SIG_DFL, 0);
	raise(number);
	unblock(number);
	_exit(128 + number);
}

bool terminal_open(int fd)
{
	if (tcgetattr(fd, &found) != 0)
		return false;
	ours = found;
	ours.c_lflag &= ~(tcflag_t)(ICANON | ECHO | IEXTEN);
	ours.c_lflag |= ISIG | NOFLSH; /* C-c does not take what was typed before it */
	ours.c_iflag |= ICRNL;
	ours.c_iflag &= ~(tcflag_t)(INLCR | IGNCR);
	ours.c_oflag |= OPOST | ONLCR;
	ours.c_cc[VMIN] = 0;
	ours.c_cc[VTIME] = 0;
	terminal_fd = fd;
	return true;
}

void terminal_take_all_keys(void)
{
	ours.c_lflag &= ~(tcflag_t)ISIG;
	ours.c_iflag &= ~(tcflag_t)(ICRNL | IXON | IXOFF | ISTRIP);
	ours.c_oflag &= ~(tcflag_t)OPOST;
}

static bool is_in_foreground(void)
{
	return tcgetpgrp(terminal_fd) == getpgrp();
}

void terminal_take_over(void)
{
	if (terminal_fd < 0 || !is_in_foreground())
		return;
	is_taken = 1;
	while (tcsetattr(terminal_fd, TCSADRAIN, &ours) != 0 && errno == EINTR)
		;
}

void terminal_set_farewell(int fd, const char *bytes)
{
	farewell_fd = fd;
	farewell = bytes;
}

void terminal_restore(void)
{
	int error = errno;
	const char *bytes = farewell;
	if (is_taken) {
		if (*bytes != '\0' && farewell_fd >= 0) {
			ssize_t ignored = write(farewell_fd, bytes, strlen(bytes));
			(void)ignored;
		}
		is_taken = 0;
		/* In the background the modes are the foreground's business. */
		if (is_in_foreground())
			tcsetattr(terminal_fd, TCSANOW, &found);
	}
	errno = error;
}

unsigned terminal_columns(int fd)
{
	struct winsize size;
	return ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}
