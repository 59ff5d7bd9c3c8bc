/* store.c: stands in for store/: accounts and files in memory, of the calls that chat/ makes. Answers when told to. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake/fake.h"
#include "store/files.h"

enum { ACCOUNTS_MAX = 64, FILES_MAX = 256 };

struct account {
	char name[STORE_NAME_SIZE], hash[STORE_HASH_SIZE];
};

struct waiting {
	int64_t id; /* 0: free */
	bool is_complete;
	char receiver[NAME_MAX_LEN + 1], name[FILENAME_MAX_LEN + 1];
	struct buffer bytes;
};

struct store {
	bool at_once, is_broken;
	struct store_request *first, **end;
	struct pool *steps; /* of files */
	struct account accounts[ACCOUNTS_MAX];
	size_t account_count;
	struct waiting files[FILES_MAX];
	int64_t last_id;
};

struct store *fake_store_new(void)
{
	struct store *store = calloc(1, sizeof(*store));
	FAKE_MUST(store != NULL);
	store->end = &store->first;
	store->steps = pool_new(1);
	FAKE_MUST(store->steps != NULL);
	return store;
}

static void forget(struct waiting *file)
{
	buffer_clear(&file->bytes);
	*file = (struct waiting){ 0 };
}

void fake_store_free(struct store *store)
{
	pool_free(store->steps);
	for (size_t i = 0; i < FILES_MAX; i++) {
		FAKE_MUST(store->files[i].id == 0 || store->files[i].is_complete);
		forget(&store->files[i]);
	}
	free(store);
}

void fake_store_at_once(struct store *store, bool at_once)
{
	store->at_once = at_once;
}

void fake_store_break(struct store *store, bool is_broken)
{
	store->is_broken = is_broken;
}

/* ---- Requests ---- */

static struct account *account_of(struct store *store, const char *name)
{
	for (size_t i = 0; i < store->account_count; i++) {
		if (strcmp(store->accounts[i].name, name) == 0)
			return &store->accounts[i];
	}
	return NULL;
}

static enum store_status add_account(struct store *store, const struct store_request *r)
{
	if (account_of(store, r->name) != NULL)
		return STORE_TAKEN;
	if (store->account_count == ACCOUNTS_MAX)
		return STORE_UNAVAILABLE;
	struct account *account = &store->accounts[store->account_count++];
	memcpy(account->name, r->name, sizeof(account->name));
	memcpy(account->hash, r->hash, sizeof(account->hash));
	return STORE_OK;
}

static enum store_status get_account(struct store *store, struct store_request *r)
{
	const struct account *account = account_of(store, r->name);
	if (account == NULL)
		return STORE_NONE;
	memcpy(r->hash, account->hash, sizeof(r->hash));
	return STORE_OK;
}

static enum store_status set_hash(struct store *store, const struct store_request *r)
{
	struct account *account = account_of(store, r->name);
	if (account == NULL)
		return STORE_NONE;
	memcpy(account->hash, r->hash, sizeof(account->hash));
	return STORE_OK;
}

static int by_id(const void *a, const void *b)
{
	const struct waiting *const *left = a, *const *right = b;
	return ((*left)->id > (*right)->id) - ((*left)->id < (*right)->id);
}

/* Those that wait for that receiver, the longest waiting first; for any: NULL. Returns how many. */
static size_t list_files(
    const struct store *store, const char *receiver, const struct waiting *list_r[static FILES_MAX])
{
	size_t count = 0;
	for (size_t i = 0; i < FILES_MAX; i++) {
		const struct waiting *file = &store->files[i];
		if (file->is_complete &&
		    (receiver == NULL || strcmp(file->receiver, receiver) == 0))
			list_r[count++] = file;
	}
	qsort(list_r, count, sizeof(*list_r), by_id);
	return count;
}

static enum store_status snapshot(struct store *store, struct store_request *r)
{
	const struct waiting *list[FILES_MAX];
	size_t count = list_files(store, r->name, list);
	for (size_t i = 0; i < count; i++) {
		struct store_file row = { .id = list[i]->id,
			.receiver = list[i]->receiver,
			.name = list[i]->name,
			.size_bytes = list[i]->bytes.len };
		r->each_file(r, &row);
	}
	return STORE_OK;
}

static enum store_status remove_file(struct store *store, const struct store_request *r)
{
	for (size_t i = 0; i < FILES_MAX; i++) {
		if (store->files[i].is_complete && store->files[i].id == r->id) {
			forget(&store->files[i]);
			return STORE_OK;
		}
	}
	return STORE_NONE;
}

static enum store_status run(struct store *store, struct store_request *r)
{
	if (store->is_broken)
		return STORE_UNAVAILABLE;
	switch (r->call) {
	case STORE_BAN_LIST:
		return STORE_OK;
	case STORE_ACCOUNT_GET:
		return get_account(store, r);
	case STORE_ACCOUNT_ADD:
		return add_account(store, r);
	case STORE_ACCOUNT_SET_HASH:
		return set_hash(store, r);
	case STORE_FILE_SNAPSHOT:
		return snapshot(store, r);
	case STORE_FILE_REMOVE:
		return remove_file(store, r);
	default:
		FAKE_MUST(false); /* a call that chat/ newly makes */
	}
}

void store_submit(struct store *store, struct store_request *request)
{
	if (store->at_once) {
		request->status = run(store, request);
		request->done(request);
		return;
	}
	request->next = NULL;
	*store->end = request;
	store->end = &request->next;
}

bool store_look_up(struct store *store, struct store_request *request)
{
	if (!store->at_once)
		return false;
	request->status = run(store, request);
	return true;
}

bool fake_store_step(struct store *store)
{
	struct store_request *request = store->first;
	if (request == NULL)
		return fake_pool_step(store->steps);
	store->first = request->next;
	if (store->first == NULL)
		store->end = &store->first;
	request->status = run(store, request);
	request->done(request);
	return true;
}

bool store_is_shared(const struct store *store)
{
	return false;
}

struct store_counts store_counts(struct store *store)
{
	return (struct store_counts){ .is_reachable = true };
}

void store_request_wipe(struct store_request *request)
{
	sodium_memzero(request->hash, sizeof(request->hash));
	sodium_memzero(request->old_hash, sizeof(request->old_hash));
}

/* ---- Files: fd is a place in files[] ---- */

static struct file *file_of(struct pool_job *job)
{
	return list_entry(job, struct file, job);
}

static void give_back(struct file *file)
{
	if (file->fd >= 0)
		forget(&file->store->files[file->fd]);
	file->fd = -1;
}

static void finish(struct file *file);

static void run_step(struct pool_job *job)
{
	struct file *file = file_of(job);
	if (!file->store->is_broken) {
		file->step(file);
	} else {
		file->status = STORE_UNAVAILABLE;
		if (file->step == finish || file->step == give_back)
			give_back(file); /* after which there is nothing to discard */
	}
	file->done(file);
}

static void start_step(struct file *file, void (*step)(struct file *file))
{
	file->step = step;
	file->job.run = run_step;
	pool_submit(file->store->steps, &file->job);
}

void file_init(struct file *file, struct store *store)
{
	*file = (struct file){ .store = store, .fd = -1 };
}

static void create(struct file *file)
{
	struct store *store = file->store;
	const struct waiting *list[FILES_MAX];
	uint64_t used_bytes = 0;
	size_t count = list_files(store, file->receiver, list), place = 0;
	for (size_t i = 0; i < count; i++)
		used_bytes += list[i]->bytes.len;
	if (account_of(store, file->receiver) == NULL) {
		file->status = STORE_NONE;
		return;
	}
	while (place < FILES_MAX && store->files[place].id != 0)
		place++;
	file->status = STORE_TAKEN;
	if (place == FILES_MAX || (file->max_files != 0 && count >= file->max_files) ||
	    (file->max_bytes != 0 && used_bytes >= file->max_bytes))
		return;
	store->files[place].id = ++store->last_id;
	file->fd = (int)place;
	file->room_bytes = file->max_bytes != 0 ? file->max_bytes - used_bytes : UINT64_MAX;
	file->status = STORE_OK;
}

void file_begin(struct file *file)
{
	FAKE_MUST(file->fd < 0);
	start_step(file, create);
}

static void append(struct file *file)
{
	FAKE_MUST(file->fd >= 0);
	file->status = buffer_append_slice(&file->store->files[file->fd].bytes, file->bytes)
			   ? STORE_OK
			   : STORE_UNAVAILABLE;
	file->size_bytes += file->bytes.len;
}

void file_append(struct file *file, struct slice bytes)
{
	file->bytes = bytes;
	start_step(file, append);
}

static bool is_waiting(const struct store *store, const char *receiver, const char *name)
{
	for (size_t i = 0; i < FILES_MAX; i++) {
		const struct waiting *file = &store->files[i];
		if (file->is_complete && strcmp(file->receiver, receiver) == 0 &&
		    strcmp(file->name, name) == 0)
			return true;
	}
	return false;
}

static void finish(struct file *file)
{
	append(file);
	struct waiting *row = &file->store->files[file->fd];
	file->fd = -1;
	if (file->status != STORE_OK) {
		forget(row);
		return;
	}
	memcpy(row->receiver, file->receiver, sizeof(row->receiver));
	for (unsigned number = 1;; number++) {
		size_t len = filename_numbered(slice_str(file->name), number, row->name);
		row->name[len] = '\0';
		if (!is_waiting(file->store, row->receiver, row->name))
			break;
	}
	row->is_complete = true;
	row->id = ++file->store->last_id;
}

void file_finish(struct file *file, struct slice bytes)
{
	file->bytes = bytes;
	start_step(file, finish);
}

void file_select(struct file *file, const char *receiver, const char *name)
{
	snprintf(file->receiver, sizeof(file->receiver), "%s", receiver);
	snprintf(file->name, sizeof(file->name), "%s", name);
	file->size_bytes = 0; /* read so far */
}

static void read_some(struct file *file)
{
	struct store *store = file->store;
	file->status = STORE_NONE;
	for (size_t i = 0; i < FILES_MAX; i++) {
		const struct waiting *row = &store->files[i];
		if (!row->is_complete || strcmp(row->receiver, file->receiver) != 0 ||
		    strcmp(row->name, file->name) != 0)
			continue;
		struct slice rest = slice_skip(buffer_slice(&row->bytes), file->size_bytes);
		file->got_len = rest.len < file->bytes.len ? rest.len : file->bytes.len;
		memcpy(file->to, rest.ptr, file->got_len);
		file->size_bytes += file->got_len;
		file->at_end = file->got_len < file->bytes.len;
		file->status = STORE_OK;
	}
}

void file_read(struct file *file, char *to, size_t cap)
{
	file->to = to;
	file->bytes.len = cap;
	start_step(file, read_some);
}

void file_discard(struct file *file)
{
	start_step(file, give_back);
}

void fake_store_forget(struct store *store, const char *name)
{
	struct account *account = account_of(store, name);
	for (size_t i = 0; i < FILES_MAX; i++) {
		if (store->files[i].is_complete)
			forget(&store->files[i]);
	}
	if (account != NULL)
		*account = store->accounts[--store->account_count];
}

void fake_store_files(const struct store *store, struct buffer *to)
{
	const struct waiting *list[FILES_MAX];
	size_t count = list_files(store, NULL, list);
	for (size_t i = 0; i < count; i++) {
		struct slice bytes = buffer_slice(&list[i]->bytes);
		FAKE_MUST(buffer_printf(to, "%s+%s: ", list[i]->receiver, list[i]->name));
		FAKE_MUST(buffer_append_slice(to, bytes) && buffer_append(to, "\n", 1));
	}
}
