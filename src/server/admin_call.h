/*
 * admin_call.h: a command of the administrator at work, between its transport (admin.c) and its handler (admin_commands.c and others).
 *
 * A handler starts on the main thread and ends with call_end(), at once or after any number of steps elsewhere: each
 * call_store() or call_work() names the function that goes on, on the main thread, when that is done.
 */
#ifndef SERVER_ADMIN_CALL_H
#define SERVER_ADMIN_CALL_H

#include <stdatomic.h>
#include <uv.h>

#include "base/list.h"
#include "server/admin_request.h"
#include "server/answer.h"
#include "server/server.h"
#include "store/store.h"

struct admin;
struct admin_call;
typedef void call_fn(struct admin_call *call);

struct admin_call {
	struct server *server;
	const struct slice *args; /* what follows the command's own words */
	size_t arg_count;
	struct slice body;
	struct answer answer;

	struct store_request request; /* for call_store() by a handler that needs one at a time */
	char hash[STORE_HASH_SIZE];   /* for the work of making one */
	void *own;                    /* the handler's; it frees it before call_end() */
	call_fn *after_answer;        /* what is to be done once the answer is out, or NULL */

	/* admin.c's own. */
	struct admin *admin;
	struct list ready;
	call_fn *next;
	call_fn *work;
	uv_work_t job;
	atomic_size_t unanswered;
};

/* What the log says of a command: nothing usually, that it was given, or also its first argument, a name or an address. */
enum command_log { LOG_AS_DEBUG, LOG_COMMAND, LOG_COMMAND_AND_NAME };

/* One command: a row of admin_commands.c. */
struct admin_command {
	const char *words; /* "user add" */
	size_t min_args, max_args;
	call_fn *run;
	enum command_log log;
};

/* The command that a request begins with and how many words it has of its own; NULL: there is none. */
const struct admin_command *admin_command_find(
    const struct admin_request *request, size_t *word_count_r);

/* The call is over: its answer is as it shall be sent. */
void call_end(struct admin_call *call);

/* Hands requests to the store; next() follows when all are answered. Their done and arg are set here. count > 0. */
void call_store(
    struct admin_call *call, struct store_request *requests, size_t count, call_fn *next);

/* Runs work() on a thread that may be kept waiting; next() follows. */
void call_work(struct admin_call *call, call_fn *work, call_fn *next);

/* The socket of who asks, to write to before call_end(), from call_work() (it does not block); the caller closes it. -1: no descriptor. */
int call_socket(struct admin_call *call);

/* The server is about to end: what takes long should stop. */
bool call_is_cancelled(const struct admin_call *call);

/* An argument as a string; one that is too long for any name comes out as "". */
void call_arg_str(const struct admin_call *call, size_t index, char to[static STORE_NAME_SIZE]);

/* Handlers that stand in files of their own. */
call_fn admin_user_add, admin_user_passwd, admin_user_delete, admin_user_list, admin_user_import;
call_fn admin_online, admin_kick, admin_message, admin_announce;
call_fn admin_ban, admin_unban, admin_bans;
call_fn admin_penalties_list, admin_penalties_clear;
call_fn admin_backup;
call_fn admin_files_list, admin_files_delete;

/* Says in the answer that the store did not do it. */
void call_fail_unavailable(struct admin_call *call);

/* What follows on a list that the store gave through request: ends the answer's list, and the call. */
call_fn call_end_list;

#endif
