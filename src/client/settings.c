#include "client/settings.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ini.h>

#include "base/buffer.h"
#include "client/password.h"
#include "client/settings_file.h"

enum row_type {
	ROW_PATH,        /* char[size]: ~/ at its start is the home folder */
	ROW_COMMAND,     /* char[size]: command_split() can take it apart */
	ROW_NAME,        /* char[size]: can be sent as a name */
	ROW_SHORT,       /* char[size]: the name of a section */
	ROW_HOST,        /* char[size]: HOST or HOST:PORT */
	ROW_FINGERPRINT, /* char[FINGERPRINT_SIZE] */
	ROW_YES,         /* bool: yes or no */
	ROW_COLORS,      /* enum colors */
};

#define FOR_ALL(member) offsetof(struct settings, member), sizeof(((struct settings *)NULL)->member)
#define FOR_ONE(member)                                                                            \
	offsetof(struct settings_server, member), sizeof(((struct settings_server *)NULL)->member)

static const struct row {
	const char *key;
	bool is_of_server;
	enum row_type type;
	size_t offset, size;
} rows[] = {
	{ "server", false, ROW_SHORT, FOR_ALL(server) },
	{ "colors", false, ROW_COLORS, FOR_ALL(colors) },
	{ "bell", false, ROW_YES, FOR_ALL(bell) },
	{ "osc9", false, ROW_YES, FOR_ALL(osc9) },
	{ "notify", false, ROW_COMMAND, FOR_ALL(notify) },
	{ "log", false, ROW_YES, FOR_ALL(log) },
	{ "downloads", false, ROW_PATH, FOR_ALL(downloads) },
	{ "host", true, ROW_HOST, FOR_ONE(host) },
	{ "user", true, ROW_NAME, FOR_ONE(user) },
	{ "password_command", true, ROW_COMMAND, FOR_ONE(password_command) },
	{ "password_file", true, ROW_PATH, FOR_ONE(password_file) },
	{ "fingerprint", true, ROW_FINGERPRINT, FOR_ONE(fingerprint) },
	{ "ca", true, ROW_PATH, FOR_ONE(ca) },
};

/* One value */

static bool short_name_is_valid(const char *name)
{
	size_t len = strlen(name);
	for (size_t i = 0; i < len; i++) {
		if (!isalnum((unsigned char)name[i]) && strchr("-_.", name[i]) == NULL)
			return false;
	}
	return len > 0 && len < SETTINGS_SHORT_NAME_MAX && name[0] != '-';
}

static bool take_text(char *to, size_t size, const char *value, const char *prefix, struct why *why)
{
	int len = snprintf(to, size, "%s%s", prefix, value);
	return (len >= 0 && (size_t)len < size) ||
	       why_fail(why, "must have less than %zu bytes", size - strlen(prefix));
}

static bool take_path(char *to, size_t size, const char *value, struct why *why)
{
	const char *home = getenv("HOME");
	if (strncmp(value, "~/", 2) != 0)
		return take_text(to, size, value, "", why);
	if (home == NULL || home[0] != '/')
		return why_fail(why, "must not begin with ~ where there is no home folder");
	return take_text(to, size, value + 1, home, why);
}

static bool take_command(char *to, size_t size, const char *value, struct why *why)
{
	struct why reason;
	char **words = value[0] != '\0' ? command_split(value, &reason) : NULL;
	if (words == NULL && value[0] != '\0')
		return why_fail(why, "must be a command whose quotes are closed");
	free(words);
	return take_text(to, size, value, "", why);
}

/* The index of the word; -1: it is none of these. */
static int choose(const char *value, const char *const *words)
{
	for (int i = 0; words[i] != NULL; i++) {
		if (strcmp(words[i], value) == 0)
			return i;
	}
	return -1;
}

static bool take_value(const struct row *row, void *field, const char *value, struct why *why)
{
	static const char *const yes_words[] = { "no", "yes", NULL };
	static const char *const color_words[] = { "auto", "light", "dark", "off", NULL };
	struct server_name server;
	int choice;
	switch (row->type) {
	case ROW_PATH:
		return take_path(field, row->size, value, why);
	case ROW_COMMAND:
		return take_command(field, row->size, value, why);
	case ROW_NAME:
		if (!name_can_be_sent(slice_str(value)))
			return why_fail(why, "must be a name without spaces");
		return take_text(field, row->size, value, "", why);
	case ROW_SHORT:
		if (!short_name_is_valid(value))
			return why_fail(why, "must be the name of a [section] below");
		return take_text(field, row->size, value, "", why);
	case ROW_HOST:
		if (!server_name_parse(value, &server))
			return why_fail(why, "must be HOST or HOST:PORT");
		return take_text(field, row->size, value, "", why);
	case ROW_FINGERPRINT:
		return fingerprint_read(value, field) ||
		       why_fail(why, "must be sha256: and 64 hex digits");
	case ROW_YES:
		choice = choose(value, yes_words);
		*(bool *)field = choice == 1;
		return choice >= 0 || why_fail(why, "must be yes or no");
	case ROW_COLORS:
		choice = choose(value, color_words);
		*(enum colors *)field = choice >= 0 ? (enum colors)choice : COLORS_AUTO;
		return choice >= 0 || why_fail(why, "must be auto, light, dark or off");
	}
	return false;
}

/* The file */

struct reading {
	struct settings *settings;
	struct why *why;
	struct slice rest; /* what was not read yet */
	int line;          /* the number of the last line that was read */
	bool has_failed;   /* why says it */
};

static void blame(struct reading *r, const char *what)
{
	if (!r->has_failed)
		why_fail(r->why, "%s:%d: %s", r->settings->path, r->line, what);
	r->has_failed = true;
}

/*
 * Hands inih one line at a time: it would read the rest of a line that is too long for it as a line of its own, cut a long section's name, and take a line that
 * begins with a blank for more of the one before.
 */
static char *read_line(char *to, int size, void *arg)
{
	struct reading *r = arg;
	if (r->rest.len == 0 || r->has_failed)
		return NULL;
	r->line++;
	const char *end = memchr(r->rest.ptr, '\n', r->rest.len);
	struct slice line =
	    slice_of(r->rest.ptr, end != NULL ? (size_t)(end - r->rest.ptr) : r->rest.len);
	r->rest = slice_skip(r->rest, line.len + (end != NULL));
	while (line.len > 0 && strchr(" \t\r", line.ptr[0]) != NULL && line.ptr[0] != '\0')
		line = slice_skip(line, 1);
	if (slice_begins(line, SLICE(";")) || slice_begins(line, SLICE("#")))
		line.len = 0;
	if (line.len > 0 && memchr(line.ptr, '\0', line.len) != NULL)
		blame(r, "there is a NUL byte in this line; is it a text file?");
	else if (line.len + 2 > (size_t)size)
		blame(r, "this line is too long");
	else if (slice_begins(line, SLICE("[")) && line.len >= SETTINGS_SHORT_NAME_MAX + 2)
		blame(r, "this name of a server is too long");
	if (r->has_failed)
		return NULL;
	memcpy(to, line.ptr, line.len);
	memcpy(to + line.len, "\n", 2);
	return to;
}

static struct settings_server *server_named(const struct settings *s, const char *name)
{
	for (size_t i = 0; i < s->server_count; i++) {
		if (strcmp(s->servers[i]->name, name) == 0)
			return s->servers[i];
	}
	return NULL;
}

static struct settings_server *server_add(struct settings *s, const char *name)
{
	if (s->server_count == SETTINGS_MAX_SERVERS)
		return NULL;
	struct settings_server **grown =
	    realloc(s->servers, (s->server_count + 1) * sizeof(struct settings_server *));
	if (grown == NULL)
		return NULL;
	s->servers = grown;
	struct settings_server *server = calloc(1, sizeof(*server));
	if (server == NULL)
		return NULL;
	snprintf(server->name, sizeof(server->name), "%s", name);
	s->servers[s->server_count++] = server;
	return server;
}

static const struct row *row_find(const char *key, bool is_of_server)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (strcmp(rows[i].key, key) == 0 && rows[i].is_of_server == is_of_server)
			return &rows[i];
	}
	return NULL;
}

static int take_pair(void *arg, const char *section, const char *key, const char *value)
{
	struct reading *r = arg;
	bool is_of_server = section[0] != '\0';
	void *base = r->settings;
	char words[WHY_SIZE / 2];
	struct why reason;
	if (r->has_failed)
		return 0;
	if (is_of_server) {
		base = server_named(r->settings, section);
		if (base == NULL && short_name_is_valid(section))
			base = server_add(r->settings, section);
	}
	const struct row *row = row_find(key, is_of_server);
	if (base == NULL) {
		blame(r, "this can't be the name of a server: letters, digits, - _ and .");
	} else if (row == NULL) {
		snprintf(words, sizeof(words), "there is no setting %.100s %s", key,
		    is_of_server ? "of a server" : "for all servers");
		blame(r, words);
	} else if (!take_value(row, (char *)base + row->offset, value, &reason)) {
		snprintf(words, sizeof(words), "%s = %.100s: %.200s", key, value, reason.text);
		blame(r, words);
	}
	return !r->has_failed;
}

/* What only shows when all is read. */
static bool judge(const struct settings *s, struct why *why)
{
	for (size_t i = 0; i < s->server_count; i++) {
		const struct settings_server *server = s->servers[i];
		if (server->host[0] == '\0')
			return why_fail(why, "%s: [%s] has no host", s->path, server->name);
		if (server->password_file[0] != '\0' && server->password_command[0] != '\0')
			return why_fail(why,
			    "%s: [%s] has a password_file and a password_command; one is enough",
			    s->path, server->name);
	}
	if (s->server[0] != '\0' && server_named(s, s->server) == NULL)
		return why_fail(why, "%s: server = %s: there is no section [%s]", s->path,
		    s->server, s->server);
	return true;
}

static bool parse(struct settings *s, struct slice content, struct why *why)
{
	struct reading r = { .settings = s, .why = why, .rest = content };
	int fault = ini_parse_stream(read_line, &r, take_pair, &r);
	if (r.has_failed)
		return false;
	if (fault > 0)
		return why_fail(why, "%s:%d: this is no [section], no KEY = VALUE and no ; comment",
		    s->path, fault);
	return fault == 0 ? judge(s, why) : why_fail(why, "%s: no memory", s->path);
}

bool settings_load(struct settings *s, struct why *why)
{
	struct buffer content = { 0 };
	*s = (struct settings){ .bell = true, .osc9 = true, .log = true };
	struct why reason;
	if (!folder_config_path("config", s->path, &reason)) {
		s->path[0] = '\0';
		return true;
	}
	enum settings_file found = settings_file_read(s->path, &content, why);
	s->has_file = found == SETTINGS_FILE_READ;
	bool ok =
	    found == SETTINGS_FILE_NONE || (s->has_file && parse(s, buffer_slice(&content), why));
	buffer_clear(&content);
	return ok;
}

void settings_clear(struct settings *s)
{
	for (size_t i = 0; i < s->server_count; i++)
		free(s->servers[i]);
	free(s->servers);
	s->servers = NULL;
	s->server_count = 0;
}

/* Servers */

static bool is_at(const struct settings_server *server, const struct server_name *name)
{
	struct server_name known;
	return server_name_parse(server->host, &known) && strcmp(known.host, name->host) == 0 &&
	       strcmp(known.port, name->port) == 0;
}

const struct settings_server *settings_find(const struct settings *s, const char *name)
{
	struct server_name server;
	const struct settings_server *found = server_named(s, name);
	if (found != NULL || !server_name_parse(name, &server))
		return found;
	for (size_t i = 0; i < s->server_count; i++) {
		if (is_at(s->servers[i], &server))
			return s->servers[i];
	}
	return NULL;
}

static const char *or_set(const char *option, const char *setting)
{
	return option != NULL || setting[0] == '\0' ? option : setting;
}

static void apply_server(const struct settings_server *server, struct options *o)
{
	bool is_user =
	    o->user == NULL || server->user[0] == '\0' || strcmp(o->user, server->user) == 0;
	o->user = or_set(o->user, server->user);
	o->has_account = is_user && server->user[0] != '\0' && !o->sign_up;
	if (is_user && o->password_file == NULL && o->password_command == NULL) {
		o->password_file = or_set(NULL, server->password_file);
		o->password_command = or_set(NULL, server->password_command);
	}
	if (o->fingerprint == NULL && o->ca_file == NULL) {
		o->fingerprint = or_set(NULL, server->fingerprint);
		o->ca_file = or_set(NULL, server->ca);
	}
}

bool settings_apply(const struct settings *s, struct options *o, struct why *why)
{
	const char *wanted = or_set(o->server_typed, s->server);
	const struct settings_server *server = wanted != NULL ? settings_find(s, wanted) : NULL;
	if (server != NULL) {
		if (!server_name_parse(server->host, &o->server))
			return why_fail(why, "%.200s is no HOST or HOST:PORT", server->host);
		apply_server(server, o);
	}
	o->downloads_folder = or_set(o->downloads_folder, s->downloads);
	o->no_color = o->no_color || s->colors == COLORS_OFF;
	return true;
}

/* A server is remembered */

/* A short name that is still free: the host's first word. */
static void name_server(const struct settings *s, const struct server_name *server,
    char name_r[static SETTINGS_SHORT_NAME_SIZE])
{
	char base[SETTINGS_SHORT_NAME_MAX - 5];
	size_t len = strcspn(server->host, ".:");
	bool is_address = strchr(server->host, ':') != NULL ||
			  strspn(server->host, "0123456789.") == strlen(server->host);
	snprintf(base, sizeof(base), "%.*s", (int)len, server->host);
	if (is_address || !short_name_is_valid(base))
		snprintf(base, sizeof(base), "server");
	snprintf(name_r, SETTINGS_SHORT_NAME_SIZE, "%s", base);
	for (int i = 2; server_named(s, name_r) != NULL; i++)
		snprintf(name_r, SETTINGS_SHORT_NAME_SIZE, "%s-%d", base, i);
}

/* The server of that name is the same; NULL: there is none. */
static const struct settings_server *same_server(
    const struct settings *s, const struct server_name *server, struct slice user)
{
	for (size_t i = 0; i < s->server_count; i++) {
		if (is_at(s->servers[i], server) &&
		    slice_equal(slice_str(s->servers[i]->user), user))
			return s->servers[i];
	}
	return NULL;
}

static bool add_section(const struct settings *s, struct buffer *content, const char *name,
    const struct server_name *server, struct slice user)
{
	struct buffer old = *content;
	char host[SERVER_TEXT_SIZE];
	bool is_first = s->server[0] == '\0';
	*content = (struct buffer){ 0 };
	bool ok =
	    (s->has_file || buffer_printf(content,
				"; The settings of messager; man messager has them all.\n")) &&
	    (!is_first || buffer_printf(content, "server = %s\n", name)) &&
	    buffer_append_slice(content, buffer_slice(&old)) &&
	    (old.len == 0 || slice_ends(buffer_slice(&old), SLICE("\n")) ||
		buffer_append_slice(content, SLICE("\n"))) &&
	    buffer_printf(content, "\n[%s]\nhost = %s\nuser = %.*s\n", name,
		server_name_text(server, host), (int)user.len, user.ptr);
	buffer_clear(&old);
	return ok;
}

/* What is in the file now is what counts: another client may have written it since. */
static bool write_remembered(const struct settings *now, const struct server_name *server,
    struct slice user, char name_r[static SETTINGS_SHORT_NAME_SIZE], struct why *why)
{
	struct buffer content = { 0 };
	const struct settings_server *known = same_server(now, server, user);
	if (known != NULL) {
		snprintf(name_r, SETTINGS_SHORT_NAME_SIZE, "%s", known->name);
		return true;
	}
	if (!short_name_is_valid(name_r) || server_named(now, name_r) != NULL)
		name_server(now, server, name_r);
	bool ok =
	    (!now->has_file ||
		settings_file_read(now->path, &content, why) == SETTINGS_FILE_READ) &&
	    (add_section(now, &content, name_r, server, user) || why_fail(why, "no memory")) &&
	    settings_file_replace(now->path, buffer_slice(&content), why);
	buffer_clear(&content);
	return ok;
}

/* What others point to in the settings stays where it is. */
static void take_remembered(
    struct settings *s, const struct server_name *server, struct slice user, const char *name)
{
	struct settings_server *added = server_named(s, name) == NULL ? server_add(s, name) : NULL;
	s->has_file = true;
	if (added == NULL)
		return; /* it is in the file, which is what counts */
	server_name_text(server, added->host);
	snprintf(added->user, sizeof(added->user), "%.*s", (int)user.len, user.ptr);
	if (s->server[0] == '\0')
		snprintf(s->server, sizeof(s->server), "%s", name);
}

bool settings_remember(struct settings *s, const struct server_name *server, struct slice user,
    char name_r[static SETTINGS_SHORT_NAME_SIZE], struct why *why)
{
	if (s->path[0] == '\0')
		return why_fail(why, "there is no home folder");
	struct settings now = { 0 };
	int lock = settings_file_lock(s->path, why);
	bool ok = lock >= 0 && settings_load(&now, why) &&
		  write_remembered(&now, server, user, name_r, why);
	settings_clear(&now);
	if (lock >= 0)
		close(lock);
	if (ok)
		take_remembered(s, server, user, name_r);
	return ok;
}
