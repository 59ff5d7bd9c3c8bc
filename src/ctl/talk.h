/* talk.h: one request to the server's admin socket, and its answer (src/server/admin.h has the protocol). Blocks. */
#ifndef CTL_TALK_H
#define CTL_TALK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"
#include "ctl/backup.h"

enum talk_result {
	TALK_OK,      /* done; the answer is on standard output */
	TALK_REFUSED, /* not done; the answer is on standard error */
	TALK_PIECE,   /* talk.c's own: there is more to come */
	TALK_FAILED,  /* there was no answer: see why */
};

/* False, with why, if there is no server to talk to: before a person is asked for anything. */
bool talk_is_possible(const char *socket_path, char *why, size_t why_size);

/*
 * head: up to and with the empty line. backup: NULL, or what takes the bytes that come before the answer, begun; it is finished when the
 * answer is "ok", before that is shown.
 */
enum talk_result talk(const char *socket_path, struct slice head, struct slice body,
    struct backup_file *backup, char *why, size_t why_size);

#endif
