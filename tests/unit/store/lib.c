#include "store/lib.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef HAVE_LIBPQ
#include "store/postgres_server.h"
#endif

static void must(bool holds, const char *what)
{
	if (holds)
		return;
	perror(what);
	abort();
}

void folder_make(char path[static 64])
{
	const char *parent = getenv("TMPDIR");
	snprintf(path, 64, "%s/store-test-XXXXXX",
	    parent != NULL && strlen(parent) < 40 ? parent : "/tmp");
	must(mkdtemp(path) != NULL, path);
}

static void remove_content(const char *path)
{
	DIR *folder = opendir(path);
	must(folder != NULL, path);
	for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
		unlinkat(dirfd(folder), entry->d_name, 0);
	closedir(folder);
}

void folder_remove(const char *path)
{
	char files[128];
	snprintf(files, sizeof(files), "%s/files", path);
	if (access(files, F_OK) == 0) {
		remove_content(files);
		must(rmdir(files) == 0, files);
	}
	remove_content(path);
	must(rmdir(path) == 0, path);
}

bool store_is_postgres(void)
{
	const char *engine = getenv("STORE_ENGINE");
	return engine != NULL && strcmp(engine, "postgres") == 0;
}

void store_url_of(const char *folder, char *url, size_t size)
{
	snprintf(url, size, "sqlite:");
#ifdef HAVE_LIBPQ
	if (store_is_postgres())
		postgres_url(strrchr(folder, '/') + 1, url, size);
#endif
}

struct store *store_in(const char *folder)
{
	char why[512] = "", url[256];
	store_url_of(folder, url, sizeof(url));
	struct store *store = store_open(url, folder, why, sizeof(why));
	must(store != NULL, why);
	return store;
}

static void answer(struct store_request *request)
{
	sem_post(&((struct asked *)request->arg)->answered);
}

void ask_begin(struct store *store, struct asked *asked, enum store_call call, const char *name,
    const char *hash)
{
	struct store_request *request = &asked->request;
	sem_init(&asked->answered, 0, 0);
	request->call = call;
	request->done = answer;
	request->arg = asked;
	snprintf(request->name, sizeof(request->name), "%s", name);
	snprintf(request->hash, sizeof(request->hash), "%s", hash);
	store_submit(store, request);
}

enum store_status ask_end(struct asked *asked)
{
	while (sem_wait(&asked->answered) != 0)
		must(errno == EINTR, "sem_wait");
	sem_destroy(&asked->answered);
	return asked->request.status;
}

enum store_status ask(struct store *store, enum store_call call, const char *name, const char *hash)
{
	struct asked asked = { .request = { .created_ms = 1000 } };
	ask_begin(store, &asked, call, name, hash);
	return ask_end(&asked);
}

enum store_status ask_exchange(
    struct store *store, const char *name, const char *old_hash, const char *hash)
{
	struct asked asked = { 0 };
	snprintf(asked.request.old_hash, sizeof(asked.request.old_hash), "%s", old_hash);
	ask_begin(store, &asked, STORE_ACCOUNT_SET_HASH, name, hash);
	return ask_end(&asked);
}

enum store_status ask_hash(struct store *store, const char *name, char hash[static STORE_HASH_SIZE])
{
	struct asked asked = { 0 };
	ask_begin(store, &asked, STORE_ACCOUNT_GET, name, "");
	enum store_status status = ask_end(&asked);
	snprintf(hash, STORE_HASH_SIZE, "%s", asked.request.hash);
	return status;
}
