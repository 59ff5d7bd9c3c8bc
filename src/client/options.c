#include "client/options.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/text.h"

enum option_kind { FLAG, TEXT, TEXTS };

struct option_row {
	const char *name;
	const char *argument; /* NULL for a flag */
	enum option_kind kind;
	size_t offset; /* of the member in struct options */
	const char *help;
};

static const struct option_row rows[] = {
	{ "--user", "NAME", TEXT, offsetof(struct options, user), "log in as NAME" },
	{ "--to", "NAME", TEXT, offsetof(struct options, target), "talk to NAME" },
	{ "--sign-up", NULL, FLAG, offsetof(struct options, sign_up), "make the account first" },
	{ "--password-file", "FILE", TEXT, offsetof(struct options, password_file),
	    "the password is the first line of FILE" },
	{ "--password-command", "CMD", TEXT, offsetof(struct options, password_command),
	    "the password is the first line that CMD prints (no shell)" },
	{ "--upload", "FILE", TEXTS, offsetof(struct options, uploads),
	    "send FILE to the target and quit; may be given several times" },
	{ "--download", NULL, FLAG, offsetof(struct options, download),
	    "fetch the waiting files and quit" },
	{ "--plain", NULL, FLAG, offsetof(struct options, plain),
	    "lines instead of the full screen" },
	{ "--fingerprint", "sha256:HEX", TEXT, offsetof(struct options, fingerprint),
	    "trust the server only with this key or certificate" },
	{ "--trust-first", NULL, FLAG, offsetof(struct options, trust_first),
	    "trust and remember the key of a server that is not known yet" },
	{ "--ca", "FILE", TEXT, offsetof(struct options, ca_file),
	    "trust a server whose certificate FILE's authorities vouch for" },
	{ "--downloads", "DIR", TEXT, offsetof(struct options, downloads_folder),
	    "where downloads go" },
	{ "--no-color", NULL, FLAG, offsetof(struct options, no_color), "no colours" },
	{ "--version", NULL, FLAG, offsetof(struct options, version), "print the version" },
	{ "--help", NULL, FLAG, offsetof(struct options, help), "print this" },
};
enum { ROWS = sizeof(rows) / sizeof(*rows), HELP_COLUMN = 32 };

void options_help(FILE *out)
{
	fputs(
	    "Usage: messager [HOST[:PORT] | NAME] [OPTION]...\n"
	    "Talk to people on an SSL-Messager server. NAME is the short name of one in your settings\n"
	    "(~/.config/messager/config). What options and settings leave open is asked for.\n\n",
	    out);
	for (int i = 0; i < ROWS; i++) {
		int width = fprintf(out, "  %s%s%s", rows[i].name, rows[i].argument ? " " : "",
		    rows[i].argument ? rows[i].argument : "");
		fprintf(out, "%*s%s\n", width < HELP_COLUMN ? HELP_COLUMN - width : 1, "",
		    rows[i].help);
	}
	fputs("\nExit status: 0 quit, 1 connection or server error, 2 usage, 3 log-in refused,\n"
	      "4 the server's key is not the trusted one, 5 something was not delivered.\n"
	      "In the session :help: shows the commands.\n",
	    out);
}

bool name_can_be_sent(struct slice name)
{
	for (size_t i = 0; i < name.len; i++) {
		if (name.ptr[i] == ' ' || text_is_control(name.ptr[i]))
			return false;
	}
	return name.len > 0;
}

static bool port_is_valid(const char *port)
{
	size_t digits = strspn(port, "0123456789");
	if (digits == 0 || digits >= PORT_SIZE || port[digits] != '\0')
		return false;
	long number = strtol(port, NULL, 10);
	return number >= 1 && number <= UINT16_MAX;
}

bool server_name_parse(const char *text, struct server_name *name_r)
{
	const char *host = text, *end = text + strlen(text), *port = DEFAULT_PORT;
	const char *colon = strchr(text, ':');
	if (*text == '[') {
		host = text + 1;
		end = strchr(host, ']');
		if (end == NULL || (end[1] != '\0' && end[1] != ':'))
			return false;
		if (end[1] == ':')
			port = end + 2;
	} else if (colon != NULL && strchr(colon + 1, ':') == NULL) {
		end = colon;
		port = colon + 1;
	}
	size_t len = (size_t)(end - host);
	if (len >= HOST_SIZE || !name_can_be_sent(slice_of(host, len)) || *host == '-' ||
	    !port_is_valid(port))
		return false;
	for (size_t i = 0; i < len; i++)
		name_r->host[i] = (char)tolower((unsigned char)host[i]);
	name_r->host[len] = '\0';
	snprintf(name_r->port, PORT_SIZE, "%ld", strtol(port, NULL, 10));
	return true;
}

char *server_name_text(const struct server_name *name, char out[static SERVER_TEXT_SIZE])
{
	bool brackets = strchr(name->host, ':') != NULL;
	snprintf(out, SERVER_TEXT_SIZE, "%s%s%s:%s", brackets ? "[" : "", name->host,
	    brackets ? "]" : "", name->port);
	return out;
}

/* The row whose name the argument is, or begins with before a '='. value_r: what follows the '=', or NULL. */
static const struct option_row *row_find(const char *argument, const char **value_r)
{
	const char *equals = strchr(argument, '=');
	size_t len = equals == NULL ? strlen(argument) : (size_t)(equals - argument);
	*value_r = equals == NULL ? NULL : equals + 1;
	for (int i = 0; i < ROWS; i++) {
		if (strlen(rows[i].name) == len && memcmp(rows[i].name, argument, len) == 0)
			return &rows[i];
	}
	return NULL;
}

static bool add_upload(struct options *o, const char *file, int argc, struct why *why)
{
	if (o->uploads == NULL)
		o->uploads = calloc((size_t)argc, sizeof(*o->uploads));
	if (o->uploads == NULL)
		return why_fail(why, "out of memory");
	o->uploads[o->upload_count++] = file;
	return true;
}

/* Takes the option at argv[*at], and its value from there or from the next place. */
static bool take_option(
    struct options *o, int argc, const char *const argv[], int *at, struct why *why)
{
	const char *value;
	const struct option_row *row = row_find(argv[*at], &value);
	if (row == NULL)
		return why_fail(why, "there is no option %.200s", argv[*at]);
	void *member = (char *)o + row->offset;
	if (row->kind == FLAG) {
		*(bool *)member = true;
		return value == NULL || why_fail(why, "%s takes no value", row->name);
	}
	if (value == NULL && *at + 1 < argc)
		value = argv[++*at];
	if (value == NULL || *value == '\0')
		return why_fail(why, "%s needs a value", row->name);
	if (row->kind == TEXTS)
		return add_upload(o, value, argc, why);
	*(const char **)member = value;
	return true;
}

static bool take_host(struct options *o, const char *text, struct why *why)
{
	if (o->server.host[0] != '\0')
		return why_fail(why, "one server is enough; what is %.200s?", text);
	o->server_typed = text;
	return server_name_parse(text, &o->server) ||
	       why_fail(why, "%.200s is no HOST or HOST:PORT", text);
}

static bool judge(const struct options *o, struct why *why)
{
	if (o->user != NULL && !name_can_be_sent(slice_str(o->user)))
		return why_fail(
		    why, "%s: a name has no spaces and no control characters", "--user");
	if (o->target != NULL && !name_can_be_sent(slice_str(o->target)))
		return why_fail(why, "%s: a name has no spaces and no control characters", "--to");
	if ((o->user != NULL && strlen(o->user) > NAME_SENT_MAX_LEN) ||
	    (o->target != NULL && strlen(o->target) > NAME_SENT_MAX_LEN))
		return why_fail(why, "--user or --to is too long for a name");
	if (o->upload_count > 0 && o->target == NULL)
		return why_fail(why, "%s needs --to", "--upload");
	if (o->password_file != NULL && o->password_command != NULL)
		return why_fail(
		    why, "%s and --password-command exclude each other", "--password-file");
	char fingerprint[FINGERPRINT_SIZE];
	if (o->fingerprint != NULL && !fingerprint_read(o->fingerprint, fingerprint))
		return why_fail(why, "%s needs sha256: and 64 hex digits", "--fingerprint");
	return true;
}

bool options_parse(int argc, const char *const argv[], struct options *o, struct why *why_r)
{
	*o = (struct options){ 0 };
	bool only_hosts = false;
	for (int i = 1; i < argc && !o->help && !o->version; i++) {
		bool ok;
		if (!only_hosts && strcmp(argv[i], "--") == 0) {
			only_hosts = true;
			continue;
		}
		if (!only_hosts && argv[i][0] == '-')
			ok = take_option(o, argc, argv, &i, why_r);
		else
			ok = take_host(o, argv[i], why_r);
		if (!ok)
			return false;
	}
	return o->help || o->version || judge(o, why_r);
}

void options_clear(struct options *o)
{
	free(o->uploads);
	*o = (struct options){ 0 };
}
