#include "bus/nats_secure.h"

#include <errno.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/slice.h"

enum { SECRET_SIZE = 512, URLS_MAX = 64 };

/* The first line of a file that holds a secret. false with a sentence in why. */
static bool read_secret(
    const char *path, char secret_r[static SECRET_SIZE], char *why, size_t why_size)
{
	FILE *file = fopen(path, "re");
	char *line = file != NULL ? fgets(secret_r, SECRET_SIZE, file) : NULL;
	int error = errno;
	if (file != NULL)
		fclose(file);
	if (line == NULL) {
		snprintf(why, why_size, "cannot read %s: %s", path,
		    file == NULL ? strerror(error) : "it is empty");
		return false;
	}
	secret_r[strcspn(secret_r, "\r\n")] = '\0';
	return true;
}

static natsStatus set_secrets(
    natsOptions *o, const struct bus_config *c, char *why, size_t why_size)
{
	char secret[SECRET_SIZE];
	natsStatus status = NATS_OK;
	if (c->password_file[0] != '\0')
		status = read_secret(c->password_file, secret, why, why_size)
			     ? natsOptions_SetUserInfo(o, c->user, secret)
			     : NATS_ERR;
	if (status == NATS_OK && c->token_file[0] != '\0')
		status = read_secret(c->token_file, secret, why, why_size)
			     ? natsOptions_SetToken(o, secret)
			     : NATS_ERR;
	sodium_memzero(secret, sizeof(secret));
	if (status == NATS_OK && c->nkey_file[0] != '\0')
		status = natsOptions_SetNKeyFromSeed(o, c->nkey, c->nkey_file);
	return status;
}

/* ---- the urls ---- */

/* Takes the first off a list by commas: "tls://user:password@host:port", of which only the host is wanted. false: it has another form. */
static bool next_url(const char **list, bool *is_tls_r, struct slice *host_r)
{
	static const char host_signs[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]%";
	struct slice url = slice_of(*list, strcspn(*list, ","));
	*list += url.len + ((*list)[url.len] == ',');
	*is_tls_r = slice_begins(url, SLICE("tls://"));
	if (!*is_tls_r && !slice_begins(url, SLICE("nats://")))
		return false;
	url = slice_skip(url, *is_tls_r ? 6 : 7);
	const char *at = memchr(url.ptr, '@', url.len);
	if (at != NULL && memchr(url.ptr, '/', (size_t)(at - url.ptr)) != NULL)
		return false;
	url = slice_skip(url, at != NULL ? (size_t)(at - url.ptr) + 1 : 0);
	if (url.len > 0 && url.ptr[url.len - 1] == '/')
		url.len--;
	if (url.len == 0 || strspn(url.ptr, host_signs) < url.len)
		return false;
	bool is_v6 = url.ptr[0] == '[';
	url = slice_skip(url, is_v6);
	*host_r = slice_of(url.ptr, strcspn(url.ptr, is_v6 ? "]" : ":,/"));
	return true;
}

static bool is_near(struct slice host)
{
	return slice_begins(host, SLICE("127.")) || slice_equal(host, SLICE("localhost")) ||
	       slice_equal(host, SLICE("::1"));
}

/* Which of them there are, whether TLS is wanted, and the last host that is not on this machine. */
struct urls {
	char text[BUS_URL_SIZE]; /* with a NUL behind each */
	const char *all[URLS_MAX];
	int count;
	bool is_tls;
	struct slice far;
};

/* Looks at all of them before the library sees one, which might repeat a piece of a password. */
static bool read_urls(const char *list, struct urls *u)
{
	size_t len = strlen(list);
	const char *rest = list;
	*u = (struct urls){ 0 };
	while (*rest != '\0') {
		bool is_tls;
		struct slice host;
		u->all[u->count++] = u->text + (rest - list);
		if (!next_url(&rest, &is_tls, &host) || u->count == URLS_MAX)
			return false;
		u->is_tls |= is_tls;
		if (!is_near(host))
			u->far = host;
	}
	for (size_t i = 0; i < len; i++)
		u->text[i] = (char)(list[i] == ',' ? '\0' : list[i]);
	return true;
}

static natsStatus set_urls(
    natsOptions *o, const struct bus_config *c, bool *is_secure_r, char *why, size_t why_size)
{
	struct urls u;
	if (!read_urls(c->url, &u)) {
		snprintf(why, why_size,
		    "bus.url is no url of NATS; it must be nats://HOST:PORT or tls://HOST:PORT, or some of them by "
		    "commas (a password with signs like @, / or , goes into a file: bus.password_file)");
		return NATS_INVALID_ARG;
	}
	*is_secure_r = u.is_tls || c->ca[0] != '\0';
	if (!*is_secure_r && u.far.len > 0)
		log_warn("bus-not-encrypted", LOG_SLICE("host", u.far),
		    LOG_STR("advice", "use tls:// in bus.url"));
	natsStatus status = natsOptions_SetServers(o, u.all, u.count);
	sodium_memzero(&u, sizeof(u));
	return status;
}

/* The library compares each server's name with its certificate. */
static natsStatus set_tls(natsOptions *o, const struct bus_config *c)
{
	natsStatus status = natsOptions_SetSecure(o, true);
	if (status == NATS_OK && c->ca[0] != '\0')
		status = natsOptions_LoadCATrustedCertificates(o, c->ca);
	if (status == NATS_OK && c->certificate[0] != '\0')
		status = natsOptions_LoadCertificatesChain(
		    o, c->certificate, c->key[0] != '\0' ? c->key : c->certificate);
	return status;
}

natsStatus nats_secure(
    natsOptions *options, const struct bus_config *config, char *why, size_t why_size)
{
	bool is_secure;
	natsStatus status = set_urls(options, config, &is_secure, why, why_size);
	if (status == NATS_OK && is_secure)
		status = set_tls(options, config);
	return status == NATS_OK ? set_secrets(options, config, why, why_size) : status;
}
