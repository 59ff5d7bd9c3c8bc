/* commands.c: CMD <word> (protocol.md, 4). */
#include <stdlib.h>
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

static void begin(struct names *names, const struct directory_entry *asker)
{
	*names = (struct names){ .text = "<", .len = 1, .asker = asker };
}

static void tell(struct session *s, struct names *names)
{
	_Static_assert(ONLINE_MAX_NAMES * (NAME_MAX_LEN + 1) + 16 < QUERY_SENT_MAX_LEN,
	    "the list fits a query");
	add_asker(names);
	names->text[names->len++] = '>';
	struct query answer = { .verb = QUERY_CMD, .text = slice_of(names->text, names->len) };
	char query[QUERY_SENT_MAX_LEN];
	session_send(s, slice_of(query, query_write(&answer, QUERY_FROM_SERVER, query)));
}

/* Those of this server. */
static void tell_online_here(struct session *s)
{
	struct names names;
	begin(&names, &s->user);
	directory_each(s->here->chat->directory, ONLINE_MAX_NAMES, add_name, &names);
	tell(s, &names);
}

/* The question who is online in the whole cluster, on its way to the store and back to the worker. */
struct asking {
	struct worker_job back; /* first */
	struct store_request request;
	struct worker *worker;
	struct conn_id conn;
	struct directory_entry asker; /* no more than its name */
	struct names names;
};

static void take_session(struct store_request *request, const struct store_session *session)
{
	struct asking *a = request->arg;
	struct directory_entry entry = { 0 };
	size_t len = strlen(session->name);
	if (len > NAME_MAX_LEN || a->names.count == ONLINE_MAX_NAMES)
		return;
	memcpy(entry.name, session->name, len);
	entry.name_len = (uint8_t)len;
	add_name(&entry, &a->names);
	a->names.has_asker |= strcmp(entry.name, a->asker.name) == 0;
}

static void come_back(struct worker *w, struct worker_job *job)
{
	struct asking *a = (struct asking *)(void *)job;
	struct session *s = session_of(worker_owner(w), a->conn);
	if (s != NULL && s->state == SESSION_ASKING) {
		if (a->request.status == STORE_OK)
			tell(s, &a->names);
		else /* it knows nobody else */
			tell_online_here(s);
		session_talk(s);
	}
	free(a);
}

static void asked(struct store_request *request)
{
	struct asking *a = request->arg;
	worker_post_job(a->worker, &a->back);
}

static void ask_store(struct session *s, struct asking *a)
{
	a->back.run = come_back;
	a->worker = s->here->worker;
	a->conn = conn_id(s->conn);
	a->asker = s->user;
	begin(&a->names, &a->asker);
	a->request = (struct store_request){ .call = STORE_SESSION_LIST,
		.done = asked,
		.arg = a,
		.each_session = take_session,
		.max_files = ONLINE_MAX_NAMES };
	session_enter(s, SESSION_ASKING);
	store_submit(s->here->chat->store, &a->request);
}

static bool tell_online(struct session *s)
{
	struct asking *a = s->here->chat->cluster != NULL ? calloc(1, sizeof(*a)) : NULL;
	if (a != NULL)
		ask_store(s, a);
	else
		tell_online_here(s);
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
