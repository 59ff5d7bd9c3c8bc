/* What every store promises (store.h), whatever engine is behind it. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/lib.h"
#include "unit.h"

struct fixture {
	char folder[64];
	struct store *store;
};

static struct fixture *set_up(void)
{
	struct fixture *f = calloc(1, sizeof(*f));
	assert_non_null(f);
	folder_make(f->folder);
	f->store = store_in(f->folder);
	return f;
}

static void tear_down(struct fixture *f)
{
	store_close(f->store);
	folder_remove(f->folder);
	free(f);
}

static void assert_hash(struct store *store, const char *name, const char *expected)
{
	char hash[STORE_HASH_SIZE];
	assert_int_equal(ask_hash(store, name, hash), STORE_OK);
	assert_string_equal(hash, expected);
}

/* An engine that answers on this thread too gives the same answer. */
static void assert_looked_up(
    struct store *store, const char *name, enum store_status status, const char *hash)
{
	struct store_request request = { .call = STORE_ACCOUNT_GET };
	snprintf(request.name, sizeof(request.name), "%s", name);
	if (!store_look_up(store, &request))
		return;
	assert_int_equal(request.status, status);
	assert_string_equal(request.hash, hash);
}

/* One row per call in turn, on one store: what it is asked and what it must say. */
static void answers_in_turn(void **state)
{
	static const struct {
		enum store_call call;
		enum store_status status;
		const char *name, *old_hash, *hash;
	} rows[] = {
		{ STORE_ACCOUNT_GET, STORE_NONE, "ann", "", "" },
		{ STORE_ACCOUNT_SET_HASH, STORE_NONE, "ann", "", "h0" },
		{ STORE_ACCOUNT_DELETE, STORE_NONE, "ann", "", "" },
		{ STORE_ACCOUNT_ADD, STORE_OK, "ann", "", "h1" },
		{ STORE_ACCOUNT_ADD, STORE_TAKEN, "ann", "", "h2" },
		{ STORE_ACCOUNT_GET, STORE_OK, "ann", "", "h1" },
		{ STORE_ACCOUNT_ADD, STORE_OK, "Ann", "", "h3" }, /* names are compared exactly */
		{ STORE_ACCOUNT_GET, STORE_OK, "Ann", "", "h3" },
		{ STORE_ACCOUNT_GET, STORE_OK, "ann", "", "h1" },
		{ STORE_ACCOUNT_GET, STORE_NONE, "an", "", "" },
		{ STORE_ACCOUNT_GET, STORE_NONE, "ann ", "", "" },
		{ STORE_ACCOUNT_GET, STORE_NONE, "%", "", "" },
		{ STORE_ACCOUNT_SET_HASH, STORE_OK, "ann", "", "h4" },
		{ STORE_ACCOUNT_GET, STORE_OK, "ann", "", "h4" },
		{ STORE_ACCOUNT_SET_HASH, STORE_NONE, "ann", "h1", "h5" }, /* is h4 by now */
		{ STORE_ACCOUNT_GET, STORE_OK, "ann", "", "h4" },
		{ STORE_ACCOUNT_SET_HASH, STORE_OK, "ann", "h4", "h5" },
		{ STORE_ACCOUNT_GET, STORE_OK, "ann", "", "h5" },
		{ STORE_ACCOUNT_DELETE, STORE_OK, "ann", "", "" },
		{ STORE_ACCOUNT_GET, STORE_NONE, "ann", "", "" },
		{ STORE_ACCOUNT_GET, STORE_OK, "Ann", "", "h3" },
		{ STORE_ACCOUNT_ADD, STORE_OK, "ann", "", "h6" },
		{ STORE_ACCOUNT_GET, STORE_OK, "ann", "", "h6" },
		{ STORE_BAN_DELETE, STORE_NONE, "127.0.0.1", "", "" },
		{ STORE_BAN_ADD, STORE_OK, "127.0.0.1", "", "" },
		{ STORE_BAN_ADD, STORE_TAKEN, "127.0.0.1", "", "" },
		{ STORE_BAN_ADD, STORE_OK, "ann", "",
		    "" }, /* a ban and an account are two things */
		{ STORE_BAN_DELETE, STORE_OK, "ann", "", "" },
		{ STORE_ACCOUNT_GET, STORE_OK, "ann", "", "h6" },
	};
	struct fixture *f = set_up();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct asked asked = { 0 };
		bool is_get = rows[i].call == STORE_ACCOUNT_GET;
		snprintf(
		    asked.request.old_hash, sizeof(asked.request.old_hash), "%s", rows[i].old_hash);
		ask_begin(f->store, &asked, rows[i].call, rows[i].name, is_get ? "" : rows[i].hash);
		enum store_status status = ask_end(&asked);
		if (status != rows[i].status)
			fail_msg("row %zu: said %d, expected %d", i, status, rows[i].status);
		if (is_get && strcmp(asked.request.hash, rows[i].hash) != 0)
			fail_msg(
			    "row %zu: hash %s, expected %s", i, asked.request.hash, rows[i].hash);
		if (is_get)
			assert_looked_up(f->store, rows[i].name, rows[i].status, rows[i].hash);
	}
	tear_down(f);
}

/* The longest there is fits, whole. */
static void longest_fields(void **state)
{
	struct fixture *f = set_up();
	char name[STORE_NAME_SIZE], hash[STORE_HASH_SIZE];
	memset(name, 'n', sizeof(name));
	memset(hash, 'h', sizeof(hash));
	name[sizeof(name) - 1] = hash[sizeof(hash) - 1] = '\0';
	assert_int_equal(ask(f->store, STORE_ACCOUNT_ADD, name, hash), STORE_OK);
	assert_hash(f->store, name, hash);
	assert_int_equal(ask_exchange(f->store, name, hash, "short"), STORE_OK);
	assert_hash(f->store, name, "short");
	tear_down(f);
}

struct listed {
	struct asked asked; /* first: request, asked and listed are at one address */
	char text[512];
};

static void list_account(
    struct store_request *request, const char *name, const char *hash, int64_t created_ms)
{
	struct listed *l = request->arg;
	size_t len = strlen(l->text);
	snprintf(l->text + len, sizeof(l->text) - len, "%s %s %d\n", name, hash, (int)created_ms);
}

static void list_ban(struct store_request *request, const char *name, int64_t created_ms)
{
	list_account(request, name, "-", created_ms);
}

static void assert_list(struct store *store, enum store_call call, const char *expected)
{
	struct listed l = { .asked.request = {
				.each_account = list_account, .each_ban = list_ban } };
	ask_begin(store, &l.asked, call, "", "");
	assert_int_equal(ask_end(&l.asked), STORE_OK);
	assert_string_equal(l.text, expected);
}

static void add_at(struct store *store, enum store_call call, const char *name, int64_t created_ms)
{
	struct asked asked = { .request = { .created_ms = created_ms } };
	ask_begin(store, &asked, call, name, "h");
	assert_int_equal(ask_end(&asked), STORE_OK);
}

static void lists_in_order(void **state)
{
	struct fixture *f = set_up();
	assert_list(f->store, STORE_ACCOUNT_LIST, "");
	assert_list(f->store, STORE_BAN_LIST, "");
	add_at(f->store, STORE_ACCOUNT_ADD, "bob", 1);
	add_at(f->store, STORE_ACCOUNT_ADD, "_x", 2);
	add_at(f->store, STORE_ACCOUNT_ADD, "Zoe", 3);
	add_at(f->store, STORE_ACCOUNT_ADD, "alice", 4);
	add_at(f->store, STORE_BAN_ADD, "zed", 7);
	add_at(f->store, STORE_BAN_ADD, "::1", 9);
	add_at(f->store, STORE_BAN_ADD, "10.0.0.1", 8);
	assert_list(f->store, STORE_ACCOUNT_LIST, "Zoe h 3\n_x h 2\nalice h 4\nbob h 1\n");
	assert_list(f->store, STORE_BAN_LIST, "zed - 7\n10.0.0.1 - 8\n::1 - 9\n");
	tear_down(f);
}

static void lasts_over_reopening(void **state)
{
	struct fixture *f = set_up();
	for (int round = 0; round < 3; round++) {
		char name[24];
		snprintf(name, sizeof(name), "user%d", round);
		assert_int_equal(ask(f->store, STORE_ACCOUNT_ADD, name, name), STORE_OK);
		assert_int_equal(ask(f->store, STORE_BAN_ADD, name, ""), STORE_OK);
		store_close(f->store);
		f->store = store_in(f->folder);
	}
	assert_list(
	    f->store, STORE_ACCOUNT_LIST, "user0 user0 1000\nuser1 user1 1000\nuser2 user2 1000\n");
	assert_list(f->store, STORE_BAN_LIST, "user0 - 1000\nuser1 - 1000\nuser2 - 1000\n");
	tear_down(f);
}

/* A chain: each done() hands in the next request, while the store is being closed. */
struct chain {
	struct store_request request;
	struct store *store;
	int links;
	enum store_status worst;
};

static void chain_on(struct store_request *request)
{
	struct chain *chain = request->arg;
	if (request->status > chain->worst)
		chain->worst = request->status;
	if (--chain->links == 0)
		return;
	bool was_get = request->call == STORE_ACCOUNT_GET;
	request->call =
	    was_get ? STORE_ACCOUNT_ADD : STORE_ACCOUNT_GET; /* from one lane to the other */
	if (was_get)
		snprintf(request->name, sizeof(request->name), "link%d", chain->links);
	store_submit(chain->store, request);
}

static void closing_carries_out_all(void **state)
{
	struct fixture *f = set_up();
	struct chain chain = { .store = f->store, .links = 101 };
	chain.request = (struct store_request){ .call = STORE_ACCOUNT_ADD,
		.done = chain_on,
		.arg = &chain,
		.name = "first",
		.hash = "h" };
	struct asked queued[200] = { 0 };
	for (size_t i = 0; i < 200; i++) {
		char name[24];
		snprintf(name, sizeof(name), "queued%zu", i);
		ask_begin(f->store, &queued[i], STORE_ACCOUNT_ADD, name, name);
	}
	store_submit(f->store, &chain.request);
	store_close(f->store);
	assert_int_equal(chain.links, 0);
	assert_int_equal(chain.worst, STORE_OK);
	f->store = store_in(f->folder);
	assert_hash(f->store, "queued0", "queued0");
	assert_hash(f->store, "queued199", "queued199");
	for (size_t i = 0; i < 200; i++)
		assert_int_equal(ask_end(&queued[i]), STORE_OK);
	assert_hash(f->store, "link1", "h");
	tear_down(f);
}

/* Many threads sign up at once: each sees what it was promised, and of a name that all want one gets it. */
enum { THREADS = 8, PER_THREAD = 100 };

struct submitter {
	struct store *store;
	int number;
	int won;
	int wrong;
};

static void *sign_up(void *arg)
{
	struct submitter *s = arg;
	for (int i = 0; i < PER_THREAD; i++) {
		char own[24], wanted[24], hash[STORE_HASH_SIZE];
		snprintf(own, sizeof(own), "t%d_%d", s->number, i);
		snprintf(wanted, sizeof(wanted), "all_%d", i);
		struct asked both[2] = { 0 };
		ask_begin(s->store, &both[0], STORE_ACCOUNT_ADD, own, own);
		ask_begin(s->store, &both[1], STORE_ACCOUNT_ADD, wanted, own);
		s->wrong += ask_end(&both[0]) != STORE_OK;
		s->wrong += ask_hash(s->store, own, hash) != STORE_OK || strcmp(hash, own) != 0;
		assert_looked_up(s->store, own, STORE_OK, own);
		enum store_status status = ask_end(&both[1]);
		s->wrong += ask_hash(s->store, wanted, hash) != STORE_OK;
		s->wrong += (strcmp(hash, own) == 0) != (status == STORE_OK);
		s->wrong += status != STORE_OK && status != STORE_TAKEN;
		s->won += status == STORE_OK;
	}
	return NULL;
}

static void many_threads(void **state)
{
	struct fixture *f = set_up();
	struct submitter submitters[THREADS];
	pthread_t threads[THREADS];
	for (int i = 0; i < THREADS; i++) {
		submitters[i] = (struct submitter){ .store = f->store, .number = i };
		assert_int_equal(pthread_create(&threads[i], NULL, sign_up, &submitters[i]), 0);
	}
	int won = 0, wrong = 0;
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		won += submitters[i].won;
		wrong += submitters[i].wrong;
	}
	assert_int_equal(wrong, 0);
	assert_int_equal(won, PER_THREAD);
	tear_down(f);
}

static void wipes_hashes(void **state)
{
	(void)state;
	struct store_request request = {
		.name = "ann", .hash = "secret", .old_hash = "older secret"
	};
	static const char zeros[STORE_HASH_SIZE];
	store_request_wipe(&request);
	assert_memory_equal(request.hash, zeros, sizeof(zeros));
	assert_memory_equal(request.old_hash, zeros, sizeof(zeros));
}

int main(int argc, char **argv)
{
	UNIT_TEST(answers_in_turn);
	UNIT_TEST(longest_fields);
	UNIT_TEST(lists_in_order);
	UNIT_TEST(lasts_over_reopening);
	UNIT_TEST(closing_carries_out_all);
	UNIT_TEST(many_threads);
	UNIT_TEST(wipes_hashes);
	return unit_run(argc, argv);
}
