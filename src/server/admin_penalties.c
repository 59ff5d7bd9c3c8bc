/* admin_penalties.c: addresses that have misbehaved of late (net/penalties.h). */
#include <stdio.h>

#include "net/address.h"
#include "server/admin_call.h"

/* Under the penalties' lock: a line is short work, and there are few. */
static void list_penalty(const struct net_penalty *penalty, void *arg)
{
	struct answer *a = arg;
	char host[ADDRESS_TEXT_SIZE], text[ADDRESS_TEXT_SIZE + 4];
	address_text(&penalty->source, host);
	snprintf(text, sizeof(text), "%s%s", host, address_is_ipv4(&penalty->source) ? "" : "/64");
	answer_row(a);
	answer_string(a, "address", slice_str(text));
	answer_number(a, "seconds", (int64_t)(penalty->owes_ms + 999) / 1000);
	answer_string(a, "state", slice_str(penalty->is_refused ? "refused" : "noted"));
	answer_row_end(a);
}

void admin_penalties_list(struct admin_call *call)
{
	answer_list(&call->answer, "penalties");
	net_each_penalty(call->server->net, list_penalty, &call->answer);
	answer_list_end(&call->answer);
	call_end(call);
}

void admin_penalties_clear(struct admin_call *call)
{
	char text[STORE_NAME_SIZE];
	struct address address;
	bool is_one = call->arg_count > 0;
	if (is_one)
		call_arg_str(call, 0, text);
	if (is_one && !address_parse(text, &address)) {
		answer_fail(&call->answer, "%.*s is no IP address", (int)call->args[0].len,
		    call->args[0].ptr);
		call_end(call);
		return;
	}
	size_t count = net_clear_penalties(call->server->net, is_one ? &address : NULL);
	if (is_one && count == 0)
		answer_fail(&call->answer, "%s has no penalties", text);
	else
		answer_say(
		    &call->answer, "%zu address%s forgiven", count, count == 1 ? " is" : "es are");
	call_end(call);
}
