#include "client/full/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "client/password.h"

bool notify_init(struct notify *n, const char *command, struct why *why)
{
	*n = (struct notify){ 0 };
	if (command == NULL || *command == '\0')
		return true;
	n->words = command_split(command, why);
	return n->words != NULL;
}

void notify_clear(struct notify *n)
{
	free(n->words);
	*n = (struct notify){ 0 };
}

static bool is_running(struct notify *n)
{
	if (n->child > 0 && waitpid(n->child, NULL, WNOHANG) != 0)
		n->child = 0;
	return n->child > 0;
}

void notify_step(struct notify *n, uint64_t now_ms)
{
	if (now_ms < notify_deadline_ms(n) || !is_running(n))
		return;
	kill(-n->child, SIGKILL);
	n->end_ms = UINT64_MAX;
}

uint64_t notify_deadline_ms(const struct notify *n)
{
	return n->child > 0 ? n->end_ms : UINT64_MAX;
}

/* The child's signals are as at a log-in: ours are blocked, and some are ignored. */
static int spawn(pid_t *child_r, char *const words[])
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	sigset_t none, usual;
	sigemptyset(&none);
	sigemptyset(&usual);
	sigaddset(&usual, SIGPIPE);
	sigaddset(&usual, SIGXFSZ);
	if (posix_spawn_file_actions_init(&files) != 0)
		return ENOMEM;
	if (posix_spawnattr_init(&attributes) != 0) {
		posix_spawn_file_actions_destroy(&files);
		return ENOMEM;
	}
	posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &usual);
	posix_spawnattr_setpgroup(&attributes, 0);
	posix_spawnattr_setflags(
	    &attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
	int error = posix_spawnp(child_r, words[0], &files, &attributes, words, environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&files);
	return error;
}

bool notify_run(struct notify *n, const char *who, const char *text, struct why *why)
{
	size_t count = 0;
	why->text[0] = '\0';
	if (n->words == NULL || is_running(n))
		return n->words == NULL;
	while (n->words[count] != NULL)
		count++;
	char **words = calloc(count + 3, sizeof(*words));
	if (words == NULL)
		return why_fail(why, "out of memory");
	memcpy(words, n->words, count * sizeof(*words));
	words[count] = (char *)(uintptr_t)who;
	words[count + 1] = (char *)(uintptr_t)text;
	int error = spawn(&n->child, words);
	free(words);
	n->end_ms = clock_now_ms() + NOTIFY_LIMIT_MS;
	if (error == 0)
		return true;
	n->child = 0;
	return why_fail(why, "cannot run %.512s: %s", n->words[0], strerror(error));
}
