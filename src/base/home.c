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

bool home_data_folder(const char *program, char *to, size_t size)
{
	const char *data_home = getenv("XDG_DATA_HOME");
	bool is_set =
	    data_home != NULL && data_home[0] == '/'; /* a relative one is to be ignored */
	const char *base = is_set ? data_home : home_folder();
	if (base == NULL)
		return false;
	int len = snprintf(to, size, "%s%s/%s", base, is_set ? "" : "/.local/share", program);
	return len > 0 && (size_t)len < size;
}
