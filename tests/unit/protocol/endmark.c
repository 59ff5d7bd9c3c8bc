#include "protocol/endmark.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/query.h"
#include "unit.h"

static const char token[] = "s3cr3tTOKEN-_ENDF";

/* ---- in ---- */

#define T "s3cr3tTOKEN-_ENDF"

static const struct find_case {
	const char *name;
	const char *stream;
	long mark_at; /* -1: there is none */
	size_t mark_len;
	size_t untaken; /* without a mark: how much may still become one */
} find_cases[] = {
	{ "nothing", "", -1, 0, 0 },
	{ "only data", "some bytes of a file", -1, 0, 0 },
	{ "at once", "ENDF " T " \r\n", 0, 25, 0 },
	{ "without the space", "ENDF " T "\r\n", 0, 24, 0 },
	{ "behind data",
	    "data"
	    "ENDF " T " \r\n",
	    4, 25, 0 },
	{ "behind its own beginning", "ENDENDF " T " \r\n", 3, 25, 0 },
	{ "behind E", "EENDF " T "\r\n", 1, 24, 0 },
	{ "behind the whole word", "ENDF " T "ENDF " T " \r\n", 22, 25, 0 },
	{ "behind the word and a space", "ENDF " T " ENDF " T " \r\n", 23, 25, 0 },
	{ "behind the word and CR", "ENDF " T "\rENDF " T " \r\n", 23, 25, 0 },
	{ "of two the first", "xENDF " T " \r\nENDF " T "\r\n", 1, 25, 0 },
	{ "then more", "xENDF " T "\r\nCMD <online>", 1, 24, 0 },
	{ "two spaces", "ENDF " T "  \r\n", -1, 0, 0 },
	{ "a tab", "ENDF " T "\t\r\n", -1, 0, 0 },
	{ "LF alone", "ENDF " T " \n", -1, 0, 0 },
	{ "CR alone", "ENDF " T " \rx", -1, 0, 0 },
	{ "CR CR LF", "ENDF " T "\r\r\n", -1, 0, 0 },
	{ "two spaces before the token", "ENDF  " T " \r\n", -1, 0, 0 },
	{ "small letters", "endf " T " \r\n", -1, 0, 0 },
	{ "another token", "ENDF s3cr3tTOKEN-_ENDf \r\n", -1, 0, 0 },
	{ "a longer token", "ENDF " T "x \r\n", -1, 0, 0 },
	{ "no token", "ENDF \r\n", -1, 0, 0 },
	{ "many ends of nothing", "ENDF\r\nENDF \r\n\r\n\r\nENDFENDF\r\n", -1, 0, 0 },
	{ "only tokens", T T T " \r\n", -1, 0, 0 },
	{ "ends in a token that ends in ENDF", "ENDF x" T, -1, 0, 4 },
	{ "E", "xE", -1, 0, 1 },
	{ "EN", "xEN", -1, 0, 2 },
	{ "END", "xEND", -1, 0, 3 },
	{ "ENDF", "xENDF", -1, 0, 4 },
	{ "ENDE", "xENDE", -1, 0, 1 },
	{ "up to the space", "xENDF ", -1, 0, 5 },
	{ "into the token", "xENDF s3cr", -1, 0, 9 },
	{ "up to the token", "xENDF " T, -1, 0, 22 },
	{ "up to the second space", "xENDF " T " ", -1, 0, 23 },
	{ "up to the CR", "xENDF " T " \r", -1, 0, 24 },
	{ "up to the CR, without the space", "xENDF " T "\r", -1, 0, 23 },
};

static struct endmark mark(void)
{
	return endmark_of(slice_str(token));
}

static void assert_found(const struct find_case *c, bool found, size_t taken, size_t mark_len)
{
	size_t len = strlen(c->stream);
	assert_int_equal(found, c->mark_at >= 0);
	assert_int_equal(taken, found ? (size_t)c->mark_at : len - c->untaken);
	if (found)
		assert_int_equal(mark_len, c->mark_len);
}

static void finds(void **state)
{
	const struct find_case *c = *state;
	struct endmark m = mark();
	size_t data_len, mark_len = 0;
	bool found = endmark_find(&m, slice_str(c->stream), &data_len, &mark_len);
	assert_found(c, found, data_len, mark_len);
}

/* However the stream is cut into two, or into single bytes, it comes to the same; what was not taken is presented again. */
static void finds_in_every_split(void **state)
{
	const struct find_case *c = *state;
	struct endmark m = mark();
	size_t len = strlen(c->stream);
	for (size_t cut = 0; cut <= len; cut++) {
		size_t taken = 0, data_len, mark_len = 0;
		bool found = false;
		size_t ends[] = { cut, len };
		for (int i = 0; i < 2 && !found; i++) {
			found = endmark_find(
			    &m, slice_of(c->stream + taken, ends[i] - taken), &data_len, &mark_len);
			taken += data_len;
		}
		assert_found(c, found, taken, mark_len);
	}
	size_t taken = 0, data_len, mark_len = 0;
	bool found = false;
	for (size_t end = 1; end <= len && !found; end++) {
		found = endmark_find(
		    &m, slice_of(c->stream + taken, end - taken), &data_len, &mark_len);
		taken += data_len;
		assert_true(found || end - taken < ENDMARK_MAX_LEN);
	}
	assert_found(c, found, taken, mark_len);
}

static void longest_token(void **state)
{
	char longest[ENDMARK_TOKEN_MAX_LEN], stream[ENDMARK_MAX_LEN + 8];
	memset(longest, 't', sizeof(longest));
	struct endmark m = endmark_of(slice_of(longest, sizeof(longest)));
	int len = snprintf(stream, sizeof(stream), "x%.*s \r\n", (int)m.len, m.word);
	size_t data_len, mark_len;
	assert_true(endmark_find(&m, slice_of(stream, (size_t)len), &data_len, &mark_len));
	assert_int_equal(data_len, 1);
	assert_int_equal(mark_len, ENDMARK_MAX_LEN);
}

/* ---- out ---- */

static const struct cut_case {
	const char *name;
	const char *bytes;
	size_t repeat;  /* so many times */
	size_t lens[4]; /* of the records, the first ones */
} cut_cases[] = {
	{ "one byte", "x", 1, { 1 } },
	{ "short", "hello", 1, { 5 } },
	{ "ENDF", "ENDF", 1, { 1, 3 } },
	{ "ENDF and more", "ENDF \r\n", 1, { 1, 6 } },
	{ "END", "END", 1, { 3 } },
	{ "ENDF inside", "xENDF \r\n", 1, { 8 } },
	{ "ENDF twice", "ENDFENDF", 1, { 1, 7 } },
	{ "a full record", "x", 16384, { 16384 } },
	{ "a byte more", "x", 16385, { 16384, 1 } },
	{ "only ENDF", "ENDF", 10000, { 1, 16384, 16384, 7231 } },
	{ "only ENDF, shifted", "DFEN", 10000, { 16384, 16384, 7232 } },
};

static void cuts(void **state)
{
	const struct cut_case *c = *state;
	size_t unit = strlen(c->bytes), len = unit * c->repeat;
	char *bytes = malloc(len);
	assert_non_null(bytes);
	for (size_t i = 0; i < len; i++)
		bytes[i] = c->bytes[i % unit];
	struct slice rest = slice_of(bytes, len);
	for (size_t i = 0; rest.len > 0; i++) {
		size_t record = endmark_record_len(rest);
		assert_true(record >= 1 && record <= RECORD_MAX_LEN && record <= rest.len);
		if (i < 4 && c->lens[i] != 0)
			assert_int_equal(record, c->lens[i]);
		for (size_t at = 0; at < record; at += ENDMARK_READ_LEN)
			assert_false(
			    slice_begins(slice_of(rest.ptr + at, record - at), SLICE("ENDF")));
		rest = slice_skip(rest, record);
	}
	free(bytes);
}

/* The original client takes 4096 bytes at once, of whatever record. */
static void no_read_begins_with_it(void **state)
{
	(void)state;
	char bytes[20000];
	memset(bytes, 'x', sizeof(bytes));
	memcpy(bytes + 4096, "ENDF", 4);
	memcpy(bytes + 8191, "ENDF", 4);
	memcpy(bytes + 4097 + 8192, "ENDF", 4);
	struct slice rest = slice_of(bytes, sizeof(bytes));
	static const size_t lens[] = { 4097, 8193, 20000 - 4097 - 8193 };
	for (size_t i = 0; i < 3; i++) {
		size_t len = endmark_record_len(rest);
		assert_int_equal(len, lens[i]);
		rest = slice_skip(rest, len);
	}
}

int main(int argc, char **argv)
{
	UNIT_EACH(finds, find_cases);
	UNIT_EACH(finds_in_every_split, find_cases);
	UNIT_TEST(longest_token);
	UNIT_EACH(cuts, cut_cases);
	UNIT_TEST(no_read_begins_with_it);
	return unit_run(argc, argv);
}
