#include "server/migrate.h"

#include <errno.h>
#include <semaphore.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/data_folder.h"
#include "store/files.h"
#include "store/store.h"

enum { IN_FLIGHT = 64, CHUNK_BYTES = 128 << 10 };

/* A row of a list: an account (with its hash), a ban or a file. */
struct row {
	char name[STORE_NAME_SIZE];
	char more[FILENAME_MAX_LEN + 1]; /* its hash, or its name */
	int64_t at_ms;
	uint64_t size_bytes;
};

struct rows {
	struct row *all;
	size_t count, room;
	bool is_complete;
};

struct migration {
	struct store *from, *to;
	bool has_failed;
};

/* ---- calls that wait ---- */

struct asked {
	struct store_request request; /* first */
	sem_t done;
	struct rows *rows;
};

static void raise_flag(struct store_request *request)
{
	sem_post(&((struct asked *)(void *)request)->done);
}

static void ask_begin(struct store *store, struct asked *a, enum store_call call)
{
	a->request.call = call;
	a->request.done = raise_flag;
	sem_init(&a->done, 0, 0);
	store_submit(store, &a->request);
}

static enum store_status ask_end(struct asked *a)
{
	while (sem_wait(&a->done) != 0)
		;
	sem_destroy(&a->done);
	return a->request.status;
}

static void add_row(struct store_request *request, const char *name, const char *more,
    int64_t at_ms, uint64_t size_bytes)
{
	struct rows *rows = ((struct asked *)(void *)request)->rows;
	if (rows->count == rows->room) {
		size_t room = rows->room ? rows->room * 2 : 256;
		struct row *all = realloc(rows->all, room * sizeof(*all));
		if (all == NULL) {
			rows->is_complete = false;
			return;
		}
		rows->all = all;
		rows->room = room;
	}
	struct row *row = &rows->all[rows->count++];
	memset(row, 0, sizeof(*row));
	snprintf(row->name, sizeof(row->name), "%s", name);
	snprintf(row->more, sizeof(row->more), "%s", more);
	row->at_ms = at_ms;
	row->size_bytes = size_bytes;
}

static void add_account(
    struct store_request *request, const char *name, const char *hash, int64_t created_ms)
{
	add_row(request, name, hash, created_ms, 0);
}

static void add_ban(struct store_request *request, const char *name, int64_t created_ms)
{
	add_row(request, name, "", created_ms, 0);
}

static void add_file(struct store_request *request, const struct store_file *file)
{
	add_row(request, file->receiver, file->name, file->completed_ms, file->size_bytes);
}

/* false: the store did not answer, or no memory. */
static bool list(struct store *store, enum store_call call, struct rows *rows)
{
	struct asked a = { .request = { .each_account = add_account,
			       .each_ban = add_ban,
			       .each_file = add_file },
		.rows = rows };
	rows->is_complete = true;
	ask_begin(store, &a, call);
	return ask_end(&a) == STORE_OK && rows->is_complete;
}

static void rows_clear(struct rows *rows)
{
	if (rows->all != NULL)
		sodium_memzero(rows->all, rows->room * sizeof(*rows->all)); /* hashes */
	free(rows->all);
	*rows = (struct rows){ 0 };
}

/* ---- accounts and bans ---- */

static void fail(struct migration *m, const char *what, const char *name, const char *why)
{
	fprintf(stderr, "messagerd: %s %s: %s\n", what, name, why);
	m->has_failed = true;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct row *)a)->name, ((const struct row *)b)->name);
}

static void sort(struct rows *rows)
{
	if (rows->count > 0) /* qsort() takes nothing for nothing, not even no rows */
		qsort(rows->all, rows->count, sizeof(struct row), by_name);
}

static void add_to_digest(crypto_hash_sha256_state *sha, const struct row *row)
{
	char at[32];
	int len = snprintf(at, sizeof(at), "%lld", (long long)row->at_ms);
	crypto_hash_sha256_update(sha, (const unsigned char *)row->name, strlen(row->name) + 1);
	crypto_hash_sha256_update(sha, (const unsigned char *)row->more, strlen(row->more) + 1);
	crypto_hash_sha256_update(sha, (const unsigned char *)at, (size_t)len + 1);
}

static void digest_text(crypto_hash_sha256_state *sha, char text[static 65])
{
	unsigned char digest[crypto_hash_sha256_BYTES];
	crypto_hash_sha256_final(sha, digest);
	sodium_bin2hex(text, 65, digest, sizeof(digest));
}

/* Both sorted: the sum of all of one, and of those of the other that have the same names. */
static void compare(struct migration *m, const char *what, struct rows *from, struct rows *to)
{
	crypto_hash_sha256_state sums[2];
	char texts[2][65];
	size_t at = 0, found = 0;
	for (int i = 0; i < 2; i++)
		crypto_hash_sha256_init(&sums[i]);
	sort(from);
	sort(to);
	for (size_t i = 0; i < from->count; i++) {
		add_to_digest(&sums[0], &from->all[i]);
		while (at < to->count && by_name(&to->all[at], &from->all[i]) < 0)
			at++;
		if (at < to->count && by_name(&to->all[at], &from->all[i]) == 0) {
			add_to_digest(&sums[1], &to->all[at]);
			found++;
		}
	}
	for (int i = 0; i < 2; i++)
		digest_text(&sums[i], texts[i]);
	bool is_equal = found == from->count && strcmp(texts[0], texts[1]) == 0;
	printf("%s: %zu here, %zu of them there, %zu there in all; sha256 %s %s\n", what,
	    from->count, found, to->count, texts[0], is_equal ? "in both" : "here");
	if (!is_equal)
		fail(m, what, "in the other store", "differ from those here");
}

static void copy_some(
    struct migration *m, enum store_call call, const struct row *rows, size_t count, size_t *new_r)
{
	static struct asked asked[IN_FLIGHT];
	for (size_t i = 0; i < count; i++) {
		asked[i] = (struct asked){ .request.created_ms = rows[i].at_ms };
		memcpy(asked[i].request.name, rows[i].name, sizeof(rows[i].name));
		snprintf(
		    asked[i].request.hash, sizeof(asked[i].request.hash), "%.159s", rows[i].more);
		ask_begin(m->to, &asked[i], call);
	}
	for (size_t i = 0; i < count; i++) {
		enum store_status status = ask_end(&asked[i]);
		*new_r += status == STORE_OK;
		if (status == STORE_UNAVAILABLE)
			fail(m, "copying", rows[i].name, "the store did not do it");
		store_request_wipe(&asked[i].request);
	}
}

static void copy_rows(
    struct migration *m, const char *what, enum store_call list_call, enum store_call add_call)
{
	struct rows from = { 0 }, to = { 0 };
	size_t count = 0;
	if (!list(m->from, list_call, &from)) {
		fail(m, what, "here", "cannot be read");
		rows_clear(&from);
		return;
	}
	for (size_t at = 0; at < from.count && !m->has_failed; at += IN_FLIGHT) {
		size_t some = from.count - at < IN_FLIGHT ? from.count - at : IN_FLIGHT;
		copy_some(m, add_call, from.all + at, some, &count);
	}
	printf("%s: %zu copied\n", what, count);
	if (list(m->to, list_call, &to))
		compare(m, what, &from, &to);
	else
		fail(m, what, "in the other store", "cannot be read");
	rows_clear(&from);
	rows_clear(&to);
}

/* ---- files ---- */

struct moving {
	struct file file; /* first */
	sem_t done;
};

static void file_done(struct file *file)
{
	sem_post(&((struct moving *)(void *)file)->done);
}

static void moving_init(struct moving *v, struct store *store, const struct row *row)
{
	file_init(&v->file, store);
	v->file.done = file_done;
	memcpy(v->file.receiver, row->name, sizeof(v->file.receiver));
	memcpy(v->file.name, row->more, sizeof(v->file.name));
	sem_init(&v->done, 0, 0);
}

static enum store_status moved(struct moving *v)
{
	while (sem_wait(&v->done) != 0)
		;
	return v->file.status;
}

static void moving_clear(struct moving *v)
{
	file_discard(&v->file);
	moved(v);
	sem_destroy(&v->done);
}

/* The sum of a whole file, which on its way through goes to `into` as well, if that is not NULL. */
static bool read_through(
    struct store *store, const struct row *row, struct moving *into, char digest_r[static 65])
{
	static char bytes[CHUNK_BYTES];
	struct moving v;
	crypto_hash_sha256_state sha;
	bool is_good = true;
	moving_init(&v, store, row);
	crypto_hash_sha256_init(&sha);
	file_select(&v.file, row->name, row->more);
	do {
		file_read(&v.file, bytes, sizeof(bytes));
		is_good = moved(&v) == STORE_OK;
		if (!is_good)
			break;
		crypto_hash_sha256_update(&sha, (unsigned char *)bytes, v.file.got_len);
		if (into != NULL) {
			file_append(&into->file, slice_of(bytes, v.file.got_len));
			is_good = moved(into) == STORE_OK;
		}
	} while (is_good && !v.file.at_end);
	digest_text(&sha, digest_r);
	moving_clear(&v);
	return is_good;
}

static bool send_file(struct migration *m, const struct row *row, char digest_r[static 65])
{
	struct moving into;
	moving_init(&into, m->to, row);
	into.file.completed_ms = row->at_ms;
	file_begin(&into.file);
	bool is_good = moved(&into) == STORE_OK && read_through(m->from, row, &into, digest_r);
	if (is_good) {
		file_finish(&into.file, SLICE(""));
		is_good = moved(&into) == STORE_OK && strcmp(into.file.name, row->more) == 0;
	} else {
		moving_clear(&into);
	}
	return is_good;
}

static const struct row *find_file(const struct rows *rows, const struct row *wanted)
{
	for (size_t i = 0; i < rows->count; i++) {
		const struct row *row = &rows->all[i];
		if (strcmp(row->name, wanted->name) == 0 && strcmp(row->more, wanted->more) == 0)
			return row;
	}
	return NULL;
}

static void copy_file(struct migration *m, const struct rows *there, const struct row *row,
    size_t *new_r, size_t *same_r)
{
	char here_digest[65], there_digest[65];
	bool is_there = find_file(there, row) != NULL;
	bool is_good = is_there ? read_through(m->from, row, NULL, here_digest)
				: send_file(m, row, here_digest);
	if (!is_good) {
		fail(m, row->name, row->more, "this file could not be copied");
		return;
	}
	*new_r += !is_there;
	if (read_through(m->to, row, NULL, there_digest) && strcmp(here_digest, there_digest) == 0)
		++*same_r;
	else
		fail(m, row->name, row->more, "the file there is another one");
}

static void copy_files(struct migration *m)
{
	struct rows from = { 0 }, to = { 0 };
	size_t count = 0, same = 0;
	if (!list(m->from, STORE_FILE_LIST, &from) || !list(m->to, STORE_FILE_LIST, &to))
		fail(m, "files", "", "cannot be listed");
	for (size_t i = 0; i < from.count && !m->has_failed; i++)
		copy_file(m, &to, &from.all[i], &count, &same);
	printf("files: %zu copied\nfiles: %zu here, %zu of them there, each with the same sha256\n",
	    count, from.count, same);
	rows_clear(&from);
	rows_clear(&to);
}

/* ---- the whole ---- */

static bool open_both(struct migration *m, const struct settings *s, const char *url)
{
	char why[SETTINGS_WHY_SIZE] = "";
	m->from = store_open(s->store_url, s->data, why, sizeof(why));
	if (m->from != NULL && store_is_shared(m->from))
		snprintf(why, sizeof(why), "store.url is a shared store already");
	else if (m->from != NULL)
		m->to = store_open(url, s->data, why, sizeof(why));
	if (m->to != NULL && !store_is_shared(m->to)) {
		snprintf(why, sizeof(why), "what is migrated to must be postgres://...");
		store_close(m->to);
		m->to = NULL;
	}
	if (m->to == NULL)
		fprintf(stderr, "messagerd: %s\n", why);
	return m->to != NULL;
}

int migrate_run(const struct settings *settings, const char *url)
{
	struct migration m = { 0 };
	char why[SETTINGS_WHY_SIZE] = "";
	int lock_fd = data_folder_open(settings->data, why, sizeof(why));
	if (lock_fd < 0 || sodium_init() < 0) {
		fprintf(stderr, "messagerd: %s\n", why);
		return 1;
	}
	if (open_both(&m, settings, url)) {
		copy_rows(&m, "accounts", STORE_ACCOUNT_LIST, STORE_ACCOUNT_ADD);
		copy_rows(&m, "bans", STORE_BAN_LIST, STORE_BAN_ADD);
		copy_files(&m);
		puts(m.has_failed ? "not all is there" : "all is there");
	} else {
		m.has_failed = true;
	}
	store_close(m.to);
	store_close(m.from);
	close(lock_fd);
	return m.has_failed ? 1 : 0;
}
