#include "bus/nats_secure.h"

#include <errno.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"

enum { SECRET_SIZE = 512 };

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
	if (c->password_file[0] != '\0') {
		if (!read_secret(c->password_file, secret, why, why_size))
			return NATS_ERR;
		status = natsOptions_SetUserInfo(o, c->user, secret);
	}
	if (status == NATS_OK && c->token_file[0] != '\0') {
		if (!read_secret(c->token_file, secret, why, why_size))
			return NATS_ERR;
		status = natsOptions_SetToken(o, secret);
	}
	sodium_memzero(secret, sizeof(secret));
	if (status == NATS_OK && c->nkey_file[0] != '\0')
		status = natsOptions_SetNKeyFromSeed(o, c->nkey, c->nkey_file);
	return status;
}

/* The host of the first of the urls, without port and user. */
static void host_of(const char *url, char host_r[static BUS_URL_SIZE])
{
	const char *from = strstr(url, "://");
	from = from != NULL ? from + 3 : url;
	const char *at = memrchr(from, '@', strcspn(from, ",/"));
	if (at != NULL)
		from = at + 1;
	size_t len = from[0] == '[' ? strcspn(++from, "]") : strcspn(from, ":,/");
	snprintf(host_r, BUS_URL_SIZE, "%.*s", (int)len, from);
}

static natsStatus set_tls(natsOptions *o, const struct bus_config *c)
{
	char host[BUS_URL_SIZE];
	host_of(c->url, host);
	bool is_near = strncmp(host, "127.", 4) == 0 || strcmp(host, "localhost") == 0 ||
		       strcmp(host, "::1") == 0;
	bool is_secure = strncmp(c->url, "tls://", 6) == 0 || c->ca[0] != '\0';
	if (!is_secure) {
		if (!is_near)
			log_warn("bus-not-encrypted", LOG_STR("host", host),
			    LOG_STR("advice", "use tls:// in bus.url"));
		return NATS_OK;
	}
	natsStatus status = natsOptions_SetSecure(o, true);
	if (status == NATS_OK && c->ca[0] != '\0')
		status = natsOptions_LoadCATrustedCertificates(o, c->ca);
	if (status == NATS_OK && c->certificate[0] != '\0')
		status = natsOptions_LoadCertificatesChain(
		    o, c->certificate, c->key[0] != '\0' ? c->key : c->certificate);
	return status == NATS_OK ? natsOptions_SetExpectedHostname(o, host) : status;
}

natsStatus nats_secure(
    natsOptions *options, const struct bus_config *config, char *why, size_t why_size)
{
	natsStatus status = set_tls(options, config);
	return status == NATS_OK ? set_secrets(options, config, why, why_size) : status;
}
