#include "store/postgres_connect.h"

#include <errno.h>
#include <pthread.h>
#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

/* ---- the url ---- */

/* The first @ before a / ends the user; another one is of a password that should have had it as %40, or a / as %2F. */
static bool has_one_user(const char *url)
{
	const char *from = strstr(url, "://");
	if (from == NULL)
		return false;
	from += 3;
	const char *at = memchr(from, '@', strcspn(from, "/"));
	const char *rest = at != NULL ? at + 1 : from;
	return memchr(rest, '@', strcspn(rest, "?")) == NULL;
}

/* "5432", or several by commas. */
static bool are_ports(const char *text)
{
	while (*text != '\0') {
		size_t len = strspn(text, "0123456789");
		long port = strtol(text, NULL, 10);
		if (len > 5 || port > 65535 || (len > 0 && port < 1) ||
		    (text[len] != ',' && text[len] != '\0'))
			return false;
		text += len + (text[len] == ',');
	}
	return true;
}

static bool is_sound(const char *url)
{
	PQconninfoOption *options = PQconninfoParse(url, NULL);
	bool is_sound = options != NULL && has_one_user(url);
	for (const PQconninfoOption *o = options; is_sound && o->keyword != NULL; o++)
		is_sound = strcmp(o->keyword, "port") != 0 || o->val == NULL || are_ports(o->val);
	for (const PQconninfoOption *o = options; o != NULL && o->keyword != NULL; o++) {
		if (o->val != NULL)
			sodium_memzero(o->val, strlen(o->val));
	}
	PQconninfoFree(options);
	return is_sound;
}

bool postgres_connect_check(const char *url, char *why, size_t why_size)
{
	if (is_sound(url))
		return true;
	snprintf(why, why_size,
	    "store.url is no url of PostgreSQL; it must be postgres://USER@HOST/DATABASE, and in a password "
	    "signs like @, / and %% are written as %%40, %%2F and %%25");
	return false;
}

/* ---- connecting ---- */

static void be_silent(void *arg, const char *message)
{
	(void)arg;
	(void)message;
}

static PGconn *connect_to(const char *url)
{
	/* What the url leaves open. */
	static const char *const keywords[] = { "dbname", "fallback_application_name",
		"connect_timeout", "keepalives_idle", "keepalives_interval", "keepalives_count",
		"tcp_user_timeout", NULL };
	const char *values[] = { url, "messagerd", "5", "10", "5", "3", "15000", NULL };
	PGconn *db = PQconnectdbParams(keywords, values, 1);
	if (db != NULL)
		PQsetNoticeProcessor(db, be_silent, NULL);
	return db;
}

static bool is_far(PGconn *db)
{
	const char *host = PQhost(db), *address = PQhostaddr(db);
	return host != NULL && host[0] != '/' && strncmp(address, "127.", 4) != 0 &&
	       strcmp(address, "::1") != 0;
}

PGconn *postgres_connect(const char *url, char *why, size_t why_size)
{
	PGconn *db = connect_to(url);
	if (PQstatus(db) != CONNECTION_OK) {
		snprintf(why, why_size, "cannot use the database: %s",
		    db != NULL ? PQerrorMessage(db) : "no memory");
		PQfinish(db);
		return NULL;
	}
	if (!PQsslInUse(db) && is_far(db))
		log_warn("store-not-encrypted",
		    LOG_STR("advice", "put sslmode=verify-full into store.url"));
	return db;
}

/* ---- on a thread of its own ---- */

/* Its thread's and its owner's; who is last frees it. */
struct postgres_attempt {
	pthread_mutex_t lock;
	PGconn *db;
	int wake_fd;
	bool is_over, is_abandoned;
	char url[];
};

static void let_go(struct postgres_attempt *attempt)
{
	pthread_mutex_destroy(&attempt->lock);
	sodium_memzero(attempt->url, strlen(attempt->url));
	free(attempt);
}

static void *run(void *arg)
{
	struct postgres_attempt *attempt = arg;
	uint64_t one = 1;
	PGconn *db = connect_to(attempt->url);
	pthread_mutex_lock(&attempt->lock);
	bool is_abandoned = attempt->is_abandoned;
	attempt->db = db;
	attempt->is_over = true;
	while (!is_abandoned && write(attempt->wake_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
	pthread_mutex_unlock(&attempt->lock);
	if (is_abandoned) {
		PQfinish(db);
		let_go(attempt);
	}
	return NULL;
}

struct postgres_attempt *postgres_attempt_begin(const char *url, int wake_fd)
{
	size_t size = strlen(url) + 1;
	pthread_attr_t detached;
	pthread_t thread;
	struct postgres_attempt *attempt = calloc(1, sizeof(*attempt) + size);
	if (attempt == NULL)
		return NULL;
	pthread_mutex_init(&attempt->lock, NULL);
	memcpy(attempt->url, url, size);
	attempt->wake_fd = wake_fd;
	pthread_attr_init(&detached);
	pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	int error = pthread_create(&thread, &detached, run, attempt);
	pthread_attr_destroy(&detached);
	if (error == 0)
		return attempt;
	let_go(attempt);
	return NULL;
}

bool postgres_attempt_is_over(struct postgres_attempt *attempt)
{
	pthread_mutex_lock(&attempt->lock);
	bool is_over = attempt->is_over;
	pthread_mutex_unlock(&attempt->lock);
	return is_over;
}

PGconn *postgres_attempt_end(struct postgres_attempt **attempt)
{
	PGconn *db = (*attempt)->db;
	let_go(*attempt);
	*attempt = NULL;
	return db;
}

void postgres_attempt_abandon(struct postgres_attempt **attempt)
{
	if (*attempt == NULL)
		return;
	pthread_mutex_lock(&(*attempt)->lock);
	bool is_over = (*attempt)->is_over;
	(*attempt)->is_abandoned = true;
	pthread_mutex_unlock(&(*attempt)->lock);
	if (is_over)
		PQfinish(postgres_attempt_end(attempt));
	*attempt = NULL;
}
