/* The original server's hash: vectors that the original gave (docs: how accounts are imported), and what is no hash. */
#include "chat/legacy_hash.h"

#include "unit.h"

static const struct vector {
	const char *name;
	struct slice password;
	const char *hash;
} vectors[] = {
	{ "empty", { "", 0 }, "legacy:197900749432193163238506426161658697360" },
	{ "pw", SLICE("pw"), "legacy:10869314621924324964198114488442545808" },
	{ "secret", SLICE("secret"), "legacy:188470244621571496032947323203565848228" },
	{ "with a space", SLICE("correct horse"), "legacy:42650024386058868962313972376546587136" },
};

static void fits_its_own_only(void **state)
{
	const struct vector *v = *state;
	assert_true(legacy_hash_is_one(v->hash));
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
		assert_int_equal(legacy_hash_fits(vectors[i].hash, v->password), v == &vectors[i]);
	assert_false(legacy_hash_fits("legacy:1", v->password));
}

static const struct text_case {
	const char *name;
	const char *text;
	bool is_one;
} text_cases[] = {
	{ "one digit", "legacy:0", true },
	{ "forty digits", "legacy:1234567890123456789012345678901234567890", true },
	{ "forty-one digits", "legacy:12345678901234567890123456789012345678901", false },
	{ "no digit", "legacy:", false },
	{ "a letter", "legacy:12x", false },
	{ "a sign", "legacy:-12", false },
	{ "a space", "legacy:1 2", false },
	{ "no prefix", "12", false },
	{ "nothing", "", false },
	{ "Argon2id", "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHRzYWx0$aGFzaA", false },
};

static void is_one(void **state)
{
	const struct text_case *c = *state;
	assert_int_equal(legacy_hash_is_one(c->text), c->is_one);
}

int main(int argc, char **argv)
{
	UNIT_EACH(fits_its_own_only, vectors);
	UNIT_EACH(is_one, text_cases);
	return unit_run(argc, argv);
}
