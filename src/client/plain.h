/*
 * plain.h: the client that speaks in lines, at a terminal or in a pipe. plain.c has the loop and the input, greet.c what is asked
 * until the session stands, talk.c the session, errands.c the files of the command line. One thread.
 */
#ifndef CLIENT_PLAIN_H
#define CLIENT_PLAIN_H

#include <signal.h>
#include <stdbool.h>

#include "base/buffer.h"
#include "base/list.h"
#include "client/contact.h"
#include "client/options.h"
#include "client/password.h"
#include "client/screen.h"
#include "client/session.h"
#include "client/settings.h"
#include "client/transfer.h"

/* What the next line answers, if it is no message. */
enum question {
	ASK_NOTHING,
	ASK_SERVER,
	ASK_TRUST,
	ASK_SIGN_UP,
	ASK_USER,
	ASK_PASSWORD,
	ASK_TARGET,
	ASK_FILE,
};

enum { TARGET_MAX_LEN = SESSION_NAME_MAX_LEN, REFUSAL_SIZE = 128 };

struct plain {
	struct options *options;
	const struct settings *settings;
	bool is_interactive; /* a person is asked and answers */
	struct screen screen;
	sigset_t wait_mask;
	struct contact *contact;
	struct session *session; /* of the contact */
	struct password *password;

	struct buffer input; /* read, not yet looked at */
	bool input_has_ended;
	bool is_in_long_line; /* its beginning is sent already */

	enum question question;
	bool knows_sign_up;
	bool sign_up;
	bool password_was_typed;
	unsigned refusals; /* of log-ins */
	size_t user_len;
	char user[SESSION_NAME_MAX_LEN];

	bool has_talked;   /* there was a session */
	bool has_target;   /* else what is typed is kept */
	bool wants_target; /* ask once the line being typed is complete */
	size_t target_len; /* of the present or the last target */
	char target[TARGET_MAX_LEN];
	struct list kept; /* struct outgoing: texts for the next target */
	char
	    refusal[REFUSAL_SIZE]; /* the server's last words on a message that was not delivered */
	bool was_nonsense_told;

	struct transfer transfer;
	size_t uploads_done; /* of those on the command line */
	bool download_done;

	bool is_quitting;
	bool is_over;
	bool has_undelivered;
	enum exit_status status;
	int signal; /* that ends the process; 0: none */
};

/*
 * Runs the client to its end. options are changed where the person says more; password is set if the options had one.
 * Returns what the process ends with, or ends it by the signal that asked for it.
 */
enum exit_status plain_run(
    struct options *options, const struct settings *settings, struct password *password);

/* What the options, and by them the settings, say need not be asked for. */
void plain_take_options(struct plain *p);
/* Gives the terminal back as it was found, and takes it again; ctx is p. */
void plain_leave(void *ctx);
void plain_enter(void *ctx);

/* The tell() of a transfer_user or a muting_user whose ctx is p: shows it as a notice. */
void plain_tell(void *ctx, const char *words, struct slice foreign);

/* greet.c */

/* Begins: connects, or asks where to. */
void greet_begin(struct plain *p);
void greet_on_event(void *ctx, const struct contact_event *event);
/* Asks at a terminal; in a pipe the next line is the answer. */
void greet_ask(struct plain *p, enum question question);
/* The line answers the question. */
void greet_answer(struct plain *p, struct slice line);

/* errands.c: what the command line asks for instead of a talk: --upload, --download */

bool errands_are_all(const struct plain *p);
/* Goes on with the next, or leaves. Not within an event. */
void errands_step(struct plain *p);

/* talk.c */

void talk_begin(struct plain *p);
void talk_on_event(void *ctx, const struct session_event *event);
/* A line that answers no question: a command or a message. */
void talk_line(struct plain *p, struct slice line);
/* A message whatever it begins with. */
void talk_message(struct plain *p, struct slice text);
void talk_target_answer(struct plain *p, struct slice line);
/* Whom messages and files go to now; empty: nobody. */
struct slice talk_target(const struct plain *p);
/* The prompt of the session. */
void talk_prompt(struct plain *p);
/* Asks for a target as soon as no line is being typed. */
void talk_ask_if_wanted(struct plain *p);
void talk_quit(struct plain *p);

#endif
