/*
 * bans.h: who may not come in: user names and addresses. A copy in memory of what the store keeps, asked for every connection. Any
 * thread.
 */
#ifndef CHAT_BANS_H
#define CHAT_BANS_H

#include <stdbool.h>

#include "base/slice.h"
#include "net/address.h"

struct bans;

struct bans *bans_new(void); /* NULL: no memory */
void bans_free(struct bans *b);

/* text: a user name, or an address as text (address_parse() decides). In memory only. false: no memory. */
bool bans_add(struct bans *b, const char *text);
void bans_remove(struct bans *b, const char *text);

/* Each gets what the other had. */
void bans_exchange(struct bans *b, struct bans *other);

bool bans_has_name(struct bans *b, struct slice name);
bool bans_has_address(struct bans *b, const struct address *address);

#endif
