/* chat.c: what all workers share is made and ended here; counts. */
#include "chat/chat.h"

#include <semaphore.h>
#include <stdlib.h>

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

struct chat *chat_new(const struct chat_options *options)
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
	chat->bans = bans_new();
	chat->passwords = pool_new(options->password_threads);
	if (!chat->directory || !chat->refusals || !chat->bans || !chat->passwords ||
	    !load_bans(chat)) {
		chat_stop(chat);
		chat_free(chat);
		return NULL;
	}
	return chat;
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
}

void chat_free(struct chat *chat)
{
	if (chat == NULL)
		return;
	directory_free(chat->directory);
	refusals_free(chat->refusals);
	bans_free(chat->bans);
	pthread_cond_destroy(&chat->login_ended);
	pthread_mutex_destroy(&chat->login_lock);
	free(chat);
}

/* ---- Counts ---- */

struct chat_counts chat_counts(struct chat *chat)
{
	struct chat_counts sum = { .online = directory_count(chat->directory),
		.passwords_waiting = pool_waiting(chat->passwords) };
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

struct directory *chat_directory(struct chat *chat)
{
	return chat->directory;
}
