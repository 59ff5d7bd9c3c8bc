/* admin_backup.c: a copy of all that lasts, streamed to who asks, made while the server goes on. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/admin.h"
#include "server/admin_call.h"
#include "store/backup.h"

/* The call's own, while a thread of libuv's pool works on it. */
struct streaming {
	int fd; /* the client's socket, which does not block */
	bool is_done;
	struct backup_counts counts;
	char why[NET_WHY_SIZE];
};

static bool await_room(int fd, char *why, size_t why_size)
{
	struct pollfd room = { .fd = fd, .events = POLLOUT };
	int ready = poll(&room, 1, ADMIN_ANSWER_MS);
	if (ready > 0 || (ready < 0 && errno == EINTR))
		return true;
	snprintf(why, why_size, "messagerctl takes nothing more");
	return false;
}

static bool send_bytes(int fd, struct slice bytes, char *why, size_t why_size)
{
	while (bytes.len > 0) {
		ssize_t n = write(fd, bytes.ptr, bytes.len);
		if (n < 0 && errno == EAGAIN && await_room(fd, why, why_size))
			continue;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			snprintf(why, why_size, "messagerctl has gone away");
			return false;
		}
		bytes = slice_skip(bytes, (size_t)n);
	}
	return true;
}

static bool send_piece(struct slice bytes, void *arg, char *why, size_t why_size)
{
	struct admin_call *call = arg;
	struct streaming *s = call->own;
	char head[32];
	int len = snprintf(head, sizeof(head), "%zu\n", bytes.len);
	if (bytes.len == 0)
		return true;
	if (call_is_cancelled(call)) {
		snprintf(why, why_size, "the server is stopping");
		return false;
	}
	return send_bytes(s->fd, slice_of(head, (size_t)len), why, why_size) &&
	       send_bytes(s->fd, bytes, why, why_size);
}

static void stream(struct admin_call *call)
{
	struct streaming *s = call->own;
	const struct settings *settings = &call->server->settings;
	/* What needs a restart to change, so no reload gets into our way. */
	const char *certificate =
	    call->server->has_own_certificate ? call->server->own_certificate : NULL;
	s->is_done = backup_write(settings->store_url, settings->data, certificate, send_piece,
	    call, &s->counts, s->why, sizeof(s->why));
}

static void end(struct admin_call *call)
{
	struct streaming *s = call->own;
	struct answer *a = &call->answer;
	call->server->is_backing_up = false;
	close(s->fd);
	if (s->is_done) {
		answer_number(a, "accounts", (int64_t)s->counts.accounts);
		answer_number(a, "bans", (int64_t)s->counts.bans);
		answer_number(a, "files", (int64_t)s->counts.files);
		answer_number(a, "bytes", (int64_t)s->counts.bytes);
		answer_string(a, "certificate",
		    call->server->has_own_certificate
			? SLICE("with its key")
			: SLICE("not in it: it is not the server's own"));
	} else {
		answer_fail(a, "%s", s->why);
	}
	call->own = NULL;
	free(s);
	call_end(call);
}

void admin_backup(struct admin_call *call)
{
	struct streaming *s = calloc(1, sizeof(*s));
	if (s != NULL)
		s->fd = call_socket(call);
	if (s == NULL || s->fd < 0 || call->server->is_backing_up) {
		answer_fail(&call->answer, "%s",
		    s != NULL && s->fd >= 0 ? "another backup is being made"
					    : "no memory or no descriptor");
		if (s != NULL && s->fd >= 0)
			close(s->fd);
		free(s);
		call_end(call);
		return;
	}
	call->own = s;
	call->server->is_backing_up = true;
	call_work(call, stream, end);
}
