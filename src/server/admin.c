/*
 * admin.c: requests of the administrator on the main thread's loop.
 *
 *	READING --(all is here)--> WORKING --call_end()--> WRITING --> closed, freed when its handles are
 *	   '--(late, too long, malformed)------------------^
 *
 * A client that is WORKING is not freed, whoever hangs up: answers of the store and of the thread pool come to its call.
 */
#include "server/admin.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "server/admin_call.h"

enum { READ_SIZE = 64 << 10 };

enum state { READING, WORKING, WRITING, CLOSING };

struct client {
	struct list node;
	struct admin *admin;
	enum state state;
	uv_pipe_t pipe;
	uv_timer_t timer;
	uv_write_t write;
	unsigned open_handles;
	struct buffer in;
	struct admin_request request;
	const struct admin_command *command;
	struct admin_call call;
};

struct admin {
	struct server *server;
	uv_pipe_t listener;
	uv_timer_t retry; /* for want of memory a connection waits, and with it all others */
	uv_async_t wake;
	struct list clients;
	size_t client_count;
	unsigned open_handles;
	atomic_bool is_closing; /* read by threads at work */

	pthread_mutex_t lock;
	struct list ready; /* calls whose step elsewhere is done */
};

static struct client *client_of(struct admin_call *call)
{
	return (struct client *)(void *)((char *)call - offsetof(struct client, call));
}

/* ---- a client's end ---- */

static void free_client(struct client *c)
{
	list_remove(&c->node);
	c->admin->client_count--;
	if (c->in.mem != NULL)
		sodium_memzero(c->in.mem, c->in.cap); /* there may be a password in it */
	buffer_clear(&c->in);
	answer_clear(&c->call.answer);
	free(c);
}

static void on_client_handle_closed(uv_handle_t *handle)
{
	struct client *c = handle->data;
	if (--c->open_handles == 0)
		free_client(c);
}

static void close_client(struct client *c)
{
	if (c->state == CLOSING)
		return;
	c->state = CLOSING;
	uv_close((uv_handle_t *)&c->pipe, on_client_handle_closed);
	uv_close((uv_handle_t *)&c->timer, on_client_handle_closed);
}

/* ---- answering ---- */

static void on_written(uv_write_t *write, int status)
{
	struct client *c = write->data;
	(void)status; /* who asked and did not wait for the answer has no answer */
	call_fn *after_answer = c->call.after_answer;
	if (after_answer != NULL)
		after_answer(&c->call);
	close_client(c);
}

static void on_time_over(uv_timer_t *timer);

static void send_answer(struct client *c)
{
	struct slice bytes = answer_end(&c->call.answer);
	uv_buf_t piece = { .base = (char *)(uintptr_t)bytes.ptr, .len = bytes.len };
	c->state = WRITING;
	c->write.data = c;
	if (uv_timer_start(&c->timer, on_time_over, ADMIN_ANSWER_MS, 0) < 0 ||
	    uv_write(&c->write, (uv_stream_t *)&c->pipe, &piece, 1, on_written) < 0)
		close_client(c);
}

static void refuse(struct client *c, const char *why)
{
	uv_read_stop((uv_stream_t *)&c->pipe);
	answer_begin(&c->call.answer, c->request.wants_json);
	answer_fail(&c->call.answer, "%s", why);
	send_answer(c);
}

static void on_time_over(uv_timer_t *timer)
{
	struct client *c = timer->data;
	if (c->state == READING)
		refuse(c, "the request was not here within 10 seconds");
	else
		close_client(c);
}

/* ---- a call and its steps ---- */

void call_end(struct admin_call *call)
{
	struct client *c = client_of(call);
	const struct admin_command *command = c->command;
	const char *result = call->answer.has_failed ? "error" : "ok";
	enum log_level level = command->log == LOG_AS_DEBUG ? LOG_DEBUG : LOG_INFO;
	if (command->log == LOG_COMMAND_AND_NAME)
		log_at(level, "admin-command", LOG_STR("command", command->words),
		    LOG_SLICE("name", call->args[0]), LOG_STR("result", result));
	else
		log_at(level, "admin-command", LOG_STR("command", command->words),
		    LOG_STR("result", result));
	send_answer(c);
}

/* A step elsewhere is done: the main thread goes on with the call. Any thread. */
static void hand_back(struct admin_call *call)
{
	struct admin *admin = call->admin;
	pthread_mutex_lock(&admin->lock);
	list_append(&admin->ready, &call->ready);
	uv_async_send(&admin->wake); /* under the lock: admin_close() can't have ended in between */
	pthread_mutex_unlock(&admin->lock);
}

static void on_wake(uv_async_t *wake)
{
	struct admin *admin = wake->data;
	for (;;) {
		pthread_mutex_lock(&admin->lock);
		struct list *first = list_is_empty(&admin->ready) ? NULL : admin->ready.next;
		if (first != NULL)
			list_remove(first);
		pthread_mutex_unlock(&admin->lock);
		if (first == NULL)
			return;
		struct admin_call *call = list_entry(first, struct admin_call, ready);
		call->next(call);
	}
}

static void on_stored(struct store_request *request)
{
	struct admin_call *call = request->arg;
	if (atomic_fetch_sub(&call->unanswered, 1) == 1)
		hand_back(call);
}

void call_store(
    struct admin_call *call, struct store_request *requests, size_t count, call_fn *next)
{
	call->next = next;
	atomic_store(&call->unanswered, count);
	for (size_t i = 0; i < count; i++) {
		requests[i].done = on_stored;
		requests[i].arg = call;
		store_submit(call->server->store, &requests[i]);
	}
}

static void on_work(uv_work_t *job)
{
	struct admin_call *call = job->data;
	call->work(call);
}

static void on_worked(uv_work_t *job, int status)
{
	struct admin_call *call = job->data;
	(void)status; /* never cancelled */
	call->next(call);
}

void call_work(struct admin_call *call, call_fn *work, call_fn *next)
{
	call->work = work;
	call->next = next;
	call->job.data = call;
	if (uv_queue_work(&call->server->loop, &call->job, on_work, on_worked) == 0)
		return;
	answer_fail(&call->answer, "no memory");
	call_end(call);
}

int call_socket(struct admin_call *call)
{
	uv_os_fd_t fd;
	if (uv_fileno((uv_handle_t *)&client_of(call)->pipe, &fd) < 0)
		return -1;
	return fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

bool call_is_cancelled(const struct admin_call *call)
{
	return call->admin->is_closing;
}

void call_arg_str(const struct admin_call *call, size_t index, char to[static STORE_NAME_SIZE])
{
	struct slice arg = call->args[index];
	if (arg.len >= STORE_NAME_SIZE)
		arg.len = 0;
	memcpy(to, arg.ptr, arg.len);
	to[arg.len] = '\0';
}

void call_fail_unavailable(struct admin_call *call)
{
	answer_fail(&call->answer,
	    "the store can't do it now, and nothing was changed; the server's log says why");
}

void call_end_list(struct admin_call *call)
{
	answer_list_end(&call->answer);
	if (call->request.status != STORE_OK)
		call_fail_unavailable(call);
	call_end(call);
}

/* ---- reading ---- */

static void start_call(struct client *c)
{
	size_t own_words = 0, arg_count = 0;
	struct admin_call *call = &c->call;
	uv_read_stop((uv_stream_t *)&c->pipe);
	c->command = admin_command_find(&c->request, &own_words);
	if (c->command != NULL)
		arg_count = c->request.word_count - own_words;
	if (c->command == NULL || arg_count < c->command->min_args ||
	    arg_count > c->command->max_args) {
		refuse(
		    c, "this server knows no such command; are it and messagerctl of one version?");
		return;
	}
	uv_timer_stop(&c->timer);
	c->state = WORKING;
	call->server = c->admin->server;
	call->admin = c->admin;
	call->args = c->request.words + own_words;
	call->arg_count = arg_count;
	call->body = c->request.body;
	answer_begin(&call->answer, c->request.wants_json);
	c->command->run(call);
}

static void on_room_wanted(uv_handle_t *handle, size_t suggested, uv_buf_t *room)
{
	struct client *c = handle->data;
	(void)suggested;
	char *to = buffer_reserve(&c->in, READ_SIZE);
	*room = uv_buf_init(to, to != NULL ? READ_SIZE : 0);
}

static void take_bytes(struct client *c)
{
	const char *fault;
	char why[128];
	int found = admin_request_parse(buffer_slice(&c->in), &c->request, &fault);
	if (found == 1) {
		start_call(c);
	} else if (found < 0) {
		snprintf(why, sizeof(why), "the request is malformed: %s", fault);
		refuse(c, why);
	}
}

static void on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *bytes)
{
	struct client *c = stream->data;
	(void)bytes;
	if (len == UV_ENOBUFS) {
		refuse(c, "no memory");
	} else if (len < 0) {
		close_client(c); /* half a request is none */
	} else {
		buffer_added(&c->in, (size_t)len);
		take_bytes(c);
	}
}

static struct client *new_client(struct admin *admin)
{
	struct client *c = calloc(1, sizeof(*c));
	if (c == NULL)
		return NULL;
	c->admin = admin;
	list_append(&admin->clients, &c->node);
	admin->client_count++;
	/* Neither can fail on a Unix, and both are needed to close the client. */
	uv_pipe_init(&admin->server->loop, &c->pipe, 0);
	uv_timer_init(&admin->server->loop, &c->timer);
	c->pipe.data = c->timer.data = c;
	c->open_handles = 2;
	return c;
}

static void on_connection(uv_stream_t *listener, int status);

static void on_retry(uv_timer_t *timer)
{
	struct admin *admin = timer->data;
	on_connection((uv_stream_t *)&admin->listener, 0);
}

static void on_connection(uv_stream_t *listener, int status)
{
	struct admin *admin = listener->data;
	if (status < 0) {
		log_warn("admin-refused", LOG_STR("reason", uv_strerror(status)));
		return;
	}
	struct client *c = new_client(admin);
	if (c == NULL) { /* libuv takes no other before this one is accepted */
		uv_timer_start(&admin->retry, on_retry, ADMIN_RETRY_MS, 0);
		return;
	}
	bool is_open = uv_accept(listener, (uv_stream_t *)&c->pipe) == 0 &&
		       uv_timer_start(&c->timer, on_time_over, ADMIN_REQUEST_MS, 0) == 0;
	if (is_open && admin->client_count > ADMIN_MAX_CLIENTS)
		refuse(c, "the server is busy with 16 other requests; try again");
	else if (!is_open || uv_read_start((uv_stream_t *)&c->pipe, on_room_wanted, on_read) < 0)
		close_client(c);
}

/* ---- opening and closing ---- */

/* Takes a socket away that nobody listens to: a server that was killed left it. */
static bool clear_path(const char *path, char why_r[static NET_WHY_SIZE])
{
	struct stat info;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	if (lstat(path, &info) != 0)
		return true; /* if it is not simply free, bind() says what is wrong */
	if (!S_ISSOCK(info.st_mode) || strlen(path) >= sizeof(address.sun_path)) {
		snprintf(why_r, NET_WHY_SIZE,
		    "%s is there and is no socket; remove it, or set admin.socket", path);
		return false;
	}
	memcpy(address.sun_path, path, strlen(path) + 1);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool has_listener =
	    fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0;
	if (fd >= 0)
		close(fd);
	if (has_listener || (unlink(path) != 0 && errno != ENOENT)) {
		snprintf(why_r, NET_WHY_SIZE, "%s: %s", path,
		    has_listener ? "another server listens there; stop it, or set admin.socket"
				 : strerror(errno));
		return false;
	}
	return true;
}

static int bind_for_owner(uv_pipe_t *listener, const char *path)
{
	/* The mode must be right from the first moment; no other thread makes files while the server starts. */
	mode_t before = umask(0177);
	int failed = uv_pipe_bind(listener, path);
	umask(before);
	return failed;
}

static void on_handle_closed(uv_handle_t *handle)
{
	struct admin *admin = handle->data;
	admin->open_handles--;
}

void admin_close(struct admin **admin_ref)
{
	struct admin *admin = *admin_ref;
	if (admin == NULL)
		return;
	*admin_ref = NULL;
	admin->is_closing = true;
	uv_close((uv_handle_t *)&admin->listener, on_handle_closed); /* libuv unlinks its path */
	uv_close((uv_handle_t *)&admin->retry, on_handle_closed);
	while (!list_is_empty(&admin->clients)) {
		list_each_safe(node, &admin->clients) {
			struct client *c = list_entry(node, struct client, node);
			if (c->state == READING || c->state == WRITING)
				close_client(c);
		}
		uv_run(&admin->server->loop, UV_RUN_ONCE);
	}
	uv_close((uv_handle_t *)&admin->wake, on_handle_closed);
	while (admin->open_handles > 0)
		uv_run(&admin->server->loop, UV_RUN_ONCE);
	pthread_mutex_destroy(&admin->lock);
	free(admin);
}

struct admin *admin_open(struct server *server, const char *path, char why_r[static NET_WHY_SIZE])
{
	if (!clear_path(path, why_r))
		return NULL;
	struct admin *admin = calloc(1, sizeof(*admin));
	int failed =
	    admin != NULL ? uv_async_init(&server->loop, &admin->wake, on_wake) : UV_ENOMEM;
	if (failed < 0) {
		snprintf(why_r, NET_WHY_SIZE, "%s: %s", path, uv_strerror(failed));
		free(admin);
		return NULL;
	}
	admin->server = server;
	list_init(&admin->clients);
	list_init(&admin->ready);
	pthread_mutex_init(&admin->lock, NULL);
	uv_pipe_init(&server->loop, &admin->listener, 0);
	uv_timer_init(&server->loop, &admin->retry);
	admin->listener.data = admin->wake.data = admin->retry.data = admin;
	admin->open_handles = 3;
	failed = bind_for_owner(&admin->listener, path);
	if (failed == 0)
		failed =
		    uv_listen((uv_stream_t *)&admin->listener, ADMIN_MAX_CLIENTS, on_connection);
	if (failed < 0) {
		/* libuv says EACCES for ENOENT as well. */
		snprintf(why_r, NET_WHY_SIZE, "cannot listen at %s: %s", path,
		    failed == UV_EACCES ? "permission denied, or there is no such folder"
					: uv_strerror(failed));
		admin_close(&admin);
	}
	return admin;
}
