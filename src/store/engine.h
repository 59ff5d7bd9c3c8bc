/* engine.h: what an engine of the store is to store.c, which finds it by the url. Not for other rooms. */
#ifndef STORE_ENGINE_H
#define STORE_ENGINE_H

#include "store/files.h"
#include "store/store.h"

/* Each does what the function of the same name in store.h or files.h promises. */
struct store_engine {
	const char *scheme; /* what its urls begin with */
	const char *form;   /* for a person: "sqlite: or sqlite:PATH" */
	bool is_shared;     /* store_is_shared() */
	struct store *(*open)(const char *url, const char *data_dir, char *why, size_t why_size);
	void (*close)(struct store *store);
	void (*submit)(struct store *store, struct store_request *request);
	void (*look_up)(struct store *store, struct store_request *request); /* NULL: not here */
	void (*file_begin)(struct file *file);
	void (*file_append)(struct file *file, struct slice bytes);
	void (*file_finish)(struct file *file, struct slice bytes);
	void (*file_read)(struct file *file, char *to, size_t cap);
	void (*file_discard)(struct file *file);
	struct store_counts (*counts)(struct store *store);
};

/* An engine's own struct begins with this. */
struct store {
	const struct store_engine *engine;
};

extern const struct store_engine sqlite_engine;
extern const struct store_engine postgres_engine; /* in builds that have libpq */

#endif
