/* muting.h: :mute: and :unmute: as a person knows them, whatever shows them. Whose messages are hidden is the session's. One thread. */
#ifndef CLIENT_MUTING_H
#define CLIENT_MUTING_H

#include "base/slice.h"
#include "client/session.h"

struct muting_user {
	struct session *session;
	/* words are our own and printable; foreign comes after them: sanitize() before showing */
	void (*tell)(void *ctx, const char *words, struct slice foreign);
	void *ctx;
};

/* Hides what these say (names, separated by spaces); without any, tells who is muted. */
void muting_mute(const struct muting_user *u, struct slice names);
/* Shows it again. */
void muting_unmute(const struct muting_user *u, struct slice names);

#endif
