/* people.c: what dialogues in tests have in common. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake/fake.h"

enum { BIG_LEN = 64 * 1024 };

bool fake_token(const struct conn *c, char token_r[static FAKE_TOKEN_SIZE])
{
	struct slice rest = fake_heard(c);
	bool found = false;
	while (rest.len > 0) {
		const char *end = memchr(rest.ptr, '\n', rest.len);
		size_t len = end != NULL ? (size_t)(end - rest.ptr) : rest.len;
		if (slice_begins(rest, SLICE("ACCEPT ")) && len >= FAKE_TOKEN_SIZE) {
			memcpy(token_r, rest.ptr + len - FAKE_TOKEN_SIZE + 1, FAKE_TOKEN_SIZE - 1);
			token_r[FAKE_TOKEN_SIZE - 1] = '\0';
			found = true;
		}
		rest = slice_skip(rest, end != NULL ? len + 1 : len);
	}
	return found;
}

struct conn *fake_person(
    struct fake *f, unsigned worker, const char *enters, char token_r[static FAKE_TOKEN_SIZE])
{
	struct conn *c = fake_connect(f, worker);
	fake_say(c, slice_str(enters));
	fake_settle(f);
	FAKE_MUST(fake_token(c, token_r));
	return c;
}

static void put_big(struct buffer *to)
{
	char *room = buffer_reserve(to, BIG_LEN);
	FAKE_MUST(room != NULL);
	memset(room, 'x', BIG_LEN);
	buffer_added(to, BIG_LEN);
}

void fake_spell(struct buffer *to, const char *text, const char *token)
{
	while (*text != '\0') {
		if (strncmp(text, "TOKEN", 5) == 0) {
			FAKE_MUST(buffer_append_slice(to, slice_str(token)));
			text += 5;
		} else if (strncmp(text, "NUL", 3) == 0) {
			FAKE_MUST(buffer_append(to, "", 1));
			text += 3;
		} else if (strncmp(text, "BIG", 3) == 0) {
			put_big(to);
			text += 3;
		} else {
			FAKE_MUST(buffer_append(to, text, 1));
			text++;
		}
	}
}

void fake_tell(struct conn *c, const char *text, const char *token)
{
	struct buffer query = { 0 };
	fake_spell(&query, text, token);
	fake_say(c, buffer_slice(&query));
	buffer_clear(&query);
}
