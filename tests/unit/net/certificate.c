#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "net/certificate.h"

struct folder {
	char path[64];
	char pem[96];
	char why[CERTIFICATE_WHY_SIZE];
};

static int folder_setup(void **state)
{
	struct folder *f = calloc(1, sizeof(*f));
	assert_non_null(f);
	strcpy(f->path, "/tmp/certificate.XXXXXX");
	assert_non_null(mkdtemp(f->path));
	snprintf(f->pem, sizeof(f->pem), "%s/own.pem", f->path);
	*state = f;
	return 0;
}

static int folder_teardown(void **state)
{
	struct folder *f = *state;
	unlink(f->pem);
	int left = rmdir(f->path);
	free(f);
	return left; /* a file that is still there is a failure */
}

static X509 *read_certificate(const char *path)
{
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	X509 *certificate = PEM_read_X509(file, NULL, NULL, NULL);
	fclose(file);
	assert_non_null(certificate);
	return certificate;
}

static const char *const names[] = { "localhost", "chat.example", "127.0.0.1", "::1", "no name",
	"" };

static void make(struct folder *f)
{
	if (!certificate_make(f->pem, "chat.example", names, 6, f->why))
		fail_msg("%s", f->why);
}

static void file_is_for_the_owner_only(void **state)
{
	struct folder *f = *state;
	make(f);
	struct stat st;
	assert_int_equal(stat(f->pem, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void certificate_speaks_for_its_names(void **state)
{
	struct folder *f = *state;
	make(f);
	X509 *certificate = read_certificate(f->pem);
	assert_int_equal(X509_check_host(certificate, "localhost", 0, 0, NULL), 1);
	assert_int_equal(X509_check_host(certificate, "chat.example", 0, 0, NULL), 1);
	assert_int_equal(X509_check_host(certificate, "other.example", 0, 0, NULL), 0);
	assert_int_equal(X509_check_ip_asc(certificate, "127.0.0.1", 0), 1);
	assert_int_equal(X509_check_ip_asc(certificate, "::1", 0), 1);
	assert_int_equal(X509_check_ip_asc(certificate, "127.0.0.2", 0), 0);
	X509_free(certificate);
}

static void certificate_is_valid_for_ten_years(void **state)
{
	struct folder *f = *state;
	make(f);
	X509 *certificate = read_certificate(f->pem);
	int days, seconds;
	assert_true(X509_cmp_current_time(X509_get0_notBefore(certificate)) < 0);
	assert_true(ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(certificate)));
	assert_in_range(days, CERTIFICATE_VALID_DAYS - 1, CERTIFICATE_VALID_DAYS);
	X509_free(certificate);
}

/* The certificate, taken as its own authority, passes OpenSSL's whole check. */
static void certificate_verifies_with_itself(void **state)
{
	struct folder *f = *state;
	make(f);
	X509 *certificate = read_certificate(f->pem);
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *check = X509_STORE_CTX_new();
	assert_true(X509_STORE_add_cert(store, certificate));
	assert_true(X509_STORE_CTX_init(check, store, certificate, NULL));
	assert_true(X509_STORE_CTX_set_purpose(check, X509_PURPOSE_SSL_SERVER));
	assert_int_equal(X509_verify_cert(check), 1);
	X509_STORE_CTX_free(check);
	X509_STORE_free(store);
	X509_free(certificate);
}

static void loads_what_it_made(void **state)
{
	struct folder *f = *state;
	make(f);
	char loaded[FINGERPRINT_SIZE], of_certificate[FINGERPRINT_SIZE];
	SSL_CTX *ctx = SSL_CTX_new(TLS_method());
	if (!certificate_load(ctx, f->pem, "", loaded, f->why))
		fail_msg("%s", f->why);
	X509 *certificate = read_certificate(f->pem);
	assert_true(certificate_fingerprint(certificate, of_certificate));
	assert_string_equal(loaded, of_certificate);
	X509_free(certificate);
	SSL_CTX_free(ctx);
}

static void each_key_is_another(void **state)
{
	struct folder *f = *state;
	char fingerprint[2][FINGERPRINT_SIZE];
	for (int i = 0; i < 2; i++) {
		make(f); /* replaces the first */
		X509 *certificate = read_certificate(f->pem);
		assert_true(certificate_fingerprint(certificate, fingerprint[i]));
		X509_free(certificate);
	}
	assert_string_not_equal(fingerprint[0], fingerprint[1]);
}

/* Fingerprint taken with: openssl x509 -pubkey -noout | openssl pkey -pubin -outform DER | sha256sum */
static void fingerprint_is_that_of_the_key(void **state)
{
	static const char pem[] =
	    "-----BEGIN CERTIFICATE-----\n"
	    "MIIBeDCCAR+gAwIBAgIUE3qG9SzqUPo1AbT9azFlWExIb5AwCgYIKoZIzj0EAwIw\n"
	    "ETEPMA0GA1UEAwwGdmVjdG9yMCAXDTI2MTEyMzA2NTkyOVoYDzIxMjYxMDMwMDY1\n"
	    "OTI5WjARMQ8wDQYDVQQDDAZ2ZWN0b3IwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC\n"
	    "AATOru3a93FTuZfvTkCmzl2YT1UOPJ3jXyvTBBDalxPrNpIAWm4fdobJ7m8nxKIH\n"
	    "0G2unJ7vV6Q3jUQiCdarT2V0o1MwUTAdBgNVHQ4EFgQUz+Qz6FZDx9JQZAJv+uO/\n"
	    "dt1BLYgwHwYDVR0jBBgwFoAUz+Qz6FZDx9JQZAJv+uO/dt1BLYgwDwYDVR0TAQH/\n"
	    "BAUwAwEB/zAKBggqhkjOPQQDAgNHADBEAiBvFaNQL2dhYSpFSJr1F3oMr2weQMYp\n"
	    "SbwG2hrF/gXMewIgLdrD3unlypGO3fDyANizQJXeOWc2VcXlAe91t4WVEjU=\n"
	    "-----END CERTIFICATE-----\n";
	BIO *bio = BIO_new_mem_buf(pem, -1);
	X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	assert_non_null(certificate);
	char fingerprint[FINGERPRINT_SIZE];
	assert_true(certificate_fingerprint(certificate, fingerprint));
	assert_string_equal(
	    fingerprint, "sha256:ada940b281a8ee01a7055624289f6b6e19bdf08bb4e720ea742bcfaa977f8b26");
	X509_free(certificate);
	BIO_free(bio);
}

static void failures_name_the_file(void **state)
{
	struct folder *f = *state;
	char fingerprint[FINGERPRINT_SIZE];
	SSL_CTX *ctx = SSL_CTX_new(TLS_method());
	assert_false(certificate_make("/nonexistent/own.pem", "x", NULL, 0, f->why));
	assert_non_null(strstr(f->why, "/nonexistent/own.pem"));
	assert_false(certificate_load(ctx, "/nonexistent/own.pem", NULL, fingerprint, f->why));
	assert_non_null(strstr(f->why, "/nonexistent/own.pem"));

	FILE *file = fopen(f->pem, "w");
	assert_non_null(file);
	fputs("no certificate\n", file);
	fclose(file);
	assert_false(certificate_load(ctx, f->pem, NULL, fingerprint, f->why));
	assert_non_null(strstr(f->why, f->pem));
	SSL_CTX_free(ctx);
}

static void fingerprints_have_one_form(void **state)
{
	static const char good[] =
	    "sha256:ada940b281a8ee01a7055624289f6b6e19bdf08bb4e720ea742bcfaa977f8b26";
	static const char *const bad[] = { "", "sha256:", good + 1, good + 7,
		"sha256:ADA940b281a8ee01a7055624289f6b6e19bdf08bb4e720ea742bcfaa977f8b26",
		"sha512:ada940b281a8ee01a7055624289f6b6e19bdf08bb4e720ea742bcfaa977f8b26",
		"sha256:ada940b281a8ee01a7055624289f6b6e19bdf08bb4e720ea742bcfaa977f8b26 ",
		"sha256:gda940b281a8ee01a7055624289f6b6e19bdf08bb4e720ea742bcfaa977f8b26" };
	assert_true(fingerprint_is_well_formed(good));
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_false(fingerprint_is_well_formed(bad[i]));
}

static void fingerprints_are_read_as_people_copy_them(void **state)
{
	static const char form[] =
	    "sha256:ada940b281a8ee01a7055624289f6b6e19bdf08bb4e720ea742bcfaa977f8b26";
	static const char *const good[] = {
		form, "SHA256:ADA940B281A8EE01A7055624289F6B6E19BDF08BB4E720EA742BCFAA977F8B26",
		"sha256:AD:A9:40:B2:81:A8:EE:01:A7:05:56:24:28:9F:6B:6E:19:BD:F0:8B:B4:E7:20:EA:74:2B:CF:AA:97:7F:8B:26"
	};
	static const char *const bad[] = { "", "sha256:", form + 7, "sha1:ada9",
		"sha256:ada940b281a8ee01a7055624289f6b6e19bdf08bb4e720ea742bcfaa977f8b2",
		"sha256:ada940b281a8ee01a7055624289f6b6e19bdf08bb4e720ea742bcfaa977f8b260",
		"sha256:ada940b281a8ee01a7055624289f6b6e19bdf08bb4e720ea742bcfaa977f8b2 ",
		"sha256:gda940b281a8ee01a7055624289f6b6e19bdf08bb4e720ea742bcfaa977f8b26" };
	char read[FINGERPRINT_SIZE];
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		assert_true(fingerprint_read(good[i], read));
		assert_string_equal(read, form);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_false(fingerprint_read(bad[i], read));
}

#define IN_FOLDER(f) cmocka_unit_test_setup_teardown(f, folder_setup, folder_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(file_is_for_the_owner_only),
		IN_FOLDER(certificate_speaks_for_its_names),
		IN_FOLDER(certificate_is_valid_for_ten_years),
		IN_FOLDER(certificate_verifies_with_itself),
		IN_FOLDER(loads_what_it_made),
		IN_FOLDER(each_key_is_another),
		IN_FOLDER(failures_name_the_file),
		cmocka_unit_test(fingerprint_is_that_of_the_key),
		cmocka_unit_test(fingerprints_have_one_form),
		cmocka_unit_test(fingerprints_are_read_as_people_copy_them),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
