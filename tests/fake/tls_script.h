/*
 * tls_script.h: what a client with the right keys may do to a server, told by a fuzzer's bytes. Each step is a byte that says what (enum
 * tls_step in the low bits, the rest belongs to it), then what that needs.
 */
#ifndef FAKE_TLS_SCRIPT_H
#define FAKE_TLS_SCRIPT_H

#include "fake/tls_pair.h"

enum tls_step {
	STEP_DATA,   /* length: 1 byte; content */
	STEP_ANY,    /* type, padding (in units of 67), length: 1 byte each; content */
	STEP_UPDATE, /* a key update that is one; 1 bit: asks for one */
	STEP_HARM,   /* offset, xor: 1 byte each: changes the last record */
	STEP_AGAIN,  /* the last record once more */
	STEP_BYTES,  /* length: 1 byte; so many bytes as they are */
	STEP_LARGE,  /* length below the largest content: 1 byte; zeros, or what has that type */
	STEP_CUT,    /* length: 1 byte: so much of the last record is taken away */
	STEPS
};

/* Appends what the script says to p->raw_io.out, sealed with p->raw.out; at most as much as has room there. */
void tls_script_play(struct tls_pair *p, const uint8_t *script, size_t size);

#endif
