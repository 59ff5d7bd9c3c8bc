/*
 * wire.h: a message between servers as bytes. Pure.
 *
 *	'1' kind flags target_len sender_len | target | sender | text
 *
 * Each of the first five is one byte; the text is all that follows. A server that is newer may send kinds that an older one
 * does not know: it takes them for malformed and goes on.
 */
#ifndef BUS_WIRE_H
#define BUS_WIRE_H

#include "bus/bus.h"

enum {
	WIRE_HEAD_LEN = 5,
	WIRE_TEXT_MAX_LEN = 16 * 1024,
	WIRE_MAX_LEN = WIRE_HEAD_LEN + 2 * NAME_MAX_LEN + WIRE_TEXT_MAX_LEN,
};

/* Returns the length; 0: it has not the form. */
size_t wire_write(const struct bus_message *message, char bytes_r[static WIRE_MAX_LEN]);

/*
 * false: it is not what another server would send: names that no user can have, missing or superfluous fields, too long, control bytes where
 * they can't be. The slices point into bytes.
 */
bool wire_parse(struct slice bytes, struct bus_message *message_r);

#endif
