#include "client/full/notice.h"

/* Is nobody there to see it? */
static bool is_unseen(enum focus focus, bool is_current)
{
	return focus == FOCUS_ELSEWHERE || (focus == FOCUS_UNKNOWN && !is_current);
}

struct notice notice_decide(const struct settings *settings, enum unread level, bool is_muted,
    enum focus focus, bool is_current, uint64_t now_ms, uint64_t *last_ms)
{
	struct notice none = { false, false, false };
	struct notice all = { settings->bell, settings->osc9, settings->notify[0] != '\0' };
	if (level < UNREAD_DIRECT || is_muted || !is_unseen(focus, is_current))
		return none;
	if (!all.bell && !all.osc9 && !all.command)
		return none;
	if (*last_ms != 0 && now_ms < *last_ms + NOTICE_PAUSE_MS)
		return none;
	*last_ms = now_ms;
	return all;
}
