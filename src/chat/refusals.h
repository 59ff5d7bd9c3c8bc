/*
 * refusals.h: how many log-ins from an address were refused within the last minute: wrong passwords, unknown and impossible names
 * (protocol.md, 3). A second one counts sign-ups the same way. Bounded: of too many addresses the one longest without a refusal is
 * forgotten. Any thread.
 */
#ifndef CHAT_REFUSALS_H
#define CHAT_REFUSALS_H

#include <stdbool.h>
#include <stdint.h>

#include "net/address.h"

enum { REFUSALS_MAX_SOURCES = 65536 };

struct refusals;

struct refusals *refusals_new(void); /* NULL: no memory */
void refusals_free(struct refusals *r);

/* now_ms is clock_now_ms(). An IPv6 address counts with its /64. */
void refusals_add(struct refusals *r, const struct address *from, uint64_t now_ms);
uint64_t refusals_count(struct refusals *r, const struct address *from, uint64_t now_ms);

/* Adds one unless there are max already; two threads can't both be the last. false: there are. */
bool refusals_add_below(
    struct refusals *r, const struct address *from, uint64_t max, uint64_t now_ms);

#endif
