#include "protocol/endmark.h"

#include <string.h>

#include "protocol/query.h"

static const char *const endings[] = { "\r\n", " \r\n" };

struct endmark endmark_of(struct slice token)
{
	struct endmark mark = { .word = "ENDF " };
	memcpy(mark.word + 5, token.ptr, token.len);
	mark.len = 5 + token.len;
	return mark;
}

/* How long the ending at the front of what follows "ENDF token" is; 0: it is none; -1: it may still become one. */
static int ending_len(struct slice after)
{
	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		struct slice ending = slice_str(endings[i]);
		if (slice_begins(after, ending))
			return (int)ending.len;
		if (slice_begins(ending, after))
			return -1;
	}
	return 0;
}

/* How many bytes at the end are a beginning of the word; fewer than all of it. */
static size_t begun_len(const struct endmark *mark, struct slice bytes)
{
	size_t len = bytes.len < mark->len ? bytes.len : mark->len - 1;
	while (len > 0 && memcmp(bytes.ptr + bytes.len - len, mark->word, len) != 0)
		len--;
	return len;
}

bool endmark_find(
    const struct endmark *mark, struct slice bytes, size_t *data_len_r, size_t *mark_len_r)
{
	struct slice rest = bytes;
	const char *word;
	while (rest.len > 0 && (word = memmem(rest.ptr, rest.len, mark->word, mark->len)) != NULL) {
		size_t before = (size_t)(word - bytes.ptr);
		int len = ending_len(slice_skip(bytes, before + mark->len));
		if (len != 0)
			*data_len_r = before;
		if (len > 0)
			*mark_len_r = mark->len + (size_t)len;
		if (len != 0)
			return len > 0;
		rest = slice_skip(bytes, before + 1);
	}
	*data_len_r = bytes.len - begun_len(mark, rest);
	return false;
}

size_t endmark_record_len(struct slice bytes)
{
	size_t len = bytes.len < RECORD_MAX_LEN ? bytes.len : RECORD_MAX_LEN;
	for (size_t at = 0; at < len; at += ENDMARK_READ_LEN) {
		if (slice_begins(slice_skip(bytes, at), SLICE("ENDF")))
			return at + 1;
	}
	return len;
}
