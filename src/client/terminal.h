/*
 * terminal.h: the terminal's modes and the process's signals. A terminal is left as it was found on every way out: by return, by
 * a signal that ends or stops the process, by a crash. There is one of each in a process, so this has no object. One thread.
 */
#ifndef CLIENT_TERMINAL_H
#define CLIENT_TERMINAL_H

#include <signal.h>
#include <stdbool.h>

/*
 * From now on the signals below are blocked, but for while ppoll() waits with the mask in wait_mask_r, and only noted.
 *   has_terminal  a person's: being stopped, continued and resized is dealt with too
 * SIGPIPE and SIGXFSZ are ignored.
 */
void signals_init(bool has_terminal, sigset_t *wait_mask_r);

/* SIGINT, SIGTERM, SIGHUP, SIGTSTP, SIGCONT or SIGWINCH: true if it has come since the last call for it. */
bool signal_take(int number);

/* Stops the process as SIGTSTP would have; returns when it goes on. */
void signal_stop(void);

/*
 * While a program that we wait for has the terminal (terminal_restore() comes before, terminal_take_over() after): SIGTERM, SIGHUP and SIGTSTP do at
 * once what they do by default, unless they were ignored. SIGINT is for the program alone, and forgotten afterwards.
 */
void signals_lend(void);
void signals_take_back(void);

/* Ends the process as the signal would have. */
void signal_die(int number) __attribute__((noreturn));

/* Keeps the modes of the terminal at fd to restore them. false: it is no terminal. */
bool terminal_open(int fd);

/*
 * From the next terminal_take_over() on, C-c, C-z, C-s and all others are bytes like any other, and what is written is not changed on
 * its way.
 */
void terminal_take_all_keys(void);

/*
 * Typed bytes come at once and are not echoed, and a read does not wait for them; C-c and C-z stay signals. Nothing happens in the background, where it would stop
 * the process.
 */
void terminal_take_over(void);

/* As it was found. Can be called at any time, also twice, and in a signal handler. */
void terminal_restore(void);

/* What to write to the terminal at fd before terminal_restore(), if a crash comes between; "" for nothing. Stays the caller's. */
void terminal_set_farewell(int fd, const char *bytes);

/* The width of the terminal at fd; 0: unknown. */
unsigned terminal_columns(int fd);

#endif
