#include "client/resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * getaddrinfo() blocks for as long as it likes and can't be called off. So it runs in a thread of its own that shares this
 * with the asker; whoever leaves last frees it. The pipe's byte is written after the answer.
 */
struct resolve {
	struct server_name name;
	int pipe[2];
	atomic_int users;
	int error; /* of getaddrinfo() */
	int system_error;
	struct addrinfo *addresses;
};

static void leave(struct resolve *r)
{
	if (atomic_fetch_sub(&r->users, 1) != 1)
		return;
	if (r->addresses != NULL)
		freeaddrinfo(r->addresses);
	close(r->pipe[0]);
	close(r->pipe[1]);
	free(r);
}

static void look_up(struct resolve *r, int flags)
{
	struct addrinfo hints = {
		.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = flags
	};
	r->error = getaddrinfo(r->name.host, r->name.port, &hints, &r->addresses);
	r->system_error = errno;
}

static void tell(struct resolve *r)
{
	ssize_t ignored = write(r->pipe[1], "", 1); /* into an empty pipe of our own */
	(void)ignored;
}

static void *thread_run(void *arg)
{
	struct resolve *r = arg;
	look_up(r, 0);
	tell(r);
	leave(r);
	return NULL;
}

/* The thread takes no signals: they are for the loop. */
static int thread_start(struct resolve *r)
{
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pthread_attr_t detached;
	pthread_attr_init(&detached);
	pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	pthread_t thread;
	atomic_store(&r->users, 2);
	int error = pthread_create(&thread, &detached, thread_run, r);
	if (error != 0)
		atomic_store(&r->users, 1);
	pthread_attr_destroy(&detached);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return error;
}

struct resolve *resolve_new(const struct server_name *name, struct why *why)
{
	struct resolve *r = calloc(1, sizeof(*r));
	if (r == NULL || pipe2(r->pipe, O_CLOEXEC) != 0) {
		why_fail(why, "cannot look up %s: %s", name->host, strerror(errno));
		free(r);
		return NULL;
	}
	r->name = *name;
	atomic_init(&r->users, 1);
	look_up(r, AI_NUMERICHOST);
	if (r->error != EAI_NONAME) {
		tell(r);
		return r;
	}
	int error = thread_start(r);
	if (error != 0) {
		why_fail(why, "cannot look up %s: %s", name->host, strerror(error));
		resolve_free(&r);
	}
	return r;
}

void resolve_free(struct resolve **r)
{
	if (*r != NULL)
		leave(*r);
	*r = NULL;
}

int resolve_fd(const struct resolve *r)
{
	return r->pipe[0];
}

const struct addrinfo *resolve_answer(struct resolve *r, struct why *why)
{
	char byte;
	while (read(r->pipe[0], &byte, 1) < 0 && errno == EINTR)
		;
	if (r->error == 0)
		return r->addresses;
	why_fail(why, "cannot find the address of %s: %s", r->name.host,
	    r->error == EAI_SYSTEM ? strerror(r->system_error) : gai_strerror(r->error));
	return NULL;
}
