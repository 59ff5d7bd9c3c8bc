/* admin_commands.c: the table of the administrator's commands, and those that need neither store nor time. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "protocol/query.h"
#include "server/admin_call.h"
#include "server/metrics.h"

static call_fn status, online, kick, message, announce, reload, stop;

/* messagerctl has a table of its own with the same words (src/ctl/commands.c). */
static const struct admin_command commands[] = {
	{ "status", 0, 0, status, LOG_AS_DEBUG },
	{ "online", 0, 1, online, LOG_AS_DEBUG },
	{ "user add", 1, 1, admin_user_add, LOG_COMMAND_AND_NAME },
	{ "user passwd", 1, 1, admin_user_passwd, LOG_COMMAND_AND_NAME },
	{ "user delete", 1, 1, admin_user_delete, LOG_COMMAND_AND_NAME },
	{ "user list", 0, 0, admin_user_list, LOG_AS_DEBUG },
	{ "user import", 0, 0, admin_user_import, LOG_COMMAND },
	{ "kick", 1, 1, kick, LOG_COMMAND_AND_NAME },
	{ "ban", 1, 1, admin_ban, LOG_COMMAND_AND_NAME },
	{ "unban", 1, 1, admin_unban, LOG_COMMAND_AND_NAME },
	{ "bans", 0, 0, admin_bans, LOG_AS_DEBUG },
	{ "penalties list", 0, 0, admin_penalties_list, LOG_AS_DEBUG },
	{ "penalties clear", 0, 1, admin_penalties_clear, LOG_COMMAND },
	{ "files list", 0, 1, admin_files_list, LOG_AS_DEBUG },
	{ "files delete", 2, 2, admin_files_delete, LOG_COMMAND_AND_NAME },
	{ "backup", 0, 0, admin_backup, LOG_COMMAND },
	{ "message", 2, 2, message, LOG_COMMAND_AND_NAME },
	{ "announce", 1, 1, announce, LOG_COMMAND },
	{ "reload", 0, 0, reload, LOG_COMMAND },
	{ "stop", 0, 0, stop, LOG_COMMAND },
};

/* How many words of the request the command's own take up; 0: they are others. */
static size_t match(const struct admin_command *command, const struct admin_request *request)
{
	size_t count = 0;
	for (const char *word = command->words; *word != '\0';) {
		size_t len = strcspn(word, " ");
		if (count == request->word_count ||
		    !slice_equal(request->words[count], slice_of(word, len)))
			return 0;
		count++;
		word += len + strspn(word + len, " ");
	}
	return count;
}

const struct admin_command *admin_command_find(
    const struct admin_request *request, size_t *word_count_r)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		*word_count_r = match(&commands[i], request);
		if (*word_count_r > 0)
			return &commands[i];
	}
	return NULL;
}

static void status(struct admin_call *call)
{
	struct server *server = call->server;
	struct answer *a = &call->answer;
	answer_string(a, "version", slice_str(VERSION));
	answer_number(a, "pid", getpid());
	answer_time(a, "started", server->started_ms);
	answer_number(a, "uptime_seconds", (clock_wall_ms() - server->started_ms) / 1000);
	answer_string(a, "data", slice_str(server->settings.data));
	answer_number(a, "workers", net_worker_count(server->net));
	metrics_answer(server, a);
	call_end(call);
}

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

static void online(struct admin_call *call)
{
	struct answer *a = &call->answer;
	bool wants_all = call->arg_count > 0;
	if (wants_all && !slice_equal(call->args[0], SLICE("--all"))) {
		answer_fail(a, "online takes nothing but --all");
		call_end(call);
		return;
	}
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

static void kick(struct admin_call *call)
{
	struct slice name = call->args[0];
	if (chat_end_user(call->server->chat, name, "kicked"))
		answer_say(&call->answer, "%.*s is off-line now", (int)name.len, name.ptr);
	else
		answer_fail(&call->answer, "%.*s is not online", (int)name.len, name.ptr);
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

static void message(struct admin_call *call)
{
	struct slice name = call->args[0], text = call->args[1];
	if (is_too_long(call, text)) {
		call_end(call);
		return;
	}
	if (chat_message(call->server->chat, name, text))
		answer_say(&call->answer, "sent to %.*s", (int)name.len, name.ptr);
	else
		answer_fail(&call->answer, "%.*s is not online", (int)name.len, name.ptr);
	call_end(call);
}

static void announce(struct admin_call *call)
{
	size_t count = directory_count(chat_directory(call->server->chat));
	if (!is_too_long(call, call->args[0])) {
		chat_announce(call->server->chat, call->args[0]);
		answer_say(&call->answer, "sent to %zu user%s", count, count == 1 ? "" : "s");
	}
	call_end(call);
}

/* ---- the server ---- */

static void reload(struct admin_call *call)
{
	char why[NET_WHY_SIZE];
	if (!server_reload(call->server, why)) {
		answer_fail(&call->answer, "%s; the settings are as they were", why);
		call_end(call);
		return;
	}
	struct answer *a = &call->answer;
	answer_say(a, "settings and certificate were read again");
	answer_list(a, "needs_restart");
	unsigned cursor = 0;
	for (const char *key;
	     (key = settings_next_kept(&call->server->settings, &cursor)) != NULL;) {
		answer_note(a, "%s has changed too, which takes a restart", key);
		if (!a->is_json)
			continue;
		answer_row(a);
		answer_string(a, "setting", slice_str(key));
		answer_row_end(a);
	}
	answer_list_end(a);
	call_end(call);
}

static void stop_now(struct admin_call *call)
{
	server_stop(call->server);
}

static void stop(struct admin_call *call)
{
	call->after_answer = stop_now;
	answer_say(&call->answer, "the server is stopping");
	call_end(call);
}
