/* transfer.h: the transfer under way, as plain mode knows it. What can be done with it stands in plain.h. */
#ifndef CLIENT_TRANSFER_H
#define CLIENT_TRANSFER_H

#include <stdbool.h>
#include <stdint.h>

#include "client/filename.h"
#include "client/progress.h"
#include "client/saving.h"
#include "client/session.h"
#include "client/source.h"

enum { TRANSFER_PROMPT_SIZE = PROGRESS_TEXT_SIZE + 16 };

struct transfer {
	enum { TRANSFER_NONE, TRANSFER_UPLOAD, TRANSFER_DOWNLOAD } kind;
	bool is_stopped;     /* by the person, or by our disk: what still comes is dropped */
	bool must_break_off; /* as soon as we are out of the session's event */
	bool is_lost;        /* the connection went with it */
	uint64_t begun_ms;   /* of this file; 0: it has not begun */
	uint64_t shown_ms;   /* how far it is was last shown */

	struct source source;
	size_t target_len;
	char target[SESSION_NAME_MAX_LEN];
	uint64_t rate; /* bytes per second of the last upload; 0: none yet */

	struct saving saving;
	char folder[FILENAME_PATH_SIZE];
	uint64_t bytes; /* of the file that comes */
	uint64_t saved; /* files of this download */

	size_t uploads_done; /* of those on the command line */
	bool download_done;
};

#endif
