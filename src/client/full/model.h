/*
 * model.h: the conversations: with whom, what was said, what is unread, what waits, what was not delivered. No screen, no session, no
 * disk, no clock. One thread. Its memory has a bound: the longest conversations lose their oldest lines first, and of too many
 * conversations the one that has been still for longest goes.
 *
 * The state of one's own lines:
 *
 *	WAITING --(sent)--> SENT --(CNT)--> NOT_DELIVERED --(sent again: a new line)--> REPEATED
 *	                      |--(CNT, of several)--> DOUBTFUL
 *	                      '--(connection lost)--> UNCONFIRMED
 */
#ifndef CLIENT_FULL_MODEL_H
#define CLIENT_FULL_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "client/session.h"

enum {
	MODEL_MAX_CONVERSATIONS = 2000,
	MODEL_MAX_LINES = 100 * 1000,       /* of one conversation */
	MODEL_MAX_BYTES = 24 * 1024 * 1024, /* of all lines, with what each costs */
};

enum said_kind {
	SAID_BY_OTHER,
	SAID_BY_ME,
	SAID_NOTICE, /* of the server or of this program; no sender */
};

enum said_state {
	STATE_NONE, /* not mine */
	STATE_WAITING,
	STATE_SENT,
	STATE_NOT_DELIVERED,
	STATE_DOUBTFUL,
	STATE_UNCONFIRMED,
	STATE_REPEATED,
};

/* One line of a conversation. */
struct said {
	int64_t time_ms; /* by the wall clock */
	uint8_t kind;    /* enum said_kind */
	uint8_t state;   /* enum said_state */
	bool is_mention;
	bool is_old; /* read from the history file */
	uint16_t sender_len;
	uint32_t text_len;
	char bytes[]; /* sender, text: foreign, to be sanitized on the way to the screen */
};

static inline struct slice said_sender(const struct said *s)
{
	return slice_of(s->bytes, s->sender_len);
}

static inline struct slice said_text(const struct said *s)
{
	return slice_of(s->bytes + s->sender_len, s->text_len);
}

#define NO_LINE UINT64_MAX

enum conversation_kind { WITH_SERVER, WITH_GROUP, WITH_PERSON };

/* How much a person should know of what is unread, in rising order. */
enum unread { UNREAD_NONE, UNREAD_NOTICE, UNREAD_GROUP, UNREAD_DIRECT, UNREAD_MENTION };

struct conversation {
	enum conversation_kind kind;
	size_t name_len;
	char name[SESSION_NAME_MAX_LEN]; /* of the person; case matters */

	/* The lines have numbers that stay: first to end, without end. */
	struct said **ring;
	size_t ring_cap; /* a power of two, or 0 */
	uint64_t first, end;
	size_t bytes;

	size_t unread;
	enum unread level;
	uint64_t
	    marker; /* the number of the first line that was new when it was last looked at; NO_LINE: there is none */
	uint64_t unread_since; /* as active_count, of the line at which it became unread */
	uint64_t active_count; /* when something was last said here, by the model's own count */
	bool is_muted;
	size_t undelivered; /* lines that wait for the person to come back */
	bool is_loaded;     /* the history file was read: the caller's */
	bool is_offered;    /* it was said that they can be sent again: the caller's */

	char *draft; /* NULL: none */
	size_t draft_len, draft_cursor;

	bool is_scrolled; /* the view's: not at the end */
	uint64_t top;     /* the view's: where it is then */
	size_t top_row;
};

struct model {
	struct conversation *
	    *conversations; /* in their order; the server's is the first, the group's the second */
	size_t count, cap;
	size_t current;
	size_t previous; /* the one before it, to go back to */
	bool is_watched; /* somebody looks at the current one */
	size_t bytes;
	uint64_t activity;
	size_t waiting; /* lines in STATE_WAITING */
	struct waiting_line *first_waiting,
	    *last_waiting; /* in the order in which they were typed */
	size_t me_len;
	char me[SESSION_NAME_MAX_LEN];
};

/* false: no memory. */
bool model_init(struct model *m);
void model_clear(struct model *m);
/* Whose mentions count. */
void model_set_me(struct model *m, struct slice name);

/* Conversations */

static inline struct conversation *model_current(const struct model *m)
{
	return m->conversations[m->current];
}
static inline struct conversation *model_server(const struct model *m)
{
	return m->conversations[0];
}
static inline struct conversation *model_group(const struct model *m)
{
	return m->conversations[1];
}
static inline struct slice conversation_name(const struct conversation *c)
{
	return slice_of(c->name, c->name_len);
}

/* The conversation with a person, or NULL. */
struct conversation *model_find(const struct model *m, struct slice name);
/* The same; it is begun if there is none. NULL: no memory, or the name is empty or too long. Another, still one may go for it (never the current). */
struct conversation *model_open(struct model *m, struct slice name);
/* Its place; count if it is none of the model's. */
size_t model_place(const struct model *m, const struct conversation *c);
/* Shows the conversation at that place: what is in it is read, and the one that is left gets its marker anew. The caller keeps the draft before, and takes it after. */
void model_switch(struct model *m, size_t place);
/* The place of the next one (or, step -1, the one before), around the ends. */
size_t model_next(const struct model *m, int step);
/* The place of the one to read next: the highest level, of those the one that has waited longest. The current place: nothing is unread. */
size_t model_next_active(const struct model *m);
/* Ends the conversation with a person; the one before becomes the current if it was that. Those with the server and the group stay, and (false) one with a line that waits. */
bool model_close(struct model *m, size_t place);
/* Nobody looks at the terminal: from now on what comes is unread in the current conversation too; or somebody does again: it is read. */
void model_set_watched(struct model *m, bool is_watched);

/* false: no memory; the old one stays. */
bool conversation_keep_draft(struct conversation *c, struct slice text, size_t cursor);

/* Lines */

/* The line with that number, c->first <= number < c->end. Valid until something is added to the model. */
const struct said *conversation_line(const struct conversation *c, uint64_t number);
/* The last line before the number that has all of text in it, no matter in which case; NO_LINE: there is none. */
uint64_t conversation_search(const struct conversation *c, uint64_t before, struct slice text);

/* Each returns the line's number; NO_LINE: no memory, it is lost. Longer texts than UINT32_MAX are cut. */
uint64_t model_add_notice(
    struct model *m, struct conversation *c, int64_t time_ms, struct slice text);
/* is_mention, and what is unread, follow from sender and text. */
uint64_t model_add_other(struct model *m, struct conversation *c, int64_t time_ms,
    struct slice sender, struct slice text);
/* One's own; it waits until model_note_waiting() says that it is sent. */
uint64_t model_add_mine(
    struct model *m, struct conversation *c, int64_t time_ms, struct slice text);
/* From the history file, the oldest first; before there is anything else in c. */
uint64_t model_add_old(struct model *m, struct conversation *c, int64_t time_ms,
    enum said_kind kind, enum said_state state, struct slice sender, struct slice text);
/* All lines of c go. */
void model_forget(struct model *m, struct conversation *c);

/* What becomes of one's own lines */

/* The session has that many texts that are not sent (session_waiting_texts()): the older ones are. true: something has changed. */
bool model_note_waiting(struct model *m, size_t waiting);
/*
 * The session says what became of a text to target (empty: the group): the last line that was sent to it with this text gets the state. A CNT names no
 * message, but session.c tells which texts can be meant, and of equal texts the last ones are those that can still be refused. Returns the conversation
 * (number_r: the line); NULL: there is none.
 */
struct conversation *model_note_state(struct model *m, struct slice target, struct slice text,
    enum said_state state, uint64_t *number_r);
/* The next line of c that waits, from the number on; NO_LINE: there is none. */
uint64_t conversation_waiting(const struct conversation *c, uint64_t from);
/* The next line of c that was not delivered, from the number on; NO_LINE: there is none. */
uint64_t conversation_undelivered(const struct conversation *c, uint64_t from);
/* It was sent again, as another line. */
void model_note_repeated(struct model *m, struct conversation *c, uint64_t number);

#endif
