/*
 * waiting.h: a store with an account "bob", the calls of files.h as calls that wait, and what there is then: in rows, in the folder, in the database. What
 * does not come out as expected ends the test.
 */
#ifndef UNIT_STORE_WAITING_H
#define UNIT_STORE_WAITING_H

#include <semaphore.h>

#include "store/files.h"
#include "store/lib.h"

struct fixture {
	char folder[64]; /* the data folder, */
	char files[80];  /* and that of the files in it */
	struct store *store;
};

/* A call of files.h and its answer. */
struct waited {
	struct file file; /* first: both are at one address */
	sem_t done;
};

/* What a STORE_FILE_LIST says: a line for each file, receiver, name and size. */
struct listed {
	struct asked asked; /* first */
	char text[4096];
	int64_t first_id;
};

struct fixture *set_up(void);
void tear_down(struct fixture *f);

/* ---- calls that wait ---- */

/* For bob, under this name. */
void waited_init(struct waited *w, struct fixture *f, const char *name);
enum store_status waited_for(struct waited *w);
enum store_status begin(struct waited *w);
enum store_status append(struct waited *w, const char *bytes);
enum store_status finish(struct waited *w, const char *bytes);
enum store_status discard(struct waited *w);
/* From begin() to finish(); bob's quotas, 0: none. */
enum store_status upload(
    struct fixture *f, const char *name, const char *bytes, uint64_t max_files, uint64_t max_bytes);
/* The same, which must come in. */
void wait_for_file(struct fixture *f, const char *name, const char *bytes);

/* ---- what there is ---- */

/* For free(). */
struct listed *list(struct fixture *f, enum store_call call, const char *receiver);
int64_t first_id(struct fixture *f);
enum store_status remove_first(struct fixture *f);
/* The rows, listed in both ways. */
void assert_waiting(struct fixture *f, const char *expected);
/* The names in the folder (in PostgreSQL those that have pieces), sorted, a space after each. All that is under way is carried out first. */
void assert_folder(struct fixture *f, const char *expected);
/* What is read of bob's file, cap bytes at a time. */
void assert_content(struct fixture *f, const char *name, const char *expected, size_t cap);

/* ---- by hand, in the folder ---- */

void path_of(struct fixture *f, const char *entry, char path[static 400]);
void put_by_hand(struct fixture *f, const char *entry);
void take_by_hand(struct fixture *f, const char *entry);

/* For qsort(), of names. */
int by_name(const void *a, const void *b);

#endif
