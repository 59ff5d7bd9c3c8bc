#include "client/full/history.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <sodium.h>

#include "base/buffer.h"
#include "client/sanitize.h"
#include "protocol/text.h"

enum {
	SAFE_MAX_LEN = 200, /* of a name of a file */
	HASH_LEN = 16,
	TIME_LEN = 20, /* 2026-11-25T15:54:01Z */
	MS = 1000,
	TEXT_MAX_LEN = HISTORY_LINE_MAX_LEN / 5, /* made harmless it may take four times as much */
};

/* Names */

static bool is_safe_byte(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '-';
}

/*
 * A name of a file for a foreign name: other bytes than letters, digits, _ and - are %XX, a long one is cut and ends in a hash of the whole.
 * Different names stay different.
 */
static bool append_safe(struct buffer *path, struct slice name)
{
	size_t begin = path->len;
	for (size_t i = 0; i < name.len; i++) {
		bool is_mild = i > 0 && (name.ptr[i] == '.' || name.ptr[i] == ':');
		bool ok = is_safe_byte(name.ptr[i]) || is_mild
			      ? buffer_append(path, name.ptr + i, 1)
			      : buffer_printf(path, "%%%02x", (unsigned char)name.ptr[i]);
		if (!ok)
			return false;
	}
	if (path->len - begin <= SAFE_MAX_LEN)
		return true;
	unsigned char hash[HASH_LEN];
	char hex[2 * HASH_LEN + 1];
	crypto_generichash(hash, sizeof(hash), (const unsigned char *)name.ptr, name.len, NULL, 0);
	sodium_bin2hex(hex, sizeof(hex), hash, sizeof(hash));
	path->len = begin + SAFE_MAX_LEN - sizeof(hex);
	return buffer_printf(path, "%%%s", hex);
}

/* Moves it into path_r. */
static bool take_path(struct buffer *path, bool is_whole, char path_r[static FOLDER_PATH_SIZE])
{
	struct slice bytes = buffer_slice(path);
	is_whole = is_whole && bytes.len < FOLDER_PATH_SIZE;
	if (is_whole) {
		memcpy(path_r, bytes.ptr, bytes.len);
		path_r[bytes.len] = '\0';
	}
	buffer_clear(path);
	return is_whole;
}

bool history_init(
    struct history *h, bool is_wanted, const char *server, struct slice user, struct why *why)
{
	char base[FOLDER_PATH_SIZE];
	struct buffer path = { 0 };
	*h = (struct history){ 0 };
	if (!folder_state_path("", base, why))
		return !is_wanted;
	bool ok = buffer_append_slice(&path, slice_str(base)) &&
		  append_safe(&path, slice_str(server)) && buffer_append_slice(&path, SLICE("/")) &&
		  append_safe(&path, user);
	ok = take_path(&path, ok, h->folder);
	h->is_on = ok && is_wanted;
	return ok || !is_wanted || why_fail(why, "the path of the history is too long");
}

bool history_path(
    const struct history *h, const struct conversation *c, char path_r[static FOLDER_PATH_SIZE])
{
	struct buffer path = { 0 };
	if (h->folder[0] == '\0' || c->kind == WITH_SERVER)
		return false;
	bool ok = buffer_append_slice(&path, slice_str(h->folder));
	if (c->kind == WITH_GROUP)
		ok = ok && buffer_append_slice(&path, SLICE("/group.log"));
	else
		ok = ok && buffer_append_slice(&path, SLICE("/person-")) &&
		     append_safe(&path, conversation_name(c)) &&
		     buffer_append_slice(&path, SLICE(".log"));
	return take_path(&path, ok, path_r);
}

/* The end of a file */

/* Without the halves of lines that stand at the end, and (is_cut) at the start. */
static struct slice whole_lines(struct slice all, bool is_cut)
{
	const char *first = is_cut && all.len > 0 ? memchr(all.ptr, '\n', all.len) : NULL;
	if (is_cut)
		all = slice_skip(all, first == NULL ? all.len : (size_t)(first - all.ptr) + 1);
	while (all.len > 0 && all.ptr[all.len - 1] != '\n')
		all.len--;
	return all;
}

/* The whole lines among the last max bytes; they lie in bytes, which is empty before. Returns 0 or an errno value. */
static int read_lines(int fd, size_t max, struct buffer *bytes, struct slice *lines_r)
{
	struct stat st;
	if (fstat(fd, &st) != 0)
		return errno;
	if (!S_ISREG(st.st_mode))
		return EINVAL;
	bool is_cut = (size_t)st.st_size > max;
	size_t size = is_cut ? max : (size_t)st.st_size;
	char *room = buffer_reserve(bytes, size + 1);
	if (room == NULL)
		return ENOMEM;
	ssize_t got = pread(fd, room, size, st.st_size - (off_t)size);
	if (got < 0)
		return errno;
	buffer_added(bytes, (size_t)got);
	*lines_r = whole_lines(buffer_slice(bytes), is_cut);
	return 0;
}

/* Writing */

/* What a file with one more line begins with, if the one before has no end: that was cut by a machine that stopped. */
static bool needs_line_end(int fd, off_t size)
{
	char last = '\n';
	return size > 0 && pread(fd, &last, 1, size - 1) == 1 && last != '\n';
}

static bool format_line(struct buffer *line, int fd, off_t size, const struct said *said, char sign)
{
	time_t seconds = (time_t)(said->time_ms / MS);
	struct tm when;
	char stamp[TIME_LEN + 1];
	struct slice text = said_text(said);
	text.len = text_whole_chars(text, text.len < TEXT_MAX_LEN ? text.len : TEXT_MAX_LEN);
	if (gmtime_r(&seconds, &when) == NULL ||
	    strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ", &when) != TIME_LEN)
		memcpy(stamp, "1970-01-01T00:00:00Z", TIME_LEN + 1);
	return (!needs_line_end(fd, size) || buffer_append(line, "\n", 1)) &&
	       buffer_printf(line, "%s %c ", stamp, sign) && sanitize(line, said_sender(said)) &&
	       buffer_append(line, " ", 1) && sanitize(line, text) && buffer_append(line, "\n", 1);
}

/* The whole line, or nothing of it. Returns 0 or an errno value. */
static int write_line(int fd, const struct said *said, char sign)
{
	struct buffer line = { 0 };
	struct stat st;
	int error = 0;
	if (fstat(fd, &st) != 0)
		return errno;
	if (!S_ISREG(st.st_mode))
		return EINVAL;
	/* one that was copied here, or made by hand */
	if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0 && fchmod(fd, S_IRUSR | S_IWUSR) != 0)
		return errno;
	if (!format_line(&line, fd, st.st_size, said, sign)) {
		buffer_clear(&line);
		return ENOMEM;
	}
	struct slice bytes = buffer_slice(&line);
	ssize_t put = write(fd, bytes.ptr, bytes.len);
	if (put < 0) {
		error = errno;
	} else if ((size_t)put < bytes.len) {
		error = ENOSPC;
		if (ftruncate(fd, st.st_size) != 0)
			error = errno;
	}
	buffer_clear(&line);
	return error;
}

static int open_log(const char *path, struct why *why)
{
	int flags = O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;
	int fd = open(path, flags, 0600);
	if (fd < 0 && errno == ENOENT && folder_make_for(path, why))
		fd = open(path, flags, 0600);
	return fd;
}

/* Puts the last lines in the place of all. false: why says it. */
static bool keep_last(int fd, const char *path, struct why *why)
{
	struct buffer bytes = { 0 };
	struct slice lines = { 0 };
	int error = read_lines(fd, HISTORY_KEPT_BYTES, &bytes, &lines);
	bool ok = error == 0 ? folder_replace(path, lines, why)
			     : why_fail(why, "cannot read %s: %s", path, strerror(error));
	buffer_clear(&bytes);
	return ok;
}

/*
 * A file that has grown too long loses its older half. Another client of this person may be at it, or have done it since this one opened the file:
 * then nothing is left to do. What fails is not tried again: a full disk is full for the next line as well. false: as history_append().
 */
static bool bound(struct history *h, int fd, const char *path, struct why *why)
{
	struct stat st;
	if (h->has_bound_failed || fstat(fd, &st) != 0 || st.st_size <= HISTORY_FILE_MAX_BYTES ||
	    flock(fd, LOCK_EX | LOCK_NB) != 0 || fstat(fd, &st) != 0 || st.st_nlink == 0)
		return true;
	struct why reason;
	h->has_bound_failed = !keep_last(fd, path, &reason);
	return !h->has_bound_failed ||
	       why_fail(why, "it grows, for its older half can't be dropped: %s", reason.text);
}

static bool append(struct history *h, const struct conversation *c, const struct said *said,
    char sign, struct why *why)
{
	char path[FOLDER_PATH_SIZE];
	if (!h->is_on || said->kind == SAID_NOTICE || !history_path(h, c, path))
		return true;
	int fd = open_log(path, why);
	int error = fd < 0 ? errno : write_line(fd, said, sign);
	bool is_bound = error != 0 || bound(h, fd, path, why);
	if (fd >= 0)
		close(fd);
	bool is_news = error != 0 && !h->was_failure_told;
	h->was_failure_told = error != 0;
	if (is_news)
		return why_fail(why, "what is said is not kept: %s: %s", path, strerror(error));
	return is_bound;
}

bool history_append(
    struct history *h, const struct conversation *c, const struct said *line, struct why *why)
{
	return append(h, c, line, line->kind == SAID_BY_ME ? '>' : '<', why);
}

bool history_not_delivered(
    struct history *h, const struct conversation *c, const struct said *line, struct why *why)
{
	return append(h, c, line, '!', why);
}

bool history_doubtful(
    struct history *h, const struct conversation *c, const struct said *line, struct why *why)
{
	return append(h, c, line, '?', why);
}

/* Reading */

/* Takes so many digits and the character behind them. false: they are not there. */
static bool take_number(struct slice *s, size_t digits, char behind, int *number_r)
{
	*number_r = 0;
	if (s->len <= digits || s->ptr[digits] != behind)
		return false;
	for (size_t i = 0; i < digits; i++) {
		if (s->ptr[i] < '0' || s->ptr[i] > '9')
			return false;
		*number_r = 10 * *number_r + (s->ptr[i] - '0');
	}
	*s = slice_skip(*s, digits + 1);
	return true;
}

static bool take_time(struct slice *s, int64_t *time_ms_r)
{
	struct tm when = { 0 };
	if (!take_number(s, 4, '-', &when.tm_year) || !take_number(s, 2, '-', &when.tm_mon) ||
	    !take_number(s, 2, 'T', &when.tm_mday) || !take_number(s, 2, ':', &when.tm_hour) ||
	    !take_number(s, 2, ':', &when.tm_min) || !take_number(s, 2, 'Z', &when.tm_sec) ||
	    !slice_begins(*s, SLICE(" ")))
		return false;
	*s = slice_skip(*s, 1);
	when.tm_year -= 1900;
	when.tm_mon--;
	time_t seconds = timegm(&when);
	*time_ms_r = (int64_t)seconds * MS;
	return true;
}

/* The last line of one's own in c that has this text gets the state; if it is not among those that were read, it is added. */
static void mark(struct model *m, struct conversation *c, int64_t time_ms, enum said_state state,
    struct slice sender, struct slice text)
{
	uint64_t number;
	struct slice target = c->kind == WITH_GROUP ? SLICE("") : conversation_name(c);
	if (model_note_state(m, target, text, state, &number) == NULL)
		model_add_old(m, c, time_ms, SAID_BY_ME, state, sender, text);
}

/* What was not delivered was sent again, if it was said once more. */
static void note_repeated(struct model *m, struct conversation *c, struct slice text)
{
	uint64_t number = 0;
	while ((number = conversation_undelivered(c, number)) != NO_LINE) {
		if (slice_equal(said_text(conversation_line(c, number)), text)) {
			model_note_repeated(m, c, number);
			return;
		}
		number++;
	}
}

/* A line of the file, if it is one of ours. */
static void take_line(struct model *m, struct conversation *c, struct slice line)
{
	int64_t time_ms;
	if (line.len > HISTORY_LINE_MAX_LEN || !take_time(&line, &time_ms) || line.len < 2 ||
	    line.ptr[1] != ' ')
		return;
	char sign = line.ptr[0];
	line = slice_skip(line, 2);
	const char *space = line.len > 0 ? memchr(line.ptr, ' ', line.len) : NULL;
	if (space == NULL || space == line.ptr)
		return;
	struct slice sender = slice_of(line.ptr, (size_t)(space - line.ptr));
	struct slice text = slice_skip(line, sender.len + 1);
	if (sign == '<') {
		model_add_old(m, c, time_ms, SAID_BY_OTHER, STATE_NONE, sender, text);
	} else if (sign == '>') {
		note_repeated(m, c, text);
		model_add_old(m, c, time_ms, SAID_BY_ME, STATE_SENT, sender, text);
	} else if (sign == '!' || sign == '?') {
		mark(m, c, time_ms, sign == '!' ? STATE_NOT_DELIVERED : STATE_UNCONFIRMED, sender,
		    text);
	}
}

/* The last lines of whole ones. */
static struct slice last_lines(struct slice all)
{
	size_t lines = 0, at;
	for (at = all.len; at > 0; at--) {
		if (all.ptr[at - 1] == '\n' && ++lines > HISTORY_READ_LINES)
			break;
	}
	return slice_skip(all, at);
}

static void take_lines(struct model *m, struct conversation *c, struct slice lines)
{
	while (lines.len > 0) {
		const char *end = memchr(lines.ptr, '\n', lines.len);
		size_t len = end == NULL ? lines.len : (size_t)(end - lines.ptr);
		take_line(m, c, slice_of(lines.ptr, len));
		lines = slice_skip(lines, len + (end != NULL));
	}
}

static int read_end(int fd, struct model *m, struct conversation *c)
{
	struct buffer bytes = { 0 };
	struct slice lines = { 0 };
	int error = read_lines(fd, HISTORY_READ_MAX_BYTES, &bytes, &lines);
	if (error == 0)
		take_lines(m, c, last_lines(lines));
	buffer_clear(&bytes);
	return error;
}

bool history_read(struct history *h, struct model *m, struct conversation *c, struct why *why)
{
	char path[FOLDER_PATH_SIZE];
	if (!h->is_on || !history_path(h, c, path))
		return true;
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	int error = fd < 0 ? errno : read_end(fd, m, c);
	if (fd >= 0)
		close(fd);
	return error == 0 || error == ENOENT ||
	       why_fail(why, "cannot read %s: %s", path, strerror(error));
}

static bool remove_file(const char *path, struct why *why)
{
	return unlink(path) == 0 || errno == ENOENT ||
	       why_fail(why, "cannot remove %s: %s", path, strerror(errno));
}

bool history_forget(struct history *h, const struct conversation *c, struct why *why)
{
	char path[FOLDER_PATH_SIZE], fresh[FOLDER_PATH_SIZE + sizeof(FOLDER_NEW)];
	if (!history_path(h, c, path))
		return true;
	snprintf(fresh, sizeof(fresh), "%s" FOLDER_NEW, path); /* that a crash may have left */
	return remove_file(fresh, why) && remove_file(path, why);
}
