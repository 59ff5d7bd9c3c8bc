/*
 * upload.h: one file on its way to the server (protocol.md, 5): when its bytes go out, when its end, what the answer means. Part of
 * session.c's model; no socket, no disk (the bytes come from a function), no clock. One thread.
 *
 *	NONE -> QUEUED -> SENDING -> ENDING -> ANSWERING -> NONE
 *	          (BEGINF)   |-> FAILED
 *	                     `-> REFUSED_EARLY -> NONE (refused before its end: no more bytes, but ENDF)
 *
 * The protocol has no way to take a begun upload back: whoever gives it up must drop the connection, then the server keeps nothing.
 *
 * An original server ends an upload by its clock alone: the bytes have to be out before it, and ENDF has to come a little after it.
 */
#ifndef CLIENT_UPLOAD_H
#define CLIENT_UPLOAD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/slice.h"
#include "protocol/query.h"

enum {
	UPLOAD_ANSWER_LIMIT_MS = 120 * 1000, /* from when the server's system has ENDF */
	UPLOAD_ORIGINAL_FIRST_MS = 50,       /* a refusal comes by then */
	UPLOAD_ORIGINAL_LAST_MS = 4800,      /* later bytes would be taken for queries */
	UPLOAD_ORIGINAL_END_MS = 5300,
};

enum upload_state {
	UPLOAD_NONE,
	UPLOAD_QUEUED,
	UPLOAD_SENDING,
	UPLOAD_ENDING, /* all bytes are out, ENDF is not */
	UPLOAD_ANSWERING,
	UPLOAD_REFUSED_EARLY, /* answered before ENDF is out */
	UPLOAD_FAILED,        /* the file can't be read on: drop the connection */
};

/* Reads the next bytes of the file, at most room. 0: its end; <0: it can't be read. */
typedef ssize_t upload_read_fn(void *ctx, char *out, size_t room);

struct upload {
	enum upload_state state;
	bool original;
	bool was_cut; /* an original server's time was over before the file was */
	uint64_t begun_ms;
	uint64_t ended_ms; /* when ENDF was last known to be on its way */
	uint64_t sent_bytes;
	upload_read_fn *read;
	void *ctx;
};

/* What an answer means. */
enum upload_answer { UPLOAD_NO_ANSWER, UPLOAD_COMPLETE, UPLOAD_REFUSED };

/* BEGINF waits to be sent. */
void upload_queue(struct upload *u, upload_read_fn *read, void *ctx);
/* BEGINF is out. original: see above. */
void upload_begin(struct upload *u, bool original, uint64_t now_ms);

/* True from BEGINF to the answer: the wire belongs to the file. */
bool upload_is_on(const struct upload *u);
/* True when upload_next() has something, or will find that the file can't be read. */
bool upload_is_ready(const struct upload *u, uint64_t now_ms);
/* When it will be, if nothing but time has to pass; UINT64_MAX otherwise. */
uint64_t upload_wait_ms(const struct upload *u);

/* The next record: bytes of the file, or ENDF with the session's token. Returns its length; 0: nothing now. */
size_t upload_next(
    struct upload *u, struct slice token, uint64_t now_ms, char out[static RECORD_MAX_LEN]);

/*
 * The server says these words, brackets included. If they are the answer, no byte of the file goes out any more; what ours still has
 * on its way is thrown away up to ENDF, an original server must not get that.
 */
enum upload_answer upload_take_answer(struct upload *u, struct slice words);

/* ENDF is still on its way: the time for the answer has not begun. */
void upload_delay(struct upload *u, uint64_t now_ms);
/* When waiting for the answer is over; UINT64_MAX: it is not waited for. */
uint64_t upload_give_up_ms(const struct upload *u);

#endif
