#include "client/outgoing.h"

#include <stdlib.h>

#include "protocol/text.h"

struct outgoing *outgoing_new(enum query_verb verb, struct slice target, struct slice text)
{
	struct outgoing *o = calloc(1, sizeof(*o) + target.len + text.len);
	if (o == NULL)
		return NULL;
	o->verb = verb;
	o->target_len = target.len;
	o->text_len = text.len;
	if (target.len > 0)
		memcpy(o->bytes, target.ptr, target.len);
	if (text.len > 0)
		memcpy(o->bytes + target.len, text.ptr, text.len);
	return o;
}

/* Bytes of the front character of text in an original server's relay, which is the inside of a Python bytes literal. */
static size_t escaped_len(struct slice text, size_t char_len)
{
	unsigned char first = (unsigned char)text.ptr[0];
	if (first >= 0x80 || (text_is_control((char)first) && first != '\t' && first != '\r'))
		return 4 * char_len;
	return first == '\\' || first == '\'' || first < 0x20 ? 2 : 1;
}

/* As text_whole_chars(), with room counted for the escaped form. */
static size_t whole_chars_escaped(struct slice text, size_t room)
{
	size_t len = 0, used = 0;
	while (len < text.len) {
		struct slice rest = slice_skip(text, len);
		size_t char_len = text_char_len(rest);
		used += escaped_len(rest, char_len);
		if (used > room)
			break;
		len += char_len;
	}
	return len;
}

size_t outgoing_write(struct outgoing *o, struct slice user, struct slice token, bool lf,
    char out[static QUERY_SENT_MAX_LEN])
{
	static const size_t lf_len = 1, escaped_lf_len = 2;
	struct query q = {
		.verb = o->verb, .target = outgoing_target(o), .user = user, .token = token
	};
	struct slice rest = slice_skip(outgoing_text(o), o->done);
	char with_lf[QUERY_SENT_MAX_LEN];

	o->pieces++;
	if (o->verb != QUERY_MSG && o->verb != QUERY_MSGG) {
		q.text = rest;
		o->done = o->text_len;
		return query_write(&q, QUERY_FROM_CLIENT, out);
	}
	size_t room = QUERY_SENT_MAX_LEN - query_write(&q, QUERY_FROM_CLIENT, out);
	if (!lf) {
		q.text = slice_of(rest.ptr, text_whole_chars(rest, room));
		o->done += q.text.len;
		return query_write(&q, QUERY_FROM_CLIENT, out);
	}
	size_t len = whole_chars_escaped(rest, room - escaped_lf_len);
	o->done += len;
	while (len > 0 && rest.ptr[len - 1] == '\r')
		len--; /* CR before our LF would end the query for a server that looks for line ends */
	memcpy(with_lf, rest.ptr, len);
	with_lf[len] = '\n';
	q.text = slice_of(with_lf, len + lf_len);
	return query_write(&q, QUERY_FROM_CLIENT, out);
}
