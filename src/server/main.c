/* main.c: messagerd's command line (docs/man/messagerd.8). */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "net/openssl_memory.h"
#include "server/migrate.h"
#include "server/sandbox.h"
#include "server/server.h"
#include "server/settings.h"

enum { EXIT_USAGE = 2 };

static const struct option_row {
	struct option option;
	const char *argument;
	const char *help;
} rows[] = {
	{ { "config", required_argument, NULL, 'c' }, "FILE", "read the settings from FILE" },
	{ { "set", required_argument, NULL, 's' }, "SECTION.KEY=VALUE",
	    "set one; wins over the file" },
	{ { "check-config", no_argument, NULL, 'k' }, "",
	    "say whether the settings are good, and exit" },
	{ { "print-config", no_argument, NULL, 'p' }, "",
	    "print all settings as a file, and exit" },
	{ { "restore", required_argument, NULL, 'r' }, "FILE",
	    "fill an empty data folder from a backup, and start" },
	{ { "migrate-to", required_argument, NULL, 'm' }, "URL",
	    "copy accounts, bans and files to another store, and exit" },
	{ { "version", no_argument, NULL, 'v' }, "", "print the version, and exit" },
	{ { "help", no_argument, NULL, 'h' }, "", "print this, and exit" },
};
enum { ROWS = sizeof(rows) / sizeof(*rows) };

struct command_line {
	struct server_origin origin;
	const char **sets;
	const char *migrate_to;
	bool check;
	bool print;
};

static void print_help(FILE *to)
{
	fprintf(to, "Usage: messagerd [OPTION]...\nThe SSL-Messager server.\n\n");
	for (int i = 0; i < ROWS; i++) {
		char left[64];
		snprintf(left, sizeof(left), "--%s %s", rows[i].option.name, rows[i].argument);
		fprintf(to, "  %-28s %s\n", left, rows[i].help);
	}
	fprintf(to,
	    "\nWithout --config: " SETTINGS_DEFAULT_PATH ", if there is one, else the defaults.\n");
}

/* Returns -1 to go on, else the exit status. */
static int read_options(int argc, char **argv, struct command_line *line)
{
	struct option options[ROWS + 1] = { { 0 } };
	for (int i = 0; i < ROWS; i++)
		options[i] = rows[i].option;
	for (int letter; (letter = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		switch (letter) {
		case 'c':
			line->origin.path = optarg;
			break;
		case 's':
			line->sets[line->origin.set_count++] = optarg;
			break;
		case 'r':
			line->origin.restore = optarg;
			break;
		case 'm':
			line->migrate_to = optarg;
			break;
		case 'k':
			line->check = true;
			break;
		case 'p':
			line->print = true;
			break;
		case 'v':
			puts("messagerd " VERSION);
			return EXIT_SUCCESS;
		case 'h':
			print_help(stdout);
			return EXIT_SUCCESS;
		default:
			print_help(stderr);
			return EXIT_USAGE;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "messagerd: unexpected argument: %s\n", argv[optind]);
		return EXIT_USAGE;
	}
	return -1;
}

/* Before the rest of the disk is out of reach. */
static bool open_backup(struct server_origin *origin, char *why, size_t why_size)
{
	if (origin->restore == NULL)
		return true;
	origin->restore_fd = open(origin->restore, O_RDONLY | O_CLOEXEC);
	if (origin->restore_fd < 0)
		snprintf(why, why_size, "can't read the backup %s: %s", origin->restore,
		    strerror(errno));
	return origin->restore_fd >= 0;
}

static int run(struct command_line *line)
{
	struct settings settings;
	char why[SETTINGS_WHY_SIZE];
	struct server_origin *from = &line->origin;
	/* A file that was there at the start must be there when it is read again: the defaults are no answer to a lost one. */
	if (from->path == NULL && access(SETTINGS_DEFAULT_PATH, F_OK) == 0)
		from->path = SETTINGS_DEFAULT_PATH;
	if (!settings_load(
		from->path, from->sets, from->set_count, NULL, &settings, why, sizeof(why))) {
		fprintf(stderr, "messagerd: %s\n", why);
		return EXIT_USAGE;
	}
	if (line->print) {
		settings_print(&settings, stdout);
		return EXIT_SUCCESS;
	}
	if (line->check) {
		puts("messagerd: the settings are good");
		return EXIT_SUCCESS;
	}
	log_configure(settings.log_level, settings.log_format);
	settings.sandbox =
	    settings.sandbox && line->migrate_to == NULL; /* which needs less, and elsewhere */
	if (!open_backup(from, why, sizeof(why)) ||
	    !sandbox_enter(&settings, from->path, why, sizeof(why))) {
		log_error("start-failed", LOG_STR("reason", why));
		return EXIT_FAILURE;
	}
	if (line->migrate_to != NULL)
		return migrate_run(&settings, line->migrate_to);
	log_start();
	int status = server_run(&settings, from);
	log_stop();
	if (from->restore != NULL)
		close(from->restore_fd);
	return status;
}

int main(int argc, char **argv)
{
	struct command_line line = { .sets = calloc((size_t)argc, sizeof(char *)) };
	if (line.sets == NULL || !openssl_memory_prepare()) {
		fprintf(stderr, "messagerd: no memory\n");
		free(line.sets);
		return EXIT_FAILURE;
	}
	line.origin.sets = line.sets;
	int status = read_options(argc, argv, &line);
	if (status == -1)
		status = run(&line);
	free(line.sets);
	return status;
}
