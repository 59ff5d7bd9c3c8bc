/* reply.h: what a person types to a question, at either face. Pure; any thread. */
#ifndef CLIENT_REPLY_H
#define CLIENT_REPLY_H

#include "base/slice.h"

/* yes, y, no or n, in either case and with blanks around. 1: yes, 0: no, enter: an empty line, <0: none of these. */
int reply_yes_or_no(struct slice line, int enter);

#endif
