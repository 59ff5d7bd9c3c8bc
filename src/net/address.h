/* address.h: IP addresses as values. Pure; any thread. */
#ifndef NET_ADDRESS_H
#define NET_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/slice.h"

enum { ADDRESS_TEXT_SIZE = 64 }; /* "[IPv6]:port" with its NUL */

/* Without a port. An IPv4 address is stored as an IPv4-mapped IPv6 one (RFC 4291, 2.5.5.2), so that one form does for both. */
struct address {
	uint8_t bytes[16];
};

struct address address_of(const struct sockaddr_storage *socket_address);
bool address_equal(const struct address *a, const struct address *b);
bool address_is_ipv4(const struct address *a);

/* What limits go by: the address itself, or its /64 in IPv6, of which one host has all. */
struct address address_source(const struct address *a);

/* The usual text form, without port. Returns text. */
const char *address_text(const struct address *a, char text[static ADDRESS_TEXT_SIZE]);

/* Reads an address without port. false: it is none. */
bool address_parse(const char *text, struct address *a_r);

/* All addresses that begin with the same bits. */
struct network {
	struct address address;
	unsigned bits; /* of the IPv4-mapped form: 0 to 128 */
};

bool network_has(const struct network *n, const struct address *a);

/* "192.0.2.0/24", "2001:db8::/32"; an address alone is a network of one. false: it is none. */
bool network_parse(const char *text, struct network *n_r);

/* Several, separated by single spaces. Returns how many; those beyond max, and what is none, are left out. */
size_t network_parse_list(const char *text, struct network *networks_r, size_t max);

/* "HOST:PORT", HOST an IPv4 address or an IPv6 address in brackets; nothing is looked up. false: not of that form. */
bool address_parse_with_port(
    const char *text, struct sockaddr_storage *address_r, socklen_t *len_r);

/* The same form back. */
void address_text_with_port(
    const struct sockaddr_storage *socket_address, char text[static ADDRESS_TEXT_SIZE]);

#endif
