#include "client/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "client/folder.h"
#include "client/options.h"

enum {
	FILE_MAX_LEN = 1 << 20,
	READ_LEN = 4096,
	LOCK_WAIT_MS = 5000,
	LOCK_PAUSE_NS = 20 * 1000 * 1000,
};

struct entry {
	char server[SERVER_TEXT_SIZE];
	char fingerprint[FINGERPRINT_SIZE];
};

/* TRUST_KNOWN: all of the file is in content. TRUST_UNKNOWN: there is no file. */
static enum trust read_file(const char *path, struct buffer *content, struct why *why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return TRUST_UNKNOWN;
	ssize_t got = -1;
	while (fd >= 0) {
		char *room = buffer_reserve(content, READ_LEN);
		if (room == NULL) {
			errno = ENOMEM;
			got = -1;
			break;
		}
		got = read(fd, room, READ_LEN);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0 || content->len > FILE_MAX_LEN)
			break;
		buffer_added(content, (size_t)got);
	}
	int error = errno;
	if (fd >= 0)
		close(fd);
	if (got == 0)
		return TRUST_KNOWN;
	why_fail(why, "cannot read %s: %s", path, got < 0 ? strerror(error) : "it is too long");
	return TRUST_BROKEN;
}

/* line = server SP fingerprint */
static bool entry_parse(struct slice line, struct entry *entry_r)
{
	const char *space = memchr(line.ptr, ' ', line.len);
	if (space == NULL || memchr(line.ptr, '\0', line.len) != NULL)
		return false;
	size_t server_len = (size_t)(space - line.ptr), fingerprint_len = line.len - server_len - 1;
	if (server_len >= SERVER_TEXT_SIZE || fingerprint_len >= FINGERPRINT_SIZE)
		return false;
	char server[SERVER_TEXT_SIZE];
	memcpy(server, line.ptr, server_len);
	server[server_len] = '\0';
	memcpy(entry_r->fingerprint, space + 1, fingerprint_len);
	entry_r->fingerprint[fingerprint_len] = '\0';
	struct server_name name;
	if (!server_name_parse(server, &name) || !fingerprint_is_well_formed(entry_r->fingerprint))
		return false;
	server_name_text(&name, entry_r->server);
	return true;
}

/* Takes the next line off text, without its line end. */
static struct slice take_line(struct slice *text)
{
	const char *end = memchr(text->ptr, '\n', text->len);
	struct slice line =
	    slice_of(text->ptr, end == NULL ? text->len : (size_t)(end - text->ptr));
	*text = slice_skip(*text, line.len + (end != NULL));
	return line;
}

static enum trust search(const char *path, struct slice text, const char *server,
    const char *fingerprint, char *known_r, struct why *why)
{
	enum trust found = TRUST_UNKNOWN;
	for (int number = 1; text.len > 0; number++) {
		struct slice line = take_line(&text);
		struct entry entry;
		if (line.len == 0 || line.ptr[0] == '#')
			continue;
		if (!entry_parse(line, &entry)) {
			why_fail(why,
			    "%s, line %d is damaged, so no server can be trusted by it: correct or remove that line",
			    path, number);
			return TRUST_BROKEN;
		}
		if (strcmp(entry.server, server) != 0)
			continue;
		if (found != TRUST_UNKNOWN) {
			why_fail(why, "%s, line %d names %s a second time: remove one of the lines",
			    path, number, server);
			return TRUST_BROKEN;
		}
		found = strcmp(entry.fingerprint, fingerprint) == 0 ? TRUST_KNOWN : TRUST_CHANGED;
		memcpy(known_r, entry.fingerprint, FINGERPRINT_SIZE);
	}
	return found;
}

/* As trust_look_up(); what the file holds is left in content, which the caller clears. */
static enum trust look_up(const char *path, const char *server, const char *fingerprint,
    struct buffer *content, char *known_r, struct why *why)
{
	enum trust got = read_file(path, content, why);
	if (got != TRUST_KNOWN)
		return got;
	return search(path, buffer_slice(content), server, fingerprint, known_r, why);
}

enum trust trust_look_up(const char *path, const char *server, const char *fingerprint,
    char known_r[static FINGERPRINT_SIZE], struct why *why)
{
	struct buffer content = { 0 };
	enum trust found = look_up(path, server, fingerprint, &content, known_r, why);
	buffer_clear(&content);
	return found;
}

/* The lock stands beside the file, since the file itself is replaced. Returns the open lock; <0: why says it. */
static int lock_take(const char *path, struct why *why)
{
	char lock[FOLDER_PATH_SIZE + 8];
	snprintf(lock, sizeof(lock), "%s.lock", path);
	int fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	uint64_t give_up_ms = clock_now_ms() + LOCK_WAIT_MS;
	while (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0) {
		int error = errno;
		if ((error == EWOULDBLOCK || error == EINTR) && clock_now_ms() < give_up_ms) {
			nanosleep(&(struct timespec){ .tv_nsec = LOCK_PAUSE_NS }, NULL);
			continue;
		}
		close(fd);
		fd = -1;
		errno = error;
	}
	if (fd < 0)
		why_fail(why, "cannot lock %s: %s", lock, strerror(errno));
	return fd;
}

static bool append_entry(struct buffer *content, const char *server, const char *fingerprint)
{
	bool needs_line_end = content->len > 0 && !slice_ends(buffer_slice(content), SLICE("\n"));
	return buffer_printf(content, "%s%s %s\n", needs_line_end ? "\n" : "", server, fingerprint);
}

enum trust trust_remember(const char *path, const char *server, const char *fingerprint,
    char known_r[static FINGERPRINT_SIZE], struct why *why)
{
	if (!folder_make_for(path, why))
		return TRUST_UNSAVED;
	int lock = lock_take(path, why);
	if (lock < 0)
		return TRUST_UNSAVED;
	struct buffer content = { 0 };
	enum trust found = look_up(path, server, fingerprint, &content, known_r, why);
	if (found == TRUST_UNKNOWN) {
		if (!append_entry(&content, server, fingerprint)) {
			why_fail(why, "out of memory");
			found = TRUST_UNSAVED;
		} else {
			found = folder_replace(path, buffer_slice(&content), why) ? TRUST_KNOWN
										  : TRUST_UNSAVED;
		}
	}
	buffer_clear(&content);
	close(lock);
	return found;
}
