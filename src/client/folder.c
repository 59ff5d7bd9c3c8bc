#include "client/folder.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

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
