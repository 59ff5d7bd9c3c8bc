/*
 * proxy.h: what a balancer in front of us says of a connection before the connection itself speaks: the PROXY protocol, version 2 (of HAProxy's
 * doc/proxy-protocol.txt, section 2.2). Pure.
 *
 *	signature, 12 bytes | version and command | family | length, 2 bytes | addresses | TLVs, which are skipped
 */
#ifndef NET_PROXY_H
#define NET_PROXY_H

#include <stdbool.h>
#include <stddef.h>

#include "net/address.h"

enum {
	PROXY_HEAD_LEN = 16,  /* so much is needed to know the length */
	PROXY_MAX_LEN = 1024, /* more is refused: real ones have 28 to some hundred bytes */
};

/*
 * bytes is what has come so far, from the beginning. 1: complete; 0: *len_r bytes in all are needed to go on; -1: not of that form. On 1 *len_r is
 * how long it is, and *has_from_r whether it says where the connection comes from (a health check of the balancer's own does not).
 */
int proxy_parse(struct slice bytes, size_t *len_r, struct address *from_r, bool *has_from_r);

#endif
