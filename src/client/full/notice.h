/* notice.h: which events make a sign, and which one: bell, OSC 9, a command. Pure; any thread. */
#ifndef CLIENT_FULL_NOTICE_H
#define CLIENT_FULL_NOTICE_H

#include <stdbool.h>
#include <stdint.h>

#include "client/full/model.h"
#include "client/settings.h"

enum { NOTICE_PAUSE_MS = 1000 }; /* signs are not closer than this */

/* Whether the terminal is looked at; it is unknown until it has reported it. */
enum focus { FOCUS_UNKNOWN, FOCUS_HERE, FOCUS_ELSEWHERE };

struct notice {
	bool bell, osc9, command;
};

/*
 * What to do about something that was said. Direct messages and mentions count, of those that are not muted, while the terminal is not in focus; of a
 * terminal that has never reported its focus, those of other conversations than the current.
 *   level    of what was said
 *   last_ms  when the last sign was made, by the caller's clock; 0: never. Set to now_ms when one is made
 */
struct notice notice_decide(const struct settings *settings, enum unread level, bool is_muted,
    enum focus focus, bool is_current, uint64_t now_ms, uint64_t *last_ms);

#endif
