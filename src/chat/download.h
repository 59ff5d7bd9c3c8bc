/* download.h: CMD <get> (protocol.md, 5, Download). Private to chat/; all on the session's worker. */
#ifndef CHAT_DOWNLOAD_H
#define CHAT_DOWNLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

struct session;

/* CMD <get> in SESSION_TALKING. false: the session has ended. */
bool download_start(struct session *s);

/* True between BEGIN and <file send complete>: other queries wait. Keeps a copy of one. */
bool download_holds(const struct session *s);
void download_hold(struct session *s, struct slice query);

/* The connection's output queue is empty. */
void download_drained(struct session *s);

/* When download_due() is wanted; UINT64_MAX: never. false: the session has ended. */
uint64_t download_due_ms(const struct session *s);
bool download_due(struct session *s);

/*
 * The session ends, and words are still to be said: the file that is on its way is ended (and kept), and what was held goes out, so that
 * nothing that follows is taken for bytes of the file.
 */
void download_break_off(struct session *s);

/* The session ends. */
void download_leave(struct session *s);

#endif
