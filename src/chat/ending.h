/* ending.h: why connections end that have shaken hands: for the log and the counts. */
#ifndef CHAT_ENDING_H
#define CHAT_ENDING_H

#include "net/config.h"

enum { ENDINGS = 23 };

/* The reasons that session_end() and the connection's loss are given. The last stands for every other one: what a system call said. */
extern const char *const ending_names[ENDINGS];

/* The place of a reason in ending_names. */
unsigned ending_find(const char *reason);

/* What it is held against a stranger that it ended so before log-in. NET_OFFENCES: nothing. */
enum net_offence ending_offence(unsigned ending);

#endif
