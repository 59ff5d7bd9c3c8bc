/* ctl.h: messagerctl as a whole: its command line, and what comes of it. */
#ifndef CTL_CTL_H
#define CTL_CTL_H

#include <stdbool.h>
#include <stddef.h>

enum { CTL_OK = 0, CTL_ERROR = 1, CTL_USAGE = 2, CTL_SOCKET_SIZE = 1024 };

struct ctl_options {
	char socket[CTL_SOCKET_SIZE];
	bool json;
};

/* Carries the command out that the words are. Blocks. Returns the exit status; what there is to say has been said. */
int ctl_run(const struct ctl_options *options, const char *const *words, size_t word_count);

/* Where the server's socket usually is, for this user. false: there is no home folder. */
bool ctl_default_socket(char socket_r[static CTL_SOCKET_SIZE]);

#endif
