/*
 * mail.c: what workers send each other, and the jobs that any thread gives them.
 *
 * Mail for another worker is gathered in an outbox during the turn and handed over at its end: one lock for all of it. To wake who sleeps costs as much as a
 * short message (a system call, an interrupt for the other core, a change of threads there), so a sleeper is left alone until the end of our next turn, which
 * waits for nothing: by then it has mostly been woken by its own connections, or there is more mail for it.
 */
#include <limits.h>
#include <string.h>

#include "base/log.h"
#include "net/worker.h"

enum {
	MAIL_ALIGNMENT = 8,
	CROWD_HIGH_BYTES =
	    4 << 20, /* that wait for their slice: who speaks to many is slowed down */
};

static size_t mail_padded(size_t len)
{
	return (len + MAIL_ALIGNMENT - 1) & ~(size_t)(MAIL_ALIGNMENT - 1);
}

/* A piece of mail in a buffer: its length (8 bytes), the bytes, padding. */
static bool mail_append(struct buffer *b, struct slice bytes)
{
	uint64_t len = bytes.len;
	size_t size = sizeof(len) + mail_padded(bytes.len);
	char *to = buffer_reserve(b, size);
	if (to == NULL)
		return false;
	memcpy(to, &len, sizeof(len));
	memcpy(to + sizeof(len), bytes.ptr, bytes.len);
	buffer_added(b, size);
	return true;
}

bool worker_is_behind(const struct worker *to)
{
	return atomic_load_explicit(&to->inbox_len, memory_order_relaxed) > MAIL_HIGH_BYTES ||
	       atomic_load_explicit(&to->crowd_bytes, memory_order_relaxed) > CROWD_HIGH_BYTES;
}

bool worker_post(struct worker *from, struct worker *to, struct slice bytes)
{
	if (atomic_load_explicit(&to->inbox_len, memory_order_relaxed) > MAIL_LIMIT_BYTES)
		return false;
	if (from != NULL)
		return mail_append(&from->outbox[to->index], bytes);
	pthread_mutex_lock(&to->mail_lock);
	bool posted = mail_append(&to->inbox, bytes);
	to->inbox_len = to->inbox.len;
	pthread_mutex_unlock(&to->mail_lock);
	loop_knock(&to->loop);
	return posted;
}

/* true: it sleeps, and is to be woken. */
static bool post_outbox(struct worker *to, struct buffer *outbox)
{
	static struct log_limit limit;
	uint64_t suppressed;
	pthread_mutex_lock(&to->mail_lock);
	bool posted = true;
	if (to->inbox.len == 0) {
		struct buffer empty = to->inbox;
		to->inbox = *outbox;
		*outbox = empty;
	} else {
		posted = buffer_append_slice(&to->inbox, buffer_slice(outbox));
		buffer_take(outbox, outbox->len);
		if (outbox->cap > MAIL_HIGH_BYTES)
			buffer_clear(outbox);
	}
	to->inbox_len = to->inbox.len;
	pthread_mutex_unlock(&to->mail_lock);
	bool sleeps = loop_leave_knock(&to->loop);
	if (!posted && log_limit_allows(&limit, &suppressed))
		log_error("messages-lost", LOG_STR("reason", "no memory"));
	return sleeps;
}

void mail_hand_over(struct worker *w)
{
	for (unsigned i = 0; i < w->net->worker_count; i++) {
		if (w->outbox[i].len > 0 && post_outbox(&w->net->workers[i], &w->outbox[i]))
			w->owes_wakes = true;
	}
	if (w->owes_wakes)
		loop_hurry(&w->loop);
}

void mail_wake_sleepers(struct worker *w)
{
	if (!w->owes_wakes)
		return;
	w->owes_wakes = false;
	for (unsigned i = 0; i < w->net->worker_count; i++)
		loop_wake(&w->net->workers[i].loop);
}

void worker_post_job(struct worker *to, struct worker_job *job)
{
	job->next = NULL;
	pthread_mutex_lock(&to->mail_lock);
	*to->jobs_end = job;
	to->jobs_end = &job->next;
	pthread_mutex_unlock(&to->mail_lock);
	loop_knock(&to->loop);
}

/* Takes the jobs, and the mail if the last has been read. */
static struct worker_job *take_mail(struct worker *w)
{
	pthread_mutex_lock(&w->mail_lock);
	if (w->reading.len == 0) {
		struct buffer full = w->inbox;
		w->inbox = w->reading;
		w->reading = full;
		w->inbox_len = 0;
	}
	struct worker_job *jobs = w->jobs;
	w->jobs = NULL;
	w->jobs_end = &w->jobs;
	pthread_mutex_unlock(&w->mail_lock);
	return jobs;
}

/* Reads mail until all is read or much has been queued: then the connections here have their turn first. */
static void read_mail(struct worker *w)
{
	bool enough = false;
	while (w->reading.len > 0 && !enough) {
		struct slice rest = buffer_slice(&w->reading);
		uint64_t len;
		memcpy(&len, rest.ptr, sizeof(len));
		w->events->mail(w, slice_of(rest.ptr + sizeof(len), len));
		buffer_take(&w->reading, sizeof(len) + mail_padded(len));
		enough = worker_ease(w);
	}
	if (w->reading.len == 0 && w->reading.cap > MAIL_HIGH_BYTES)
		buffer_clear(&w->reading);
}

/* In front of those that came meanwhile. */
static void put_jobs_back(struct worker *w, struct worker_job *jobs)
{
	struct worker_job *last = jobs;
	while (last->next != NULL)
		last = last->next;
	pthread_mutex_lock(&w->mail_lock);
	last->next = w->jobs;
	if (w->jobs == NULL)
		w->jobs_end = &last->next;
	w->jobs = jobs;
	pthread_mutex_unlock(&w->mail_lock);
	loop_knock(&w->loop);
}

/* The same of jobs: a hundred pieces of files may come at once. */
static void run_jobs(struct worker *w, struct worker_job *jobs, unsigned most)
{
	bool enough = false;
	for (unsigned n = 0; jobs != NULL && n < most && !enough; n++) {
		struct worker_job *job = jobs;
		jobs = job->next;
		job->run(w, job);
		enough = worker_ease(w);
	}
	if (jobs != NULL)
		put_jobs_back(w, jobs);
}

void mail_on_knock(struct loop_source *knock, uint32_t events)
{
	struct worker *w = list_entry(knock, struct worker, loop.knock);
	bool more = w->reading.len > 0; /* so the inbox is not taken yet */
	struct worker_job *jobs = take_mail(w);
	read_mail(w);
	if (more || w->reading.len > 0)
		loop_knock(&w->loop);
	run_jobs(w, jobs, LOOP_SLICE);
}

/* Their connections are gone, their memory is not. */
void mail_run_late_jobs(struct worker *w)
{
	for (struct worker_job *jobs; (jobs = take_mail(w)) != NULL;)
		run_jobs(w, jobs, UINT_MAX);
}
