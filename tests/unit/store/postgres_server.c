#include "store/postgres_server.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char bin[256], folder[64];
static pid_t server, owner;

static void must(bool holds, const char *what)
{
	if (holds)
		return;
	perror(what);
	abort();
}

bool postgres_is_here(void)
{
	glob_t found;
	if (bin[0] == '\0' && glob("/usr/lib/postgresql/*/bin", 0, NULL, &found) == 0) {
		snprintf(bin, sizeof(bin), "%s", found.gl_pathv[found.gl_pathc - 1]);
		globfree(&found);
	}
	return bin[0] != '\0';
}

/* PostgreSQL refuses to be root. */
static void become_somebody(void)
{
	const struct passwd *user = getuid() == 0 ? getpwnam("nobody") : NULL;
	if (user != NULL)
		must(setgid(user->pw_gid) == 0 && setuid(user->pw_uid) == 0, "setuid");
}

static pid_t start(const char *const *words)
{
	pid_t pid = fork();
	must(pid >= 0, "fork");
	if (pid > 0)
		return pid;
	int log = open("/dev/null", O_RDWR);
	become_somebody();
	prctl(PR_SET_PDEATHSIG, SIGQUIT);
	must(chdir(folder) == 0, folder);
	dup2(log, 0);
	dup2(log, 1);
	dup2(log, 2);
	execv(words[0], (char *const *)(uintptr_t)words);
	_exit(127);
}

static int status_of(pid_t pid)
{
	int status;
	while (waitpid(pid, &status, 0) < 0)
		must(errno == EINTR, "waitpid");
	return status;
}

static void remove_all(void)
{
	char command[128];
	if (getpid() != owner)
		return;
	postgres_stop();
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	must(system(command) == 0, command); // NOLINT(cert-env33-c): a path of our own making
}

static void make_folder(void)
{
	char program[300], data[80];
	snprintf(folder, sizeof(folder), "/tmp/store-pg-XXXXXX");
	must(mkdtemp(folder) != NULL && chmod(folder, 0777) == 0, folder);
	owner = getpid();
	atexit(remove_all);
	snprintf(program, sizeof(program), "%s/initdb", bin);
	snprintf(data, sizeof(data), "%s/data", folder);
	const char *words[] = { program, "-D", data, "--no-sync", "-A", "trust", "-U", "messager",
		NULL };
	must(status_of(start(words)) == 0, "initdb");
}

static PGconn *connect_to(const char *database)
{
	char url[160];
	snprintf(url, sizeof(url), "host=%s user=messager dbname=%s", folder, database);
	return PQconnectdb(url);
}

void postgres_start(void)
{
	char program[300], data[80];
	must(postgres_is_here(), "no PostgreSQL is installed");
	if (folder[0] == '\0')
		make_folder();
	if (server != 0)
		return;
	snprintf(program, sizeof(program), "%s/postgres", bin);
	snprintf(data, sizeof(data), "%s/data", folder);
	const char *words[] = { program, "-D", data, "-k", folder, "-c", "listen_addresses=", "-c",
		"shared_buffers=16MB", "-c", "fsync=off", NULL };
	server = start(words);
	for (int tries = 0; tries < 600; tries++) {
		PGconn *db = connect_to("postgres");
		bool is_up = PQstatus(db) == CONNECTION_OK;
		PQfinish(db);
		if (is_up)
			return;
		usleep(50000); /* no event says that it is ready */
	}
	must(false, "PostgreSQL did not start");
}

void postgres_stop(void)
{
	if (server == 0)
		return;
	kill(server, SIGINT);
	status_of(server);
	server = 0;
}

void postgres_url(const char *database, char *url, size_t size)
{
	char sql[128];
	postgres_start();
	snprintf(url, size, "postgres://messager@/%s?host=%s", database, folder);
	snprintf(sql, sizeof(sql), "CREATE DATABASE \"%s\"", database);
	PGconn *db = connect_to("postgres");
	PQclear(PQexec(db, sql)); /* there may be one */
	PQfinish(db);
}
