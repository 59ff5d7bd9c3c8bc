/* server.h: the running server as a whole: put together, kept, read again, taken apart. Main thread. */
#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "bus/bus.h"
#include "chat/chat.h"
#include "net/net.h"
#include "server/settings.h"
#include "server/sweep.h"
#include "store/store.h"

/* Where the settings came from, to read them again. Borrowed for the life of the server. */
struct server_origin {
	const char *path; /* NULL: the default file, if there is one */
	const char *const *sets;
	size_t set_count;
	const char *restore; /* the backup to start from, or NULL */
	int restore_fd;      /* it, open */
};

struct server {
	struct settings settings; /* in force */
	struct server_origin origin;
	uv_loop_t loop; /* the main thread's: signals and the administrator */
	struct store *store;
	struct bus *bus;
	struct chat *chat;
	struct net *net;
	struct admin *admin;
	struct http *http;
	struct sweep sweep;
	int lock_fd;
	int64_t started_ms; /* wall clock */
	int statm_fd; /* /proc/self/statm, or -1: it can't be opened any more when it is wanted */
	bool has_own_certificate; /* at own_certificate, made by us; for backups */
	char own_certificate[NET_PATH_SIZE];
	bool is_backing_up;
	bool is_serving; /* connections are taken */
	bool stopping;
	uv_timer_t drain; /* its end is the loop's */
	uv_signal_t signals[3];
};

/*
 * Runs a server with these settings until it is told to end. Logs what goes wrong. Returns the process's exit status: 0 ended as asked,
 * 1 could not start or failed.
 */
int server_run(const struct settings *settings, const struct server_origin *origin);

/* Reads settings and certificates again and puts them into force; drops nobody. false with a sentence in why: nothing changed. */
bool server_reload(struct server *server, char why_r[static NET_WHY_SIZE]);

/* Ends server_run() cleanly, after the caller has returned to the loop. */
void server_stop(struct server *server);

#endif
