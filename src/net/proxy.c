#include "net/proxy.h"

#include <string.h>

static const char signature[12] = "\r\n\r\n\0\r\nQUIT\n";

enum {
	VERSION_2 = 2,
	COMMAND_LOCAL = 0,
	COMMAND_PROXY = 1,
	FAMILY_IPV4 = 1, /* in the upper half of its byte; the lower one is the transport */
	FAMILY_IPV6 = 2,
	ADDRESSES_IPV4 = 12, /* two addresses, two ports */
	ADDRESSES_IPV6 = 36,
};

/* The source comes first. */
static bool read_source(
    const unsigned char *addresses, size_t len, unsigned family, struct address *from_r)
{
	struct sockaddr_storage storage = { 0 };
	if (family == FAMILY_IPV4 && len >= ADDRESSES_IPV4) {
		struct sockaddr_in *v4 = (void *)&storage;
		v4->sin_family = AF_INET;
		memcpy(&v4->sin_addr, addresses, 4);
	} else if (family == FAMILY_IPV6 && len >= ADDRESSES_IPV6) {
		struct sockaddr_in6 *v6 = (void *)&storage;
		v6->sin6_family = AF_INET6;
		memcpy(&v6->sin6_addr, addresses, 16);
	} else {
		return false;
	}
	*from_r = address_of(&storage);
	return true;
}

int proxy_parse(struct slice bytes, size_t *len_r, struct address *from_r, bool *has_from_r)
{
	size_t known = bytes.len < sizeof(signature) ? bytes.len : sizeof(signature);
	const unsigned char *head = (const unsigned char *)bytes.ptr;
	*len_r = PROXY_HEAD_LEN;
	*has_from_r = false;
	if (known > 0 && memcmp(head, signature, known) != 0)
		return -1;
	if (bytes.len < PROXY_HEAD_LEN)
		return 0;
	unsigned version = head[12] >> 4, command = head[12] & 15U, family = head[13] >> 4;
	size_t rest = (size_t)head[14] << 8 | head[15];
	*len_r = PROXY_HEAD_LEN + rest;
	if (version != VERSION_2 || command > COMMAND_PROXY || *len_r > PROXY_MAX_LEN)
		return -1;
	if (bytes.len < *len_r)
		return 0;
	if (command == COMMAND_LOCAL || family == 0)
		return 1;
	*has_from_r = read_source(head + PROXY_HEAD_LEN, rest, family, from_r);
	return *has_from_r ? 1 : -1;
}
