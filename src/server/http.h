/*
 * http.h: answers on metrics.listen, over plain HTTP/1.1 (http_request.h), one request per connection:
 *
 *	/metrics   the figures of metrics.h
 *	/livez     200 as long as the main loop turns
 *	/readyz    200 if people can log in: the server takes connections, and the store did what it was asked of late; else 503 and why
 *
 * Main thread, on the server's loop; bounded in connections, bytes and time, so that whoever asks costs the chat nothing.
 */
#ifndef SERVER_HTTP_H
#define SERVER_HTTP_H

#include "net/net.h"

struct http;
struct server;

enum {
	HTTP_MAX_CLIENTS = 32,
	HTTP_REQUEST_MS = 5000, /* a request is here by then, or answered 408 */
	HTTP_ANSWER_MS = 5000,  /* its answer is taken by then, or dropped */
	HTTP_RETRY_MS = 100,    /* after which a connection that had no memory is looked at again */
	HTTP_STORE_WELL_MS =
	    10000, /* so long after a failure of the store the server is not ready */
};

/* Nobody listens yet. NULL: no memory. The server is borrowed until http_close(). */
struct http *http_new(struct server *server);

/*
 * Listens on these addresses, and no longer on those it listened on before that are not among them; who is being answered still is. Logs
 * "metrics-served" for each. false with a sentence in why_r: everything is as it was.
 */
bool http_listen(struct http *http, const struct sockaddr_storage *addresses, size_t count,
    char why_r[static NET_WHY_SIZE]);

/* Ends everything and runs the server's loop until it is gone. Accepts NULL; *http is NULL then. */
void http_close(struct http **http);

#endif
