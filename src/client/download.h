/*
 * download.h: the files that the server sends (protocol.md, 5): which record is a query, which is bytes of a file, which is its end.
 * Part of session.c's model. Pure; one thread.
 *
 *	NONE -> QUEUED -> ASKED -> BETWEEN <-> FILE
 *	     (CMD <get>) (BEGIN n)   |   (BEGINF … ENDF)
 *	  ^--------------------------´ CMD <file send complete>
 *
 * The end of a file is a record that is exactly "ENDF <CRLF>". An original server's timer puts CHECK between the bytes of a file; such a
 * record is left out.
 */
#ifndef CLIENT_DOWNLOAD_H
#define CLIENT_DOWNLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

enum { DOWNLOAD_SILENCE_MS = 60 * 1000 };

enum download_state {
	DOWNLOAD_NONE,
	DOWNLOAD_QUEUED,
	DOWNLOAD_ASKED,
	DOWNLOAD_BETWEEN,
	DOWNLOAD_FILE,
};

struct download {
	enum download_state state;
	bool original;
	uint64_t left; /* files that are still to begin */
};

enum download_part { DOWNLOAD_BYTES, DOWNLOAD_END, DOWNLOAD_NOTHING };

/* CMD <get> waits to be sent; it is out. */
void download_queue(struct download *d);
void download_ask(struct download *d, bool original);

/* True from CMD <get> until all is there. */
bool download_is_on(const struct download *d);
/* True while records are no queries. */
static inline bool download_is_in_file(const struct download *d)
{
	return d->state == DOWNLOAD_FILE;
}

/* BEGIN with this number. false: nobody asked, or it is none. */
bool download_take_begin(struct download *d, struct slice number);
/* BEGINF: what follows are the bytes of a file. false: no file is due. */
bool download_take_file(struct download *d);
/* A record within a file. */
enum download_part download_take_record(struct download *d, struct slice record);
/* The server says these words, brackets included. true: they end the download. Files that were not sent: see left. */
bool download_take_words(struct download *d, struct slice words);

#endif
