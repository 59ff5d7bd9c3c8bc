/* main.c: messagerctl's command line (docs/man/messagerctl.1). */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "ctl/commands.h"
#include "ctl/ctl.h"

static void print_help(FILE *to)
{
	fprintf(to, "Usage: messagerctl [--socket PATH] [--json] COMMAND [ARGUMENT]...\n"
		    "Asks the messagerd that runs here.\n\n");
	commands_print(to);
	fprintf(to,
	    "\n  --socket PATH              where it listens: its setting admin.socket\n"
	    "  --json                     answer with one JSON object\n"
	    "  --version                  print the version, and exit\n"
	    "  --help                     print this, and exit\n"
	    "\nPasswords are asked for, or read from standard input. Exit status: 0 done, 1 not done, 2 usage.\n");
}

int main(int argc, char **argv)
{
	static const struct option rows[] = {
		{ "socket", required_argument, NULL, 's' },
		{ "json", no_argument, NULL, 'j' },
		{ "all", no_argument, NULL, 'a' }, /* of the command online */
		{ "version", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	static char all[] = "--all";
	struct ctl_options options = { .json = false };
	/* "-": words come as they stand, between the options, as those of option 1; they move to the front of argv. */
	size_t word_count = 0;
	for (int letter; (letter = getopt_long(argc, argv, "-", rows, NULL)) != -1;) {
		switch (letter) {
		case 1:
			argv[word_count++] = optarg;
			break;
		case 'a':
			argv[word_count++] = all;
			break;
		case 's':
			if (strlen(optarg) >= sizeof(options.socket)) {
				fprintf(stderr, "messagerctl: the socket's path is too long\n");
				return CTL_USAGE;
			}
			memcpy(options.socket, optarg, strlen(optarg) + 1);
			break;
		case 'j':
			options.json = true;
			break;
		case 'v':
			puts("messagerctl " VERSION);
			return CTL_OK;
		case 'h':
			print_help(stdout);
			return CTL_OK;
		default:
			fprintf(stderr, "messagerctl --help shows how it is used.\n");
			return CTL_USAGE;
		}
	}
	while (optind < argc) /* after "--" */
		argv[word_count++] = argv[optind++];
	if (word_count == 0) {
		print_help(stderr);
		return CTL_USAGE;
	}
	if (options.socket[0] == '\0' && !ctl_default_socket(options.socket)) {
		fprintf(stderr,
		    "messagerctl: this user has no home folder; name the server's socket with --socket\n");
		return CTL_ERROR;
	}
	return ctl_run(&options, (const char *const *)argv, word_count);
}
