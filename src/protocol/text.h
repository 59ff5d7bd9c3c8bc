/*
 * text.h: the text of a message on its way out (protocol.md, 6): control bytes become printable escapes, a long text
 * becomes several queries, cut between whole characters. Pure functions; any thread.
 */
#ifndef PROTOCOL_TEXT_H
#define PROTOCOL_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"
#include "protocol/query.h"

/* 00-1F and 7F. */
static inline bool text_is_control(char c)
{
	return (unsigned char)c < 0x20 || c == 0x7f;
}

/* True if there is any control byte in it; eight bytes at a time, since every text that is relayed is asked. */
bool text_has_control(struct slice text);

/* Bytes of the UTF-8 character at the front of s (s.len > 0); 1 for a byte that begins none. */
size_t text_char_len(struct slice s);

/* The longest run of whole characters at the front of s that has at most max_len bytes. */
size_t text_whole_chars(struct slice s, size_t max_len);

/* Takes the one trailing LF off that the original client sends. True if there was one. */
bool text_take_lf(struct slice *text);

/*
 * One text on its way to one receiver. head is the query up to and with the space before the text
 * ("RELAY bob alice "), at most QUERY_SENT_MAX_LEN / 2 bytes; text is what the sender sent, its trailing LF taken off.
 * Start with all of it in text and begun false; text_relay_next() eats it.
 */
struct text_relay {
	struct slice head;
	struct slice text;
	bool add_lf; /* the receiver uses LF: each query's text ends in the two characters \n */
	bool begun;
};

/*
 * Writes the next query of the text, with its CRLF, into out. Returns its length, at most QUERY_SENT_MAX_LEN;
 * 0 when all is out. An empty text is one query.
 */
size_t text_relay_next(struct text_relay *r, char out[static QUERY_SENT_MAX_LEN]);

#endif
