/* options.h: messager's command line (docs/man/messager.1). One table; the help is made from it. */
#ifndef CLIENT_OPTIONS_H
#define CLIENT_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/slice.h"
#include "client/why.h"

enum {
	HOST_SIZE = 256, /* a DNS name or an address, and NUL */
	PORT_SIZE = 6,
	NAME_SENT_MAX_LEN = 255, /* more than ours allow: other servers have other rules */
};

#define DEFAULT_PORT "18443" /* protocol.md, 1 */

/* Where a server is; both in the form that getaddrinfo() takes. */
struct server_name {
	char host[HOST_SIZE]; /* lower case, an IPv6 address without its brackets; "": not said */
	char port[PORT_SIZE];
};

/* Strings point into argv; NULL or false: not given. */
struct options {
	struct server_name server;
	const char *server_typed; /* as which it was said: it may be a short name (settings.h) */
	const char *user;
	const char *target;
	bool sign_up;
	const char *password_file;
	const char *password_command;
	const char **uploads; /* upload_count of them */
	size_t upload_count;
	bool download;
	bool plain;
	const char *fingerprint;
	bool trust_first;
	const char *ca_file;
	const char *downloads_folder;
	bool no_color;
	bool has_account; /* the settings know the user: whether to sign up is no question */
	bool version;
	bool help;
};

/*
 * Reads the command line. false: why_r is a sentence for a person. Either way options_clear() is due.
 * --version and --help are only marked; the rest of the line is judged all the same, unless one of them came before.
 */
bool options_parse(int argc, const char *const argv[], struct options *o, struct why *why_r);
void options_clear(struct options *o);

/* What --help says. */
void options_help(FILE *out);

/*
 * Reads HOST, HOST:PORT, [IPV6] or [IPV6]:PORT; an IPv6 address without brackets has no port. false: it is none of these.
 */
bool server_name_parse(const char *text, struct server_name *name_r);

/* HOST:PORT, with brackets around an IPv6 address. Returns out. */
enum { SERVER_TEXT_SIZE = HOST_SIZE + PORT_SIZE + 4 };
char *server_name_text(const struct server_name *name, char out[static SERVER_TEXT_SIZE]);

/* True for a word that can be sent as a name: not empty, no spaces, no control bytes. Whether it may be one says the server. */
bool name_can_be_sent(struct slice name);

#endif
