#include "server/identity.h"

#include <errno.h>
#include <ifaddrs.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "net/address.h"

enum { NAMES_MAX = 32, HOST_NAME_SIZE = 256 };

struct names {
	char host[HOST_NAME_SIZE];
	char addresses[NAMES_MAX][ADDRESS_TEXT_SIZE];
	const char *list[NAMES_MAX];
	size_t count;
};

static void add(struct names *n, const char *name)
{
	for (size_t i = 0; i < n->count; i++) {
		if (strcmp(n->list[i], name) == 0)
			return;
	}
	if (n->count < NAMES_MAX && name[0] != '\0')
		n->list[n->count++] = name;
}

static void add_addresses(struct names *n)
{
	struct ifaddrs *all, *one;
	size_t used = 0;
	if (getifaddrs(&all) < 0)
		return;
	for (one = all; one != NULL && used < NAMES_MAX; one = one->ifa_next) {
		if (one->ifa_addr == NULL ||
		    (one->ifa_addr->sa_family != AF_INET && one->ifa_addr->sa_family != AF_INET6))
			continue;
		struct sockaddr_storage storage = { 0 };
		memcpy(&storage, one->ifa_addr,
		    one->ifa_addr->sa_family == AF_INET ? sizeof(struct sockaddr_in)
							: sizeof(struct sockaddr_in6));
		struct address address = address_of(&storage);
		address_text(&address, n->addresses[used]);
		add(n, n->addresses[used++]);
	}
	freeifaddrs(all);
}

bool identity_make_if_missing(const char *path, char why_r[static CERTIFICATE_WHY_SIZE])
{
	if (access(path, F_OK) == 0 || errno != ENOENT)
		return true; /* what is wrong with a file that is there, its reader says */
	struct names n = { .count = 0 };
	if (gethostname(n.host, sizeof(n.host) - 1) < 0)
		n.host[0] = '\0';
	add(&n, n.host);
	add(&n, "localhost");
	add_addresses(&n);
	if (!certificate_make(path, n.host[0] ? n.host : "messagerd", n.list, n.count, why_r))
		return false;
	log_info("certificate-made", LOG_STR("path", path));
	return true;
}
