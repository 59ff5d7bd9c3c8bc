/* admin_users.c: users who are online, here or at another server of the cluster: who they are, and messages and goodbyes to them. */
#include <stdlib.h>
#include <string.h>

#include "protocol/query.h"
#include "server/admin_call.h"

/* ---- who is online ---- */

struct online_user {
	char name[NAME_MAX_LEN + 1];
	struct address address;
	int64_t since_ms;
};

struct snapshot {
	struct online_user *users;
	size_t count, room;
};

static void take_user(const struct directory_entry *entry, void *arg)
{
	struct snapshot *snapshot = arg;
	if (snapshot->count == snapshot->room)
		return;
	struct online_user *user = &snapshot->users[snapshot->count++];
	memcpy(user->name, entry->name, entry->name_len);
	user->name[entry->name_len] = '\0';
	user->address = entry->address;
	user->since_ms = entry->since_ms;
}

/* A copy, so that no lock is held while it is put into words. The longest online first, at most max. NULL: no memory. */
static struct online_user *copy_online(struct chat *chat, size_t max, size_t *count_r)
{
	struct directory *directory = chat_directory(chat);
	size_t room = directory_count(directory);
	struct snapshot snapshot = { .room = room < max ? room : max };
	snapshot.users = calloc(snapshot.room + 1, sizeof(*snapshot.users));
	if (snapshot.users != NULL)
		directory_each(directory, snapshot.room, take_user, &snapshot);
	*count_r = snapshot.count;
	return snapshot.users;
}

enum { ONLINE_SHOWN = 100 };

/* Those of this server. */
static void list_here(struct admin_call *call, bool wants_all)
{
	struct answer *a = &call->answer;
	size_t count, total = directory_count(chat_directory(call->server->chat));
	struct online_user *users =
	    copy_online(call->server->chat, wants_all ? SIZE_MAX : ONLINE_SHOWN, &count);
	if (users == NULL) {
		answer_fail(a, "no memory");
		call_end(call);
		return;
	}
	answer_list(a, "users");
	for (size_t i = 0; i < count; i++) {
		char address[ADDRESS_TEXT_SIZE];
		address_text(&users[i].address, address);
		answer_row(a);
		answer_string(a, "name", slice_str(users[i].name));
		answer_time(a, "since", users[i].since_ms);
		answer_string(a, "address", slice_str(address));
		answer_row_end(a);
	}
	answer_list_end(a);
	if (a->is_json)
		answer_number(a, "online", (int64_t)(total > count ? total : count));
	else if (total > count)
		answer_note(a, "... and %zu more; --all shows them", total - count);
	free(users);
	call_end(call);
}

/* Those of all servers, who are on the store's thread, which has the answer to itself until it is done. */
static void list_session(struct store_request *request, const struct store_session *session)
{
	struct admin_call *call = request->arg;
	struct answer *a = &call->answer;
	answer_row(a);
	answer_string(a, "name", slice_str(session->name));
	answer_time(a, "since", session->since_ms);
	answer_string(a, "address", slice_str(session->address));
	answer_string(a, "node", slice_str(session->node));
	answer_row_end(a);
}

static void after_list(struct admin_call *call)
{
	answer_list_end(&call->answer);
	if (call->request.status != STORE_OK)
		call_fail_unavailable(call);
	call_end(call);
}

void admin_online(struct admin_call *call)
{
	bool wants_all = call->arg_count > 0;
	if (wants_all && !slice_equal(call->args[0], SLICE("--all"))) {
		answer_fail(&call->answer, "online takes nothing but --all");
		call_end(call);
		return;
	}
	if (!store_is_shared(call->server->store)) {
		list_here(call, wants_all);
		return;
	}
	answer_list(&call->answer, "users");
	call->request.call = STORE_SESSION_LIST;
	call->request.each_session = list_session;
	call->request.max_files = wants_all ? 0 : ONLINE_SHOWN;
	call_store(call, &call->request, 1, after_list);
}

/* ---- who is at another server ---- */

/* Not here: next() with what the store knows of it, in a cluster; else, and where the name can't be, the answer is given here. */
static void look_elsewhere(struct admin_call *call, call_fn *next)
{
	struct slice name = call->args[0];
	if (!store_is_shared(call->server->store) || name_check(name) != NAME_OK) {
		answer_fail(&call->answer, "%.*s is not online", (int)name.len, name.ptr);
		call_end(call);
		return;
	}
	call->request.call = STORE_SESSION_GET;
	call_arg_str(call, 0, call->request.name);
	call_store(call, &call->request, 1, next);
}

/* false: the answer says why not. */
static bool is_elsewhere(struct admin_call *call)
{
	const struct store_request *r = &call->request;
	if (r->status == STORE_NONE)
		answer_fail(&call->answer, "%s is not online", r->name);
	else if (r->status != STORE_OK)
		call_fail_unavailable(call);
	return r->status == STORE_OK;
}

static void say_unreachable(struct admin_call *call)
{
	answer_fail(&call->answer, "%s is at %s, and the bus is out of reach", call->request.name,
	    call->request.node);
}

static void kick_elsewhere(struct admin_call *call)
{
	const struct store_request *r = &call->request;
	bool is_there = is_elsewhere(call);
	if (is_there && chat_end_user_elsewhere(call->server->chat, slice_str(r->name), "kicked"))
		answer_say(&call->answer, "%s was at %s and is off-line now", r->name, r->node);
	else if (is_there)
		say_unreachable(call);
	call_end(call);
}

void admin_kick(struct admin_call *call)
{
	struct slice name = call->args[0];
	if (!chat_end_user(call->server->chat, name, "kicked")) {
		look_elsewhere(call, kick_elsewhere);
		return;
	}
	answer_say(&call->answer, "%.*s is off-line now", (int)name.len, name.ptr);
	call_end(call);
}

/* ---- words to users ---- */

static bool is_too_long(struct admin_call *call, struct slice text)
{
	if (text.len <= QUERY_TAKEN_MAX_LEN)
		return false;
	answer_fail(&call->answer, "the text is longer than %d bytes", (int)QUERY_TAKEN_MAX_LEN);
	return true;
}

static void message_elsewhere(struct admin_call *call)
{
	const struct store_request *r = &call->request;
	bool is_there = is_elsewhere(call);
	if (is_there &&
	    chat_message_elsewhere(call->server->chat, slice_str(r->name), call->args[1]))
		answer_say(&call->answer, "sent to %s at %s", r->name, r->node);
	else if (is_there)
		say_unreachable(call);
	call_end(call);
}

void admin_message(struct admin_call *call)
{
	struct slice name = call->args[0], text = call->args[1];
	if (is_too_long(call, text)) {
		call_end(call);
		return;
	}
	if (!chat_message(call->server->chat, name, text)) {
		look_elsewhere(call, message_elsewhere);
		return;
	}
	answer_say(&call->answer, "sent to %.*s", (int)name.len, name.ptr);
	call_end(call);
}

void admin_announce(struct admin_call *call)
{
	size_t count = directory_count(chat_directory(call->server->chat));
	const char *more =
	    bus_is_shared(call->server->bus) ? " here, and to the other servers" : "";
	if (!is_too_long(call, call->args[0])) {
		chat_announce(call->server->chat, call->args[0]);
		answer_say(
		    &call->answer, "sent to %zu user%s%s", count, count == 1 ? "" : "s", more);
	}
	call_end(call);
}
