#include "server/syscalls.h"

#include <errno.h>
#include <stddef.h>

#ifndef HAVE_SECCOMP

bool syscalls_restrict(bool reaches_out)
{
	errno = ENOTSUP;
	return false;
}

#else

#include <linux/sockios.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* By name: one that this machine's libseccomp or architecture does not know is left out. */
static const char *const allowed[] = {
	/* bytes */
	"read",
	"readv",
	"pread64",
	"preadv",
	"write",
	"writev",
	"pwrite64",
	"pwritev",
	"lseek",
	"_llseek",
	/* sockets */
	"recv",
	"recvfrom",
	"recvmsg",
	"recvmmsg",
	"send",
	"sendto",
	"sendmsg",
	"sendmmsg",
	"accept",
	"accept4",
	"bind",
	"listen",
	"connect",
	"getsockname",
	"getpeername",
	"getsockopt",
	"setsockopt",
	"shutdown",
	"socketpair",
	/* waiting */
	"poll",
	"ppoll",
	"ppoll_time64",
	"select",
	"_newselect",
	"pselect6",
	"pselect6_time64",
	"epoll_create1",
	"epoll_ctl",
	"epoll_wait",
	"epoll_pwait",
	"epoll_pwait2",
	"eventfd2",
	"timerfd_create",
	"timerfd_settime",
	"timerfd_settime64",
	"timerfd_gettime",
	"pipe",
	"pipe2",
	/* descriptors */
	"close",
	"close_range",
	"dup",
	"dup2",
	"dup3",
	"fcntl",
	"fcntl64",
	"flock",
	/* files; which ones is Landlock's to say */
	"open",
	"openat",
	"openat2",
	"stat",
	"stat64",
	"fstat",
	"fstat64",
	"lstat",
	"lstat64",
	"newfstatat",
	"fstatat64",
	"statx",
	"statfs",
	"statfs64",
	"fstatfs",
	"fstatfs64",
	"access",
	"faccessat",
	"faccessat2",
	"readlink",
	"readlinkat",
	"getdents",
	"getdents64",
	"getcwd",
	"mkdir",
	"mkdirat",
	"rmdir",
	"unlink",
	"unlinkat",
	"link",
	"linkat",
	"rename",
	"renameat",
	"renameat2",
	"ftruncate",
	"ftruncate64",
	"fallocate",
	"fsync",
	"fdatasync",
	"sync_file_range",
	"fadvise64",
	"fchmod",
	"fchmodat",
	"chmod",
	"fchown",
	"fchown32",
	"utimensat",
	"umask",
	/* memory */
	"brk",
	"munmap",
	"mremap",
	"madvise",
	"mlock",
	"munlock",
	"mincore",
	"membarrier",
	/* threads */
	"futex",
	"futex_time64",
	"futex_waitv",
	"set_robust_list",
	"get_robust_list",
	"rseq",
	"set_tid_address",
	"gettid",
	"sched_yield",
	"sched_getaffinity",
	"exit",
	"exit_group",
	/* signals to itself */
	"rt_sigaction",
	"rt_sigprocmask",
	"rt_sigreturn",
	"sigreturn",
	"rt_sigpending",
	"rt_sigtimedwait",
	"sigaltstack",
	"restart_syscall",
	/* time */
	"clock_gettime",
	"clock_gettime64",
	"clock_getres",
	"clock_nanosleep",
	"clock_nanosleep_time64",
	"nanosleep",
	"gettimeofday",
	"time",
	"times",
	"alarm",
	"setitimer",
	/* about itself */
	"getpid",
	"getppid",
	"getuid",
	"geteuid",
	"getgid",
	"getegid",
	"getuid32",
	"geteuid32",
	"getgid32",
	"getegid32",
	"getrusage",
	"getrlimit",
	"ugetrlimit",
	"sysinfo",
	"uname",
	"getrandom",
};

/* Nobody calls these by mistake. */
static const char *const deadly[] = {
	"execve",
	"execveat",
	"ptrace",
	"process_vm_readv",
	"process_vm_writev",
	"kexec_load",
	"init_module",
	"finit_module",
	"bpf",
	"mount",
	"umount2",
	"pivot_root",
	"setns",
	"unshare",
	"userfaultfd",
	"perf_event_open",
};

static int add_all(scmp_filter_ctx filter, uint32_t action, const char *const *names, size_t count)
{
	int failed = 0;
	for (size_t i = 0; i < count && failed == 0; i++) {
		int number = seccomp_syscall_resolve_name(names[i]);
		if (number != __NR_SCMP_ERROR && number >= 0)
			failed = seccomp_rule_add(filter, action, number, 0);
	}
	return failed;
}

/* Of the many things that ioctl() can do to a terminal or a device, what libuv, stdio and the connections ask. */
static int add_ioctls(scmp_filter_ctx filter)
{
	static const unsigned long requests[] = { FIONBIO, FIONREAD, FIOCLEX, SIOCOUTQ, TCGETS,
		TIOCGWINSZ };
	int failed = 0;
	for (size_t i = 0; i < sizeof(requests) / sizeof(*requests) && failed == 0; i++)
		failed = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
		    SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffff, requests[i]));
	return failed;
}

/* Memory that is run as code comes with a library; only a look-up of names loads one now. */
static int add_memory(scmp_filter_ctx filter, bool reaches_out)
{
	static const int calls[] = { SCMP_SYS(mmap), SCMP_SYS(mmap2), SCMP_SYS(mprotect) };
	int failed = 0;
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls) && failed == 0; i++) {
		if (calls[i] < 0)
			continue;
		failed = reaches_out ? seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0)
				     : seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 1,
					   SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	}
	return failed;
}

static int add_socket(scmp_filter_ctx filter, int family, int type)
{
	return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 2,
	    SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)family),
	    SCMP_A1(SCMP_CMP_MASKED_EQ, 0xf, (scmp_datum_t)type));
}

/* Listening for metrics after HUP, and telling systemd; beyond that only a cluster needs new sockets. */
static int add_sockets(scmp_filter_ctx filter, bool reaches_out)
{
	int failed = add_socket(filter, AF_INET, SOCK_STREAM);
	failed = failed ? failed : add_socket(filter, AF_INET6, SOCK_STREAM);
	failed = failed ? failed : add_socket(filter, AF_UNIX, SOCK_STREAM);
	failed = failed ? failed : add_socket(filter, AF_UNIX, SOCK_DGRAM);
	if (!reaches_out)
		return failed;
	failed = failed ? failed : add_socket(filter, AF_INET, SOCK_DGRAM);
	failed = failed ? failed : add_socket(filter, AF_INET6, SOCK_DGRAM);
	return failed ? failed : add_socket(filter, AF_NETLINK, SOCK_RAW);
}

/* New threads, no new processes. clone3() hides its flags from a filter: libc then takes clone(). */
static int add_threads(scmp_filter_ctx filter)
{
	int failed = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
	    SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
	failed = failed ? failed
			: seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1,
			      SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME));
	failed = failed ? failed
			: seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1,
			      SCMP_A0(SCMP_CMP_EQ, 0));
	return failed ? failed
		      : seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
			    SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid()));
}

bool syscalls_restrict(bool reaches_out)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
	if (filter == NULL) {
		errno = ENOMEM;
		return false;
	}
	int failed = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	failed = failed
		     ? failed
		     : add_all(filter, SCMP_ACT_ALLOW, allowed, sizeof(allowed) / sizeof(*allowed));
	failed = failed ? failed
			: add_all(filter, SCMP_ACT_KILL_PROCESS, deadly,
			      sizeof(deadly) / sizeof(*deadly));
	failed = failed ? failed : add_ioctls(filter);
	failed = failed ? failed : add_memory(filter, reaches_out);
	failed = failed ? failed : add_sockets(filter, reaches_out);
	failed = failed ? failed : add_threads(filter);
	failed = failed ? failed : seccomp_load(filter);
	seccomp_release(filter);
	errno = -failed;
	return failed == 0;
}

#endif
