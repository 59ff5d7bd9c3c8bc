/* unescape.h: what an original server escaped (it relays the inside of a Python bytes literal), turned back. Pure; any thread. */
#ifndef CLIENT_UNESCAPE_H
#define CLIENT_UNESCAPE_H

#include "base/slice.h"

/* Writes text without its escapes into out, which holds text.len bytes. What is no escape stays. Returns what is in out. */
struct slice unescape(struct slice text, char *out);

#endif
