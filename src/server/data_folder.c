#include "server/data_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/privileges.h"

enum { PATH_SIZE = 4096 };

/* Like mkdir -p. Who becomes another user has to get through the folders above the last one, whatever root's umask says. */
static bool make_folders(const char *path)
{
	char part[PATH_SIZE];
	if (strlen(path) >= sizeof(part)) {
		errno = ENAMETOOLONG;
		return false;
	}
	for (const char *slash = strchr(path + 1, '/'); slash != NULL;
	     slash = strchr(slash + 1, '/')) {
		snprintf(part, sizeof(part), "%.*s", (int)(slash - path), path);
		if (mkdir(part, 0755) == 0 ? geteuid() == 0 && chmod(part, 0755) < 0
					   : errno != EEXIST)
			return false;
	}
	return mkdir(path, 0700) == 0 || errno == EEXIST;
}

/* We are root and shall become user: is the folder, which was or was not made just now, that user's? */
static bool hand_over(const char *path, bool is_new, const char *user, char *why, size_t why_size)
{
	uid_t uid;
	gid_t gid;
	struct stat found;
	if (!privileges_find(user, &uid, &gid, why, why_size))
		return false;
	if (is_new && chown(path, uid, gid) < 0) {
		snprintf(why, why_size, "can't give the data folder %s to \"%s\": %s", path, user,
		    strerror(errno));
		return false;
	}
	if (stat(path, &found) == 0 && found.st_uid != uid && uid != 0) {
		snprintf(why, why_size,
		    "the data folder %s is not \"%s\"'s own (server.user): chown -R %s %s", path,
		    user, user, path);
		return false;
	}
	return true;
}

bool data_folder_make(const char *path, const char *user, char *why, size_t why_size)
{
	bool is_new = access(path, F_OK) < 0 && errno == ENOENT;
	if (!make_folders(path)) {
		snprintf(why, why_size, "can't make the data folder %s: %s", path, strerror(errno));
		return false;
	}
	return geteuid() != 0 || hand_over(path, is_new, user, why, why_size);
}

static void name_other(int fd, const char *path, char *why, size_t why_size)
{
	char pid[32];
	ssize_t len = pread(fd, pid, sizeof(pid) - 1, 0);
	pid[len > 0 ? len : 0] = '\0';
	pid[strcspn(pid, "\n")] = '\0';
	snprintf(why, why_size, "another messagerd, pid %s, uses the data folder %s",
	    pid[0] ? pid : "unknown", path);
}

static bool write_pid(int fd)
{
	char pid[32];
	int len = snprintf(pid, sizeof(pid), "%d\n", (int)getpid());
	return ftruncate(fd, 0) == 0 && pwrite(fd, pid, (size_t)len, 0) == len;
}

int data_folder_open(const char *path, char *why, size_t why_size)
{
	char lock_path[PATH_SIZE];
	snprintf(lock_path, sizeof(lock_path), "%s/messagerd.pid", path);
	int fd = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		snprintf(why, why_size, "can't write in the data folder: %s: %s", lock_path,
		    strerror(errno));
		return -1;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		name_other(fd, path, why, why_size);
		close(fd);
		return -1;
	}
	if (!write_pid(fd)) {
		snprintf(why, why_size, "can't write %s: %s", lock_path, strerror(errno));
		close(fd);
		return -1;
	}
	return fd;
}
