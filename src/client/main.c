/* messager: the client for people and scripts. docs/man/messager.1 says what it does. */
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "client/full/full.h"
#include "client/options.h"
#include "client/password.h"
#include "client/plain.h"
#include "client/settings.h"

/* How wide characters are is known for UTF-8 only, which all text here is. */
static void set_locale(void)
{
	setlocale(LC_ALL, "");
	if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
		setlocale(LC_CTYPE, "C.UTF-8");
}

/* A standard descriptor that came closed must not become a socket. What is written to such a one fails as it should. */
static void open_standard_descriptors(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDONLY) != fd)
			_exit(EXIT_BROKEN);
	}
}

static int fail(enum exit_status status, const char *why)
{
	fprintf(stderr, "messager: %s\n", why);
	return status;
}

/* Files of the command line are sent and fetched without a screen. */
static bool wants_full(const struct options *o)
{
	const char *term = getenv("TERM");
	return !o->plain && o->upload_count == 0 && !o->download && isatty(STDIN_FILENO) &&
	       isatty(STDOUT_FILENO) && term != NULL && *term != '\0' && strcmp(term, "dumb") != 0;
}

/* A terminal that can't show a full screen has lines. */
static int talk(struct options *o, struct settings *settings, struct password *password)
{
	struct face *face =
	    wants_full(o) ? face_ncurses_new(o->no_color || settings->colors == COLORS_OFF) : NULL;
	if (face == NULL)
		return (int)plain_run(o, settings, password);
	int status = (int)full_run(o, settings, password, face);
	face->free(face);
	return status;
}

static int run(struct options *o, struct settings *settings)
{
	struct why why;
	struct password *password = password_new();
	if (password == NULL)
		return fail(EXIT_BROKEN, "out of memory");
	int status = EXIT_USAGE;
	bool is_taken = password_take(password, o, &why);
	if (why.text[0] != '\0')
		fprintf(stderr, "messager: %s\n", why.text);
	if (is_taken)
		status = talk(o, settings, password);
	password_free(&password);
	return status;
}

/* The settings stand behind the options. */
static int run_with_settings(struct options *o)
{
	struct settings settings;
	struct why why;
	int status;
	if (settings_load(&settings, &why) && settings_apply(&settings, o, &why))
		status = run(o, &settings);
	else
		status = fail(EXIT_USAGE, why.text);
	settings_clear(&settings);
	return status;
}

/* Help and version are for a reader: if nobody got them, that is a failure. */
static int printed(void)
{
	return fflush(stdout) == 0 && ferror(stdout) == 0 ? EXIT_QUIT : EXIT_BROKEN;
}

int main(int argc, char *argv[])
{
	struct options options;
	struct why why;
	int status;
	open_standard_descriptors();
	set_locale();
	if (sodium_init() < 0)
		return fail(EXIT_BROKEN, "the cryptographic library does not start");
	if (!options_parse(argc, (const char *const *)argv, &options, &why)) {
		fprintf(stderr, "messager: %s\nTry messager --help.\n", why.text);
		status = EXIT_USAGE;
	} else if (options.help) {
		options_help(stdout);
		status = printed();
	} else if (options.version) {
		puts("messager " VERSION);
		status = printed();
	} else {
		status = run_with_settings(&options);
	}
	options_clear(&options);
	return status;
}
