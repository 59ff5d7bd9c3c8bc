#include "server/metrics.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "chat/cluster.h"
#include "server/server.h"

/* Everything is read at one moment, then written. */
struct figures {
	struct chat_counts chat;
	struct net_counts net;
	struct store_counts store;
	struct bus_counts bus;
	struct cluster_counts cluster;
	bool is_cluster;
	uint64_t store_reachable, bus_reachable, lease_certain;
	uint64_t workers;
	uint64_t private_messages[2]; /* delivered, not online */
	uint64_t certificate_end;     /* seconds since 1970 */
	uint64_t started;             /* the same */
	uint64_t cpu_us;
	uint64_t resident_bytes;
};

enum type {
	COUNTER,
	GAUGE,
	MOMENT,     /* seconds since 1970 */
	COUNTER_US, /* of microseconds, shown in seconds */
	HISTOGRAM,  /* a struct histogram_sum */
};

/*
 * A figure, or several of a kind with a label each: then `values` names them and the field is an array. A row without `name` is for
 * messagerctl only, one without `key` for Prometheus only.
 */
struct metric {
	const char *name;
	const char *key;
	enum type type;
	size_t offset, size; /* in struct figures */
	const char *label;
	const char *const *values;
	const char *help;
};

#define AT(field) offsetof(struct figures, field), sizeof(((struct figures *)0)->field)

static const char *const private_outcomes[] = { "delivered", "not online" };

static const struct metric metrics[] = {
	{ "users_online", "online", GAUGE, AT(chat.online), .help = "Users with a session." },
	{ NULL, "connections", GAUGE, AT(net.connections) },
	{ NULL, "unauthenticated", GAUGE, AT(net.unauthenticated) },
	{ "connections", "connections", GAUGE, AT(net.phases), "state", net_phase_names,
	    "Connections by how far they are." },
	{ "connections_accepted_total", "accepted", COUNTER, AT(net.accepted),
	    .help = "Connections taken." },
	{ NULL, "refused", COUNTER, AT(net.refused) },
	{ "connections_refused_total", "refused", COUNTER, AT(net.refusals), "reason",
	    net_refusal_names, "Connections closed before their handshake." },
	{ "offences_total", "offence", COUNTER, AT(net.offences), "kind", net_offence_names,
	    "What strangers did that adds to the penalties of their address." },
	{ "penalized_addresses", "penalized_addresses", GAUGE, AT(net.penalized),
	    .help = "Addresses that are refused because of their penalties." },
	{ "handshakes_failed_total", "failed_handshakes", COUNTER, AT(net.failed_handshakes),
	    .help = "TLS handshakes that failed, were broken off or took too long." },
	{ "connections_ended_total", "ended", COUNTER, AT(chat.endings), "reason", ending_names,
	    "Connections that ended after their handshake." },
	{ NULL, "logins", COUNTER, AT(chat.logins) },
	{ NULL, "signups", COUNTER, AT(chat.signups) },
	{ NULL, "refused_logins", COUNTER, AT(chat.refused_logins) },
	{ "logins_total", "login", COUNTER, AT(chat.outcomes), "result", outcome_names,
	    "Log-ins and sign-ups by how they came out." },
	{ "passwords_waiting", "passwords_waiting", GAUGE, AT(chat.passwords_waiting),
	    .help = "Log-ins that wait for their password to be hashed." },
	{ "passwords_hashed_total", "passwords_hashed", COUNTER, AT(chat.passwords_hashed),
	    .help = "Passwords that were hashed, which is most of what a log-in costs." },
	{ NULL, "messages", COUNTER, AT(chat.messages) },
	{ NULL, "undelivered", COUNTER, AT(chat.undelivered) },
	{ "private_messages_total", NULL, COUNTER, AT(private_messages), "outcome",
	    private_outcomes, "Messages from one user to another." },
	{ "group_messages_total", "group_messages", COUNTER, AT(chat.group_messages),
	    .help = "Messages to the group." },
	{ "group_deliveries_total", "group_deliveries", COUNTER, AT(chat.group_deliveries),
	    .help = "How often a message to the group was sent to somebody." },
	{ "uploads_total", "uploads", COUNTER, AT(chat.uploads),
	    .help = "Files that came in whole." },
	{ "upload_bytes_total", "upload_bytes", COUNTER, AT(chat.upload_bytes),
	    .help = "Bytes of these files." },
	{ "downloads_total", "downloads", COUNTER, AT(chat.downloads),
	    .help = "Files that went out whole." },
	{ "download_bytes_total", "download_bytes", COUNTER, AT(chat.download_bytes),
	    .help = "Bytes of these files." },
	{ "received_bytes_total", "received_bytes", COUNTER, AT(net.received_bytes),
	    .help = "Bytes received from clients, as encrypted." },
	{ "sent_bytes_total", "sent_bytes", COUNTER, AT(net.sent_bytes),
	    .help = "Bytes sent to clients, as encrypted." },
	{ "output_queue_bytes", "output_queue_bytes", GAUGE, AT(net.output_queue_bytes),
	    .help = "Bytes that wait for clients to take them." },
	{ "worker_queue_bytes", "worker_queue_bytes", GAUGE, AT(net.mail_queue_bytes),
	    .help = "Bytes of messages that wait for another worker." },
	{ "loop_turn_seconds", "loop_turn", HISTOGRAM, AT(net.turns),
	    .help =
		"How long a worker was busy at a stretch, so how late others on it were served." },
	{ "store_waiting", "store_waiting", GAUGE, AT(store.waiting),
	    .help = "Look-ups and changes that wait for the store." },
	{ "store_commit_seconds", "store_commit", HISTOGRAM, AT(store.commits),
	    .help = "How long a group of changes took to be on disk." },
	{ "store_failures_total", "store_failures", COUNTER, AT(store.failed),
	    .help = "Look-ups and changes that the store could not do." },
	{ "store_connections_lost_total", "store_lost", COUNTER, AT(store.lost),
	    .help = "Connections to the store's own server that broke." },
	{ "certificate_end_timestamp_seconds", "certificate_end", MOMENT, AT(certificate_end),
	    .help = "When the certificate in force ends, in seconds since 1970." },
	{ "workers", NULL, GAUGE, AT(workers), .help = "Threads that serve connections." },
	{ "start_timestamp_seconds", NULL, MOMENT, AT(started),
	    .help = "When the server was started, in seconds since 1970." },
	{ "cpu_seconds_total", "cpu_microseconds", COUNTER_US, AT(cpu_us),
	    .help = "Processor time of the whole process." },
	{ "resident_memory_bytes", "resident_bytes", GAUGE, AT(resident_bytes),
	    .help = "Memory that the process has." },
};

enum { METRICS = sizeof(metrics) / sizeof(metrics[0]) };

/* Of which a server that is alone has nothing to say. */
static const struct metric cluster_metrics[] = {
	{ "store_reachable", "store_reachable", GAUGE, AT(store_reachable),
	    .help = "1: PostgreSQL answers." },
	{ "store_connections", "store_connections", GAUGE, AT(store.connections),
	    .help = "Connections to PostgreSQL." },
	{ NULL, "node_epoch", GAUGE, AT(cluster.epoch) },
	{ "lease_certain", "lease_certain", GAUGE, AT(lease_certain),
	    .help =
		"1: this node knows that its sessions are its own, or that the store is away." },
	{ "lease_renewals_total", "lease_renewals", COUNTER, AT(cluster.renewals),
	    .help = "Renewals of this node's lease." },
	{ "lease_failures_total", "lease_failures", COUNTER, AT(cluster.failed_renewals),
	    .help = "Renewals that the store did not answer." },
	{ "lease_rejoins_total", "lease_rejoins", COUNTER, AT(cluster.rejoins),
	    .help = "Times that this node came back after its lease was over." },
	{ "sessions_lost_total", "sessions_lost", COUNTER, AT(cluster.lost_sessions),
	    .help = "Sessions that ended because another node has that user." },
	{ "sessions_taken_over_total", "sessions_taken_over", COUNTER, AT(cluster.taken_over),
	    .help = "Users who came in here while a dead node still had them." },
	{ "releases_waiting", "releases_waiting", GAUGE, AT(cluster.releases_waiting),
	    .help = "Sessions that ended and still hold their lease." },
	{ "bus_reachable", "bus_reachable", GAUGE, AT(bus_reachable), .help = "1: NATS answers." },
	{ "bus_users", "bus_users", GAUGE, AT(bus.users),
	    .help = "Users for whom this node listens." },
	{ "bus_sent_total", "bus_sent", COUNTER, AT(bus.sent), .help = "Messages to other nodes." },
	{ "bus_received_total", "bus_received", COUNTER, AT(bus.received),
	    .help = "Messages from other nodes." },
	{ "bus_found_nobody_total", "bus_found_nobody", COUNTER, AT(bus.found_nobody),
	    .help = "Of the sent ones, those whose user was at no node." },
	{ "bus_refused_total", "bus_refused", COUNTER, AT(bus.refused),
	    .help = "Messages that could not be sent: NATS away, or too much waiting for it." },
	{ "bus_unsure_total", "bus_unsure", COUNTER, AT(bus.unsure),
	    .help = "Messages sent right before NATS went away: perhaps lost." },
	{ "bus_dropped_total", "bus_dropped", COUNTER, AT(bus.dropped),
	    .help =
		"Times that messages came faster than they could be taken, and some were lost." },
	{ "bus_malformed_total", "bus_malformed", COUNTER, AT(bus.malformed),
	    .help = "Messages that no node would send." },
	{ "bus_breaks_total", "bus_breaks", COUNTER, AT(bus.breaks),
	    .help = "Times that NATS went away." },
};
enum { CLUSTER_METRICS = sizeof(cluster_metrics) / sizeof(cluster_metrics[0]) };

/* One after the other; NULL after the last. */
static const struct metric *metric_at(const struct figures *f, int i)
{
	if (i < METRICS)
		return &metrics[i];
	return f->is_cluster && i < METRICS + CLUSTER_METRICS ? &cluster_metrics[i - METRICS]
							      : NULL;
}

static uint64_t cpu_us(void)
{
	struct rusage used;
	if (getrusage(RUSAGE_SELF, &used) != 0)
		return 0;
	return (uint64_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000 +
	       (uint64_t)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

/* The second number of /proc/self/statm, in pages. */
static uint64_t resident_bytes(int statm_fd)
{
	char text[128];
	uint64_t pages = 0;
	ssize_t len = statm_fd >= 0 ? pread(statm_fd, text, sizeof(text) - 1, 0) : 0;
	const char *space = NULL;
	if (len > 0) {
		text[len] = '\0';
		space = strchr(text, ' ');
	}
	for (const char *digit = space ? space + 1 : ""; *digit >= '0' && *digit <= '9'; digit++)
		pages = pages * 10 + (uint64_t)(*digit - '0');
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void read_figures(struct server *server, struct figures *f)
{
	int64_t certificate_end = net_certificate_end(server->net);
	*f = (struct figures){ .chat = chat_counts(server->chat),
		.net = net_counts(server->net),
		.store = store_counts(server->store),
		.bus = bus_counts(server->bus),
		.workers = net_worker_count(server->net),
		.certificate_end = certificate_end > 0 ? (uint64_t)certificate_end : 0,
		.started = (uint64_t)server->started_ms / 1000,
		.cpu_us = cpu_us(),
		.resident_bytes = resident_bytes(server->statm_fd) };
	f->is_cluster = chat_cluster_counts(server->chat, &f->cluster);
	f->store_reachable = f->store.is_reachable;
	f->bus_reachable = f->bus.is_reachable;
	f->lease_certain = f->cluster.is_certain;
	f->private_messages[1] = f->chat.undelivered;
	if (f->chat.messages > f->chat.undelivered)
		f->private_messages[0] = f->chat.messages - f->chat.undelivered;
}

static size_t value_count(const struct metric *m)
{
	return m->values != NULL ? m->size / sizeof(uint64_t) : 1;
}

static uint64_t value_of(const struct figures *f, const struct metric *m, size_t index)
{
	uint64_t value;
	memcpy(&value, (const char *)f + m->offset + index * sizeof(value), sizeof(value));
	return value;
}

static const struct histogram_sum *histogram_of(const struct figures *f, const struct metric *m)
{
	return (const void *)((const char *)f + m->offset);
}

/* ---- For Prometheus ---- */

static bool put_seconds(struct buffer *to, uint64_t us)
{
	return buffer_printf(to, "%" PRIu64 ".%06" PRIu64, us / 1000000, us % 1000000);
}

static bool put_value(struct buffer *to, const struct metric *m, uint64_t value)
{
	bool done =
	    m->type == COUNTER_US ? put_seconds(to, value) : buffer_printf(to, "%" PRIu64, value);
	return done && buffer_printf(to, "\n");
}

static bool put_histogram(
    struct buffer *to, const struct metric *m, const struct histogram_sum *sum)
{
	uint64_t count = 0;
	bool done = true;
	for (unsigned i = 0; i < HISTOGRAM_ENDS; i++) {
		count += sum->counts[i];
		done = done && buffer_printf(to, "messagerd_%s_bucket{le=\"", m->name) &&
		       buffer_printf(
			   to, "%g\"} %" PRIu64 "\n", (double)histogram_ends_us[i] / 1e6, count);
	}
	count += sum->counts[HISTOGRAM_ENDS];
	return done &&
	       buffer_printf(
		   to, "messagerd_%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", m->name, count) &&
	       buffer_printf(to, "messagerd_%s_sum ", m->name) && put_seconds(to, sum->sum_us) &&
	       buffer_printf(to, "\nmessagerd_%s_count %" PRIu64 "\n", m->name, count);
}

static bool put_metric(struct buffer *to, const struct metric *m, const struct figures *f)
{
	static const char *const types[] = {
		[COUNTER] = "counter",
		[GAUGE] = "gauge",
		[MOMENT] = "gauge",
		[COUNTER_US] = "counter",
		[HISTOGRAM] = "histogram",
	};
	if (!buffer_printf(to, "# HELP messagerd_%s %s\n# TYPE messagerd_%s %s\n", m->name, m->help,
		m->name, types[m->type]))
		return false;
	if (m->type == HISTOGRAM)
		return put_histogram(to, m, histogram_of(f, m));
	for (size_t i = 0; i < value_count(m); i++) {
		bool done = m->values != NULL ? buffer_printf(to, "messagerd_%s{%s=\"%s\"} ",
						    m->name, m->label, m->values[i])
					      : buffer_printf(to, "messagerd_%s ", m->name);
		if (!done || !put_value(to, m, value_of(f, m, i)))
			return false;
	}
	return true;
}

bool metrics_write(struct server *server, struct buffer *to)
{
	struct figures f;
	read_figures(server, &f);
	const struct metric *m;
	for (int i = 0; (m = metric_at(&f, i)) != NULL; i++) {
		if (m->name != NULL && !put_metric(to, m, &f))
			return false;
	}
	return true;
}

/* ---- For messagerctl ---- */

static void answer_histogram(
    struct answer *a, const struct metric *m, const struct histogram_sum *sum)
{
	char key[64];
	uint64_t count = 0, slow = 0;
	for (unsigned i = 0; i < HISTOGRAM_STEPS; i++) {
		count += sum->counts[i];
		if (i > 0 && histogram_ends_us[i - 1] >= 100000)
			slow += sum->counts[i];
	}
	snprintf(key, sizeof(key), "%s_count", m->key);
	answer_number(a, key, (int64_t)count);
	snprintf(key, sizeof(key), "%s_mean_microseconds", m->key);
	answer_number(a, key, count > 0 ? (int64_t)(sum->sum_us / count) : 0);
	snprintf(key, sizeof(key), "%s_over_100_ms", m->key);
	answer_number(a, key, (int64_t)slow);
}

/* "refused" and "too many trials": refused_too_many_trials. */
static void answer_labelled(
    struct answer *a, const struct metric *m, const char *value, uint64_t number)
{
	char key[96];
	if (number == 0 && !a->is_json)
		return;
	snprintf(key, sizeof(key), "%s_%s", m->key, value);
	for (char *at = key; (at = strchr(at, ' ')) != NULL;)
		*at = '_';
	answer_number(a, key, (int64_t)number);
}

void metrics_answer(struct server *server, struct answer *a)
{
	struct figures f;
	read_figures(server, &f);
	if (f.is_cluster)
		answer_string(a, "node", slice_str(f.cluster.node));
	const struct metric *m;
	for (int i = 0; (m = metric_at(&f, i)) != NULL; i++) {
		if (m->key == NULL)
			continue;
		if (m->type == HISTOGRAM)
			answer_histogram(a, m, histogram_of(&f, m));
		else if (m->type == MOMENT)
			answer_time(a, m->key, (int64_t)value_of(&f, m, 0) * 1000);
		else if (m->values == NULL)
			answer_number(a, m->key, (int64_t)value_of(&f, m, 0));
		for (size_t at = 0; m->values != NULL && at < value_count(m); at++)
			answer_labelled(a, m, m->values[at], value_of(&f, m, at));
	}
}
