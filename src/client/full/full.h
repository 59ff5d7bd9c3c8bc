/*
 * full.h: the client as a full screen. full.c has the loop, keys.c what is typed, welcome.c what is asked until the session stands, talk.c the session,
 * orders.c the commands. What is known is model.h's, how it looks view.h's, where it is shown face.h's. One thread.
 */
#ifndef CLIENT_FULL_FULL_H
#define CLIENT_FULL_FULL_H

#include <signal.h>
#include <stdbool.h>

#include "client/commands.h"
#include "client/contact.h"
#include "client/full/face.h"
#include "client/full/history.h"
#include "client/full/input.h"
#include "client/full/model.h"
#include "client/full/notice.h"
#include "client/full/notify.h"
#include "client/full/view.h"
#include "client/options.h"
#include "client/password.h"
#include "client/session.h"
#include "client/settings.h"
#include "client/transfer.h"

enum {
	FULL_WORDS_SIZE = 256,
	FULL_PROMPT_SIZE = 300,
	FULL_TEXT_MAX_LEN = 16 * 1024,        /* of one message; the server gets it in pieces */
	FULL_WAITING_MAX_BYTES = 1024 * 1024, /* of texts that are not sent yet */
};

/* What the next line answers, if it is no message. */
enum full_question {
	QUESTION_NOTHING,
	QUESTION_SERVER,
	QUESTION_TRUST,
	QUESTION_SIGN_UP,
	QUESTION_USER,
	QUESTION_PASSWORD,
	QUESTION_PASSWORD_AGAIN,
	QUESTION_RETRY,
	QUESTION_TARGET,
	QUESTION_FILE,
	QUESTION_KEEP,
};

struct full {
	struct options *options;
	struct settings *settings;
	struct password *password;
	struct contact *contact;
	struct session *session; /* of the contact */
	struct face *face;
	sigset_t wait_mask;

	struct model model;
	struct input input;
	struct view view;
	struct cells cells;
	bool is_stale;    /* the picture is not what it should be */
	bool must_redraw; /* nor is what the terminal shows */

	enum full_question question;
	enum full_question guided; /* the last one that was asked; its guide is not said twice */
	bool knows_sign_up;
	bool sign_up;
	size_t user_len;
	char user[SESSION_NAME_MAX_LEN];

	bool has_talked; /* there was a session */
	char refusal
	    [FULL_WORDS_SIZE]; /* the server's last words on a message that was not delivered */
	bool was_nonsense_told;
	size_t names_wanted; /* answers to come that the person has asked for */
	uint64_t
	    ask_names_ms; /* when to ask who is online, for those who have missed something; UINT64_MAX: never */
	uint64_t names_asked_ms, names_ms; /* when that was last asked, and answered */
	size_t tab_end;    /* Tab found no name: the length of the line then, and one; 0: it did */
	bool is_tab_again; /* it looks once more, among the names that have come since */
	struct buffer online; /* names, separated by spaces: those of the last answer */
	bool is_doubtful;     /* what is typed is like a command; submitted once more it is sent */

	struct transfer transfer;
	char transfer_text[TRANSFER_PROMPT_SIZE];
	char paste_path
	    [FILENAME_PATH_SIZE]; /* of a paste that is sent as a file, to be removed then; "": none */
	struct history history;

	enum focus focus;
	uint64_t rung_ms;
	struct notify notify;

	size_t query_len; /* of what is searched for in the conversation */
	char query[INPUT_QUERY_SIZE];

	char lost_text[WHY_SIZE]; /* why there is no connection; "": there is one */
	uint64_t shown_ms;        /* when the seconds to that were last shown */
	uint64_t retry_ms;        /* when the next attempt to connect begins by itself */
	uint64_t hurried_ms;      /* when a key last began one */
	char state_text[FULL_WORDS_SIZE];
	char server_text[SERVER_TEXT_SIZE];
	char prompt[FULL_PROMPT_SIZE];

	size_t unsent_told; /* so many unsent texts have kept the person from leaving */
	bool is_quitting;
	bool is_over;
	bool was_refused; /* a log-in */
	bool was_asked;   /* server or name were typed, so they may be worth keeping */
	bool has_undelivered;
	bool was_line_end_told;
	enum exit_status status;
	char end_text[WHY_SIZE]; /* said once more when the screen is gone */
	int signal;              /* that ends the process; 0: none */
};

/*
 * Runs the client to its end at this face, which is the caller's. options are changed where the person says more; password is set if the options had one.
 * Returns what the process ends with, or ends it by the signal that asked for it.
 */
enum exit_status full_run(struct options *options, struct settings *settings,
    struct password *password, struct face *face);

/* full.c */

/* A notice in the current conversation, of one or more lines. Foreign text comes in full_say_text() only, after the words. */
void full_say(struct full *f, const char *format, ...) __attribute__((format(printf, 2, 3)));
void full_say_text(struct full *f, struct slice foreign, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* A notice in another one. */
void full_say_in(struct full *f, struct conversation *c, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The tell() of a transfer_user or a muting_user whose ctx is f: a notice in the current conversation. */
void full_tell(void *ctx, const char *words, struct slice foreign);
void full_no_memory(struct full *f);
/* Gives the terminal back as it was found, and takes it again; ctx is f. */
void full_leave(void *ctx);
void full_enter(void *ctx);
/* What the options, and by them the settings, say need not be asked for. */
void full_take_options(struct full *f);

/* keys.c */

void full_take(struct full *f, const struct face_event *event);
/* C-c: takes back what is nearest at hand, and never leaves. */
void full_interrupt(struct full *f);
/* What stands before the line being typed, which is emptied: a question's, or (NULL) the conversation's. */
void full_prompt(struct full *f, const char *question, bool is_secret);
/* What is being typed stays with the conversation, unless it answers a question. */
void full_keep_draft(struct full *f);
/* Shows another conversation; what is being typed stays with the one that is left. */
void full_switch(struct full *f, size_t place);

/* welcome.c */

/* Begins: connects, or asks where to. */
void full_begin(struct full *f);
void full_ask(struct full *f, enum full_question question);
/* The line answers the question. */
void full_answer(struct full *f, struct slice line);
/* Takes a question back that the person need not answer. false: there is none, or it must be answered. */
bool full_unask(struct full *f);
void full_on_contact_event(void *ctx, const struct contact_event *event);

/* talk.c */

/* There is a session, for the first time: what is said is kept from now on. */
void full_history_begin(struct full *f);
/* What was never sent is noted as such. */
void full_history_end(struct full *f);
void full_talk_begin(struct full *f);
/* Asks who is online, for Tab. */
void full_ask_names(struct full *f);
/* Tab was pressed after so many bytes. If it has found nobody, or long after the last answer, it is asked again; if nobody, Tab is repeated at the answer. */
void full_tab_names(struct full *f, size_t typed_len, bool is_found);
void full_answer_target(struct full *f, struct slice line);
void full_on_session_event(void *ctx, const struct session_event *event);
/* Sends a text to the current conversation. false: it was not taken, and the person was told why. */
bool full_message(struct full *f, struct slice text);
/* Opens the conversation with somebody and shows it. false: nobody can have that name. */
bool full_talk_to(struct full *f, struct slice name);
/* Sends again what the person of the current conversation has missed. */
void full_resend(struct full *f);
/* Time has passed. */
void full_talk_step(struct full *f);
uint64_t full_deadline_ms(const struct full *f);

/* orders.c */

void full_order(struct full *f, enum command_id id, struct slice arguments);
void full_quit(struct full *f);
/* Sends what was pasted as a file. false: it has not begun, and the person was told why. */
bool full_send_paste(struct full *f, struct slice text);
void full_answer_file(struct full *f, struct slice line);
/* Removes the file of a paste that was sent. */
void full_drop_paste(struct full *f);
/* complete.c: an input_complete_fn whose ctx is f: commands, people, after :upload: files */
void full_complete(void *ctx, struct slice before, size_t *from_r, struct buffer *candidates);

#endif
