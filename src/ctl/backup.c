#include "ctl/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool fail(const char *what, const char *path, char *why, size_t why_size)
{
	snprintf(why, why_size, "cannot %s %s: %s", what, path, strerror(errno));
	return false;
}

bool backup_begin(struct backup_file *f, const char *path, char *why, size_t why_size)
{
	struct stat status;
	*f = (struct backup_file){ .fd = -1, .path = path };
	if (lstat(path, &status) == 0) {
		snprintf(why, why_size, "%s is there already; nothing is overwritten", path);
		return false;
	}
	int len = snprintf(f->temporary, sizeof(f->temporary), "%s.%ld.part", path, (long)getpid());
	if (len >= (int)sizeof(f->temporary)) {
		errno = ENAMETOOLONG;
		return fail("make", path, why, why_size);
	}
	f->fd = open(f->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	return f->fd >= 0 || fail("make", f->temporary, why, why_size);
}

bool backup_take(struct backup_file *f, struct slice bytes, char *why, size_t why_size)
{
	while (bytes.len > 0) {
		ssize_t n = write(f->fd, bytes.ptr, bytes.len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail("write", f->temporary, why, why_size);
		bytes = slice_skip(bytes, (size_t)n);
	}
	return true;
}

static bool sync_folder(const char *path)
{
	char folder[PATH_MAX];
	snprintf(folder, sizeof(folder), "%s", path);
	char *slash = strrchr(folder, '/');
	if (slash == NULL)
		snprintf(folder, sizeof(folder), ".");
	else
		slash[slash == folder ? 1 : 0] = '\0';
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool is_synced = fd >= 0 && fsync(fd) == 0;
	if (fd >= 0)
		close(fd);
	return is_synced;
}

/* A link never replaces what somebody has put there meanwhile. Some file systems have none; there the name was free a moment ago. */
static bool give_name(const char *from, const char *to)
{
	if (link(from, to) == 0)
		return true;
	return (errno == EPERM || errno == ENOTSUP) && rename(from, to) == 0;
}

bool backup_finish(struct backup_file *f, char *why, size_t why_size)
{
	bool is_written =
	    (fsync(f->fd) == 0 || fail("write", f->temporary, why, why_size)) &&
	    (give_name(f->temporary, f->path) || fail("make", f->path, why, why_size));
	backup_drop(f);
	return is_written && (sync_folder(f->path) || fail("write", f->path, why, why_size));
}

void backup_drop(struct backup_file *f)
{
	if (f->fd < 0)
		return;
	close(f->fd);
	f->fd = -1;
	unlink(f->temporary);
}
