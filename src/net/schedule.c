/* schedule.c: provider-kdf(7), EVP_KDF-TLS13_KDF(7). Of a KDF's functions libssl needs three. */
#include "net/schedule.h"

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <pthread.h>
#include <sodium.h>
#include <string.h>
#include <strings.h>

#include "net/hkdf.h"

static const char *const hash_names[] = { "SHA256", "SHA384" };
enum { HASHES = sizeof(hash_names) / sizeof(hash_names[0]) };
static EVP_MD *hashes[HASHES];

static _Thread_local struct schedule_secrets *catcher;

/* What libssl asks for. What it does not give is empty. */
struct step {
	int mode;
	const EVP_MD *hash;
	bool has_salt;
	struct slice key, salt, prefix, label, context;
};

static bool read_bytes(const OSSL_PARAM *params, const char *name, struct slice *bytes_r)
{
	const OSSL_PARAM *found = OSSL_PARAM_locate_const(params, name);
	if (found == NULL || found->data_type != OSSL_PARAM_OCTET_STRING || found->data == NULL)
		return false;
	*bytes_r = slice_of(found->data, found->data_size);
	return true;
}

/* By the name that OpenSSL gives it, which is what libssl says. */
static const EVP_MD *find_hash(const OSSL_PARAM *params)
{
	const OSSL_PARAM *found = OSSL_PARAM_locate_const(params, OSSL_KDF_PARAM_DIGEST);
	if (found == NULL || found->data_type != OSSL_PARAM_UTF8_STRING)
		return NULL;
	for (size_t i = 0; i < HASHES; i++) {
		if (strcasecmp(found->data, EVP_MD_get0_name(hashes[i])) == 0 ||
		    strcasecmp(found->data, hash_names[i]) == 0)
			return hashes[i];
	}
	return NULL;
}

static bool read_step(const OSSL_PARAM *params, struct step *step_r)
{
	const OSSL_PARAM *mode = OSSL_PARAM_locate_const(params, OSSL_KDF_PARAM_MODE);
	*step_r = (struct step){ .hash = find_hash(params) };
	if (step_r->hash == NULL || mode == NULL || OSSL_PARAM_get_int(mode, &step_r->mode) != 1)
		return false;
	read_bytes(params, OSSL_KDF_PARAM_KEY, &step_r->key);
	read_bytes(params, OSSL_KDF_PARAM_DATA, &step_r->context);
	step_r->has_salt = read_bytes(params, OSSL_KDF_PARAM_SALT, &step_r->salt);
	return read_bytes(params, OSSL_KDF_PARAM_PREFIX, &step_r->prefix) &&
	       read_bytes(params, OSSL_KDF_PARAM_LABEL, &step_r->label);
}

static struct slice of_hash(const struct step *step, const uint8_t *bytes)
{
	return slice_of((const char *)bytes, (size_t)EVP_MD_get_size(step->hash));
}

/* From one secret of the schedule to the next: Derive-Secret(., "derived", "") of the one before, and the new key drawn in. */
static bool extract(const struct step *step, uint8_t *out)
{
	static const uint8_t zeros[EVP_MAX_MD_SIZE];
	uint8_t nothing[EVP_MAX_MD_SIZE], salt[EVP_MAX_MD_SIZE];
	struct slice key = step->key.len > 0 ? step->key : of_hash(step, zeros);
	if (!step->has_salt)
		return hkdf_extract(step->hash, slice_of("", 0), key, out);
	bool done = hkdf_empty(step->hash, nothing) &&
		    hkdf_expand_label(step->hash, step->salt, step->prefix, step->label,
			of_hash(step, nothing), salt, of_hash(step, salt).len) &&
		    hkdf_extract(step->hash, of_hash(step, salt), key, out);
	sodium_memzero(salt, sizeof(salt));
	return done;
}

static void keep(const struct step *step, const uint8_t *secret, size_t len)
{
	struct schedule_secret *to = NULL;
	if (slice_equal(step->label, SLICE("c ap traffic")))
		to = &catcher->client;
	else if (slice_equal(step->label, SLICE("s ap traffic")))
		to = &catcher->server;
	if (to == NULL || len > sizeof(to->bytes))
		return;
	memcpy(to->bytes, secret, len);
	to->len = len;
}

/* What a later libssl may ask beyond what is known here. No secret of it is caught. */
static int leave_to_openssl(unsigned char *out, size_t len, const OSSL_PARAM *params)
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, OSSL_KDF_NAME_TLS1_3_KDF, "provider!=messagerd");
	EVP_KDF_CTX *context = kdf != NULL ? EVP_KDF_CTX_new(kdf) : NULL;
	int done = context != NULL && EVP_KDF_derive(context, out, len, params) == 1;
	EVP_KDF_CTX_free(context);
	EVP_KDF_free(kdf);
	return done;
}

static int derive(void *context, unsigned char *out, size_t len, const OSSL_PARAM *params)
{
	struct step step;
	if (!read_step(params, &step))
		return leave_to_openssl(out, len, params);
	switch (step.mode) {
	case EVP_KDF_HKDF_MODE_EXTRACT_ONLY:
		return len == (size_t)EVP_MD_get_size(step.hash) && extract(&step, out);
	case EVP_KDF_HKDF_MODE_EXPAND_ONLY:
		if (!hkdf_expand_label(
			step.hash, step.key, step.prefix, step.label, step.context, out, len))
			return 0;
		if (catcher != NULL)
			keep(&step, out, len);
		return 1;
	default:
		return leave_to_openssl(out, len, params);
	}
}

/* There is nothing to keep between a context's making and its one use; OpenSSL wants to see something. */
static void *new_context(void *provider)
{
	return hashes;
}

static void free_context(void *context)
{
}

static const OSSL_ALGORITHM *query(void *provider, int operation, int *no_cache_r)
{
	static const OSSL_DISPATCH functions[] = { { OSSL_FUNC_KDF_NEWCTX,
						       (void (*)(void))new_context },
		{ OSSL_FUNC_KDF_FREECTX, (void (*)(void))free_context },
		{ OSSL_FUNC_KDF_DERIVE, (void (*)(void))derive }, { 0, NULL } };
	static const OSSL_ALGORITHM kdfs[] = { { OSSL_KDF_NAME_TLS1_3_KDF, "provider=messagerd",
						   functions, "TLS 1.3's key schedule" },
		{ NULL, NULL, NULL, NULL } };
	*no_cache_r = 0;
	return operation == OSSL_OP_KDF ? kdfs : NULL;
}

static int init(const OSSL_CORE_HANDLE *core, const OSSL_DISPATCH *in, const OSSL_DISPATCH **out_r,
    void **provider_r)
{
	static const OSSL_DISPATCH functions[] = {
		{ OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))query }, { 0, NULL }
	};
	*out_r = functions;
	*provider_r = hashes;
	return 1;
}

static OSSL_PROVIDER *ours; /* loaded until the process ends */

/* "try": the providers that OpenSSL would have anyway stay. */
static void offer(void)
{
	if (OSSL_LIB_CTX_get0_global_default() == NULL)
		return; /* no memory: EVP_MD_fetch() would not look */
	for (size_t i = 0; i < HASHES; i++) {
		hashes[i] = EVP_MD_fetch(NULL, hash_names[i], NULL);
		if (hashes[i] == NULL)
			return;
	}
	if (OSSL_PROVIDER_add_builtin(NULL, "messagerd", init) == 1)
		ours = OSSL_PROVIDER_try_load(NULL, "messagerd", 1);
}

bool schedule_offer(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, offer);
	return ours != NULL;
}

void schedule_catch(struct schedule_secrets *secrets)
{
	catcher = secrets;
}
