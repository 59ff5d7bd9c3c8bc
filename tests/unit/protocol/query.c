#include "protocol/query.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "unit.h"

/* Short words, so that a table's row is a line. */
#define S      SLICE
#define CLIENT QUERY_FROM_CLIENT
#define SERVER QUERY_FROM_SERVER

/* --- one line each of what protocol.md says there is --- */

static const struct form_case {
	const char *name; /* the query in its written form, without CRLF */
	enum query_side from;
	struct query query;
} form_cases[] = {
	{ "AUTH alice secret ", CLIENT,
	    { .verb = QUERY_AUTH, .user = S("alice"), .text = S("secret") } },
	{ "AUTH alice two  words ", CLIENT,
	    { .verb = QUERY_AUTH, .user = S("alice"), .text = S("two  words") } },
	{ "PUT alice secret ", CLIENT,
	    { .verb = QUERY_PUT, .user = S("alice"), .text = S("secret") } },
	{ "PUT a-b  pw ", CLIENT, { .verb = QUERY_PUT, .user = S("a-b"), .text = S(" pw") } },
	{ "PUT alice pw  ", CLIENT, { .verb = QUERY_PUT, .user = S("alice"), .text = S("pw ") } },
	{ "MSG bob alice hello T ", CLIENT,
	    { QUERY_MSG, S("bob"), S("alice"), S("hello"), S("T") } },
	{ "MSG bob alice hello\n T ", CLIENT,
	    { QUERY_MSG, S("bob"), S("alice"), S("hello\n"), S("T") } },
	{ "MSG bob alice  two  words  T ", CLIENT,
	    { QUERY_MSG, S("bob"), S("alice"), S(" two  words "), S("T") } },
	{ "MSG bob alice  T ", CLIENT, { QUERY_MSG, S("bob"), S("alice"), S(""), S("T") } },
	{ "MSG bob alice   T ", CLIENT, { QUERY_MSG, S("bob"), S("alice"), S(" "), S("T") } },
	{ "MSG bob alice \n T ", CLIENT, { QUERY_MSG, S("bob"), S("alice"), S("\n"), S("T") } },
	{ "MSG bob alice MSG bob alice x T T ", CLIENT,
	    { QUERY_MSG, S("bob"), S("alice"), S("MSG bob alice x T"), S("T") } },
	{ "MSG <b> * \r\x1b\x7f\xff T ", CLIENT,
	    { QUERY_MSG, S("<b>"), S("*"), S("\r\x1b\x7f\xff"), S("T") } },
	{ "MSGG alice hello all T ", CLIENT,
	    { .verb = QUERY_MSGG, .user = S("alice"), .text = S("hello all"), .token = S("T") } },
	{ "MSGG alice  T ", CLIENT,
	    { .verb = QUERY_MSGG, .user = S("alice"), .text = S(""), .token = S("T") } },
	{ "CMD <group> T ", CLIENT, { .verb = QUERY_CMD, .text = S("<group>"), .token = S("T") } },
	{ "CMD <online> T ", CLIENT,
	    { .verb = QUERY_CMD, .text = S("<online>"), .token = S("T") } },
	{ "CMD <get> T ", CLIENT, { .verb = QUERY_CMD, .text = S("<get>"), .token = S("T") } },
	{ "CMD any other words T ", CLIENT,
	    { .verb = QUERY_CMD, .text = S("any other words"), .token = S("T") } },
	{ "BEGINF f.txt bob T ", CLIENT,
	    { .verb = QUERY_BEGINF, .target = S("bob"), .text = S("f.txt"), .token = S("T") } },
	{ "BEGINF my old file.txt bob T ", CLIENT,
	    { .verb = QUERY_BEGINF,
		.target = S("bob"),
		.text = S("my old file.txt"),
		.token = S("T") } },
	{ "ENDF T ", CLIENT, { .verb = QUERY_ENDF, .token = S("T") } },
	{ "END <user command> T ", CLIENT,
	    { .verb = QUERY_END, .text = S("<user command>"), .token = S("T") } },
	{ "END <x> T ", CLIENT, { .verb = QUERY_END, .text = S("<x>"), .token = S("T") } },

	{ "ACCEPT alice T-_9 ", SERVER,
	    { .verb = QUERY_ACCEPT, .user = S("alice"), .token = S("T-_9") } },
	{ "TRY <username already taken> ", SERVER,
	    { .verb = QUERY_TRY, .text = S("<username already taken>") } },
	{ "END <incorrect username or password> ", SERVER,
	    { .verb = QUERY_END, .text = S("<incorrect username or password>") } },
	{ "END * <user already online> ", SERVER,
	    { .verb = QUERY_END, .text = S("* <user already online>") } },
	{ "END <end accepted> ", SERVER, { .verb = QUERY_END, .text = S("<end accepted>") } },
	{ "RELAY bob alice hello ", SERVER,
	    { .verb = QUERY_RELAY, .target = S("bob"), .user = S("alice"), .text = S("hello") } },
	{ "RELAY bob alice  ", SERVER,
	    { .verb = QUERY_RELAY, .target = S("bob"), .user = S("alice"), .text = S("") } },
	{ "RELAY bob alice a  b  ", SERVER,
	    { .verb = QUERY_RELAY, .target = S("bob"), .user = S("alice"), .text = S("a  b ") } },
	{ "RELAYG alice hello all\\n ", SERVER,
	    { .verb = QUERY_RELAYG, .user = S("alice"), .text = S("hello all\\n") } },
	{ "RELAYG alice  ", SERVER, { .verb = QUERY_RELAYG, .user = S("alice"), .text = S("") } },
	{ "CNT <user not online> ", SERVER, { .verb = QUERY_CNT, .text = S("<user not online>") } },
	{ "CMD <alice bob> ", SERVER, { .verb = QUERY_CMD, .text = S("<alice bob>") } },
	{ "CMD <problem with command> ", SERVER,
	    { .verb = QUERY_CMD, .text = S("<problem with command>") } },
	{ "CHECK ", SERVER, { .verb = QUERY_CHECK } },
	{ "BEGIN 2 ", SERVER, { .verb = QUERY_BEGIN, .text = S("2") } },
	{ "BEGINF my_file.txt ", SERVER, { .verb = QUERY_BEGINF, .text = S("my_file.txt") } },
	{ "ENDF ", SERVER, { .verb = QUERY_ENDF } },
};

static void assert_same_query(const struct query *got, const struct query *expected)
{
	assert_int_equal(got->verb, expected->verb);
	assert_slice_equal(got->target, expected->target);
	assert_slice_equal(got->user, expected->user);
	assert_slice_equal(got->text, expected->text);
	assert_slice_equal(got->token, expected->token);
}

static void form_is_read(void **state)
{
	const struct form_case *c = *state;
	struct query q;
	assert_true(query_parse(slice_str(c->name), c->from, &q));
	assert_same_query(&q, &c->query);
}

/* "A receiver also accepts a query without that one space", unless it is one of an empty text's own two. */
static void form_is_read_without_its_last_space(void **state)
{
	const struct form_case *c = *state;
	struct slice line = slice_str(c->name);
	line.len--;
	if (line.ptr[line.len - 1] == ' ')
		return;
	struct query q;
	assert_true(query_parse(line, c->from, &q));
	assert_same_query(&q, &c->query);
}

static void form_is_written(void **state)
{
	const struct form_case *c = *state;
	char expected[200], *out = malloc(QUERY_SENT_MAX_LEN);
	assert_non_null(out);
	size_t len = query_write(&c->query, c->from, out);
	snprintf(expected, sizeof(expected), "%s\r\n", c->name);
	assert_slice_equal(slice_of(out, len), slice_str(expected));
	free(out);
}

/* The whole query, CRLF and what follows; one byte more at a time, in memory that ends where the bytes end. */
static void form_is_found_with_its_last_byte(void **state)
{
	const struct form_case *c = *state;
	char whole[200];
	size_t whole_len = (size_t)snprintf(whole, sizeof(whole), "%s\r\nCHECK", c->name);
	size_t query_len = whole_len - strlen("\r\nCHECK");
	for (size_t len = 0; len <= whole_len; len++) {
		char *stream = malloc(len > 0 ? len : 1);
		assert_non_null(stream);
		memcpy(stream, whole, len);
		struct slice query = SLICE("untouched");
		size_t taken = 12345;
		int found = query_next(slice_of(stream, len), &query, &taken);
		if (len < query_len + 2) {
			assert_int_equal(found, 0);
			assert_slice_is(query, "untouched");
			assert_int_equal(taken, 12345);
		} else {
			assert_int_equal(found, 1);
			assert_int_equal(taken, query_len + 2);
			assert_ptr_equal(query.ptr, stream);
			assert_int_equal(query.len, query_len);
		}
		free(stream);
	}
}

/* Cut anywhere, a query is malformed or another query; it never reads beyond the cut. */
static void cut_form_does_no_harm(void **state)
{
	const struct form_case *c = *state;
	for (size_t len = 0; len < strlen(c->name); len++) {
		char *line = malloc(len > 0 ? len : 1);
		assert_non_null(line);
		memcpy(line, c->name, len);
		struct query q;
		if (query_parse(slice_of(line, len), c->from, &q)) {
			assert_int_equal(q.verb, c->query.verb);
			struct slice fields[] = { q.target, q.user, q.text, q.token };
			for (size_t i = 0; i < 4; i++) {
				assert_true(fields[i].len == 0 ||
					    (fields[i].ptr >= line &&
						fields[i].ptr + fields[i].len <= line + len));
			}
		}
		free(line);
	}
}

/* --- malformed --- */

static const struct bad_case {
	const char *name;
	enum query_side from;
	struct slice line;
} bad_cases[] = {
	{ "nothing", CLIENT, { NULL, 0 } },
	{ "empty", CLIENT, S("") },
	{ "a space", CLIENT, S(" ") },
	{ "two spaces", CLIENT, S("  ") },
	{ "unknown verb", CLIENT, S("FOO x T ") },
	{ "lower case", CLIENT, S("msg bob alice hi T ") },
	{ "space in front", CLIENT, S(" MSG bob alice hi T ") },
	{ "verb longer than known", CLIENT, S("MSGGG alice hi T ") },
	{ "verb shorter than known", CLIENT, S("MS bob alice hi T ") },
	{ "verb with NUL", CLIENT, S("MSG\0 bob alice hi T ") },
	{ "LF before the verb", CLIENT, S("\nMSG bob alice hi T ") },
	{ "TAB for a space", CLIENT, S("CMD\t<group> T ") },
	{ "HTTP", CLIENT, S("GET / HTTP/1.1") },

	{ "AUTH alone", CLIENT, S("AUTH") },
	{ "AUTH and a space", CLIENT, S("AUTH ") },
	{ "AUTH and two spaces", CLIENT, S("AUTH  ") },
	{ "AUTH without password", CLIENT, S("AUTH alice ") },
	{ "AUTH with an empty password", CLIENT, S("AUTH alice  ") },
	{ "AUTH with an empty name", CLIENT, S("AUTH  secret ") },
	{ "PUT alone", CLIENT, S("PUT ") },
	{ "PUT without password", CLIENT, S("PUT alice ") },
	{ "PUT with an empty password", CLIENT, S("PUT alice  ") },
	{ "PUT with an empty name", CLIENT, S("PUT  secret ") },

	{ "MSG alone", CLIENT, S("MSG ") },
	{ "MSG of one field", CLIENT, S("MSG bob ") },
	{ "MSG of two fields", CLIENT, S("MSG bob alice ") },
	{ "MSG without text", CLIENT, S("MSG bob alice T ") },
	{ "MSG without a token, text at the end", CLIENT, S("MSG bob alice hi  ") },
	{ "MSG with an empty target", CLIENT, S("MSG  alice hi T ") },
	{ "MSG with an empty sender", CLIENT, S("MSG bob  hi T ") },
	{ "MSG with an empty token", CLIENT, S("MSG bob alice hi there  ") },
	{ "MSGG alone", CLIENT, S("MSGG ") },
	{ "MSGG of one field", CLIENT, S("MSGG alice ") },
	{ "MSGG without text", CLIENT, S("MSGG alice T ") },
	{ "MSGG with an empty sender", CLIENT, S("MSGG  hi T ") },
	{ "MSGG with an empty token", CLIENT, S("MSGG alice hi  ") },

	{ "CMD alone", CLIENT, S("CMD ") },
	{ "CMD without token", CLIENT, S("CMD <group> ") },
	{ "CMD with an empty command", CLIENT, S("CMD  T ") },
	{ "CMD with an empty token", CLIENT, S("CMD <group>  ") },
	{ "END alone", CLIENT, S("END ") },
	{ "END of one field", CLIENT, S("END T ") },
	{ "END with empty words", CLIENT, S("END  T ") },
	{ "END with an empty token", CLIENT, S("END <x>  ") },
	{ "BEGINF alone", CLIENT, S("BEGINF ") },
	{ "BEGINF of one field", CLIENT, S("BEGINF f.txt ") },
	{ "BEGINF of two fields", CLIENT, S("BEGINF f.txt T ") },
	{ "BEGINF with an empty file name", CLIENT, S("BEGINF  bob T ") },
	{ "BEGINF with an empty target", CLIENT, S("BEGINF f.txt  T ") },
	{ "BEGINF with an empty token", CLIENT, S("BEGINF f.txt bob  ") },
	{ "ENDF alone", CLIENT, S("ENDF") },
	{ "ENDF and a space", CLIENT, S("ENDF ") },
	{ "ENDF with an empty token", CLIENT, S("ENDF  ") },
	{ "ENDF of two fields", CLIENT, S("ENDF T x ") },

	{ "the server's ACCEPT from a client", CLIENT, S("ACCEPT alice T ") },
	{ "the server's TRY from a client", CLIENT, S("TRY <x> ") },
	{ "the server's RELAY from a client", CLIENT, S("RELAY bob alice hi ") },
	{ "the server's RELAYG from a client", CLIENT, S("RELAYG alice hi ") },
	{ "the server's CNT from a client", CLIENT, S("CNT <x> ") },
	{ "the server's CHECK from a client", CLIENT, S("CHECK ") },
	{ "the server's BEGIN from a client", CLIENT, S("BEGIN 1 ") },

	{ "a client's AUTH from the server", SERVER, S("AUTH alice secret ") },
	{ "a client's PUT from the server", SERVER, S("PUT alice secret ") },
	{ "a client's MSG from the server", SERVER, S("MSG bob alice hi T ") },
	{ "a client's MSGG from the server", SERVER, S("MSGG alice hi T ") },
	{ "ACCEPT alone", SERVER, S("ACCEPT ") },
	{ "ACCEPT without token", SERVER, S("ACCEPT alice ") },
	{ "ACCEPT with an empty token", SERVER, S("ACCEPT alice  ") },
	{ "ACCEPT with an empty name", SERVER, S("ACCEPT  T ") },
	{ "ACCEPT of three fields", SERVER, S("ACCEPT alice T x ") },
	{ "TRY alone", SERVER, S("TRY ") },
	{ "TRY with empty words", SERVER, S("TRY  ") },
	{ "RELAY alone", SERVER, S("RELAY ") },
	{ "RELAY of one field", SERVER, S("RELAY bob ") },
	{ "RELAY without text", SERVER, S("RELAY bob alice ") },
	{ "RELAY with an empty target", SERVER, S("RELAY  alice hi ") },
	{ "RELAY with an empty sender", SERVER, S("RELAY bob  hi ") },
	{ "RELAYG alone", SERVER, S("RELAYG ") },
	{ "RELAYG without text", SERVER, S("RELAYG alice ") },
	{ "RELAYG with an empty sender", SERVER, S("RELAYG  hi ") },
	{ "CNT alone", SERVER, S("CNT ") },
	{ "CNT with empty words", SERVER, S("CNT  ") },
	{ "CMD alone, from the server", SERVER, S("CMD ") },
	{ "CMD with empty words", SERVER, S("CMD  ") },
	{ "END alone, from the server", SERVER, S("END ") },
	{ "END with empty words, from the server", SERVER, S("END  ") },
	{ "CHECK and two spaces", SERVER, S("CHECK  ") },
	{ "CHECK of one field", SERVER, S("CHECK x ") },
	{ "BEGIN alone", SERVER, S("BEGIN ") },
	{ "BEGIN with an empty number", SERVER, S("BEGIN  ") },
	{ "BEGINF alone, from the server", SERVER, S("BEGINF ") },
	{ "ENDF of one field, from the server", SERVER, S("ENDF x ") },
	{ "ENDF and two spaces, from the server", SERVER, S("ENDF  ") },
};

static void malformed_is_refused(void **state)
{
	const struct bad_case *c = *state;
	struct query q;
	assert_false(query_parse(c->line, c->from, &q));
}

/* --- the number of fields, for each verb of each side, from none to two more than it has --- */

static const struct count_case {
	const char *name; /* the verb */
	enum query_side from;
	int least;
	int most; /* a text may hold spaces: any number from `least` on */
} count_cases[] = {
	{ "AUTH", CLIENT, 2, 99 },
	{ "PUT", CLIENT, 2, 99 },
	{ "MSG", CLIENT, 4, 99 },
	{ "MSGG", CLIENT, 3, 99 },
	{ "CMD", CLIENT, 2, 99 },
	{ "BEGINF", CLIENT, 3, 99 },
	{ "ENDF", CLIENT, 1, 1 },
	{ "END", CLIENT, 2, 99 },
	{ "ACCEPT", SERVER, 2, 2 },
	{ "TRY", SERVER, 1, 99 },
	{ "RELAY", SERVER, 3, 99 },
	{ "RELAYG", SERVER, 2, 99 },
	{ "CNT", SERVER, 1, 99 },
	{ "CMD", SERVER, 1, 99 },
	{ "END", SERVER, 1, 99 },
	{ "CHECK", SERVER, 0, 0 },
	{ "BEGIN", SERVER, 1, 99 },
	{ "BEGINF", SERVER, 1, 99 },
	{ "ENDF", SERVER, 0, 0 },
	{ "FOO", CLIENT, 99, 99 },
	{ "FOO", SERVER, 99, 99 },
};

static void fields_are_counted(void **state)
{
	const struct count_case *c = *state;
	char line[100];
	size_t len = (size_t)sprintf(line, "%s", c->name);
	for (int count = 0; count <= 6; count++) {
		struct query q;
		bool expected = count >= c->least && count <= c->most;
		assert_int_equal(query_parse(slice_of(line, len), c->from, &q), expected);
		len += (size_t)sprintf(line + len, " f%d", count);
		if (count < 6) {
			/* The same with its last space. */
			line[len] = ' ';
			expected = count + 1 >= c->least && count + 1 <= c->most;
			assert_int_equal(
			    query_parse(slice_of(line, len + 1), c->from, &q), expected);
		}
	}
}

/* --- the stream --- */

enum { MAX = QUERY_TAKEN_MAX_LEN };

/* `front`, `fill` times the letter x, `back`. */
static const struct stream_case {
	const char *name;
	struct slice front;
	size_t fill;
	struct slice back;
	int found;
	size_t taken;
} stream_cases[] = {
	{ "nothing", S(""), 0, S(""), 0, 0 },
	{ "no end", S("MSG bob"), 0, S(""), 0, 0 },
	{ "CRLF alone is an empty query", S("\r\n"), 0, S(""), 1, 2 },
	{ "bare LF ends nothing", S("a\nb\n"), 0, S(""), 0, 0 },
	{ "bare LF, then an end", S("\na\nb\n"), 0, S(" \r\n"), 1, 8 },
	{ "lone CR ends nothing", S("a\rb\r"), 0, S(""), 0, 0 },
	{ "lone CR, then an end", S("a\rb"), 0, S("\r\n"), 1, 5 },
	{ "CR CR LF", S("a\r\r\n"), 0, S(""), 1, 4 },
	{ "LF CR", S("a\n\rb"), 0, S(""), 0, 0 },
	{ "LF LF CR LF", S("\n\n\r\n"), 0, S(""), 1, 4 },
	{ "three LF, then an end", S("\n\n\na\r\nb\r\n"), 0, S(""), 1, 6 },
	{ "four LF, then an end", S("\n\n\n\na\r\nb\r\n"), 0, S(""), 1, 7 },
	{ "four LF, then an end at once", S("\n\n\n\n\r\nb\r\n"), 0, S(""), 1, 6 },
	{ "five LF, then an end", S("\n\n\n\n\na\r\nb\r\n"), 0, S(""), 1, 8 },
	{ "four LF and nothing", S("\n\n\n\n"), 0, S(""), 0, 0 },
	{ "LF and CR in turns", S("\n\rx\n\rx\n\rx\n\rx\n\rx\r\n"), 0, S(""), 1, 17 },
	{ "many LF, 16384 bytes", S("\n\n\n\n\n\n\n\n"), MAX - 10, S("\r\n"), 1, MAX },
	{ "many LF, 16385 bytes", S("\n\n\n\n\n\n\n\n"), MAX - 9, S("\r\n"), -1, 0 },
	{ "NUL is a byte", S("a\0b \r\n"), 0, S(""), 1, 6 },
	{ "two queries: the first", S("CHECK \r\nENDF \r\n"), 0, S(""), 1, 8 },
	{ "two ends: an empty query is left", S("a\r\n\r\n"), 0, S(""), 1, 3 },
	{ "4096 bytes", S(""), 4094, S("\r\n"), 1, 4096 },
	{ "16384 bytes", S(""), MAX - 2, S("\r\n"), 1, MAX },
	{ "16384 bytes and another query", S(""), MAX - 2, S("\r\nCHECK \r\n"), 1, MAX },
	{ "16384 bytes, the LF is missing", S(""), MAX - 2, S("\r"), 0, 0 },
	{ "16384 bytes, the CRLF is missing", S(""), MAX - 2, S(""), 0, 0 },
	{ "16385 bytes", S(""), MAX - 1, S("\r\n"), -1, 0 },
	{ "16385 bytes, the LF is missing", S(""), MAX - 1, S("\r"), -1, 0 },
	{ "16383 bytes without an end", S(""), MAX - 1, S(""), 0, 0 },
	{ "16384 bytes without an end", S(""), MAX, S(""), -1, 0 },
	{ "20000 bytes without an end", S(""), 20000, S(""), -1, 0 },
	{ "16384 bytes that end in bare LF", S(""), MAX - 1, S("\n"), -1, 0 },
	{ "far too long, a short query behind", S(""), 20000, S("\r\nCHECK \r\n"), -1, 0 },
	{ "a short query, far too much behind", S("CHECK \r\n"), 20000, S(""), 1, 8 },
};

static void stream_is_cut(void **state)
{
	const struct stream_case *c = *state;
	size_t len = c->front.len + c->fill + c->back.len;
	char *stream = malloc(len > 0 ? len : 1);
	assert_non_null(stream);
	memcpy(stream, c->front.ptr, c->front.len);
	memset(stream + c->front.len, 'x', c->fill);
	memcpy(stream + c->front.len + c->fill, c->back.ptr, c->back.len);
	struct slice query = { 0 };
	size_t taken = 0;
	assert_int_equal(query_next(slice_of(stream, len), &query, &taken), c->found);
	assert_int_equal(taken, c->taken);
	if (c->found == 1) {
		assert_ptr_equal(query.ptr, stream);
		assert_int_equal(query.len, taken - 2);
	}
	free(stream);
}

static void nothing_may_come_from_nowhere(void **state)
{
	(void)state;
	struct slice query;
	size_t taken;
	assert_int_equal(query_next((struct slice){ 0 }, &query, &taken), 0);
}

/* As a connection does it: append what came, take each query that is whole. */
static const struct arrival_case {
	const char *name;
	size_t bytes;
} arrival_cases[] = {
	{ "1 byte at a time", 1 },
	{ "2 bytes at a time", 2 },
	{ "3 bytes at a time", 3 },
	{ "7 bytes at a time", 7 },
	{ "all at once", 100000 },
};

static void pieces_make_the_same_queries(void **state)
{
	const struct arrival_case *c = *state;
	static const char said[] =
	    "PUT alice secret \r\nMSG bob alice a\nb T \r\n\r\nCMD <group> T\r\n"
	    "MSG bob alice  T \r\nEND <x> T \r\n";
	static const struct slice expected[] = { SLICE("PUT alice secret "),
		SLICE("MSG bob alice a\nb T "), SLICE(""), SLICE("CMD <group> T"),
		SLICE("MSG bob alice  T "), SLICE("END <x> T ") };
	size_t begin = 0, end = 0, queries = 0;
	while (end < strlen(said)) {
		size_t left = strlen(said) - end;
		end += c->bytes < left ? c->bytes : left;
		struct slice query;
		size_t taken;
		while (query_next(slice_of(said + begin, end - begin), &query, &taken) == 1) {
			assert_true(queries < sizeof(expected) / sizeof(*expected));
			assert_slice_equal(query, expected[queries]);
			begin += taken;
			queries++;
		}
	}
	assert_int_equal(queries, sizeof(expected) / sizeof(*expected));
	assert_int_equal(begin, end);
}

static double cpu_seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* A text full of LF that comes in small pieces: to look for its end must take about as long as one search takes. */
static void text_full_of_lf_costs_one_search(void **state)
{
	(void)state;
	enum { PIECE = 16, ROUNDS = 5 };
	char *stream = malloc(MAX);
	assert_non_null(stream);
	memset(stream, '\n', MAX);
	double best_ratio = 1e9;
	for (int round = 0; round < ROUNDS; round++) {
		struct slice query;
		size_t taken;
		double begun = cpu_seconds();
		for (size_t len = PIECE; len < MAX; len += PIECE)
			assert_null(memmem(stream, len, "\r\n", 2));
		double searched = cpu_seconds();
		for (size_t len = PIECE; len < MAX; len += PIECE)
			assert_int_equal(query_next(slice_of(stream, len), &query, &taken), 0);
		double ratio = (cpu_seconds() - searched) / (searched - begun);
		best_ratio = ratio < best_ratio ? ratio : best_ratio;
	}
	free(stream);
	if (best_ratio >= 2.5)
		fail_msg("it took %.1f times as long", best_ratio);
}

/* --- writing --- */

static const struct room_case {
	const char *name;
	size_t text_len;
	size_t written;
} room_cases[] = {
	{ "4095 bytes", 4095 - 13, 4095 },
	{ "4096 bytes", 4096 - 13, 4096 },
	{ "4097 bytes", 4097 - 13, 0 },
	{ "4098 bytes", 4098 - 13, 0 },
	{ "4099 bytes", 4099 - 13, 0 },
	{ "a text as long as a query may be", 4096, 0 },
	{ "far too long", 1 << 20, 0 },
};

static void query_is_written_if_it_fits(void **state)
{
	const struct room_case *c = *state;
	char *text = malloc(c->text_len), *out = malloc(QUERY_SENT_MAX_LEN);
	assert_non_null(text);
	assert_non_null(out);
	memset(text, 'x', c->text_len);
	struct query q = {
		.verb = QUERY_RELAYG, .user = SLICE("al"), .text = { text, c->text_len }
	};
	size_t len = query_write(&q, SERVER, out);
	assert_int_equal(len, c->written);
	struct query read;
	if (len > 0) {
		assert_true(query_parse(slice_of(out, len - 2), SERVER, &read));
		assert_same_query(&read, &q);
	}
	free(out);
	free(text);
}

static void side_writes_only_its_own_verbs(void **state)
{
	(void)state;
	char out[QUERY_SENT_MAX_LEN];
	bool may_client[QUERY_VERB_COUNT] = { [QUERY_AUTH] = true,
		[QUERY_PUT] = true,
		[QUERY_MSG] = true,
		[QUERY_MSGG] = true,
		[QUERY_CMD] = true,
		[QUERY_BEGINF] = true,
		[QUERY_ENDF] = true,
		[QUERY_END] = true };
	bool may_server[QUERY_VERB_COUNT] = { [QUERY_ACCEPT] = true,
		[QUERY_TRY] = true,
		[QUERY_RELAY] = true,
		[QUERY_RELAYG] = true,
		[QUERY_CNT] = true,
		[QUERY_CHECK] = true,
		[QUERY_CMD] = true,
		[QUERY_END] = true,
		[QUERY_BEGIN] = true,
		[QUERY_BEGINF] = true,
		[QUERY_ENDF] = true };
	for (int verb = 0; verb < QUERY_VERB_COUNT; verb++) {
		struct query q = { .verb = (enum query_verb)verb,
			.target = SLICE("a"),
			.user = SLICE("b"),
			.text = SLICE("c"),
			.token = SLICE("d") };
		assert_int_equal(query_write(&q, CLIENT, out) > 0, may_client[verb]);
		assert_int_equal(query_write(&q, SERVER, out) > 0, may_server[verb]);
	}
}

int main(int argc, char **argv)
{
	UNIT_EACH(form_is_read, form_cases);
	UNIT_EACH(form_is_read_without_its_last_space, form_cases);
	UNIT_EACH(form_is_written, form_cases);
	UNIT_EACH(form_is_found_with_its_last_byte, form_cases);
	UNIT_EACH(cut_form_does_no_harm, form_cases);
	UNIT_EACH(malformed_is_refused, bad_cases);
	UNIT_EACH(fields_are_counted, count_cases);
	UNIT_EACH(stream_is_cut, stream_cases);
	UNIT_TEST(nothing_may_come_from_nowhere);
	UNIT_EACH(pieces_make_the_same_queries, arrival_cases);
	UNIT_TEST(text_full_of_lf_costs_one_search);
	UNIT_EACH(query_is_written_if_it_fits, room_cases);
	UNIT_TEST(side_writes_only_its_own_verbs);
	return unit_run(argc, argv);
}
