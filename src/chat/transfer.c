#include "chat/transfer.h"

#include "base/list.h"
#include "chat/session.h"

/* Who has it. Both sides want to take it over from AWAY: the one who comes first does. */
enum { HERE, AWAY, LEFT };

static struct transfer *transfer_of(struct file *file)
{
	return list_entry(file, struct transfer, file);
}

static void discarded(struct file *file)
{
	struct transfer *t = transfer_of(file);
	t->free(t);
}

static void discard(struct transfer *t)
{
	t->file.done = discarded;
	file_discard(&t->file);
}

static void come_back(struct worker *w, struct worker_job *job)
{
	struct transfer *t = (struct transfer *)(void *)job;
	t->is_busy = false;
	if (t->session == NULL)
		discard(t);
	else
		t->next(t->session);
}

void transfer_back(struct transfer *t)
{
	int place = AWAY;
	if (atomic_compare_exchange_strong(&t->place, &place, HERE))
		worker_post_job(t->worker, &t->back);
	else
		discard(t);
}

static void file_done(struct file *file)
{
	transfer_back(transfer_of(file));
}

void transfer_init(struct transfer *t, struct session *s, void (*free)(struct transfer *t))
{
	file_init(&t->file, s->here->chat->store);
	t->file.done = file_done;
	t->back.run = come_back;
	t->worker = s->here->worker;
	t->session = s;
	t->free = free;
	atomic_init(&t->place, HERE);
}

void transfer_start(struct transfer *t, transfer_next_fn *next)
{
	t->next = next;
	t->is_busy = true;
	atomic_store(&t->place, AWAY);
}

void transfer_leave(struct transfer *t)
{
	int place = AWAY;
	t->session = NULL;
	if (!t->is_busy)
		discard(t);
	else
		atomic_compare_exchange_strong(
		    &t->place, &place, LEFT); /* else it is on its way back */
}
