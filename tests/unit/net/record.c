/* The vectors are those of RFC 8448, section 3 ("Simple 1-RTT Handshake"). */
#include "net/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

enum { AES_128 = 0x1301, AES_256 = 0x1302, CHACHA = 0x1303, ROOM = RECORD_WHOLE_MAX_LEN + 64 };

static const char client_secret[] =
    "9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5";
static const char server_secret[] =
    "a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643";

static size_t unhex(const char *hex, uint8_t *to)
{
	size_t len = strlen(hex) / 2;
	for (size_t i = 0; i < len; i++) {
		unsigned byte;
		assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
		to[i] = (uint8_t)byte;
	}
	return len;
}

/* One direction with both ends of it. */
struct way {
	struct record_key seals, opens;
	EVP_CIPHER_CTX *seal_context, *open_context;
	char sealed[ROOM], plain[ROOM];
	size_t len;
	struct slice content;
	enum record_type type;
};

static struct way *way_new(unsigned suite, const char *secret_hex)
{
	struct way *w = calloc(1, sizeof(*w));
	uint8_t secret[RECORD_SECRET_MAX_LEN] = { 0 };
	assert_non_null(w);
	unhex(secret_hex, secret);
	w->seal_context = EVP_CIPHER_CTX_new();
	w->open_context = EVP_CIPHER_CTX_new();
	assert_true(record_key_init(&w->seals, record_suite(suite), secret));
	assert_true(record_key_init(&w->opens, record_suite(suite), secret));
	assert_true(record_key_load(&w->seals, w->seal_context, true));
	assert_true(record_key_load(&w->opens, w->open_context, false));
	return w;
}

static void way_free(struct way *w)
{
	EVP_CIPHER_CTX_free(w->seal_context);
	EVP_CIPHER_CTX_free(w->open_context);
	free(w);
}

static void seal(struct way *w, enum record_type type, struct slice content, size_t padding)
{
	w->len = record_seal(&w->seals, w->seal_context, type, content, padding, w->sealed);
	assert_int_equal(w->len, content.len + padding + RECORD_OVERHEAD);
}

static int open_sealed(struct way *w)
{
	size_t len;
	struct slice sealed = slice_of(w->sealed, w->len);
	int begins = record_begins(sealed, &len);
	if (begins != 1)
		return begins;
	assert_int_equal(len, w->len);
	return record_open(&w->opens, w->open_context, sealed, w->plain, &w->content, &w->type);
}

static void keys_are_those_of_the_rfc(void **state)
{
	static const struct {
		const char *secret, *key, *iv;
	} keys[] = {
		{ client_secret, "17422dda596ed5d9acd890e3c63f5051", "5b78923dee08579033e523d9" },
		{ server_secret, "9f02283b6c9c07efc26bb9f2ac92e356", "cf782b88dd83549aadf1e984" },
	};
	for (size_t i = 0; i < 2; i++) {
		struct record_key k;
		uint8_t secret[32], key[16], iv[12];
		unhex(keys[i].secret, secret);
		unhex(keys[i].key, key);
		unhex(keys[i].iv, iv);
		assert_true(record_key_init(&k, record_suite(AES_128), secret));
		assert_memory_equal(k.key, key, sizeof(key));
		assert_memory_equal(k.iv, iv, sizeof(iv));
		assert_int_equal(k.sequence, 0);
	}
}

static const struct trace_case {
	const char *name;
	const char *secret;
	uint64_t sequence;
	enum record_type type;
	const char *content, *record;
} trace_cases[] = {
	{ "the client's data", client_secret, 0, RECORD_DATA,
	    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
	    "202122232425262728292a2b2c2d2e2f3031",
	    "1703030043a23f7054b62c94d0affafe8228ba55cbefacea42f914aa66bcab3f2b9819a8a5b46b39"
	    "5bd54a9a20441e2b62974e1f5a6292a2977014bd1e3deae63aeebb21694915e4" },
	{ "the server's data, after a ticket", server_secret, 1, RECORD_DATA,
	    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
	    "202122232425262728292a2b2c2d2e2f3031",
	    "17030300432e937e11ef4ac740e538ad36005fc4a46932fc3225d05f82aa1b36e30efaf97d90e6df"
	    "fc602dcb501a59a8fcc49c4bf2e5f0a21c0047c2abf332540dd032e167c2955d" },
	{ "the client's close_notify", client_secret, 1, RECORD_ALERT, "0100",
	    "1703030013c9872760655666b74d7ff1153efd6db6d0b0e3" },
	{ "the server's close_notify", server_secret, 2, RECORD_ALERT, "0100",
	    "1703030013b58fd67166ebf599d24720cfbe7efa7a8864a9" },
};

static void records_are_those_of_the_rfc(void **state)
{
	const struct trace_case *c = *state;
	struct way *w = way_new(AES_128, c->secret);
	uint8_t content[128], record[128];
	struct slice plain = slice_of((char *)content, unhex(c->content, content));
	struct slice sealed = slice_of((char *)record, unhex(c->record, record));
	w->seals.sequence = w->opens.sequence = c->sequence;
	seal(w, c->type, plain, 0);
	assert_slice_equal(slice_of(w->sealed, w->len), sealed);
	assert_int_equal(open_sealed(w), 1);
	assert_int_equal(w->type, c->type);
	assert_slice_equal(w->content, plain);
	assert_int_equal(w->seals.sequence, c->sequence + 1);
	assert_int_equal(w->opens.sequence, c->sequence + 1);
	way_free(w);
}

static const struct suite_case {
	const char *name;
	unsigned id;
} suite_cases[] = {
	{ "AES-128-GCM", AES_128 },
	{ "AES-256-GCM", AES_256 },
	{ "ChaCha20-Poly1305", CHACHA },
};

/* 96 digits: enough for SHA-384. */
static const char any_secret[] = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
				 "202122232425262728292a2b2c2d2e2f";

static void what_is_sealed_opens(void **state)
{
	static const size_t lengths[] = { 0, 1, 2, 15, 16, 17, 64, 287, 288, 1024, 16383, 16384 };
	static char text[RECORD_CONTENT_MAX_LEN];
	const struct suite_case *c = *state;
	struct way *w = way_new(c->id, any_secret);
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)(i * 31);
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		size_t room = RECORD_CONTENT_MAX_LEN - lengths[i];
		for (size_t padding = 0; padding <= room; padding = padding * 7 + 1) {
			seal(w, RECORD_DATA, slice_of(text, lengths[i]), padding);
			assert_int_equal(open_sealed(w), 1);
			assert_int_equal(w->type, RECORD_DATA);
			assert_slice_equal(w->content, slice_of(text, lengths[i]));
		}
	}
	way_free(w);
}

static bool is_zero(const char *bytes, size_t len)
{
	while (len > 0 && bytes[len - 1] == 0)
		len--;
	return len == 0;
}

/* And what has been changed leaves nothing of itself. */
static void each_bit_counts(void **state)
{
	const struct suite_case *c = *state;
	struct way *w = way_new(c->id, any_secret);
	seal(w, RECORD_DATA, SLICE("hello"), 2);
	for (size_t bit = 8 * RECORD_HEADER_LEN; bit < 8 * w->len; bit++) {
		w->sealed[bit / 8] ^= (char)(1 << bit % 8);
		memset(w->plain, 0, sizeof(w->plain));
		assert_int_equal(open_sealed(w), -ALERT_BAD_RECORD_MAC);
		assert_int_equal(w->opens.sequence, 0);
		assert_true(is_zero(w->plain, sizeof(w->plain)));
		w->sealed[bit / 8] ^= (char)(1 << bit % 8);
	}
	assert_int_equal(open_sealed(w), 1);
	assert_slice_is(w->content, "hello");
	way_free(w);
}

static void a_replay_and_a_gap_are_seen(void **state)
{
	const struct suite_case *c = *state;
	struct way *w = way_new(c->id, any_secret);
	seal(w, RECORD_DATA, SLICE("one"), 0);
	assert_int_equal(open_sealed(w), 1);
	assert_int_equal(open_sealed(w), -ALERT_BAD_RECORD_MAC);
	seal(w, RECORD_DATA, SLICE("lost"), 0);
	seal(w, RECORD_DATA, SLICE("three"), 0);
	assert_int_equal(open_sealed(w), -ALERT_BAD_RECORD_MAC);
	way_free(w);
}

static void an_update_changes_both_ends_alike(void **state)
{
	const struct suite_case *c = *state;
	struct way *w = way_new(c->id, any_secret);
	seal(w, RECORD_DATA, SLICE("old"), 0);
	assert_int_equal(open_sealed(w), 1);
	assert_true(record_key_update(&w->seals));
	assert_true(record_key_load(&w->seals, w->seal_context, true));
	assert_int_equal(w->seals.sequence, 0);
	seal(w, RECORD_DATA, SLICE("new"), 0);
	assert_int_equal(open_sealed(w), -ALERT_BAD_RECORD_MAC);
	assert_true(record_key_update(&w->opens));
	assert_true(record_key_load(&w->opens, w->open_context, false));
	assert_int_equal(open_sealed(w), 1);
	assert_slice_is(w->content, "new");
	way_free(w);
}

static const struct header_case {
	const char *name;
	struct slice bytes;
	int begins; /* 1, 0 or -alert */
	size_t len;
} header_cases[] = {
	{ "nothing", SLICE(""), 0 },
	{ "four bytes", SLICE("\x17\x03\x03\x00"), 0 },
	{ "the least", SLICE("\x17\x03\x03\x00\x11"), 1, 22 },
	{ "the most", SLICE("\x17\x03\x03\x41\x00"), 1, RECORD_WHOLE_MAX_LEN },
	{ "one more", SLICE("\x17\x03\x03\x41\x01"), -ALERT_RECORD_OVERFLOW },
	{ "far more", SLICE("\x17\x03\x03\xff\xff"), -ALERT_RECORD_OVERFLOW },
	{ "no room for a type", SLICE("\x17\x03\x03\x00\x10"), -ALERT_BAD_RECORD_MAC },
	{ "empty", SLICE("\x17\x03\x03\x00\x00"), -ALERT_BAD_RECORD_MAC },
	{ "change_cipher_spec", SLICE("\x14\x03\x03\x00\x01"), -ALERT_UNEXPECTED_MESSAGE },
	{ "a plain alert", SLICE("\x15\x03\x03\x00\x02"), -ALERT_UNEXPECTED_MESSAGE },
	{ "a plain handshake", SLICE("\x16\x03\x03\x00\x04"), -ALERT_UNEXPECTED_MESSAGE },
	{ "an unknown type", SLICE("\x18\x03\x03\x00\x20"), -ALERT_UNEXPECTED_MESSAGE },
	{ "TLS 1.0", SLICE("\x17\x03\x01\x00\x20"), -ALERT_DECODE_ERROR },
	{ "another major version", SLICE("\x17\x02\x03\x00\x20"), -ALERT_DECODE_ERROR },
};

static void headers_are_judged(void **state)
{
	const struct header_case *c = *state;
	size_t len = 0;
	assert_int_equal(record_begins(c->bytes, &len), c->begins);
	assert_int_equal(len, c->len);
}

/* What no record_seal() makes: any inner plaintext under a right tag. */
static void seal_inner(struct way *w, const char *inner, size_t len)
{
	/* The last byte goes as the type. A content of up to 2^14 + 240 bytes needs more room than record_seal() gives. */
	uint8_t nonce[RECORD_IV_LEN], *out = (uint8_t *)w->sealed;
	int done;
	memcpy(nonce, w->seals.iv, sizeof(nonce));
	nonce[RECORD_IV_LEN - 1] ^= (uint8_t)w->seals.sequence++;
	memcpy(out, "\x17\x03\x03", 3);
	out[3] = (uint8_t)((len + RECORD_TAG_LEN) >> 8);
	out[4] = (uint8_t)(len + RECORD_TAG_LEN);
	EVP_CIPHER_CTX *x = w->seal_context;
	assert_true(EVP_EncryptInit_ex(x, NULL, NULL, NULL, nonce));
	assert_true(EVP_EncryptUpdate(x, NULL, &done, out, RECORD_HEADER_LEN));
	assert_true(
	    EVP_EncryptUpdate(x, out + RECORD_HEADER_LEN, &done, (const uint8_t *)inner, (int)len));
	assert_true(EVP_EncryptFinal_ex(x, out + RECORD_HEADER_LEN + len, &done));
	assert_true(EVP_CIPHER_CTX_ctrl(
	    x, EVP_CTRL_AEAD_GET_TAG, RECORD_TAG_LEN, out + RECORD_HEADER_LEN + len));
	w->len = RECORD_HEADER_LEN + len + RECORD_TAG_LEN;
}

static const struct inner_case {
	const char *name;
	size_t zeros; /* before the bytes */
	struct slice bytes;
	size_t padding;
	int opens; /* 1 or -alert */
} inner_cases[] = {
	{ "empty data", 0, SLICE("\x17"), 0, 1 },
	{ "empty data, padded", 0, SLICE("\x17"), 100, 1 },
	{ "only a zero", 0, SLICE(""), 1, -ALERT_UNEXPECTED_MESSAGE },
	{ "only zeros", 0, SLICE(""), 16385, -ALERT_UNEXPECTED_MESSAGE },
	{ "the most data", 16384, SLICE("\x17"), 0, 1 },
	{ "one byte more", 16385, SLICE("\x17"), 0, -ALERT_RECORD_OVERFLOW },
	{ "the most padding", 0, SLICE("x\x17"), 16383, 1 },
	{ "padding beyond the limit", 0, SLICE("x\x17"), 16384, -ALERT_RECORD_OVERFLOW },
	{ "all that a record can hold", 0, SLICE("x\x17"), 16638 - 16, -ALERT_RECORD_OVERFLOW },
	{ "an alert", 0, SLICE("\1\0\x15"), 0, 1 },
	{ "an empty alert", 0, SLICE("\x15"), 0, -ALERT_UNEXPECTED_MESSAGE },
	{ "a handshake message", 0, SLICE("\x18\0\0\1\0\x16"), 0, 1 },
	{ "an empty handshake message", 0, SLICE("\x16"), 3, -ALERT_UNEXPECTED_MESSAGE },
	{ "a sealed change_cipher_spec", 0, SLICE("\1\x14"), 0, -ALERT_UNEXPECTED_MESSAGE },
	{ "an unknown type", 0, SLICE("x\x18"), 0, -ALERT_UNEXPECTED_MESSAGE },
	{ "the highest type", 0, SLICE("x\xff"), 0, -ALERT_UNEXPECTED_MESSAGE },
};

static void what_is_inside_is_judged(void **state)
{
	static char inner[ROOM];
	const struct inner_case *c = *state;
	struct way *w = way_new(AES_128, any_secret);
	memset(inner, 0, sizeof(inner));
	memcpy(inner + c->zeros, c->bytes.ptr, c->bytes.len);
	seal_inner(w, inner, c->zeros + c->bytes.len + c->padding);
	assert_int_equal(open_sealed(w), c->opens);
	if (c->opens == 1) {
		size_t content_len = c->zeros + c->bytes.len - 1;
		assert_slice_equal(w->content, slice_of(inner, content_len));
		assert_int_equal(w->type, (uint8_t)inner[content_len]);
	}
	way_free(w);
}

static void too_much_is_not_sealed(void **state)
{
	static char text[RECORD_CONTENT_MAX_LEN + 1];
	struct way *w = way_new(AES_128, any_secret);
	assert_int_equal(record_seal(&w->seals, w->seal_context, RECORD_DATA,
			     slice_of(text, sizeof(text)), 0, w->sealed),
	    0);
	assert_int_equal(record_seal(&w->seals, w->seal_context, RECORD_DATA,
			     slice_of(text, sizeof(text) - 1), 1, w->sealed),
	    0);
	assert_int_equal(w->seals.sequence, 0);
	way_free(w);
}

static void the_sequence_does_not_wrap(void **state)
{
	struct way *w = way_new(AES_128, any_secret);
	w->seals.sequence = w->opens.sequence = UINT64_MAX - 1;
	seal(w, RECORD_DATA, SLICE("the last"), 0);
	assert_int_equal(open_sealed(w), 1);
	assert_int_equal(
	    record_seal(&w->seals, w->seal_context, RECORD_DATA, SLICE("x"), 0, w->plain), 0);
	assert_int_equal(open_sealed(w), -ALERT_BAD_RECORD_MAC);
	way_free(w);
}

static void wiped_is_wiped(void **state)
{
	static const uint8_t zeros[RECORD_SECRET_MAX_LEN];
	struct way *w = way_new(AES_256, any_secret);
	record_key_wipe(&w->seals);
	assert_memory_equal(w->seals.secret, zeros, sizeof(w->seals.secret));
	assert_memory_equal(w->seals.key, zeros, sizeof(w->seals.key));
	assert_memory_equal(w->seals.iv, zeros, sizeof(w->seals.iv));
	way_free(w);
}

static void other_suites_are_not_known(void **state)
{
	assert_null(record_suite(0x1304)); /* TLS_AES_128_CCM_SHA256 */
	assert_null(record_suite(0xc02f)); /* of TLS 1.2 */
	assert_null(record_suite(0));
}

int main(int argc, char **argv)
{
	UNIT_TEST(keys_are_those_of_the_rfc);
	UNIT_EACH(records_are_those_of_the_rfc, trace_cases);
	UNIT_EACH(what_is_sealed_opens, suite_cases);
	UNIT_EACH(each_bit_counts, suite_cases);
	UNIT_EACH(a_replay_and_a_gap_are_seen, suite_cases);
	UNIT_EACH(an_update_changes_both_ends_alike, suite_cases);
	UNIT_EACH(headers_are_judged, header_cases);
	UNIT_EACH(what_is_inside_is_judged, inner_cases);
	UNIT_TEST(too_much_is_not_sealed);
	UNIT_TEST(the_sequence_does_not_wrap);
	UNIT_TEST(wiped_is_wiped);
	UNIT_TEST(other_suites_are_not_known);
	return unit_run(argc, argv);
}
