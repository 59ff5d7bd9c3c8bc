/* backup.h: the file that messagerctl backup makes. It has its name only when all of it is on disk, mode 0600, and replaces nothing. Blocks. */
#ifndef CTL_BACKUP_H
#define CTL_BACKUP_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

struct backup_file {
	int fd;
	const char *path;
	char temporary[PATH_MAX];
};

/* Makes path.PID.part. Each returns false with a sentence in why; backup_drop() follows in any case, unless it was finished. */
bool backup_begin(struct backup_file *f, const char *path, char *why, size_t why_size);
bool backup_take(struct backup_file *f, struct slice bytes, char *why, size_t why_size);
bool backup_finish(struct backup_file *f, char *why, size_t why_size);

/* Nothing is left of it. */
void backup_drop(struct backup_file *f);

#endif
