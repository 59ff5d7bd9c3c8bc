/* The way from secret to secret is that of RFC 8448, section 3 ("Simple 1-RTT Handshake"); what that does not show is compared with OpenSSL's own. */
#include "net/schedule.h"

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

#include "net/hkdf.h"
#include "unit.h"

enum { OUT_ROOM = 512 };

struct bytes {
	uint8_t at[OUT_ROOM];
	size_t len;
};

static struct bytes unhex(const char *hex)
{
	struct bytes bytes = { .len = strlen(hex) / 2 };
	for (size_t i = 0; i < bytes.len; i++) {
		unsigned byte;
		assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
		bytes.at[i] = (uint8_t)byte;
	}
	return bytes;
}

static struct bytes random_bytes(size_t len)
{
	struct bytes bytes = { .len = len };
	assert_int_equal(RAND_bytes(bytes.at, (int)len), 1);
	return bytes;
}

/* A step as libssl asks for it. What is NULL is not said. */
struct step {
	int mode;
	const char *hash, *label;
	const struct bytes *key, *salt, *context;
};

static void say_bytes(OSSL_PARAM **to, const char *name, const struct bytes *bytes)
{
	if (bytes != NULL)
		*(*to)++ = OSSL_PARAM_construct_octet_string(name, (void *)bytes->at, bytes->len);
}

/* 1: out has len bytes; else what EVP_KDF_derive() says. */
static int take_step(const char *properties, const struct step *step, uint8_t *out, size_t len)
{
	OSSL_PARAM params[8], *to = params;
	char prefix[] = "tls13 ";
	int mode = step->mode;
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "TLS13-KDF", properties);
	assert_non_null(kdf);
	EVP_KDF_CTX *context = EVP_KDF_CTX_new(kdf);
	EVP_KDF_free(kdf);
	assert_non_null(context);
	if (mode >= 0)
		*to++ = OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode);
	if (step->hash != NULL)
		*to++ =
		    OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)step->hash, 0);
	say_bytes(&to, OSSL_KDF_PARAM_KEY, step->key);
	say_bytes(&to, OSSL_KDF_PARAM_SALT, step->salt);
	*to++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PREFIX, prefix, strlen(prefix));
	if (step->label != NULL)
		*to++ = OSSL_PARAM_construct_octet_string(
		    OSSL_KDF_PARAM_LABEL, (char *)step->label, strlen(step->label));
	say_bytes(&to, OSSL_KDF_PARAM_DATA, step->context);
	*to = OSSL_PARAM_construct_end();
	int done = EVP_KDF_derive(context, out, len, params);
	EVP_KDF_CTX_free(context);
	return done;
}

static struct bytes ours(const struct step *step, size_t len)
{
	struct bytes out = { .len = len };
	assert_int_equal(take_step("provider=messagerd", step, out.at, len), 1);
	return out;
}

static void assert_is(struct bytes got, const char *hex)
{
	struct bytes wanted = unhex(hex);
	assert_int_equal(got.len, wanted.len);
	assert_memory_equal(got.at, wanted.at, wanted.len);
}

static struct bytes extracted(const struct bytes *before, const struct bytes *key)
{
	const struct step step = { .mode = EVP_KDF_HKDF_MODE_EXTRACT_ONLY,
		.hash = "SHA256",
		.label = "derived",
		.salt = before,
		.key = key };
	return ours(&step, 32);
}

static struct bytes expanded(
    const struct bytes *secret, const char *label, const struct bytes *context, size_t len)
{
	const struct step step = { .mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY,
		.hash = "SHA256",
		.label = label,
		.key = secret,
		.context = context };
	return ours(&step, len);
}

static void the_schedule_is_that_of_the_rfc(void **state)
{
	struct schedule_secrets caught = { 0 };
	struct bytes shared =
	    unhex("8bd4054fb55b9d63fdfbacf9f04b9f0d35e6d63f537563efd46272900f89492d");
	struct bytes to_finished =
	    unhex("9608102a0f1ccc6db6250b7b7e417b1a000eaada3daae4777a7686c9ff83df13");
	struct bytes early = extracted(NULL, NULL);
	assert_is(early, "33ad0a1c607ec03b09e6cd9893680ce210adf300aa1f2660e1b22e10f170f92a");
	struct bytes handshake = extracted(&early, &shared);
	assert_is(handshake, "1dc826e93606aa6fdc0aadc12f741b01046aa6b99f691ed221a9f0ca043fbeac");
	struct bytes master = extracted(&handshake, NULL);
	assert_is(master, "18df06843d13a08bf2a449844c5f8a478001bc4d4c627984d5a41da8d0402919");
	schedule_catch(&caught);
	struct bytes client = expanded(&master, "c ap traffic", &to_finished, 32);
	struct bytes server = expanded(&master, "s ap traffic", &to_finished, 32);
	expanded(&master, "exp master", &to_finished, 32);
	schedule_catch(NULL);
	assert_is(client, "9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5");
	assert_is(server, "a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643");
	assert_is(expanded(&server, "key", NULL, 16), "9f02283b6c9c07efc26bb9f2ac92e356");
	assert_is(expanded(&server, "iv", NULL, 12), "cf782b88dd83549aadf1e984");
	assert_int_equal(caught.client.len, 32);
	assert_memory_equal(caught.client.bytes, client.at, 32);
	assert_int_equal(caught.server.len, 32);
	assert_memory_equal(caught.server.bytes, server.at, 32);
}

static void nothing_is_caught_when_nobody_asks(void **state)
{
	struct schedule_secrets caught = { 0 }, nothing = { 0 };
	struct bytes master = random_bytes(32);
	schedule_catch(&caught);
	schedule_catch(NULL);
	expanded(&master, "c ap traffic", &master, 32);
	assert_memory_equal(&caught, &nothing, sizeof(nothing));
}

static const struct like_case {
	const char *name;
	const char *hash;
	size_t hash_len, key_len, context_len, len;
} like_cases[] = {
	{ "SHA-256", "SHA256", 32, 32, 32, 32 },
	{ "SHA-384", "SHA384", 48, 48, 48, 48 },
	{ "as libssl names it", "SHA2-256", 32, 32, 32, 32 },
	{ "as libssl names the other", "SHA2-384", 48, 32, 32, 48 },
	{ "a key of a large group", "SHA256", 32, 256, 32, 32 },
	{ "less than a hash", "SHA256", 32, 32, 0, 12 },
	{ "more than a hash", "SHA256", 32, 32, 32, 33 },
	{ "many hashes", "SHA384", 48, 48, 48, 500 },
};

/* Which hash has the name is told by the digest; the labels are those that OpenSSL says where it has these modes. */
static void steps_are_like_openssl_s(void **state)
{
	const struct like_case *c = *state;
	for (int i = 0; i < 20; i++) {
		struct bytes before = random_bytes(c->hash_len), key = random_bytes(c->key_len);
		struct bytes secret = random_bytes(c->hash_len),
			     context = random_bytes(c->context_len);
		const struct step steps[] = {
			{ EVP_KDF_HKDF_MODE_EXTRACT_ONLY, c->hash, "derived", &key, &before, NULL },
			{ EVP_KDF_HKDF_MODE_EXTRACT_ONLY, c->hash, "derived", &key, NULL, NULL },
			{ EVP_KDF_HKDF_MODE_EXTRACT_ONLY, c->hash, "derived", NULL, &before, NULL },
			{ EVP_KDF_HKDF_MODE_EXPAND_ONLY, c->hash, "traffic upd", &secret, NULL,
			    c->context_len > 0 ? &context : NULL },
		};
		for (size_t j = 0; j < sizeof(steps) / sizeof(steps[0]); j++) {
			size_t len =
			    steps[j].mode == EVP_KDF_HKDF_MODE_EXTRACT_ONLY ? c->hash_len : c->len;
			uint8_t theirs[OUT_ROOM];
			assert_int_equal(take_step("provider=default", &steps[j], theirs, len), 1);
			assert_memory_equal(ours(&steps[j], len).at, theirs, len);
		}
	}
}

static const struct odd_case {
	const char *name;
	int mode;
	const char *hash, *label;
	size_t len;
} odd_cases[] = {
	{ "no mode", -1, "SHA256", "derived", 32 },
	{ "a mode of HKDF that TLS has not", EVP_KDF_HKDF_MODE_EXTRACT_AND_EXPAND, "SHA256",
	    "derived", 32 },
	{ "no hash", EVP_KDF_HKDF_MODE_EXPAND_ONLY, NULL, "derived", 32 },
	{ "a hash that no suite has", EVP_KDF_HKDF_MODE_EXPAND_ONLY, "SHA512", "derived", 32 },
	{ "no label", EVP_KDF_HKDF_MODE_EXPAND_ONLY, "SHA256", NULL, 32 },
	{ "not a hash long", EVP_KDF_HKDF_MODE_EXTRACT_ONLY, "SHA256", "derived", 31 },
	{ "more than a hash", EVP_KDF_HKDF_MODE_EXTRACT_ONLY, "SHA256", "derived", 33 },
};

/* Refused, or done by OpenSSL in our stead. */
static void what_is_not_known_ends_as_openssl_has_it(void **state)
{
	const struct odd_case *c = *state;
	struct bytes key = random_bytes(32);
	uint8_t out[OUT_ROOM], theirs[OUT_ROOM];
	const struct step step = { c->mode, c->hash, c->label, &key, NULL, NULL };
	int done = take_step("provider=default", &step, theirs, c->len);
	assert_int_equal(take_step("provider=messagerd", &step, out, c->len), done);
	if (done == 1)
		assert_memory_equal(out, theirs, c->len);
}

static void lengths_that_can_t_be_are_refused(void **state)
{
	static const char long_text[256];
	static uint8_t out[256 * 32];
	EVP_MD *hash = EVP_MD_fetch(NULL, "SHA256", NULL);
	struct slice longest = slice_of(long_text, 255), longer = slice_of(long_text, 256);
	struct slice prefix = slice_of("", 0), secret = slice_of(long_text, 32);
	assert_true(hkdf_expand_label(hash, secret, prefix, longest, longest, out, 255 * 32));
	assert_false(hkdf_expand_label(hash, secret, prefix, longest, longest, out, 255 * 32 + 1));
	assert_false(hkdf_expand_label(hash, secret, prefix, longer, longest, out, 32));
	assert_false(hkdf_expand_label(hash, secret, prefix, longest, longer, out, 32));
	assert_true(hkdf_extract(hash, slice_of(long_text, 64), secret, out));
	assert_false(hkdf_extract(hash, slice_of(long_text, 65), secret, out));
	EVP_MD_free(hash);
}

/* Where OpenSSL was not to have its own besides, nothing else would work any more. */
static void openssl_s_own_stay(void **state)
{
	EVP_MD *hash = EVP_MD_fetch(NULL, "SHA256", "provider=default");
	assert_non_null(hash);
	EVP_MD_free(hash);
	assert_true(schedule_offer());
}

int main(int argc, char **argv)
{
	if (!schedule_offer())
		return 1;
	UNIT_TEST(the_schedule_is_that_of_the_rfc);
	UNIT_TEST(nothing_is_caught_when_nobody_asks);
	UNIT_EACH(steps_are_like_openssl_s, like_cases);
	UNIT_EACH(what_is_not_known_ends_as_openssl_has_it, odd_cases);
	UNIT_TEST(lengths_that_can_t_be_are_refused);
	UNIT_TEST(openssl_s_own_stay);
	return unit_run(argc, argv);
}
