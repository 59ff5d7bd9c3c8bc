/* net.c: the workers together: opening, starting, new settings, stopping. Main thread. */
#include "net/net.h"

#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "net/worker.h"

const char *const net_phase_names[] = { [NET_IN_HANDSHAKE] = "handshake",
	[NET_IN_LOGIN] = "login",
	[NET_IN_SESSION] = "session",
	[NET_CLOSING] = "closing" };

const char *const net_refusal_names[] = { [NET_REFUSED_CONNECTIONS] = "connections",
	[NET_REFUSED_UNAUTHENTICATED] = "unauthenticated",
	[NET_REFUSED_ADDRESS] = "connections per address",
	[NET_REFUSED_SHARE] = "unauthenticated per address",
	[NET_REFUSED_NOT_ADMITTED] = "banned",
	[NET_REFUSED_PENALTY] = "penalty",
	[NET_REFUSED_NO_MEMORY] = "no memory" };

/* Finds out whether the address is free for us alone, and which port it is. */
static bool probe(struct sockaddr_storage *address, char why_r[static NET_WHY_SIZE])
{
	char text[ADDRESS_TEXT_SIZE];
	int fd = listener_open(address, false);
	if (fd < 0) {
		address_text_with_port(address, text);
		snprintf(why_r, NET_WHY_SIZE, "can't listen on %s: %s", text, strerror(-fd));
		return false;
	}
	socklen_t len = sizeof(*address);
	getsockname(fd, (struct sockaddr *)address, &len);
	close(fd);
	return true;
}

static bool open_listeners(struct net *net, char why_r[static NET_WHY_SIZE])
{
	for (size_t i = 0; i < net->listen_count; i++) {
		if (!probe(&net->listen[i], why_r))
			return false;
		for (unsigned w = 0; w < net->worker_count; w++) {
			int fd = listener_open(&net->listen[i], true);
			if (fd < 0) {
				snprintf(why_r, NET_WHY_SIZE, "can't listen: %s", strerror(-fd));
				return false;
			}
			net->listen_fds[w * net->listen_count + i] = fd;
		}
	}
	return true;
}

static struct net *net_new(const struct net_options *options)
{
	struct net *net = calloc(1, sizeof(*net));
	if (net == NULL)
		return NULL;
	net->events = options->events;
	net->arg = options->arg;
	net->config = *options->config;
	net->worker_count = options->workers;
	net->listen_count = options->listen_count;
	size_t fds = options->workers * options->listen_count;
	net->admission = admission_new();
	net->penalties = penalties_new();
	net->workers = calloc(options->workers, sizeof(*net->workers));
	net->listen = calloc(options->listen_count, sizeof(*net->listen));
	net->listen_fds = calloc(fds, sizeof(*net->listen_fds));
	if (!net->admission || !net->penalties || !net->workers || !net->listen ||
	    !net->listen_fds) {
		free(net->listen_fds);
		net->listen_fds = NULL;
		net_free(net);
		return NULL;
	}
	penalties_configure(net->penalties, &net->config);
	memcpy(net->listen, options->listen, options->listen_count * sizeof(*net->listen));
	for (size_t i = 0; i < fds; i++)
		net->listen_fds[i] = -1;
	return net;
}

struct net *net_open(const struct net_options *options, char why_r[static NET_WHY_SIZE])
{
	struct net *net = net_new(options);
	if (net == NULL) {
		snprintf(why_r, NET_WHY_SIZE, "no memory");
		return NULL;
	}
	net->tls = tls_server_context(options->config, why_r);
	if (net->tls == NULL || !open_listeners(net, why_r)) {
		net_free(net);
		return NULL;
	}
	for (unsigned i = 0; i < net->worker_count; i++) {
		if (!worker_prepare(net, &net->workers[i], i)) {
			snprintf(why_r, NET_WHY_SIZE,
			    "can't set up a worker: no memory or no descriptors");
			net_free(net);
			return NULL;
		}
	}
	return net;
}

bool net_start(struct net *net, char why_r[static NET_WHY_SIZE])
{
	for (unsigned i = 0; i < net->worker_count; i++) {
		int error = worker_start(&net->workers[i]);
		if (error != 0) {
			snprintf(why_r, NET_WHY_SIZE, "can't start a thread: %s", strerror(error));
			net_stop(net, 0);
			return false;
		}
		net->started_count++;
	}
	for (size_t i = 0; i < net->listen_count; i++) {
		char text[ADDRESS_TEXT_SIZE];
		address_text_with_port(&net->listen[i], text);
		log_info("listening", LOG_STR("address", text));
	}
	return true;
}

/* ---- New settings ---- */

struct reconfigure_job {
	struct worker_job job;
	struct net_config config;
	SSL_CTX *tls;
	void *owner_config;
};

static void reconfigure_each(struct conn *c, void *arg)
{
	conn_reconfigure(c);
}

static void reconfigure_run(struct worker *w, struct worker_job *job)
{
	struct reconfigure_job *r = (struct reconfigure_job *)(void *)job;
	SSL_CTX_free(w->tls);
	w->tls = r->tls;
	w->config = r->config;
	w->events->reconfigured(w, r->owner_config);
	listener_reconfigure_all(w);
	worker_each_conn(w, reconfigure_each, NULL);
	free(r);
}

bool net_reconfigure(struct net *net, const struct net_config *config, void **owner_configs,
    char why_r[static NET_WHY_SIZE])
{
	SSL_CTX *tls = tls_server_context(config, why_r);
	struct reconfigure_job **jobs = calloc(net->worker_count, sizeof(struct reconfigure_job *));
	bool ready = tls != NULL && jobs != NULL;
	for (unsigned i = 0; ready && i < net->worker_count; i++) {
		jobs[i] = malloc(sizeof(*jobs[i]));
		ready = jobs[i] != NULL;
	}
	if (tls != NULL && !ready)
		snprintf(why_r, NET_WHY_SIZE, "no memory");
	for (unsigned i = 0; jobs != NULL && i < net->worker_count; i++) {
		if (!ready) {
			free(jobs[i]);
			continue;
		}
		SSL_CTX_up_ref(tls);
		*jobs[i] = (struct reconfigure_job){ { .run = reconfigure_run }, *config, tls,
			owner_configs[i] };
		worker_post_job(&net->workers[i], &jobs[i]->job);
	}
	free(jobs);
	if (ready) {
		SSL_CTX_free(net->tls);
		net->tls = tls;
		penalties_configure(net->penalties, config);
	} else {
		SSL_CTX_free(tls);
	}
	return ready;
}

/* ---- The end ---- */

void net_stop(struct net *net, uint64_t wait_ms)
{
	for (unsigned i = 0; i < net->started_count; i++) {
		net->workers[i].stop_wait_ms = wait_ms;
		worker_post_job(&net->workers[i], &net->workers[i].stop_job);
	}
	for (unsigned i = 0; i < net->started_count; i++)
		pthread_join(net->workers[i].thread, NULL);
	for (unsigned i = 0; i < net->started_count; i++)
		mail_run_late_jobs(&net->workers[i]);
}

void net_free(struct net *net)
{
	if (net == NULL)
		return;
	for (unsigned i = 0; net->workers != NULL && i < net->worker_count; i++)
		worker_release(&net->workers[i]);
	for (size_t i = 0; net->listen_fds != NULL && i < net->worker_count * net->listen_count;
	     i++) {
		if (net->listen_fds[i] >= 0)
			close(net->listen_fds[i]);
	}
	SSL_CTX_free(net->tls);
	admission_free(net->admission);
	penalties_free(net->penalties);
	free(net->listen_fds);
	free(net->listen);
	free(net->workers);
	free(net);
}

unsigned net_worker_count(const struct net *net)
{
	return net->worker_count;
}

struct worker *net_worker(struct net *net, unsigned index)
{
	return &net->workers[index];
}

struct net_counts net_counts(const struct net *net)
{
	struct admission_counts admission = admission_counts(net->admission);
	struct net_counts sum = { .connections = admission.connections,
		.unauthenticated = admission.unauthenticated,
		.accepted = admission.accepted };
	for (int i = 0; i < NET_REFUSALS; i++) {
		sum.refusals[i] = admission.refusals[i];
		sum.refused += admission.refusals[i];
	}
	struct penalties_counts penalties = penalties_counts(net->penalties, clock_now_ms());
	memcpy(sum.offences, penalties.offences, sizeof(sum.offences));
	sum.penalized = penalties.refused_sources;
	for (unsigned i = 0; i < net->worker_count; i++) {
		const struct worker *w = &net->workers[i];
		for (int phase = 0; phase < NET_PHASES; phase++)
			sum.phases[phase] += w->counts.phases[phase];
		sum.failed_handshakes += w->counts.failed_handshakes;
		sum.received_bytes += w->counts.received_bytes;
		sum.sent_bytes += w->counts.sent_bytes;
		sum.output_queue_bytes += w->counts.queued_bytes;
		sum.mail_queue_bytes += w->inbox_len;
		histogram_read(&w->counts.turns, &sum.turns);
	}
	return sum;
}

void net_each_penalty(
    struct net *net, void (*each)(const struct net_penalty *penalty, void *arg), void *arg)
{
	penalties_each(net->penalties, clock_now_ms(), each, arg);
}

size_t net_clear_penalties(struct net *net, const struct address *source)
{
	return penalties_clear(net->penalties, source, clock_now_ms());
}

int64_t net_certificate_end(const struct net *net)
{
	struct tm end;
	X509 *certificate = SSL_CTX_get0_certificate(net->tls);
	if (certificate == NULL || ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &end) != 1)
		return 0;
	return timegm(&end);
}
