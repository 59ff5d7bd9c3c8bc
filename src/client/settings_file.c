#include "client/settings_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/folder.h"
#include "client/settings.h"

static bool is_safe(int fd, const char *path, struct why *why)
{
	struct stat st;
	if (fstat(fd, &st) != 0)
		return why_fail(why, "cannot read %s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return why_fail(why, "%s is no file", path);
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return why_fail(why, "%s belongs to somebody else", path);
	if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return why_fail(why, "others can write to %s; chmod go-w makes it safe", path);
	return st.st_size <= SETTINGS_FILE_MAX_BYTES || why_fail(why, "%s is too long", path);
}

static bool read_all(int fd, const char *path, struct buffer *content, struct why *why)
{
	for (;;) {
		char *room = buffer_reserve(content, 4096);
		if (room == NULL)
			return why_fail(why, "no memory");
		ssize_t got = read(fd, room, 4096);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return why_fail(why, "cannot read %s: %s", path, strerror(errno));
		buffer_added(content, (size_t)got);
		if (got == 0)
			return true;
		if (content->len > SETTINGS_FILE_MAX_BYTES)
			return why_fail(why, "%s is too long", path);
	}
}

enum settings_file settings_file_read(const char *path, struct buffer *content, struct why *why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return SETTINGS_FILE_NONE;
	if (fd < 0) {
		why_fail(why, "cannot open %s: %s", path, strerror(errno));
		return SETTINGS_FILE_FAILED;
	}
	bool ok = is_safe(fd, path, why) && read_all(fd, path, content, why);
	close(fd);
	return ok ? SETTINGS_FILE_READ : SETTINGS_FILE_FAILED;
}

int settings_file_lock(const char *path, struct why *why)
{
	char copy[PATH_MAX];
	if (!folder_make_for(path, why))
		return -1;
	snprintf(copy, sizeof(copy), "%s", path);
	int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	while (fd >= 0 && flock(fd, LOCK_EX) != 0) {
		if (errno == EINTR)
			continue;
		int error = errno;
		close(fd);
		fd = -1;
		errno = error;
	}
	if (fd < 0)
		why_fail(why, "cannot lock the folder of %s: %s", path, strerror(errno));
	return fd;
}

bool settings_file_replace(const char *path, struct slice content, struct why *why)
{
	char real[PATH_MAX];
	if (realpath(path, real) == NULL)
		snprintf(real, sizeof(real), "%s", path);
	return folder_replace(real, content, why);
}
