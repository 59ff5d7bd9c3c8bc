#include "client/upload.h"

void upload_queue(struct upload *u, upload_read_fn *read, void *ctx)
{
	*u = (struct upload){ .state = UPLOAD_QUEUED, .read = read, .ctx = ctx };
}

void upload_begin(struct upload *u, bool original, uint64_t now_ms)
{
	u->state = UPLOAD_SENDING;
	u->original = original;
	u->begun_ms = now_ms;
}

bool upload_is_on(const struct upload *u)
{
	return u->state > UPLOAD_QUEUED;
}

static uint64_t ready_ms(const struct upload *u)
{
	if (u->state == UPLOAD_SENDING)
		return u->begun_ms + (u->original ? UPLOAD_ORIGINAL_FIRST_MS : 0);
	if (u->state == UPLOAD_ENDING)
		return u->begun_ms + (u->original ? UPLOAD_ORIGINAL_END_MS : 0);
	return u->state == UPLOAD_REFUSED_EARLY ? u->begun_ms : UINT64_MAX;
}

uint64_t upload_wait_ms(const struct upload *u)
{
	bool waits = u->original && (u->state == UPLOAD_ENDING || u->sent_bytes == 0);
	return waits ? ready_ms(u) : UINT64_MAX;
}

bool upload_is_ready(const struct upload *u, uint64_t now_ms)
{
	return now_ms >= ready_ms(u);
}

static size_t next_bytes(struct upload *u, uint64_t now_ms, char out[static RECORD_MAX_LEN])
{
	if (u->original && now_ms >= u->begun_ms + UPLOAD_ORIGINAL_LAST_MS) {
		u->was_cut = u->read(u->ctx, out, 1) != 0;
		u->state = UPLOAD_ENDING;
		return 0;
	}
	ssize_t got = u->read(u->ctx, out, RECORD_MAX_LEN);
	if (got < 0)
		u->state = UPLOAD_FAILED;
	else if (got == 0)
		u->state = UPLOAD_ENDING;
	else
		u->sent_bytes += (uint64_t)got;
	return got > 0 ? (size_t)got : 0;
}

size_t upload_next(
    struct upload *u, struct slice token, uint64_t now_ms, char out[static RECORD_MAX_LEN])
{
	if (u->state == UPLOAD_SENDING && upload_is_ready(u, now_ms)) {
		size_t len = next_bytes(u, now_ms, out);
		if (len > 0)
			return len;
	}
	if (u->state == UPLOAD_SENDING || !upload_is_ready(u, now_ms))
		return 0;
	u->state = u->state == UPLOAD_ENDING ? UPLOAD_ANSWERING : UPLOAD_NONE;
	u->ended_ms = now_ms;
	struct query end = { .verb = QUERY_ENDF, .token = token };
	return query_write(&end, QUERY_FROM_CLIENT, out);
}

enum upload_answer upload_take_answer(struct upload *u, struct slice words)
{
	bool is_complete = slice_equal(words, SLICE("<upload complete>"));
	if (u->state < UPLOAD_SENDING || u->state > UPLOAD_ANSWERING ||
	    (!is_complete && !slice_equal(words, SLICE("<problem with command>"))))
		return UPLOAD_NO_ANSWER;
	/* Complete before its end is out: that is not this file. */
	is_complete = is_complete && u->state == UPLOAD_ANSWERING && !u->was_cut;
	bool is_early = !u->original && (u->state == UPLOAD_SENDING || u->state == UPLOAD_ENDING);
	u->state = is_early ? UPLOAD_REFUSED_EARLY : UPLOAD_NONE;
	return is_complete ? UPLOAD_COMPLETE : UPLOAD_REFUSED;
}

void upload_delay(struct upload *u, uint64_t now_ms)
{
	if (u->state == UPLOAD_ANSWERING)
		u->ended_ms = now_ms;
}

uint64_t upload_give_up_ms(const struct upload *u)
{
	return u->state == UPLOAD_ANSWERING ? u->ended_ms + UPLOAD_ANSWER_LIMIT_MS : UINT64_MAX;
}
