/* hello.h: is a client's first TLS record all there? Until it is, a stranger gets no TLS of ours: OpenSSL would lend each of them a buffer of 16 KiB and more. Pure. */
#ifndef NET_HELLO_H
#define NET_HELLO_H

#include "base/slice.h"

/* With its head of 5 bytes. What clients say is some 300 to 2500 bytes. */
enum { HELLO_MAX_LEN = 4096 };

/* 1: it is, or it is no TLS, which OpenSSL finds at once: hand it over. 0: more bytes are needed. -1: it is too long. */
static inline int hello_look(struct slice bytes)
{
	enum { HEAD_LEN = 5, TYPE_HANDSHAKE = 22, MAJOR_VERSION = 3 };
	const unsigned char *head = (const unsigned char *)bytes.ptr;
	if (bytes.len < HEAD_LEN)
		return 0;
	if (head[0] != TYPE_HANDSHAKE || head[1] != MAJOR_VERSION)
		return 1;
	size_t whole = HEAD_LEN + (size_t)head[3] * 256 + head[4];
	if (whole > HELLO_MAX_LEN)
		return -1;
	return bytes.len >= whole;
}

#endif
