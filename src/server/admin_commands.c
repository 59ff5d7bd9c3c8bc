/* admin_commands.c: the table of the administrator's commands, and those about the server itself. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "server/admin_call.h"
#include "server/metrics.h"

static call_fn status, reload, stop;

/* messagerctl has a table of its own with the same words (src/ctl/commands.c). */
static const struct admin_command commands[] = {
	{ "status", 0, 0, status, LOG_AS_DEBUG },
	{ "online", 0, 1, admin_online, LOG_AS_DEBUG },
	{ "user add", 1, 1, admin_user_add, LOG_COMMAND_AND_NAME },
	{ "user passwd", 1, 1, admin_user_passwd, LOG_COMMAND_AND_NAME },
	{ "user delete", 1, 1, admin_user_delete, LOG_COMMAND_AND_NAME },
	{ "user list", 0, 0, admin_user_list, LOG_AS_DEBUG },
	{ "user import", 0, 0, admin_user_import, LOG_COMMAND },
	{ "kick", 1, 1, admin_kick, LOG_COMMAND_AND_NAME },
	{ "ban", 1, 1, admin_ban, LOG_COMMAND_AND_NAME },
	{ "unban", 1, 1, admin_unban, LOG_COMMAND_AND_NAME },
	{ "bans", 0, 0, admin_bans, LOG_AS_DEBUG },
	{ "penalties list", 0, 0, admin_penalties_list, LOG_AS_DEBUG },
	{ "penalties clear", 0, 1, admin_penalties_clear, LOG_COMMAND },
	{ "files list", 0, 1, admin_files_list, LOG_AS_DEBUG },
	{ "files delete", 2, 2, admin_files_delete, LOG_COMMAND_AND_NAME },
	{ "backup", 0, 0, admin_backup, LOG_COMMAND },
	{ "message", 2, 2, admin_message, LOG_COMMAND_AND_NAME },
	{ "announce", 1, 1, admin_announce, LOG_COMMAND },
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
