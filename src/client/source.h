/* source.h: the file that is sent. Waits for the disk; one thread. */
#ifndef CLIENT_SOURCE_H
#define CLIENT_SOURCE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "client/filename.h"
#include "client/why.h"

struct source {
	int fd; /* -1: closed */
	struct stat before;
	uint64_t left; /* bytes that are still to be read */
	char path[FILENAME_PATH_SIZE];
};

void source_init(struct source *s);

/* Opens the file at s->path. false: it is none that can be sent, why says it. */
bool source_open(struct source *s, struct why *why);
void source_close(struct source *s);

static inline uint64_t source_size(const struct source *s)
{
	return (uint64_t)s->before.st_size;
}

/* An upload_read_fn whose ctx is the source: never more than the file had when it was opened. */
ssize_t source_read(void *ctx, char *out, size_t room);

/* True if the file is not the one any more that was opened: what was read may be neither the old nor the new one. */
bool source_has_changed(const struct source *s);

#endif
