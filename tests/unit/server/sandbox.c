/* What a confined server can still do, and what it can't: each in a process of its own that confines itself as the server does. */
#include "server/sandbox.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/landlock.h"
#include "unit.h"

/* As in sandbox.c: such builds do more than a confined server may. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || defined(COVERAGE)
enum { IS_SANITIZED = true };
#else
enum { IS_SANITIZED = false };
#endif

static char home[] = "/tmp/sandbox-XXXXXX";
static char path[256];

static const char *in_home(const char *name)
{
	snprintf(path, sizeof(path), "%s/%s", home, name);
	return path;
}

/* ---- What is tried: 0, or what errno says ---- */

static int opens(const char *name, int flags)
{
	int fd = open(name, flags | O_CLOEXEC, 0600);
	return fd < 0 ? errno : 0;
}

static int read_passwords(void)
{
	return opens("/etc/passwd", O_RDONLY);
}

static int read_a_process(void)
{
	return opens("/proc/self/maps", O_RDONLY);
}

static int list_the_root(void)
{
	return opens("/", O_RDONLY | O_DIRECTORY);
}

static int write_elsewhere(void)
{
	return opens("/tmp/sandbox-elsewhere", O_WRONLY | O_CREAT);
}

static int write_the_settings(void)
{
	return opens(in_home("etc/conf"), O_WRONLY);
}

static int read_the_settings(void)
{
	return opens(in_home("etc/conf"), O_RDONLY);
}

static int read_another_certificate(void)
{
	return opens(in_home("tls/new.pem"), O_RDONLY);
}

static int read_where_a_link_leads(void)
{
	return opens(in_home("archive/next.pem"), O_RDONLY);
}

static int read_beside_the_data(void)
{
	return opens(in_home("beside"), O_RDONLY);
}

static int keep_a_file(void)
{
	char to[256];
	int fd = open(in_home("data/one"), O_RDWR | O_CREAT, 0600);
	if (fd < 0 || write(fd, "x", 1) != 1 || fsync(fd) < 0 || ftruncate(fd, 0) < 0)
		return errno;
	snprintf(to, sizeof(to), "%s/data/two", home);
	if (rename(in_home("data/one"), to) < 0 || unlink(to) < 0 || mkdir(to, 0700) < 0 ||
	    rmdir(to) < 0)
		return errno;
	return 0;
}

static int run_a_program(void)
{
	char *const none[] = { NULL };
	execve("/bin/true", none, none);
	return errno;
}

static int fork_a_process(void)
{
	pid_t pid = fork();
	if (pid == 0)
		_exit(0);
	return pid < 0 ? errno : 0;
}

static int look_into_another(void)
{
	return ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) < 0 ? errno : 0;
}

static int signal_another(void)
{
	return kill(getppid(), 0) < 0 ? errno : 0;
}

static int run_written_code(void)
{
	void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return mprotect(at, 4096, PROT_READ | PROT_EXEC) < 0 ? errno : 0;
}

static int type_for_the_terminal(void)
{
	return ioctl(0, TIOCSTI, "x") < 0 ? errno : 0;
}

static int call_out(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9) };
	inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		return errno;
	return 0;
}

static int send_datagrams(void)
{
	return socket(AF_INET, SOCK_DGRAM, 0) < 0 ? errno : 0;
}

static int listen_again(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(fd, 1) < 0)
		return errno;
	return 0;
}

static void *nothing(void *arg)
{
	return arg;
}

static int start_a_thread(void)
{
	pthread_t thread;
	int failed = pthread_create(&thread, NULL, nothing, NULL);
	return failed ? failed : pthread_join(thread, NULL);
}

static int leave_a_core(void)
{
	struct rlimit limit;
	return getrlimit(RLIMIT_CORE, &limit) < 0 || limit.rlim_max != 0 ? 0 : EPERM;
}

/* ---- A confined process ---- */

enum { KILLED = 1000, NOT_CONFINED = 99 };

static const struct attempt {
	const char *name;
	int (*run)(void);
	int outcome;          /* errno; 0: it works; KILLED: by SIGSYS */
	int landlock_version; /* without that it can't be known */
} attempts[] = {
	{ "reads the passwords", read_passwords, EACCES, 1 },
	{ "reads what the kernel tells of processes", read_a_process, EACCES, 1 },
	{ "lists the root", list_the_root, EACCES, 1 },
	{ "writes elsewhere", write_elsewhere, EACCES, 1 },
	{ "writes its settings", write_the_settings, EACCES, 1 },
	{ "reads its settings", read_the_settings, 0, 0 },
	{ "reads a new certificate beside the old", read_another_certificate, 0, 0 },
	{ "reads where the certificate's link leads", read_where_a_link_leads, 0, 0 },
	{ "reads beside its data", read_beside_the_data, EACCES, 1 },
	{ "keeps files", keep_a_file, 0, 0 },
	{ "runs a program", run_a_program, KILLED, 0 },
	{ "forks", fork_a_process, ENOSYS, 0 },
	{ "looks into another process", look_into_another, KILLED, 0 },
	{ "signals another process", signal_another, ENOSYS, 0 },
	{ "runs what it has written", run_written_code, ENOSYS, 0 },
	{ "types for the terminal", type_for_the_terminal, ENOSYS, 0 },
	{ "calls out", call_out, EACCES, 4 },
	{ "sends datagrams", send_datagrams, ENOSYS, 0 },
	{ "listens again", listen_again, 0, 0 },
	{ "starts a thread", start_a_thread, 0, 0 },
	{ "leaves a core file", leave_a_core, EPERM, 0 },
};

static pthread_barrier_t sealed;

/* A thread that is there already when the system calls are restricted, as those of the store are. */
static void *try_later(void *arg)
{
	const struct attempt *a = arg;
	pthread_barrier_wait(&sealed);
	_exit(a->run() == a->outcome ? 0 : 1);
}

static void confine_and_try(const struct attempt *a)
{
	char data[256], certificate[256], why[SETTINGS_WHY_SIZE];
	struct settings s;
	snprintf(data, sizeof(data), "server.data=%s", in_home("data"));
	snprintf(certificate, sizeof(certificate), "tls.certificate=%s", in_home("tls/old.pem"));
	const char *sets[] = { data, certificate };
	pthread_t thread;
	pthread_barrier_init(&sealed, NULL, 2);
	if (!settings_load(in_home("etc/conf"), sets, 2, NULL, &s, why, sizeof(why)) ||
	    !sandbox_enter(&s, in_home("etc/conf"), why, sizeof(why)) ||
	    pthread_create(&thread, NULL, try_later, (void *)(uintptr_t)a) != 0)
		_exit(NOT_CONFINED);
	sandbox_seal(&s);
	pthread_barrier_wait(&sealed);
	pthread_join(thread, NULL);
	_exit(NOT_CONFINED);
}

static void confined(void **state)
{
	const struct attempt *a = *state;
	int status;
	pid_t pid = fork();
	if (pid == 0)
		confine_and_try(a);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (a->outcome == KILLED)
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
	else
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* The same without a sandbox: what is tried would work, so it is the sandbox that denies it. */
static void unconfined(void **state)
{
	const struct attempt *a = *state;
	int status;
	if (a->outcome == 0 || a->run == look_into_another || a->run == type_for_the_terminal ||
	    a->run == call_out || a->run == leave_a_core)
		return; /* depends on who runs the test, and where */
	pid_t pid = fork();
	if (pid == 0)
		_exit(a->run());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void make(const char *name, bool is_folder)
{
	if (is_folder)
		assert_int_equal(mkdir(in_home(name), 0700), 0);
	else
		close(open(in_home(name), O_WRONLY | O_CREAT, 0600));
}

static void make_home(void)
{
	if (mkdtemp(home) == NULL)
		abort();
	make("etc", true);
	make("etc/conf", false);
	make("tls", true);
	make("archive", true);
	make("archive/old.pem", false);
	make("archive/next.pem", false);
	make("beside", false);
	if (symlink("../archive/old.pem", in_home("tls/old.pem")) < 0)
		abort();
	make("tls/new.pem", false);
}

static void remove_home(void)
{
	static const char *const files[] = { "etc/conf", "tls/old.pem", "tls/new.pem",
		"archive/old.pem", "archive/next.pem", "beside" };
	static const char *const folders[] = { "etc", "tls", "archive", "data", "" };
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		unlink(in_home(files[i]));
	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++)
		rmdir(in_home(folders[i]));
	unlink("/tmp/sandbox-elsewhere");
}

int main(int argc, char **argv)
{
	make_home();
	for (size_t i = 0; i < sizeof(attempts) / sizeof(*attempts) && !IS_SANITIZED; i++) {
		if (landlock_version() >= attempts[i].landlock_version)
			unit_add("confined", attempts[i].name, confined, &attempts[i]);
	}
	UNIT_EACH(unconfined, attempts);
	int status = unit_run(argc, argv);
	remove_home();
	return status;
}
