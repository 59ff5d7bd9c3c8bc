#include "client/saving.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

enum { NUMBER_MAX = 100000 };

void saving_init(struct saving *s)
{
	*s = (struct saving){ .folder_fd = -1, .fd = -1 };
}

/* A file of a name that nobody else has, which others can't read before it is whole. */
static bool part_make(struct saving *s, struct why *why)
{
	snprintf(s->part, sizeof(s->part), ".messager-%08x%08x.part",
	    (unsigned)randombytes_random(), (unsigned)randombytes_random());
	s->fd = openat(
	    s->folder_fd, s->part, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	s->bytes = 0;
	return s->fd >= 0 || why_fail(why, "cannot make a file: %s", strerror(errno));
}

bool saving_open(struct saving *s, const char *folder, struct why *why)
{
	saving_close(s);
	s->folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->folder_fd < 0)
		return why_fail(why, "cannot open it: %s", strerror(errno));
	bool ok = part_make(s, why);
	saving_drop(s);
	if (!ok)
		saving_close(s);
	return ok;
}

void saving_drop(struct saving *s)
{
	if (s->fd < 0)
		return;
	unlinkat(s->folder_fd, s->part, 0);
	close(s->fd);
	s->fd = -1;
}

void saving_close(struct saving *s)
{
	saving_drop(s);
	if (s->folder_fd >= 0)
		close(s->folder_fd);
	s->folder_fd = -1;
}

bool saving_begin(struct saving *s, struct slice name, struct why *why)
{
	saving_drop(s);
	s->name_len = filename_safe(name, s->name);
	return part_make(s, why);
}

static bool fail(struct saving *s, const char *what, struct why *why)
{
	why_fail(why, "cannot %s: %s", what, strerror(errno));
	saving_drop(s);
	return false;
}

bool saving_write(struct saving *s, struct slice bytes, struct why *why)
{
	while (bytes.len > 0) {
		ssize_t put = write(s->fd, bytes.ptr, bytes.len);
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return fail(s, "write", why);
		s->bytes += (uint64_t)put;
		bytes = slice_skip(bytes, (size_t)put);
	}
	return true;
}

/* Moves the file to the name if that is free. Some file systems can't rename so; all that matter then have links. */
static bool move_if_free(struct saving *s, const char *name)
{
	if (renameat2(s->folder_fd, s->part, s->folder_fd, name, RENAME_NOREPLACE) == 0)
		return true;
	if (errno != EINVAL && errno != ENOSYS)
		return false;
	if (linkat(s->folder_fd, s->part, s->folder_fd, name, 0) != 0)
		return false;
	unlinkat(s->folder_fd, s->part, 0);
	return true;
}

static bool move_to_free_name(struct saving *s)
{
	struct slice wanted = slice_of(s->name, s->name_len);
	char name[FILENAME_MAX_LEN + 1];
	for (unsigned number = 1; number <= NUMBER_MAX; number++) {
		size_t len = filename_numbered(wanted, number, name);
		name[len] = '\0';
		if (move_if_free(s, name)) {
			memcpy(s->name, name, len);
			s->name_len = len;
			return true;
		}
		if (errno != EEXIST)
			return false;
	}
	return false;
}

static mode_t usual_mode(void)
{
	mode_t mask = umask(0);
	umask(mask);
	return 0666 & ~mask;
}

bool saving_finish(struct saving *s, struct why *why)
{
	/* A file system without modes is no reason to lose a file. */
	(void)fchmod(s->fd, usual_mode());
	if (fsync(s->fd) != 0)
		return fail(s, "write", why);
	if (!move_to_free_name(s))
		return fail(s, "give the file its name", why);
	close(s->fd);
	s->fd = -1;
	fsync(s->folder_fd);
	return true;
}
