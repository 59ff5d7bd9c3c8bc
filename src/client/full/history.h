/*
 * history.h: what was said, kept on disk: one file for each conversation,
 *
 *	$XDG_STATE_HOME/messager/HOST:PORT/USER/person-NAME.log, …/group.log	(by default ~/.local/state)
 *
 * files of mode 0600 in folders of mode 0700. A line of a file is a line that was said, made harmless (sanitize.h), so the file can be shown with cat:
 *
 *	2026-11-25T15:54:01Z < bob hello alice		< from others, > from oneself, ! from oneself and not delivered,
 *							? from oneself, and it is not known whether it was delivered
 *
 * What becomes of a line of one's own is noted as another line with the same text.
 * A line is written at once, so a crash leaves whole lines only; one that a full disk has cut is taken back. Of a file that has grown beyond
 * HISTORY_FILE_MAX_BYTES the last HISTORY_KEPT_BYTES stay, in whole lines; a crash leaves the one or the other. Blocking file calls, short
 * ones. One thread.
 */
#ifndef CLIENT_FULL_HISTORY_H
#define CLIENT_FULL_HISTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "client/folder.h"
#include "client/full/model.h"
#include "client/why.h"

enum {
	HISTORY_FILE_MAX_BYTES = 16 * 1024 * 1024,
	HISTORY_KEPT_BYTES = HISTORY_FILE_MAX_BYTES / 2,
	HISTORY_READ_LINES = 200,            /* that are read back at most */
	HISTORY_READ_MAX_BYTES = 256 * 1024, /* from the end of the file */
	HISTORY_LINE_MAX_LEN = 64 * 1024, /* a longer one is left out, or cut when it is written */
};

struct history {
	bool is_on;
	bool was_failure_told;
	bool has_bound_failed;         /* a file could not be made shorter */
	char folder[FOLDER_PATH_SIZE]; /* of this server and user */
};

/* is_wanted: the setting log; without it nothing is written or read, but it can be removed. Nothing is made yet. false: there is no home folder or the path is too long; nothing is kept then. */
bool history_init(
    struct history *h, bool is_wanted, const char *server, struct slice user, struct why *why);

/*
 * Keeps a line of a conversation with a person or the group; others are left out. false: it could not be written, or its file not be made
 * shorter, and that was not told yet: why says it. The first is told again after the next success.
 */
bool history_append(
    struct history *h, const struct conversation *c, const struct said *line, struct why *why);
/* Notes that this line of one's own was not delivered, or was perhaps not delivered. As history_append(). */
bool history_not_delivered(
    struct history *h, const struct conversation *c, const struct said *line, struct why *why);
bool history_doubtful(
    struct history *h, const struct conversation *c, const struct said *line, struct why *why);

/*
 * Adds the last lines of the file to the conversation, in which nothing but notices stands. Whatever stands in the file is harmless; what is no line of ours is left out.
 * false: there is a file and it can't be read; why says it.
 */
bool history_read(struct history *h, struct model *m, struct conversation *c, struct why *why);

/* Removes the file. false: it can't be; why says it. */
bool history_forget(struct history *h, const struct conversation *c, struct why *why);

/* The file of a conversation, which need not exist. false: it has none, or the path is too long. */
bool history_path(
    const struct history *h, const struct conversation *c, char path_r[static FOLDER_PATH_SIZE]);

#endif
