#include "base/home.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char *home_folder(void)
{
	const char *home = getenv("HOME");
	if (home != NULL && home[0] == '/')
		return home;
	const struct passwd *user = getpwuid(getuid());
	return user != NULL ? user->pw_dir : NULL;
}

static bool folder_of(
    const char *variable, const char *usual, const char *program, char *to, size_t size)
{
	const char *set = getenv(variable);
	bool is_set = set != NULL && set[0] == '/'; /* a relative one is to be ignored */
	const char *base = is_set ? set : home_folder();
	if (base == NULL)
		return false;
	int len = snprintf(to, size, "%s%s/%s", base, is_set ? "" : usual, program);
	return len > 0 && (size_t)len < size;
}

bool home_data_folder(const char *program, char *to, size_t size)
{
	return folder_of("XDG_DATA_HOME", "/.local/share", program, to, size);
}

bool home_config_folder(const char *program, char *to, size_t size)
{
	return folder_of("XDG_CONFIG_HOME", "/.config", program, to, size);
}

bool home_state_folder(const char *program, char *to, size_t size)
{
	return folder_of("XDG_STATE_HOME", "/.local/state", program, to, size);
}
