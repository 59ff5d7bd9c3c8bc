/* inside.h: what net.c and house.c share: connections, workers, the house. */
#ifndef FAKE_INSIDE_H
#define FAKE_INSIDE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chat/session.h"
#include "fake/fake.h"

struct conn {
	struct worker *worker;
	struct conn *next; /* all of the house */
	void *owner;
	uint64_t generation;
	uint32_t slot;
	bool is_open;
	bool is_closing; /* and has not said so */
	bool is_paused, is_resuming;
	bool is_authenticated;
	bool has_hung_up, has_news;
	bool takes, was_full;
	struct address address;
	uint64_t due_ms, last_sent_ms;
	uint64_t flushed_bytes, acknowledged_bytes;
	size_t spared_bytes;
	struct buffer reads;     /* lengths (size_t) and bytes, as they were said */
	struct buffer left_over; /* of what was read */
	struct buffer records;   /* lengths and bytes of this turn */
	struct buffer backlog;   /* the same of earlier ones, not taken */
	struct buffer heard;
};

struct block {
	struct block *next;
};

struct worker {
	struct fake *fake;
	unsigned index;
	void *owner;
	struct worker_job *jobs, **jobs_end;
	struct buffer inbox, outbox[FAKE_WORKERS];
	struct block *blocks;
	size_t queued_bytes;
};

struct net {
	struct worker workers[FAKE_WORKERS];
};

struct fake {
	struct net net;
	uint64_t now_ms;
	struct net_config config;
	struct chat *chat;
	struct store *store;
	struct bus *bus;
	struct conn *conns, **conns_end;
	uint32_t conn_count;
	struct buffer files;
	fake_record_fn *on_record; /* NULL: nobody listens */
	void *on_record_arg;
};

/* Appends a piece: its length (size_t) and the bytes. */
void fake_put_piece(struct buffer *b, struct slice bytes);

/* Sends what was said in this turn. */
void fake_flush(struct worker *w);

/* The connection breaks. */
void fake_lose(struct conn *c, const char *reason);

#endif
