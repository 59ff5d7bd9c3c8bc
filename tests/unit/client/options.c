#include "client/options.h"

#include <stdlib.h>

#include "unit.h"

static const struct server_case {
	const char *name;
	const char *text;
	const char *shown; /* NULL: refused */
} server_cases[] = {
	{ "a name", "chat.example", "chat.example:18443" },
	{ "a name and a port", "chat.example:443", "chat.example:443" },
	{ "upper case", "Chat.Example:0443", "chat.example:443" },
	{ "IPv4", "127.0.0.1:1", "127.0.0.1:1" },
	{ "IPv6", "::1", "[::1]:18443" },
	{ "IPv6 in brackets", "[FE80::1]", "[fe80::1]:18443" },
	{ "IPv6 with a port", "[::1]:65535", "[::1]:65535" },
	{ "IPv6 with a zone", "[fe80::1%eth0]:443", "[fe80::1%eth0]:443" },
	{ "empty", "", NULL },
	{ "only a port", ":443", NULL },
	{ "no port behind the colon", "host:", NULL },
	{ "port 0", "host:0", NULL },
	{ "port too large", "host:65536", NULL },
	{ "port with many digits", "host:100000000000000000443", NULL },
	{ "port in words", "host:https", NULL },
	{ "negative port", "host:-1", NULL },
	{ "open bracket", "[::1", NULL },
	{ "words behind the bracket", "[::1]443", NULL },
	{ "empty brackets", "[]:443", NULL },
	{ "a space", "my host", NULL },
	{ "a line end", "host\n", NULL },
	{ "like an option", "-host", NULL },
};

static void reads_server(void **state)
{
	const struct server_case *c = *state;
	struct server_name name;
	char text[SERVER_TEXT_SIZE];
	bool ok = server_name_parse(c->text, &name);
	assert_int_equal(ok, c->shown != NULL);
	if (ok)
		assert_string_equal(server_name_text(&name, text), c->shown);
}

static void long_host_is_refused(void **state)
{
	(void)state;
	char text[HOST_SIZE + 1];
	struct server_name name;
	memset(text, 'a', sizeof(text));
	text[HOST_SIZE - 1] = '\0';
	assert_true(server_name_parse(text, &name));
	text[HOST_SIZE - 1] = 'a';
	text[HOST_SIZE] = '\0';
	assert_false(server_name_parse(text, &name));
}

#define WORDS(...)                                                                                 \
	{                                                                                          \
		"messager", __VA_ARGS__, NULL                                                      \
	}
static const char fingerprint[] =
    "sha256:ada940b281a8ee01a7055624289f6b6e19bdf08bb4e720ea742bcfaa977f8b26";

static bool parse(const char *const words[], struct options *o)
{
	struct why why;
	int count = 0;
	while (words[count] != NULL)
		count++;
	return options_parse(count, words, o, &why);
}

static void takes_all_options(void **state)
{
	(void)state;
	const char *words[] =
	    WORDS("--user", "alice", "host:1", "--to=bob", "--sign-up", "--password-file", "f",
		"--upload", "a", "--upload=b", "--download", "--plain", "--fingerprint",
		fingerprint, "--trust-first", "--ca", "c", "--downloads", "d", "--no-color");
	struct options o;
	assert_true(parse(words, &o));
	assert_string_equal(o.server.host, "host");
	assert_string_equal(o.user, "alice");
	assert_string_equal(o.target, "bob");
	assert_string_equal(o.password_file, "f");
	assert_int_equal(o.upload_count, 2);
	assert_string_equal(o.uploads[0], "a");
	assert_string_equal(o.uploads[1], "b");
	assert_string_equal(o.fingerprint, fingerprint);
	assert_string_equal(o.ca_file, "c");
	assert_string_equal(o.downloads_folder, "d");
	assert_true(o.sign_up && o.download && o.plain && o.trust_first && o.no_color);
	assert_false(o.help || o.version);
	options_clear(&o);
}

static void takes_nothing(void **state)
{
	(void)state;
	const char *words[] = { "messager", NULL };
	struct options o;
	assert_true(parse(words, &o));
	assert_string_equal(o.server.host, "");
	assert_null(o.user);
	options_clear(&o);
}

static void help_wins_over_what_follows(void **state)
{
	(void)state;
	const char *words[] = WORDS("--help", "--nonsense");
	struct options o;
	assert_true(parse(words, &o));
	assert_true(o.help);
	options_clear(&o);
}

static void only_hosts_follow_two_dashes(void **state)
{
	(void)state;
	const char *words[] = WORDS("--", "host");
	const char *dashed[] = WORDS("--", "--plain");
	struct options o;
	assert_true(parse(words, &o));
	assert_string_equal(o.server.host, "host");
	options_clear(&o);
	assert_false(parse(dashed, &o));
	options_clear(&o);
}

static const struct bad_case {
	const char *name;
	const char *first, *second, *third, *fourth;
} bad_cases[] = {
	{ "unknown", "--nonsense", NULL, NULL, NULL },
	{ "a beginning of a name", "--use", "x", NULL, NULL },
	{ "no value", "--user", NULL, NULL, NULL },
	{ "empty value", "--user", "", NULL, NULL },
	{ "empty value behind =", "--user=", NULL, NULL, NULL },
	{ "value for a flag", "--plain=1", NULL, NULL, NULL },
	{ "two servers", "a", "b", NULL, NULL },
	{ "no server", "a:b", NULL, NULL, NULL },
	{ "one dash", "-user", "x", NULL, NULL },
	{ "a user with a space", "--user", "a b", NULL, NULL },
	{ "a target with a line end", "--to", "a\n", NULL, NULL },
	{ "two passwords", "--password-file", "f", "--password-command", "c" },
	{ "short fingerprint", "--fingerprint", "sha256:12", NULL, NULL },
};

static void refuses(void **state)
{
	const struct bad_case *c = *state;
	const char *words[] = { "messager", c->first, c->second, c->third, c->fourth, NULL };
	struct options o;
	assert_false(parse(words, &o));
	options_clear(&o);
}

int main(int argc, char **argv)
{
	UNIT_EACH(reads_server, server_cases);
	UNIT_EACH(refuses, bad_cases);
	UNIT_TEST(long_host_is_refused);
	UNIT_TEST(takes_all_options);
	UNIT_TEST(takes_nothing);
	UNIT_TEST(help_wins_over_what_follows);
	UNIT_TEST(only_hosts_follow_two_dashes);
	return unit_run(argc, argv);
}
