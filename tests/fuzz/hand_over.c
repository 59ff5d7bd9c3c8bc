/*
 * hand_over.c: what follows the client's Finished, in any pieces. The first bytes say where it is cut, the rest is a script
 * (fake/tls_script.h). What must hold, besides no crash: however Finished and what follows come, the same is delivered, the verdict is the
 * same, and as much is answered as when all comes at once.
 */
#include <string.h>

#include "fake/tls_script.h"
#include "fake/zone.h"
#include "fuzz.h"

enum { CUTS = 6, PLAIN_SIZE = 512 * 1024 };

struct told {
	char plain[PLAIN_SIZE];
	size_t len;
	int result;
};

static struct told whole, cut;
static struct tls_pair *p; /* the client has said Finished, the server has not heard it */

static void done(void)
{
	tls_pair_back(p, NULL);
	tls_pair_free(p);
	zone_done();
	tls_pair_done();
}

/* What is behind the last cut comes in pieces as long as the last; a length of 0 is all that is left. */
static void tell(struct told *t, const uint8_t *cuts, const uint8_t *script, size_t size)
{
	MUST(tls_pair_go_raw(p));
	tls_script_play(p, script, size);
	MUST(buffer_append(&p->to_server, p->raw_io.out, p->raw_io.out_len));
	struct slice rest = buffer_slice(&p->to_server);
	t->len = 0;
	t->result = TLS_MORE;
	for (size_t i = 0; rest.len > 0 && t->result == TLS_MORE; i++) {
		size_t len = cuts == NULL ? rest.len : cuts[i < CUTS ? i : CUTS - 1];
		if (len == 0 || len > rest.len)
			len = rest.len;
		if (len > 32 * 1024)
			len = 32 * 1024;
		char *copy = malloc(len);
		MUST(copy != NULL);
		memcpy(copy, rest.ptr, len);
		p->io.out_len = 0;
		t->result = tls_pair_give(p, slice_of(copy, len));
		free(copy);
		MUST(t->len + p->plain_len <= PLAIN_SIZE);
		memcpy(t->plain + t->len, p->plain, p->plain_len);
		t->len += p->plain_len;
		rest = slice_skip(rest, len);
	}
	MUST(p->server.own != NULL && p->server.ssl == NULL);
}

static struct tls_pair *pair_new(void)
{
	struct tls_pair *new = tls_pair_new(&(struct tls_pair_options){ 0 });
	MUST(new != NULL &&tls_pair_to_finished(new));
	return new;
}

/* What happens in OpenSSL once for all has to have happened before the zone begins. */
static void warm_up(void)
{
	static const uint8_t script[] = { STEP_DATA, 1, 'x', STEP_UPDATE, STEP_DATA, 1, 'x',
		STEP_HARM, 0, 1 };
	p = pair_new();
	tell(&whole, NULL, script, sizeof(script));
	tls_pair_free(p);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	MUST(zone_prepare() && tls_pair_prepare());
	atexit(done);
	warm_up();
	zone_begin();
	p = pair_new();
	MUST(tls_pair_keep(p));
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size <= CUTS)
		return 0;
	MUST(tls_pair_back(p, NULL));
	tell(&whole, NULL, data + CUTS, size - CUTS);
	MUST(tls_pair_back(p, NULL));
	tell(&cut, data, data + CUTS, size - CUTS);
	MUST(whole.result == cut.result);
	MUST(whole.len == cut.len);
	MUST(memcmp(whole.plain, cut.plain, cut.len) == 0);
	return 0;
}
