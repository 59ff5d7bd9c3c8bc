/*
 * failing_disk.c: to be preloaded: a disk that fails when a test says so. The file that FAILING_DISK names is shared memory:
 *
 *	write_error   errno with which every write to a regular file fails; 0: none does
 *	sync_error    the same for fsync() and fdatasync()
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared_control.h"

struct control {
	_Atomic int64_t write_error, sync_error;
};

static struct control *control;

__attribute__((constructor)) static void open_control(void)
{
	control = shared_control_open("FAILING_DISK", sizeof(*control));
}

static int write_fails(int fd)
{
	struct stat info;
	int error = control != NULL ? (int)control->write_error : 0;
	if (error == 0 || fstat(fd, &info) != 0 || !S_ISREG(info.st_mode))
		return 0;
	errno = error;
	return 1;
}

static int sync_fails(void)
{
	int error = control != NULL ? (int)control->sync_error : 0;
	errno = error != 0 ? error : errno;
	return error != 0;
}

#define REAL(type, name, ...) ((type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name))

ssize_t write(int fd, const void *bytes, size_t len)
{
	return write_fails(fd) ? -1
			       : REAL(ssize_t, write, int, const void *, size_t)(fd, bytes, len);
}

ssize_t pwrite(int fd, const void *bytes, size_t len, off_t at)
{
	return write_fails(fd)
		   ? -1
		   : REAL(ssize_t, pwrite, int, const void *, size_t, off_t)(fd, bytes, len, at);
}

ssize_t pwrite64(int fd, const void *bytes, size_t len, off_t at)
{
	return write_fails(fd)
		   ? -1
		   : REAL(ssize_t, pwrite64, int, const void *, size_t, off_t)(fd, bytes, len, at);
}

int fsync(int fd)
{
	return sync_fails() ? -1 : REAL(int, fsync, int)(fd);
}

int fdatasync(int fd)
{
	return sync_fails() ? -1 : REAL(int, fdatasync, int)(fd);
}
