/* upload.h: BEGINF to ENDF (protocol.md, 5, Upload). Private to chat/; all on the session's worker. */
#ifndef CHAT_UPLOAD_H
#define CHAT_UPLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "protocol/query.h"

struct session;

/* BEGINF in SESSION_TALKING, ENDF there. false: the session has ended. */
bool upload_begin(struct session *s, const struct query *q);
bool upload_late_end(struct session *s, const struct query *q);

/*
 * Bytes in SESSION_UPLOADING. Returns how many were taken; if the session is in another state then, the upload is over and the rest is
 * queries.
 */
size_t upload_take(struct session *s, struct slice bytes);

/* So many bytes that have come in were not taken; they will be presented again. */
void upload_not_taken(struct session *s, size_t len);

/* When upload_due() is wanted; UINT64_MAX: never. */
uint64_t upload_due_ms(const struct session *s);
void upload_due(struct session *s);

/* The session ends. */
void upload_leave(struct session *s);

#endif
