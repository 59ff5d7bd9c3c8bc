#include "chat/password.h"

#include <sodium.h>
#include <stdio.h>

#include "unit.h"

static const struct password_cost cheap = { 8192, 1, false }, dearer = { 16384, 2, false };

static const struct password_case {
	const char *name;
	struct slice password;
} passwords[] = {
	{ "a word", { "secret", 6 } },
	{ "one byte", { "x", 1 } },
	{ "with spaces", { "correct horse battery", 21 } },
	{ "UTF-8", { "pässwörd", 10 } },
	{ "with a NUL", { "a\0b", 3 } },
};

static void right_one_is_right(void **state)
{
	const struct password_case *c = *state;
	char hash[STORE_HASH_SIZE];
	assert_true(password_hash(c->password, &cheap, hash));
	assert_int_equal(password_verify(c->password, hash, &cheap), PASSWORD_RIGHT);
	assert_int_equal(password_verify(SLICE("another"), hash, &cheap), PASSWORD_WRONG);
	assert_null(memmem(hash, sizeof(hash), "secret", 6));
}

static void two_hashes_of_one_password_differ(void **state)
{
	char one[STORE_HASH_SIZE], two[STORE_HASH_SIZE];
	assert_true(password_hash(SLICE("secret"), &cheap, one));
	assert_true(password_hash(SLICE("secret"), &cheap, two));
	assert_string_not_equal(one, two);
}

/* Accounts of earlier versions have hashes that libsodium made. */
static void libsodiums_text_is_ours(void **state)
{
	char hash[STORE_HASH_SIZE] = { 0 };
	assert_int_equal(
	    crypto_pwhash_str(hash, "secret", 6, cheap.passes, (size_t)cheap.memory_bytes), 0);
	assert_int_equal(password_verify(SLICE("secret"), hash, &cheap), PASSWORD_RIGHT);
	assert_int_equal(password_verify(SLICE("Secret"), hash, &cheap), PASSWORD_WRONG);
	assert_true(password_hash(SLICE("secret"), &dearer, hash));
	assert_int_equal(crypto_pwhash_str_verify(hash, "secret", 6), 0);
}

static void argon2i_is_checked_and_to_be_replaced(void **state)
{
	char hash[STORE_HASH_SIZE] = { 0 };
	assert_int_equal(crypto_pwhash_argon2i_str(hash, "secret", 6, 3, 8192), 0);
	assert_int_equal(password_verify(SLICE("secret"), hash, &cheap), PASSWORD_RIGHT_REHASH);
	assert_int_equal(password_verify(SLICE("wrong"), hash, &cheap), PASSWORD_WRONG);
}

static void a_damaged_hash_fits_nothing(void **state)
{
	char whole[STORE_HASH_SIZE], damaged[STORE_HASH_SIZE];
	assert_true(password_hash(SLICE("secret"), &cheap, whole));
	size_t len = strlen(whole);
	for (size_t i = 0; i < len; i++) {
		memcpy(damaged, whole, sizeof(damaged));
		damaged[i] = '\0';
		assert_int_equal(password_verify(SLICE("secret"), damaged, &cheap), PASSWORD_WRONG);
		damaged[i] = '!';
		assert_int_equal(password_verify(SLICE("secret"), damaged, &cheap), PASSWORD_WRONG);
	}
	memcpy(damaged, whole, sizeof(damaged));
	*strstr(damaged, "m=8") = 'M';
	assert_int_equal(password_verify(SLICE("secret"), damaged, &cheap), PASSWORD_WRONG);
	memcpy(damaged, whole, sizeof(damaged));
	strstr(damaged, "m=8")[2] = '7'; /* less than there is */
	assert_int_equal(password_verify(SLICE("secret"), damaged, &cheap), PASSWORD_WRONG);
	memcpy(damaged, whole, sizeof(damaged));
	memcpy(damaged + len, "A", 2);
	assert_int_equal(password_verify(SLICE("secret"), damaged, &cheap), PASSWORD_WRONG);
}

static void another_cost_asks_for_a_new_hash(void **state)
{
	char hash[STORE_HASH_SIZE];
	assert_true(password_hash(SLICE("secret"), &cheap, hash));
	assert_int_equal(password_verify(SLICE("secret"), hash, &dearer), PASSWORD_RIGHT_REHASH);
	assert_int_equal(password_verify(SLICE("wrong"), hash, &dearer), PASSWORD_WRONG);
}

static void an_imported_hash_is_checked_and_to_be_replaced(void **state)
{
	const char *hash = "legacy:188470244621571496032947323203565848228";
	assert_int_equal(password_verify(SLICE("secret"), hash, &cheap), PASSWORD_RIGHT_REHASH);
	assert_int_equal(password_verify(SLICE("wrong"), hash, &cheap), PASSWORD_WRONG);
}

static void nobody_has_no_password(void **state)
{
	assert_int_equal(password_verify(SLICE(""), NULL, &cheap), PASSWORD_WRONG);
	assert_int_equal(password_verify(SLICE("secret"), NULL, &cheap), PASSWORD_WRONG);
	assert_int_equal(password_verify(SLICE("secret"), "not a hash", &cheap), PASSWORD_WRONG);
}

int main(int argc, char **argv)
{
	if (sodium_init() < 0)
		return 1;
	UNIT_EACH(right_one_is_right, passwords);
	UNIT_TEST(two_hashes_of_one_password_differ);
	UNIT_TEST(libsodiums_text_is_ours);
	UNIT_TEST(argon2i_is_checked_and_to_be_replaced);
	UNIT_TEST(a_damaged_hash_fits_nothing);
	UNIT_TEST(another_cost_asks_for_a_new_hash);
	UNIT_TEST(an_imported_hash_is_checked_and_to_be_replaced);
	UNIT_TEST(nobody_has_no_password);
	return unit_run(argc, argv);
}
