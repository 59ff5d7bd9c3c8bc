/* lib.h: a store in a folder of its own, and calls that wait for their answer. Failures of the set-up end the test. */
#ifndef UNIT_STORE_LIB_H
#define UNIT_STORE_LIB_H

#include <semaphore.h>

#include "store/store.h"

/* A request whose done() raises a flag, or calls next() first. */
struct asked {
	struct store_request request;
	sem_t answered;
};

/* A new folder below TMPDIR; folder_remove() takes it, its folder files, and all files away. */
void folder_make(char path[static 64]);
void folder_remove(const char *path);

/* Of the engine that STORE_ENGINE names: sqlite, or postgres with a database of the folder's name. */
struct store *store_in(const char *folder);
bool store_is_postgres(void);
void store_url_of(const char *folder, char *url, size_t size);

void ask_begin(struct store *store, struct asked *asked, enum store_call call, const char *name,
    const char *hash);
enum store_status ask_end(struct asked *asked);

/* Both in one. */
enum store_status ask(
    struct store *store, enum store_call call, const char *name, const char *hash);
/* SET_HASH only where old_hash still stands. */
enum store_status ask_exchange(
    struct store *store, const char *name, const char *old_hash, const char *hash);
/* Copies what a GET brought. */
enum store_status ask_hash(
    struct store *store, const char *name, char hash[static STORE_HASH_SIZE]);

#endif
