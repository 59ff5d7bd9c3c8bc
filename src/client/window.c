#include "client/window.h"

#include <stdlib.h>

static uint64_t settle_ms(const struct window *w)
{
	return WINDOW_SETTLE_MS + 3 * (uint64_t)w->round_trip_ms;
}

static void forget(struct window *w)
{
	w->count = w->bytes = w->pieces = w->refused = 0;
	w->overflowed = false;
	w->look_ms = UINT64_MAX;
}

void window_init(struct window *w)
{
	*w = (struct window){ 0 };
	list_init(&w->texts);
	forget(w);
}

void window_clear(struct window *w)
{
	list_each_safe(node, &w->texts) {
		list_remove(node);
		free(list_entry(node, struct outgoing, node));
	}
	forget(w);
}

static void drop(struct window *w, struct outgoing *o)
{
	list_remove(&o->node);
	w->count--;
	w->bytes -= o->text_len;
	if (o->verb == QUERY_MSG)
		w->pieces -= o->pieces;
	free(o);
}

/*
 * Settled texts leave, but for the newest: a late CNT is most likely its own. While CNTs are being matched nothing leaves.
 */
static void age(struct window *w, uint64_t now_ms)
{
	w->look_ms = UINT64_MAX;
	list_each_safe(node, &w->texts) {
		struct outgoing *o = list_entry(node, struct outgoing, node);
		uint64_t due_ms = o->sent_ms + settle_ms(w);
		o->is_settled |= w->acknowledged && now_ms >= due_ms;
		if (!o->is_settled) { /* and so are those behind it */
			w->look_ms = due_ms > now_ms ? due_ms : now_ms + WINDOW_LOOK_MS;
			break;
		}
		if (w->refused == 0) {
			w->overflowed = false; /* what had no room was older still */
			if (w->count > 1)
				drop(w, o);
		}
	}
}

static bool is_too_full(const struct window *w)
{
	return w->count > 1 && (w->count > WINDOW_MAX_TEXTS || w->bytes > WINDOW_MAX_BYTES);
}

void window_add(struct window *w, struct outgoing *o, uint64_t now_ms)
{
	o->sent_ms = now_ms;
	list_append(&w->texts, &o->node);
	w->count++;
	w->bytes += o->text_len;
	if (o->verb == QUERY_MSG)
		w->pieces += o->pieces;
	age(w, now_ms);
	list_each_safe(node, &w->texts) {
		if (!is_too_full(w))
			break;
		drop(w, list_entry(node, struct outgoing, node));
		w->overflowed = true;
	}
}

void window_refused(struct window *w, uint64_t now_ms)
{
	age(w, now_ms);
	if (w->refused++ == 0)
		w->refused_ms = now_ms;
}

void window_tick(struct window *w, uint64_t now_ms, bool acknowledged, unsigned round_trip_ms)
{
	w->acknowledged = acknowledged;
	w->round_trip_ms = round_trip_ms;
	age(w, now_ms);
}

uint64_t window_look_ms(const struct window *w)
{
	return w->look_ms;
}

uint64_t window_give_up_ms(const struct window *w)
{
	return w->refused == 0 ? UINT64_MAX : w->refused_ms + settle_ms(w) / 2;
}

static void move_all(struct window *w, struct list *to)
{
	list_each_safe(node, &w->texts) {
		list_remove(node);
		list_append(to, node);
	}
	forget(w);
}

enum window_case window_resolve(
    struct window *w, bool can_come, bool is_final, size_t *count_r, struct list *texts_r)
{
	enum window_case outcome;
	*count_r = w->refused;
	if (w->refused == 0)
		return WINDOW_OPEN;
	if (!w->overflowed && !can_come && w->refused == w->pieces)
		outcome = WINDOW_CLEAR;
	else if (!is_final)
		return WINDOW_OPEN;
	else if (!w->overflowed && w->refused <= w->pieces)
		outcome = WINDOW_UNCLEAR;
	else
		outcome = WINDOW_UNKNOWN;
	move_all(w, texts_r);
	return outcome;
}

void window_lost(struct window *w, struct list *texts_r)
{
	list_each_safe(node, &w->texts) {
		struct outgoing *o = list_entry(node, struct outgoing, node);
		list_remove(node);
		if (w->acknowledged || o->is_settled)
			free(o);
		else
			list_append(texts_r, node);
	}
	forget(w);
}
