#include "chat/session.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "chat/download.h"
#include "chat/upload.h"

enum {
	LOGIN_TIMES = 10,    /* the whole log-in may take so many times the log-in time */
	BEHIND_WAIT_MS = 20, /* before another worker's mail is looked at again */
	UNCERTAIN_WAIT_MS = 20,
	UNFINISHED_MAX_LEN = 1536, /* before log-in: AUTH and PUT have 1067 bytes at most */
	BEHIND_MAX_LEN = 512,      /* one that is being looked at */
};

struct slice session_name(const struct session *s)
{
	return slice_of(s->user.name, s->user.name_len);
}

struct session *session_of(struct chat_worker *here, struct conn_id id)
{
	struct conn *c = worker_conn(here->worker, id);
	return c ? conn_owner(c) : NULL;
}

/* ---- Time ---- */

static void nearer(uint64_t *due_ms, uint64_t began_ms, uint64_t limit_ms)
{
	if (limit_ms != 0 && began_ms + limit_ms < *due_ms)
		*due_ms = began_ms + limit_ms;
}

static uint64_t earlier(uint64_t a_ms, uint64_t b_ms)
{
	return a_ms < b_ms ? a_ms : b_ms;
}

static bool is_over(uint64_t began_ms, uint64_t limit_ms, uint64_t now_ms)
{
	return limit_ms != 0 && now_ms >= began_ms + limit_ms;
}

static uint64_t next_due(const struct session *s)
{
	const struct chat_config *config = s->here->config;
	uint64_t due_ms = UINT64_MAX;
	if (s->state == SESSION_LOGIN)
		nearer(&due_ms, s->try_began_ms, config->login_timeout_ms);
	if (!(s->state & SESSION_ON)) {
		nearer(&due_ms, s->login_began_ms, config->login_timeout_ms * LOGIN_TIMES);
		return due_ms;
	}
	if (s->state != SESSION_DOWNLOADING)
		nearer(&due_ms, conn_last_sent_ms(s->conn), config->check_interval_ms);
	if (s->state == SESSION_TALKING &&
	    s->resume_ms == 0) /* one that is slowed down has something to say */
		nearer(&due_ms, s->last_query_ms, config->idle_timeout_ms);
	if (s->state == SESSION_TALKING && s->query_began_ms != 0)
		nearer(&due_ms, s->query_began_ms, config->query_timeout_ms);
	if (s->resume_ms != 0)
		due_ms = earlier(due_ms, s->resume_ms);
	if (s->upload != NULL)
		due_ms = earlier(due_ms, upload_due_ms(s));
	if (s->download != NULL)
		due_ms = earlier(due_ms, download_due_ms(s));
	return earlier(due_ms, receipts_due_ms(s));
}

/* A deadline that moved away is left where it is: when it comes, the next is set. So the common case costs nothing. */
void session_rearm(struct session *s)
{
	uint64_t due_ms = next_due(s);
	if (due_ms >= s->due_ms)
		return;
	s->due_ms = due_ms;
	conn_set_deadline(s->conn, due_ms);
}

static void due_in_login(struct session *s, uint64_t now_ms)
{
	uint64_t limit_ms = s->here->config->login_timeout_ms;
	if ((s->state == SESSION_LOGIN && is_over(s->try_began_ms, limit_ms, now_ms)) ||
	    is_over(s->login_began_ms, limit_ms * LOGIN_TIMES, now_ms))
		session_end(s, WORDS_END("login timeout"), "login timeout");
	else
		session_rearm(s);
}

/* A slowed session is read again, unless the worker that it waits for is still behind. */
static void go_on(struct session *s)
{
	if (s->waits_for != NULL && worker_is_behind(s->waits_for)) {
		s->resume_ms = session_now_ms(s) + BEHIND_WAIT_MS;
		return;
	}
	s->waits_for = NULL;
	s->resume_ms = 0;
	s->last_query_ms = session_now_ms(s); /* which it would have been without us */
	conn_resume(s->conn);
}

/* Queries that do not come. false: the session has ended. */
static bool due_in_talk(struct session *s, uint64_t now_ms)
{
	const struct chat_config *config = s->here->config;
	if (s->query_began_ms != 0 &&
	    is_over(s->query_began_ms, config->query_timeout_ms, now_ms)) {
		session_end(s, WORDS_END("query timeout"), "query timeout");
		return false;
	}
	if (s->resume_ms == 0 && is_over(s->last_query_ms, config->idle_timeout_ms, now_ms)) {
		session_end(s, WORDS_END("idle"), "idle");
		return false;
	}
	if (s->resume_ms != 0 && now_ms >= s->resume_ms)
		go_on(s);
	return true;
}

static void due_in_session(struct session *s, uint64_t now_ms)
{
	if (s->state == SESSION_TALKING && !due_in_talk(s, now_ms))
		return;
	if (s->upload != NULL)
		upload_due(s);
	if (s->download != NULL && !download_due(s))
		return;
	receipts_due(s);
	if (s->state != SESSION_DOWNLOADING &&
	    is_over(conn_last_sent_ms(s->conn), s->here->config->check_interval_ms, now_ms))
		session_send(s, SLICE("CHECK \r\n"));
	session_rearm(s);
}

static void on_due(struct conn *c)
{
	struct session *s = conn_owner(c);
	uint64_t now_ms = session_now_ms(s);
	s->due_ms = UINT64_MAX;
	if (s->state & SESSION_ON)
		due_in_session(s, now_ms);
	else
		due_in_login(s, now_ms);
}

/* ---- Slowing down (protocol.md, 4: rate limits slow a session down, they drop nothing) ---- */

enum { SLOW_RESUMES_PER_SECOND = 20 };

/* Reads no more of it for wait_ms. */
static void slow_down(struct session *s, uint64_t wait_ms)
{
	s->resume_ms = session_now_ms(s) + wait_ms;
	s->query_began_ms = 0; /* what waits here waits because of us */
	conn_pause(s->conn);
	session_rearm(s);
}

void session_wait_for(struct session *s, const struct worker *behind)
{
	s->waits_for = behind;
	slow_down(s, BEHIND_WAIT_MS);
}

static void top_up_allowance(struct session *s, const struct chat_config *config)
{
	uint64_t now_ms = session_now_ms(s);
	uint64_t most = config->burst > 0 ? config->burst : 1;
	uint64_t more = (now_ms - s->allowance_at_ms) * config->messages_per_second / 1000;
	s->allowance_at_ms += more * 1000 / config->messages_per_second;
	s->allowance += more;
	if (s->allowance >= most) {
		s->allowance = most;
		s->allowance_at_ms = now_ms;
	}
}

/* Takes one query off the session's allowance. false: it has none; it is paused until it has some. */
static bool may_go_on(struct session *s)
{
	const struct chat_config *config = s->here->config;
	if (config->messages_per_second == 0)
		return true;
	if (s->allowance == 0)
		top_up_allowance(s, config);
	if (s->allowance == 0) {
		uint64_t some = config->messages_per_second / SLOW_RESUMES_PER_SECOND + 1;
		slow_down(s,
		    (some * 1000 + config->messages_per_second - 1) / config->messages_per_second);
		return false;
	}
	s->allowance--;
	return true;
}

/* ---- What a query means ---- */

static bool end_by_user(struct session *s, const struct query *q)
{
	if (q->text.ptr[0] != '<' || q->text.ptr[q->text.len - 1] != '>') {
		session_end(s, WORDS_END("incorrect protocol"), "incorrect protocol");
		return false;
	}
	session_end(s, SLICE("END <end accepted> \r\n"), "user command");
	return false;
}

typedef bool query_fn(struct session *s, const struct query *q);

/* In which states a query may come, and who knows what it means. Every other one is a protocol error. */
static const struct query_rule {
	unsigned states;
	query_fn *run;
} rules[QUERY_VERB_COUNT] = {
	[QUERY_AUTH] = { SESSION_LOGIN, login_auth },
	[QUERY_PUT] = { SESSION_LOGIN, login_put },
	[QUERY_MSG] = { SESSION_TALKING, relay_msg },
	[QUERY_MSGG] = { SESSION_TALKING, relay_msgg },
	[QUERY_CMD] = { SESSION_TALKING, command_run },
	[QUERY_BEGINF] = { SESSION_TALKING, upload_begin },
	[QUERY_ENDF] = { SESSION_TALKING, upload_late_end },
	[QUERY_END] = { SESSION_TALKING, end_by_user },
};

static bool token_is_right(const struct session *s, struct slice token)
{
	_Static_assert(TOKEN_LEN == crypto_verify_32_BYTES, "compared by crypto_verify_32");
	return token.len == TOKEN_LEN && crypto_verify_32((const unsigned char *)token.ptr,
					     (const unsigned char *)s->token) == 0;
}

static bool names_itself(const struct session *s, const struct query *q)
{
	bool names_sender = q->verb == QUERY_MSG || q->verb == QUERY_MSGG;
	return !names_sender || slice_equal(q->user, session_name(s));
}

/* One query. false: the session has ended. */
static bool take_query(struct session *s, struct slice line)
{
	struct query q;
	bool correct =
	    query_parse(line, QUERY_FROM_CLIENT, &q) && (rules[q.verb].states & s->state) != 0;
	if (correct && s->state == SESSION_TALKING)
		correct = token_is_right(s, q.token) && names_itself(s, &q);
	if (!correct) {
		session_end(s, WORDS_END("incorrect protocol"), "incorrect protocol");
		return false;
	}
	return rules[q.verb].run(s, &q);
}

/* A query has begun and its end is still to come; one that ended since makes it a new one. */
static void note_unfinished(struct session *s, bool unfinished, bool any_ended)
{
	uint64_t now_ms = session_now_ms(s);
	if (any_ended)
		s->last_query_ms = now_ms;
	if (!unfinished) {
		s->query_began_ms = 0;
	} else if (s->query_began_ms == 0 || any_ended) {
		s->query_began_ms = now_ms;
		session_rearm(s);
	}
}

static bool is_held(const struct session *s)
{
	return (s->state & SESSION_NOT_READ) != 0 || s->resume_ms != 0;
}

/* A node that was asleep may have lost this user: then nothing of it is relayed any more. */
static bool is_uncertain(struct session *s)
{
	if (session_now_ms(s) <= s->here->certain_until_ms || !(s->state & SESSION_ON))
		return false;
	if (s->resume_ms == 0)
		slow_down(s, UNCERTAIN_WAIT_MS);
	return true;
}

/* Of what a stranger says no more is kept than it may need. */
static bool may_wait(const struct session *s, size_t len)
{
	size_t most = s->state == SESSION_CHECKING ? BEHIND_MAX_LEN : UNFINISHED_MAX_LEN;
	return (s->state & SESSION_ON) != 0 || len <= most;
}

static size_t on_received(struct conn *c, struct slice bytes)
{
	struct session *s = conn_owner(c);
	struct slice rest = bytes, line;
	size_t taken;
	bool any_ended = false, much = false;
	if (is_uncertain(s))
		return 0;
	while (rest.len > 0 && !is_held(s)) {
		if (s->state == SESSION_UPLOADING) {
			rest = slice_skip(rest, upload_take(s, rest));
			if (s->state == SESSION_UPLOADING)
				break;
			continue;
		}
		int found = query_next(rest, &line, &taken);
		if (found < 0) {
			session_end(s, WORDS_END("incorrect protocol"), "query too long");
			return bytes.len;
		}
		if (found == 0)
			break;
		if (s->state == SESSION_TALKING && !may_go_on(s))
			break;
		rest = slice_skip(rest, taken);
		any_ended = true;
		if (!take_query(s, line))
			return bytes.len;
		much = worker_ease(s->here->worker);
		if (!conn_is_open(c))
			return bytes.len;
		if (much) {
			conn_yield(c);
			break;
		}
	}
	if (!much && !may_wait(s, rest.len)) {
		session_end(s, WORDS_END("incorrect protocol"), "query too long");
		return bytes.len;
	}
	if (s->upload != NULL)
		upload_not_taken(s, rest.len);
	else if (!is_held(s))
		note_unfinished(s, rest.len > 0, any_ended);
	return bytes.len - rest.len;
}

/* ---- Life ---- */

void session_send(struct session *s, struct slice query)
{
	if (download_holds(s))
		download_hold(s, query);
	else
		conn_send(s->conn, query);
}

void session_send_block(struct session *s, struct slice query)
{
	if (download_holds(s))
		download_hold(s, query);
	else
		conn_send_block(s->conn, query);
}

void session_send_to_many(struct session *s, struct kept *query)
{
	if (download_holds(s))
		download_hold(s, slice_of(query->bytes, query->len));
	else
		conn_send_to_many(s->conn, query);
}

void session_enter(struct session *s, enum session_state state)
{
	s->state = state;
	if (state & SESSION_NOT_READ)
		conn_pause(s->conn);
	else
		conn_resume(s->conn);
	session_rearm(s);
}

/* Once it is a user: strangers could fill the log. */
static void log_client_certificate(const struct session *s)
{
	char key[FINGERPRINT_SIZE], whole[FINGERPRINT_SIZE];
	X509 *certificate = conn_peer_certificate(s->conn);
	if (certificate == NULL)
		return;
	if (certificate_fingerprint(certificate, key) &&
	    certificate_whole_fingerprint(certificate, whole))
		log_info("client-certificate", LOG_SLICE("user", session_name(s)),
		    LOG_STR("fingerprint", key), LOG_STR("certificate", whole));
	X509_free(certificate);
}

void session_talk(struct session *s)
{
	s->last_query_ms = session_now_ms(s);
	s->query_began_ms = 0;
	session_enter(s, SESSION_TALKING);
}

void session_begin(struct session *s)
{
	struct query accept = { .verb = QUERY_ACCEPT,
		.user = session_name(s),
		.token = slice_of(s->token, TOKEN_LEN) };
	char text[QUERY_SENT_MAX_LEN], from[ADDRESS_TEXT_SIZE];
	size_t len = query_write(&accept, QUERY_FROM_SERVER, text);
	s->last_query_ms = s->allowance_at_ms = session_now_ms(s);
	s->allowance = s->here->config->burst > 0 ? s->here->config->burst : 1;
	s->query_began_ms = 0;
	conn_authenticated(s->conn);
	session_send(s, slice_of(text, len));
	sodium_memzero(text, len);
	log_info("session-began", LOG_SLICE("user", session_name(s)),
	    LOG_STR("address", address_text(conn_address(s->conn), from)));
	log_client_certificate(s);
	session_enter(s, SESSION_TALKING);
}

static void leave(struct session *s, const char *reason)
{
	char from[ADDRESS_TEXT_SIZE];
	const struct address *address = conn_address(s->conn);
	unsigned ending = ending_find(reason);
	count_up(&s->here->endings[ending]);
	if (s->state & SESSION_ON) {
		receipts_check(s);
		receipts_clear(s);
		upload_leave(s);
		download_leave(s);
		group_leave(s);
		if (s->here->chat->cluster != NULL)
			cluster_left(s->here->chat->cluster, session_name(s), s->ticket);
		directory_remove(s->here->chat->directory, &s->user);
		log_info("session-ended", LOG_SLICE("user", session_name(s)),
		    LOG_STR("address", address_text(address, from)), LOG_STR("reason", reason));
	} else {
		static struct log_limit limit;
		uint64_t suppressed;
		enum net_offence offence = ending_offence(ending);
		if (offence != NET_OFFENCES)
			worker_penalize(s->here->worker, address, offence);
		if (log_limit_allows(&limit, &suppressed))
			log_info("login-ended", LOG_STR("address", address_text(address, from)),
			    LOG_STR("reason", reason), LOG_INT("suppressed", suppressed));
	}
	if (s->login != NULL)
		login_abandon(s->login);
	sodium_memzero(s->token, sizeof(s->token));
}

void session_end(struct session *s, struct slice words, const char *reason)
{
	download_break_off(s);
	leave(s, reason);
	session_send(s, words);
	conn_close(s->conn);
	free(s);
}

static void on_lost(struct conn *c, const char *reason)
{
	struct session *s = conn_owner(c);
	leave(s, reason);
	free(s);
}

static bool on_admits(struct worker *w, const struct address *from)
{
	const struct chat_worker *here = worker_owner(w);
	return !bans_has_address(here->chat->bans, from);
}

/* The address is asked for again: a ban that came during the handshake found nobody to end. */
static bool on_opened(struct conn *c)
{
	if (!on_admits(conn_worker(c), conn_address(c)))
		return false;
	struct session *s = calloc(1, sizeof(*s));
	if (s == NULL)
		return false;
	s->conn = c;
	s->here = worker_owner(conn_worker(c));
	s->state = SESSION_LOGIN;
	s->due_ms = UINT64_MAX;
	s->login_began_ms = s->try_began_ms = session_now_ms(s);
	conn_set_owner(c, s);
	session_rearm(s);
	return true;
}

static void on_overflowed(struct conn *c)
{
	session_end(conn_owner(c), WORDS_END("too slow"), "too slow");
}

static void on_goodbye(struct conn *c)
{
	struct session *s = conn_owner(c);
	if (s->state & SESSION_ON) {
		session_end(s, WORDS_END("server closing"), "server closing");
		return;
	}
	leave(s, "server closing");
	free(s);
	conn_abort(c);
}

static void on_reconfigured_conn(struct conn *c)
{
	session_rearm(conn_owner(c));
}

static void on_drained(struct conn *c)
{
	download_drained(conn_owner(c));
}

/* ---- The worker's part ---- */

static bool on_worker_started(struct worker *w, void *arg, void **owner_r)
{
	struct chat *chat = arg;
	struct chat_worker *here = calloc(1, sizeof(*here));
	struct chat_config *config = malloc(sizeof(*config));
	if (here == NULL || config == NULL) {
		free(here);
		free(config);
		return false;
	}
	*config = chat->first_config;
	here->chat = chat;
	here->worker = w;
	here->certain_until_ms =
	    chat->cluster != NULL ? 0 : UINT64_MAX; /* until the first mail says more */
	here->config = config;
	list_init(&here->group);
	*owner_r = here;
	return true;
}

static void on_worker_stopped(struct worker *w, void *owner)
{
	struct chat_worker *here = owner;
	free(here->config);
	free(here);
}

static void on_reconfigured(struct worker *w, void *config)
{
	struct chat_worker *here = worker_owner(w);
	free(here->config);
	here->config = config;
}

const struct net_events chat_net_events = {
	.worker_started = on_worker_started,
	.worker_stopped = on_worker_stopped,
	.admits = on_admits,
	.opened = on_opened,
	.received = on_received,
	.due = on_due,
	.overflowed = on_overflowed,
	.drained = on_drained,
	.lost = on_lost,
	.mail = relay_mail,
	.goodbye = on_goodbye,
	.reconfigured = on_reconfigured,
	.reconfigured_conn = on_reconfigured_conn,
};
