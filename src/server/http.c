/*
 * http.c: a connection's way on the main thread's loop:
 *
 *	READING --(all is here, or it is refused, or late)--> WRITING --> DRAINING --(the peer hangs up, or late)--> closed, freed
 *
 * After the answer and FIN what still comes is read and forgotten, so that no reset overtakes the answer.
 */
#include "server/http.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"
#include "server/http_request.h"
#include "server/metrics.h"
#include "server/server.h"

enum state { READING, WRITING, DRAINING, CLOSING };

struct client {
	struct list node;
	struct http *http;
	enum state state;
	uv_tcp_t tcp;
	uv_timer_t timer;
	uv_write_t write;
	uv_shutdown_t shutdown;
	unsigned open_handles;
	size_t in_len;
	char in[HTTP_REQUEST_MAX_LEN];
	struct buffer out;
};

struct listener {
	struct list node;
	struct http *http;
	struct sockaddr_storage address; /* as it was asked for */
	uv_tcp_t tcp;
	uv_timer_t retry; /* for want of memory a connection waits, and with it all others */
	unsigned open_handles;
	bool is_kept; /* in http_listen(): is among the new ones */
};

struct http {
	struct server *server;
	struct list listeners;
	struct list clients;
	size_t client_count;
	size_t open_listeners; /* those included that libuv has not let go of */
};

/* ---- a client's end ---- */

static void on_client_handle_closed(uv_handle_t *handle)
{
	struct client *c = handle->data;
	if (--c->open_handles > 0)
		return;
	list_remove(&c->node);
	c->http->client_count--;
	buffer_clear(&c->out);
	free(c);
}

static void close_client(struct client *c)
{
	if (c->state == CLOSING)
		return;
	c->state = CLOSING;
	uv_close((uv_handle_t *)&c->tcp, on_client_handle_closed);
	uv_close((uv_handle_t *)&c->timer, on_client_handle_closed);
}

/* ---- answering ---- */

static const struct status_row {
	enum http_status status;
	const char *words;
} statuses[] = {
	{ HTTP_OK, "OK" },
	{ HTTP_BAD_REQUEST, "Bad Request" },
	{ HTTP_NOT_FOUND, "Not Found" },
	{ HTTP_METHOD_NOT_ALLOWED, "Method Not Allowed" },
	{ HTTP_TIMEOUT, "Request Timeout" },
	{ HTTP_BODY_NOT_TAKEN, "Content Too Large" },
	{ HTTP_TOO_LONG, "Request Header Fields Too Large" },
	{ HTTP_UNAVAILABLE, "Service Unavailable" },
	{ HTTP_VERSION_NOT_SUPPORTED, "HTTP Version Not Supported" },
};

static const char *words_of(enum http_status status)
{
	size_t i = 0;
	while (statuses[i].status != status)
		i++;
	return statuses[i].words;
}

static void on_shut_down(uv_shutdown_t *request, int status)
{
	(void)request; /* the peer hangs up, or the timer comes */
	(void)status;
}

static void on_written(uv_write_t *write, int status)
{
	struct client *c = write->data;
	if (c->state == CLOSING)
		return;
	c->state = DRAINING;
	if (status < 0 || uv_shutdown(&c->shutdown, (uv_stream_t *)&c->tcp, on_shut_down) < 0)
		close_client(c);
}

static void on_time_over(uv_timer_t *timer);

static void send_answer(
    struct client *c, enum http_status status, const struct buffer *body, bool is_head)
{
	const char *allow = status == HTTP_METHOD_NOT_ALLOWED ? "Allow: GET, HEAD\r\n" : "";
	c->state = WRITING;
	bool done =
	    buffer_printf(&c->out,
		"HTTP/1.1 %d %s\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
		"Content-Length: %zu\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
		"%sConnection: close\r\n\r\n",
		(int)status, words_of(status), body->len, allow) &&
	    (is_head || buffer_append_slice(&c->out, buffer_slice(body)));
	uv_buf_t piece = { .base = c->out.mem + c->out.start, .len = c->out.len };
	c->write.data = c;
	if (!done || uv_timer_start(&c->timer, on_time_over, HTTP_ANSWER_MS, 0) < 0 ||
	    uv_write(&c->write, (uv_stream_t *)&c->tcp, &piece, 1, on_written) < 0)
		close_client(c);
}

static void refuse(struct client *c, enum http_status status)
{
	struct buffer body = { 0 };
	if (buffer_printf(&body, "%s\n", words_of(status)))
		send_answer(c, status, &body, false);
	else
		close_client(c);
	buffer_clear(&body);
}

/* ---- what there is ---- */

typedef enum http_status page_fn(struct server *server, struct buffer *body);

static enum http_status show_metrics(struct server *server, struct buffer *body)
{
	if (metrics_write(server, body))
		return HTTP_OK;
	buffer_clear(body);
	return HTTP_UNAVAILABLE;
}

static enum http_status show_live(struct server *server, struct buffer *body)
{
	(void)server;
	return buffer_printf(body, "ok\n") ? HTTP_OK : HTTP_UNAVAILABLE;
}

static enum http_status show_ready(struct server *server, struct buffer *body)
{
	struct store_counts store = store_counts(server->store);
	const char *why = NULL;
	if (!server->is_serving || server->stopping)
		why = "the server takes no connections";
	else if (!store.is_reachable)
		why = "the store is out of reach";
	else if (store.failed_ms != 0 && clock_now_ms() - store.failed_ms < HTTP_STORE_WELL_MS)
		why = "the store can't do what it is asked; the log says why";
	buffer_printf(body, "%s\n", why != NULL ? why : "ok");
	return why != NULL ? HTTP_UNAVAILABLE : HTTP_OK;
}

static const struct page {
	const char *path;
	page_fn *show;
} pages[] = {
	{ "/metrics", show_metrics },
	{ "/livez", show_live },
	{ "/readyz", show_ready },
};

static void answer(struct client *c, const struct http_request *request)
{
	struct buffer body = { 0 };
	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		if (!slice_equal(request->path, slice_str(pages[i].path)))
			continue;
		enum http_status status = pages[i].show(c->http->server, &body);
		send_answer(c, status, &body, request->is_head);
		buffer_clear(&body);
		return;
	}
	refuse(c, HTTP_NOT_FOUND);
}

/* ---- reading ---- */

static void on_time_over(uv_timer_t *timer)
{
	struct client *c = timer->data;
	if (c->state == READING)
		refuse(c, HTTP_TIMEOUT);
	else
		close_client(c);
}

/* After the request its room takes what is read and forgotten. */
static void on_room_wanted(uv_handle_t *handle, size_t suggested, uv_buf_t *room)
{
	struct client *c = handle->data;
	(void)suggested;
	if (c->state != READING)
		c->in_len = 0;
	*room = uv_buf_init(c->in + c->in_len, (unsigned)(sizeof(c->in) - c->in_len));
}

static void on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *bytes)
{
	struct client *c = stream->data;
	struct http_request request;
	enum http_status why;
	(void)bytes;
	if (len < 0) {
		close_client(c); /* half a request is none */
		return;
	}
	if (len == 0 || c->state != READING)
		return;
	c->in_len += (size_t)len;
	int found = http_request_parse(slice_of(c->in, c->in_len), &request, &why);
	if (found == 1)
		answer(c, &request);
	else if (found < 0)
		refuse(c, why);
}

static void on_connection(uv_stream_t *stream, int status);

static void on_retry(uv_timer_t *timer)
{
	struct listener *l = timer->data;
	on_connection((uv_stream_t *)&l->tcp, 0);
}

static void on_connection(uv_stream_t *stream, int status)
{
	struct listener *l = stream->data;
	struct http *http = l->http;
	if (status < 0)
		return; /* libuv has closed it for want of a descriptor */
	struct client *c = calloc(1, sizeof(*c));
	if (c == NULL) { /* libuv takes no other before this one is accepted */
		uv_timer_start(&l->retry, on_retry, HTTP_RETRY_MS, 0);
		return;
	}
	c->http = http;
	list_append(&http->clients, &c->node);
	http->client_count++;
	/* Neither can fail on a Unix, and both are needed to close the client. */
	uv_tcp_init(&http->server->loop, &c->tcp);
	uv_timer_init(&http->server->loop, &c->timer);
	c->tcp.data = c->timer.data = c;
	c->open_handles = 2;
	if (uv_accept(stream, (uv_stream_t *)&c->tcp) < 0 ||
	    http->client_count > HTTP_MAX_CLIENTS ||
	    uv_timer_start(&c->timer, on_time_over, HTTP_REQUEST_MS, 0) < 0 ||
	    uv_read_start((uv_stream_t *)&c->tcp, on_room_wanted, on_read) < 0)
		close_client(c);
}

/* ---- listening ---- */

static void on_listener_closed(uv_handle_t *handle)
{
	struct listener *l = handle->data;
	if (--l->open_handles > 0)
		return;
	l->http->open_listeners--;
	free(l);
}

static void close_listener(struct listener *l)
{
	list_remove(&l->node);
	uv_close((uv_handle_t *)&l->tcp, on_listener_closed);
	uv_close((uv_handle_t *)&l->retry, on_listener_closed);
}

static struct listener *open_listener(
    struct http *http, const struct sockaddr_storage *address, char why_r[static NET_WHY_SIZE])
{
	char text[ADDRESS_TEXT_SIZE];
	struct sockaddr_storage real = { 0 };
	int len = sizeof(real);
	struct listener *l = calloc(1, sizeof(*l));
	address_text_with_port(address, text);
	int failed = l != NULL ? uv_tcp_init(&http->server->loop, &l->tcp) : UV_ENOMEM;
	if (failed < 0) {
		snprintf(why_r, NET_WHY_SIZE, "metrics.listen, %s: %s", text, uv_strerror(failed));
		free(l);
		return NULL;
	}
	l->http = http;
	l->address = *address;
	uv_timer_init(&http->server->loop, &l->retry); /* can't fail */
	l->tcp.data = l->retry.data = l;
	l->open_handles = 2;
	http->open_listeners++;
	list_append(&http->listeners, &l->node);
	failed = uv_tcp_bind(&l->tcp, (const struct sockaddr *)address,
	    address->ss_family == AF_INET6 ? UV_TCP_IPV6ONLY : 0);
	if (failed == 0)
		failed = uv_listen((uv_stream_t *)&l->tcp, HTTP_MAX_CLIENTS, on_connection);
	if (failed == 0)
		failed = uv_tcp_getsockname(&l->tcp, (struct sockaddr *)&real, &len);
	if (failed < 0) {
		snprintf(why_r, NET_WHY_SIZE, "can't listen on %s for metrics: %s", text,
		    uv_strerror(failed));
		close_listener(l);
		return NULL;
	}
	address_text_with_port(&real, text);
	log_info("metrics-served", LOG_STR("address", text));
	return l;
}

static struct listener *find_listener(struct http *http, const struct sockaddr_storage *address)
{
	list_each(node, &http->listeners) {
		struct listener *l = list_entry(node, struct listener, node);
		if (!l->is_kept && memcmp(&l->address, address, sizeof(*address)) == 0)
			return l;
	}
	return NULL;
}

bool http_listen(struct http *http, const struct sockaddr_storage *addresses, size_t count,
    char why_r[static NET_WHY_SIZE])
{
	struct listener *opened[SETTINGS_MAX_LISTEN];
	size_t opened_count = 0;
	bool done = true;
	for (size_t i = 0; done && i < count; i++) {
		struct listener *l = find_listener(http, &addresses[i]);
		if (l == NULL) {
			l = open_listener(http, &addresses[i], why_r);
			if (l != NULL)
				opened[opened_count++] = l;
		}
		done = l != NULL;
		if (l != NULL)
			l->is_kept = true;
	}
	for (size_t i = 0; !done && i < opened_count; i++)
		close_listener(opened[i]);
	list_each_safe(node, &http->listeners) {
		struct listener *l = list_entry(node, struct listener, node);
		if (done && !l->is_kept)
			close_listener(l);
		l->is_kept = false;
	}
	return done;
}

struct http *http_new(struct server *server)
{
	struct http *http = calloc(1, sizeof(*http));
	if (http == NULL)
		return NULL;
	http->server = server;
	list_init(&http->listeners);
	list_init(&http->clients);
	return http;
}

void http_close(struct http **http_ref)
{
	struct http *http = *http_ref;
	if (http == NULL)
		return;
	*http_ref = NULL;
	list_each_safe(node, &http->listeners)
		close_listener(list_entry(node, struct listener, node));
	list_each_safe(client_node, &http->clients)
		close_client(list_entry(client_node, struct client, node));
	while (http->open_listeners > 0 || http->client_count > 0)
		uv_run(&http->server->loop, UV_RUN_ONCE);
	free(http);
}
