/*
 * login.c: AUTH and PUT (protocol.md, 3). Looking an account up, hashing and storing happen beside the loops: a login goes
 *
 *	AUTH  worker -> pool (look up; verify; hash anew if need be) -> [store (replace the hash)] -> worker
 *	PUT   worker -> pool (is the name free? hash) -> store (add, durably) -> worker
 *
 * (where the store has to be waited for, the look-up is a way of its own: pool -> store -> pool; where several servers share it, what was right goes
 * on by cluster_enter()) and comes back with an outcome, to a session that may be gone by then.
 */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "chat/password.h"
#include "chat/outcome.h"
#include "chat/session.h"

#define WORDS(text)                                                                                \
	{                                                                                          \
		text, sizeof(text) - 1                                                             \
	}
/* Which words an outcome is, and whether the connection may try again. */
static const struct {
	struct slice words;
	bool again;
	const char *reason;
} outcomes[OUTCOMES] = {
	[OUTCOME_REFUSED] = { WORDS("END <incorrect username or password> \r\n"), false,
	    "refused" },
	[OUTCOME_ALREADY_ONLINE] = { WORDS("END * <user already online> \r\n"), false,
	    "already online" },
	[OUTCOME_TAKEN] = { WORDS("TRY <username already taken> \r\n"), true, NULL },
	[OUTCOME_CHARACTERS] = { WORDS("TRY <disallowed characters> \r\n"), true, NULL },
	[OUTCOME_LENGTH] = { WORDS("TRY <username too long> \r\n"), true, NULL },
	[OUTCOME_RESERVED] = { WORDS("TRY <username reserved> \r\n"), true, NULL },
	[OUTCOME_PASSWORD] = { WORDS("TRY <disallowed password> \r\n"), true, NULL },
	[OUTCOME_TRIALS] = { WORDS("END <too many trials> \r\n"), false, "too many trials" },
	[OUTCOME_ADDRESS_TRIALS] = { WORDS("END * <too many trials> \r\n"), false,
	    "too many trials from address" },
	[OUTCOME_CLOSED] = { WORDS("END * <registration closed> \r\n"), false,
	    "registration closed" },
	[OUTCOME_BANNED] = { WORDS("END * <banned> \r\n"), false, "banned" },
	[OUTCOME_LATER] = { WORDS("END * <try later> \r\n"), false, "store or memory unavailable" },
};

/*
 * One log-in beside the loops. Frees itself when it has come back to its worker, where until then its session may point to it. So there are
 * no more of them that cost a hash than there are connections that have not logged in.
 */
struct login {
	struct worker_job back;
	struct pool_job work;
	struct store_request request;
	struct chat *chat;
	struct worker *worker;
	struct conn_id conn;
	struct address from;
	struct password_cost cost;
	uint64_t refusals_max, sign_ups_max; /* of its address in a minute; 0: no limit */
	bool sign_up;
	_Atomic bool abandoned;
	bool possible; /* AUTH: such a name and password can be; else only the time is spent */
	enum outcome outcome;
	size_t password_len;
	char password[PASSWORD_MAX_LEN];
	struct cluster_entry entry; /* without a cluster there is no memory for it */
};

const char *const outcome_names[OUTCOMES] = {
	[OUTCOME_IN] = "accepted",
	[OUTCOME_SIGNED_UP] = "signed up",
	[OUTCOME_REFUSED] = "refused",
	[OUTCOME_ALREADY_ONLINE] = "already online",
	[OUTCOME_TAKEN] = "name taken",
	[OUTCOME_CHARACTERS] = "disallowed characters",
	[OUTCOME_LENGTH] = "name too long",
	[OUTCOME_RESERVED] = "name reserved",
	[OUTCOME_PASSWORD] = "disallowed password",
	[OUTCOME_TRIALS] = "too many trials",
	[OUTCOME_ADDRESS_TRIALS] = "too many trials from address",
	[OUTCOME_CLOSED] = "registration closed",
	[OUTCOME_BANNED] = "banned",
	[OUTCOME_LATER] = "try later",
};

/* ---- The outcome, back on the worker ---- */

static bool settle(struct session *s, enum outcome outcome);

static void make_token(char token[static TOKEN_LEN + 1])
{
	unsigned char random[TOKEN_RANDOM_BYTES];
	randombytes_buf(random, sizeof(random));
	sodium_bin2base64(
	    token, TOKEN_LEN + 1, random, sizeof(random), sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	sodium_memzero(random, sizeof(random));
}

/* It was let in by the cluster and does not come in. */
static void stay_out(struct login *login)
{
	if (login->chat->cluster != NULL)
		cluster_not_entered(login->chat->cluster, &login->entry);
}

/* Bans are asked for here, not before: one that came during the log-in found nobody to end. */
static bool enter(struct session *s, struct login *login)
{
	struct cluster *cluster = s->here->chat->cluster;
	size_t len = strlen(login->request.name);
	if (bans_has_name(s->here->chat->bans, slice_of(login->request.name, len))) {
		stay_out(login);
		return settle(s, OUTCOME_BANNED);
	}
	memcpy(s->user.name, login->request.name, len + 1);
	s->user.name_len = (uint8_t)len;
	s->user.conn = login->conn;
	s->user.address = *conn_address(s->conn);
	s->user.since_ms = clock_wall_ms();
	s->ticket = cluster != NULL ? login->entry.ticket : 0;
	if (!directory_add(s->here->chat->directory, &s->user)) {
		stay_out(login);
		return settle(s, OUTCOME_ALREADY_ONLINE);
	}
	if (cluster != NULL && !cluster_entered(cluster, &login->entry)) {
		cluster_left(cluster, session_name(s), s->ticket);
		directory_remove(s->here->chat->directory, &s->user);
		return settle(s, OUTCOME_LATER);
	}
	make_token(s->token);
	count_up(&s->here->outcomes[login->sign_up ? OUTCOME_SIGNED_UP : OUTCOME_IN]);
	session_begin(s);
	return true;
}

/* Says how a log-in came out. false: the session has ended. */
static bool settle(struct session *s, enum outcome outcome)
{
	const struct chat_config *config = s->here->config;
	count_up(&s->here->outcomes[outcome]);
	if (outcomes[outcome].again && ++s->tries >= config->max_tries && config->max_tries != 0)
		outcome = OUTCOME_TRIALS;
	if (!outcomes[outcome].again) {
		session_end(s, outcomes[outcome].words, outcomes[outcome].reason);
		return false;
	}
	session_send(s, outcomes[outcome].words);
	s->try_began_ms = session_now_ms(s);
	if (s->state != SESSION_LOGIN)
		session_enter(s, SESSION_LOGIN);
	return true;
}

static void login_free(struct login *login)
{
	store_request_wipe(&login->request);
	sodium_memzero(login->password, sizeof(login->password));
	free(login);
}

static void come_back(struct worker *w, struct worker_job *job)
{
	struct login *login = (struct login *)(void *)job;
	struct session *s = session_of(worker_owner(w), login->conn);
	if (login->outcome == OUTCOME_REFUSED || login->outcome == OUTCOME_ADDRESS_TRIALS)
		worker_penalize(w, &login->from, NET_OFFENCE_PASSWORD); /* gone or not */
	if (s != NULL)
		s->login = NULL;
	if (s != NULL && login->outcome == OUTCOME_IN)
		enter(s, login);
	else if (s != NULL)
		settle(s, login->outcome);
	else if (login->outcome == OUTCOME_IN)
		stay_out(login);
	login_free(login);
}

static void count_under_way(struct chat *chat, bool begins)
{
	pthread_mutex_lock(&chat->login_lock);
	if (begins)
		chat->logins_under_way++;
	else if (--chat->logins_under_way == 0)
		pthread_cond_signal(&chat->login_ended);
	pthread_mutex_unlock(&chat->login_lock);
}

static void go_back(struct login *login, enum outcome outcome)
{
	struct chat *chat = login->chat;
	login->outcome = outcome;
	login->back.run = come_back;
	worker_post_job(login->worker, &login->back);
	count_under_way(chat, false);
}

/* ---- Into the cluster ---- */

static void entered(struct cluster_entry *entry)
{
	struct login *login = list_entry(entry, struct login, entry);
	go_back(login, entry->status == STORE_OK      ? OUTCOME_IN
		       : entry->status == STORE_TAKEN ? OUTCOME_ALREADY_ONLINE
						      : OUTCOME_LATER);
}

/* The password was right. */
static void let_in(struct login *login)
{
	struct cluster *cluster = login->chat->cluster;
	if (cluster == NULL) {
		go_back(login, OUTCOME_IN);
		return;
	}
	memcpy(login->entry.name, login->request.name, sizeof(login->entry.name));
	login->entry.address = login->from;
	login->entry.done = entered;
	cluster_enter(cluster, &login->entry);
}

/* ---- On the pool ---- */

static struct login *login_of_work(struct pool_job *job)
{
	return list_entry(job, struct login, work);
}

static struct slice password_of(const struct login *login)
{
	return slice_of(login->password, login->password_len);
}

/* Asked again right before the hash: many log-ins of one address may have waited here together. */
static bool too_many_trials(const struct login *login)
{
	uint64_t now_ms = clock_now_ms();
	const struct chat *chat = login->chat;
	return (login->refusals_max != 0 &&
		   refusals_count(chat->refusals, &login->from, now_ms) >= login->refusals_max) ||
	       (login->sign_ups_max != 0 &&
		   refusals_count(chat->sign_ups, &login->from, now_ms) >= login->sign_ups_max);
}

/* Sends a log-in back for which nothing shall be hashed. */
static bool is_refused_unseen(struct login *login)
{
	if (login->chat->refusing_logins || login->abandoned)
		go_back(login, OUTCOME_LATER);
	else if (too_many_trials(login))
		go_back(login, OUTCOME_ADDRESS_TRIALS);
	else
		return false;
	return true;
}

static void submit(struct login *login, enum store_call call, store_done_fn *done)
{
	login->request.call = call;
	login->request.done = done;
	login->request.arg = login;
	store_submit(login->chat->store, &login->request);
}

/* The password was right: that the better hash could not be stored is no reason to stay out. */
static void hash_replaced(struct store_request *request)
{
	let_in(request->arg);
}

/* Who waits will be hashed next, in the same memory. */
static void prepare_hash(struct login *login)
{
	login->chat->passwords_hashed++;
	login->cost.more_follow = pool_waiting(login->chat->passwords) > 0;
}

static bool hash(struct login *login)
{
	prepare_hash(login);
	return password_hash(password_of(login), &login->cost, login->request.hash);
}

static void replace_hash(struct login *login)
{
	memcpy(login->request.old_hash, login->request.hash, sizeof(login->request.hash));
	if (hash(login))
		submit(login, STORE_ACCOUNT_SET_HASH, hash_replaced);
	else
		let_in(login);
}

static void verify(struct login *login)
{
	bool known = login->possible && login->request.status == STORE_OK;
	prepare_hash(login);
	enum password_verdict verdict =
	    password_verify(password_of(login), known ? login->request.hash : NULL, &login->cost);
	if (verdict == PASSWORD_NO_MEMORY) {
		go_back(login, OUTCOME_LATER);
	} else if (verdict == PASSWORD_WRONG) {
		refusals_add(login->chat->refusals, &login->from, clock_now_ms());
		go_back(login, OUTCOME_REFUSED);
	} else if (verdict == PASSWORD_RIGHT_REHASH) {
		replace_hash(login);
	} else {
		let_in(login);
	}
}

static void account_added(struct store_request *request)
{
	struct login *login = request->arg;
	if (request->status == STORE_OK)
		let_in(login);
	else
		go_back(login, request->status == STORE_TAKEN ? OUTCOME_TAKEN : OUTCOME_LATER);
}

/* A sign-up counts before its hash: it is the hash that takes the others' time. */
static void hash_new(struct login *login)
{
	if (login->sign_ups_max != 0 && !refusals_add_below(login->chat->sign_ups, &login->from,
					    login->sign_ups_max, clock_now_ms())) {
		go_back(login, OUTCOME_ADDRESS_TRIALS);
		return;
	}
	login->request.created_ms = clock_wall_ms();
	if (hash(login))
		submit(login, STORE_ACCOUNT_ADD, account_added);
	else
		go_back(login, OUTCOME_LATER);
}

static void go_on(struct login *login)
{
	enum store_status status = login->request.status;
	if (status != STORE_OK && status != STORE_NONE)
		go_back(login, OUTCOME_LATER);
	else if (login->sign_up && status == STORE_OK)
		go_back(login, OUTCOME_TAKEN);
	else if (login->sign_up)
		hash_new(login);
	else
		verify(login);
}

static void go_on_here(struct pool_job *job)
{
	struct login *login = login_of_work(job);
	if (!is_refused_unseen(login))
		go_on(login);
}

/* Those who have an account do not wait for a storm of those who want one. */
static void submit_to_pool(struct login *login)
{
	if (login->sign_up)
		pool_submit_later(login->chat->passwords, &login->work);
	else
		pool_submit(login->chat->passwords, &login->work);
}

static void looked_up(struct store_request *request)
{
	struct login *login = request->arg;
	login->work.run = go_on_here;
	submit_to_pool(login);
}

/* Of an impossible name too: nobody has it, and it takes as long. */
static void begin(struct pool_job *job)
{
	struct login *login = login_of_work(job);
	if (is_refused_unseen(login))
		return;
	login->request.call = STORE_ACCOUNT_GET;
	if (store_look_up(login->chat->store, &login->request))
		go_on(login);
	else
		submit(login, STORE_ACCOUNT_GET, looked_up);
}

/* ---- The queries ---- */

static struct login *login_new(struct session *s, const struct query *q)
{
	struct chat *chat = s->here->chat;
	struct login *login =
	    calloc(1, chat->cluster != NULL ? sizeof(*login) : offsetof(struct login, entry));
	if (login == NULL)
		return NULL;
	const struct chat_config *config = s->here->config;
	login->chat = chat;
	login->worker = s->here->worker;
	login->conn = conn_id(s->conn);
	login->from = *conn_address(s->conn);
	login->cost = (struct password_cost){ .memory_bytes = config->password_memory_bytes,
		.passes = config->password_passes };
	login->refusals_max = config->failed_logins_per_minute;
	login->sign_up = q->verb == QUERY_PUT;
	if (login->sign_up && !worker_exempts(login->worker, &login->from))
		login->sign_ups_max = config->sign_ups_per_minute;
	login->possible = q->user.len <= NAME_MAX_LEN && q->text.len <= PASSWORD_MAX_LEN &&
			  name_check(q->user) == NAME_OK;
	if (login->possible) {
		memcpy(login->request.name, q->user.ptr, q->user.len);
		memcpy(login->password, q->text.ptr, q->text.len);
		login->password_len = q->text.len;
	}
	return login;
}

/* Sends a log-in on its way; the session waits for its outcome. false: the session has ended. */
static bool start(struct session *s, const struct query *q)
{
	struct login *login = login_new(s, q);
	if (login == NULL)
		return settle(s, OUTCOME_LATER);
	if (too_many_trials(login)) {
		login_free(login);
		worker_penalize(s->here->worker, conn_address(s->conn), NET_OFFENCE_PASSWORD);
		return settle(s, OUTCOME_ADDRESS_TRIALS);
	}
	s->login = login;
	session_enter(s, SESSION_CHECKING);
	count_under_way(login->chat, true);
	login->work.run = begin;
	submit_to_pool(login);
	return true;
}

void login_abandon(struct login *login)
{
	login->abandoned = true;
}

bool login_auth(struct session *s, const struct query *q)
{
	return start(s, q);
}

/* The first fault of a sign-up that can be seen without the store; OUTCOME_IN: none. */
static enum outcome fault_of(const struct session *s, const struct query *q)
{
	static const enum outcome of_name[] = { [NAME_OK] = OUTCOME_IN,
		[NAME_CHARACTERS] = OUTCOME_CHARACTERS,
		[NAME_LENGTH] = OUTCOME_LENGTH,
		[NAME_IS_RESERVED] = OUTCOME_RESERVED };
	enum outcome fault = of_name[name_check(q->user)];
	if (fault == OUTCOME_IN &&
	    !password_is_allowed(q->text, s->here->config->min_password_length))
		fault = OUTCOME_PASSWORD;
	return fault;
}

bool login_put(struct session *s, const struct query *q)
{
	if (!s->here->config->registration_open)
		return settle(s, OUTCOME_CLOSED);
	enum outcome fault = fault_of(s, q);
	if (fault != OUTCOME_IN)
		return settle(s, fault);
	if (bans_has_name(s->here->chat->bans, q->user))
		return settle(s, OUTCOME_BANNED);
	return start(s, q);
}
