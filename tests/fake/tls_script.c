#include "fake/tls_script.h"

enum { STEPS_MAX = 80, ROOM_FOR_A_STEP = 2 * RECORD_WHOLE_MAX_LEN };

struct reader {
	const uint8_t *at;
	size_t left;
};

static uint8_t next(struct reader *r)
{
	if (r->left == 0)
		return 0;
	r->left--;
	return *r->at++;
}

static struct slice next_bytes(struct reader *r, size_t len)
{
	if (len > r->left)
		len = r->left;
	struct slice bytes = slice_of((const char *)r->at, len);
	r->at += len;
	r->left -= len;
	return bytes;
}

static void seal(struct tls_pair *p, uint8_t type, struct slice content, size_t padding)
{
	struct tls_io *io = &p->raw_io;
	EVP_CIPHER_CTX *context = ciphers_lend(&io->ciphers, &p->raw.out, true);
	io->out_len +=
	    record_seal(&p->raw.out, context, type, content, padding, io->out + io->out_len);
}

static void update(struct tls_pair *p, bool asks)
{
	const char message[] = { 24, 0, 0, 1, (char)asks };
	seal(p, RECORD_HANDSHAKE, slice_of(message, sizeof(message)), 0);
	ciphers_take_back(&p->raw_io.ciphers, &p->raw.out);
	record_key_update(&p->raw.out);
}

static void put(struct tls_pair *p, struct slice bytes)
{
	if (bytes.len > 0)
		memmove(p->raw_io.out + p->raw_io.out_len, bytes.ptr, bytes.len);
	p->raw_io.out_len += bytes.len;
}

void tls_script_play(struct tls_pair *p, const uint8_t *script, size_t size)
{
	static const char zeros[RECORD_CONTENT_MAX_LEN];
	struct reader r = { script, size };
	struct tls_io *io = &p->raw_io;
	size_t last = io->out_len; /* where the last record begins */
	for (int i = 0; i < STEPS_MAX && r.left > 0; i++) {
		if (io->out_cap - io->out_len < ROOM_FOR_A_STEP)
			return;
		uint8_t step = next(&r);
		size_t before = io->out_len;
		uint8_t type, padding;
		switch (step % STEPS) {
		case STEP_DATA:
			seal(p, RECORD_DATA, next_bytes(&r, next(&r)), 0);
			break;
		case STEP_ANY:
			type = next(&r);
			padding = next(&r);
			seal(p, type, next_bytes(&r, next(&r)), padding * 67U % 16000);
			break;
		case STEP_UPDATE:
			update(p, step & 0x80);
			break;
		case STEP_HARM: {
			size_t len = io->out_len - last, at = next(&r);
			uint8_t change = next(&r);
			if (len > 0)
				io->out[last + at % len] ^= (char)change;
			continue;
		}
		case STEP_AGAIN:
			put(p, slice_of(io->out + last, io->out_len - last));
			break;
		case STEP_BYTES:
			put(p, next_bytes(&r, next(&r)));
			break;
		case STEP_LARGE:
			seal(p, step & 0x80 ? RECORD_DATA : RECORD_ALERT,
			    slice_of(zeros, sizeof(zeros) - next(&r)), 0);
			break;
		case STEP_CUT: {
			size_t len = io->out_len - last, less = next(&r);
			io->out_len -= less < len ? less : len;
			continue;
		}
		}
		last = before;
	}
}
