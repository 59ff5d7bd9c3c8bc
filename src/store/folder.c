#include "store/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/fault.h"

enum { NUMBER_MAX = 1000000 }; /* files of one name, before we give up */

struct folder {
	int fd;
	_Atomic uint64_t created;
};

struct folder *folder_open(const char *data_dir, char *why, size_t why_size)
{
	char path[PATH_MAX];
	struct folder *folder = calloc(1, sizeof(*folder));
	int len = snprintf(path, sizeof(path), "%s/files", data_dir);
	errno = folder == NULL ? ENOMEM : ENAMETOOLONG;
	if (folder != NULL && len < (int)sizeof(path) &&
	    (mkdir(path, 0700) == 0 || errno == EEXIST)) {
		folder->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (folder->fd >= 0)
			return folder;
	}
	snprintf(why, why_size, "can't use the folder of waiting files, %s/files: %s", data_dir,
	    strerror(errno));
	free(folder);
	return NULL;
}

void folder_close(struct folder *folder)
{
	if (folder == NULL)
		return;
	close(folder->fd);
	free(folder);
}

/* ---- names ---- */

bool folder_entry_is_temporary(const char *entry)
{
	return entry[0] == '+';
}

size_t folder_entry(char entry_r[static FILE_ENTRY_SIZE], const char *receiver, const char *name)
{
	int len = snprintf(entry_r, FILE_ENTRY_SIZE, "%s+%s", receiver, name);
	return len < FILE_ENTRY_SIZE ? (size_t)len : 0;
}

bool folder_entry_split(
    const char *entry, char receiver_r[static NAME_MAX_LEN + 1], const char **name_r)
{
	size_t len = strcspn(entry, "+"); /* a user name holds none */
	if (len == 0 || len > NAME_MAX_LEN || entry[len] == '\0')
		return false;
	memcpy(receiver_r, entry, len);
	receiver_r[len] = '\0';
	*name_r = entry + len + 1;
	return true;
}

/* ---- one file ---- */

int folder_create(struct folder *folder, char entry_r[static FILE_ENTRY_SIZE])
{
	int fault = fault_point("upload-create");
	if (fault != 0)
		return -fault;
	for (;;) {
		unsigned long long number = atomic_fetch_add(&folder->created, 1);
		snprintf(entry_r, FILE_ENTRY_SIZE, "+%llu", number);
		int fd = openat(folder->fd, entry_r,
		    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd >= 0 || errno != EEXIST)
			return fd >= 0 ? fd : -errno;
	}
}

static bool has_room(struct folder *folder, size_t len)
{
	struct statvfs disk;
	if (fstatvfs(folder->fd, &disk) < 0 || disk.f_blocks == 0) /* it does not say */
		return true;
	uint64_t reserve = (uint64_t)disk.f_blocks * disk.f_frsize / 16;
	if (reserve > FOLDER_RESERVE_BYTES)
		reserve = FOLDER_RESERVE_BYTES;
	return (uint64_t)disk.f_bavail * disk.f_frsize >= reserve + len;
}

int folder_write(struct folder *folder, int fd, struct slice bytes)
{
	int fault = bytes.len > 0 ? fault_point("upload-write") : 0;
	if (fault != 0)
		return -fault;
	if (!has_room(folder, bytes.len))
		return -ENOSPC;
	while (bytes.len > 0) {
		ssize_t n = write(fd, bytes.ptr, bytes.len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		bytes = slice_skip(bytes, (size_t)n);
	}
	return 0;
}

ssize_t folder_read(int fd, char *to, size_t cap)
{
	size_t len = 0;
	int fault = fault_point("download-read");
	if (fault != 0)
		return -fault;
	while (len < cap) {
		ssize_t n = read(fd, to + len, cap - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

static bool entry_numbered(
    char entry_r[static FILE_ENTRY_SIZE], const char *receiver, const char *name, unsigned number)
{
	char numbered[FILENAME_MAX_LEN + 1];
	numbered[filename_numbered(slice_str(name), number, numbered)] = '\0';
	return folder_entry(entry_r, receiver, numbered) > 0;
}

/*
 * A new link never replaces anything, on every file system that has links (renameat2() with RENAME_NOREPLACE is missing on some). Between the
 * two steps the file has both names: after a crash there the start takes away whichever has no row.
 */
int folder_place(struct folder *folder, char entry[static FILE_ENTRY_SIZE], const char *receiver,
    const char *name, unsigned *number)
{
	char to[FILE_ENTRY_SIZE];
	for (; *number < NUMBER_MAX; ++*number) {
		int fault = fault_point("upload-link");
		if (fault != 0)
			return -fault;
		if (!entry_numbered(to, receiver, name, *number))
			return -ENAMETOOLONG;
		if (linkat(folder->fd, entry, folder->fd, to, 0) == 0) {
			fault_point("upload-unlink");
			unlinkat(folder->fd, entry, 0);
			memcpy(entry, to, sizeof(to));
			++*number;
			return 0;
		}
		if (errno != EEXIST)
			return -errno;
	}
	return -EEXIST;
}

int folder_sync(struct folder *folder)
{
	int fault = fault_point("upload-sync-folder");
	if (fault != 0)
		return -fault;
	return fsync(folder->fd) == 0 ? 0 : -errno;
}

int folder_open_file(struct folder *folder, const char *receiver, const char *name)
{
	char entry[FILE_ENTRY_SIZE];
	struct stat status;
	int fault = fault_point("download-open");
	if (fault != 0)
		return -fault;
	if (folder_entry(entry, receiver, name) == 0)
		return -ENAMETOOLONG;
	int fd = openat(folder->fd, entry, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode))
		return fd;
	close(fd);
	return -ENOENT;
}

int folder_unlink(struct folder *folder, const char *entry)
{
	return unlinkat(folder->fd, entry, 0) == 0 ? 0 : -errno;
}

/* ---- the whole ---- */

int folder_has(struct folder *folder, const char *entry)
{
	struct stat status;
	if (fstatat(folder->fd, entry, &status, AT_SYMLINK_NOFOLLOW) == 0)
		return S_ISREG(status.st_mode);
	return errno == ENOENT ? 0 : -errno;
}

static bool is_folder(struct folder *folder, const struct dirent *entry)
{
	struct stat status;
	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type == DT_DIR;
	return fstatat(folder->fd, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISDIR(status.st_mode);
}

int folder_each(struct folder *folder, void (*each)(const char *entry, void *arg), void *arg)
{
	int fd = openat(folder->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *listing = fd >= 0 ? fdopendir(fd) : NULL;
	if (listing == NULL) {
		int error = errno;
		if (fd >= 0)
			close(fd);
		return -error;
	}
	struct dirent *entry;
	while (errno = 0, (entry = readdir(listing)) != NULL) {
		if (!is_folder(folder, entry))
			each(entry->d_name, arg);
	}
	int error = errno;
	closedir(listing);
	return -error;
}
