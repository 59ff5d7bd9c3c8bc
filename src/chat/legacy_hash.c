#include "chat/legacy_hash.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { BLOCKS = 16, BITS = BLOCKS * 32, DIGITS_MAX = 40, ESCAPED_MAX = 5 };

/* Bits in a row, of which only the first BITS count. */
struct bits {
	uint32_t block[BLOCKS];
	unsigned count;
};

static void add_bit(struct bits *b, unsigned bit)
{
	if (b->count >= BITS)
		return;
	b->block[b->count / 32] |= bit << (31 - b->count % 32);
	b->count++;
}

/* A zero, then the character's binary digits without leading zeros. */
static void add_char(struct bits *b, unsigned char c)
{
	int digits = 8;
	while (digits > 1 && !(c >> (digits - 1)))
		digits--;
	add_bit(b, 0);
	while (digits-- > 0)
		add_bit(b, c >> digits & 1);
}

/* The original hashed the text form of a Python bytes literal; control bytes can't be in a password. */
static void add_escaped(struct bits *b, char c, bool escape_quote)
{
	char text[ESCAPED_MAX];
	unsigned char byte = (unsigned char)c;
	if (byte >= 0x80)
		snprintf(text, sizeof(text), "\\x%02x", byte);
	else if (c == '\\' || (c == '\'' && escape_quote))
		snprintf(text, sizeof(text), "\\%c", c);
	else
		snprintf(text, sizeof(text), "%c", c);
	for (char *t = text; *t != '\0'; t++)
		add_char(b, (unsigned char)*t);
}

static void digest(const uint32_t block[static BLOCKS], char text[static DIGITS_MAX + 1])
{
	uint32_t j = 0x67425301, k = 0xEDFCBA45, l = 0x98CBADFE, m = 0x13DCE476;
	for (int i = 0; i < BLOCKS; i++) {
		m += block[i];
		l = 4 * (l + m);
	}
	for (int i = 0; i < BLOCKS; i++)
		m = 2 * (m + block[i] + l);
	for (int i = 0; i < BLOCKS; i++) {
		m += block[i];
		j = 2 * (j + m + (k ^ l ^ m));
	}
	for (int i = 0; i < BLOCKS; i++) {
		m += block[i];
		uint32_t t = k + m;
		k = 2 * (t + (l ^ t));
	}
	snprintf(text, DIGITS_MAX + 1, "%" PRIu32 "%" PRIu32 "%" PRIu32 "%" PRIu32, j, k, l, m);
}

bool legacy_hash_is_one(const char *hash)
{
	size_t prefix_len = strlen(LEGACY_HASH_PREFIX);
	if (strncmp(hash, LEGACY_HASH_PREFIX, prefix_len) != 0)
		return false;
	const char *digits = hash + prefix_len;
	size_t len = strlen(digits);
	return len >= 1 && len <= DIGITS_MAX && strspn(digits, "0123456789") == len;
}

bool legacy_hash_fits(const char *hash, struct slice password)
{
	struct bits bits = { .count = 0 };
	bool both_quotes = password.len > 0 && memchr(password.ptr, '\'', password.len) != NULL &&
			   memchr(password.ptr, '"', password.len) != NULL;
	for (size_t i = 0; i < password.len; i++)
		add_escaped(&bits, password.ptr[i], both_quotes);
	add_bit(&bits,
	    1); /* and zeros, which are there; both are without effect when the row is full */

	char own[DIGITS_MAX + 1];
	digest(bits.block, own);
	const char *other = hash + strlen(LEGACY_HASH_PREFIX);
	bool fits = strlen(own) == strlen(other) && sodium_memcmp(own, other, strlen(own)) == 0;
	sodium_memzero(&bits, sizeof(bits));
	sodium_memzero(own, sizeof(own));
	return fits;
}
