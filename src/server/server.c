#include "server/server.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <sched.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#ifdef HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

#include "base/clock.h"
#include "base/log.h"
#include "server/admin.h"
#include "server/data_folder.h"
#include "server/http.h"
#include "server/identity.h"
#include "server/sandbox.h"
#include "store/backup.h"

enum { STOP_WAIT_MS = 3000 }; /* with what is left of the end it stays below 5 s */

/* Tells systemd, if it started us. */
static void notify(const char *state)
{
#ifdef HAVE_SYSTEMD
	sd_notify(0, state);
#endif
}

/* ---- Reading the settings again ---- */

static void log_kept(const struct settings *s)
{
	unsigned cursor = 0;
	for (const char *key; (key = settings_next_kept(s, &cursor)) != NULL;)
		log_warn("setting-needs-restart", LOG_STR("key", key));
}

static bool put_into_force(
    struct server *server, const struct settings *next, char why_r[static NET_WHY_SIZE])
{
	unsigned count = net_worker_count(server->net);
	void **copies = calloc(count, sizeof(*copies));
	if (copies == NULL || !chat_config_copies(server->chat, &next->chat, copies)) {
		free(copies);
		snprintf(why_r, NET_WHY_SIZE, "no memory");
		return false;
	}
	bool done = net_reconfigure(server->net, &next->net, copies, why_r);
	for (unsigned i = 0; i < count && !done; i++)
		free(copies[i]);
	free(copies);
	return done;
}

static bool listen_for_metrics(
    struct server *server, const struct settings *s, char why_r[static NET_WHY_SIZE])
{
	struct sockaddr_storage addresses[SETTINGS_MAX_LISTEN];
	size_t count = settings_addresses(s->metrics_listen, addresses);
	return http_listen(server->http, addresses, count, why_r);
}

/* What of it was done already is taken back. */
static void keep_old(struct server *server)
{
	char why[NET_WHY_SIZE];
	if (!listen_for_metrics(server, &server->settings, why))
		log_error("metrics-lost", LOG_STR("reason", why));
}

bool server_reload(struct server *server, char why_r[static NET_WHY_SIZE])
{
	struct settings next;
	const struct server_origin *from = &server->origin;
	if (server->stopping) {
		snprintf(why_r, NET_WHY_SIZE, "the server is about to end");
		return false;
	}
	notify("RELOADING=1");
	bool listens = settings_load(from->path, from->sets, from->set_count, &server->settings,
			   &next, why_r, NET_WHY_SIZE) &&
		       listen_for_metrics(server, &next, why_r);
	bool done = listens && put_into_force(server, &next, why_r);
	if (listens && !done)
		keep_old(server);
	notify("READY=1");
	if (!done) {
		log_error("reload-failed", LOG_STR("reason", why_r));
		return false;
	}
	server->settings = next;
	sweep_reconfigure(&server->sweep, next.chat.keep_days);
	log_configure(next.log_level, next.log_format);
	log_kept(&next);
	log_info("reloaded");
	return true;
}

/* ---- Signals ---- */

static void close_handle(uv_handle_t *handle, void *arg)
{
	if (!uv_is_closing(handle))
		uv_close(handle, NULL);
}

static void on_drained(uv_timer_t *timer)
{
	uv_stop(timer->loop);
}

void server_stop(struct server *server)
{
	uint64_t drain_ms = server->stopping ? 0 : server->settings.drain_ms;
	server->stopping = true;
	if (drain_ms == 0 || uv_timer_init(&server->loop, &server->drain) < 0 ||
	    uv_timer_start(&server->drain, on_drained, drain_ms, 0) < 0)
		uv_stop(&server->loop);
	else
		log_info("draining", LOG_INT("ms", drain_ms));
}

static void on_hup(uv_signal_t *handle, int signal)
{
	char why[NET_WHY_SIZE];
	server_reload(handle->data, why);
}

/* While we say goodbye nobody listens to the loop any more: the second signal ends the process by this. */
static void end_at_once(int signal)
{
	_exit(0);
}

static void on_end(uv_signal_t *handle, int signal)
{
	log_info("stopping", LOG_STR("signal", strsignal(signal)));
	server_stop(handle->data);
}

static bool listen_to_signals(struct server *server)
{
	static const struct {
		int signal;
		uv_signal_cb run;
	} rows[] = { { SIGTERM, on_end }, { SIGINT, on_end }, { SIGHUP, on_hup } };
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	sigaction(SIGPIPE, &ignore, NULL);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		server->signals[i].data = server;
		if (uv_signal_init(&server->loop, &server->signals[i]) < 0 ||
		    uv_signal_start(&server->signals[i], rows[i].run, rows[i].signal) < 0)
			return false;
	}
	return true;
}

static void listen_for_second_signal(struct server *server)
{
	struct sigaction end = { .sa_handler = end_at_once };
	for (size_t i = 0; i < sizeof(server->signals) / sizeof(*server->signals); i++)
		uv_signal_stop(&server->signals[i]);
	sigaction(SIGTERM, &end, NULL);
	sigaction(SIGINT, &end, NULL);
}

/* ---- Putting it together ---- */

/* Every connection is a descriptor: as many as the system lets us have. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static unsigned core_count(void)
{
	cpu_set_t ours; /* which may be fewer than there are */
	CPU_ZERO(&ours);
	long count = sched_getaffinity(0, sizeof(ours), &ours) == 0 ? CPU_COUNT(&ours)
								    : sysconf(_SC_NPROCESSORS_ONLN);
	return count > 0 ? (unsigned)count : 1;
}

static bool open_net(struct server *server, char why[static NET_WHY_SIZE])
{
	struct sockaddr_storage listen[SETTINGS_MAX_LISTEN];
	const struct settings *s = &server->settings;
	struct net_options options = { .listen = listen,
		.listen_count = settings_addresses(s->listen, listen),
		.workers = s->workers ? (unsigned)s->workers : core_count(),
		.config = &s->net,
		.events = &chat_net_events,
		.arg = server->chat };
	server->net = net_open(&options, why);
	if (server->net == NULL)
		return false;
	chat_set_net(server->chat, server->net);
	return true;
}

static bool restore(struct server *server, char why[static NET_WHY_SIZE])
{
	struct backup_counts counts;
	const struct settings *s = &server->settings;
	bool is_restored = backup_restore(
	    server->origin.restore_fd, s->store_url, s->data, &counts, why, NET_WHY_SIZE);
	if (is_restored)
		log_info("restored", LOG_STR("backup", server->origin.restore),
		    LOG_STR("data", s->data), LOG_INT("accounts", counts.accounts),
		    LOG_INT("bans", counts.bans), LOG_INT("files", counts.files));
	return is_restored;
}

/* One data folder on one host is one process, whatever it is called. */
static void describe_place(const struct settings *s, char place[static STORE_PLACE_SIZE])
{
	char host[64] = "";
	gethostname(host, sizeof(host) - 1);
	snprintf(place, STORE_PLACE_SIZE, "%s:%.150s", host, s->data);
}

static bool put_together(struct server *server, char why[static NET_WHY_SIZE])
{
	const struct settings *s = &server->settings;
	server->lock_fd = data_folder_open(s->data, why, NET_WHY_SIZE);
	if (server->lock_fd < 0)
		return false;
	if (server->origin.restore != NULL && !restore(server, why))
		return false;
	server->has_own_certificate = settings_certificate_is_own(s);
	snprintf(server->own_certificate, sizeof(server->own_certificate), "%s",
	    s->net.certificate_path);
	if (server->has_own_certificate && !identity_make_if_missing(s->net.certificate_path, why))
		return false;
	server->store = store_open(s->store_url, s->data, why, NET_WHY_SIZE);
	if (server->store == NULL)
		return false;
	char place[STORE_PLACE_SIZE];
	describe_place(s, place);
	struct chat_options options = { .config = &s->chat,
		.store = server->store,
		.password_threads = core_count(),
		.node = s->bus.node,
		.place = place };
	server->chat = chat_new(&options, why, NET_WHY_SIZE);
	if (server->chat == NULL)
		return false;
	server->bus = bus_open(&s->bus, &chat_bus_events, server->chat, why, NET_WHY_SIZE);
	if (server->bus == NULL)
		return false;
	chat_set_bus(server->chat, server->bus);
	if (bus_is_shared(server->bus) && !store_is_shared(server->store)) {
		snprintf(why, NET_WHY_SIZE,
		    "bus.url connects several servers, which need a store that they share: set "
		    "store.url to postgres://...");
		return false;
	}
	if (!open_net(server, why))
		return false;
	if (!chat_start(server->chat)) {
		snprintf(why, NET_WHY_SIZE, "cannot start a thread for the cluster");
		return false;
	}
	return true;
}

/* Backwards; each part accepts that it was never made. */
static void take_apart(struct server *server)
{
	if (server->chat != NULL)
		chat_stop(server->chat);
	store_close(
	    server->store); /* what is on its way there still comes back to the workers' queues */
	bus_close(server->bus); /* which calls into the workers */
	net_free(server->net);
	chat_free(server->chat);
	uv_walk(&server->loop, close_handle, NULL);
	uv_run(&server->loop, UV_RUN_DEFAULT);
	uv_loop_close(&server->loop);
	if (server->lock_fd >= 0)
		close(server->lock_fd);
	if (server->statm_fd >= 0)
		close(server->statm_fd);
}

static bool open_http(struct server *server, char why[static NET_WHY_SIZE])
{
	server->http = http_new(server);
	return server->http != NULL && listen_for_metrics(server, &server->settings, why);
}

static void serve(struct server *server)
{
	server->is_serving = true;
	log_info("ready", LOG_STR("version", VERSION),
	    LOG_INT("workers", net_worker_count(server->net)),
	    LOG_STR("data", server->settings.data));
	notify("READY=1");
	sweep_start(&server->sweep, &server->loop, server->store, server->settings.chat.keep_days);
	uv_run(&server->loop, UV_RUN_DEFAULT);
	server->stopping = true;
	notify("STOPPING=1");
	listen_for_second_signal(server);
	admin_close(&server->admin); /* it may ask the others */
	http_close(&server->http);
	chat_refuse_logins(server->chat);
	net_stop(server->net, STOP_WAIT_MS);
}

/*
 * libuv aborts the process where it can't lengthen its table of descriptors; everywhere else it says UV_ENOMEM. So there it tries again for a
 * moment, in which whoever has the memory may give it back.
 */
static void *realloc_patiently(void *block, size_t size)
{
	enum { TRIES = 200, PAUSE_US = 10000 };
	for (int i = 0;; i++) {
		void *moved = realloc(block, size);
		if (moved != NULL || size == 0 || i == TRIES)
			return moved;
		usleep(PAUSE_US);
	}
}

/*
 * What a receiver lets pile up is a block of 128 KiB and more: by itself glibc would come to keep such blocks after a storm, this way they go back to
 * the system when they are freed.
 */
static void give_large_blocks_back(void)
{
	enum { LARGE = 128 << 10 };
	mallopt(M_MMAP_THRESHOLD, LARGE);
	mallopt(M_TRIM_THRESHOLD, LARGE);
}

int server_run(const struct settings *settings, const struct server_origin *origin)
{
	char why[NET_WHY_SIZE] = "";
	struct server server = { .settings = *settings,
		.origin = *origin,
		.lock_fd = -1,
		.statm_fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC),
		.started_ms = clock_wall_ms() };
	if (sodium_init() < 0 ||
	    uv_replace_allocator(malloc, realloc_patiently, calloc, free) < 0 ||
	    uv_loop_init(&server.loop) < 0) {
		log_error("start-failed", LOG_STR("reason", "libsodium or libuv can't be set up"));
		return 1;
	}
	raise_descriptor_limit();
	give_large_blocks_back();
	bool started = listen_to_signals(&server) && put_together(&server, why) &&
		       (server.admin = admin_open(&server, settings->admin_socket, why)) != NULL &&
		       open_http(&server, why);
	if (started)
		sandbox_seal(settings);
	started = started && net_start(server.net, why);
	if (started)
		serve(&server);
	else
		log_error("start-failed", LOG_STR("reason", why[0] ? why : strerror(errno)));
	http_close(&server.http);
	admin_close(&server.admin);
	take_apart(&server);
	if (started)
		log_info("stopped");
	return started ? 0 : 1;
}
