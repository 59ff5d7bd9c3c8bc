/* What is special about the store in PostgreSQL: pieces, sums, its schema, servers that share it, and a database that goes away. */
#include <dlfcn.h>
#include <libpq-fe.h>
#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/files.h"
#include "store/lib.h"
#include "store/postgres_server.h"
#include "unit.h"

struct fixture {
	char folder[64], url[256];
	struct store *store;
	PGconn *other; /* somebody else at the same database */
};

static struct fixture *set_up(void)
{
	struct fixture *f = calloc(1, sizeof(*f));
	assert_non_null(f);
	folder_make(f->folder);
	store_url_of(f->folder, f->url, sizeof(f->url));
	f->store = store_in(f->folder);
	f->other = PQconnectdb(f->url);
	assert_int_equal(PQstatus(f->other), CONNECTION_OK);
	assert_int_equal(ask(f->store, STORE_ACCOUNT_ADD, "bob", "h"), STORE_OK);
	return f;
}

static void tear_down(struct fixture *f)
{
	PQfinish(f->other);
	store_close(f->store);
	folder_remove(f->folder);
	free(f);
}

static void other_does(struct fixture *f, const char *sql)
{
	PGresult *result = PQexec(f->other, sql);
	if (PQresultStatus(result) != PGRES_COMMAND_OK && PQresultStatus(result) != PGRES_TUPLES_OK)
		fail_msg("%s: %s", sql, PQerrorMessage(f->other));
	PQclear(result);
}

static void assert_counts(struct fixture *f, const char *sql, const char *expected)
{
	PGresult *result = PQexec(f->other, sql);
	assert_int_equal(PQresultStatus(result), PGRES_TUPLES_OK);
	assert_string_equal(PQgetvalue(result, 0, 0), expected);
	PQclear(result);
}

/* ---- files ---- */

struct waited {
	struct file file; /* first */
	sem_t done;
};

static void wake(struct file *file)
{
	sem_post(&((struct waited *)(void *)file)->done);
}

static void waited_init(struct waited *w, struct store *store)
{
	file_init(&w->file, store);
	w->file.done = wake;
	strcpy(w->file.receiver, "bob");
	strcpy(w->file.name, "big");
	sem_init(&w->done, 0, 0);
}

static enum store_status waited_for(struct waited *w)
{
	while (sem_wait(&w->done) != 0)
		;
	return w->file.status;
}

static char byte_at(size_t at)
{
	return (char)(at * 31 + at / 251);
}

/* Uploads size bytes in steps of step, which fit no piece. */
static enum store_status upload(struct fixture *f, size_t size, size_t step)
{
	struct waited w;
	char *bytes = malloc(step);
	waited_init(&w, f->store);
	file_begin(&w.file);
	enum store_status status = waited_for(&w);
	for (size_t at = 0; status == STORE_OK && at < size;) {
		size_t len = size - at < step ? size - at : step;
		for (size_t i = 0; i < len; i++)
			bytes[i] = byte_at(at + i);
		file_append(&w.file, slice_of(bytes, len));
		status = waited_for(&w);
		at += len;
	}
	if (status == STORE_OK) {
		file_finish(&w.file, SLICE(""));
		status = waited_for(&w);
	} else {
		file_discard(&w.file);
		waited_for(&w);
	}
	free(bytes);
	return status;
}

/* Reads it; how many bytes were good until its end or until it failed. */
static size_t download(struct fixture *f, enum store_status *status_r)
{
	enum { CAP = 100000 };
	struct waited w;
	char *to = malloc(CAP);
	size_t at = 0;
	waited_init(&w, f->store);
	file_select(&w.file, "bob", "big");
	do {
		file_read(&w.file, to, CAP);
		*status_r = waited_for(&w);
		for (size_t i = 0; *status_r == STORE_OK && i < w.file.got_len; i++, at++)
			assert_int_equal(to[i], byte_at(at));
	} while (*status_r == STORE_OK && !w.file.at_end);
	file_discard(&w.file);
	waited_for(&w);
	free(to);
	return at;
}

static const struct size_case {
	const char *name;
	size_t size, step;
	const char *pieces;
} size_cases[] = {
	{ "a piece", 256 << 10, 10007, "1" },
	{ "a piece and a byte", (256 << 10) + 1, 1 << 20, "2" },
	{ "many", 3000000, 65537, "12" },
};

static void comes_in_pieces_and_goes_out_whole(void **state)
{
	const struct size_case *c = *state;
	struct fixture *f = set_up();
	enum store_status status;
	assert_int_equal(upload(f, c->size, c->step), STORE_OK);
	assert_counts(f, "SELECT count(*) FROM piece", c->pieces);
	assert_int_equal(download(f, &status), c->size);
	assert_int_equal(status, STORE_OK);
	assert_int_equal(ask(f->store, STORE_FILE_DELETE, "bob", ""), STORE_OK);
	assert_counts(f, "SELECT count(*) FROM piece", "0");
	assert_counts(f, "SELECT count(*) FROM upload", "0");
	tear_down(f);
}

static void damage_is_seen(void **state)
{
	struct fixture *f = set_up();
	enum store_status status;
	assert_int_equal(upload(f, 1000000, 65537), STORE_OK);
	other_does(f,
	    "UPDATE piece SET bytes = set_byte(bytes, 7, get_byte(bytes, 7) # 1) WHERE number = 3");
	struct waited w;
	char to[300000];
	waited_init(&w, f->store);
	file_select(&w.file, "bob", "big");
	do {
		file_read(&w.file, to, sizeof(to));
		status = waited_for(&w);
	} while (status == STORE_OK && !w.file.at_end);
	assert_int_equal(status, STORE_UNAVAILABLE);
	other_does(f, "DELETE FROM piece WHERE number = 1");
	assert_true(download(f, &status) <= 256 << 10);
	assert_int_not_equal(status, STORE_OK);
	tear_down(f);
}

/* ---- servers that share it ---- */

struct listed {
	struct asked asked; /* first */
	char text[512];
};

static void list_session(struct store_request *request, const struct store_session *session)
{
	struct listed *l = (struct listed *)(void *)request;
	size_t len = strlen(l->text);
	snprintf(l->text + len, sizeof(l->text) - len, "%s@%s ", session->name, session->node);
}

static enum store_status call(struct store *store, enum store_call what, const char *name,
    const char *node, int64_t *epoch, int64_t ticket, struct listed *l)
{
	struct listed own = { 0 };
	struct store_request *r = &(l = l != NULL ? l : &own)->asked.request;
	snprintf(r->node, sizeof(r->node), "%s", node);
	snprintf(r->address, sizeof(r->address), "place of %s", node);
	r->epoch = *epoch;
	r->ticket = ticket;
	r->each_session = list_session;
	ask_begin(store, &l->asked, what, name, "");
	enum store_status status = ask_end(&l->asked);
	if (what == STORE_NODE_JOIN || what == STORE_NODE_REJOIN)
		*epoch = r->epoch;
	return status;
}

static void assert_on(struct fixture *f, const char *expected)
{
	struct listed l = { 0 };
	int64_t none = 0;
	assert_int_equal(call(f->store, STORE_SESSION_LIST, "", "", &none, 0, &l), STORE_OK);
	assert_string_equal(l.text, expected);
}

/* As if it had not renewed for long; and PostgreSQL had been up all the while. */
static void let_expire(struct fixture *f, const char *node)
{
	char sql[256];
	snprintf(sql, sizeof(sql),
	    "CREATE OR REPLACE FUNCTION node_lives(n text, e bigint) RETURNS boolean LANGUAGE sql AS $$ "
	    "SELECT EXISTS (SELECT 1 FROM node WHERE name = n AND epoch = e AND until > now()) $$");
	other_does(f, sql);
	snprintf(sql, sizeof(sql),
	    "UPDATE node SET until = now() - interval '1 s' WHERE name = '%s'", node);
	other_does(f, sql);
}

static void one_session_in_the_cluster(void **state)
{
	struct fixture *f = set_up();
	struct store *s = f->store;
	int64_t a = 0, b = 0;
	assert_int_equal(call(s, STORE_NODE_JOIN, "", "a", &a, 0, NULL), STORE_OK);
	assert_int_equal(call(s, STORE_NODE_JOIN, "", "b", &b, 0, NULL), STORE_OK);
	assert_int_equal(call(s, STORE_SESSION_TAKE, "zoe", "a", &a, 1, NULL), STORE_OK);
	assert_int_equal(call(s, STORE_SESSION_TAKE, "ann", "b", &b, 1, NULL), STORE_OK);
	assert_int_equal(call(s, STORE_SESSION_TAKE, "zoe", "b", &b, 2, NULL), STORE_TAKEN);
	assert_on(f, "zoe@a ann@b ");
	assert_int_equal(call(s, STORE_SESSION_LEAVE, "zoe", "a", &a, 9, NULL), STORE_NONE);
	assert_int_equal(call(s, STORE_SESSION_LEAVE, "zoe", "a", &a, 1, NULL), STORE_OK);
	assert_int_equal(call(s, STORE_SESSION_TAKE, "zoe", "b", &b, 2, NULL), STORE_OK);
	assert_on(f, "ann@b zoe@b ");
	assert_int_equal(call(s, STORE_NODE_LEAVE, "", "b", &b, 0, NULL), STORE_OK);
	assert_on(f, "");
	assert_int_equal(call(s, STORE_SESSION_TAKE, "zoe", "a", &a, 3, NULL), STORE_OK);
	tear_down(f);
}

static void a_dead_node_loses_what_others_took(void **state)
{
	struct fixture *f = set_up();
	struct store *s = f->store;
	int64_t a = 0, b = 0, old;
	assert_int_equal(call(s, STORE_NODE_JOIN, "", "a", &a, 0, NULL), STORE_OK);
	assert_int_equal(call(s, STORE_NODE_JOIN, "", "b", &b, 0, NULL), STORE_OK);
	assert_int_equal(call(s, STORE_SESSION_TAKE, "zoe", "a", &a, 1, NULL), STORE_OK);
	assert_int_equal(call(s, STORE_SESSION_TAKE, "ann", "a", &a, 2, NULL), STORE_OK);
	let_expire(f, "a");
	assert_on(f, "");
	struct listed l = { 0 };
	assert_int_equal(call(s, STORE_SESSION_TAKE, "zoe", "b", &b, 1, &l), STORE_OK);
	assert_int_equal(l.asked.request.files, 1); /* from a dead one */
	assert_int_equal(call(s, STORE_NODE_RENEW, "", "a", &a, 0, NULL), STORE_NONE);
	assert_int_equal(call(s, STORE_SESSION_TAKE, "eve", "a", &a, 3, NULL), STORE_UNAVAILABLE);
	struct listed kept = { 0 };
	old = a;
	assert_int_equal(call(s, STORE_NODE_REJOIN, "", "a", &a, 0, &kept), STORE_OK);
	assert_string_equal(kept.text, "ann@a ");
	assert_int_equal(a, old + 1);
	assert_on(f, "ann@a zoe@b ");
	assert_int_equal(call(s, STORE_NODE_RENEW, "", "a", &old, 0, NULL), STORE_NONE);
	assert_int_equal(call(s, STORE_NODE_RENEW, "", "a", &a, 0, NULL), STORE_OK);
	tear_down(f);
}

static void two_nodes_of_one_name(void **state)
{
	struct fixture *f = set_up();
	int64_t a = 0;
	assert_int_equal(call(f->store, STORE_NODE_JOIN, "", "a", &a, 0, NULL), STORE_OK);
	other_does(f, "UPDATE node SET place = 'elsewhere'");
	assert_int_equal(call(f->store, STORE_NODE_JOIN, "", "a", &a, 0, NULL), STORE_TAKEN);
	other_does(f, "UPDATE node SET place = 'place of a'"); /* it was killed and starts again */
	assert_int_equal(call(f->store, STORE_NODE_JOIN, "", "a", &a, 0, NULL), STORE_OK);
	assert_int_equal(a, 2);
	tear_down(f);
}

static void cut_off_uploads_are_swept(void **state)
{
	struct fixture *f = set_up();
	int64_t a = 0;
	other_does(f, "INSERT INTO upload (node, epoch) VALUES ('gone', 7), ('a', 1)");
	other_does(f, "INSERT INTO piece SELECT id, 0, 'x' FROM upload");
	assert_int_equal(call(f->store, STORE_NODE_JOIN, "", "a", &a, 0, NULL), STORE_OK);
	for (int tries = 0; tries < 500; tries++) {
		PGresult *result = PQexec(f->other, "SELECT node FROM upload");
		int count = PQntuples(result);
		PQclear(result);
		if (count == 1)
			break;
		usleep(10000);
	}
	assert_counts(f, "SELECT string_agg(node, ' ') FROM upload", "a");
	tear_down(f);
}

static void *open_one(void *arg)
{
	struct fixture *f = arg;
	return store_in(f->folder);
}

static void all_start_at_once(void **state)
{
	enum { COUNT = 6 };
	struct fixture f = { 0 };
	pthread_t threads[COUNT];
	folder_make(f.folder);
	for (int i = 0; i < COUNT; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, open_one, &f), 0);
	for (int i = 0; i < COUNT; i++) {
		void *store;
		pthread_join(threads[i], &store);
		store_close(store);
	}
	folder_remove(f.folder);
}

static void refuses_newer_and_absent(void **state)
{
	struct fixture *f = set_up();
	char why[512] = "";
	other_does(f, "UPDATE messager_schema SET version = version + 1");
	assert_null(store_open(f->url, f->folder, why, sizeof(why)));
	assert_non_null(strstr(why, "newer messagerd"));
	assert_null(
	    store_open("postgres://nobody:secret@127.0.0.1:1/none", f->folder, why, sizeof(why)));
	assert_non_null(strstr(why, "cannot use the database"));
	assert_null(strstr(why, "secret"));
	tear_down(f);
}

/* libpq explains what it can't read with a piece of it, which may be one of a password: all of these have "secret" there. */
static const struct url_case {
	const char *name, *url;
} url_cases[] = {
	{ "an @ in the password", "postgres://ann:my@secret@127.0.0.1/x" },
	{ "a / in the password", "postgres://ann:5/secret@127.0.0.1/x" },
	{ "a ? and an @ in the password", "postgres://ann:5?my@secret@127.0.0.1/x" },
	{ "a / and a ? in the password", "postgres://ann:5/?secret=5@127.0.0.1/x" },
	{ "a % in the password", "postgres://ann:secret%zz@127.0.0.1/x" },
	{ "no host, and letters", "postgres://ann:secret" },
	{ "a [ in the password", "postgres://ann@[secret" },
	{ "no //", "postgres:secret" },
	{ "no word of libpq", "postgres://127.0.0.1/x?secret=secret" },
};

static void of_a_bad_url_nothing_is_said(void **state)
{
	const struct url_case *c = *state;
	char why[512] = "";
	assert_null(store_open(c->url, "/", why, sizeof(why)));
	assert_non_null(strstr(why, "store.url is no url of PostgreSQL"));
	assert_null(strstr(why, "secret"));
}

static void a_port_is_one(void **state)
{
	static const char *const bad[] = { "postgres://ann:123456", "postgres://a:0/x",
		"postgres://a:1,b:70000/x", "postgres://a/x?port=5432x" };
	char why[512];
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_null(store_open(bad[i], "/", why, sizeof(why)));
		assert_non_null(strstr(why, "store.url is no url of PostgreSQL"));
	}
	assert_null(
	    store_open("postgres://u:p%40%2F@127.0.0.1:1,127.0.0.1/x", "/", why, sizeof(why)));
	assert_non_null(strstr(why, "cannot use the database"));
}

/* ---- a name server that is slow ---- */

static _Atomic bool names_are_slow;
static _Atomic int looking_up;
static sem_t found;

/* Stands before libc's, for libpq too. */
int getaddrinfo(const char *restrict node, const char *restrict service,
    const struct addrinfo *restrict hints, struct addrinfo **restrict result)
{
	typedef int getaddrinfo_fn(
	    const char *, const char *, const struct addrinfo *, struct addrinfo **);
	if (node != NULL && strcmp(node, "name.test") == 0) {
		looking_up++;
		while (names_are_slow && sem_wait(&found) != 0)
			;
		looking_up--;
		return EAI_NONAME;
	}
	getaddrinfo_fn *real = (getaddrinfo_fn *)(uintptr_t)dlsym(RTLD_NEXT, "getaddrinfo");
	return real(node, service, hints, result);
}

static void await_connections(struct store *store)
{
	for (int tries = 0; store_counts(store).connections < 4 && tries < 1000; tries++)
		usleep(10000);
	assert_int_equal(store_counts(store).connections, 4);
}

/* A host whose name nobody knows stands before the real one. */
static struct store *open_by_name(struct fixture *f)
{
	char url[sizeof(f->url) + 16], why[512];
	char *host = strstr(f->url, "host=");
	assert_non_null(host);
	snprintf(url, sizeof(url), "%.*shost=name.test,%s", (int)(host - f->url), f->url, host + 5);
	struct store *store = store_open(url, f->folder, why, sizeof(why));
	if (store == NULL)
		fail_msg("%s", why);
	await_connections(store);
	return store;
}

static void a_slow_name_server_delays_nobody_else(void **state)
{
	enum { ASKED = 32 };
	struct fixture *f = set_up();
	sem_init(&found, 0, 0);
	struct store *store = open_by_name(f);
	names_are_slow = true;
	other_does(f,
	    "SELECT pg_terminate_backend(max(pid)) FROM pg_stat_activity WHERE datname = current_database() "
	    "AND application_name = 'messagerd' AND pid <> pg_backend_pid()");
	for (int tries = 0; looking_up == 0 && tries < 1000; tries++)
		usleep(10000);
	assert_int_equal(looking_up, 1);
	struct asked asked[ASKED] = { 0 };
	int answered = 0;
	for (int i = 0; i < ASKED; i++) {
		char name[16];
		snprintf(name, sizeof(name), "n%d", i);
		ask_begin(store, &asked[i], STORE_ACCOUNT_GET, name, "");
	}
	for (int i = 0; i < ASKED; i++)
		answered += ask_end(&asked[i]) == STORE_NONE;
	assert_in_range(
	    answered, ASKED / 2, ASKED - 1); /* those of one connection had to wait too long */
	assert_int_equal(looking_up, 1);
	assert_int_equal(store_counts(store).connections, 3);
	names_are_slow = false;
	sem_post(&found);
	await_connections(store);
	store_close(store);
	tear_down(f);
}

/* Nor does a stop wait for one. */
static void a_slow_name_server_does_not_delay_the_end(void **state)
{
	struct fixture *f = set_up();
	sem_init(&found, 0, 0);
	struct store *store = open_by_name(f);
	names_are_slow = true;
	other_does(f,
	    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
	    "AND application_name = 'messagerd'");
	for (int tries = 0; looking_up < 4 && tries < 1000; tries++)
		usleep(10000);
	assert_int_equal(looking_up, 4);
	store_close(store); /* the test's own end, if it waits for them */
	names_are_slow = false;
	for (int i = 0; i < 4; i++)
		sem_post(&found);
	for (int tries = 0; looking_up > 0 && tries < 1000; tries++)
		usleep(10000);
	tear_down(f);
}

/* ---- a database that is slow ---- */

/* Forty that take 140 ms each: the last is answered long after the time in which something has to be. */
static void slow_progress_is_progress(void **state)
{
	enum { ASKED = 40 };
	struct fixture *f = set_up();
	struct asked asked[ASKED] = { 0 };
	other_does(f, "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS "
		      "$$ BEGIN PERFORM pg_sleep(0.14); RETURN new; END $$");
	other_does(
	    f, "CREATE TRIGGER slow BEFORE INSERT ON ban FOR EACH ROW EXECUTE FUNCTION slow()");
	for (int i = 0; i < ASKED; i++)
		ask_begin(f->store, &asked[i], STORE_BAN_ADD, "eve", "");
	for (int i = 0; i < ASKED; i++)
		assert_int_equal(ask_end(&asked[i]), i == 0 ? STORE_OK : STORE_TAKEN);
	assert_int_equal(store_counts(f->store).lost, 0);
	tear_down(f);
}

/* And one that is stuck is not. */
static void a_stuck_one_is_given_up(void **state)
{
	struct fixture *f = set_up();
	await_connections(f->store);
	other_does(f, "BEGIN");
	other_does(f, "LOCK TABLE ban");
	assert_int_equal(ask(f->store, STORE_BAN_ADD, "eve", ""), STORE_UNAVAILABLE);
	assert_int_equal(store_counts(f->store).lost, 1);
	assert_false(
	    store_counts(f->store).is_reachable); /* the others say nothing, being asked nothing */
	assert_int_equal(ask(f->store, STORE_ACCOUNT_ADD, "ann", "h"), STORE_OK);
	assert_true(store_counts(f->store).is_reachable);
	other_does(f, "ROLLBACK");
	tear_down(f);
}

/* ---- a database that goes away ---- */

static void comes_back(void **state)
{
	struct fixture *f = set_up();
	char hash[STORE_HASH_SIZE];
	postgres_stop();
	enum store_status status;
	do
		status = ask_hash(f->store, "bob", hash);
	while (status == STORE_OK);
	assert_int_equal(status, STORE_UNAVAILABLE);
	assert_int_equal(ask(f->store, STORE_ACCOUNT_ADD, "eve", "h"), STORE_UNAVAILABLE);
	assert_false(store_counts(f->store).is_reachable);
	postgres_start();
	for (int tries = 0; status != STORE_OK && tries < 1000; tries++) {
		status = ask_hash(f->store, "bob", hash);
		usleep(10000);
	}
	assert_int_equal(status, STORE_OK);
	for (int tries = 0; tries < 1000;
	     tries++) { /* that it reads again says nothing of whether it writes */
		status = ask(f->store, STORE_ACCOUNT_ADD, "eve", "h");
		if (status != STORE_UNAVAILABLE)
			break;
		usleep(10000);
	}
	assert_int_equal(status, STORE_OK);
	assert_true(store_counts(f->store).lost > 0);
	tear_down(f);
}

/* What was handed in while it restarts waits, as long as it may, and is then done. */
static void rides_out_a_cut_connection(void **state)
{
	struct fixture *f = set_up();
	for (int i = 0; i < 20; i++) {
		char hash[STORE_HASH_SIZE];
		other_does(f,
		    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
		    "AND pid <> pg_backend_pid()");
		assert_int_equal(ask_hash(f->store, "bob", hash), STORE_OK);
	}
	tear_down(f);
}

int main(int argc, char **argv)
{
	if (!postgres_is_here()) {
		puts("1..0 # SKIP no PostgreSQL is installed");
		return 0;
	}
	UNIT_EACH(comes_in_pieces_and_goes_out_whole, size_cases);
	UNIT_TEST(damage_is_seen);
	UNIT_TEST(one_session_in_the_cluster);
	UNIT_TEST(a_dead_node_loses_what_others_took);
	UNIT_TEST(two_nodes_of_one_name);
	UNIT_TEST(cut_off_uploads_are_swept);
	UNIT_TEST(all_start_at_once);
	UNIT_TEST(refuses_newer_and_absent);
	UNIT_EACH(of_a_bad_url_nothing_is_said, url_cases);
	UNIT_TEST(a_port_is_one);
	UNIT_TEST(a_slow_name_server_delays_nobody_else);
	UNIT_TEST(a_slow_name_server_does_not_delay_the_end);
	UNIT_TEST(slow_progress_is_progress);
	UNIT_TEST(a_stuck_one_is_given_up);
	UNIT_TEST(rides_out_a_cut_connection);
	UNIT_TEST(comes_back);
	return unit_run(argc, argv);
}
