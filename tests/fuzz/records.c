/*
 * records.c: what a client with the right keys may do, to our records and to libssl's. The first byte says in what pieces the stream
 * comes, the rest is a script (fake/tls_script.h). What must hold, besides no crash: the same bytes are delivered, and the verdict is the same, but
 * for where we know earlier:
 *
 *  - a handshake message that can be none is refused with its first byte; libssl may want more than its header
 *  - so is a record that is too short to be any, with its header
 *  - close_notify ends the stream whatever its level is (RFC 8446, 6); libssl finds another reason where user_canceled came before
 */
#include <openssl/err.h>
#include <string.h>

#include "fake/tls_script.h"
#include "fake/zone.h"
#include "fuzz.h"

enum { PLAIN_SIZE = 512 * 1024 };

struct told {
	char plain[PLAIN_SIZE];
	size_t len;
	int result;
};

static struct told libssl, own;
static int last_alert;        /* that libssl has heard: level, description */
static struct tls_pair *pair; /* hands are shaken */
static struct tls13 twin;
static struct tls_io twin_io;

static void done(void)
{
	tls13_clear(&twin, &twin_io);
	tls_pair_back(pair, &twin_io);
	tls_pair_free(pair);
	tls_io_clear(&twin_io);
	zone_done();
	tls_pair_done();
}

static struct tls_pair *pair_new(void)
{
	struct tls_pair *p = tls_pair_new(&(struct tls_pair_options){ .libssl = true });
	MUST(p != NULL && tls_pair_shake_hands(p));
	return p;
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

static void note_alert(const SSL *ssl, int where, int value)
{
	if (where == SSL_CB_READ_ALERT)
		last_alert = value;
}

/* Of the last record not all is there, but enough to know that it can't have a tag. */
static bool ends_in_short_record(struct slice stream)
{
	while (stream.len >= RECORD_HEADER_LEN) {
		size_t len = (size_t)(uint8_t)stream.ptr[3] << 8 | (uint8_t)stream.ptr[4];
		if (len > stream.len - RECORD_HEADER_LEN)
			return len <= RECORD_TAG_LEN;
		stream = slice_skip(stream, RECORD_HEADER_LEN + len);
	}
	return false;
}

/* Where the verdicts may differ; never what was delivered before. */
static bool may_differ(const struct tls13 *t, const struct told *ours, const struct told *theirs)
{
	struct slice stream = slice_of(pair->raw_io.out, pair->raw_io.out_len);
	bool known_early = (t->message_len > 0 && t->message_len < TLS13_KEY_UPDATE_LEN) ||
			   ends_in_short_record(stream);
	bool is_bye = (last_alert & 0xff) == ALERT_CLOSE_NOTIFY && last_alert >> 8 != 1;
	return (ours->result == TLS_BROKEN && theirs->result == TLS_MORE && known_early) ||
	       (ours->result == TLS_CLOSED && theirs->result == TLS_BROKEN && is_bye);
}

/* What the first byte and a script make of the pair as it was. */
static void tell(const uint8_t *data, size_t size)
{
	MUST(tls_pair_go_raw(pair));
	MUST(tls13_init(&twin, pair->raw.in.suite, pair->secrets.client, pair->secrets.server));
	tls_script_play(pair, data + 1, size - 1);
	SSL_set_info_callback(pair->server.ssl, note_alert);
	last_alert = -1;
	libssl.len = own.len = 0;
	libssl.result = own.result = TLS_MORE;
	struct slice rest = slice_of(pair->raw_io.out, pair->raw_io.out_len);
	size_t piece = data[0] == 0 ? rest.len + 1 : (size_t)data[0] * data[0];
	while (rest.len > 0) {
		size_t len = piece < rest.len ? piece : rest.len;
		read_with_libssl(pair, slice_of(rest.ptr, len));
		read_with_own(&twin, &twin_io, slice_of(rest.ptr, len));
		rest = slice_skip(rest, len);
	}
}

/* What happens in OpenSSL once for all has to have happened before the zone begins: messages, new keys, each kind of failure. */
static void warm_up(void)
{
	static const uint8_t data[] = { 0, STEP_DATA, 1, 'x', STEP_UPDATE, STEP_DATA, 1, 'x',
		STEP_HARM, 0, 1 };
	pair = pair_new();
	tell(data, sizeof(data));
	tls_pair_free(pair);
	tls13_clear(&twin, &twin_io);
	ERR_clear_error();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	MUST(zone_prepare());
	MUST(tls_pair_prepare() && tls_io_init(&twin_io, 256 * 1024));
	atexit(done);
	warm_up();
	zone_begin();
	pair = pair_new();
	MUST(tls_pair_keep(pair));
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	tls13_clear(&twin, &twin_io);
	MUST(tls_pair_back(pair, &twin_io));
	tell(data, size);
	if (libssl.result != own.result && !may_differ(&twin, &own, &libssl)) {
		fprintf(stderr, "libssl %d after %zu bytes, own %d after %zu\n", libssl.result,
		    libssl.len, own.result, own.len);
		abort();
	}
	MUST(libssl.len == own.len);
	MUST(memcmp(libssl.plain, own.plain, own.len) == 0);
	return 0;
}
