/*
 * certificate.c: the file of a certificate and its key, and what a peer shows as its certificate. No key stands in the tree: one is made at the
 * start, and the input is what happens to it. The first byte chooses:
 *
 *	0	the rest is the file
 *	1	the rest are edits of a good file: place (2 bytes), how many bytes go, how many come (1 byte each), these
 *	2	the rest is a certificate in DER
 *	3	as 1, of the certificate in DER
 *	4	the rest is a fingerprint as a person types it
 *
 * Besides no crash: what is refused is refused in a sentence; a fingerprint is well formed, and read again the same.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <openssl/err.h>

#include "base/slice.h"
#include "fuzz.h"
#include "net/certificate.h"

enum { KIND_FILE, KIND_EDITED_FILE, KIND_DER, KIND_EDITED_DER, KIND_FINGERPRINT, KINDS };
enum { FILE_SIZE = 1 << 15, EDIT_LEN = 4 };

static char good_file[FILE_SIZE];
static size_t good_file_len;
static unsigned char *good_der;
static int good_der_len;
static char path[64];
static int file = -1;

static void must_be_told(bool ok, const char *why)
{
	MUST(ok == (why[0] == '\0'));
}

static SSL_CTX *load(bool must_load)
{
	char fingerprint[FINGERPRINT_SIZE], why[CERTIFICATE_WHY_SIZE] = "";
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	MUST(ctx != NULL);
	bool ok = certificate_load(ctx, path, NULL, fingerprint, why);
	must_be_told(ok, why);
	MUST(ok || !must_load);
	MUST(!ok || fingerprint_is_well_formed(fingerprint));
	MUST(ERR_peek_error() == 0);
	return ctx;
}

static void put_file(const char *content, size_t len)
{
	MUST(ftruncate(file, 0) == 0 && pwrite(file, content, len, 0) == (ssize_t)len);
}

static void make_good_ones(void)
{
	static const char *const names[] = { "localhost", "127.0.0.1", "::1", "no name" };
	char made[64] = "/tmp/certificate-XXXXXX", why[CERTIFICATE_WHY_SIZE] = "";
	int fd = mkstemp(made);
	MUST(fd >= 0 && close(fd) == 0);
	MUST(certificate_make(made, "fuzz", names, sizeof(names) / sizeof(*names), why));
	fd = open(made, O_RDONLY);
	good_file_len = (size_t)read(fd, good_file, sizeof(good_file));
	MUST(good_file_len < sizeof(good_file));
	close(fd);
	unlink(made);
	file = memfd_create("certificate", 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	put_file(good_file, good_file_len);
	SSL_CTX *ctx = load(true);
	good_der_len = i2d_X509(SSL_CTX_get0_certificate(ctx), &good_der);
	MUST(good_der_len > 0);
	SSL_CTX_free(ctx);
}

static size_t edit(struct slice edits, const void *good, size_t len, char to[static FILE_SIZE])
{
	memcpy(to, good, len);
	while (edits.len >= EDIT_LEN && len > 0) {
		const unsigned char *e = (const unsigned char *)edits.ptr;
		size_t at = ((size_t)e[0] << 8 | e[1]) % len, gone = e[2], come = e[3];
		edits = slice_skip(edits, EDIT_LEN);
		gone = gone < len - at ? gone : len - at;
		come = come < edits.len ? come : edits.len;
		if (len - gone + come > FILE_SIZE)
			break;
		memmove(to + at + come, to + at + gone, len - at - gone);
		memcpy(to + at, edits.ptr, come);
		len = len - gone + come;
		edits = slice_skip(edits, come);
	}
	return len;
}

static void take_file(const char *content, size_t len)
{
	put_file(content, len);
	SSL_CTX_free(load(false));
}

static void take_der(const char *content, size_t len)
{
	char key[FINGERPRINT_SIZE], whole[FINGERPRINT_SIZE];
	const unsigned char *at = (const unsigned char *)content;
	X509 *certificate = d2i_X509(NULL, &at, (long)len);
	if (certificate != NULL) {
		if (certificate_fingerprint(certificate, key))
			MUST(fingerprint_is_well_formed(key));
		if (certificate_whole_fingerprint(certificate, whole))
			MUST(fingerprint_is_well_formed(whole));
	}
	X509_free(certificate);
	ERR_clear_error();
}

static void take_fingerprint(struct slice typed)
{
	char text[FILE_SIZE], read[FINGERPRINT_SIZE], again[FINGERPRINT_SIZE];
	size_t len = typed.len < sizeof(text) ? typed.len : sizeof(text) - 1;
	memcpy(text, typed.ptr, len);
	text[len] = '\0';
	if (!fingerprint_read(text, read))
		return;
	MUST(fingerprint_is_well_formed(read));
	MUST(fingerprint_read(read, again) && strcmp(read, again) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char edited[FILE_SIZE];
	if (size == 0 || size > FILE_SIZE)
		return 0;
	if (file < 0)
		make_good_ones();
	struct slice rest = slice_of((const char *)data + 1, size - 1);
	switch (data[0] % KINDS) {
	case KIND_FILE:
		take_file(rest.ptr, rest.len);
		break;
	case KIND_EDITED_FILE:
		take_file(edited, edit(rest, good_file, good_file_len, edited));
		break;
	case KIND_DER:
		take_der(rest.ptr, rest.len);
		break;
	case KIND_EDITED_DER:
		take_der(edited, edit(rest, good_der, (size_t)good_der_len, edited));
		break;
	case KIND_FINGERPRINT:
		take_fingerprint(rest);
		break;
	}
	return 0;
}
