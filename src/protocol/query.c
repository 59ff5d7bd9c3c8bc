#include "protocol/query.h"

#include <stdint.h>
#include <string.h>

enum { BARE_LF_TRIES = 4 };

/* Letters of a row: t target, u user, k token, x text that may hold spaces, e such a text that may be empty. At most one x or e. */
struct grammar_row {
	enum query_verb verb;
	enum query_side from;
	const char *word;
	const char *fields;
};

static const struct grammar_row grammar[] = {
	{ QUERY_MSG, QUERY_FROM_CLIENT, "MSG", "tuek" },
	{ QUERY_MSGG, QUERY_FROM_CLIENT, "MSGG", "uek" },
	{ QUERY_CMD, QUERY_FROM_CLIENT, "CMD", "xk" },
	{ QUERY_BEGINF, QUERY_FROM_CLIENT, "BEGINF", "xtk" },
	{ QUERY_ENDF, QUERY_FROM_CLIENT, "ENDF", "k" },
	{ QUERY_END, QUERY_FROM_CLIENT, "END", "xk" },
	{ QUERY_AUTH, QUERY_FROM_CLIENT, "AUTH", "ux" },
	{ QUERY_PUT, QUERY_FROM_CLIENT, "PUT", "ux" },

	{ QUERY_RELAY, QUERY_FROM_SERVER, "RELAY", "tue" },
	{ QUERY_RELAYG, QUERY_FROM_SERVER, "RELAYG", "ue" },
	{ QUERY_CHECK, QUERY_FROM_SERVER, "CHECK", "" },
	{ QUERY_CMD, QUERY_FROM_SERVER, "CMD", "x" },
	{ QUERY_CNT, QUERY_FROM_SERVER, "CNT", "x" },
	{ QUERY_ACCEPT, QUERY_FROM_SERVER, "ACCEPT", "uk" },
	{ QUERY_TRY, QUERY_FROM_SERVER, "TRY", "x" },
	{ QUERY_END, QUERY_FROM_SERVER, "END", "x" },
	{ QUERY_BEGIN, QUERY_FROM_SERVER, "BEGIN", "x" },
	{ QUERY_BEGINF, QUERY_FROM_SERVER, "BEGINF", "x" },
	{ QUERY_ENDF, QUERY_FROM_SERVER, "ENDF", "" },
};
enum { GRAMMAR_ROWS = sizeof(grammar) / sizeof(*grammar) };

/*
 * The CRLF nearest to the front, or NULL. A bare LF is part of a text, and few texts have many: memchr() is by far the faster way
 * past a few. memmem() is the way that a text full of them can't make slow.
 */
static const char *find_end(struct slice s)
{
	for (int tries = 0; tries < BARE_LF_TRIES && s.len > 0; tries++) {
		const char *lf = memchr(s.ptr, '\n', s.len);
		if (lf == NULL)
			return NULL;
		if (lf > s.ptr && lf[-1] == '\r')
			return lf - 1;
		s = slice_skip(s, (size_t)(lf - s.ptr) + 1);
	}
	return s.len > 0 ? memmem(s.ptr, s.len, "\r\n", 2) : NULL;
}

int query_next(struct slice stream, struct slice *query_r, size_t *taken_r)
{
	bool is_full = stream.len >= QUERY_TAKEN_MAX_LEN;
	const char *end =
	    find_end(slice_of(stream.ptr, is_full ? QUERY_TAKEN_MAX_LEN : stream.len));
	if (end == NULL)
		return is_full ? -1 : 0;
	*query_r = slice_of(stream.ptr, (size_t)(end - stream.ptr));
	*taken_r = query_r->len + 2;
	return 1;
}

static const struct grammar_row *row_of_word(struct slice word, enum query_side from)
{
	for (int i = 0; i < GRAMMAR_ROWS; i++) {
		if (grammar[i].from == from && strlen(grammar[i].word) == word.len &&
		    memcmp(grammar[i].word, word.ptr, word.len) == 0)
			return &grammar[i];
	}
	return NULL;
}

static const struct grammar_row *row_of_verb(enum query_verb verb, enum query_side from)
{
	for (int i = 0; i < GRAMMAR_ROWS; i++) {
		if (grammar[i].from == from && grammar[i].verb == verb)
			return &grammar[i];
	}
	return NULL;
}

static bool is_text(char letter)
{
	return letter == 'x' || letter == 'e';
}

static struct slice *field_of(struct query *q, char letter)
{
	switch (letter) {
	case 't':
		return &q->target;
	case 'u':
		return &q->user;
	case 'k':
		return &q->token;
	default:
		return &q->text;
	}
}

/* Takes the word up to the first space, and the space, off the front. false: there is no space. */
static bool take_first(struct slice *rest, struct slice *word_r)
{
	const char *space = memchr(rest->ptr, ' ', rest->len);
	if (space == NULL)
		return false;
	*word_r = slice_of(rest->ptr, (size_t)(space - rest->ptr));
	*rest = slice_skip(*rest, word_r->len + 1);
	return true;
}

/* Takes the word behind the last space, and the space, off the end. false: there is no space. */
static bool take_last(struct slice *rest, struct slice *word_r)
{
	const char *space = memrchr(rest->ptr, ' ', rest->len);
	if (space == NULL)
		return false;
	size_t before = (size_t)(space - rest->ptr);
	*word_r = slice_skip(*rest, before + 1);
	rest->len = before;
	return true;
}

/*
 * The fixed fields are taken from both ends of rest; what is left is the text, or, where there is none, the last fixed field.
 * `last` is the number of the field that gets what is left.
 */
static bool take_fields(const char *fields, struct slice rest, struct query *q_r)
{
	size_t count = strlen(fields), last = 0;
	while (last + 1 < count && !is_text(fields[last])) {
		if (!take_first(&rest, field_of(q_r, fields[last])))
			return false;
		last++;
	}
	for (size_t i = count; i-- > last + 1;) {
		if (!take_last(&rest, field_of(q_r, fields[i])))
			return false;
	}
	*field_of(q_r, fields[last]) = rest;
	return is_text(fields[last]) || rest.len == 0 || memchr(rest.ptr, ' ', rest.len) == NULL;
}

static bool has_empty_field(const char *fields, struct query *q)
{
	for (; *fields != '\0'; fields++) {
		if (*fields != 'e' && field_of(q, *fields)->len == 0)
			return true;
	}
	return false;
}

bool query_parse(struct slice line, enum query_side from, struct query *q_r)
{
	*q_r = (struct query){ 0 };
	if (line.len == 0)
		return false;
	if (line.ptr[line.len - 1] == ' ')
		line.len--; /* the space before the CRLF belongs to the written form and may be missing */
	struct slice word, rest = line;
	bool has_fields = take_first(&rest, &word);
	if (!has_fields)
		word = line;
	const struct grammar_row *row = row_of_word(word, from);
	if (row == NULL || has_fields != (row->fields[0] != '\0'))
		return false;
	q_r->verb = row->verb;
	return !has_fields ||
	       (take_fields(row->fields, rest, q_r) && !has_empty_field(row->fields, q_r));
}

static bool put(char *out, size_t *len, struct slice s)
{
	if (s.len > QUERY_SENT_MAX_LEN - *len)
		return false;
	if (s.len > 0)
		memcpy(out + *len, s.ptr, s.len);
	*len += s.len;
	return true;
}

size_t query_write(const struct query *q, enum query_side from, char out[static QUERY_SENT_MAX_LEN])
{
	const struct grammar_row *row = row_of_verb(q->verb, from);
	if (row == NULL)
		return 0;
	struct query fields = *q;
	size_t len = 0;
	bool fits = put(out, &len, slice_str(row->word));
	for (const char *letter = row->fields; *letter != '\0'; letter++)
		fits = fits && put(out, &len, SLICE(" ")) &&
		       put(out, &len, *field_of(&fields, *letter));
	return fits && put(out, &len, SLICE(" \r\n")) ? len : 0;
}
