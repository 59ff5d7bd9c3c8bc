/*
 * tally.c: counts what a program asks of its system and of malloc, for tests/lib/tally.py, which compiles it and has messagerd load it
 * in front of libc (LD_PRELOAD). The counts are in a file that both have mapped: the one that TALLY names.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* As in tally.py. */
enum tally {
	ALLOCATIONS,
	RECV,
	SEND,
	EPOLL_WAIT,
	OTHERS,
	WAKES,
	LONGEST_TURN,
	MOST_RECEIVED,
	TALLIES
};

static _Atomic uint64_t before_main[TALLIES], *tallies = before_main;

__attribute__((constructor)) static void open_tallies(void)
{
	const char *path = getenv("TALLY");
	int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *map =
	    fd < 0 ? MAP_FAILED
		   : mmap(NULL, sizeof(before_main), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		abort();
	tallies = map;
}

static void count(enum tally what)
{
	atomic_fetch_add(&tallies[what], 1);
}

/* What this thread has asked of its system since it last waited, and the bytes that it got: the most of a worker is LONGEST_TURN, MOST_RECEIVED. */
static __thread uint64_t calls, received;

static void count_call(enum tally what)
{
	count(what);
	calls++;
}

/* libc's own malloc under its other names, so that looking it up can't allocate. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

void *malloc(size_t size)
{
	count(ALLOCATIONS);
	return __libc_malloc(size);
}

void *calloc(size_t number, size_t size)
{
	count(ALLOCATIONS);
	return __libc_calloc(number, size);
}

void *realloc(void *old, size_t size)
{
	count(ALLOCATIONS);
	return __libc_realloc(old, size);
}

#define COUNTED(what, type, name, parameters, arguments)                                           \
	type name parameters                                                                       \
	{                                                                                          \
		static type(*real) parameters;                                                     \
		if (real == NULL)                                                                  \
			*(void **)&real = dlsym(RTLD_NEXT, #name);                                 \
		count_call(what);                                                                  \
		return real arguments;                                                             \
	}

COUNTED(RECV, ssize_t, recvmsg, (int fd, struct msghdr *to, int flags), (fd, to, flags))
COUNTED(
    SEND, ssize_t, send, (int fd, const void *from, size_t len, int flags), (fd, from, len, flags))
COUNTED(SEND, ssize_t, sendmsg, (int fd, const struct msghdr *from, int flags), (fd, from, flags))
COUNTED(EPOLL_WAIT, int, epoll_pwait,
    (int fd, struct epoll_event *to, int most, int wait_ms, const sigset_t *mask),
    (fd, to, most, wait_ms, mask))
COUNTED(OTHERS, int, epoll_ctl, (int fd, int what, int of, struct epoll_event *event),
    (fd, what, of, event))
COUNTED(OTHERS, ssize_t, read, (int fd, void *to, size_t len), (fd, to, len))
COUNTED(OTHERS, int, ioctl, (int fd, unsigned long what, void *with), (fd, what, with))
COUNTED(OTHERS, int, setsockopt, (int fd, int level, int name, const void *with, socklen_t len),
    (fd, level, name, with, len))
COUNTED(OTHERS, pid_t, getpid, (void), ())
COUNTED(OTHERS, void *, mmap, (void *at, size_t len, int prot, int flags, int fd, off_t offset),
    (at, len, prot, flags, fd, offset))
COUNTED(OTHERS, int, munmap, (void *at, size_t len), (at, len))
COUNTED(OTHERS, int, madvise, (void *at, size_t len, int advice), (at, len, advice))
struct itimerspec;
COUNTED(OTHERS, int, timerfd_settime,
    (int fd, int flags, const struct itimerspec *to, struct itimerspec *old), (fd, flags, to, old))
COUNTED(OTHERS, ssize_t, write, (int fd, const void *from, size_t len), (fd, from, len))

/* What another thread is woken with. */
COUNTED(WAKES, int, pthread_cond_signal, (pthread_cond_t * c), (c))
COUNTED(WAKES, int, pthread_cond_broadcast, (pthread_cond_t * c), (c))

ssize_t recv(int fd, void *to, size_t len, int flags)
{
	static ssize_t (*real)(int, void *, size_t, int);
	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "recv");
	count_call(RECV);
	ssize_t n = real(fd, to, len, flags);
	received += n > 0 ? (uint64_t)n : 0;
	return n;
}

static void note_most(enum tally what, uint64_t *of_turn)
{
	uint64_t most = tallies[what];
	while (*of_turn > most && !atomic_compare_exchange_weak(&tallies[what], &most, *of_turn))
		continue;
	*of_turn = 0;
}

/* The main thread, whose loop is libuv's, is no worker. */
static bool is_worker(void)
{
	static __thread pid_t self;
	if (self == 0)
		self = (pid_t)syscall(SYS_gettid);
	return self != (pid_t)syscall(SYS_getpid);
}

static void end_turn(void)
{
	if (!is_worker())
		return;
	note_most(LONGEST_TURN, &calls);
	note_most(MOST_RECEIVED, &received);
}

int epoll_wait(int fd, struct epoll_event *to, int most, int wait_ms)
{
	static int (*real)(int, struct epoll_event *, int, int);
	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "epoll_wait");
	count(EPOLL_WAIT);
	end_turn();
	return real(fd, to, most, wait_ms);
}

/* These count for a turn only. */
#define OF_TURN(type, name, parameters, arguments)                                                 \
	type name parameters                                                                       \
	{                                                                                          \
		static type(*real) parameters;                                                     \
		if (real == NULL)                                                                  \
			*(void **)&real = dlsym(RTLD_NEXT, #name);                                 \
		calls++;                                                                           \
		return real arguments;                                                             \
	}

OF_TURN(int, accept4, (int fd, struct sockaddr *from, socklen_t *len, int flags),
    (fd, from, len, flags))
OF_TURN(int, close, (int fd), (fd))
OF_TURN(int, shutdown, (int fd, int how), (fd, how))
OF_TURN(int, getsockopt, (int fd, int level, int name, void *to, socklen_t *len),
    (fd, level, name, to, len))
