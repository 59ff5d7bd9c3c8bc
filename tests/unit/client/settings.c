#include "client/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static char folder[] = "/tmp/unit-settings-XXXXXX";
static char path[200];
static struct settings s;
static struct why why;

static void write_file(struct slice content)
{
	char inner[150];
	snprintf(inner, sizeof(inner), "%s/messager", folder);
	mkdir(inner, 0700);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(content.ptr, 1, content.len, f), content.len);
	fclose(f);
	chmod(path, 0600);
}

static bool load(struct slice content)
{
	settings_clear(&s);
	why.text[0] = '\0';
	write_file(content);
	return settings_load(&s, &why);
}

static void read_file(char *out, size_t size)
{
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	out[fread(out, 1, size - 1, f)] = '\0';
	fclose(f);
}

static void without_a_file_all_is_as_usual(void **state)
{
	settings_clear(&s);
	unlink(path);
	assert_true(settings_load(&s, &why));
	assert_false(s.has_file);
	assert_string_equal(s.path, path);
	assert_true(s.bell && s.osc9 && s.log);
	assert_int_equal(s.colors, COLORS_AUTO);
	assert_string_equal(s.notify, "");
	assert_null(settings_find(&s, "work"));
}

static void reads_all_there_is(void **state)
{
	assert_true(load(SLICE("; a comment\n"
			       "server = work\ncolors=dark\nbell = no\nosc9 = no\n"
			       "notify = notify-send -a 'my messager'\nlog = no\n"
			       "  downloads = ~/in box\n\n"
			       "[home]\r\nhost = [::1]:999\r\n\n"
			       "[work]\nhost = Chat.example.org\nuser = alice\n"
			       "password_command = pass show \"work chat\"\n"
			       "fingerprint = sha256:" HEX "\nca = /etc/ca.pem\n")));
	assert_true(s.has_file);
	assert_string_equal(s.server, "work");
	assert_int_equal(s.colors, COLORS_DARK);
	assert_false(s.bell || s.osc9 || s.log);
	assert_string_equal(s.notify, "notify-send -a 'my messager'");
	assert_string_equal(s.downloads, "/home/of/alice/in box");
	assert_int_equal(s.server_count, 2);
	const struct settings_server *work = settings_find(&s, "work");
	assert_non_null(work);
	assert_string_equal(work->host, "Chat.example.org");
	assert_string_equal(work->user, "alice");
	assert_string_equal(work->password_command, "pass show \"work chat\"");
	assert_string_equal(work->ca, "/etc/ca.pem");
	assert_ptr_equal(settings_find(&s, "chat.example.org:18443"), work);
	assert_null(settings_find(&s, "chat.example.org:1"));
	assert_string_equal(settings_find(&s, "home")->host, "[::1]:999");
}

static const struct bad_case {
	const char *name;
	struct slice content;
	const char *why; /* after the path */
} bad_cases[] = {
	{ "an unknown key", SLICE("bel = no\n"), ":1: there is no setting bel for all servers" },
	{ "a key of a server outside of one", SLICE("user = a\n"),
	    ":1: there is no setting user for all servers" },
	{ "a key for all in a server", SLICE("[a]\nhost = b\nlog = no\n"),
	    ":3: there is no setting log of a server" },
	{ "neither yes nor no", SLICE("\n\nbell = maybe\n"),
	    ":3: bell = maybe: must be yes or no" },
	{ "no colours", SLICE("colors = blue\n"),
	    ":1: colors = blue: must be auto, light, dark or off" },
	{ "an open quote", SLICE("notify = echo 'a\n"),
	    ":1: notify = echo 'a: must be a command whose quotes are closed" },
	{ "a name with spaces", SLICE("[a]\nuser = a b\n"),
	    ":2: user = a b: must be a name without spaces" },
	{ "no host", SLICE("[a]\nhost = a b\n"), ":2: host = a b: must be HOST or HOST:PORT" },
	{ "a bad port", SLICE("[a]\nhost = a:0\n"), ":2: host = a:0: must be HOST or HOST:PORT" },
	{ "no fingerprint", SLICE("[a]\nfingerprint = sha256:12\n"),
	    ":2: fingerprint = sha256:12: must be sha256: and 64 hex digits" },
	{ "a section without a host", SLICE("[a]\nuser = b\n"), ": [a] has no host" },
	{ "two passwords", SLICE("[a]\nhost = b\npassword_file = c\npassword_command = d\n"),
	    ": [a] has a password_file and a password_command; one is enough" },
	{ "a server that is nowhere", SLICE("server = b\n[a]\nhost = a\n"),
	    ": server = b: there is no section [b]" },
	{ "a server of a bad name", SLICE("[a b]\nhost = c\n"),
	    ":2: this can't be the name of a server: letters, digits, - _ and ." },
	{ "a long name",
	    SLICE("[aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa]\nhost = c\n"),
	    ":1: this name of a server is too long" },
	{ "no pair", SLICE("hello\n"),
	    ":1: this is no [section], no KEY = VALUE and no ; comment" },
	{ "a NUL", SLICE("log\0= no\n"),
	    ":1: there is a NUL byte in this line; is it a text file?" },
};

static void tells_what_is_wrong(void **state)
{
	const struct bad_case *c = *state;
	assert_false(load(c->content));
	assert_true(slice_begins(slice_str(why.text), slice_str(path)));
	assert_string_equal(why.text + strlen(path), c->why);
}

static void a_line_that_is_too_long_is_told(void **state)
{
	char text[400];
	memset(text, 'x', sizeof(text));
	memcpy(text, "notify = ", 9);
	text[399] = '\n';
	assert_false(load(slice_of(text, sizeof(text))));
	assert_non_null(strstr(why.text, ":1: this line is too long"));
	text[0] = ';';
	assert_true(load(slice_of(text, sizeof(text))));
}

static void others_must_not_write_it(void **state)
{
	assert_true(load(SLICE("log = no\n")));
	chmod(path, 0620);
	settings_clear(&s);
	assert_false(settings_load(&s, &why));
	assert_non_null(strstr(why.text, "others can write"));
	chmod(path, 0644);
	assert_true(settings_load(&s, &why));
}

static void what_is_no_file_is_not_waited_for(void **state)
{
	settings_clear(&s);
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_false(settings_load(&s, &why));
	assert_non_null(strstr(why.text, "is no file"));
	unlink(path);
}

/* Options */

#define WORK                                                                                       \
	"server = work\ncolors = off\ndownloads = /in\n[work]\nhost = chat.example.org:99\n"       \
	"user = alice\npassword_command = pass\nfingerprint = sha256:" HEX "\n"                    \
	"[play]\nhost = play.example.org\n"

static const struct apply_case {
	const char *name;
	const char *arguments[8];
	const char *server;
	const char *user;
	const char *command; /* for the password */
	bool has_fingerprint;
} apply_cases[] = {
	{ "nothing said", { NULL }, "chat.example.org:99", "alice", "pass", true },
	{ "the short name", { "work" }, "chat.example.org:99", "alice", "pass", true },
	{ "another", { "play" }, "play.example.org:18443", NULL, NULL, false },
	{ "the host", { "chat.example.org:99" }, "chat.example.org:99", "alice", "pass", true },
	{ "another port", { "chat.example.org" }, "chat.example.org:18443", NULL, NULL, false },
	{ "an unknown host", { "other" }, "other:18443", NULL, NULL, false },
	{ "the same user", { "work", "--user", "alice" }, "chat.example.org:99", "alice", "pass",
	    true },
	{ "another user", { "work", "--user", "bob" }, "chat.example.org:99", "bob", NULL, true },
	{ "another password", { "work", "--password-command", "mine" }, "chat.example.org:99",
	    "alice", "mine", true },
	{ "a file for the password", { "work", "--password-file", "pw" }, "chat.example.org:99",
	    "alice", NULL, true },
	{ "authorities", { "work", "--ca", "ca.pem" }, "chat.example.org:99", "alice", "pass",
	    false },
};

static void applies(void **state)
{
	const struct apply_case *c = *state;
	const char *argv[10] = { "messager" };
	int argc = 1;
	while (argc < 9 && c->arguments[argc - 1] != NULL) {
		argv[argc] = c->arguments[argc - 1];
		argc++;
	}
	struct options o;
	char server[SERVER_TEXT_SIZE];
	assert_true(load(SLICE(WORK)));
	assert_true(options_parse(argc, argv, &o, &why));
	assert_true(settings_apply(&s, &o, &why));
	assert_string_equal(server_name_text(&o.server, server), c->server);
	assert_string_equal(o.user != NULL ? o.user : "", c->user != NULL ? c->user : "");
	assert_string_equal(o.password_command != NULL ? o.password_command : "",
	    c->command != NULL ? c->command : "");
	assert_int_equal(o.fingerprint != NULL, c->has_fingerprint);
	assert_int_equal(o.has_account, o.user != NULL && strcmp(o.user, "alice") == 0);
	assert_string_equal(o.downloads_folder, "/in");
	assert_true(o.no_color);
	options_clear(&o);
}

/* Remembering */

static struct server_name server_of(const char *text)
{
	struct server_name server = { "", "" };
	assert_true(server_name_parse(text, &server));
	return server;
}

static bool remember(const char *server_text, const char *user, const char *expected_name)
{
	char name[SETTINGS_SHORT_NAME_SIZE] = "";
	struct server_name server = server_of(server_text);
	if (!settings_remember(&s, &server, slice_str(user), name, &why))
		return false;
	assert_string_equal(name, expected_name);
	return true;
}

static void the_first_server_makes_the_file(void **state)
{
	char content[1000];
	struct stat st;
	settings_clear(&s);
	unlink(path);
	assert_true(settings_load(&s, &why));
	assert_true(remember("Chat.example.org", "alice", "chat"));
	read_file(content, sizeof(content));
	assert_string_equal(content,
	    "; The settings of messager; man messager has them all.\nserver = chat\n\n[chat]\n"
	    "host = chat.example.org:18443\nuser = alice\n");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_true(s.has_file);
	assert_string_equal(settings_find(&s, "chat")->user, "alice");
	assert_string_equal(s.server, "chat");
}

static void the_next_ones_are_added(void **state)
{
	char content[1000];
	assert_true(load(SLICE("log = no\n[chat]\nhost = chat.example.org\nuser = alice ; me")));
	const struct settings_server *first = settings_find(&s, "chat");
	assert_true(remember("chat.example.org", "alice", "chat"));
	read_file(content, sizeof(content));
	assert_string_equal(
	    content, "log = no\n[chat]\nhost = chat.example.org\nuser = alice ; me");
	assert_true(remember("chat.example.org", "bob", "chat-2"));
	assert_true(remember("chat.other.org", "bob", "chat-3"));
	assert_true(remember("127.0.0.1:99", "bob", "server"));
	assert_true(remember("[::1]", "bob", "server-2"));
	read_file(content, sizeof(content));
	assert_non_null(
	    strstr(content, "server = chat-2\nlog = no\n[chat]\nhost = chat.example.org\n"
			    "user = alice ; me\n\n[chat-2]\n"));
	assert_int_equal(s.server_count, 5);
	assert_ptr_equal(settings_find(&s, "chat"), first);
	assert_string_equal(s.server, "chat-2");
	assert_string_equal(settings_find(&s, "server-2")->host, "[::1]:18443");
}

static void a_link_stays_a_link(void **state)
{
	char real[200];
	struct stat st;
	snprintf(real, sizeof(real), "%s/real", folder);
	assert_true(load(SLICE("log = no\n")));
	assert_int_equal(rename(path, real), 0);
	assert_int_equal(symlink(real, path), 0);
	assert_true(remember("a.example.org", "bob", "a"));
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	settings_clear(&s);
	assert_true(settings_load(&s, &why));
	assert_non_null(settings_find(&s, "a"));
	unlink(path);
	unlink(real);
}

static void a_broken_file_is_not_touched(void **state)
{
	char content[100];
	assert_true(load(SLICE("log = no\n")));
	write_file(SLICE("log = perhaps\n"));
	assert_false(remember("a.example.org", "bob", "a"));
	assert_non_null(strstr(why.text, "must be yes or no"));
	read_file(content, sizeof(content));
	assert_string_equal(content, "log = perhaps\n");
	assert_false(s.log);
}

int main(int argc, char **argv)
{
	if (mkdtemp(folder) == NULL)
		return 1;
	setenv("XDG_CONFIG_HOME", folder, 1);
	setenv("HOME", "/home/of/alice", 1);
	snprintf(path, sizeof(path), "%s/messager/config", folder);
	UNIT_TEST(without_a_file_all_is_as_usual);
	UNIT_TEST(reads_all_there_is);
	UNIT_EACH(tells_what_is_wrong, bad_cases);
	UNIT_TEST(a_line_that_is_too_long_is_told);
	UNIT_TEST(others_must_not_write_it);
	UNIT_TEST(what_is_no_file_is_not_waited_for);
	UNIT_EACH(applies, apply_cases);
	UNIT_TEST(the_first_server_makes_the_file);
	UNIT_TEST(the_next_ones_are_added);
	UNIT_TEST(a_link_stays_a_link);
	UNIT_TEST(a_broken_file_is_not_touched);
	int failed = unit_run(argc, argv);
	settings_clear(&s);
	unlink(path);
	path[strlen(path) - strlen("/config")] = '\0';
	rmdir(path);
	rmdir(folder);
	return failed;
}
