/*
 * settings.h: what a person has set for messager, in $XDG_CONFIG_HOME/messager/config (by default ~/.config): settings for all servers, then a
 * section for each server under the short name that it is called by (`messager work`). One table of rows (settings.c); the format is that
 * of inih. The command line wins over the file. docs/man/messager.1 has them all.
 *
 *	server = work
 *	colors = dark
 *
 *	[work]
 *	host = chat.example.org
 *	user = alice
 *	password_command = pass show chat
 *
 * Blocking file calls; one thread.
 */
#ifndef CLIENT_SETTINGS_H
#define CLIENT_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "client/folder.h"
#include "client/options.h"
#include "client/why.h"

enum {
	SETTING_SIZE = 1024,          /* of a text, with its NUL; a line of the file has less */
	SETTINGS_SHORT_NAME_MAX = 48, /* characters; inih knows no longer names of sections */
	SETTINGS_SHORT_NAME_SIZE = 64,
	SETTINGS_MAX_SERVERS = 200,
	SETTINGS_FILE_MAX_BYTES = 256 * 1024,
};

enum colors { COLORS_AUTO, COLORS_LIGHT, COLORS_DARK, COLORS_OFF };

/* A section. Empty texts are not set. */
struct settings_server {
	char name[SETTINGS_SHORT_NAME_SIZE];
	char host[HOST_SIZE + PORT_SIZE + 4]; /* HOST or HOST:PORT */
	char user[NAME_SENT_MAX_LEN + 1];
	char password_command[SETTING_SIZE];
	char password_file[SETTING_SIZE];
	char fingerprint[FINGERPRINT_SIZE];
	char ca[SETTING_SIZE];
};

struct settings {
	char server
	    [SETTINGS_SHORT_NAME_SIZE]; /* the short name of the one that is meant if none is said */
	enum colors colors;
	bool bell;
	bool osc9;
	char notify[SETTING_SIZE]; /* a command; command_split() takes it apart */
	bool log;
	char downloads[SETTING_SIZE];

	struct settings_server **servers; /* server_count of them */
	size_t server_count;
	bool has_file;
	char path[FOLDER_PATH_SIZE]; /* of the file; "": there is no home folder */
};

/* Reads the file, if there is one. false: why names file, line and key, or what is wrong with the file. Either way settings_clear() is due. */
bool settings_load(struct settings *s, struct why *why);
void settings_clear(struct settings *s);

/* The server with that short name, or with that HOST or HOST:PORT; NULL: none. Valid until settings_clear(). */
const struct settings_server *settings_find(const struct settings *s, const char *name);

/*
 * Fills in what the command line has left open: the server by its short name, then what its section says, then the settings for all. Strings of
 * options point into the settings afterwards. The user of a section comes with its password; another user does not get it. false: what was typed as a server is
 * neither a short name nor a HOST.
 */
bool settings_apply(const struct settings *s, struct options *options, struct why *why);

/*
 * Adds a server to the file, and makes the file (0600) and its folder (0700) where needed; as a whole, so nobody ever reads half of it. If name_r is
 * empty, one is made from the host. The first one becomes the one that is meant if none is said. A server that is there already stays as it is.
 * false: why says it; the file is as it was.
 */
bool settings_remember(struct settings *s, const struct server_name *server, struct slice user,
    char name_r[static SETTINGS_SHORT_NAME_SIZE], struct why *why);

#endif
