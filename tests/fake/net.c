/*
 * net.c: stands in for net/: connections without sockets. A turn of a worker is the real one's: jobs, mail, what came in, what was resumed,
 * mail to the others, what goes out.
 */
#include "fake/inside.h"

enum {
	LEFT_OVER_MAX = 128 * 1024,  /* that an owner may leave */
	TURN_MAX_BYTES = 256 * 1024, /* queued in one turn before it is flushed early */
	RECORD_OVERHEAD = 22,
	SETTLED_STEPS_MAX = 1000 * 1000, /* more: it goes in circles */
};

static const struct net_events *const events = &chat_net_events;

/* ---- Lengths and bytes in a buffer ---- */

void fake_put_piece(struct buffer *b, struct slice bytes)
{
	FAKE_MUST(buffer_append(b, &bytes.len, sizeof(bytes.len)) && buffer_append_slice(b, bytes));
}

/* false: there is none. The piece stays until drop_piece(). */
static bool first_piece(const struct buffer *b, struct slice *bytes_r)
{
	struct slice all = buffer_slice(b);
	size_t len;
	if (all.len == 0)
		return false;
	memcpy(&len, all.ptr, sizeof(len));
	*bytes_r = slice_of(all.ptr + sizeof(len), len);
	return true;
}

static void drop_piece(struct buffer *b)
{
	struct slice first;
	if (first_piece(b, &first))
		buffer_take(b, sizeof(first.len) + first.len);
}

/* ---- A connection ---- */

struct conn_id conn_id(const struct conn *c)
{
	return (struct conn_id){ c->worker->index, c->slot, c->generation };
}

struct worker *conn_worker(const struct conn *c)
{
	return c->worker;
}

void *conn_owner(const struct conn *c)
{
	return c->owner;
}

void conn_set_owner(struct conn *c, void *owner)
{
	c->owner = owner;
}

const struct address *conn_address(const struct conn *c)
{
	return &c->address;
}

X509 *conn_peer_certificate(const struct conn *c)
{
	return NULL; /* which has no peer certificate */
}

bool conn_is_open(const struct conn *c)
{
	return c->is_open;
}

uint64_t conn_last_sent_ms(const struct conn *c)
{
	return c->last_sent_ms;
}

size_t conn_queued_bytes(const struct conn *c)
{
	return c->backlog.len;
}

bool conn_is_flushed(const struct conn *c)
{
	return c->records.len == 0;
}

uint64_t conn_flushed_bytes(const struct conn *c)
{
	return c->flushed_bytes;
}

uint64_t conn_acknowledged_bytes(const struct conn *c)
{
	return c->acknowledged_bytes;
}

void conn_spare(struct conn *c, size_t bytes)
{
	c->spared_bytes = bytes;
}

void conn_set_deadline(struct conn *c, uint64_t due_ms)
{
	c->due_ms = due_ms;
}

void conn_authenticated(struct conn *c)
{
	c->is_authenticated = true;
}

void worker_penalize(struct worker *w, const struct address *from, enum net_offence offence)
{
}

bool worker_exempts(struct worker *w, const struct address *from)
{
	return false;
}

void conn_send(struct conn *c, struct slice bytes)
{
	if (!c->is_open)
		return;
	FAKE_MUST(bytes.len > 0 && bytes.len <= RECORD_MAX_LEN);
	fake_put_piece(&c->records, bytes);
	c->worker->queued_bytes += bytes.len;
	c->last_sent_ms = c->worker->fake->now_ms;
}

void conn_send_block(struct conn *c, struct slice bytes)
{
	conn_send(c, bytes);
}

void conn_prefetch(const struct conn *c)
{
	(void)c;
}

void conn_send_to_many(struct conn *c, struct kept *many)
{
	conn_send(c, slice_of(many->bytes, many->len));
}

void conn_pause(struct conn *c)
{
	c->is_paused = true;
}

void conn_resume(struct conn *c)
{
	if (!c->is_open || !c->is_paused)
		return;
	c->is_paused = false;
	c->is_resuming = true;
}

void conn_yield(struct conn *c)
{
	if (c->is_paused)
		return;
	conn_pause(c);
	conn_resume(c);
}

static void end(struct conn *c)
{
	c->is_open = c->is_resuming = false;
	c->owner = NULL;
	c->due_ms = UINT64_MAX;
	buffer_clear(&c->reads);
	buffer_clear(&c->left_over);
}

void conn_close(struct conn *c)
{
	FAKE_MUST(c->is_open);
	end(c);
	c->is_closing = true;
}

void conn_abort(struct conn *c)
{
	FAKE_MUST(c->is_open);
	end(c);
	buffer_clear(&c->records);
	FAKE_MUST(buffer_printf(&c->heard, "aborted\n"));
}

void fake_lose(struct conn *c, const char *reason)
{
	if (!c->is_open)
		return;
	c->is_open = false;
	events->lost(c, reason);
	end(c);
	buffer_clear(&c->records);
}

/* ---- Out ---- */

static void hear(struct conn *c, struct slice record)
{
	const char *before = "", *after = "\n";
	const struct fake *f = c->worker->fake;
	c->acknowledged_bytes += record.len + RECORD_OVERHEAD;
	if (f->on_record != NULL)
		f->on_record(f->on_record_arg, c, record);
	if (slice_ends(record, SLICE(" \r\n"))) {
		record.len -= 3;
	} else {
		before = "[";
		after = "]\n";
	}
	FAKE_MUST(buffer_printf(&c->heard, "%s", before) &&
		  buffer_append_slice(&c->heard, record) && buffer_printf(&c->heard, "%s", after));
}

static bool push_out(struct conn *c)
{
	struct slice record;
	bool any = false;
	while (c->takes && first_piece(&c->backlog, &record)) {
		hear(c, record);
		drop_piece(&c->backlog);
		any = true;
	}
	if (c->backlog.len > 0)
		return any;
	c->spared_bytes = 0;
	if (c->is_closing && c->records.len == 0) {
		c->is_closing = false;
		FAKE_MUST(buffer_printf(&c->heard, "closed\n"));
	}
	return any;
}

static void flush(struct conn *c)
{
	struct slice record;
	bool was_waiting = c->backlog.len > 0;
	while (first_piece(&c->records, &record)) {
		c->flushed_bytes += record.len + RECORD_OVERHEAD;
		fake_put_piece(&c->backlog, record);
		drop_piece(&c->records);
	}
	push_out(c);
	c->was_full = c->was_full || (c->backlog.len > 0 && !was_waiting);
	uint64_t limit = c->worker->fake->config.output_limit_bytes;
	if (c->is_open && limit != 0 && c->backlog.len > limit + c->spared_bytes)
		events->overflowed(c);
}

void fake_flush(struct worker *w)
{
	for (struct conn *c = w->fake->conns; c != NULL; c = c->next) {
		while (c->worker == w && (c->records.len > 0 || (c->is_closing && c->takes)))
			flush(c);
	}
	while (w->blocks != NULL) {
		struct block *block = w->blocks;
		w->blocks = block->next;
		free(block);
	}
	w->queued_bytes = 0;
}

/* ---- A worker ---- */

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
	return &w->fake->config;
}

uint64_t worker_now_ms(const struct worker *w)
{
	return w->fake->now_ms;
}

struct conn *worker_conn(struct worker *w, struct conn_id id)
{
	FAKE_MUST(id.worker == w->index);
	for (struct conn *c = w->fake->conns; c != NULL; c = c->next) {
		if (c->is_open && c->worker == w && c->generation == id.generation)
			return c;
	}
	return NULL;
}

void worker_each_conn(struct worker *w, void (*each)(struct conn *c, void *arg), void *arg)
{
	for (struct conn *c = w->fake->conns; c != NULL; c = c->next) {
		if (c->is_open && c->worker == w)
			each(c, arg);
	}
}

char *worker_alloc(struct worker *w, size_t size)
{
	struct block *block = malloc(sizeof(*block) + size);
	FAKE_MUST(block != NULL);
	block->next = w->blocks;
	w->blocks = block;
	return (char *)(block + 1);
}

struct kept *worker_keep(struct worker *w, struct slice bytes)
{
	struct kept *many = (struct kept *)(void *)worker_alloc(w, sizeof(*many) + bytes.len);
	*many = (struct kept){ .len = bytes.len };
	memcpy(many->bytes, bytes.ptr, bytes.len);
	return many;
}

void worker_alloc_shrink(struct worker *w, char *newest, size_t used)
{
}

bool worker_ease(struct worker *w)
{
	if (w->queued_bytes < TURN_MAX_BYTES)
		return false;
	fake_flush(w);
	return true;
}

bool worker_post(struct worker *from, struct worker *to, struct slice bytes)
{
	fake_put_piece(from != NULL ? &from->outbox[to->index] : &to->inbox, bytes);
	return true;
}

bool worker_is_behind(const struct worker *to)
{
	return to->inbox.len > MAIL_HIGH_BYTES;
}

void worker_post_job(struct worker *to, struct worker_job *job)
{
	job->next = NULL;
	*to->jobs_end = job;
	to->jobs_end = &job->next;
}

unsigned net_worker_count(const struct net *net)
{
	return FAKE_WORKERS;
}

struct worker *net_worker(struct net *net, unsigned index)
{
	return &net->workers[index];
}

/* ---- A turn ---- */

static bool run_jobs(struct worker *w)
{
	struct worker_job *jobs = w->jobs;
	bool any = jobs != NULL;
	w->jobs = NULL;
	w->jobs_end = &w->jobs;
	while (jobs != NULL) {
		struct worker_job *job = jobs;
		jobs = job->next;
		job->run(w, job);
		worker_ease(w);
	}
	return any;
}

static bool read_mail(struct worker *w)
{
	struct buffer mail = w->inbox;
	struct slice letter;
	bool any = mail.len > 0;
	w->inbox = (struct buffer){ 0 };
	while (first_piece(&mail, &letter)) {
		events->mail(w, letter);
		drop_piece(&mail);
		worker_ease(w);
	}
	buffer_clear(&mail);
	return any;
}

static void deliver(struct conn *c)
{
	struct buffer bytes = c->left_over; /* which the owner may end */
	c->left_over = (struct buffer){ 0 };
	size_t taken = bytes.len > 0 ? events->received(c, buffer_slice(&bytes)) : 0;
	FAKE_MUST(taken <= bytes.len);
	buffer_take(&bytes, taken);
	if (c->is_open && bytes.len > LEFT_OVER_MAX)
		fake_lose(c, "no room for what was sent");
	if (c->is_open)
		c->left_over = bytes;
	else
		buffer_clear(&bytes);
}

static bool read_peer(struct conn *c)
{
	struct slice said;
	if (!c->is_open || c->is_resuming)
		return false;
	if (c->has_hung_up && c->is_paused && !c->is_authenticated) {
		fake_lose(c, "closed by peer");
		return true;
	}
	if (c->is_paused)
		return false;
	if (first_piece(&c->reads, &said)) {
		FAKE_MUST(buffer_append_slice(&c->left_over, said));
		drop_piece(&c->reads);
		deliver(c);
		return true;
	}
	if (c->has_hung_up)
		fake_lose(c, "closed by peer");
	return c->has_hung_up;
}

static bool resume(struct conn *c)
{
	if (!c->is_resuming)
		return false;
	c->is_resuming = false;
	if (!c->is_paused)
		deliver(c);
	return true;
}

static bool drain(struct conn *c)
{
	bool any = push_out(c);
	if (c->was_full && c->backlog.len == 0) {
		c->was_full = false;
		if (c->is_open)
			events->drained(c);
		any = true;
	}
	return any;
}

static bool post_outboxes(struct worker *w)
{
	bool any = false;
	struct slice letter;
	for (unsigned i = 0; i < FAKE_WORKERS; i++) {
		while (first_piece(&w->outbox[i], &letter)) {
			fake_put_piece(&w->fake->net.workers[i].inbox, letter);
			drop_piece(&w->outbox[i]);
			any = true;
		}
	}
	return any;
}

static bool turn(struct worker *w)
{
	bool any = run_jobs(w);
	any = read_mail(w) || any;
	for (struct conn *c = w->fake->conns; c != NULL; c = c->next) {
		if (c->worker == w)
			any = drain(c) || any;
	}
	for (struct conn *c = w->fake->conns; c != NULL; c = c->next) {
		if (c->worker == w)
			any = read_peer(c) || any;
	}
	for (struct conn *c = w->fake->conns; c != NULL; c = c->next) {
		if (c->worker == w)
			any = resume(c) || any;
	}
	any = post_outboxes(w) || any;
	fake_flush(w);
	return any;
}

bool fake_step(struct fake *f)
{
	for (unsigned i = 0; i < FAKE_WORKERS; i++) {
		if (turn(&f->net.workers[i]))
			return true;
	}
	return fake_store_step(f->store) || fake_pool_step(f->chat->passwords);
}

void fake_settle(struct fake *f)
{
	for (int steps = 0; fake_step(f); steps++)
		FAKE_MUST(steps < SETTLED_STEPS_MAX);
}

static uint64_t next_due_ms(const struct fake *f, uint64_t until_ms)
{
	for (const struct conn *c = f->conns; c != NULL; c = c->next) {
		if (c->is_open && c->due_ms < until_ms)
			until_ms = c->due_ms;
	}
	return until_ms < f->now_ms ? f->now_ms : until_ms;
}

static bool run_due(struct fake *f)
{
	bool any = false;
	for (struct conn *c = f->conns; c != NULL; c = c->next) {
		if (!c->is_open || c->due_ms > f->now_ms)
			continue;
		c->due_ms = UINT64_MAX;
		events->due(c);
		any = true;
	}
	return any;
}

void fake_pass(struct fake *f, uint64_t ms)
{
	uint64_t until_ms = f->now_ms + ms;
	fake_settle(f);
	for (int steps = 0;; steps++) {
		FAKE_MUST(steps < SETTLED_STEPS_MAX);
		f->now_ms = next_due_ms(f, until_ms);
		if (!run_due(f) && f->now_ms == until_ms)
			break;
		for (unsigned i = 0; i < FAKE_WORKERS; i++)
			fake_flush(&f->net.workers[i]);
		fake_settle(f);
	}
}
