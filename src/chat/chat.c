/* chat.c: what all workers share is made and ended here; counts. */
#include "chat/chat.h"

#include <semaphore.h>
#include <stdlib.h>

#include "base/clock.h"
#include "chat/hash_memory.h"
#include "chat/session.h"

/* ---- Bans, read once at the start ---- */

struct loading {
	struct store_request request;
	struct bans *bans;
	bool complete;
	sem_t done;
};

static void add_ban(struct store_request *request, const char *name, int64_t created_ms)
{
	struct loading *loading = request->arg;
	loading->complete = bans_add(loading->bans, name) && loading->complete;
}

static void bans_loaded(struct store_request *request)
{
	struct loading *loading = request->arg;
	sem_post(&loading->done);
}

static bool load_bans(struct chat *chat)
{
	struct loading loading = { .bans = chat->bans, .complete = true };
	loading.request = (struct store_request){
		.call = STORE_BAN_LIST, .done = bans_loaded, .arg = &loading, .each_ban = add_ban
	};
	sem_init(&loading.done, 0, 0);
	store_submit(chat->store, &loading.request);
	while (sem_wait(&loading.done) != 0)
		;
	sem_destroy(&loading.done);
	return loading.request.status == STORE_OK && loading.complete;
}

/* ---- Beginning and end ---- */

struct chat *chat_new(const struct chat_options *options, char *why, size_t why_size)
{
	struct chat *chat = calloc(1, sizeof(*chat));
	if (chat == NULL)
		return NULL;
	pthread_mutex_init(&chat->login_lock, NULL);
	pthread_cond_init(&chat->login_ended, NULL);
	chat->store = options->store;
	chat->first_config = *options->config;
	chat->directory = directory_new();
	chat->refusals = refusals_new();
	chat->sign_ups = refusals_new();
	chat->bans = bans_new();
	chat->passwords = pool_new(options->password_threads);
	if (chat->passwords != NULL)
		pool_on_rest(chat->passwords, hash_memory_give_back);
	why[0] = '\0';
	bool is_good = chat->directory && chat->refusals && chat->sign_ups && chat->bans &&
		       chat->passwords && load_bans(chat);
	if (is_good && store_is_shared(chat->store))
		chat->cluster = cluster_new(chat, options->node, options->place, why, why_size);
	if (is_good && (chat->cluster != NULL || !store_is_shared(chat->store)))
		return chat;
	if (why[0] == '\0')
		snprintf(why, why_size, "can't read the store, or no memory");
	chat_stop(chat);
	chat_free(chat);
	return NULL;
}

bool chat_start(struct chat *chat)
{
	chat->is_started = true;
	if (chat->cluster == NULL)
		return true;
	relay_certain_until(chat, clock_now_ms() + STORE_LEASE_MS / 2); /* we have just joined */
	return cluster_start(chat->cluster);
}

void chat_set_net(struct chat *chat, struct net *net)
{
	chat->net = net;
}

void chat_set_bus(struct chat *chat, struct bus *bus)
{
	chat->bus = bus;
}

bool chat_config_copies(struct chat *chat, const struct chat_config *config, void **copies_r)
{
	unsigned count = net_worker_count(chat->net), made = 0;
	while (made < count && (copies_r[made] = malloc(sizeof(*config))) != NULL) {
		*(struct chat_config *)copies_r[made] = *config;
		made++;
	}
	if (made == count)
		return true;
	while (made > 0)
		free(copies_r[--made]);
	return false;
}

void chat_refuse_logins(struct chat *chat)
{
	chat->refusing_logins = true;
}

void chat_stop(struct chat *chat)
{
	pthread_mutex_lock(&chat->login_lock);
	while (chat->logins_under_way > 0)
		pthread_cond_wait(&chat->login_ended, &chat->login_lock);
	pthread_mutex_unlock(&chat->login_lock);
	pool_free(chat->passwords);
	chat->passwords = NULL;
	cluster_stop(chat->cluster);
}

void chat_free(struct chat *chat)
{
	if (chat == NULL)
		return;
	directory_free(chat->directory);
	refusals_free(chat->refusals);
	refusals_free(chat->sign_ups);
	bans_free(chat->bans);
	cluster_free(chat->cluster);
	pthread_cond_destroy(&chat->login_ended);
	pthread_mutex_destroy(&chat->login_lock);
	free(chat);
}

/* ---- Counts ---- */

struct chat_counts chat_counts(struct chat *chat)
{
	struct chat_counts sum = { .online = directory_count(chat->directory),
		.passwords_waiting = pool_waiting(chat->passwords),
		.passwords_hashed = chat->passwords_hashed };
	for (unsigned i = 0; i < net_worker_count(chat->net); i++) {
		const struct chat_worker *w = worker_owner(net_worker(chat->net, i));
		for (int outcome = 0; outcome < OUTCOMES; outcome++)
			sum.outcomes[outcome] += w->outcomes[outcome];
		for (int ending = 0; ending < ENDINGS; ending++)
			sum.endings[ending] += w->endings[ending];
		sum.messages += w->messages;
		sum.undelivered += w->undelivered;
		sum.group_messages += w->group_messages;
		sum.group_deliveries += w->group_deliveries;
		sum.uploads += w->uploads;
		sum.upload_bytes += w->upload_bytes;
		sum.downloads += w->downloads;
		sum.download_bytes += w->download_bytes;
	}
	sum.logins = sum.outcomes[OUTCOME_IN];
	sum.signups = sum.outcomes[OUTCOME_SIGNED_UP];
	sum.refused_logins = sum.outcomes[OUTCOME_REFUSED] + sum.outcomes[OUTCOME_ADDRESS_TRIALS];
	return sum;
}

bool chat_cluster_counts(struct chat *chat, struct cluster_counts *counts_r)
{
	if (chat->cluster != NULL)
		*counts_r = cluster_counts(chat->cluster);
	return chat->cluster != NULL;
}

struct directory *chat_directory(struct chat *chat)
{
	return chat->directory;
}
