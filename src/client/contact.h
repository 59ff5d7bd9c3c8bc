/*
 * contact.h: from a server's name to a session that stays: connects, judges the server's key, logs in, says END, and comes back
 * after a lost connection. Knows no terminal: what a person must decide or know is an event, the answer a call. One thread; the
 * caller polls.
 *
 *	CONNECTING -> TRUSTING -> WAITING -> LOGGING_IN -> ON -> OVER
 *	    ^    (unknown key)  (no log-in yet)            |
 *	    `------------------- PAUSING <------ lost -----´
 */
#ifndef CLIENT_CONTACT_H
#define CLIENT_CONTACT_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "client/options.h"
#include "client/password.h"
#include "client/session.h"

/* What messager ends with: messager(1). */
enum exit_status {
	EXIT_QUIT = 0,
	EXIT_BROKEN = 1,
	EXIT_USAGE = 2,
	EXIT_REFUSED = 3,
	EXIT_UNTRUSTED = 4,
	EXIT_UNDELIVERED = 5,
};

enum contact_state {
	CONTACT_IDLE,
	CONTACT_CONNECTING,
	CONTACT_TRUSTING,
	CONTACT_WAITING,
	CONTACT_LOGGING_IN,
	CONTACT_ON,
	CONTACT_PAUSING,
	CONTACT_OVER,
};

enum contact_event_kind {
	CONTACT_WARNING, /* text */
	CONTACT_NEW_KEY, /* the server is not known; text: its fingerprint. Answer with contact_trust() */
	CONTACT_READY, /* the server is trusted. Answer with contact_log_in() */
	CONTACT_TRY_AGAIN, /* text: why the sign-up was refused. Answer with contact_log_in() or contact_end() */
	CONTACT_REFUSED, /* text: why the log-in was refused; is_passing: the same may be accepted later. Answer with contact_log_in() or contact_end() */
	CONTACT_LOGGED_IN, /* is_back: after a lost connection */
	CONTACT_LOST,      /* text: why; it tries again after pause_ms */
	CONTACT_ENDED,     /* status, text: why ("": as asked). CONTACT_OVER from here on */
};

struct contact_event {
	enum contact_event_kind kind;
	const char *text; /* safe to show; may have several lines */
	bool is_back;
	bool is_passing;
	uint64_t pause_ms;
	enum exit_status status;
};

struct contact_settings {
	const struct options *options;
	struct password *password; /* set before contact_log_in() is called; stays the caller's */
	bool is_interactive;       /* a person can be asked, and wants a lost connection back */
	/* Events of the contact, and those of the session that it does not deal with itself. */
	void (*on_event)(void *ctx, const struct contact_event *event);
	session_event_fn *on_session_event;
	void *ctx;
};

enum {
	CONTACT_PAUSE_FIRST_MS = 500,
	CONTACT_PAUSE_LAST_MS = 60 * 1000,
};

struct contact;

/* Reads and makes the files that TLS needs. What the settings point to lives as long as the contact. NULL: why says it. */
struct contact *contact_new(const struct contact_settings *settings, struct why *why);
/* Closes without END. Accepts NULL; *c is NULL afterwards. */
void contact_free(struct contact **c);

/*
 * The options name a file of authorities that they did not name when the contact was made; before it connects. false: why says it, and nothing
 * has changed.
 */
bool contact_take_authorities(struct contact *c, struct why *why);

enum contact_state contact_state(const struct contact *c);
struct session *contact_session(const struct contact *c);
/* How the server's key came to be trusted, for a person. */
const char *contact_trust_text(const struct contact *c);
/* When the session began, by the wall clock; 0: there is none. */
int64_t contact_since_ms(const struct contact *c);

void contact_connect(struct contact *c, uint64_t now_ms);

/* The answer to CONTACT_NEW_KEY. */
void contact_trust(struct contact *c, bool is_trusted, uint64_t now_ms);

/* Logs in, or signs up, as user with the password; on a new connection if this one has waited for long. */
void contact_log_in(struct contact *c, bool sign_up, struct slice user, uint64_t now_ms);

/*
 * Breaks the connection off, which is the one way to take a begun upload back, and logs in on a new one; if there is nobody who wants it
 * back, it is over with EXIT_BROKEN. Not within an event.
 */
void contact_drop(struct contact *c, uint64_t now_ms);
/* Bytes that were sent and are still on their way. */
size_t contact_unacknowledged(const struct contact *c);

/* In a pause: tries again at once. */
void contact_hurry(struct contact *c, uint64_t now_ms);

/* END after all that waits, and the server's answer, as long as it moves at all. Without a session it is over at once. */
void contact_quit(struct contact *c, uint64_t now_ms);

/* It is over, with END if there is a session but without waiting. text may be "". */
void contact_end(struct contact *c, enum exit_status status, const char *text);

/*
 * For the loop: what to poll (fd -1: nothing), by when to call contact_step() at the latest, and to go on. want_records: false
 * while nobody could take what the server says.
 */
struct pollfd contact_poll(const struct contact *c, bool want_records);
uint64_t contact_deadline_ms(const struct contact *c);
void contact_step(struct contact *c, short revents, bool want_records, uint64_t now_ms);

/* Sends what was queued since the last step. */
void contact_send(struct contact *c, uint64_t now_ms);

/* The pause before the attempt-th try to come back (from 0), in milliseconds; random is 0 to UINT32_MAX. */
uint64_t contact_pause_ms(unsigned attempt, uint32_t random);

#endif
