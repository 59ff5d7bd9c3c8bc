/* admin_accounts.c: accounts, one at a time. */
#include <sodium.h>
#include <string.h>

#include "base/clock.h"
#include "chat/password.h"
#include "protocol/name.h"
#include "server/admin_call.h"

/* ---- add, passwd ---- */

static void make_hash(struct admin_call *call)
{
	const struct chat_config *config = &call->server->settings.chat;
	struct password_cost cost = { .memory_bytes = config->password_memory_bytes,
		.passes = config->password_passes };
	if (!password_hash(call->body, &cost, call->hash))
		call->hash[0] = '\0';
}

static void after_set_password(struct admin_call *call)
{
	struct store_request *r = &call->request;
	bool is_new = r->call == STORE_ACCOUNT_ADD;
	if (r->status == STORE_OK)
		answer_say(
		    &call->answer, is_new ? "%s can log in" : "%s has a new password", r->name);
	else if (r->status == STORE_TAKEN)
		answer_fail(&call->answer,
		    "there is an account %s; user passwd changes its password", r->name);
	else if (r->status == STORE_NONE)
		answer_fail(&call->answer, "there is no account %s; user add makes one", r->name);
	else
		call_fail_unavailable(call);
	store_request_wipe(r);
	call_end(call);
}

static void store_hash(struct admin_call *call)
{
	if (call->hash[0] == '\0') {
		answer_fail(&call->answer,
		    "there is no memory for hashing the password (login.password_memory)");
		call_end(call);
		return;
	}
	memcpy(call->request.hash, call->hash, sizeof(call->request.hash));
	sodium_memzero(call->hash, sizeof(call->hash));
	call->request.created_ms = clock_wall_ms();
	call_store(call, &call->request, 1, after_set_password);
}

static void set_password(struct admin_call *call, enum store_call what)
{
	uint64_t min_len = call->server->settings.chat.min_password_length;
	if (!password_is_allowed(call->body, (size_t)min_len)) {
		answer_fail(&call->answer,
		    "this password can't be: it takes %llu to %d bytes, no control bytes, no space at an end",
		    (unsigned long long)min_len, PASSWORD_MAX_LEN);
		call_end(call);
		return;
	}
	call->request.call = what;
	call_arg_str(call, 0, call->request.name);
	call_work(call, make_hash, store_hash);
}

void admin_user_add(struct admin_call *call)
{
	static const char *const faults[] = {
		[NAME_CHARACTERS] = "it may have letters, digits and _ only",
		[NAME_LENGTH] = "it may have 1 to 32 characters",
		[NAME_IS_RESERVED] = "it is reserved",
	};
	enum name_fault fault = name_check(call->args[0]);
	if (fault == NAME_OK) {
		set_password(call, STORE_ACCOUNT_ADD);
		return;
	}
	answer_fail(&call->answer, "this name can't be: %s", faults[fault]);
	call_end(call);
}

void admin_user_passwd(struct admin_call *call)
{
	set_password(call, STORE_ACCOUNT_SET_HASH);
}

/* ---- delete ---- */

static void after_delete(struct admin_call *call)
{
	const struct store_request *r = &call->request;
	if (r->status == STORE_OK) {
		bool was_online = chat_end_user(call->server->chat, slice_str(r->name), "kicked");
		if (!was_online)
			chat_end_user_elsewhere(call->server->chat, slice_str(r->name), "kicked");
		answer_say(&call->answer,
		    was_online ? "%s is deleted and off-line now" : "%s is deleted", r->name);
	} else if (r->status == STORE_NONE) {
		answer_fail(&call->answer, "there is no account %s", r->name);
	} else {
		call_fail_unavailable(call);
	}
	call_end(call);
}

void admin_user_delete(struct admin_call *call)
{
	call->request.call = STORE_ACCOUNT_DELETE;
	call_arg_str(call, 0, call->request.name);
	call_store(call, &call->request, 1, after_delete);
}

/* ---- list ---- */

/* On the store's thread, which has the answer to itself until it is done. */
static void list_account(
    struct store_request *request, const char *name, const char *hash, int64_t created_ms)
{
	struct admin_call *call = request->arg;
	struct answer *a = &call->answer;
	bool is_imported = strncmp(hash, "legacy:", 7) == 0;
	answer_row(a);
	answer_string(a, "name", slice_str(name));
	answer_time(a, "created", created_ms);
	answer_string(a, "password", is_imported ? SLICE("imported") : SLICE("own"));
	answer_row_end(a);
}

void admin_user_list(struct admin_call *call)
{
	answer_list(&call->answer, "accounts");
	call->request.call = STORE_ACCOUNT_LIST;
	call->request.each_account = list_account;
	call_store(call, &call->request, 1, call_end_list);
}
