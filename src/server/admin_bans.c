/* admin_bans.c: who may not come in: kept in the store, and in force at once. */
#include <string.h>

#include "base/clock.h"
#include "net/address.h"
#include "protocol/name.h"
#include "server/admin_call.h"

/*
 * The argument as it is kept: a user name, or an address in its usual form, so that each address has one. false: it is
 * neither.
 */
static bool read_target(const struct admin_call *call, char to[static STORE_NAME_SIZE])
{
	struct address address;
	_Static_assert((int)ADDRESS_TEXT_SIZE <= (int)STORE_NAME_SIZE, "an address is kept whole");
	call_arg_str(call, 0, to);
	if (address_parse(to, &address)) {
		address_text(&address, to);
		return true;
	}
	return name_check(slice_str(to)) == NAME_OK;
}

static void after_ban(struct admin_call *call)
{
	const struct store_request *r = &call->request;
	if (r->status == STORE_TAKEN) {
		answer_fail(&call->answer, "%s is banned already", r->name);
	} else if (r->status != STORE_OK) {
		call_fail_unavailable(call);
	} else if (!chat_ban(call->server->chat, r->name)) {
		answer_fail(&call->answer,
		    "no memory: the ban of %s is kept, but in force only after a restart", r->name);
	} else {
		answer_say(&call->answer, "%s is banned", r->name);
	}
	call_end(call);
}

static void after_unban(struct admin_call *call)
{
	const struct store_request *r = &call->request;
	if (r->status == STORE_OK) {
		chat_unban(call->server->chat, r->name);
		answer_say(&call->answer, "%s may come in again", r->name);
	} else if (r->status == STORE_NONE) {
		answer_fail(&call->answer, "%s is not banned", r->name);
	} else {
		call_fail_unavailable(call);
	}
	call_end(call);
}

static void change(struct admin_call *call, enum store_call what, call_fn *next)
{
	call->request.call = what;
	call->request.created_ms = clock_wall_ms();
	if (read_target(call, call->request.name)) {
		call_store(call, &call->request, 1, next);
		return;
	}
	answer_fail(&call->answer, "%.*s is neither a user name nor an IP address",
	    (int)call->args[0].len, call->args[0].ptr);
	call_end(call);
}

void admin_ban(struct admin_call *call)
{
	change(call, STORE_BAN_ADD, after_ban);
}

void admin_unban(struct admin_call *call)
{
	change(call, STORE_BAN_DELETE, after_unban);
}

/* On the store's thread, which has the answer to itself until it is done. */
static void list_ban(struct store_request *request, const char *name, int64_t created_ms)
{
	struct admin_call *call = request->arg;
	answer_row(&call->answer);
	answer_string(&call->answer, "name", slice_str(name));
	answer_time(&call->answer, "since", created_ms);
	answer_row_end(&call->answer);
}

void admin_bans(struct admin_call *call)
{
	answer_list(&call->answer, "bans");
	call->request.call = STORE_BAN_LIST;
	call->request.each_ban = list_ban;
	call_store(call, &call->request, 1, call_end_list);
}
