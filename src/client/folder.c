#include "client/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/home.h"

typedef bool home_folder_fn(const char *program, char *to, size_t size);

static bool path_in(home_folder_fn *home_folder, const char *file,
    char path_r[static FOLDER_PATH_SIZE], struct why *why)
{
	char folder[FOLDER_PATH_SIZE];
	if (!home_folder("messager", folder, sizeof(folder)))
		return why_fail(
		    why, "there is no home folder to keep %s in, or its path is too long", file);
	int len = snprintf(path_r, FOLDER_PATH_SIZE, "%s/%s", folder, file);
	return len < FOLDER_PATH_SIZE || why_fail(why, "the path is too long: %s/%s", folder, file);
}

bool folder_data_path(const char *file, char path_r[static FOLDER_PATH_SIZE], struct why *why)
{
	return path_in(home_data_folder, file, path_r, why);
}

bool folder_config_path(const char *file, char path_r[static FOLDER_PATH_SIZE], struct why *why)
{
	return path_in(home_config_folder, file, path_r, why);
}

bool folder_state_path(const char *file, char path_r[static FOLDER_PATH_SIZE], struct why *why)
{
	return path_in(home_state_folder, file, path_r, why);
}

bool folder_make_for(const char *path, struct why *why)
{
	char part[FOLDER_PATH_SIZE];
	for (const char *slash = strchr(path + 1, '/'); slash != NULL;
	     slash = strchr(slash + 1, '/')) {
		snprintf(part, sizeof(part), "%.*s", (int)(slash - path), path);
		if (mkdir(part, 0700) != 0 && errno != EEXIST)
			return why_fail(
			    why, "cannot make the folder %s: %s", part, strerror(errno));
	}
	return true;
}

static bool write_all(int fd, struct slice bytes)
{
	while (bytes.len > 0) {
		ssize_t put = write(fd, bytes.ptr, bytes.len);
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return false;
		bytes = slice_skip(bytes, (size_t)put);
	}
	return true;
}

/* Returns 0 or an errno value; then there may be a part of the file. */
static int write_new(const char *path, struct slice content)
{
	int error = 0;
	if (unlink(path) != 0 && errno != ENOENT)
		return errno;
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || !write_all(fd, content) || fsync(fd) != 0)
		error = errno;
	if (fd >= 0 && close(fd) != 0 && error == 0)
		error = errno;
	return error;
}

bool folder_replace(const char *path, struct slice content, struct why *why)
{
	char fresh[PATH_MAX];
	if ((size_t)snprintf(fresh, sizeof(fresh), "%s" FOLDER_NEW, path) >= sizeof(fresh))
		return why_fail(why, "the path is too long: %s", path);
	int error = write_new(fresh, content);
	if (error == 0 && rename(fresh, path) != 0)
		error = errno;
	if (error == 0)
		return true;
	unlink(fresh);
	return why_fail(why, "cannot write %s: %s", path, strerror(error));
}
