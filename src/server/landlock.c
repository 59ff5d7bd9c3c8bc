#include "server/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Of kernels after 5.19, whose headers may not be here: <linux/landlock.h>. */
#define ACCESS_FS_TRUNCATE (UINT64_C(1) << 14) /* version 3 */
#define ACCESS_NET_CONNECT (UINT64_C(1) << 1)  /* version 4 */
#define SCOPE_SIGNAL       (UINT64_C(1) << 1)  /* version 6 */

struct ruleset {
	uint64_t handled_fs;
	uint64_t handled_net;
	uint64_t scoped;
};

/* The size of struct ruleset that a version knows. */
static size_t ruleset_size(int version)
{
	return version >= 6 ? 24 : version >= 4 ? 16 : 8;
}

/* What no rule gives is denied, so this names all that there is. */
static uint64_t all_of_disk(int version)
{
	uint64_t all = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;
	if (version >= 2)
		all |= LANDLOCK_ACCESS_FS_REFER;
	if (version >= 3)
		all |= ACCESS_FS_TRUNCATE;
	return all;
}

static uint64_t rights_of(enum landlock_use use, bool is_folder, int version)
{
	uint64_t rights = LANDLOCK_ACCESS_FS_READ_FILE;
	if (is_folder)
		rights |= LANDLOCK_ACCESS_FS_READ_DIR;
	if (use == LANDLOCK_READ)
		return rights;
	rights |= LANDLOCK_ACCESS_FS_WRITE_FILE;
	if (version >= 3)
		rights |= ACCESS_FS_TRUNCATE;
	if (is_folder)
		rights |= LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
			  LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
			  LANDLOCK_ACCESS_FS_MAKE_SOCK;
	if (is_folder && version >= 2)
		rights |= LANDLOCK_ACCESS_FS_REFER;
	return rights;
}

int landlock_version(void)
{
	long version =
	    syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	return version > 0 ? (int)version : 0;
}

int landlock_new(int version, bool may_connect)
{
	struct ruleset rules = {
		.handled_fs = all_of_disk(version),
		.handled_net = may_connect ? 0 : ACCESS_NET_CONNECT,
		.scoped = SCOPE_SIGNAL,
	};
	return (int)syscall(SYS_landlock_create_ruleset, &rules, ruleset_size(version), 0);
}

bool landlock_allow(int rules, int version, const char *path, enum landlock_use use)
{
	struct stat found;
	int fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == EACCES;
	struct landlock_path_beneath_attr rule = { .parent_fd = fd };
	bool done = fstat(fd, &found) == 0;
	rule.allowed_access = rights_of(use, S_ISDIR(found.st_mode), version);
	done = done &&
	       syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
	close(fd);
	return done;
}

bool landlock_enforce(int rules)
{
	bool done = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
		    syscall(SYS_landlock_restrict_self, rules, 0) == 0;
	close(rules);
	return done;
}
