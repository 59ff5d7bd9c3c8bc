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
	"user already online", /* at another node, after this one was out of touch */
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

/* Refused log-ins are held against it when they are refused (login.c). */
enum net_offence ending_offence(unsigned ending)
{
	static const struct {
		const char *name;
		enum net_offence offence;
	} rows[] = {
		{ "incorrect protocol", NET_OFFENCE_GARBAGE },
		{ "query too long", NET_OFFENCE_GARBAGE },
		{ "broken TLS record", NET_OFFENCE_GARBAGE },
		{ "takes no answers", NET_OFFENCE_GARBAGE },
		{ "no room for what was sent", NET_OFFENCE_GARBAGE },
		{ "login timeout", NET_OFFENCE_NO_LOGIN },
		{ "closed by peer", NET_OFFENCE_NO_LOGIN },
		{ "connection broken", NET_OFFENCE_NO_LOGIN },
		{ "too many trials", NET_OFFENCE_NO_LOGIN },
		{ "registration closed", NET_OFFENCE_NO_LOGIN },
		{ "banned", NET_OFFENCE_NO_LOGIN },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strcmp(rows[i].name, ending_names[ending]) == 0)
			return rows[i].offence;
	}
	return NET_OFFENCES;
}

unsigned ending_find(const char *reason)
{
	unsigned i = 0;
	while (i < ENDINGS - 1 && strcmp(ending_names[i], reason) != 0)
		i++;
	return i;
}
