/* talk.h: a session with a server, as lines that are said and heard; for the tests of session.c. */
#ifndef CLIENT_TALK_H
#define CLIENT_TALK_H

#include "base/buffer.h"
#include "client/session.h"

/* A session, the clock, and all that it has told since the last look, a line each. */
struct talk {
	struct session *session;
	uint64_t now_ms;
	struct buffer told;
};

/* The session_event_fn of the session; ctx is the talk. */
void talk_on_event(void *ctx, const struct session_event *e);
/* A session without a connection; talk_end() frees it. */
void talk_setup(struct talk *t);
void talk_end(struct talk *t);

/* There is a connection, to a server of ours or to an original one. */
void connects(struct talk *t, bool speaks_ours);
/* alice logs in. */
void logs_in(struct talk *t);
/* All three: alice is logged in at a server of ours. */
void starts(struct talk *t);

/* The server says this. */
void hears(struct talk *t, const char *query);
/* All that was told since the last call is this. */
void tells(struct talk *t, const char *lines);
/* The next query is this, or there is none. */
void says(struct talk *t, const char *query);
void says_nothing(struct talk *t);
/* A text for somebody waits to be sent. */
void types(struct talk *t, const char *target, const char *text);
/* Time goes by, after which the server's system has, or has not, acknowledged all that was sent. */
void passes(struct talk *t, uint64_t ms, bool acknowledged);

#endif
