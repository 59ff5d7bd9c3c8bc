/* commands.c: CMD <word> (protocol.md, 4). */
#include <string.h>

#include "chat/download.h"
#include "chat/session.h"

enum { ONLINE_MAX_NAMES = 100 };

struct names {
	char text[QUERY_SENT_MAX_LEN];
	size_t len;
	size_t last_at; /* where the last name, and the space before it, begin */
	size_t count;
	const struct directory_entry *asker;
	bool has_asker;
};

static void add_name(const struct directory_entry *entry, void *arg)
{
	struct names *names = arg;
	names->last_at = names->len;
	if (names->count++ > 0)
		names->text[names->len++] = ' ';
	memcpy(names->text + names->len, entry->name, entry->name_len);
	names->len += entry->name_len;
	names->has_asker |= entry == names->asker;
}

/* "The asker included": in a crowd it takes the last place. */
static void add_asker(struct names *names)
{
	if (names->has_asker)
		return;
	if (names->count == ONLINE_MAX_NAMES)
		names->len = names->last_at;
	add_name(names->asker, names);
}

static bool tell_online(struct session *s)
{
	_Static_assert(ONLINE_MAX_NAMES * (NAME_MAX_LEN + 1) + 16 < QUERY_SENT_MAX_LEN,
	    "the list fits a query");
	struct names names = { .text = "<", .len = 1, .asker = &s->user };
	directory_each(s->here->chat->directory, ONLINE_MAX_NAMES, add_name, &names);
	add_asker(&names);
	names.text[names.len++] = '>';
	struct query answer = { .verb = QUERY_CMD, .text = slice_of(names.text, names.len) };
	char query[QUERY_SENT_MAX_LEN];
	session_send(s, slice_of(query, query_write(&answer, QUERY_FROM_SERVER, query)));
	return true;
}

static bool toggle_group(struct session *s)
{
	if (s->group_on)
		group_leave(s);
	else
		group_join(s);
	return true;
}

static const struct command {
	const char *words;
	bool (*run)(struct session *s);
} commands[] = {
	{ "<group>", toggle_group },
	{ "<online>", tell_online },
	{ "<get>", download_start },
};

bool command_run(struct session *s, const struct query *q)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		if (slice_equal(q->text, slice_str(commands[i].words)))
			return commands[i].run(s);
	}
	session_send(s, SLICE("CMD <problem with command> \r\n"));
	return true;
}
