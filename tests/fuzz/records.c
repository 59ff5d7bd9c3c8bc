/*
 * records.c: what a client with the right keys may do, to our records and to libssl's. The first byte says in what pieces the stream
 * comes, the rest is a script (fake/tls_script.h). What must hold, besides no crash: the same bytes are delivered, and the verdict is the same, but
 * for where we know earlier:
 *
 *  - a handshake message that can be none is refused with its first byte
 */
#include <openssl/err.h>
#include <string.h>

#include "fake/tls_script.h"
#include "fuzz.h"

enum { PLAIN_SIZE = 512 * 1024 };

struct told {
	char plain[PLAIN_SIZE];
	size_t len;
	int result;
};

static struct told libssl, own;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	MUST(tls_pair_prepare());
	atexit(tls_pair_done);
	return 0;
}

static void read_with_libssl(struct tls_pair *p, struct slice piece)
{
	p->io.in = piece;
	p->io.out_len = 0;
	while (libssl.result >= 0) {
		libssl.result =
		    tls_read(p->server.ssl, libssl.plain + libssl.len, PLAIN_SIZE - libssl.len);
		if (libssl.result <= 0)
			break;
		libssl.len += (size_t)libssl.result;
	}
}

static void read_with_own(struct tls13 *t, struct tls_io *io, struct slice piece)
{
	io->in = piece;
	io->out_len = 0;
	while (own.result >= 0) {
		own.result = tls13_read(t, io, own.plain + own.len, PLAIN_SIZE - own.len);
		if (own.result <= 0)
			break;
		own.len += (size_t)own.result;
	}
}

/* A message has begun that can be none. */
static bool may_differ(const struct tls13 *t, const struct told *ours, const struct told *theirs)
{
	bool cut_message = t->message_len > 0 && t->message_len < 4;
	return ours->result == TLS_BROKEN && theirs->result == TLS_MORE && cut_message;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct tls_pair_options options = { .libssl = true };
	if (size < 2)
		return 0;
	struct tls_pair *p = tls_pair_new(&options);
	MUST(p != NULL && tls_pair_shake_hands(p) && tls_pair_go_raw(p));
	struct tls13 twin;
	struct tls_io twin_io;
	MUST(tls_io_init(&twin_io, 256 * 1024));
	MUST(tls13_init(&twin, p->raw.in.suite, p->secrets.client, p->secrets.server));
	p->raw_io.out_len = 0;
	tls_script_play(p, data + 1, size - 1);
	libssl.len = own.len = 0;
	libssl.result = own.result = TLS_MORE;
	struct slice rest = slice_of(p->raw_io.out, p->raw_io.out_len);
	size_t piece = data[0] == 0 ? rest.len + 1 : (size_t)data[0] * data[0];
	while (rest.len > 0) {
		size_t len = piece < rest.len ? piece : rest.len;
		read_with_libssl(p, slice_of(rest.ptr, len));
		read_with_own(&twin, &twin_io, slice_of(rest.ptr, len));
		rest = slice_skip(rest, len);
	}
	if (!may_differ(&twin, &own, &libssl)) {
		if (libssl.result != own.result || libssl.len != own.len)
			fprintf(stderr, "libssl %d after %zu bytes, own %d after %zu\n",
			    libssl.result, libssl.len, own.result, own.len);
		MUST(libssl.result == own.result);
		MUST(libssl.len == own.len);
	}
	size_t both = own.len < libssl.len ? own.len : libssl.len;
	MUST(memcmp(libssl.plain, own.plain, both) == 0);
	tls13_clear(&twin, &twin_io);
	tls_io_clear(&twin_io);
	tls_pair_free(p);
	return 0;
}
