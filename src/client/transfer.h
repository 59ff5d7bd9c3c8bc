/*
 * transfer.h: the transfer under way, between session and disk: :upload: and :download: as a person knows them, whatever shows them.
 * What is to be said goes to its user. Waits for the disk; one thread.
 */
#ifndef CLIENT_TRANSFER_H
#define CLIENT_TRANSFER_H

#include <stdbool.h>
#include <stdint.h>

#include "client/contact.h"
#include "client/filename.h"
#include "client/progress.h"
#include "client/saving.h"
#include "client/session.h"
#include "client/source.h"

enum { TRANSFER_PROMPT_SIZE = PROGRESS_TEXT_SIZE + 16 };

struct transfer_user {
	struct contact *contact;
	struct session *session;      /* of the contact */
	const char *downloads_folder; /* NULL: ~/Downloads if it is there, else where we are */
	bool is_interactive;          /* a person is told and goes on */
	bool must_succeed;            /* nothing else is wanted: what fails ends the contact */
	bool shows_progress;
	/* words are our own and printable, may have several lines; foreign comes after them: sanitize() before showing */
	void (*tell)(void *ctx, const char *words, struct slice foreign);
	/* What transfer_prompt() says has changed. */
	void (*moved)(void *ctx);
	void *ctx;
};

struct transfer {
	struct transfer_user user;
	enum { TRANSFER_NONE, TRANSFER_UPLOAD, TRANSFER_DOWNLOAD } kind;
	bool is_stopped;      /* by the person, or by our disk: what still comes is dropped */
	bool must_break_off;  /* as soon as we are out of the session's event */
	bool is_lost;         /* the connection went with it */
	bool has_failed;      /* a file did not arrive, for a reason on this side */
	bool has_undelivered; /* a file was not taken */
	uint64_t begun_ms;    /* of this file; 0: it has not begun */
	uint64_t shown_ms;    /* how far it is was last shown */

	struct source source;
	size_t target_len;
	char target[SESSION_NAME_MAX_LEN];
	uint64_t rate; /* bytes per second of the last upload; 0: none yet */

	struct saving saving;
	char folder[FILENAME_PATH_SIZE];
	uint64_t bytes; /* of the file that comes */
	uint64_t saved; /* files of this download */
};

void transfer_init(struct transfer *t, const struct transfer_user *user);
void transfer_clear(struct transfer *t);

/* Can one begin? Says why not. */
bool transfer_may_begin(struct transfer *t);
/* Sends the file at the path to the target (empty: there is none), or says why not. */
void transfer_upload(struct transfer *t, struct slice target, const char *path);
/* The path as a person has typed it. */
void transfer_upload_typed(struct transfer *t, struct slice target, struct slice typed);
void transfer_download(struct transfer *t);
/* Stops what is under way. false: nothing is. */
bool transfer_stop(struct transfer *t);
void transfer_on_event(struct transfer *t, const struct session_event *event);
/* Time has passed, or something has happened: shows how far it is. Not within an event. */
void transfer_step(struct transfer *t);
/* When transfer_step() is due; UINT64_MAX: not by time. */
uint64_t transfer_deadline_ms(const struct transfer *t);
/* How far it is, with a space behind it, or "". Returns out. */
char *transfer_prompt(const struct transfer *t, char out[static TRANSFER_PROMPT_SIZE]);

#endif
