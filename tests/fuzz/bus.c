/*
 * bus.c: what comes from the bus (bus/wire.h). What must hold, besides no crash: what is taken is what a server would write, byte for byte; its
 * names are names, and its text is bounded.
 */
#include <string.h>

#include "bus/wire.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char bytes[WIRE_MAX_LEN];
	struct bus_message message;
	if (!wire_parse(slice_of((const char *)data, size), &message))
		return 0;
	MUST(message.target.len == 0 || name_check(message.target) == NAME_OK);
	MUST(message.sender.len == 0 || name_check(message.sender) == NAME_OK);
	MUST(message.text.len <= WIRE_TEXT_MAX_LEN);
	MUST(wire_write(&message, bytes) == size && memcmp(bytes, data, size) == 0);
	return 0;
}
