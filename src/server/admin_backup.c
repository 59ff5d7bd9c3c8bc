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

enum { LOOK_MS = 100 };

/* The call's own, while a thread of libuv's pool works on it. */
struct streaming {
	int fd; /* the client's socket, which does not block */
	/* Copies: a reload must not change them under the thread's hands. */
	char url[SETTINGS_TEXT_SIZE], data[NET_PATH_SIZE], certificate[NET_PATH_SIZE];
	bool is_done;
	struct backup_counts counts;
	char why[NET_WHY_SIZE];
};

/* In short waits: the server may want to end meanwhile. */
static bool await_room(struct admin_call *call, char *why, size_t why_size)
{
	const struct streaming *s = call->own;
	struct pollfd room = { .fd = s->fd, .events = POLLOUT };
	for (int waited = 0; waited < ADMIN_ANSWER_MS && !call_is_cancelled(call);
	     waited += LOOK_MS) {
		if (poll(&room, 1, LOOK_MS) > 0)
			return true;
	}
	snprintf(why, why_size, "%s",
	    call_is_cancelled(call) ? "the server is stopping" : "messagerctl takes nothing more");
	return false;
}

static bool send_bytes(struct admin_call *call, struct slice bytes, char *why, size_t why_size)
{
	const struct streaming *s = call->own;
	while (bytes.len > 0) {
		ssize_t n = write(s->fd, bytes.ptr, bytes.len);
		if (n < 0 && errno == EAGAIN) {
			if (!await_room(call, why, why_size))
				return false;
			continue;
		}
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
	char head[32];
	int len = snprintf(head, sizeof(head), "%zu\n", bytes.len);
	if (bytes.len == 0)
		return true;
	if (call_is_cancelled(call)) {
		snprintf(why, why_size, "the server is stopping");
		return false;
	}
	return send_bytes(call, slice_of(head, (size_t)len), why, why_size) &&
	       send_bytes(call, bytes, why, why_size);
}

static void stream(struct admin_call *call)
{
	struct streaming *s = call->own;
	s->is_done = backup_write(s->url, s->data, s->certificate[0] ? s->certificate : NULL,
	    send_piece, call, &s->counts, s->why, sizeof(s->why));
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
	const struct server *server = call->server;
	snprintf(s->url, sizeof(s->url), "%s", server->settings.store_url);
	snprintf(s->data, sizeof(s->data), "%s", server->settings.data);
	if (server->has_own_certificate)
		snprintf(s->certificate, sizeof(s->certificate), "%s", server->own_certificate);
	call->own = s;
	call->server->is_backing_up = true;
	call_work(call, stream, end);
}
