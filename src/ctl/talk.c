#include "ctl/talk.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { CHUNK_SIZE = 64 << 10 };

static int connect_to(const char *path, char *why, size_t why_size)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(address.sun_path)) {
		snprintf(why, why_size, "the socket's path is longer than %zu bytes: %s",
		    sizeof(address.sun_path) - 1, path);
		return -1;
	}
	memcpy(address.sun_path, path, strlen(path) + 1);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	int failed = errno;
	if (fd >= 0)
		close(fd);
	if (failed == ENOENT || failed == ECONNREFUSED)
		snprintf(why, why_size,
		    "no server runs at %s; start messagerd, or name its socket with --socket (its setting admin.socket)",
		    path);
	else if (failed == EACCES)
		snprintf(why, why_size,
		    "%s belongs to another user; run messagerctl as the one who runs messagerd",
		    path);
	else
		snprintf(why, why_size, "cannot connect to %s: %s", path, strerror(failed));
	return -1;
}

/* false: the server has hung up; it may have said why. */
static bool send_all(int fd, struct slice bytes)
{
	while (bytes.len > 0) {
		ssize_t sent = send(fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return false;
		bytes = slice_skip(bytes, (size_t)sent);
	}
	return true;
}

/* -1: the connection broke. A server that refused to read all of a request resets it after its answer: that is an end. */
static ssize_t receive(int fd, char *to, size_t size)
{
	for (;;) {
		ssize_t len = recv(fd, to, size, 0);
		if (len < 0 && errno == EINTR)
			continue;
		return len < 0 && errno == ECONNRESET ? 0 : len;
	}
}

/* So many bytes of a backup. */
static enum talk_result receive_piece(
    int fd, size_t len, struct backup_file *backup, char *why, size_t why_size)
{
	char chunk[CHUNK_SIZE];
	while (len > 0) {
		ssize_t n = receive(fd, chunk, len < sizeof(chunk) ? len : sizeof(chunk));
		if (n <= 0 || !backup_take(backup, slice_of(chunk, (size_t)n), why, why_size))
			return TALK_FAILED;
		len -= (size_t)n;
	}
	return TALK_PIECE;
}

/* Takes the first line, which says how it went; or, before it, a piece of a backup. */
static enum talk_result receive_status(
    int fd, struct backup_file *backup, char *why, size_t why_size)
{
	char line[8] = "";
	for (size_t len = 0; len < sizeof(line) - 1; len++) {
		if (receive(fd, line + len, 1) != 1)
			return TALK_FAILED;
		if (line[len] == '\n')
			break;
	}
	char *end = line;
	unsigned long piece =
	    backup != NULL && isdigit((unsigned char)line[0]) ? strtoul(line, &end, 10) : 0;
	if (piece > 0 && strcmp(end, "\n") == 0)
		return receive_piece(fd, piece, backup, why, why_size);
	return strcmp(line, "ok\n") == 0      ? TALK_OK
	       : strcmp(line, "error\n") == 0 ? TALK_REFUSED
					      : TALK_FAILED;
}

static enum talk_result receive_answer(
    int fd, struct backup_file *backup, char *why, size_t why_size)
{
	char chunk[CHUNK_SIZE];
	enum talk_result result = TALK_PIECE;
	why[0] = '\0';
	while (result == TALK_PIECE)
		result = receive_status(fd, backup, why, why_size);
	if (result == TALK_FAILED && why[0] == '\0')
		snprintf(
		    why, why_size, "the server hung up without an answer; its log may say why");
	if (result == TALK_OK && backup != NULL && !backup_finish(backup, why, why_size))
		result = TALK_FAILED;
	if (result == TALK_FAILED)
		return result;
	FILE *to = result == TALK_OK ? stdout : stderr;
	for (ssize_t len; (len = receive(fd, chunk, sizeof(chunk))) != 0;) {
		if (len < 0) {
			snprintf(why, why_size, "the answer broke off: %s", strerror(errno));
			return TALK_FAILED;
		}
		fwrite(chunk, 1, (size_t)len, to);
	}
	if (fflush(to) == 0 && !ferror(to))
		return result;
	snprintf(why, why_size, "the answer can't be written: %s", strerror(errno));
	return TALK_FAILED;
}

bool talk_is_possible(const char *socket_path, char *why, size_t why_size)
{
	int fd = connect_to(socket_path, why, why_size);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

enum talk_result talk(const char *socket_path, struct slice head, struct slice body,
    struct backup_file *backup, char *why, size_t why_size)
{
	int fd = connect_to(socket_path, why, why_size);
	if (fd < 0)
		return TALK_FAILED;
	if (send_all(fd, head))
		send_all(fd, body);
	enum talk_result result = receive_answer(fd, backup, why, why_size);
	close(fd);
	return result;
}
