/* Settings: the table's rows, values of every type, the file's grammar, and --print-config as a file again. */
#include "server/settings.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "server/settings_rows.h"
#include "unit.h"

static char why[SETTINGS_WHY_SIZE];

/* Loads a file of that content, and up to two --set. */
static bool load_bytes(struct slice content, const char *set1, const char *set2, struct settings *s)
{
	char path[64];
	int fd = memfd_create("settings", 0);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, content.ptr, content.len), (ssize_t)content.len);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	const char *sets[] = { set1, set2 };
	size_t count = set1 == NULL ? 0 : set2 == NULL ? 1 : 2;
	why[0] = '\0';
	bool is_loaded = settings_load(path, sets, count, NULL, s, why, sizeof(why));
	close(fd);
	/* A number that is another one in each run. */
	char *number = strstr(why, path);
	if (number != NULL) {
		memcpy(number, "FILE", 4);
		memmove(number + 4, number + strlen(path), strlen(number + strlen(path)) + 1);
	}
	return is_loaded;
}

static bool load(const char *content, const char *set1, const char *set2, struct settings *s)
{
	return load_bytes(slice_str(content), set1, set2, s);
}

static void must_load(const char *content, const char *set1, const char *set2, struct settings *s)
{
	if (!load(content, set1, set2, s))
		fail_msg("%s", why);
}

static const char *value_of(const struct settings *s, const char *name)
{
	static char text[SETTINGS_TEXT_SIZE];
	const struct setting *row = setting_find(name);
	assert_non_null(row);
	setting_format(row, s, text);
	return text;
}

/* ---- values ---- */

static const struct value_case {
	const char *name;
	const char *setting, *text;
	const char *becomes; /* NULL: refused */
} value_cases[] = {
	{ "count", "limits.connections", "12", "12" },
	{ "count with zeros", "limits.connections", "007", "7" },
	{ "no count", "limits.connections", "", NULL },
	{ "negative count", "limits.connections", "-1", NULL },
	{ "count with sign", "limits.connections", "+1", NULL },
	{ "count with unit", "limits.connections", "1KiB", NULL },
	{ "hexadecimal count", "limits.connections", "0x10", NULL },
	{ "fraction of a count", "limits.connections", "1.5", NULL },
	{ "count that wraps to 4", "limits.connections", "18446744073709551620", NULL },
	{ "count that wraps to 0", "limits.connections", "18446744073709551616", NULL },
	{ "two counts", "limits.connections", "1 2", NULL },

	{ "bytes", "files.max_size", "1000", "1000" },
	{ "KiB", "files.max_size", "3KiB", "3KiB" },
	{ "KiB after a space", "files.max_size", "3 KiB", "3KiB" },
	{ "MiB", "files.max_size", "100MiB", "100MiB" },
	{ "GiB", "files.max_size", "2GiB", "2GiB" },
	{ "1024 KiB", "files.max_size", "1024KiB", "1MiB" },
	{ "1024 bytes", "files.max_size", "1024", "1KiB" },
	{ "no bytes", "files.max_size", "0", "0" },
	{ "0 GiB", "files.max_size", "0GiB", "0" },
	{ "unit alone", "files.max_size", "KiB", NULL },
	{ "two spaces before the unit", "files.max_size", "3  KiB", NULL },
	{ "decimal unit", "files.max_size", "3kB", NULL },
	{ "unit in small letters", "files.max_size", "3kib", NULL },
	{ "fraction of a size", "files.max_size", "1.5GiB", NULL },
	{ "negative size", "files.max_size", "-1KiB", NULL },
	{ "size that wraps", "files.max_size", "17179869185GiB", NULL },

	{ "seconds", "login.timeout", "15", "15" },
	{ "no seconds", "login.timeout", "0", "0" },
	{ "half a second", "login.timeout", "0.5", "0.5" },
	{ "milliseconds", "login.timeout", "1.234", "1.234" },
	{ "zeros at the end", "login.timeout", "1.200000", "1.2" },
	{ "upwards", "login.timeout", "1.2340000000000000000000001", "1.235" },
	{ "upwards over a second", "login.timeout", "0.9991", "1" },
	{ "never down to none", "login.timeout", "0.00000000000000000000000001", "0.001" },
	{ "most seconds", "login.timeout", "1000000.000", "1000000" },
	{ "more than most", "login.timeout", "1000000.0001", NULL },
	{ "negative seconds", "login.timeout", "-1", NULL },
	{ "negative zero", "login.timeout", "-0", NULL },
	{ "NaN", "login.timeout", "nan", NULL },
	{ "infinity", "login.timeout", "inf", NULL },
	{ "exponent", "login.timeout", "1e3", NULL },
	{ "seconds that wrap", "login.timeout", "18446744073709551.616", NULL },
	{ "more seconds that wrap", "login.timeout", "18446744073709551616", NULL },
	{ "fraction alone", "login.timeout", ".5", NULL },
	{ "point at the end", "login.timeout", "5.", NULL },
	{ "two points", "login.timeout", "1.2.3", NULL },
	{ "comma", "login.timeout", "1,5", NULL },
	{ "unit of time", "login.timeout", "15s", NULL },

	{ "choice", "tls.client_certificates", "required", "required" },
	{ "choice of two", "login.registration", "closed", "closed" },
	{ "choice in capitals", "login.registration", "Closed", NULL },
	{ "no choice", "login.registration", "", NULL },
	{ "beginning of a choice", "login.registration", "clos", NULL },
	{ "more than a choice", "login.registration", "closed!", NULL },

	{ "networks", "limits.penalty_exempt", "192.0.2.0/24 \t2001:db8::/32 10.0.0.1",
	    "192.0.2.0/24 2001:db8::/32 10.0.0.1" },
	{ "no network", "limits.penalty_exempt", "", "" },
	{ "network with too many bits", "limits.penalty_exempt", "192.0.2.0/33", NULL },
	{ "network without bits", "limits.penalty_exempt", "192.0.2.0/", NULL },
	{ "network with a port", "limits.penalty_exempt", "192.0.2.0:1", NULL },
	{ "network of a name", "limits.penalty_exempt", "localhost", NULL },

	{ "address", "server.listen", "127.0.0.1:0", "127.0.0.1:0" },
	{ "address of version 6", "server.listen", "[::]:18443", "[::]:18443" },
	{ "several addresses", "server.listen", "0.0.0.0:1 \t [::1]:2", "0.0.0.0:1 [::1]:2" },
	{ "no address", "server.listen", "", NULL },
	{ "no address where none may be", "metrics.listen", "", "" },
	{ "address without port", "server.listen", "127.0.0.1", NULL },
	{ "name of a host", "server.listen", "localhost:1", NULL },
	{ "port alone", "server.listen", ":18443", NULL },
	{ "port beyond 65535", "server.listen", "0.0.0.0:65536", NULL },
	{ "one of two is none", "server.listen", "0.0.0.0:1 x", NULL },
	{ "16 addresses", "server.listen",
	    "1.1.1.1:1 1.1.1.1:2 1.1.1.1:3 1.1.1.1:4 1.1.1.1:5 1.1.1.1:6 1.1.1.1:7 "
	    "1.1.1.1:8 1.1.1.1:9 1.1.1.1:10 1.1.1.1:11 1.1.1.1:12 1.1.1.1:13 1.1.1.1:14 1.1.1.1:15 1.1.1.1:16",
	    "1.1.1.1:1 1.1.1.1:2 1.1.1.1:3 1.1.1.1:4 1.1.1.1:5 1.1.1.1:6 1.1.1.1:7 "
	    "1.1.1.1:8 1.1.1.1:9 1.1.1.1:10 1.1.1.1:11 1.1.1.1:12 1.1.1.1:13 1.1.1.1:14 1.1.1.1:15 1.1.1.1:16" },
	{ "17 addresses", "server.listen",
	    "1.1.1.1:1 1.1.1.1:2 1.1.1.1:3 1.1.1.1:4 1.1.1.1:5 1.1.1.1:6 1.1.1.1:7 "
	    "1.1.1.1:8 1.1.1.1:9 1.1.1.1:10 1.1.1.1:11 1.1.1.1:12 1.1.1.1:13 1.1.1.1:14 1.1.1.1:15 1.1.1.1:16 "
	    "1.1.1.1:17",
	    NULL },

	{ "store of SQLite", "store.url", "sqlite:/srv/some where.db",
	    "sqlite:/srv/some where.db" },
	{ "unknown store", "store.url", "mysql://x", NULL },
	{ "no store", "store.url", "", NULL },
	{ "beginning of a URL", "store.url", "sqlite", NULL },
	{ "more than a URL", "bus.url", "locals", NULL },
	{ "node", "bus.node", "a-b_C.9", "a-b_C.9" },
	{ "node with a space", "bus.node", "a b", NULL },
	{ "node with a star", "bus.node", "*", NULL },
	{ "path with spaces and letters", "server.data", "/srv/m\xc3\xbcll; a = [b]",
	    "/srv/m\xc3\xbcll; a = [b]" },
	{ "path with what begins a comment", "server.data", "/srv/a ;b", NULL },
	{ "path with a control byte", "server.data", "/srv/a\x1b[31m", NULL },
	{ "blank at the end", "server.data", "/srv/a ", NULL },
	{ "blank at the beginning", "server.data", " /srv/a", NULL },
};

static void takes_value(void **state)
{
	const struct value_case *c = *state;
	char set[1024];
	struct settings s;
	snprintf(set, sizeof(set), "%s=%s", c->setting, c->text);
	bool is_taken = load("", set, NULL, &s);
	assert_int_equal(is_taken, c->becomes != NULL);
	if (is_taken) {
		assert_string_equal(value_of(&s, c->setting), c->becomes);
		return;
	}
	char begins[128];
	bool may_be_secret = strstr(c->setting, ".url") != NULL;
	snprintf(begins, sizeof(begins), "--set: %s%s", c->setting, may_be_secret ? ": " : " = ");
	assert_memory_equal(why, begins, strlen(begins));
	assert_non_null(strstr(why, ": must "));
}

static bool number_is_taken(const struct setting *row, uint64_t number)
{
	char text[128];
	struct settings s;
	bool is_ms = row->type == SETTING_SECONDS;
	int len =
	    snprintf(text, sizeof(text), "%s=%" PRIu64, row->name, is_ms ? number / 1000 : number);
	if (is_ms)
		snprintf(
		    text + len, sizeof(text) - (size_t)len, ".%03u", (unsigned)(number % 1000));
	return load("", text, NULL, &s);
}

static void assert_bounds_of_text(const struct setting *row)
{
	struct settings s;
	char text[SETTINGS_TEXT_SIZE + 64];
	int begins =
	    snprintf(text, sizeof(text), "%s=%s", row->name, row->choices ? row->choices[0] : "");
	size_t name_len = strlen(row->name) + 1;
	if (row->choices != NULL && strchr(row->choices[0], ':') == NULL)
		return; /* a word that has one length */
	memset(text + begins, 'x', sizeof(text) - (size_t)begins);
	text[name_len + row->size - 1] = '\0';
	assert_true(setting_parse(row, text + name_len, &s, why, sizeof(why)));
	assert_string_equal(value_of(&s, row->name), text + name_len);
	text[name_len + row->size - 1] = 'x';
	text[name_len + row->size] = '\0';
	assert_false(setting_parse(row, text + name_len, &s, why, sizeof(why)));
}

/* Every row: the default is a value, the bounds are taken and what lies beyond is not, and the fields have the right size. */
static void keeps_bounds(void **state)
{
	const struct setting *row = *state;
	struct settings s;
	must_load("", NULL, NULL, &s);
	if (row->derive == NULL)
		assert_string_equal(value_of(&s, row->name), row->initial);
	else
		assert_string_not_equal(value_of(&s, row->name), "");
	switch (row->type) {
	case SETTING_COUNT:
	case SETTING_SIZE:
	case SETTING_SECONDS:
		assert_int_equal(row->size, sizeof(uint64_t));
		assert_true(number_is_taken(row, row->min));
		assert_true(number_is_taken(row, row->max));
		assert_false(number_is_taken(row, row->max + 1));
		assert_true(row->min == 0 || !number_is_taken(row, row->min - 1));
		break;
	case SETTING_CHOICE:
		assert_true(row->size == sizeof(unsigned) ||
			    (row->size == sizeof(bool) && row->choices[2] == NULL));
		for (unsigned i = 0; row->choices[i] != NULL; i++) {
			char set[128];
			snprintf(set, sizeof(set), "%s=%s", row->name, row->choices[i]);
			must_load("", set, NULL, &s);
			assert_string_equal(value_of(&s, row->name), row->choices[i]);
		}
		break;
	case SETTING_PATH:
	case SETTING_WORD:
	case SETTING_URL:
		assert_bounds_of_text(row);
		break;
	case SETTING_ADDRESSES: /* value_cases has them */
	case SETTING_NETWORKS:
		assert_true(row->size == SETTINGS_TEXT_SIZE);
		break;
	}
}

static void choices_are_the_enums(void **state)
{
	(void)state;
	struct settings s;
	must_load(
	    "[tls]\nclient_certificates=optional\nmin_version=1.3\n[login]\nregistration=closed\n"
	    "[log]\nlevel=debug\nformat=json\n",
	    NULL, NULL, &s);
	assert_int_equal(s.net.client_certificates, NET_CLIENT_CERTIFICATES_OPTIONAL);
	assert_int_equal(s.net.min_version, NET_TLS_1_3);
	assert_false(s.chat.registration_open);
	assert_int_equal(s.log_level, LOG_DEBUG);
	assert_int_equal(s.log_format, LOG_JSON);
	must_load("", NULL, NULL, &s);
	assert_int_equal(s.net.client_certificates, NET_CLIENT_CERTIFICATES_OFF);
	assert_int_equal(s.net.min_version, NET_TLS_1_2);
	assert_true(s.chat.registration_open);
	assert_int_equal(s.log_level, LOG_INFO);
	assert_int_equal(s.log_format, LOG_TEXT);
}

/* ---- the file ---- */

#define TEN           "0123456789"
#define HUNDRED       TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN
#define GREATER_LINES "; longer than inih takes: " HUNDRED HUNDRED HUNDRED "\n"

static const struct file_case {
	const char *name;
	const char *content;
	const char *says; /* NULL: taken, and login.timeout is 7 */
} file_cases[] = {
	{ "plain", "[login]\ntimeout = 7\n", NULL },
	{ "no end of line", "[login]\ntimeout = 7", NULL },
	{ "DOS lines", "[login]\r\ntimeout = 7\r\n", NULL },
	{ "byte order mark", "\xef\xbb\xbf[login]\ntimeout = 7\n", NULL },
	{ "no spaces", "[login]\ntimeout=7\n", NULL },
	{ "many spaces", " [login] \n\t timeout \t = \t 7 \t \n", NULL },
	{ "colon", "[login]\ntimeout: 7\n", NULL },
	{ "comments", "# one\n; two\n[login] ; three\ntimeout = 7 ; four\n  ; five\n", NULL },
	{ "long comments", GREATER_LINES "[login]\n" GREATER_LINES "timeout = 7\n" GREATER_LINES,
	    NULL },
	{ "the last wins",
	    "[login]\ntimeout = 5\ntimeout = 6\n[log]\nlevel = warn\n[login]\ntimeout = 7\n",
	    NULL },
	{ "indented line is no continuation", "[login]\ntimeout = 9\n  timeout = 7\n", NULL },
	{ "longest line",
	    "[login]\ntimeout = 7 ; " HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN "1234\n", NULL },

	{ "longer line",
	    "[login]\ntimeout = 7 ; " HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN "12345\n",
	    "FILE:2: this line is longer than 198 bytes; shorten it, or give the setting with --set" },
	{ "longer line that goes on well",
	    "[login]\ntimeout = 7\n[server]\ndata = /" HUNDRED HUNDRED "\n",
	    "FILE:4: this line is longer than 198 bytes; shorten it, or give the setting with --set" },
	{ "unknown key", "[login]\ntimeout = 7\n\ntimout = 7\n",
	    "FILE:4: there is no setting login.timout; messagerd --print-config shows them all" },
	{ "key of another section", "[tls]\ntimeout = 7\n",
	    "FILE:2: there is no setting tls.timeout; messagerd --print-config shows them all" },
	{ "no section", "timeout = 7\n", "FILE:1: there is no [section] above this line" },
	{ "whole name without section", "login.timeout = 7\n",
	    "FILE:1: there is no [section] above this line" },
	{ "unknown section", "[login]\ntimeout = 7\n[logn]\n",
	    "FILE:3: there is no section [logn]; messagerd --print-config shows them all" },
	{ "beginning of a section", "[log]\n[lo]\n",
	    "FILE:2: there is no section [lo]; messagerd --print-config shows them all" },
	{ "section with a key's name", "[login.timeout]\n",
	    "FILE:1: there is no section [login.timeout]; messagerd --print-config shows them all" },
	{ "long section", "[" HUNDRED "]\n", "FILE:1: there is no section [" HUNDRED "]" },
	{ "bad value", "\n\n[login]\ntimeout = -7\n",
	    "FILE:4: login.timeout = -7: must be a number of seconds, such as 15 or 0.5, from 0 to 1000000" },
	{ "bad size", "[session]\noutput_limit = 1MB\n",
	    "FILE:2: session.output_limit = 1MB: must be a size in bytes, KiB, MiB or GiB from 64KiB to 1048576GiB" },
	{ "bad choice", "[tls]\nclient_certificates = on\n",
	    "FILE:2: tls.client_certificates = on: must be off, optional or required" },
	{ "bad store", "[store]\nurl = x\n", "FILE:2: store.url: must be sqlite:..." },
	{ "no value", "[login]\ntimeout =\n",
	    "FILE:2: login.timeout = : must be a number of seconds, such as 15 or 0.5, from 0 to 1000000" },
	{ "neither nor", "[login]\ntimeout = 7\nhello\n",
	    "FILE:3: this is no [section], no KEY = VALUE and no ; comment" },
	{ "half a section", "[login\ntimeout = 7\n",
	    "FILE:1: this is no [section], no KEY = VALUE and no ; comment" },
	{ "the first fault of several", "[login]\nhello\ntimeout = -1\n[nowhere]\n",
	    "FILE:2: this is no [section], no KEY = VALUE and no ; comment" },
	{ "the first fault of several, again", "[login]\ntimeout = -1\nhello\n",
	    "FILE:2: login.timeout = -1: must be" },
};

static void takes_file(void **state)
{
	const struct file_case *c = *state;
	struct settings s;
	bool is_taken = load(c->content, NULL, NULL, &s);
	if (c->says == NULL) {
		if (!is_taken)
			fail_msg("%s", why);
		assert_string_equal(value_of(&s, "login.timeout"), "7");
		return;
	}
	assert_false(is_taken);
	if (strncmp(why, c->says, strlen(c->says)) != 0)
		fail_msg("said: %s", why);
}

static void refuses_other_files(void **state)
{
	(void)state;
	struct settings s, before;
	memset(&s, 7, sizeof(s));
	before = s;
	assert_false(load_bytes(SLICE("[login]\ntime\0out = 7\n"), NULL, NULL, &s));
	assert_string_equal(why, "FILE:2: there is a NUL byte in this line; is it a text file?");
	assert_false(settings_load("/nowhere/x.conf", NULL, 0, NULL, &s, why, sizeof(why)));
	assert_string_equal(why, "cannot read /nowhere/x.conf: No such file or directory");
	assert_false(settings_load("/proc/self", NULL, 0, NULL, &s, why, sizeof(why)));
	assert_string_equal(why, "cannot read /proc/self: Is a directory");
	assert_false(settings_load("/dev/zero", NULL, 0, NULL, &s, why, sizeof(why)));
	assert_string_equal(why, "cannot read /dev/zero: File too large");
	unit_allocate_only(0);
	bool is_loaded = settings_load("/proc/self/status", NULL, 0, NULL, &s, why, sizeof(why));
	unit_allocate_all();
	assert_false(is_loaded);
	assert_string_equal(why, "cannot read /proc/self/status: Cannot allocate memory");
	assert_memory_equal(&s, &before, sizeof(s));
}

static void the_command_line_wins(void **state)
{
	(void)state;
	struct settings s;
	must_load("[login]\ntimeout = 5\n", "login.timeout=6", "login.timeout=7", &s);
	assert_int_equal(s.chat.login_timeout_ms, 7000);
	must_load("", "server.data=/a=b", NULL, &s);
	assert_string_equal(s.data, "/a=b");
	static const char *const malformed[][2] = {
		{ "login.timeout", "--set login.timeout: must be SECTION.KEY=VALUE" },
		{ "", "--set : must be SECTION.KEY=VALUE" },
		{ "=5", "--set =5: must be SECTION.KEY=VALUE" },
		{ HUNDRED HUNDRED "=5", "--set " HUNDRED HUNDRED ": must be SECTION.KEY=VALUE" },
		{ "timeout=5",
		    "--set: there is no setting timeout; messagerd --print-config shows them all" },
		{ "login.timeout=x",
		    "--set: login.timeout = x: must be a number of seconds, such as 15 or 0.5, from 0 to "
		    "1000000" },
		{ "server.data=a\nb",
		    "--set: server.data = a\nb: must have no control byte, no blank at an end and no ';' "
		    "after a blank" },
	};
	for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
		assert_false(load("", malformed[i][0], NULL, &s));
		assert_string_equal(why, malformed[i][1]);
	}
}

/* ---- what is derived ---- */

static void derives(void **state)
{
	(void)state;
	struct settings s;
	must_load("", "server.data=/d", NULL, &s);
	assert_string_equal(s.net.certificate_path, "/d/server.pem");
	assert_string_equal(s.net.key_path, "/d/server.pem");
	assert_string_equal(s.admin_socket, "/d/admin.sock");
	assert_true(settings_certificate_is_own(&s));
	must_load("", "tls.certificate=/etc/c.pem", NULL, &s);
	assert_string_equal(s.net.key_path, "/etc/c.pem");
	assert_false(settings_certificate_is_own(&s));
	must_load("", "tls.key=/etc/k.pem", "tls.certificate=/etc/c.pem", &s);
	assert_string_equal(s.net.certificate_path, "/etc/c.pem");
	assert_string_equal(s.net.key_path, "/etc/k.pem");
	assert_false(load("", "server.data=/" HUNDRED, NULL, &s));
	assert_string_equal(why,
	    "admin.socket is not set, and cannot be derived: DATA/admin.sock is longer than 107 bytes, "
	    "which is all it may have; set it");
	must_load("", "server.data=/" HUNDRED, "admin.socket=/run/a", &s);
}

static void data_folder_of_a_user(void **state)
{
	(void)state;
	struct settings s;
	bool is_root = geteuid() == 0;
	if (is_root) {
		must_load("", NULL, NULL, &s);
		assert_string_equal(s.data, "/var/lib/messagerd");
		assert_int_equal(seteuid(65534), 0);
	}
	setenv("HOME", "/home/ann", 1);
	setenv("XDG_DATA_HOME", "/xdg", 1);
	bool absolute = load("", NULL, NULL, &s);
	char from_xdg[NET_PATH_SIZE], from_home[NET_PATH_SIZE];
	memcpy(from_xdg, s.data, sizeof(from_xdg));
	setenv("XDG_DATA_HOME", "relative", 1);
	bool relative = load("", NULL, NULL, &s);
	memcpy(from_home, s.data, sizeof(from_home));
	unsetenv("XDG_DATA_HOME");
	if (is_root)
		assert_int_equal(seteuid(0), 0);
	assert_true(absolute && relative);
	assert_string_equal(from_xdg, "/xdg/messagerd");
	assert_string_equal(from_home, "/home/ann/.local/share/messagerd");
}

/* ---- reading again ---- */

static void restarts(void **state)
{
	(void)state;
	static const char *const sets[] = { "server.listen=1.1.1.1:1", "server.data=/new",
		"server.workers=3", "store.url=sqlite:/new", "bus.node=new", "admin.socket=/new",
		"login.timeout=9", "tls.min_version=1.3" };
	static const char *const kept[] = { "server.listen", "server.data", "server.workers",
		"store.url", "bus.node", "admin.socket" };
	struct settings running, s;
	must_load("", "server.listen=2.2.2.2:2222 3.3.3.3:3333", "server.data=/old", &running);
	unsigned cursor = 0;
	assert_null(settings_next_kept(&running, &cursor));
	assert_true(settings_load("/dev/null", sets, 8, &running, &s, why, sizeof(why)));
	cursor = 0;
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		assert_string_equal(settings_next_kept(&s, &cursor), kept[i]);
		char before[SETTINGS_TEXT_SIZE];
		snprintf(before, sizeof(before), "%s", value_of(&running, kept[i]));
		assert_string_equal(value_of(&s, kept[i]), before);
	}
	assert_null(settings_next_kept(&s, &cursor));
	assert_int_equal(s.chat.login_timeout_ms, 9000);
	assert_int_equal(s.net.min_version, NET_TLS_1_3);
	assert_string_equal(
	    s.net.certificate_path, "/old/server.pem"); /* where it is, not where it would be */

	/* The same again asks for nothing, even where a shorter value stands in place of a longer one. */
	static const char *const again[] = { "server.listen=4.4.4.4:4444 5.5.5.5:5555 6.6.6.6:6666",
		"server.listen=2.2.2.2:2222  3.3.3.3:3333", "server.data=/old" };
	assert_true(settings_load("/dev/null", again, 3, &running, &s, why, sizeof(why)));
	cursor = 0;
	assert_null(settings_next_kept(&s, &cursor));
}

/* ---- printing ---- */

/* The caller frees it. */
static char *printed(const struct settings *s)
{
	char *text = NULL;
	size_t len = 0;
	FILE *to = open_memstream(&text, &len);
	assert_non_null(to);
	settings_print(s, to);
	assert_int_equal(fclose(to), 0);
	return text;
}

static void assert_reads_back(const struct settings *s)
{
	struct settings again;
	char *text = printed(s);
	if (!load(text, NULL, NULL, &again))
		fail_msg("%s", why);
	for (size_t i = 0; i < setting_row_count; i++) {
		char before[SETTINGS_TEXT_SIZE];
		snprintf(before, sizeof(before), "%s", value_of(s, setting_rows[i].name));
		assert_string_equal(value_of(&again, setting_rows[i].name), before);
	}
	assert_int_equal(settings_certificate_is_own(&again), settings_certificate_is_own(s));
	char *text_again = printed(&again);
	assert_string_equal(text_again, text);
	free(text);
	free(text_again);
}

static void prints_what_reads_back(void **state)
{
	(void)state;
	struct settings s;
	must_load("", NULL, NULL, &s);
	assert_reads_back(&s);
	must_load("", "server.data=/" HUNDRED TEN TEN TEN TEN, "admin.socket=/a", &s);
	assert_reads_back(&s);
	must_load(
	    "[server]\nlisten = 1.1.1.1:1 [::1]:2\ndata = /d d\nworkers = 2\n"
	    "[tls]\ncertificate = /c\nkey = /k\nclient_certificates = required\nmin_version = 1.3\n"
	    "[login]\ntimeout = 0.001\nregistration = closed\npassword_memory = 8KiB\n"
	    "[session]\ncheck_interval = 0\noutput_limit = 1234567\n"
	    "[store]\nurl = sqlite:/x;y.db\n[bus]\nnode = n\n[admin]\nsocket = /s\n"
	    "[metrics]\nlisten = 127.0.0.1:9443\n[log]\nlevel = debug\nformat = json\n",
	    NULL, NULL, &s);
	assert_reads_back(&s);
}

static void prints_how_to_give_what_is_too_long(void **state)
{
	(void)state;
	struct settings s;
	must_load("", "tls.certificate=/" HUNDRED HUNDRED, NULL, &s);
	char *text = printed(&s);
	assert_non_null(strstr(text, "--set tls.certificate=/" HUNDRED HUNDRED "\n"));
	assert_true(load(text, NULL, NULL, &s));
	free(text);
}

/* The file that operators are shown is a valid one, and says the defaults. */
static const char example[] =
    "[server]\n"
    "user =\nsandbox = on\n"
    "proxy_from =\ndrain_seconds = 0\n"
    "listen = 0.0.0.0:18443          ; several, separated by spaces; [::]:18443; port 0 picks a free one\n"
    "workers = 0                     ; 0: one per core\n"
    "[tls]\n"
    "certificate =                   ; PEM; if empty, DATA/server.pem, made self-signed on the first start\n"
    "key =                           ; PEM; if empty, in the certificate's file\n"
    "client_certificates = off       ; off | optional | required (self-signed ones are taken, their fingerprint is logged)\n"
    "min_version = 1.2               ; 1.2 | 1.3\n"
    "records = own                   ; libssl | own\n"
    "[login]\n"
    "timeout = 60\nhandshake_timeout = 10\nmax_tries = 60\n"
    "registration = open             ; open | closed (accounts then come from messagerctl only)\n"
    "min_password_length = 1\n"
    "password_memory = 19MiB         ; Argon2id; 8KiB is the least (tests and benchmarks use it)\n"
    "password_passes = 2\n"
    "[session]\n"
    "check_interval = 15\nuser_timeout = 45\nidle_timeout = 0\nquery_timeout = 30\noutput_limit = 1MiB\n"
    "messages_per_second = 200\nburst = 400\n"
    "[files]\n"
    "upload_seconds = 5\ndownload_seconds = 5\nmax_size = 100MiB\nmax_waiting_files = 1000\nmax_waiting_bytes = 1GiB\n"
    "keep_days = 0\n"
    "[limits]\n"
    "connections = 0\nconnections_per_address = 0\nfailed_logins_per_address_per_minute = 60\n"
    "signups_per_address_per_minute = 60\nunauthenticated = 10000\n"
    "penalty_wrong_password = 1\npenalty_garbage = 5\npenalty_no_login = 1\npenalty_handshake = 2\n"
    "penalty_threshold = 120\npenalty_longest = 600\npenalty_exempt = 127.0.0.0/8 ::1\n"
    "[store]\nurl = sqlite:                   ; sqlite:PATH (default DATA/messagerd.db)\n"
    "[bus]\nurl = local\nnode =\nprefix = messager\nca =\ncertificate =\nkey =\nuser =\npassword_file =\n"
    "token_file =\nnkey =\nnkey_file =\n[admin]\nsocket =\n[metrics]\nlisten =\n"
    "[log]\nlevel = info                    ; error | warn | info | debug\nformat = text\n";

static void the_example_says_the_defaults(void **state)
{
	(void)state;
	struct settings from_example, defaults;
	must_load(example, NULL, NULL, &from_example);
	must_load("", NULL, NULL, &defaults);
	char *a = printed(&from_example), *b = printed(&defaults);
	assert_string_equal(a, b);
	free(a);
	free(b);
	for (size_t i = 0; i < setting_row_count; i++) {
		const char *key = strchr(setting_rows[i].name, '.') + 1;
		if (strstr(example, key) == NULL && strcmp(key, "data") != 0)
			fail_msg("%s is in no line of the example", setting_rows[i].name);
	}
}

static void addresses_of_a_list(void **state)
{
	(void)state;
	struct settings s;
	struct sockaddr_storage addresses[SETTINGS_MAX_LISTEN];
	must_load("", "server.listen=127.0.0.1:80 [::1]:81 127.0.0.2:0", NULL, &s);
	assert_int_equal(settings_addresses(s.listen, addresses), 3);
	assert_int_equal(addresses[0].ss_family, AF_INET);
	assert_int_equal(addresses[1].ss_family, AF_INET6);
	assert_int_equal(addresses[2].ss_family, AF_INET);
	assert_int_equal(settings_addresses(s.metrics_listen, addresses), 0);
}

int main(int argc, char **argv)
{
	UNIT_EACH(takes_value, value_cases);
	for (size_t i = 0; i < setting_row_count; i++)
		unit_add("keeps_bounds", setting_rows[i].name, keeps_bounds, &setting_rows[i]);
	UNIT_TEST(choices_are_the_enums);
	UNIT_EACH(takes_file, file_cases);
	UNIT_TEST(refuses_other_files);
	UNIT_TEST(the_command_line_wins);
	UNIT_TEST(derives);
	UNIT_TEST(data_folder_of_a_user);
	UNIT_TEST(restarts);
	UNIT_TEST(prints_what_reads_back);
	UNIT_TEST(prints_how_to_give_what_is_too_long);
	UNIT_TEST(the_example_says_the_defaults);
	UNIT_TEST(addresses_of_a_list);
	return unit_run(argc, argv);
}
