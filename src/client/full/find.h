/* find.h: looking for a text in another, no matter in which case. Pure; any thread. */
#ifndef CLIENT_FULL_FIND_H
#define CLIENT_FULL_FIND_H

#include <stddef.h>

#include "base/slice.h"

#define NOT_FOUND SIZE_MAX

/* Where wanted stands in text first, at or after the byte from; NOT_FOUND: nowhere. "" stands everywhere. */
size_t find_text(struct slice text, struct slice wanted, size_t from);

#endif
