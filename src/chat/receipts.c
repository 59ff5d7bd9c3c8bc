#include "chat/receipts.h"

#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "chat/session.h"

static bool is_empty(const struct receipts *r)
{
	return r->first == r->end;
}

/* Room for one more. false: no memory. */
static bool make_room(struct receipts *r)
{
	if (r->first > 0) {
		memmove(r->all, r->all + r->first, (r->end - r->first) * sizeof(*r->all));
		r->end -= r->first;
		r->first = 0;
	}
	if (r->end < r->cap)
		return true;
	size_t cap = r->cap ? r->cap * 2 : 8;
	struct receipt *all = realloc(r->all, cap * sizeof(*all));
	if (all == NULL)
		return false;
	r->all = all;
	r->cap = cap;
	return true;
}

void receipts_add(struct session *s, int64_t id)
{
	struct receipts *r = &s->receipts;
	if (r->end == r->cap && !make_room(r))
		return;
	r->all[r->end++] = (struct receipt){ id, UINT64_MAX };
	r->wait_ms = RECEIPTS_FIRST_WAIT_MS;
	r->due_ms = session_now_ms(s) + r->wait_ms;
	session_rearm(s);
}

static void removed(struct store_request *request)
{
	free(request);
}

/* false: no memory; it may be tried again. */
static bool remove_file(struct session *s, int64_t id)
{
	struct store_request *request = calloc(1, sizeof(*request));
	if (request == NULL)
		return false;
	request->call = STORE_FILE_REMOVE;
	request->done = removed;
	request->id = id;
	memcpy(request->name, s->user.name,
	    sizeof(s->user.name)); /* so that it is in order with other calls of that user */
	fault_point("download-remove");
	store_submit(s->here->chat->store, request);
	return true;
}

void receipts_check(struct session *s)
{
	struct receipts *r = &s->receipts;
	if (is_empty(r))
		return;
	/* What was sent in this turn is not flushed: to note it late is safe. */
	for (size_t i = r->end; i-- > r->first && conn_is_flushed(s->conn);) {
		if (r->all[i].flushed_bytes != UINT64_MAX)
			break;
		r->all[i].flushed_bytes = conn_flushed_bytes(s->conn);
	}
	uint64_t acknowledged = conn_acknowledged_bytes(s->conn);
	while (!is_empty(r) && r->all[r->first].flushed_bytes <= acknowledged &&
	       remove_file(s, r->all[r->first].id))
		r->first++;
	if (is_empty(r))
		receipts_clear(s);
}

bool receipts_has(const struct session *s, int64_t id)
{
	const struct receipts *r = &s->receipts;
	for (size_t i = r->first; i < r->end; i++) {
		if (r->all[i].id == id)
			return true;
	}
	return false;
}

uint64_t receipts_due_ms(const struct session *s)
{
	return is_empty(&s->receipts) ? UINT64_MAX : s->receipts.due_ms;
}

void receipts_due(struct session *s)
{
	struct receipts *r = &s->receipts;
	if (session_now_ms(s) < receipts_due_ms(s))
		return;
	receipts_check(s);
	if (r->wait_ms < RECEIPTS_LONGEST_WAIT_MS / 2)
		r->wait_ms *= 2;
	else
		r->wait_ms = RECEIPTS_LONGEST_WAIT_MS;
	r->due_ms = session_now_ms(s) + r->wait_ms;
}

void receipts_clear(struct session *s)
{
	free(s->receipts.all);
	s->receipts = (struct receipts){ 0 };
}
