#include "net/certificate.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

enum {
	COMMON_NAME_MAX_LEN = 64, /* ub-common-name of RFC 5280 */
	DNS_NAME_MAX_LEN = 253,
	SERIAL_BYTES = 16,
	CLOCK_SKEW_SECONDS =
	    24 * 3600, /* a peer whose clock is behind takes a new certificate too */
	SHA256_BYTES = 32,
};

static const char fingerprint_prefix[] = "sha256:";
enum { FINGERPRINT_PREFIX_LEN = sizeof(fingerprint_prefix) - 1 };

/* Fills why with "what path: the reason that OpenSSL or errno gives." and returns false. */
static bool fail_openssl(char *why, const char *what, const char *path)
{
	unsigned long code = ERR_peek_last_error();
	const char *reason = code ? ERR_reason_error_string(code) : NULL;
	snprintf(why, CERTIFICATE_WHY_SIZE, "%s %s: %s", what, path,
	    reason ? reason : "the TLS library gave no reason");
	ERR_clear_error();
	return false;
}

static bool fail_errno(char *why, const char *what, const char *path)
{
	snprintf(why, CERTIFICATE_WHY_SIZE, "%s %s: %s", what, path, strerror(errno));
	return false;
}

static bool is_dns_name(const char *name)
{
	size_t len = strlen(name);
	static const char allowed[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._*";
	return len > 0 && len <= DNS_NAME_MAX_LEN && strspn(name, allowed) == len;
}

/* The name as a SAN entry; NULL: it can be none, or no memory. */
static GENERAL_NAME *general_name_new(const char *name)
{
	ASN1_OCTET_STRING *ip = a2i_IPADDRESS(name);
	if (ip == NULL && !is_dns_name(name))
		return NULL;
	GENERAL_NAME *entry = GENERAL_NAME_new();
	if (entry == NULL) {
		ASN1_OCTET_STRING_free(ip);
		return NULL;
	}
	if (ip != NULL) {
		GENERAL_NAME_set0_value(entry, GEN_IPADD, ip);
		return entry;
	}
	ASN1_IA5STRING *dns = ASN1_IA5STRING_new();
	if (dns == NULL || !ASN1_STRING_set(dns, name, (int)strlen(name))) {
		ASN1_IA5STRING_free(dns);
		GENERAL_NAME_free(entry);
		return NULL;
	}
	GENERAL_NAME_set0_value(entry, GEN_DNS, dns);
	return entry;
}

static bool add_alternative_names(X509 *certificate, const char *const *names, size_t count)
{
	GENERAL_NAMES *list = sk_GENERAL_NAME_new_null();
	bool ok = list != NULL;
	for (size_t i = 0; ok && i < count; i++) {
		GENERAL_NAME *entry = general_name_new(names[i]);
		if (entry != NULL && !sk_GENERAL_NAME_push(list, entry)) {
			GENERAL_NAME_free(entry);
			ok = false;
		}
	}
	if (ok && sk_GENERAL_NAME_num(list) > 0)
		ok = X509_add1_ext_i2d(
		    certificate, NID_subject_alt_name, list, 0, X509V3_ADD_DEFAULT);
	GENERAL_NAMES_free(list);
	ERR_clear_error(); /* names that are no IP address left a trace */
	return ok;
}

static bool add_extension(X509 *certificate, int nid, const char *value)
{
	X509V3_CTX context;
	X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	bool ok = extension != NULL && X509_add_ext(certificate, extension, -1);
	X509_EXTENSION_free(extension);
	return ok;
}

static bool set_random_serial(X509 *certificate)
{
	unsigned char bytes[SERIAL_BYTES];
	if (RAND_bytes(bytes, sizeof(bytes)) != 1)
		return false;
	bytes[0] &= 0x7f; /* positive, without a leading zero byte in DER */
	bytes[0] |= 0x40;
	BIGNUM *number = BN_bin2bn(bytes, sizeof(bytes), NULL);
	bool ok = number != NULL &&
		  BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;
	BN_free(number);
	return ok;
}

static bool set_name(X509 *certificate, const char *common_name)
{
	X509_NAME *name = X509_get_subject_name(certificate);
	size_t len = strnlen(common_name, COMMON_NAME_MAX_LEN);
	return X509_NAME_add_entry_by_txt(
		   name, "CN", MBSTRING_ASC, (const unsigned char *)common_name, (int)len, -1, 0) &&
	       X509_set_issuer_name(certificate, name);
}

/* The extensions say: an end of a TLS connection, never an authority. */
static bool fill(X509 *certificate, EVP_PKEY *key, const char *common_name,
    const char *const *names, size_t count)
{
	return X509_set_version(certificate, X509_VERSION_3) && set_random_serial(certificate) &&
	       X509_gmtime_adj(X509_getm_notBefore(certificate), -CLOCK_SKEW_SECONDS) != NULL &&
	       X509_time_adj_ex(X509_getm_notAfter(certificate), CERTIFICATE_VALID_DAYS, 0, NULL) !=
		   NULL &&
	       X509_set_pubkey(certificate, key) && set_name(certificate, common_name) &&
	       add_extension(certificate, NID_basic_constraints, "critical,CA:FALSE") &&
	       add_extension(certificate, NID_key_usage, "critical,digitalSignature") &&
	       add_extension(certificate, NID_ext_key_usage, "serverAuth,clientAuth") &&
	       add_extension(certificate, NID_subject_key_identifier, "hash") &&
	       add_alternative_names(certificate, names, count) &&
	       X509_sign(certificate, key, EVP_sha256()) > 0;
}

/* Both as PEM, flushed and synced, into the open file. Takes over fd. */
static bool write_pem(int fd, X509 *certificate, EVP_PKEY *key, const char *path, char *why)
{
	FILE *file = fdopen(fd, "w");
	if (file == NULL) {
		close(fd);
		return fail_errno(why, "cannot write", path);
	}
	/* Unbuffered: no copy of the key stays in the C library's memory. */
	setvbuf(file, NULL, _IONBF, 0);
	errno = 0;
	bool ok = PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) == 1 &&
		  PEM_write_X509(file, certificate) == 1;
	if (!ok && errno == 0) {
		fclose(file);
		return fail_openssl(why, "cannot write", path);
	}
	ok = ok && fsync(fd) == 0;
	int error = errno;
	if (fclose(file) != 0 && ok) {
		ok = false;
		error = errno;
	}
	errno = error;
	return ok || fail_errno(why, "cannot write", path);
}

/* A rename lasts once the folder that holds the name is on disk. */
static bool sync_folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash == NULL ? strdup(".") : strndup(path, (size_t)(slash - path) + 1);
	if (folder == NULL)
		return false;
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(folder);
	if (fd < 0)
		return false;
	bool ok = fsync(fd) == 0 || errno == EINVAL; /* a file system that knows no such sync */
	close(fd);
	return ok;
}

static bool write_file(X509 *certificate, EVP_PKEY *key, const char *path, char *why)
{
	char *temporary;
	if (asprintf(&temporary, "%s.XXXXXX", path) < 0)
		return fail_errno(why, "cannot write", path);
	int fd = mkostemp(temporary, O_CLOEXEC); /* mode 0600 */
	bool ok = fd >= 0 || fail_errno(why, "cannot create", temporary);
	if (ok) {
		ok = write_pem(fd, certificate, key, temporary, why);
		if (ok && (rename(temporary, path) != 0 || !sync_folder_of(path)))
			ok = fail_errno(why, "cannot put in place", path);
		if (!ok)
			unlink(temporary);
	}
	free(temporary);
	return ok;
}

bool certificate_make(const char *path, const char *common_name, const char *const *names,
    size_t count, char why_r[static CERTIFICATE_WHY_SIZE])
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *certificate = X509_new();
	bool ok = key != NULL && certificate != NULL;
	ok = ok && fill(certificate, key, common_name, names, count);
	if (!ok)
		fail_openssl(why_r, "cannot make a certificate for", path);
	ok = ok && write_file(certificate, key, path, why_r);
	X509_free(certificate);
	EVP_PKEY_free(key);
	return ok;
}

/* Answers OpenSSL's wish for a password: there is none, and no terminal is to be asked. */
static int no_password(char *buffer, int size, int for_writing, void *context)
{
	return -1;
}

bool certificate_load(SSL_CTX *ctx, const char *certificate_path, const char *key_path,
    char fingerprint_r[static FINGERPRINT_SIZE], char why_r[static CERTIFICATE_WHY_SIZE])
{
	const char *key_file = key_path != NULL && *key_path != '\0' ? key_path : certificate_path;
	ERR_clear_error();
	SSL_CTX_set_default_passwd_cb(ctx, no_password);
	if (SSL_CTX_use_certificate_chain_file(ctx, certificate_path) != 1)
		return fail_openssl(why_r, "cannot read a certificate from", certificate_path);
	if (SSL_CTX_use_PrivateKey_file(ctx, key_file, SSL_FILETYPE_PEM) != 1)
		return fail_openssl(why_r, "cannot read the certificate's key from", key_file);
	if (SSL_CTX_check_private_key(ctx) != 1)
		return fail_openssl(why_r, "the key does not belong to the certificate:", key_file);
	const X509 *certificate = SSL_CTX_get0_certificate(ctx);
	return (certificate != NULL && certificate_fingerprint(certificate, fingerprint_r)) ||
	       fail_openssl(why_r, "cannot take the fingerprint of", certificate_path);
}

/* Takes der over and frees it; len < 0: there is none. */
static bool write_fingerprint(
    unsigned char *der, int len, char fingerprint_r[static FINGERPRINT_SIZE])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char digest[SHA256_BYTES];
	bool ok = len > 0 && EVP_Digest(der, (size_t)len, digest, NULL, EVP_sha256(), NULL) == 1;
	OPENSSL_free(der);
	if (!ok)
		return false;
	memcpy(fingerprint_r, fingerprint_prefix, FINGERPRINT_PREFIX_LEN);
	char *out = fingerprint_r + FINGERPRINT_PREFIX_LEN;
	for (size_t i = 0; i < sizeof(digest); i++) {
		*out++ = digits[digest[i] >> 4];
		*out++ = digits[digest[i] & 15];
	}
	*out = '\0';
	return true;
}

bool certificate_fingerprint(const X509 *certificate, char fingerprint_r[static FINGERPRINT_SIZE])
{
	unsigned char *der = NULL;
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
	return write_fingerprint(der, len, fingerprint_r);
}

bool certificate_whole_fingerprint(
    const X509 *certificate, char fingerprint_r[static FINGERPRINT_SIZE])
{
	unsigned char *der = NULL;
	int len = i2d_X509(certificate, &der);
	return write_fingerprint(der, len, fingerprint_r);
}

static void write_date(const ASN1_TIME *date, char date_r[static CERTIFICATE_DATE_SIZE])
{
	struct tm t;
	if (ASN1_TIME_to_tm(date, &t) != 1 ||
	    strftime(date_r, CERTIFICATE_DATE_SIZE, "%Y-%m-%d %H:%M UTC", &t) == 0)
		snprintf(date_r, CERTIFICATE_DATE_SIZE, "an unreadable date");
}

enum certificate_dates certificate_look_at_dates(
    const X509 *certificate, char date_r[static CERTIFICATE_DATE_SIZE])
{
	const ASN1_TIME *begin = X509_get0_notBefore(certificate);
	const ASN1_TIME *end = X509_get0_notAfter(certificate);
	enum certificate_dates found = X509_cmp_current_time(begin) > 0 ? CERTIFICATE_NOT_YET
				       : X509_cmp_current_time(end) > 0 ? CERTIFICATE_IN_FORCE
									: CERTIFICATE_EXPIRED;
	write_date(found == CERTIFICATE_NOT_YET ? begin : end, date_r);
	ERR_clear_error();
	return found;
}

bool fingerprint_read(const char *text, char fingerprint_r[static FINGERPRINT_SIZE])
{
	size_t len = 0;
	if (strncasecmp(text, fingerprint_prefix, FINGERPRINT_PREFIX_LEN) != 0)
		return false;
	memcpy(fingerprint_r, fingerprint_prefix, FINGERPRINT_PREFIX_LEN);
	for (text += FINGERPRINT_PREFIX_LEN; *text != '\0'; text++) {
		if (*text == ':')
			continue;
		if (!isxdigit((unsigned char)*text) || len == 2 * SHA256_BYTES)
			return false;
		fingerprint_r[FINGERPRINT_PREFIX_LEN + len++] = (char)tolower((unsigned char)*text);
	}
	fingerprint_r[FINGERPRINT_PREFIX_LEN + len] = '\0';
	return len == 2 * SHA256_BYTES;
}

bool fingerprint_is_well_formed(const char *text)
{
	if (strlen(text) != FINGERPRINT_SIZE - 1 ||
	    memcmp(text, fingerprint_prefix, FINGERPRINT_PREFIX_LEN) != 0)
		return false;
	return strspn(text + FINGERPRINT_PREFIX_LEN, "0123456789abcdef") == 2 * SHA256_BYTES;
}
