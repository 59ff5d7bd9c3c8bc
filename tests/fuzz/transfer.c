/*
 * transfer.c: the bytes of a file on their way in and on their way out. The first bytes choose the token and the pieces in which the rest
 * arrives; in the rest a byte 01 stands for "ENDF token", 02 for the token, so that marks come about. What must hold, besides no crash:
 *
 *  - in: however the stream is cut into pieces, the file is what stands before the first mark that a plain search finds, and what
 *    follows the mark is untouched; without a mark all but a beginning of one is the file's;
 *  - out: the records are the file, none is empty or too long, and no read of a client begins with ENDF.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "protocol/endmark.h"
#include "protocol/query.h"

enum { HEAD = 3, STREAM_MAX = 1 << 18 };

static char stream[STREAM_MAX];
static size_t stream_len;

static void put(const char *bytes, size_t len)
{
	if (len > STREAM_MAX - stream_len)
		return;
	memcpy(stream + stream_len, bytes, len);
	stream_len += len;
}

static void make_stream(const uint8_t *data, size_t size, const struct endmark *mark)
{
	stream_len = 0;
	for (size_t i = 0; i < size; i++) {
		if (data[i] == 1)
			put(mark->word, mark->len);
		else if (data[i] == 2)
			put(mark->word + 5, mark->len - 5);
		else
			put((const char *)data + i, 1);
	}
}

/* The length of a mark at this place; 0: there is none. */
static size_t mark_at(const struct endmark *mark, size_t at)
{
	struct slice here = slice_of(stream + at, stream_len - at);
	if (!slice_begins(here, slice_of(mark->word, mark->len)))
		return 0;
	here = slice_skip(here, mark->len);
	if (slice_begins(here, SLICE(" \r\n")))
		return mark->len + 3;
	return slice_begins(here, SLICE("\r\n")) ? mark->len + 2 : 0;
}

static bool may_become_mark(const struct endmark *mark, struct slice rest)
{
	static const char *const endings[] = { " \r\n", "\r\n" };
	for (int i = 0; i < 2; i++) {
		char whole[ENDMARK_MAX_LEN];
		memcpy(whole, mark->word, mark->len);
		memcpy(whole + mark->len, endings[i], strlen(endings[i]));
		size_t len = mark->len + strlen(endings[i]);
		if (rest.len < len && slice_begins(slice_of(whole, len), rest))
			return true;
	}
	return false;
}

static void take_in(const struct endmark *mark, uint8_t pieces)
{
	size_t expected = 0, expected_mark = 0;
	while (expected < stream_len && (expected_mark = mark_at(mark, expected)) == 0)
		expected++;

	size_t taken = 0, end = 0, mark_len = 0;
	bool found = false;
	unsigned step = pieces;
	while (end < stream_len && !found) {
		step = step * 1103515245 + 12345;
		size_t piece = pieces < 128 ? (size_t)pieces + 1 : (step >> 16) % 5000 + 1;
		end = stream_len - end < piece ? stream_len : end + piece;
		/* In memory of its own, so that a read behind its end is seen. */
		char *presented = malloc(end - taken + 1);
		MUST(presented != NULL);
		memcpy(presented, stream + taken, end - taken);
		size_t data_len = SIZE_MAX;
		found = endmark_find(mark, slice_of(presented, end - taken), &data_len, &mark_len);
		free(presented);
		MUST(data_len <= end - taken);
		taken += data_len;
		MUST(found || end - taken < ENDMARK_MAX_LEN);
	}
	MUST(found == (expected_mark > 0));
	if (found) {
		MUST(taken == expected);
		MUST(mark_len == expected_mark);
	} else {
		MUST(may_become_mark(mark, slice_of(stream + taken, stream_len - taken)));
	}
}

static void send_out(void)
{
	struct slice rest = slice_of(stream, stream_len);
	while (rest.len > 0) {
		size_t len = endmark_record_len(rest);
		MUST(len > 0 && len <= rest.len && len <= RECORD_MAX_LEN);
		for (size_t at = 0; at < len; at += ENDMARK_READ_LEN)
			MUST(!slice_begins(slice_of(rest.ptr + at, len - at), SLICE("ENDF")));
		rest = slice_skip(rest, len);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < HEAD)
		return 0;
	char token[ENDMARK_TOKEN_MAX_LEN];
	size_t token_len = data[0] % ENDMARK_TOKEN_MAX_LEN + 1;
	for (size_t i = 0; i < token_len; i++)
		token[i] = "ENDF"[(i * data[1]) % 4];
	struct endmark mark = endmark_of(slice_of(token, token_len));
	make_stream(data + HEAD, size - HEAD, &mark);
	take_in(&mark, data[2]);
	send_out();
	return 0;
}
