#include "client/source.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "protocol/text.h"

void source_init(struct source *s)
{
	*s = (struct source){ .fd = -1 };
}

static bool name_is_fit(struct slice name, struct why *why)
{
	if (filename_is_allowed(name))
		return true;
	if (name.len > FILENAME_MAX_LEN)
		return why_fail(why, "its name has more than %d bytes", FILENAME_MAX_LEN);
	if (text_has_control(name))
		return why_fail(why, "its name has control characters");
	if (name.len > 0 && memchr(name.ptr, '\\', name.len) != NULL)
		return why_fail(why, "its name has a backslash");
	return why_fail(why, "it is a folder");
}

bool source_open(struct source *s, struct why *why)
{
	source_close(s);
	if (!name_is_fit(filename_base(s->path), why))
		return false;
	/* A FIFO must not be waited for, nor a terminal become ours. */
	s->fd = open(s->path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (s->fd < 0 || fstat(s->fd, &s->before) != 0)
		why_fail(why, "%s", strerror(errno));
	else if (S_ISDIR(s->before.st_mode))
		why_fail(why, "it is a folder");
	else if (!S_ISREG(s->before.st_mode))
		why_fail(why, "it is no regular file");
	else {
		s->left = source_size(s);
		return true;
	}
	source_close(s);
	return false;
}

void source_close(struct source *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

ssize_t source_read(void *ctx, char *out, size_t room)
{
	struct source *s = ctx;
	ssize_t got;
	if (room > s->left)
		room = (size_t)s->left;
	do {
		got = read(s->fd, out, room);
	} while (got < 0 && errno == EINTR);
	if (got > 0)
		s->left -= (uint64_t)got;
	return got;
}

bool source_has_changed(const struct source *s)
{
	struct stat now;
	return s->left > 0 || fstat(s->fd, &now) != 0 || now.st_size != s->before.st_size ||
	       now.st_mtim.tv_sec != s->before.st_mtim.tv_sec ||
	       now.st_mtim.tv_nsec != s->before.st_mtim.tv_nsec;
}
