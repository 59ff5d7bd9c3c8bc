#include "net/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t ipv4_prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

struct address address_of(const struct sockaddr_storage *socket_address)
{
	struct address a = { { 0 } };
	if (socket_address->ss_family == AF_INET) {
		const struct sockaddr_in *v4 = (const void *)socket_address;
		memcpy(a.bytes, ipv4_prefix, sizeof(ipv4_prefix));
		memcpy(a.bytes + sizeof(ipv4_prefix), &v4->sin_addr, 4);
	} else if (socket_address->ss_family == AF_INET6) {
		const struct sockaddr_in6 *v6 = (const void *)socket_address;
		memcpy(a.bytes, &v6->sin6_addr, sizeof(a.bytes));
	}
	return a;
}

bool address_equal(const struct address *a, const struct address *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

bool address_is_ipv4(const struct address *a)
{
	return memcmp(a->bytes, ipv4_prefix, sizeof(ipv4_prefix)) == 0;
}

struct address address_source(const struct address *a)
{
	struct address source = *a;
	if (!address_is_ipv4(a))
		memset(source.bytes + 8, 0, 8);
	return source;
}

const char *address_text(const struct address *a, char text[static ADDRESS_TEXT_SIZE])
{
	if (address_is_ipv4(a))
		inet_ntop(AF_INET, a->bytes + sizeof(ipv4_prefix), text, ADDRESS_TEXT_SIZE);
	else
		inet_ntop(AF_INET6, a->bytes, text, ADDRESS_TEXT_SIZE);
	return text;
}

bool address_parse(const char *text, struct address *a_r)
{
	struct address a;
	memcpy(a.bytes, ipv4_prefix, sizeof(ipv4_prefix));
	bool parsed = inet_pton(AF_INET, text, a.bytes + sizeof(ipv4_prefix)) == 1 ||
		      inet_pton(AF_INET6, text, a.bytes) == 1;
	if (parsed)
		*a_r = a;
	return parsed;
}

bool network_has(const struct network *n, const struct address *a)
{
	size_t whole = n->bits / 8;
	unsigned rest = n->bits % 8;
	unsigned mask = 0xff00U >> rest;
	return memcmp(n->address.bytes, a->bytes, whole) == 0 &&
	       (rest == 0 || ((n->address.bytes[whole] ^ a->bytes[whole]) & mask & 0xff) == 0);
}

bool network_parse(const char *text, struct network *n_r)
{
	char host[ADDRESS_TEXT_SIZE];
	size_t host_len = strcspn(text, "/");
	const char *bits = text + host_len;
	struct network n = { .bits = 128 };
	if (host_len >= sizeof(host))
		return false;
	memcpy(host, text, host_len);
	host[host_len] = '\0';
	if (!address_parse(host, &n.address))
		return false;
	bool is_v4 = strchr(host, ':') == NULL;
	if (*bits == '/') {
		size_t digits = strspn(bits + 1, "0123456789");
		if (digits == 0 || digits > 3 || bits[1 + digits] != '\0')
			return false;
		n.bits = (unsigned)strtoul(bits + 1, NULL, 10) + (is_v4 ? 96 : 0);
		if (n.bits > 128)
			return false;
	}
	*n_r = n;
	return true;
}

size_t network_parse_list(const char *text, struct network *networks_r, size_t max)
{
	size_t count = 0;
	while (*text != '\0' && count < max) {
		char word[ADDRESS_TEXT_SIZE];
		size_t len = strcspn(text, " ");
		if (len < sizeof(word)) {
			memcpy(word, text, len);
			word[len] = '\0';
			if (network_parse(word, &networks_r[count]))
				count++;
		}
		text += len + strspn(text + len, " ");
	}
	return count;
}

static bool parse_port(const char *text, uint16_t *port_r)
{
	if (*text == '\0' || strspn(text, "0123456789") != strlen(text) || strlen(text) > 5)
		return false;
	unsigned long port = strtoul(text, NULL, 10);
	*port_r = (uint16_t)port;
	return port <= UINT16_MAX;
}

bool address_parse_with_port(const char *text, struct sockaddr_storage *address_r, socklen_t *len_r)
{
	char host[ADDRESS_TEXT_SIZE];
	const char *colon = strrchr(text, ':');
	uint16_t port;
	if (colon == NULL || (size_t)(colon - text) >= sizeof(host) ||
	    !parse_port(colon + 1, &port))
		return false;
	size_t host_len = (size_t)(colon - text);
	memset(address_r, 0, sizeof(*address_r));
	if (host_len > 2 && text[0] == '[' && text[host_len - 1] == ']') {
		struct sockaddr_in6 *v6 = (void *)address_r;
		snprintf(host, sizeof(host), "%.*s", (int)host_len - 2, text + 1);
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(port);
		*len_r = sizeof(*v6);
		return inet_pton(AF_INET6, host, &v6->sin6_addr) == 1;
	}
	struct sockaddr_in *v4 = (void *)address_r;
	snprintf(host, sizeof(host), "%.*s", (int)host_len, text);
	v4->sin_family = AF_INET;
	v4->sin_port = htons(port);
	*len_r = sizeof(*v4);
	return inet_pton(AF_INET, host, &v4->sin_addr) == 1;
}

void address_text_with_port(
    const struct sockaddr_storage *socket_address, char text[static ADDRESS_TEXT_SIZE])
{
	struct address a = address_of(socket_address);
	char host[ADDRESS_TEXT_SIZE];
	bool v6 = socket_address->ss_family == AF_INET6;
	uint16_t port = v6 ? ((const struct sockaddr_in6 *)(const void *)socket_address)->sin6_port
			   : ((const struct sockaddr_in *)(const void *)socket_address)->sin_port;
	if (v6)
		inet_ntop(AF_INET6, a.bytes, host, sizeof(host));
	else
		address_text(&a, host);
	snprintf(text, ADDRESS_TEXT_SIZE, v6 ? "[%.45s]:%u" : "%.45s:%u", host, ntohs(port));
}
