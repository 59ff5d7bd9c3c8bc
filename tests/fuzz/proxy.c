/*
 * proxy.c: what a balancer says of a connection (net/proxy.h). What must hold, besides no crash: it asks for a bounded number of bytes, always for
 * more than there are; and what is complete stays the same, whatever follows.
 */
#include <string.h>

#include "fuzz.h"
#include "net/proxy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct address from = { { 0 } }, again = { { 0 } };
	bool has_from, has_again;
	size_t len, len_again;
	struct slice bytes = slice_of((const char *)data, size);
	int found = proxy_parse(bytes, &len, &from, &has_from);
	if (found == 0)
		MUST(len > size && len <= PROXY_MAX_LEN);
	if (found != 1)
		return 0;
	MUST(len <= size);
	MUST(proxy_parse(slice_of(bytes.ptr, len), &len_again, &again, &has_again) == 1);
	MUST(len_again == len && has_again == has_from && address_equal(&from, &again));
	return 0;
}
