/*
 * settings.h: all settings of messagerd, from the defaults, a file and the command line (docs/configuration names them). Each is one
 * row of a table (settings_rows.c), which the parser and --print-config read. No globals; one thread at a time per struct.
 */
#ifndef SERVER_SETTINGS_H
#define SERVER_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/log.h"
#include "bus/config.h"
#include "chat/config.h"
#include "net/config.h"

#define SETTINGS_DEFAULT_PATH "/etc/messagerd/messagerd.conf"

enum {
	SETTINGS_WHY_SIZE = 1024, /* enough for every sentence in why */
	SETTINGS_TEXT_SIZE = 1024,
	SETTINGS_SOCKET_SIZE = 108, /* sun_path */
	SETTINGS_USER_SIZE = 65,
	SETTINGS_MAX_LISTEN = 16,
	SETTINGS_MAX_NETWORKS = 32,
};

/* Complete and within bounds once settings_load() has returned true. 0 means no limit wherever a limit may be off. */
struct settings {
	struct net_config net;
	struct chat_config chat;

	char listen[SETTINGS_TEXT_SIZE]; /* for settings_addresses() */
	char data[NET_PATH_SIZE];
	char user[SETTINGS_USER_SIZE];
	bool sandbox;
	uint64_t workers;  /* 0: one per core */
	uint64_t drain_ms; /* between the word to stop and the end */
	char store_url[SETTINGS_TEXT_SIZE];
	struct bus_config bus;
	char admin_socket[SETTINGS_SOCKET_SIZE];
	char metrics_listen[SETTINGS_TEXT_SIZE]; /* empty: off; for settings_addresses() */
	enum log_level log_level;
	enum log_format log_format;

	uint64_t kept; /* for settings_next_kept() */
};

/*
 * Reads the settings: the defaults, then the file, then each "SECTION.KEY=VALUE" of sets, then what is derived from others.
 *   path     the file; NULL: SETTINGS_DEFAULT_PATH, if there is one
 *   running  NULL at the start. When settings are read again: those in force, whose values are kept in s_r for all that need a
 *            restart
 *   s_r      changed only on true
 * Returns false with a sentence in why that names file, line and key, and what would be right. Blocks (reads a file).
 */
bool settings_load(const char *path, const char *const *sets, size_t set_count,
    const struct settings *running, struct settings *s_r, char *why, size_t why_size);

/*
 * After settings were read again: which are given differently now but need a restart, one per call. *cursor starts with 0.
 * Returns "SECTION.KEY", a constant, or NULL after the last.
 */
const char *settings_next_kept(const struct settings *s, unsigned *cursor);

/*
 * Writes a whole settings file, with explanations, that reads back to the same settings. (A value too long for a line
 * stands in it as a comment that tells how to give it.)
 */
void settings_print(const struct settings *s, FILE *to);

/* True if the certificate is the server's own, DATA/server.pem: it is made if it is missing. */
bool settings_certificate_is_own(const struct settings *s);

/* The addresses of a list in the settings (listen, metrics_listen). Returns how many. */
size_t settings_addresses(
    const char *list, struct sockaddr_storage addresses_r[static SETTINGS_MAX_LISTEN]);

#endif
