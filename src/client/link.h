/*
 * link.h: one connection to a server: address, TCP, TLS. Never waits and knows no query: the caller polls what link_fd() and
 * link_events() say, calls link_step(), and moves records. One thread.
 *
 *	LINK_FINDING -> LINK_CONNECTING -> LINK_HANDSHAKE -> LINK_OPEN -> LINK_CLOSED
 *
 * LINK_OPEN says that the server owns its key, not that it is the right one: judge link_fingerprint() before a word is said.
 */
#ifndef CLIENT_LINK_H
#define CLIENT_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/ssl.h>

#include "client/options.h"
#include "client/why.h"
#include "protocol/query.h"

enum link_state { LINK_FINDING, LINK_CONNECTING, LINK_HANDSHAKE, LINK_OPEN, LINK_CLOSED };

struct link;

/*
 * What all links of a run share.
 *   certificate_path  our own certificate, shown to a server that asks; NULL: none
 *   ca_file           authorities that must vouch for the server and its name; NULL: nobody needs to
 * NULL: why says it. The caller frees it with SSL_CTX_free() after the last link.
 */
SSL_CTX *link_context_new(const char *certificate_path, const char *ca_file, struct why *why);

/* Begins to connect. tls (from link_context_new()) and server live at least as long as the link. NULL: why says it. */
struct link *link_new(
    SSL_CTX *tls, const struct server_name *server, uint64_t now_ms, struct why *why);

/* Says TLS's good-bye if there is a peer, and closes. Accepts NULL; *l is NULL afterwards. */
void link_free(struct link **l);

enum link_state link_state(const struct link *l);

/* After LINK_CLOSED: a sentence; "" when the server closed in order. Valid as long as the link. */
const char *link_why(const struct link *l);
/* After LINK_CLOSED: the authorities of ca_file do not vouch for the server. */
bool link_is_untrusted(const struct link *l);

/* What to poll: a descriptor (-1: nothing) and its events. want_records: whether the caller would take records now. */
int link_fd(const struct link *l);
short link_events(const struct link *l, bool want_records);
/* By when link_step() must be called even without an event; UINT64_MAX: never. */
uint64_t link_deadline_ms(const struct link *l);

/* Goes on with what poll said (0: only time has passed). */
void link_step(struct link *l, short revents, uint64_t now_ms);

/* From LINK_OPEN on: the fingerprint of the server's key, and whether it took up the protocol name ssl-messager/1. */
const char *link_fingerprint(const struct link *l);
/* The fingerprint of the whole certificate, which other tools show. */
const char *link_certificate_fingerprint(const struct link *l);
bool link_speaks_ours(const struct link *l);
/* Whether its certificate is in force; if not, since or from when (valid as long as the link). */
enum certificate_dates link_certificate_dates(const struct link *l, const char **date_r);

/*
 * Reads one record. Returns its length; 0: there is none now, or the link is closed (ask link_state()).
 */
size_t link_read(struct link *l, char record[static RECORD_MAX_LEN]);

/* True when link_write() may be called: open, and the last record is out. */
bool link_can_write(const struct link *l);
/* Sends len bytes (1 to RECORD_MAX_LEN) as one record. They are copied, and wiped when they are out. */
void link_write(struct link *l, const char *bytes, size_t len);

/* Bytes that the server's system has not acknowledged yet; SIZE_MAX: nobody knows any more, the connection is dead. */
size_t link_unacknowledged(const struct link *l);
/* How long a packet and its acknowledgement take, by TCP's estimate; 0: unknown. */
unsigned link_round_trip_ms(const struct link *l);

#endif
