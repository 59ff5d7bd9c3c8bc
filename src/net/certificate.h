/*
 * certificate.h: a program's own certificate and key, and the fingerprint by which the other side knows them
 * (protocol.md, 1). Blocking file calls; any thread, as long as no two write the same path.
 */
#ifndef NET_CERTIFICATE_H
#define NET_CERTIFICATE_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/ssl.h>

enum {
	CERTIFICATE_VALID_DAYS = 3652, /* ten years */
	FINGERPRINT_SIZE = 72,         /* "sha256:", 64 lower-case hex digits, NUL */
	CERTIFICATE_WHY_SIZE = 1536,   /* a sentence that names a path */
	CERTIFICATE_DATE_SIZE = 40,    /* "2026-01-31 12:00 UTC" */
};

/*
 * Makes an ECDSA P-256 key and a self-signed certificate and writes both to one PEM file: mode 0600, written under another
 * name in the same folder, synced, renamed (what stood at path is replaced), the folder synced.
 *   common_name  its first 64 bytes are used
 *   names        count DNS names and IP addresses of the owner; what can't be either of them is left out; may be none
 * false: nothing stands at path that did not before, and why_r is a sentence for a person.
 */
bool certificate_make(const char *path, const char *common_name, const char *const *names,
    size_t count, char why_r[static CERTIFICATE_WHY_SIZE]);

/*
 * Makes ctx show the certificate (and the rest of its chain) of one PEM file with the key of another.
 *   key_path     NULL or "": the key is in the certificate's file. An encrypted key is an error, nobody is asked
 *   fingerprint_r  on true: of the certificate's key
 * false: why_r is a sentence; ctx must not be used.
 */
bool certificate_load(SSL_CTX *ctx, const char *certificate_path, const char *key_path,
    char fingerprint_r[static FINGERPRINT_SIZE], char why_r[static CERTIFICATE_WHY_SIZE]);

/*
 * The fingerprint of a certificate's public key: SHA-256 over its SubjectPublicKeyInfo in DER, so a certificate that is
 * renewed with the same key keeps it. false: no memory, or a key that can't be encoded.
 */
bool certificate_fingerprint(const X509 *certificate, char fingerprint_r[static FINGERPRINT_SIZE]);

/*
 * The fingerprint of the certificate itself, SHA-256 over all of it in DER: what `openssl x509 -fingerprint -sha256` and browsers
 * show. false: no memory.
 */
bool certificate_whole_fingerprint(
    const X509 *certificate, char fingerprint_r[static FINGERPRINT_SIZE]);

/*
 * Whether now is within the dates of a certificate. date_r: where not, the date that is missed; "an unreadable date" counts as one
 * that has passed.
 */
enum certificate_dates { CERTIFICATE_IN_FORCE, CERTIFICATE_EXPIRED, CERTIFICATE_NOT_YET };
enum certificate_dates certificate_look_at_dates(
    const X509 *certificate, char date_r[static CERTIFICATE_DATE_SIZE]);

/*
 * Reads a fingerprint as people copy it: "sha256:", then 64 hex digits of any case, colons between them or not. Writes the form
 * of certificate_fingerprint(). false: it is none.
 */
bool fingerprint_read(const char *text, char fingerprint_r[static FINGERPRINT_SIZE]);

/* True for text in the form that certificate_fingerprint() writes. */
bool fingerprint_is_well_formed(const char *text);

#endif
