/*
 * metrics.h: how the server does, in figures: one table, read by Prometheus (text format 0.0.4, over http.c) and by `messagerctl status`. No name of a
 * user, an address or a file is in it. Main thread.
 */
#ifndef SERVER_METRICS_H
#define SERVER_METRICS_H

#include <stdbool.h>

#include "base/buffer.h"
#include "server/answer.h"

struct server;

/* Writes all of it in Prometheus' text format. false: no memory, and some of it is missing. */
bool metrics_write(struct server *server, struct buffer *to);

/* The same figures as fields of an answer. In text, what is 0 among many of a kind is left out. */
void metrics_answer(struct server *server, struct answer *a);

#endif
