#include "client/contact.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "base/clock.h"
#include "client/folder.h"
#include "client/link.h"
#include "client/sanitize.h"
#include "client/verdict.h"

enum {
	LOGIN_LIMIT_MS = 60 * 1000,
	/* A connection that waited for longer before the log-in is replaced: ours has a log-in time, an original server mixes up
	 * sessions when others connect before a sign-up. */
	FRESH_OURS_MS = 30 * 1000,
	FRESH_OTHER_MS = 2 * 1000,
	LASTED_MS =
	    30 * 1000, /* a session that lived so long makes the next pause the first one again */
	QUIT_PATIENCE_MS = 5 * 1000,
	QUIT_PATIENCE_PIPE_MS = 30 * 1000,
	RECORDS_AT_ONCE = 64,
};

struct contact {
	struct contact_settings set;
	enum contact_state state;
	SSL_CTX *tls;
	struct link *link;
	struct session *session;

	char trusted[FINGERPRINT_SIZE]; /* the key that this run has trusted; "": none yet */
	const char *trust_text;

	bool has_login;
	bool sign_up;
	size_t user_len;
	char user[SESSION_NAME_MAX_LEN];

	bool was_on;
	uint64_t on_ms;
	int64_t since_ms;
	uint64_t fresh_ms;    /* when the server began to wait for a log-in */
	uint64_t deadline_ms; /* of the log-in's answer; in a pause, its end */
	unsigned attempt;

	bool is_quitting;
	uint64_t moved_ms; /* when something was last heard or acknowledged, while quitting */
	size_t unacknowledged;

	/* What a query told to do once it is dealt with: an event of the session must not tear the session down. */
	enum { THEN_NOTHING, THEN_LOSE, THEN_OVER, THEN_REFUSED } then;
	enum exit_status then_status;
	char record[RECORD_MAX_LEN];
	char sent[RECORD_MAX_LEN];
	struct why why;
};

/* Reasons after which coming back makes sense; the others are the server's decision. */
static const char *const passing_ends[] = { "server closing", "too slow", "query timeout", NULL };
static const char *const passing_refusals[] = { "server closing", "user already online",
	"login timeout", "too many trials", NULL };

static bool is_one_of(struct slice words, const char *const *list)
{
	for (; *list != NULL; list++) {
		if (slice_equal(words, slice_str(*list)))
			return true;
	}
	return false;
}

static void tell(struct contact *c, enum contact_event_kind kind, const char *text)
{
	c->set.on_event(c->set.ctx, &(struct contact_event){ .kind = kind, .text = text });
}

/* Making one */

/* Our own certificate is made at first use. Without it we go on: most servers do not ask. */
static bool own_certificate(struct contact *c, char path_r[static FOLDER_PATH_SIZE])
{
	struct why why;
	bool ok =
	    folder_data_path("certc.pem", path_r, &why) && folder_make_for(path_r, &why) &&
	    (access(path_r, F_OK) == 0 || certificate_make(path_r, "messager", NULL, 0, why.text));
	if (!ok)
		tell(c, CONTACT_WARNING, why.text);
	return ok;
}

static SSL_CTX *context_new(struct contact *c, struct why *why)
{
	char path[FOLDER_PATH_SIZE];
	const char *ca_file = c->set.options->ca_file;
	bool has_own = own_certificate(c, path);
	SSL_CTX *tls = link_context_new(has_own ? path : NULL, ca_file, why);
	if (tls != NULL || !has_own)
		return tls;
	/* Was it our certificate, or the file of authorities? */
	struct why own = *why;
	tls = link_context_new(NULL, ca_file, why);
	if (tls != NULL)
		tell(c, CONTACT_WARNING, own.text);
	return tls;
}

static void on_session_event(void *ctx, const struct session_event *event);

struct contact *contact_new(const struct contact_settings *settings, struct why *why)
{
	struct contact *c = calloc(1, sizeof(*c));
	if (c != NULL) {
		c->set = *settings;
		c->trust_text = "not yet trusted";
		c->session = session_new(on_session_event, c);
	}
	if (c == NULL || c->session == NULL) {
		why_fail(why, "out of memory");
		contact_free(&c);
		return NULL;
	}
	c->tls = context_new(c, why);
	if (c->tls == NULL)
		contact_free(&c);
	return c;
}

bool contact_take_authorities(struct contact *c, struct why *why)
{
	struct why reason;
	SSL_CTX *tls = context_new(c, &reason);
	if (tls == NULL)
		return why_fail(why, "%s", reason.text);
	SSL_CTX_free(c->tls);
	c->tls = tls;
	return true;
}

void contact_free(struct contact **contact)
{
	struct contact *c = *contact;
	if (c == NULL)
		return;
	link_free(&c->link);
	session_free(&c->session);
	SSL_CTX_free(c->tls);
	sodium_memzero(c->record, sizeof(c->record));
	sodium_memzero(c->sent, sizeof(c->sent));
	free(c);
	*contact = NULL;
}

enum contact_state contact_state(const struct contact *c)
{
	return c->state;
}

struct session *contact_session(const struct contact *c)
{
	return c->session;
}

const char *contact_trust_text(const struct contact *c)
{
	return c->trust_text;
}

int64_t contact_since_ms(const struct contact *c)
{
	return c->state == CONTACT_ON ? c->since_ms : 0;
}

/* The end, for now or for good */

static void over(struct contact *c, enum exit_status status, const char *text)
{
	if (c->state == CONTACT_OVER)
		return;
	if (c->state == CONTACT_ON)
		session_lost(c->session);
	link_free(&c->link);
	c->state = CONTACT_OVER;
	c->set.on_event(c->set.ctx,
	    &(struct contact_event){ .kind = CONTACT_ENDED, .text = text, .status = status });
}

void contact_end(struct contact *c, enum exit_status status, const char *text)
{
	/* In the midst of a transfer END would have to wait for its end. */
	if (c->state == CONTACT_ON && !session_is_transferring(c->session) &&
	    session_quit(c->session))
		contact_send(c, clock_now_ms());
	over(c, status, text);
}

uint64_t contact_pause_ms(unsigned attempt, uint32_t random)
{
	uint64_t pause_ms = CONTACT_PAUSE_LAST_MS;
	if (attempt < 7) /* from then on it would be longer */
		pause_ms = (uint64_t)CONTACT_PAUSE_FIRST_MS << attempt;
	/* A quarter less to a quarter more, so that not all clients of a server come back at once. */
	uint64_t quarter = pause_ms / 4;
	return pause_ms - quarter + ((uint64_t)random * (2 * quarter) >> 32);
}

/* The connection is gone, or is given up. */
static void lost(struct contact *c, const char *text, uint64_t now_ms)
{
	bool was_on = c->state == CONTACT_ON;
	link_free(&c->link);
	if (c->state == CONTACT_WAITING)
		return; /* the person is still typing; a new one is made when the log-in is there */
	if (was_on)
		session_lost(c->session);
	if (!c->was_on || !c->set.is_interactive || c->is_quitting) {
		c->state = CONTACT_IDLE;
		over(c, EXIT_BROKEN, text);
		return;
	}
	if (was_on && now_ms - c->on_ms >= LASTED_MS)
		c->attempt = 0;
	uint64_t pause_ms = contact_pause_ms(c->attempt++, randombytes_random());
	c->state = CONTACT_PAUSING;
	c->deadline_ms = now_ms + pause_ms;
	c->set.on_event(c->set.ctx,
	    &(struct contact_event){ .kind = CONTACT_LOST, .text = text, .pause_ms = pause_ms });
}

void contact_connect(struct contact *c, uint64_t now_ms)
{
	link_free(&c->link);
	c->state = CONTACT_CONNECTING;
	c->link = link_new(c->tls, &c->set.options->server, now_ms, &c->why);
	if (c->link == NULL)
		lost(c, c->why.text, now_ms);
}

void contact_drop(struct contact *c, uint64_t now_ms)
{
	if (c->state != CONTACT_ON)
		return;
	link_free(&c->link);
	session_lost(c->session);
	c->state = CONTACT_IDLE;
	if (c->set.is_interactive && !c->is_quitting)
		contact_connect(c, now_ms);
	else
		over(c, EXIT_BROKEN, "");
}

size_t contact_unacknowledged(const struct contact *c)
{
	return c->state == CONTACT_ON && c->unacknowledged != SIZE_MAX ? c->unacknowledged : 0;
}

void contact_hurry(struct contact *c, uint64_t now_ms)
{
	if (c->state == CONTACT_PAUSING)
		contact_connect(c, now_ms);
}

void contact_quit(struct contact *c, uint64_t now_ms)
{
	if (c->state != CONTACT_ON) {
		over(c, EXIT_QUIT, "");
		return;
	}
	c->is_quitting = true;
	c->moved_ms = now_ms;
	if (!session_quit(c->session))
		over(c, EXIT_BROKEN, "out of memory");
}

/* Logging in */

static void log_in(struct contact *c, uint64_t now_ms)
{
	char query[QUERY_SENT_MAX_LEN];
	size_t len = session_log_in(c->session, c->sign_up, slice_of(c->user, c->user_len),
	    password_get(c->set.password), query);
	if (len == 0) {
		over(c, EXIT_REFUSED, "the name is too long");
		return;
	}
	c->state = CONTACT_LOGGING_IN;
	c->deadline_ms = now_ms + LOGIN_LIMIT_MS;
	link_write(c->link, query, len);
	sodium_memzero(query, sizeof(query));
}

static bool is_fresh(const struct contact *c, uint64_t now_ms)
{
	return c->link != NULL && link_can_write(c->link) &&
	       now_ms - c->fresh_ms < (link_speaks_ours(c->link) ? FRESH_OURS_MS : FRESH_OTHER_MS);
}

void contact_log_in(struct contact *c, bool sign_up, struct slice user, uint64_t now_ms)
{
	if (user.len > SESSION_NAME_MAX_LEN) {
		over(c, EXIT_REFUSED, "the name is too long");
		return;
	}
	c->has_login = true;
	c->sign_up = sign_up;
	c->user_len = user.len;
	memcpy(c->user, user.ptr, user.len);
	if (is_fresh(c, now_ms))
		log_in(c, now_ms);
	else
		contact_connect(c, now_ms);
}

/* While the person compared, the server may have closed, or said that it will. */
static void drop_if_gone(struct contact *c)
{
	if (link_read(c->link, c->record) > 0 || link_state(c->link) != LINK_OPEN)
		link_free(&c->link);
}

/* The server is trusted. */
static void welcome(struct contact *c, uint64_t now_ms)
{
	memcpy(c->trusted, link_fingerprint(c->link), FINGERPRINT_SIZE);
	session_connected(c->session, link_speaks_ours(c->link), now_ms);
	if (c->state == CONTACT_TRUSTING)
		drop_if_gone(c);
	if (c->has_login) { /* a connection that was made for it */
		log_in(c, now_ms);
		return;
	}
	c->state = CONTACT_WAITING;
	tell(c, CONTACT_READY, "");
}

/* Trust */

static void obey(struct contact *c, enum verdict verdict, uint64_t now_ms)
{
	if (verdict == VERDICT_REFUSED) {
		over(c, EXIT_UNTRUSTED, c->why.text);
	} else if (verdict == VERDICT_ASK) {
		c->state = CONTACT_TRUSTING;
		tell(c, CONTACT_NEW_KEY, link_fingerprint(c->link));
	} else {
		if (c->why.text[0] != '\0')
			tell(c, CONTACT_WARNING, c->why.text);
		welcome(c, now_ms);
	}
}

void contact_trust(struct contact *c, bool is_trusted, uint64_t now_ms)
{
	if (c->state != CONTACT_TRUSTING)
		return;
	if (!is_trusted)
		over(c, EXIT_UNTRUSTED, "the server's key is not trusted");
	else
		obey(c,
		    verdict_remember(
			c->set.options, link_fingerprint(c->link), &c->trust_text, &c->why),
		    now_ms);
}

/* The link is open: is its key the right one? */
static void judge(struct contact *c, uint64_t now_ms)
{
	c->fresh_ms = now_ms;
	struct shown shown = { .key = link_fingerprint(c->link),
		.certificate = link_certificate_fingerprint(c->link) };
	shown.dates = link_certificate_dates(c->link, &shown.date);
	obey(c,
	    verdict_find(
		c->set.options, &shown, c->trusted, c->set.is_interactive, &c->trust_text, &c->why),
	    now_ms);
}

/* What the session says */

/* The server's words in a form that can be shown. */
static void set_words(struct contact *c, struct slice words)
{
	sanitize_string(words, c->why.text, sizeof(c->why.text));
}

static void then(struct contact *c, int what, enum exit_status status, struct slice words)
{
	c->then = what;
	c->then_status = status;
	set_words(c, words);
}

static void accepted(struct contact *c)
{
	bool is_back = c->was_on;
	c->state = CONTACT_ON;
	c->sign_up = false; /* from now on there is an account */
	c->was_on = true;
	c->on_ms = clock_now_ms();
	c->since_ms = clock_wall_ms();
	c->set.on_event(c->set.ctx,
	    &(struct contact_event){ .kind = CONTACT_LOGGED_IN, .text = "", .is_back = is_back });
}

static void on_session_event(void *ctx, const struct session_event *event)
{
	struct contact *c = ctx;
	switch (event->kind) {
	case SESSION_ACCEPTED:
		accepted(c);
		break;
	case SESSION_TRY_AGAIN:
		c->state = CONTACT_WAITING;
		c->has_login = false;
		c->fresh_ms = clock_now_ms();
		set_words(c, event->text);
		tell(c, CONTACT_TRY_AGAIN, c->why.text);
		break;
	case SESSION_LOGIN_REFUSED:
		if (c->was_on && is_one_of(event->text, passing_refusals))
			then(c, THEN_LOSE, 0, event->text);
		else
			then(c, c->was_on ? THEN_OVER : THEN_REFUSED, EXIT_REFUSED, event->text);
		break;
	case SESSION_END_ACCEPTED:
		then(c, THEN_OVER, EXIT_QUIT, SLICE(""));
		break;
	case SESSION_ENDED:
		if (c->state == CONTACT_WAITING || is_one_of(event->text, passing_ends))
			then(c, THEN_LOSE, 0, event->text);
		else
			then(c, THEN_OVER, EXIT_BROKEN, event->text);
		break;
	default:
		c->set.on_session_event(c->set.ctx, event);
		break;
	}
}

/* Does what the last query told to do. */
static void do_then(struct contact *c, uint64_t now_ms)
{
	int what = c->then;
	char text[WHY_SIZE + 32];
	c->then = THEN_NOTHING;
	switch (what) {
	case THEN_LOSE:
		snprintf(text, sizeof(text), "the server says: %s", c->why.text);
		lost(c, text, now_ms);
		break;
	case THEN_OVER:
		snprintf(text, sizeof(text), "the server says: %s", c->why.text);
		over(c, c->then_status, c->then_status == EXIT_QUIT ? "" : text);
		break;
	case THEN_REFUSED:
		link_free(&c->link);
		c->state = CONTACT_WAITING;
		c->has_login = false;
		c->set.on_event(c->set.ctx,
		    &(struct contact_event){ .kind = CONTACT_REFUSED,
			.text = c->why.text,
			.is_passing = is_one_of(slice_str(c->why.text), passing_refusals) });
		break;
	default:
		break;
	}
}

/* The loop */

struct pollfd contact_poll(const struct contact *c, bool want_records)
{
	if (c->link == NULL)
		return (struct pollfd){ .fd = -1 };
	bool takes = want_records && c->state != CONTACT_TRUSTING;
	short events = link_events(c->link, takes);
	if (c->state == CONTACT_ON && link_can_write(c->link) &&
	    session_has_more(c->session, clock_now_ms()))
		events |= POLLOUT;
	return (struct pollfd){ .fd = link_fd(c->link), .events = events };
}

static uint64_t quit_due_ms(const struct contact *c)
{
	uint64_t patience_ms = c->set.is_interactive ? QUIT_PATIENCE_MS : QUIT_PATIENCE_PIPE_MS;
	/* A transfer has its own limits. */
	return c->is_quitting && !session_is_transferring(c->session) ? c->moved_ms + patience_ms
								      : UINT64_MAX;
}

uint64_t contact_deadline_ms(const struct contact *c)
{
	uint64_t due_ms[] = { UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX },
		 first_ms = UINT64_MAX;
	if (c->state == CONTACT_PAUSING || c->state == CONTACT_LOGGING_IN)
		due_ms[0] = c->deadline_ms;
	if (c->link != NULL)
		due_ms[1] = link_deadline_ms(c->link);
	if (c->state == CONTACT_ON) {
		due_ms[2] = session_deadline_ms(c->session);
		due_ms[3] = quit_due_ms(c);
	}
	for (size_t i = 0; i < sizeof(due_ms) / sizeof(*due_ms); i++)
		first_ms = due_ms[i] < first_ms ? due_ms[i] : first_ms;
	return first_ms;
}

static void read_records(struct contact *c, uint64_t now_ms)
{
	for (int i = 0; i < RECORDS_AT_ONCE && c->link != NULL && c->then == THEN_NOTHING; i++) {
		size_t len = link_read(c->link, c->record);
		if (len == 0)
			return;
		c->moved_ms = now_ms;
		if (!session_receive(c->session, slice_of(c->record, len), now_ms)) {
			then(c, THEN_OVER, EXIT_BROKEN, SLICE("something that no client can take"));
			return;
		}
	}
}

void contact_send(struct contact *c, uint64_t now_ms)
{
	for (int i = 0; i < RECORDS_AT_ONCE; i++) {
		if (c->state != CONTACT_ON || c->link == NULL || !link_can_write(c->link))
			return;
		size_t len = session_next(c->session, now_ms, c->sent);
		if (len == 0)
			return;
		link_write(c->link, c->sent, len);
	}
}

static void closed(struct contact *c, uint64_t now_ms)
{
	char text[WHY_SIZE + 64];
	const char *why = link_why(c->link);
	if (c->state == CONTACT_TRUSTING)
		return; /* the person is still comparing; a new one is made for the log-in */
	if (link_is_untrusted(c->link)) {
		snprintf(text, sizeof(text), "%s", why);
		over(c, EXIT_UNTRUSTED, text);
		return;
	}
	if (c->state == CONTACT_CONNECTING)
		snprintf(text, sizeof(text), "%s", why);
	else
		snprintf(text, sizeof(text), "the connection is lost: %s",
		    *why ? why : "the server has closed it");
	lost(c, text, now_ms);
}

static void check_time(struct contact *c, uint64_t now_ms)
{
	if (c->state == CONTACT_PAUSING && now_ms >= c->deadline_ms)
		contact_connect(c, now_ms);
	else if (c->state == CONTACT_LOGGING_IN && now_ms >= c->deadline_ms)
		lost(c, "the server does not answer the log-in", now_ms);
	else if (c->state == CONTACT_ON && session_is_silent(c->session, now_ms))
		lost(c, "the connection is lost: the server has been silent for too long", now_ms);
	else if (c->state == CONTACT_ON && now_ms >= quit_due_ms(c))
		over(c, EXIT_BROKEN, "the server does not confirm that it has taken everything");
}

/* Tells the session how far the server's system has come. */
static void tick(struct contact *c, uint64_t now_ms)
{
	if (c->state != CONTACT_ON)
		return;
	size_t unacknowledged = link_unacknowledged(c->link);
	if (unacknowledged != c->unacknowledged)
		c->moved_ms = now_ms;
	c->unacknowledged = unacknowledged;
	session_tick(c->session, now_ms, unacknowledged == 0, link_round_trip_ms(c->link));
}

void contact_step(struct contact *c, short revents, bool want_records, uint64_t now_ms)
{
	tick(c, now_ms);
	if (c->link != NULL) {
		link_step(c->link, revents, now_ms);
		if (c->state == CONTACT_CONNECTING && link_state(c->link) == LINK_OPEN)
			judge(c, now_ms);
	}
	if (c->link != NULL && want_records && c->state != CONTACT_TRUSTING &&
	    c->state != CONTACT_CONNECTING)
		read_records(c, now_ms);
	do_then(c, now_ms);
	if (c->link != NULL && link_state(c->link) == LINK_CLOSED)
		closed(c, now_ms);
	contact_send(c, now_ms);
	check_time(c, now_ms);
}
