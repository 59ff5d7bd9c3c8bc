#include "server/sandbox.h"

#include <errno.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "server/data_folder.h"
#include "server/landlock.h"
#include "server/privileges.h"
#include "server/settings_rows.h"
#include "server/syscalls.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || defined(COVERAGE)
enum { IS_SANITIZED = true };
#else
enum { IS_SANITIZED = false };
#endif

/* The file that the url of an embedded store names, empty for the usual one; NULL: the store is no file. */
static const char *store_file(const struct settings *s)
{
	static const char scheme[] = "sqlite:";
	bool is_embedded = strncmp(s->store_url, scheme, sizeof(scheme) - 1) == 0;
	return is_embedded ? s->store_url + sizeof(scheme) - 1 : NULL;
}

/* Do the settings name something beyond this host that has to be reached: a cluster's store or bus? */
static bool must_reach_out(const struct settings *s)
{
	return store_file(s) == NULL || strcmp(s->bus.url, "local") != 0;
}

/* ---- The disk ---- */

/* What libraries read by themselves, now or much later. */
static const char *const system_files[] = { "/dev/urandom", "/dev/null", "/etc/localtime",
	"/usr/share/zoneinfo", "/sys/devices/system/cpu", "/proc/sys/vm/overcommit_memory",
	"/proc/self/statm" };

/* For finding other hosts, and knowing them by their certificates. */
static const char *const network_files[] = { "/etc/resolv.conf", "/etc/hosts", "/etc/host.conf",
	"/etc/nsswitch.conf", "/etc/gai.conf", "/etc/services", "/etc/ssl", "/usr/lib/ssl",
	"/usr/share/ca-certificates", "/run/systemd/resolve", "/etc/ld.so.cache", "/lib",
	"/usr/lib", "/lib64" };

struct fence {
	int rules;
	int version;
	bool failed;
};

static void allow(struct fence *fence, const char *path, enum landlock_use use)
{
	if (!fence->failed && !landlock_allow(fence->rules, fence->version, path, use))
		fence->failed = true;
}

static void allow_all(struct fence *fence, const char *const *paths, size_t count)
{
	for (size_t i = 0; i < count; i++)
		allow(fence, paths[i], LANDLOCK_READ);
}

static void allow_parent_of(struct fence *fence, const char *path, enum landlock_use use)
{
	char folder[PATH_MAX];
	snprintf(folder, sizeof(folder), "%s", path);
	char *slash = strrchr(folder, '/');
	if (slash == NULL)
		strcpy(folder, ".");
	else
		slash[slash == folder ? 1 : 0] = '\0';
	allow(fence, folder, use);
}

/* A file that is replaced is another file: so its folder, and that in which it really lies, if it is a link. */
static void allow_folder_of(struct fence *fence, const char *path, enum landlock_use use)
{
	char real[PATH_MAX];
	allow_parent_of(fence, path, use);
	if (realpath(path, real) != NULL)
		allow_parent_of(fence, real, use);
}

/* Files that the settings name are read, at the start or again at a reload. (The data folder and the admin socket are none.) */
static void allow_named(struct fence *fence, const struct settings *s)
{
	for (size_t i = 0; i < setting_row_count; i++) {
		const char *path = setting_value(s, &setting_rows[i]);
		if (setting_rows[i].type == SETTING_PATH && path[0] != '\0' && path != s->data &&
		    path != s->admin_socket)
			allow_folder_of(fence, path, LANDLOCK_READ);
	}
}

/* And those that a postgres:// url names, which libpq reads each time that it connects. */
static void allow_files_of_url(struct fence *fence, const char *url)
{
	static const char *const words[] = {
		"passfile=", "sslrootcert=", "sslcert=", "sslkey=", "sslcrl="
	};
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		char path[NET_PATH_SIZE];
		const char *at = strstr(url, words[i]);
		if (at == NULL)
			continue;
		at += strlen(words[i]);
		snprintf(path, sizeof(path), "%.*s", (int)strcspn(at, "&"), at);
		allow_folder_of(fence, path, LANDLOCK_READ);
	}
}

static bool fence_in(const struct settings *s, const char *config_path, int version)
{
	bool reaches_out = must_reach_out(s);
	struct fence fence = { .rules = landlock_new(version, reaches_out), .version = version };
	if (fence.rules < 0)
		return false;
	allow(&fence, s->data, LANDLOCK_READ_WRITE);
	allow_folder_of(&fence, s->admin_socket, LANDLOCK_READ_WRITE);
	const char *file = store_file(s);
	if (file != NULL && file[0] != '\0')
		allow_folder_of(&fence, file, LANDLOCK_READ_WRITE);
	allow_folder_of(&fence, config_path ? config_path : SETTINGS_DEFAULT_PATH, LANDLOCK_READ);
	allow_named(&fence, s);
	allow_files_of_url(&fence, s->store_url);
	allow_all(&fence, system_files, sizeof(system_files) / sizeof(*system_files));
	if (reaches_out)
		allow_all(&fence, network_files, sizeof(network_files) / sizeof(*network_files));
	if (fence.failed) {
		close(fence.rules);
		return false;
	}
	return landlock_enforce(fence.rules);
}

/* ---- In order ---- */

enum { SEAL_SECONDS = 20 };

static struct {
	int landlock; /* its version; 0: not in force */
	int landlock_error;
} done;

/* What libraries would look for on the disk once they are used. */
static void wake_libraries(const struct settings *s)
{
	OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, NULL);
	tzset();
	setenv("SQLITE_TMPDIR", s->data, 1); /* sqlite.org/tempfiles.html, 5: never /tmp */
}

static void forget_core_files(void)
{
	struct rlimit none = { 0, 0 };
	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* nor may others of this user look into our memory */
}

bool sandbox_enter(const struct settings *s, const char *config_path, char *why, size_t why_size)
{
	if (!data_folder_make(s->data, s->user, why, why_size) ||
	    !privileges_become(s->user, why, why_size))
		return false;
	if (IS_SANITIZED || !s->sandbox)
		return true;
	forget_core_files();
	wake_libraries(s);
	int version = landlock_version();
	if (version > 0 && fence_in(s, config_path, version))
		done.landlock = version;
	else
		done.landlock_error = errno;
	return true;
}

void sandbox_seal(const struct settings *s)
{
	if (geteuid() == 0)
		log_warn("running-as-root",
		    LOG_STR(
			"remedy", "make a user for it: useradd --system messagerd (server.user)"));
	if (IS_SANITIZED || !s->sandbox) {
		log_warn("not-confined", LOG_STR("reason", IS_SANITIZED ? "built with a sanitizer"
									: "server.sandbox = off"));
		return;
	}
	if (done.landlock == 0)
		log_warn("not-confined", LOG_STR("by", "Landlock"),
		    LOG_STR("reason", strerror(done.landlock_error)));
	/* libseccomp 2.5 may go round in circles where memory is short: rather no server than one that hangs. */
	alarm(SEAL_SECONDS);
	bool restricted = syscalls_restrict(must_reach_out(s));
	alarm(0);
	if (!restricted)
		log_warn(
		    "not-confined", LOG_STR("by", "seccomp"), LOG_STR("reason", strerror(errno)));
	log_info("confined", LOG_STR("user", s->user), LOG_INT("landlock", done.landlock),
	    LOG_STR("seccomp", restricted ? "on" : "off"));
}
