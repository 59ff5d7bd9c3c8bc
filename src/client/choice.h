/*
 * choice.h: the server that a person types when asked for it: a short name of the settings, HOST or HOST:PORT. What the settings say of
 * it counts as it does after `messager NAME`: user, key, authorities, password. One thread.
 */
#ifndef CLIENT_CHOICE_H
#define CLIENT_CHOICE_H

#include "client/contact.h"
#include "client/options.h"
#include "client/password.h"
#include "client/settings.h"

struct choice {
	const struct settings *settings;
	struct options *options; /* filled in; strings of them point into the settings */
	struct contact *contact; /* made with these options, and idle */
	struct password *password;
	/* A command that says the password may want the terminal: gives it back as it was found, and takes it again. */
	void (*leave)(void *ctx);
	void (*enter)(void *ctx);
	void *ctx;
};

/*
 * Takes the server; without a word it is localhost. May run the command of its section, and wait for it: password.h. false, with a sentence for the
 * person: it can't be taken, and all is as it was. true: why may hold a warning, else it is "".
 */
bool choice_take(const struct choice *c, struct slice line, struct why *why);

#endif
