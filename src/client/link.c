#include "client/link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <sodium.h>

#include "client/resolve.h"

enum {
	FINDING_LIMIT_MS = 15 * 1000,
	CONNECT_LIMIT_MS = 10 * 1000, /* for each address */
	HANDSHAKE_LIMIT_MS = 15 * 1000,
	/* A peer that is gone without a word is noticed after about this time, written to or not. */
	KEEPALIVE_IDLE_S = 30,
	KEEPALIVE_INTERVAL_S = 5,
	KEEPALIVE_COUNT = 3,
	USER_TIMEOUT_MS = 45 * 1000,
};

static const unsigned char protocol_names[] =
    "\x0essl-messager/1"; /* with its length before it, as ALPN has it */

struct link {
	enum link_state state;
	const struct server_name *server;
	SSL_CTX *tls;
	struct resolve *resolve;
	const struct addrinfo *address; /* the one being tried; belongs to resolve */
	int fd;
	SSL *ssl;
	uint64_t deadline_ms;
	bool read_wants_write; /* TLS must send something before it can read on */
	bool write_wants_read;
	bool write_failed; /* what the server said before may still be read */
	bool untrusted;
	size_t out_len; /* of the record that is not out yet; 0: none */
	char fingerprint[FINGERPRINT_SIZE];
	char certificate_fingerprint[FINGERPRINT_SIZE];
	enum certificate_dates dates;
	char date[CERTIFICATE_DATE_SIZE];
	struct why why;
	char out[RECORD_MAX_LEN];
};

/* Making one */

static bool context_fail(SSL_CTX *tls, const char *what, const char *path, struct why *why)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());
	ERR_clear_error();
	SSL_CTX_free(tls);
	return why_fail(
	    why, "%s %s: %s", what, path, reason ? reason : "the TLS library gave no reason");
}

SSL_CTX *link_context_new(const char *certificate_path, const char *ca_file, struct why *why)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
	if (tls == NULL || SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION) != 1 ||
	    SSL_CTX_set_alpn_protos(tls, protocol_names, sizeof(protocol_names) - 1) != 0) {
		context_fail(tls, "cannot set up", "TLS", why);
		return NULL;
	}
	SSL_CTX_set_options(tls, SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_mode(tls, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
	if (ca_file != NULL) {
		SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
		if (SSL_CTX_load_verify_file(tls, ca_file) != 1) {
			context_fail(tls, "cannot read authorities from", ca_file, why);
			return NULL;
		}
	}
	char own[FINGERPRINT_SIZE];
	if (certificate_path != NULL &&
	    !certificate_load(tls, certificate_path, NULL, own, why->text)) {
		SSL_CTX_free(tls);
		return NULL;
	}
	return tls;
}

struct link *link_new(
    SSL_CTX *tls, const struct server_name *server, uint64_t now_ms, struct why *why)
{
	struct link *l = calloc(1, sizeof(*l));
	if (l == NULL) {
		why_fail(why, "out of memory");
		return NULL;
	}
	l->fd = -1;
	l->tls = tls;
	l->server = server;
	l->state = LINK_FINDING;
	l->deadline_ms = now_ms + FINDING_LIMIT_MS;
	l->resolve = resolve_new(server, why);
	if (l->resolve == NULL)
		link_free(&l);
	return l;
}

static void socket_close(struct link *l)
{
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
}

void link_free(struct link **link)
{
	struct link *l = *link;
	if (l == NULL)
		return;
	if (l->ssl != NULL && l->state == LINK_OPEN && !l->write_failed)
		SSL_shutdown(l->ssl);
	SSL_free(l->ssl);
	ERR_clear_error();
	socket_close(l);
	resolve_free(&l->resolve);
	sodium_memzero(l->out, sizeof(l->out));
	free(l);
	*link = NULL;
}

/* Asking */

enum link_state link_state(const struct link *l)
{
	return l->state;
}

const char *link_why(const struct link *l)
{
	return l->why.text;
}

bool link_is_untrusted(const struct link *l)
{
	return l->untrusted;
}

const char *link_fingerprint(const struct link *l)
{
	return l->fingerprint;
}

const char *link_certificate_fingerprint(const struct link *l)
{
	return l->certificate_fingerprint;
}

enum certificate_dates link_certificate_dates(const struct link *l, const char **date_r)
{
	*date_r = l->date;
	return l->dates;
}

bool link_speaks_ours(const struct link *l)
{
	const unsigned char *name;
	unsigned len;
	SSL_get0_alpn_selected(l->ssl, &name, &len);
	return len == sizeof(protocol_names) - 2 && memcmp(name, protocol_names + 1, len) == 0;
}

int link_fd(const struct link *l)
{
	if (l->state == LINK_FINDING)
		return resolve_fd(l->resolve);
	return l->state == LINK_CLOSED ? -1 : l->fd;
}

short link_events(const struct link *l, bool want_records)
{
	switch (l->state) {
	case LINK_FINDING:
		return POLLIN;
	case LINK_CONNECTING:
		return POLLOUT;
	case LINK_HANDSHAKE:
		return l->read_wants_write ? POLLOUT : POLLIN;
	case LINK_OPEN: {
		bool in = want_records || (l->out_len > 0 && l->write_wants_read);
		bool out = l->read_wants_write || (l->out_len > 0 && !l->write_wants_read);
		return (short)((in ? POLLIN : 0) | (out ? POLLOUT : 0));
	}
	default:
		return 0;
	}
}

uint64_t link_deadline_ms(const struct link *l)
{
	return l->state < LINK_OPEN ? l->deadline_ms : UINT64_MAX;
}

size_t link_unacknowledged(const struct link *l)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);
	int queued = 0;
	/* A connection that was reset has an empty queue, which says nothing. */
	if (l->fd < 0 || getsockopt(l->fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0 ||
	    info.tcpi_state == TCP_CLOSE || ioctl(l->fd, SIOCOUTQ, &queued) != 0)
		return SIZE_MAX;
	return (size_t)queued + l->out_len;
}

unsigned link_round_trip_ms(const struct link *l)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);
	if (l->fd < 0 || getsockopt(l->fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0)
		return 0;
	return info.tcpi_rtt / 1000;
}

/* Failing */

static void close_because(struct link *l, const char *what, const char *reason)
{
	char server[SERVER_TEXT_SIZE];
	why_fail(&l->why, "%s %s%s%s", what, server_name_text(l->server, server),
	    reason ? ": " : "", reason ? reason : "");
	l->state = LINK_CLOSED;
	socket_close(l);
	ERR_clear_error();
}

/* The best reason that TLS has for its last failure. */
static const char *tls_reason(const struct link *l, int error)
{
	long verified = SSL_get_verify_result(l->ssl);
	if (SSL_CTX_get_verify_mode(l->tls) != SSL_VERIFY_NONE && verified != X509_V_OK)
		return X509_verify_cert_error_string(verified);
	unsigned long code = ERR_peek_last_error();
	if (code != 0 && ERR_SYSTEM_ERROR(code))
		return strerror(ERR_GET_REASON(code));
	if (code != 0)
		return ERR_reason_error_string(code);
	if (error == SSL_ERROR_SYSCALL && errno != 0)
		return strerror(errno);
	return "the other side closed the connection";
}

/* Connecting */

static void set_socket_options(int fd)
{
	int on = 1, idle = KEEPALIVE_IDLE_S, interval = KEEPALIVE_INTERVAL_S,
	    count = KEEPALIVE_COUNT;
	unsigned user_timeout_ms = USER_TIMEOUT_MS;
	/* Each is a help, none a condition. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(interval));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count));
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &user_timeout_ms, sizeof(user_timeout_ms));
}

/* Begins with l->address, or with the first behind it that can be begun with. error: why the one before failed. */
static void connect_begin(struct link *l, uint64_t now_ms, int error)
{
	l->state = LINK_CONNECTING;
	for (; l->address != NULL; l->address = l->address->ai_next) {
		const struct addrinfo *a = l->address;
		l->deadline_ms = now_ms + CONNECT_LIMIT_MS;
		l->fd = socket(
		    a->ai_family, a->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a->ai_protocol);
		if (l->fd >= 0) {
			set_socket_options(l->fd);
			if (connect(l->fd, a->ai_addr, a->ai_addrlen) == 0 || errno == EINPROGRESS)
				return; /* poll says when it is ready, also if it already is */
		}
		error = errno;
		socket_close(l);
	}
	close_because(l, "cannot connect to", strerror(error));
}

static void find_step(struct link *l, short revents, uint64_t now_ms)
{
	if (revents == 0) {
		if (now_ms >= l->deadline_ms)
			close_because(l, "cannot find", "the name server does not answer");
		return;
	}
	l->address = resolve_answer(l->resolve, &l->why);
	if (l->address != NULL)
		connect_begin(l, now_ms, 0);
	else
		l->state = LINK_CLOSED;
}

static bool is_address(const char *host)
{
	unsigned char in[sizeof(struct in6_addr)];
	return inet_pton(AF_INET, host, in) == 1 || inet_pton(AF_INET6, host, in) == 1 ||
	       strchr(host, '%') != NULL;
}

/* Which name the certificate must have matters only when an authority is asked for. */
static bool handshake_prepare(struct link *l)
{
	const char *host = l->server->host;
	bool address = is_address(host);
	l->ssl = SSL_new(l->tls);
	if (l->ssl == NULL || SSL_set_fd(l->ssl, l->fd) != 1)
		return false;
	SSL_set_connect_state(l->ssl);
	if (address)
		return SSL_CTX_get_verify_mode(l->tls) == SSL_VERIFY_NONE ||
		       X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(l->ssl), host) == 1;
	return SSL_set_tlsext_host_name(l->ssl, host) == 1 && SSL_set1_host(l->ssl, host) == 1;
}

static void handshake_finish(struct link *l)
{
	X509 *certificate = SSL_get1_peer_certificate(l->ssl);
	bool ok = certificate != NULL && certificate_fingerprint(certificate, l->fingerprint) &&
		  certificate_whole_fingerprint(certificate, l->certificate_fingerprint);
	if (ok)
		l->dates = certificate_look_at_dates(certificate, l->date);
	X509_free(certificate);
	l->read_wants_write = false;
	if (ok)
		l->state = LINK_OPEN;
	else
		close_because(l, "cannot trust", "it shows no usable certificate");
}

static void close_untrusted(struct link *l, const char *reason)
{
	char text[256];
	snprintf(text, sizeof(text),
	    "%s. Nothing was sent. Its operator must show a certificate for this name that an authority of --ca vouches for, or "
	    "give you the key's fingerprint for --fingerprint",
	    reason);
	close_because(l, "cannot trust", text);
}

static void handshake_step(struct link *l, uint64_t now_ms)
{
	ERR_clear_error();
	errno = 0;
	int done = SSL_do_handshake(l->ssl);
	if (done == 1) {
		handshake_finish(l);
		return;
	}
	int error = SSL_get_error(l->ssl, done);
	l->read_wants_write = error == SSL_ERROR_WANT_WRITE;
	if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) {
		l->untrusted = SSL_CTX_get_verify_mode(l->tls) != SSL_VERIFY_NONE &&
			       SSL_get_verify_result(l->ssl) != X509_V_OK;
		if (l->untrusted)
			close_untrusted(l, tls_reason(l, error));
		else
			close_because(l, "cannot agree on TLS with", tls_reason(l, error));
	} else if (now_ms >= l->deadline_ms) {
		close_because(l, "cannot agree on TLS with", "it does not answer");
	}
}

static void connect_step(struct link *l, short revents, uint64_t now_ms)
{
	int error = 0;
	socklen_t len = sizeof(error);
	if (revents == 0 && now_ms < l->deadline_ms)
		return;
	if (revents == 0)
		error = ETIMEDOUT;
	else if (getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
		error = errno;
	if (error != 0) {
		socket_close(l);
		l->address = l->address->ai_next;
		connect_begin(l, now_ms, error);
		return;
	}
	l->state = LINK_HANDSHAKE;
	l->deadline_ms = now_ms + HANDSHAKE_LIMIT_MS;
	if (handshake_prepare(l))
		handshake_step(l, now_ms);
	else
		close_because(
		    l, "cannot begin TLS with", ERR_reason_error_string(ERR_peek_last_error()));
}

/* Talking */

/* True: TLS only has to wait. */
static bool must_wait(int error)
{
	return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
}

static void write_step(struct link *l)
{
	if (l->out_len == 0 || l->write_failed)
		return;
	ERR_clear_error();
	errno = 0;
	int put = SSL_write(l->ssl, l->out, (int)l->out_len);
	int error = put > 0 ? SSL_ERROR_NONE : SSL_get_error(l->ssl, put);
	l->write_wants_read = error == SSL_ERROR_WANT_READ;
	if (put > 0) {
		sodium_memzero(l->out, l->out_len);
		l->out_len = 0;
	} else if (!must_wait(error)) {
		l->write_failed = true;
		why_fail(&l->why, "%s", tls_reason(l, error));
	}
}

bool link_can_write(const struct link *l)
{
	return l->state == LINK_OPEN && l->out_len == 0 && !l->write_failed;
}

void link_write(struct link *l, const char *bytes, size_t len)
{
	memcpy(l->out, bytes, len);
	l->out_len = len;
	write_step(l);
}

size_t link_read(struct link *l, char record[static RECORD_MAX_LEN])
{
	if (l->state != LINK_OPEN)
		return 0;
	ERR_clear_error();
	errno = 0;
	int got = SSL_read(l->ssl, record, RECORD_MAX_LEN);
	if (got > 0)
		return (size_t)got;
	int error = SSL_get_error(l->ssl, got);
	l->read_wants_write = error == SSL_ERROR_WANT_WRITE;
	if (must_wait(error) && !l->write_failed)
		return 0;
	if (error != SSL_ERROR_ZERO_RETURN && !l->write_failed)
		why_fail(&l->why, "%s", tls_reason(l, error));
	l->state = LINK_CLOSED;
	ERR_clear_error();
	return 0;
}

/* Records are read when the caller asks for them; a connection that is reset while nobody does must not keep poll awake. */
static void open_step(struct link *l, short revents)
{
	write_step(l);
	if ((revents & (POLLERR | POLLNVAL)) != 0 && (revents & POLLIN) == 0) {
		why_fail(&l->why, "the connection was reset");
		l->state = LINK_CLOSED;
	}
}

void link_step(struct link *l, short revents, uint64_t now_ms)
{
	switch (l->state) {
	case LINK_FINDING:
		find_step(l, revents, now_ms);
		break;
	case LINK_CONNECTING:
		connect_step(l, revents, now_ms);
		break;
	case LINK_HANDSHAKE:
		handshake_step(l, now_ms);
		break;
	case LINK_OPEN:
		open_step(l, revents);
		break;
	case LINK_CLOSED:
		break;
	}
}
