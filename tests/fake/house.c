/* house.c: the house: it is built and taken down, people come and speak, chance begins anew. */
#include <sodium.h>

#include "base/log.h"
#include "fake/inside.h"

enum { READ_LEN = 64 * 1024, FIRST_MS = 1000 * 1000 };

static const struct net_events *const events = &chat_net_events;

/* ---- Peers ---- */

struct conn *fake_connect(struct fake *f, unsigned worker)
{
	struct conn *c = calloc(1, sizeof(*c));
	FAKE_MUST(c != NULL);
	c->worker = &f->net.workers[worker];
	c->slot = f->conn_count++;
	c->generation = f->conn_count;
	c->is_open = c->takes = true;
	c->due_ms = UINT64_MAX;
	address_parse("127.0.0.1", &c->address);
	*f->conns_end = c;
	f->conns_end = &c->next;
	FAKE_MUST(events->admits(c->worker, &c->address));
	FAKE_MUST(events->opened(c));
	return c;
}

void fake_say(struct conn *c, struct slice bytes)
{
	while (c->is_open && bytes.len > 0) {
		size_t len = bytes.len < READ_LEN ? bytes.len : READ_LEN;
		fake_put_piece(&c->reads, slice_of(bytes.ptr, len));
		bytes = slice_skip(bytes, len);
	}
}

void fake_hang_up(struct conn *c)
{
	c->has_hung_up = true;
}

void fake_take(struct conn *c, bool takes)
{
	c->takes = takes;
}

struct slice fake_heard(const struct conn *c)
{
	return buffer_slice(&c->heard);
}

void fake_listen(struct fake *f, fake_record_fn *heard, void *arg)
{
	f->on_record = heard;
	f->on_record_arg = arg;
}

bool fake_is_open(const struct conn *c)
{
	return c->is_open;
}

/* ---- Randomness that begins anew ---- */

static uint64_t random_state;

/* Knuth's generator of MMIX: good enough where nobody shall be surprised. */
static uint32_t next_random(void)
{
	random_state = random_state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(random_state >> 32);
}

static void fill_random(void *const to, const size_t size)
{
	for (size_t i = 0; i < size; i++)
		((unsigned char *)to)[i] = (unsigned char)next_random();
}

static const char *random_name(void)
{
	return "fake";
}

static struct randombytes_implementation random_implementation = {
	.implementation_name = random_name, .random = next_random, .buf = fill_random
};

void fake_random_restart(uint64_t seed)
{
	random_state = seed;
	FAKE_MUST(randombytes_set_implementation(&random_implementation) == 0);
	FAKE_MUST(sodium_init() >= 0);
}

/* ---- The house ---- */

struct chat_config fake_usual_config(void)
{
	return (struct chat_config){ .login_timeout_ms = 60000,
		.max_tries = 60,
		.registration_open = true,
		.min_password_length = 1,
		.password_memory_bytes = 8192,
		.password_passes = 1,
		.query_timeout_ms = 30000,
		.messages_per_second = 200,
		.burst = 400,
		.upload_ms = 5000,
		.download_ms = 5000,
		.file_max_bytes = 100 << 20,
		.max_waiting_files = 1000,
		.max_waiting_bytes = 1 << 30 };
}

static void deliver_nothing(void *arg, const struct bus_message *message)
{
}

static void open_workers(struct fake *f)
{
	for (unsigned i = 0; i < FAKE_WORKERS; i++) {
		struct worker *w = &f->net.workers[i];
		w->fake = f;
		w->index = i;
		w->jobs_end = &w->jobs;
		FAKE_MUST(events->worker_started(w, f->chat, &w->owner));
	}
}

struct fake *fake_new(const struct chat_config *config)
{
	struct fake *f = calloc(1, sizeof(*f));
	struct chat_config usual = fake_usual_config();
	static const struct bus_config bus = { .url = "local" };
	static const struct bus_events bus_events = { .deliver = deliver_nothing };
	char why[256];
	FAKE_MUST(f != NULL);
	fake_random_restart(1);
	log_configure(LOG_ERROR, LOG_TEXT);
	f->now_ms = FIRST_MS;
	f->conns_end = &f->conns;
	f->config.output_limit_bytes = 1 << 20;
	f->store = fake_store_new();
	f->bus = bus_open(&bus, &bus_events, f, why, sizeof(why));
	fake_store_at_once(f->store, true);
	f->chat = chat_new(&(struct chat_options){ .config = config != NULL ? config : &usual,
			       .store = f->store,
			       .password_threads = 1 },
	    why, sizeof(why));
	fake_store_at_once(f->store, false);
	FAKE_MUST(f->bus != NULL && f->chat != NULL);
	chat_set_net(f->chat, &f->net);
	chat_set_bus(f->chat, f->bus);
	open_workers(f);
	return f;
}

static void forget(struct conn *c)
{
	buffer_clear(&c->reads);
	buffer_clear(&c->left_over);
	buffer_clear(&c->records);
	buffer_clear(&c->backlog);
	buffer_clear(&c->heard);
	free(c);
}

void fake_forget(struct fake *f, const char *account)
{
	struct conn **at = &f->conns;
	while (*at != NULL) {
		struct conn *c = *at;
		if (c->is_open) {
			at = &c->next;
		} else {
			*at = c->next;
			forget(c);
		}
	}
	f->conns_end = at;
	fake_store_forget(f->store, account);
}

void fake_free(struct fake *f)
{
	for (struct conn *c = f->conns; c != NULL; c = c->next)
		fake_lose(c, "the end");
	fake_settle(f);
	FAKE_MUST(directory_count(f->chat->directory) == 0 && f->chat->logins_under_way == 0);
	chat_stop(f->chat);
	for (unsigned i = 0; i < FAKE_WORKERS; i++) {
		struct worker *w = &f->net.workers[i];
		fake_flush(w);
		events->worker_stopped(w, w->owner);
		buffer_clear(&w->inbox);
		for (unsigned j = 0; j < FAKE_WORKERS; j++)
			buffer_clear(&w->outbox[j]);
	}
	chat_free(f->chat);
	bus_close(f->bus);
	fake_store_free(f->store);
	buffer_clear(&f->files);
	for (struct conn *c = f->conns, *next; c != NULL; c = next) {
		next = c->next;
		forget(c);
	}
	free(f);
}

void fake_break_store(struct fake *f, bool is_broken)
{
	fake_store_break(f->store, is_broken);
}

struct slice fake_files(struct fake *f)
{
	buffer_clear(&f->files);
	fake_store_files(f->store, &f->files);
	return buffer_slice(&f->files);
}

struct chat *fake_chat(struct fake *f)
{
	return f->chat;
}
