/*
 * session.h: what the client knows of its session: log-in, what waits to be sent, what was sent and may yet be refused, group
 * chat, who is muted. Records go in, events and queries come out; no socket, no terminal, no clock (now_ms is any clock that
 * only goes forward). One thread. The session outlives its connections: what waits goes out on the next one.
 *
 *	SESSION_OFF -> SESSION_LOGIN -> SESSION_ON -> SESSION_LEAVING -> SESSION_OFF
 *	     ^------------- TRY ----´
 *
 * Which text a CNT means the server does not say: window.h.
 */
#ifndef CLIENT_SESSION_H
#define CLIENT_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "client/options.h"
#include "client/upload.h"
#include "protocol/query.h"

enum {
	SESSION_NAME_MAX_LEN = NAME_SENT_MAX_LEN,
	SESSION_TOKEN_MAX_LEN = 512,
	SESSION_SILENCE_MS = 60 * 1000,
};

enum session_state { SESSION_OFF, SESSION_LOGIN, SESSION_ON, SESSION_LEAVING };

enum session_event_kind {
	SESSION_ACCEPTED,      /* logged in */
	SESSION_TRY_AGAIN,     /* text: why; another log-in may be sent on this connection */
	SESSION_LOGIN_REFUSED, /* text: why; the connection is over */
	SESSION_MESSAGE,       /* user, text */
	SESSION_GROUP_MESSAGE, /* user, text */
	SESSION_NAMES,         /* text: names, separated by spaces */
	SESSION_WORDS,         /* text: what else the server says */
	SESSION_REFUSED, /* text: the server's words; which text it was comes in one of the next two, now or soon */
	SESSION_NOT_DELIVERED, /* target, text: for certain */
	SESSION_DOUBTFUL, /* target, text: one of the last texts, of which count were refused; no text: too many to keep */
	SESSION_UNCONFIRMED, /* the connection was lost; target (empty: the group), text: may not have arrived */
	SESSION_ENDED,        /* text: why; the connection is over */
	SESSION_END_ACCEPTED, /* the server has done all that was sent before; the connection is over */
	SESSION_NONSENSE,     /* text: a line that is no query of version 1 */
	SESSION_UPLOAD_BEGUN,   /* the file's bytes go out from here on */
	SESSION_UPLOADED,       /* the server has the whole file */
	SESSION_UPLOAD_REFUSED, /* text: the server's words */
	SESSION_FILES,          /* count files come */
	SESSION_FILE,           /* text: the name of the next one */
	SESSION_FILE_BYTES,     /* text: its next bytes */
	SESSION_FILE_END,
	SESSION_FILES_END, /* text: the server's words; count: files that it had announced and not sent */
	SESSION_TRANSFER_LOST, /* the connection is gone; what was under way is not whole, and not taken up again */
};

struct session_event {
	enum session_event_kind kind;
	struct slice user;
	struct slice target;
	struct slice
	    text; /* server's words are without their brackets. Foreign bytes: sanitize() before showing */
	size_t count;
};

/* Slices are valid during the call. The function may queue messages, and must not free the session. */
typedef void session_event_fn(void *ctx, const struct session_event *event);

struct session;

/* NULL: no memory. */
struct session *session_new(session_event_fn *on_event, void *ctx);
/* Accepts NULL; *s is NULL afterwards. */
void session_free(struct session **s);

enum session_state session_state(const struct session *s);
/* The name of the last log-in; "" before it. Valid until the next. */
struct slice session_user(const struct session *s);

/* The connection */

/*
 * A new connection is open. speaks_ours: its server took up the protocol's name; another one may be an original server, which
 * wants LF after each text and relays it as the inside of a Python bytes literal, whose escapes are undone here.
 */
void session_connected(struct session *s, bool speaks_ours, uint64_t now_ms);

/* Writes the query that logs in or signs up; wipe out after sending it. Returns its length; 0: it would be too long. */
size_t session_log_in(struct session *s, bool sign_up, struct slice user, struct slice password,
    char out[static QUERY_SENT_MAX_LEN]);

/*
 * Takes one record, which may hold parts of queries, or bytes of a file (download.h). false: it can't be a server's, or no memory; close the
 * connection.
 */
bool session_receive(struct session *s, struct slice record, uint64_t now_ms);

/* The next record to send, in out: a query, or bytes of a file. Returns its length; 0: nothing is to be sent now. */
size_t session_next(struct session *s, uint64_t now_ms, char out[static RECORD_MAX_LEN]);
/* True if it has one: ask for it as soon as something can be sent. */
bool session_has_more(const struct session *s, uint64_t now_ms);

/*
 * Time has passed; call it before what has just come is received.
 *   acknowledged   the server's system has taken all that was sent
 *   round_trip_ms  how long that takes; 0: unknown
 */
void session_tick(struct session *s, uint64_t now_ms, bool acknowledged, unsigned round_trip_ms);
/* When session_tick() is due; UINT64_MAX: never. */
uint64_t session_deadline_ms(const struct session *s);

/* True when a server that sends CHECK, or has to answer for a file, has been silent for far too long: the connection is dead. */
bool session_is_silent(const struct session *s, uint64_t now_ms);

/* The connection is gone. Texts that may not have arrived are told of; what was not sent waits. */
void session_lost(struct session *s);

/* What the person wants. false: no memory. */

bool session_message(struct session *s, struct slice target, struct slice text);
bool session_group_message(struct session *s, struct slice text);
bool session_ask_online(struct session *s);
/* Group chat goes on or off; it is turned on again after each log-in while it is wanted. */
bool session_toggle_group(struct session *s);
bool session_group_is_on(const struct session *s);
/* END after all that waits. Answered by SESSION_END_ACCEPTED. */
bool session_quit(struct session *s);

/*
 * Sends a file after all that waits; what comes after it waits until the server has answered. read and ctx stay valid until one of
 * SESSION_UPLOADED, SESSION_UPLOAD_REFUSED and SESSION_TRANSFER_LOST has come. One transfer at a time. false: no memory, or the query would
 * be too long.
 */
bool session_upload(
    struct session *s, struct slice target, struct slice name, upload_read_fn *read, void *ctx);
/* Asks for the waiting files, after all that waits; what comes after it waits for SESSION_FILES_END. */
bool session_download(struct session *s);
/* The upload under way, or none. Valid as long as the session. */
const struct upload *session_upload_state(const struct session *s);
/* True from the asking to the end of either. */
bool session_is_transferring(const struct session *s);

/* Bytes of texts that wait to be sent, and how many texts. */
size_t session_waiting_bytes(const struct session *s);
size_t session_waiting_texts(const struct session *s);

/* Hides what a user says, or no longer. false: no memory, or the name is too long. */
bool session_mute(struct session *s, struct slice user, bool muted);
bool session_has_muted(const struct session *s, struct slice user);
/* The number-th muted name, from 0; an empty slice: there are no more. */
struct slice session_muted(const struct session *s, size_t number);

#endif
