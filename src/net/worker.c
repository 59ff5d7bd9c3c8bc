/*
 * worker.c: a thread with its loop. A turn:
 *
 *	[ timer, sockets, mail ] -> end_turn: resume, post the mail, flush every dirty connection once, bury the dead, arm the timer -> sleep
 *
 * A turn is short, whatever a crowd does: what goes to many is flushed, deadlines that came together are met, strangers are heard (loop.h) and the dead
 * are buried in slices. A slice is counted, in pieces of work of some microseconds each: a clock would be asked as often, and tests could not count.
 */
#include <limits.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/prefetch.h"
#include "net/worker.h"

enum {
	SLOTS_AT_FIRST = 64,
	TURN_MAX_CROWD =
	    512, /* records that many get, before others have their turn: about 100 us */
};

/* ---- What others may ask ---- */

void *worker_owner(const struct worker *w)
{
	return w->owner;
}

unsigned worker_index(const struct worker *w)
{
	return w->index;
}

const struct net_config *worker_config(const struct worker *w)
{
	return &w->config;
}

uint64_t worker_now_ms(const struct worker *w)
{
	return loop_now_us(&w->loop) / 1000;
}

char *worker_alloc(struct worker *w, size_t size)
{
	return arena_alloc(&w->arena, size);
}

void worker_alloc_shrink(struct worker *w, char *newest, size_t used)
{
	arena_shrink(&w->arena, newest, used);
}

/* ---- Slots: how another thread names a connection ---- */

static bool grow_slots(struct worker *w)
{
	uint32_t count = w->slot_count ? w->slot_count * 2 : SLOTS_AT_FIRST;
	struct slot *slots = realloc(w->slots, count * sizeof(*slots));
	if (slots == NULL)
		return false;
	for (uint32_t i = w->slot_count; i < count; i++)
		slots[i] = (struct slot){ .next_free = i + 1 };
	w->slots = slots;
	w->free_slot = w->slot_count;
	w->slot_count = count;
	return true;
}

bool worker_add_conn(struct worker *w, struct conn *c)
{
	if (w->free_slot == w->slot_count && !grow_slots(w))
		return false;
	c->slot = w->free_slot;
	struct slot *slot = &w->slots[c->slot];
	w->free_slot = slot->next_free;
	slot->conn = c;
	slot->generation = ++w->generation;
	w->conn_count++;
	return true;
}

void worker_remove_conn(struct conn *c)
{
	struct worker *w = c->worker;
	w->slots[c->slot] = (struct slot){ .next_free = w->free_slot };
	w->free_slot = c->slot;
	w->conn_count--;
}

struct conn *worker_conn(struct worker *w, struct conn_id id)
{
	if (id.worker != w->index || id.slot >= w->slot_count || id.generation == 0 ||
	    w->slots[id.slot].generation != id.generation)
		return NULL;
	struct conn *c = w->slots[id.slot].conn;
	return c->state == CONN_OPEN ? c : NULL;
}

void worker_penalize(struct worker *w, const struct address *from, enum net_offence offence)
{
	penalties_add(w->net->penalties, from, offence, worker_now_ms(w));
}

bool worker_exempts(struct worker *w, const struct address *from)
{
	return penalties_exempt(w->net->penalties, from);
}

void worker_each_conn(struct worker *w, void (*each)(struct conn *c, void *arg), void *arg)
{
	for (uint32_t i = 0; i < w->slot_count; i++) {
		struct conn *c = w->slots[i].conn;
		if (c != NULL && c->state == CONN_OPEN)
			each(c, arg);
	}
}

/* ---- The end of a turn ---- */

void worker_mark_dirty(struct conn *c)
{
	if (c->in_crowd)
		list_remove(&c->dirty_node);
	c->in_crowd = false;
	if (!list_has(&c->dirty_node))
		list_append(&c->worker->dirty, &c->dirty_node);
}

void worker_mark_crowd(struct conn *c)
{
	if (list_has(&c->dirty_node))
		return;
	c->in_crowd = true;
	list_append(&c->worker->crowd, &c->dirty_node);
}

static struct conn *at(struct list *node)
{
	return list_entry(node, struct conn, dirty_node);
}

/* Of who is flushed next the cipher, of the one behind it the key, and of the third the connection: each is found only where the one before has come. */
static void prefetch_next(const struct list *list)
{
	struct list *first = list->next, *second = first->next, *third = second->next;
	if (second == list || third == list)
		return;
	stream_prefetch_cipher(&at(second)->tls);
	stream_prefetch_key(&at(third)->tls);
	if (third->next != list)
		prefetch(at(third->next), sizeof(struct conn));
}

static void flush_first(struct list *list)
{
	struct conn *c = at(list->next);
	prefetch_next(list);
	list_remove(&c->dirty_node);
	c->in_crowd = false;
	output_flush(c);
}

/* A flush may dirty others (a session that ends tells nobody today, but may): until nothing is left. */
static void flush_dirty(struct worker *w)
{
	while (!list_is_empty(&w->dirty))
		flush_first(&w->dirty);
}

/*
 * At the end of a turn: who has only what many get waits until those before it have it, and others are read meanwhile. In a turn that has said much to
 * many there was enough work, and what is said next may go out with it.
 */
static void flush_crowd(struct worker *w)
{
	unsigned slice = loop_slice(&w->loop);
	unsigned most = w->crowd_grew > TURN_MAX_CROWD / 2 ? slice / 4 : slice;
	for (unsigned n = 0; n < most && !list_is_empty(&w->crowd); n++)
		flush_first(&w->crowd);
	w->crowd_grew = 0;
}

void worker_flush(struct worker *w)
{
	flush_dirty(w);
	w->crowd_records = 0;
	output_end_turn(w);
	arena_reset(&w->arena);
}

/* Between two connections' reads. What was said in a turn of many is not left until memory is far away. */
void worker_keep_cached(struct worker *w)
{
	if (w->arena.used > CACHED_MAX_BYTES)
		worker_flush(w);
}

bool worker_ease(struct worker *w)
{
	if (w->arena.used <= TURN_MAX_BYTES && w->crowd_records <= TURN_MAX_CROWD)
		return false;
	worker_flush(w);
	return true;
}

/* Those that yield meanwhile come in the next turn. */
static void resume_all(struct worker *w)
{
	struct list now;
	list_init(&now);
	while (!list_is_empty(&w->resuming)) {
		struct list *node = w->resuming.next;
		list_remove(node);
		list_append(&now, node);
	}
	while (!list_is_empty(&now)) {
		struct conn *c = list_entry(now.next, struct conn, resume_node);
		list_remove(&c->resume_node);
		conn_resume_now(c);
		worker_ease(w);
	}
}

static uint64_t wait_of(const struct worker *w, uint64_t now_ms)
{
	uint64_t wheel_ms = wheel_wait_ms(&w->wheel, now_ms);
	if (w->alarm_due_ms == 0)
		return wheel_ms;
	uint64_t alarm_ms = w->alarm_due_ms > now_ms ? w->alarm_due_ms - now_ms : 0;
	return alarm_ms < wheel_ms ? alarm_ms : wheel_ms;
}

void worker_arm_timer(struct worker *w)
{
	uint64_t now_ms = worker_now_ms(w);
	uint64_t wait_ms = wait_of(w, now_ms);
	if (wait_ms == UINT64_MAX || (w->timer_due_ms != 0 && w->timer_due_ms <= now_ms + wait_ms))
		return;
	struct itimerspec in = { .it_value = { .tv_sec = (time_t)(wait_ms / 1000),
				     .tv_nsec = (long)(wait_ms % 1000) * 1000000 +
						1 } }; /* all 0 would be never */
	w->timer_due_ms = now_ms + wait_ms;
	timerfd_settime(w->timer.fd, 0, &in, NULL);
}

static void bury_dead(struct worker *w, unsigned most)
{
	for (unsigned n = 0; n < most && !list_is_empty(&w->dead); n++) {
		struct conn *c = list_entry(w->dead.next, struct conn, dirty_node);
		list_remove(&c->dirty_node);
		conn_bury(c);
	}
}

/* A thousand deadlines may come at once: they have their turn in slices, too. */
static void on_due(struct wheel_entry *entry, void *arg)
{
	struct worker *w = arg;
	list_append(&w->overdue, &entry->node);
}

static void run_overdue(struct worker *w)
{
	for (unsigned n = 0; n < LOOP_SLICE && !list_is_empty(&w->overdue); n++) {
		struct conn *c = list_entry(w->overdue.next, struct conn, deadline.node);
		list_remove(&c->deadline.node);
		conn_on_deadline(c);
		worker_ease(w);
	}
}

void worker_set_alarm(struct worker *w, uint64_t wait_ms, void (*alarm)(struct worker *w))
{
	w->alarm_due_ms = alarm != NULL ? worker_now_ms(w) + wait_ms : 0;
	w->alarm = alarm;
}

static void on_timer(struct loop_source *timer, uint32_t events)
{
	struct worker *w = list_entry(timer, struct worker, timer);
	uint64_t times, now_ms = worker_now_ms(w);
	if (read(timer->fd, &times, sizeof(times)) < 0)
		return; /* set anew meanwhile */
	w->timer_due_ms = 0;
	wheel_turn(&w->wheel, now_ms, on_due, w);
	if (w->alarm_due_ms != 0 && w->alarm_due_ms <= now_ms) {
		w->alarm_due_ms = 0;
		w->alarm(w);
	}
}

static void count_turn(struct worker *w)
{
	uint64_t woke_us = loop_now_us(&w->loop), now_us = clock_now_us();
	histogram_add(&w->counts.turns, now_us > woke_us ? now_us - woke_us : 0);
}

static void end_turn(struct worker *w)
{
	run_overdue(w);
	resume_all(w);
	handshakes_go_on(w);
	mail_wake_sleepers(w);
	mail_hand_over(w); /* before we encrypt: who is awake can work on it meanwhile */
	flush_dirty(w);
	flush_crowd(w);
	worker_flush(w); /* of the crowd's slice somebody may have been told that it is too slow */
	bury_dead(w, LOOP_SLICE);
	worker_arm_timer(w);
	count_turn(w);
	if (!list_is_empty(&w->resuming) || !list_is_empty(&w->crowd) ||
	    !list_is_empty(&w->overdue) || !list_is_empty(&w->dead) || handshakes_may_go_on(w))
		loop_hurry(&w->loop);
}

/* ---- Life ---- */

static void stop_run(struct worker *w, struct worker_job *job);

static bool make_buffers(struct worker *w)
{
	w->in = malloc(READ_MAX_LEN);
	w->plain = malloc(PLAIN_SIZE);
	w->outbox = calloc(w->net->worker_count, sizeof(*w->outbox));
	return w->in != NULL && w->plain != NULL && w->outbox != NULL &&
	       tls_io_init(&w->io, OUT_SIZE) && grow_slots(w);
}

static bool make_loop(struct worker *w)
{
	bool made = loop_init(&w->loop);
	w->loop.knock.ready = mail_on_knock;
	w->timer = (struct loop_source){ .ready = on_timer,
		.fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC) };
	return made && w->timer.fd >= 0 && loop_ask(&w->loop, &w->timer, EPOLLIN);
}

bool worker_prepare(struct net *net, struct worker *w, uint32_t index)
{
	w->net = net;
	w->index = index;
	w->timer.fd = w->loop.epoll_fd = w->loop.knock.fd = -1;
	w->events = net->events;
	w->config = net->config;
	SSL_CTX_up_ref(net->tls);
	w->tls = net->tls;
	w->jobs_end = &w->jobs;
	w->stop_job.run = stop_run;
	pthread_mutex_init(&w->mail_lock, NULL);
	list_init(&w->listeners);
	list_init(&w->dirty);
	list_init(&w->crowd);
	list_init(&w->overdue);
	list_init(&w->resuming);
	list_init(&w->handshakes.unhurried);
	list_init(&w->handshakes.waiting);
	list_init(&w->handshakes.owing);
	list_init(&w->dead);
	if (!make_buffers(w) || !make_loop(w))
		return false;
	wheel_init(&w->wheel, worker_now_ms(w));
	for (size_t i = 0; i < net->listen_count; i++) {
		int *fd = &net->listen_fds[index * net->listen_count + i];
		if (!listener_add(w, *fd))
			return false;
		*fd = -1; /* the listener's now */
	}
	return w->events->worker_started(w, net->arg, &w->owner);
}

static void *run(void *arg)
{
	struct worker *w = arg;
	for (end_turn(w); !w->stopping || w->conn_count > 0; end_turn(w))
		loop_turn(&w->loop);
	mail_wake_sleepers(w); /* there is no next turn */
	return NULL;
}

int worker_start(struct worker *w)
{
	return pthread_create(&w->thread, NULL, run, w);
}

static void drop_everybody(struct worker *w)
{
	for (uint32_t i = 0; i < w->slot_count; i++) {
		if (w->slots[i].conn != NULL)
			conn_lose(w->slots[i].conn, "server closing");
	}
}

static void stop_run(struct worker *w, struct worker_job *job)
{
	w->stopping = true;
	listener_close_all(w);
	for (uint32_t i = 0; i < w->slot_count; i++) {
		if (w->slots[i].conn != NULL)
			conn_stop(w->slots[i].conn);
		worker_ease(w);
	}
	worker_set_alarm(w, w->stop_wait_ms, drop_everybody); /* which nobody else needs any more */
}

/* The thread has ended, or never began: what is left in the loop is closed here. */
void worker_release(struct worker *w)
{
	if (w->net == NULL)
		return;
	mail_run_late_jobs(w);
	listener_close_all(w);
	drop_everybody(w);
	bury_dead(w, UINT_MAX);
	loop_clear(&w->loop);
	if (w->timer.fd >= 0)
		close(w->timer.fd);
	if (w->owner != NULL)
		w->events->worker_stopped(w, w->owner);
	for (unsigned i = 0; w->outbox != NULL && i < w->net->worker_count; i++)
		buffer_clear(&w->outbox[i]);
	free(w->outbox);
	buffer_clear(&w->inbox);
	buffer_clear(&w->reading);
	output_end_turn(w);
	arena_clear(&w->arena);
	tls_io_clear(&w->io);
	free(w->in);
	free(w->plain);
	free(w->slots);
	SSL_CTX_free(w->tls);
	pthread_mutex_destroy(&w->mail_lock);
}
