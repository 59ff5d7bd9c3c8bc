#include "server/settings_rows.h"

#include <ctype.h>
#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "base/home.h"

#define AT(field)    offsetof(struct settings, field), sizeof(((struct settings *)0)->field)
#define KIB(n)       ((uint64_t)(n) << 10)
#define GIB(n)       ((uint64_t)(n) << 30)
#define SECONDS(n)   ((uint64_t)(n)*1000)
#define CHOICES(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* Long enough for everybody, and far from every overflow in the code that adds and multiplies. */
#define LONGEST SECONDS(1000000) /* eleven days */
#define MOST    1000000000
#define LARGEST (GIB(1) << 20)

static bool derived(int len, size_t size, const char *what, char *why, size_t why_size)
{
	if (len >= 0 && (size_t)len < size)
		return true;
	snprintf(
	    why, why_size, "%s is longer than %zu bytes, which is all it may have", what, size - 1);
	return false;
}

static bool derive_data(const struct settings *s, char *to, size_t size, char *why, size_t why_size)
{
	(void)s;
	if (geteuid() == 0)
		return derived(
		    snprintf(to, size, "/var/lib/messagerd"), size, "the path", why, why_size);
	if (home_data_folder("messagerd", to, size))
		return true;
	snprintf(why, why_size, "this user has no home folder, or its path is too long");
	return false;
}

static bool derive_certificate(
    const struct settings *s, char *to, size_t size, char *why, size_t why_size)
{
	return derived(
	    snprintf(to, size, "%s/server.pem", s->data), size, "DATA/server.pem", why, why_size);
}

static bool derive_key(const struct settings *s, char *to, size_t size, char *why, size_t why_size)
{
	return derived(snprintf(to, size, "%s", s->net.certificate_path), size,
	    "the certificate's path", why, why_size);
}

static bool derive_socket(
    const struct settings *s, char *to, size_t size, char *why, size_t why_size)
{
	return derived(
	    snprintf(to, size, "%s/admin.sock", s->data), size, "DATA/admin.sock", why, why_size);
}

static bool derive_node(const struct settings *s, char *to, size_t size, char *why, size_t why_size)
{
	(void)s;
	to[0] = '\0';
	if (gethostname(to, size) != 0 && errno != ENAMETOOLONG) {
		snprintf(why, why_size, "this host has no name: %s", strerror(errno));
		return false;
	}
	to[size - 1] = '\0';
	for (char *at = to; *at != '\0'; at++) {
		if (!isascii(*at) || (!isalnum(*at) && strchr("-_.", *at) == NULL))
			*at = '-';
	}
	if (to[0] == '\0')
		snprintf(to, size, "messagerd");
	return true;
}

/* Who starts it, unless that is root and the host has a user for it. */
static bool derive_user(const struct settings *s, char *to, size_t size, char *why, size_t why_size)
{
	(void)s;
	const struct passwd *own = geteuid() == 0 ? getpwnam("messagerd") : NULL;
	if (own == NULL)
		own = getpwuid(geteuid());
	return own != NULL ? derived(snprintf(to, size, "%s", own->pw_name), size,
				 "the name of the user", why, why_size)
			   : derived(snprintf(to, size, "%u", (unsigned)geteuid()), size,
				 "the user", why, why_size);
}

/* When a change takes effect. */
enum { AT_ONCE = false, AFTER_RESTART = true };

/* name, type, when a change takes effect, field, default; then what the type needs. */
const struct setting setting_rows[] = {
	{ "server.listen", SETTING_ADDRESSES, AFTER_RESTART, AT(listen), "0.0.0.0:18443", .min = 1,
	    .max = SETTINGS_MAX_LISTEN,
	    .help = "Where to listen, such as 0.0.0.0:18443 [::]:18443. Port 0 picks a free one." },
	{ "server.data", SETTING_PATH, AFTER_RESTART, AT(data), "", .derive = derive_data,
	    .derived_as = "/var/lib/messagerd for root, else ~/.local/share/messagerd",
	    .help = "The folder for everything that lasts. Made with mode 0700 if it is missing." },
	{ "server.proxy_from", SETTING_NETWORKS, AT_ONCE, AT(net.proxy_from), "",
	    .max = SETTINGS_MAX_NETWORKS,
	    .help =
		"Addresses or networks of balancers, which begin each connection with the PROXY protocol, version 2: it says "
		"from where the connection really comes. Empty: there is none." },
	{ "server.drain_seconds", SETTING_SECONDS, AT_ONCE, AT(drain_ms), "0", .max = LONGEST,
	    .help =
		"When told to end it serves on for so long, with /readyz saying 503, so that a balancer sends "
		"nobody new. A second signal cuts it short." },
	{ "server.workers", SETTING_COUNT, AFTER_RESTART, AT(workers), "0", .max = 1024,
	    .help = "Threads that serve connections. 0: one per core." },

	{ "server.user", SETTING_WORD, AFTER_RESTART, AT(user), "", .derive = derive_user,
	    .derived_as =
		"messagerd, if root starts it and there is such a user, else who starts it",
	    .help = "The user that it becomes if root starts it." },
	{ "server.sandbox", SETTING_CHOICE, AFTER_RESTART, AT(sandbox), "on",
	    .choices = CHOICES("off", "on"),
	    .help =
		"Whether it gives up, once it has started, what it does not need of the disk and of the "
		"kernel." },

	{ "tls.certificate", SETTING_PATH, AT_ONCE, AT(net.certificate_path), "",
	    .derive = derive_certificate,
	    .derived_as = "DATA/server.pem, made self-signed on the first start",
	    .help = "The server's certificate, with those that vouch for it, as PEM." },
	{ "tls.key", SETTING_PATH, AT_ONCE, AT(net.key_path), "", .derive = derive_key,
	    .derived_as = "in the certificate's file",
	    .help = "The certificate's private key, as PEM." },
	{ "tls.client_certificates", SETTING_CHOICE, AT_ONCE, AT(net.client_certificates), "off",
	    .choices = CHOICES("off", "optional", "required"),
	    .help =
		"Whether clients are asked for a certificate. A self-signed one will do; its fingerprint is "
		"logged." },
	{ "tls.min_version", SETTING_CHOICE, AT_ONCE, AT(net.min_version), "1.2",
	    .choices = CHOICES("1.2", "1.3"), .help = "The oldest version of TLS that is spoken." },
	{ "tls.records", SETTING_CHOICE, AT_ONCE, AT(net.records), "own",
	    .choices = CHOICES("libssl", "own"),
	    .help =
		"Who makes the records of TLS 1.3 once OpenSSL has shaken hands: the server itself, in less "
		"memory and time, or OpenSSL's libssl. TLS 1.2, and whoever shows a certificate, stay with "
		"libssl in any case." },

	{ "login.timeout", SETTING_SECONDS, AT_ONCE, AT(chat.login_timeout_ms), "60",
	    .max = LONGEST,
	    .help =
		"For the next query of somebody who logs in; all of it may take ten times that. 0: no "
		"limit." },
	{ "login.handshake_timeout", SETTING_SECONDS, AT_ONCE, AT(net.handshake_timeout_ms), "10",
	    .max = LONGEST, .help = "For the TLS handshake. 0: no limit." },
	{ "login.max_tries", SETTING_COUNT, AT_ONCE, AT(chat.max_tries), "60", .max = MOST,
	    .help = "The refusal of a sign-up with which a connection ends. 0: no limit." },
	{ "login.registration", SETTING_CHOICE, AT_ONCE, AT(chat.registration_open), "open",
	    .choices = CHOICES("closed", "open"),
	    .help = "Whether people can sign up. If not, accounts come from messagerctl only." },
	{ "login.min_password_length", SETTING_COUNT, AT_ONCE, AT(chat.min_password_length), "1",
	    .min = 1, .max = 1024, .help = "The least bytes that a new password must have." },
	{ "login.password_memory", SETTING_SIZE, AT_ONCE, AT(chat.password_memory_bytes), "19MiB",
	    .min = KIB(8), .max = GIB(4),
	    .help = "Memory for hashing one password with Argon2id." },
	{ "login.password_passes", SETTING_COUNT, AT_ONCE, AT(chat.password_passes), "2", .min = 1,
	    .max = 1000, .help = "Passes over that memory." },

	{ "session.check_interval", SETTING_SECONDS, AT_ONCE, AT(chat.check_interval_ms), "15",
	    .max = LONGEST,
	    .help = "A session to which nothing else was sent for so long gets a CHECK. 0: off." },
	{ "session.user_timeout", SETTING_SECONDS, AT_ONCE, AT(net.user_timeout_ms), "45",
	    .max = LONGEST,
	    .help =
		"A peer that acknowledges nothing for so long is gone. 0: what the system does by itself." },
	{ "session.idle_timeout", SETTING_SECONDS, AT_ONCE, AT(chat.idle_timeout_ms), "0",
	    .max = LONGEST,
	    .help = "A session that says nothing for so long is closed. 0: never." },
	{ "session.query_timeout", SETTING_SECONDS, AT_ONCE, AT(chat.query_timeout_ms), "30",
	    .max = LONGEST, .help = "For the rest of a query that has begun. 0: no limit." },
	{ "session.output_limit", SETTING_SIZE, AT_ONCE, AT(net.output_limit_bytes), "1MiB",
	    .min = KIB(64), .max = LARGEST,
	    .help = "A receiver that lets more pile up is dropped as too slow." },
	{ "session.messages_per_second", SETTING_COUNT, AT_ONCE, AT(chat.messages_per_second),
	    "200", .max = MOST,
	    .help =
		"Queries of one session. Above it the session is read more slowly. 0: no limit." },
	{ "session.burst", SETTING_COUNT, AT_ONCE, AT(chat.burst), "400", .min = 1, .max = MOST,
	    .help = "So many queries at once, after a pause, are not slowed down." },

	{ "files.upload_seconds", SETTING_SECONDS, AT_ONCE, AT(chat.upload_ms), "5", .max = LONGEST,
	    .help = "File bytes of an upload count for so long. 0: no limit." },
	{ "files.download_seconds", SETTING_SECONDS, AT_ONCE, AT(chat.download_ms), "5",
	    .max = LONGEST,
	    .help = "File bytes of a download are sent for so long, for each file. 0: no limit." },
	{ "files.max_size", SETTING_SIZE, AT_ONCE, AT(chat.file_max_bytes), "100MiB",
	    .max = LARGEST, .help = "The largest file. 0: no limit." },
	{ "files.max_waiting_files", SETTING_COUNT, AT_ONCE, AT(chat.max_waiting_files), "1000",
	    .max = MOST, .help = "Files that may wait for one receiver. 0: no limit." },
	{ "files.max_waiting_bytes", SETTING_SIZE, AT_ONCE, AT(chat.max_waiting_bytes), "1GiB",
	    .max = LARGEST, .help = "Bytes of files that may wait for one receiver. 0: no limit." },
	{ "files.keep_days", SETTING_COUNT, AT_ONCE, AT(chat.keep_days), "0", .max = 100000,
	    .help = "Files that wait for longer are removed. 0: never." },

	{ "limits.connections", SETTING_COUNT, AT_ONCE, AT(net.connections), "0", .max = MOST,
	    .help = "Connections at a time. 0: no limit." },
	{ "limits.connections_per_address", SETTING_COUNT, AT_ONCE, AT(net.connections_per_address),
	    "0", .max = MOST, .help = "Connections at a time from one address. 0: no limit." },
	{ "limits.failed_logins_per_address_per_minute", SETTING_COUNT, AT_ONCE,
	    AT(chat.failed_logins_per_minute), "60", .max = MOST,
	    .help =
		"Refused log-ins from one address, so that a crowd behind one address is not hurt. 0: no "
		"limit." },
	{ "limits.signups_per_address_per_minute", SETTING_COUNT, AT_ONCE,
	    AT(chat.sign_ups_per_minute), "60", .max = MOST,
	    .help =
		"Sign-ups from one address that is not in penalty_exempt: their hashes would keep all others "
		"from logging in. 0: no limit." },
	{ "limits.unauthenticated", SETTING_COUNT, AT_ONCE, AT(net.unauthenticated), "10000",
	    .max = MOST,
	    .help =
		"Connections at a time that have not logged in; one of TLS 1.2 (or with tls.records = libssl) "
		"counts as two. One address (in IPv6 a /64) that is not in penalty_exempt gets no more of "
		"these places than are still free. 0: no limit." },

	{ "limits.penalty_wrong_password", SETTING_SECONDS, AT_ONCE,
	    AT(net.penalty_ms[NET_OFFENCE_PASSWORD]), "1", .max = LONGEST,
	    .help =
		"What a refused log-in adds to the penalties of its address, of which a second takes one "
		"off." },
	{ "limits.penalty_garbage", SETTING_SECONDS, AT_ONCE,
	    AT(net.penalty_ms[NET_OFFENCE_GARBAGE]), "5", .max = LONGEST,
	    .help = "The same for something that is no query, before log-in." },
	{ "limits.penalty_no_login", SETTING_SECONDS, AT_ONCE,
	    AT(net.penalty_ms[NET_OFFENCE_NO_LOGIN]), "1", .max = LONGEST,
	    .help = "The same for a connection that ends without a log-in." },
	{ "limits.penalty_handshake", SETTING_SECONDS, AT_ONCE,
	    AT(net.penalty_ms[NET_OFFENCE_HANDSHAKE]), "2", .max = LONGEST,
	    .help = "The same for a TLS handshake that comes to nothing." },
	{ "limits.penalty_threshold", SETTING_SECONDS, AT_ONCE, AT(net.penalty_threshold_ms), "120",
	    .max = LONGEST,
	    .help =
		"An address (in IPv6 a /64) that owes so much is refused before its handshake until it owes "
		"nothing. 0: none is." },
	{ "limits.penalty_longest", SETTING_SECONDS, AT_ONCE, AT(net.penalty_longest_ms), "600",
	    .max = LONGEST, .help = "The most that an address can owe." },
	{ "limits.penalty_exempt", SETTING_NETWORKS, AT_ONCE, AT(net.penalty_exempt),
	    "127.0.0.0/8 ::1", .max = SETTINGS_MAX_NETWORKS,
	    .help =
		"Who owes nothing, such as 192.0.2.0/24 2001:db8::/32: proxies and crowds behind one "
		"address." },

	{ "store.url", SETTING_URL, AFTER_RESTART, AT(store_url),
	    "sqlite:", .choices = CHOICES("sqlite:", "postgres:", "postgresql:"),
	    .help =
		"Where accounts, bans and files are kept. sqlite: is DATA/messagerd.db, sqlite:PATH another file, "
		"postgres://USER@HOST/DATABASE a database of PostgreSQL." },
	{ "bus.url", SETTING_URL, AFTER_RESTART, AT(bus.url), "local",
	    .choices = CHOICES("local", "nats:", "tls:"),
	    .help =
		"What connects servers. local: this one is alone. nats://HOST:PORT or tls://HOST:PORT: NATS; "
		"several, separated by commas." },
	{ "bus.node", SETTING_WORD, AFTER_RESTART, AT(bus.node), "", .derive = derive_node,
	    .derived_as = "the host's name", .help = "This server's name in a cluster." },
	{ "bus.prefix", SETTING_WORD, AFTER_RESTART, AT(bus.prefix), "messager",
	    .help = "What the subjects begin with: the same for all servers of a cluster." },
	{ "bus.ca", SETTING_PATH, AFTER_RESTART, AT(bus.ca), "", .derived_as = "none",
	    .help = "Who vouches for the bus's certificate, as PEM; makes it TLS." },
	{ "bus.certificate", SETTING_PATH, AFTER_RESTART, AT(bus.certificate), "",
	    .derived_as = "none", .help = "The certificate that is shown to the bus, as PEM." },
	{ "bus.key", SETTING_PATH, AFTER_RESTART, AT(bus.key), "", .derived_as = "none",
	    .help = "Its private key, as PEM." },
	{ "bus.user", SETTING_WORD, AFTER_RESTART, AT(bus.user), "", .derived_as = "none",
	    .help = "Who we are to the bus, with bus.password_file." },
	{ "bus.password_file", SETTING_PATH, AFTER_RESTART, AT(bus.password_file), "",
	    .derived_as = "none", .help = "A file whose first line is that user's password." },
	{ "bus.token_file", SETTING_PATH, AFTER_RESTART, AT(bus.token_file), "",
	    .derived_as = "none", .help = "A file whose first line is the bus's token." },
	{ "bus.nkey", SETTING_WORD, AFTER_RESTART, AT(bus.nkey), "", .derived_as = "none",
	    .help = "Our public nkey, with bus.nkey_file." },
	{ "bus.nkey_file", SETTING_PATH, AFTER_RESTART, AT(bus.nkey_file), "", .derived_as = "none",
	    .help = "A file with its seed." },
	{ "admin.socket", SETTING_PATH, AFTER_RESTART, AT(admin_socket), "",
	    .derive = derive_socket, .derived_as = "DATA/admin.sock",
	    .help = "Where messagerctl finds the server: a socket of mode 0600." },
	{ "metrics.listen", SETTING_ADDRESSES, AT_ONCE, AT(metrics_listen), "",
	    .max = SETTINGS_MAX_LISTEN,
	    .help = "Where metrics are served over HTTP, such as 127.0.0.1:9443. Empty: nowhere." },
	{ "log.level", SETTING_CHOICE, AT_ONCE, AT(log_level), "info",
	    .choices = CHOICES("error", "warn", "info", "debug"),
	    .help = "What is logged. No secret and no text of a message is, at any level." },
	{ "log.format", SETTING_CHOICE, AT_ONCE, AT(log_format), "text",
	    .choices = CHOICES("text", "json"), .help = "How it is written." },
};
const size_t setting_row_count = sizeof(setting_rows) / sizeof(setting_rows[0]);

const struct setting *setting_find(const char *name)
{
	for (size_t i = 0; i < setting_row_count; i++) {
		if (strcmp(setting_rows[i].name, name) == 0)
			return &setting_rows[i];
	}
	return NULL;
}
