#include "chat/ending.h"

#include <string.h>

const char *const ending_names[ENDINGS] = {
	"user command",
	"closed by peer",
	"refused",
	"already online",
	"too many trials",
	"too many trials from address",
	"registration closed",
	"banned",
	"kicked",
	"store or memory unavailable",
	"no memory",
	"login timeout",
	"query timeout",
	"idle",
	"incorrect protocol",
	"query too long",
	"too slow",
	"server closing",
	"broken TLS record",
	"takes no answers",
	"no room for what was sent",
	"connection broken",
};

unsigned ending_find(const char *reason)
{
	unsigned i = 0;
	while (i < ENDINGS - 1 && strcmp(ending_names[i], reason) != 0)
		i++;
	return i;
}
