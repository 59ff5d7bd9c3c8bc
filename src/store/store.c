/* store.c: the face of the store: finds the engine by the url and hands everything on to it. */
#include "store/store.h"

#include <assert.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "store/engine.h"

static const struct store_engine *const engines[] = {
	&sqlite_engine,
#ifdef HAVE_LIBPQ
	&postgres_engine,
#endif
};
enum { ENGINES = sizeof(engines) / sizeof(engines[0]) };

static const struct store_engine *engine_of(const char *url)
{
	for (int i = 0; i < ENGINES; i++) {
		if (strncmp(url, engines[i]->scheme, strlen(engines[i]->scheme)) == 0)
			return engines[i];
	}
	return NULL;
}

/* The url may hold a password: of one that is not known only the scheme is said. */
struct store *store_open(const char *url, const char *data_dir, char *why, size_t why_size)
{
	const struct store_engine *engine = engine_of(url);
	if (engine != NULL)
		return engine->open(url, data_dir, why, why_size);
	int scheme_len = (int)strcspn(url, ":");
#ifndef HAVE_LIBPQ
	if (strncmp(url, "postgres", 8) == 0) {
		snprintf(why, why_size,
		    "this messagerd was built without PostgreSQL; build it where libpq is "
		    "installed (libpq-dev)");
		return NULL;
	}
#endif
	int len =
	    snprintf(why, why_size, "no store is known for \"%.*s\"; it must be", scheme_len, url);
	for (int i = 0; i < ENGINES && len >= 0 && (size_t)len < why_size; i++)
		len += snprintf(why + len, why_size - (size_t)len, "%s %s", i > 0 ? " or" : "",
		    engines[i]->form);
	return NULL;
}

void store_close(struct store *store)
{
	if (store != NULL)
		store->engine->close(store);
}

bool store_is_shared(const struct store *store)
{
	return store->engine->is_shared;
}

struct store_counts store_counts(struct store *store)
{
	return store->engine->counts(store);
}

void store_submit(struct store *store, struct store_request *request)
{
	store->engine->submit(store, request);
}

bool store_look_up(struct store *store, struct store_request *request)
{
	assert(request->call == STORE_ACCOUNT_GET);
	if (store->engine->look_up == NULL)
		return false;
	store->engine->look_up(store, request);
	return true;
}

void store_request_wipe(struct store_request *request)
{
	sodium_memzero(request->hash, sizeof(request->hash));
	sodium_memzero(request->old_hash, sizeof(request->old_hash));
}

/* ---- files.h ---- */

void file_init(struct file *file, struct store *store)
{
	*file = (struct file){ .store = store, .fd = -1 };
}

void file_begin(struct file *file)
{
	file->store->engine->file_begin(file);
}

void file_append(struct file *file, struct slice bytes)
{
	file->store->engine->file_append(file, bytes);
}

void file_finish(struct file *file, struct slice bytes)
{
	file->store->engine->file_finish(file, bytes);
}

void file_select(struct file *file, const char *receiver, const char *name)
{
	file->is_stale = true;
	memcpy(file->receiver, receiver, strlen(receiver) + 1);
	memcpy(file->name, name, strlen(name) + 1);
}

void file_read(struct file *file, char *to, size_t cap)
{
	file->store->engine->file_read(file, to, cap);
}

void file_discard(struct file *file)
{
	file->store->engine->file_discard(file);
}
