/*
 * load.c: the load generator: one run against one server, one line of JSON on standard output. --help shows the options.
 * Everything that is delivered is checked; a text that is lost, doubled, out of order, changed or somebody else's ends
 * the run with status 1.
 */
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "mode.h"

static const struct mode {
	const char *name;
	void (*run)(const struct options *options, struct report *report);
	const char *help;
} modes[] = {
	{ "relay", mode_relay, "--pairs K --window W or --rate R: user 2i talks to user 2i+1" },
	{ "fanout", mode_fanout, "--members G --window W or --rate R: one talks to a group" },
	{ "idle", mode_idle, "--count N: memory for each user who is logged in" },
	{ "login", mode_login, "--at-once C [--resume]: users come and go" },
	{ "upload", mode_upload, "--count N --mib M: files to oneself; what is counted is MiB" },
	{ "download", mode_download, "the same, and back; only the way back is measured" },
	{ "signup", mode_signup, "--count N --at-once C: new accounts" },
};

enum option_type { TYPE_NUMBER, TYPE_SECONDS, TYPE_FLAG };

/* Those that are a number, by their place in struct options. */
static const struct row {
	const char *name;
	enum option_type type;
	size_t at;
	const char *help;
} rows[] = {
	{ "pairs", TYPE_NUMBER, offsetof(struct options, pairs), "pairs of users (1)" },
	{ "window", TYPE_NUMBER, offsetof(struct options, window), "messages in flight (1)" },
	{ "bytes", TYPE_NUMBER, offsetof(struct options, bytes), "of a text, 16 to 3072 (64)" },
	{ "rate", TYPE_NUMBER, offsetof(struct options, rate),
	    "messages per second in place of a window" },
	{ "members", TYPE_NUMBER, offsetof(struct options, members), "of the group (100)" },
	{ "count", TYPE_NUMBER, offsetof(struct options, count), "users or files (1000)" },
	{ "mib", TYPE_NUMBER, offsetof(struct options, mib), "of a file (16)" },
	{ "at-once", TYPE_NUMBER, offsetof(struct options, at_once), "users on their way (8)" },
	{ "by-pair", TYPE_FLAG, offsetof(struct options, servers.by_pair),
	    "both of a pair are at the same of several servers" },
	{ "resume", TYPE_FLAG, offsetof(struct options, resume), "log in with TLS tickets" },
	{ "seconds", TYPE_SECONDS, offsetof(struct options, seconds), "measured (1)" },
	{ "warm-up", TYPE_SECONDS, offsetof(struct options, warm_up), "before (0.3)" },
};
enum { ROWS = sizeof(rows) / sizeof(*rows), MODES = sizeof(modes) / sizeof(*modes) };

static _Noreturn void usage(void)
{
	puts(
	    "usage: load --mode MODE --dialect DIALECT --port PORT[,PORT...] --pid PID[,PID...] [--label NAME] "
	    "[OPTION]...\n\nModes:");
	for (int i = 0; i < MODES; i++)
		printf("  %-8s %s\n", modes[i].name, modes[i].help);
	puts("\nDialects: ours floor irc mqtt nats\n\nOptions (defaults):");
	for (int i = 0; i < ROWS; i++)
		printf("  --%-8s %s\n", rows[i].name, rows[i].help);
	exit(2);
}

static void set(struct options *options, const struct row *row, const char *value)
{
	char *field = (char *)options + row->at, *end = NULL;
	if (row->type == TYPE_FLAG)
		*(bool *)(void *)field = true;
	else if (row->type == TYPE_NUMBER)
		*(uint32_t *)(void *)field = (uint32_t)strtoul(value, &end, 10);
	else
		*(double *)(void *)field = strtod(value, &end);
	if (end != NULL && *end != '\0')
		usage();
}

static const struct mode *mode_named(const char *name)
{
	for (int i = 0; i < MODES; i++) {
		if (strcmp(modes[i].name, name) == 0)
			return &modes[i];
	}
	return NULL;
}

/* Numbers by commas, each from 1 to max. Returns how many; 0: these are something else, or too many. */
static uint32_t read_numbers(const char *text, long max, int numbers_r[static SERVERS_MAX])
{
	for (uint32_t count = 0; count < SERVERS_MAX; text++) {
		char *end;
		long number = strtol(text, &end, 10);
		if (number < 1 || number > max || (*end != '\0' && *end != ','))
			return 0;
		numbers_r[count++] = (int)number;
		if (*end == '\0')
			return count;
		text = end;
	}
	return 0;
}

enum { OPTION_MODE = 'A', OPTION_DIALECT, OPTION_PORT, OPTION_PID, OPTION_LABEL };

static const struct mode *read_options(int argc, char **argv, struct options *options)
{
	static const struct option named[] = { { "mode", required_argument, NULL, OPTION_MODE },
		{ "dialect", required_argument, NULL, OPTION_DIALECT },
		{ "port", required_argument, NULL, OPTION_PORT },
		{ "pid", required_argument, NULL, OPTION_PID },
		{ "label", required_argument, NULL, OPTION_LABEL } };
	enum { NAMED = sizeof(named) / sizeof(*named) };
	struct option all[NAMED + ROWS + 1] = { 0 };
	const struct mode *mode = NULL;
	uint32_t pids = 0;
	int option;
	memcpy(all, named, sizeof(named));
	for (int i = 0; i < ROWS; i++)
		all[NAMED + i] = (struct option){ .name = rows[i].name,
			.has_arg = rows[i].type == TYPE_FLAG ? no_argument : required_argument,
			.val = i };
	while ((option = getopt_long(argc, argv, "", all, NULL)) >= 0) {
		if (option < ROWS)
			set(options, &rows[option], optarg);
		else if (option == OPTION_MODE)
			mode = mode_named(optarg);
		else if (option == OPTION_DIALECT)
			options->dialect = dialect_named(optarg);
		else if (option == OPTION_PORT)
			options->servers.count =
			    read_numbers(optarg, UINT16_MAX, options->servers.ports);
		else if (option == OPTION_PID)
			pids = read_numbers(optarg, INT_MAX, options->servers.pids);
		else if (option == OPTION_LABEL)
			options->label = optarg;
		else
			usage();
	}
	if (optind < argc || options->servers.count == 0 || pids != options->servers.count ||
	    options->dialect == NULL)
		usage();
	return mode;
}

static bool is_sound(const struct options *o)
{
	return o->pairs > 0 && o->window > 0 && o->members > 0 && o->count > 0 && o->at_once > 0 &&
	       o->mib > 0 && o->bytes >= STAMP_LEN && o->bytes <= TEXT_MAX_LEN && o->seconds > 0 &&
	       o->warm_up >= 0;
}

static double us(uint64_t ns)
{
	return (double)ns / 1e3;
}

static void print(const struct options *options, const struct mode *mode, const struct report *r)
{
	printf(
	    "{\"server\":\"%s\",\"mode\":\"%s\"", options->label ? options->label : "", mode->name);
	if (r->done > 0) {
		double done = (double)r->done;
		printf(",\"done\":%llu,\"seconds\":%.3f,\"per_second\":%.1f",
		    (unsigned long long)r->done, (double)r->took_ns / 1e9,
		    done * 1e9 / (double)r->took_ns);
		printf(",\"server_cpu_us\":%.3f,\"own_cpu_us\":%.3f", us(r->server_cpu_ns) / done,
		    us(r->own_cpu_ns) / done);
		if (r->latency.count > 0)
			printf(",\"p50_us\":%.2f,\"p99_us\":%.2f,\"p999_us\":%.2f",
			    us(histogram_at(&r->latency, 0.5)), us(histogram_at(&r->latency, 0.99)),
			    us(histogram_at(&r->latency, 0.999)));
	}
	if (options->resume)
		printf(",\"resumed\":%llu", (unsigned long long)r->resumed);
	if (r->memory_bytes > 0)
		printf(",\"memory_bytes\":%llu", (unsigned long long)r->memory_bytes);
	puts("}");
}

/* Thousands of connections are a descriptor each. */
static void allow_descriptors(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

int main(int argc, char **argv)
{
	static struct report report;
	struct options options = { .pairs = 1,
		.window = 1,
		.bytes = 64,
		.members = 100,
		.count = 1000,
		.at_once = 8,
		.mib = 16,
		.seconds = 1,
		.warm_up = 0.3 };
	const struct mode *mode = read_options(argc, argv, &options);
	if (mode == NULL || !is_sound(&options))
		usage();
	allow_descriptors();
	mode->run(&options, &report);
	if (report.done == 0 && report.memory_bytes == 0)
		fail("nothing was measured");
	print(&options, mode, &report);
	return 0;
}
