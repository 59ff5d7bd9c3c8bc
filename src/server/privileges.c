#include "server/privileges.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool is_own_number(const char *user)
{
	char own[16];
	snprintf(own, sizeof(own), "%u", (unsigned)geteuid());
	return strcmp(user, own) == 0;
}

bool privileges_find(const char *user, uid_t *uid_r, gid_t *gid_r, char *why, size_t why_size)
{
	if (is_own_number(user)) { /* a container may have nobody by name */
		*uid_r = geteuid();
		*gid_r = getegid();
		return true;
	}
	errno = 0;
	const struct passwd *found = getpwnam(user);
	if (found == NULL) {
		snprintf(why, why_size, "there is no user \"%s\" (server.user)%s%s", user,
		    errno ? ": " : "", errno ? strerror(errno) : "");
		return false;
	}
	*uid_r = found->pw_uid;
	*gid_r = found->pw_gid;
	return true;
}

/* capget(2) and capset(2) have no wrapper in libc. A container may have taken even that right away: then nothing is left. */
static bool keep_low_ports_only(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	if (syscall(SYS_capget, &header, data) != 0)
		return false;
	uint32_t kept = data[0].permitted & (1U << CAP_NET_BIND_SERVICE);
	data[0] = (struct __user_cap_data_struct){ .effective = kept, .permitted = kept };
	data[1] = (struct __user_cap_data_struct){ 0 };
	return syscall(SYS_capset, &header, data) == 0;
}

static bool become(const char *user, uid_t uid, gid_t gid)
{
	return prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == 0 && initgroups(user, gid) == 0 &&
	       setresgid(gid, gid, gid) == 0 && setresuid(uid, uid, uid) == 0 &&
	       prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) == 0 && keep_low_ports_only();
}

bool privileges_become(const char *user, char *why, size_t why_size)
{
	uid_t uid;
	gid_t gid;
	if (!privileges_find(user, &uid, &gid, why, why_size))
		return false;
	if (uid == geteuid())
		return true;
	if (geteuid() != 0) {
		snprintf(why, why_size,
		    "only root can become \"%s\": start as root, or leave server.user out", user);
		return false;
	}
	if (!become(user, uid, gid)) {
		snprintf(why, why_size, "can't become \"%s\": %s", user, strerror(errno));
		return false;
	}
	if (setresuid(0, 0, 0) == 0) {
		snprintf(
		    why, why_size, "became \"%s\", but the way back to root stands open", user);
		return false;
	}
	return true;
}
