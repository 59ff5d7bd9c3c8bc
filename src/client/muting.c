#include "client/muting.h"

#include "client/commands.h"

static void tell(const struct muting_user *u, const char *words, struct slice foreign)
{
	u->tell(u->ctx, words, foreign);
}

static void show_muted(const struct muting_user *u)
{
	struct slice name;
	size_t count = 0;
	while ((name = session_muted(u->session, count)).len > 0) {
		tell(u, "muted: ", name);
		count++;
	}
	if (count == 0)
		tell(u, "Nobody is muted.", SLICE(""));
}

static void set_all(const struct muting_user *u, struct slice names, bool is_muted)
{
	const char *done = is_muted ? "muted: " : "no longer muted: ";
	struct slice name;
	while (word_take(&names, &name))
		tell(
		    u, session_mute(u->session, name, is_muted) ? done : "cannot be muted: ", name);
}

void muting_mute(const struct muting_user *u, struct slice names)
{
	if (names.len == 0)
		show_muted(u);
	else
		set_all(u, names, true);
}

void muting_unmute(const struct muting_user *u, struct slice names)
{
	if (names.len == 0)
		tell(u, "Say whom: :unmute: NAME...", SLICE(""));
	else
		set_all(u, names, false);
}
