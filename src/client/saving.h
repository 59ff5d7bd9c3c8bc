/*
 * saving.h: where downloads are kept. A file is written under a name of its own and gets its real one when it is whole and on the disk;
 * nothing is overwritten, no link is followed, nothing is made outside of the folder. Waits for the disk; one thread.
 */
#ifndef CLIENT_SAVING_H
#define CLIENT_SAVING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "client/filename.h"
#include "client/why.h"

enum { SAVING_PART_SIZE = 64 };

struct saving {
	int folder_fd; /* -1: closed */
	int fd;        /* of the file being written; -1: none */
	uint64_t bytes;
	size_t name_len;
	char name[FILENAME_MAX_LEN]; /* in its safe form */
	char part[SAVING_PART_SIZE]; /* its name until it is whole */
};

void saving_init(struct saving *s);

/* Opens the folder, and makes sure that a file can be made there. false: why says it. */
bool saving_open(struct saving *s, const char *folder, struct why *why);
/* Drops a file that is not whole, and closes the folder. */
void saving_close(struct saving *s);

/* Begins a file of this foreign name. On false nothing is left behind, here and below. */
bool saving_begin(struct saving *s, struct slice name, struct why *why);
static inline bool saving_is_begun(const struct saving *s)
{
	return s->fd >= 0;
}
bool saving_write(struct saving *s, struct slice bytes, struct why *why);
/* The file is whole: syncs it and gives it the first free name of name.ext, name-2.ext, …, which is then s->name. */
bool saving_finish(struct saving *s, struct why *why);
/* Drops the file that is not whole, if there is one. */
void saving_drop(struct saving *s);

#endif
