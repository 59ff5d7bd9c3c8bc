#include "net/tls13.h"

enum { MESSAGE_KEY_UPDATE = 24, MESSAGE_HEADER_LEN = 4 };   /* section 4 */
enum { LEVEL_WARNING = 1, LEVEL_FATAL = 2, ALERT_LEN = 2 }; /* section 6 */
enum { EMPTY_MAX = 32, WARNINGS_MAX = 4 }; /* in a row; the RFC names none, these are libssl's */

bool tls13_init(struct tls13 *t, const struct record_suite *suite, const uint8_t *in_secret,
    const uint8_t *out_secret)
{
	*t = (struct tls13){ .owed = TLS13_UPDATE_NONE };
	if (!record_key_init(&t->in, suite, in_secret))
		return false;
	if (record_key_init(&t->out, suite, out_secret))
		return true;
	record_key_wipe(&t->in);
	return false;
}

bool tls13_begin_with(struct tls13 *t, struct slice sealed, unsigned count)
{
	t->out.sequence += count;
	return buffer_append_slice(&t->first, sealed);
}

void tls13_clear(struct tls13 *t, struct tls_io *io)
{
	ciphers_take_back(&io->ciphers, &t->in);
	ciphers_take_back(&io->ciphers, &t->out);
	record_key_wipe(&t->in);
	record_key_wipe(&t->out);
	buffer_clear(&t->first);
	buffer_clear(&t->partial);
}

/* ---- Saying ---- */

static bool say_first(struct tls13 *t, struct tls_io *io)
{
	struct slice first = buffer_slice(&t->first);
	if (io->out_cap - io->out_len < first.len)
		return false;
	memcpy(io->out + io->out_len, first.ptr, first.len);
	io->out_len += first.len;
	buffer_clear(&t->first);
	return true;
}

static bool say(struct tls13 *t, struct tls_io *io, enum record_type type, struct slice content)
{
	if (t->is_broken || (t->first.len > 0 && !say_first(t, io)))
		return false;
	EVP_CIPHER_CTX *context = ciphers_lend(&io->ciphers, &t->out, true);
	size_t len = 0;
	if (context != NULL && io->out_cap - io->out_len >= content.len + RECORD_OVERHEAD)
		len = record_seal(&t->out, context, type, content, 0, io->out + io->out_len);
	io->out_len += len;
	t->is_broken = len == 0;
	return len > 0;
}

/* Section 4.6.3: the last record of the old key says that a new one follows. */
static bool say_update(struct tls13 *t, struct tls_io *io, enum tls13_update update)
{
	const char message[] = { MESSAGE_KEY_UPDATE, 0, 0, 1, (char)update };
	t->owed = TLS13_UPDATE_NONE;
	if (!say(t, io, RECORD_HANDSHAKE, slice_of(message, sizeof(message))))
		return false;
	ciphers_take_back(&io->ciphers, &t->out);
	t->is_broken = !record_key_update(&t->out);
	return !t->is_broken;
}

/* Section 6.2: whoever says a fatal alert says and reads nothing more. */
static int fail(struct tls13 *t, struct tls_io *io, enum record_alert alert)
{
	const char message[ALERT_LEN] = { LEVEL_FATAL, (char)alert };
	say(t, io, RECORD_ALERT, slice_of(message, sizeof(message)));
	t->is_over = t->is_broken = true;
	return TLS_BROKEN;
}

bool tls13_write(struct tls13 *t, struct tls_io *io, struct slice bytes)
{
	/* Section 5.5. The key update is a record too. */
	if (t->out.sequence >= t->out.suite->limit - 1 &&
	    !say_update(t, io, TLS13_UPDATE_NOT_REQUESTED))
		return false;
	return say(t, io, RECORD_DATA, bytes);
}

void tls13_close_notify(struct tls13 *t, struct tls_io *io)
{
	const char message[ALERT_LEN] = { LEVEL_WARNING, ALERT_CLOSE_NOTIFY };
	say(t, io, RECORD_ALERT, slice_of(message, sizeof(message)));
}

/* ---- Hearing. These return 0: go on; >0: so much data; -(the alert to answer with). ---- */

enum { PEER_ENDS = -1000 }; /* there is nothing to answer */

static int hear_alert(struct tls13 *t, struct slice content)
{
	/* Section 5.1: one alert to a record, whole. */
	if (content.len != ALERT_LEN)
		return -ALERT_DECODE_ERROR;
	/* Section 6: the level means nothing any more. Section 6.1: user_canceled is followed by close_notify. */
	uint8_t alert = (uint8_t)content.ptr[1];
	if (alert == ALERT_USER_CANCELED)
		return ++t->warning_count > WARNINGS_MAX ? -ALERT_UNEXPECTED_MESSAGE : 0;
	t->is_over = true;
	t->is_broken = alert != ALERT_CLOSE_NOTIFY;
	return PEER_ENDS;
}

/* Section 4.6.3. */
static int hear_update(struct tls13 *t, struct tls_io *io, uint8_t update)
{
	if (update != TLS13_UPDATE_REQUESTED && update != TLS13_UPDATE_NOT_REQUESTED)
		return -ALERT_ILLEGAL_PARAMETER;
	if (update == TLS13_UPDATE_REQUESTED)
		t->owed = TLS13_UPDATE_NOT_REQUESTED;
	ciphers_take_back(&io->ciphers, &t->in);
	return record_key_update(&t->in) ? 0 : -ALERT_INTERNAL_ERROR;
}

/* A message may be cut into any number of records (section 5.1). The only one a client may still send is a key update. */
static int hear_message(struct tls13 *t, struct tls_io *io, struct slice content)
{
	while (content.len > 0 && t->message_len < sizeof(t->message)) {
		t->message[t->message_len++] = (uint8_t)content.ptr[0];
		content = slice_skip(content, 1);
	}
	if (t->message[0] != MESSAGE_KEY_UPDATE)
		return -ALERT_UNEXPECTED_MESSAGE;
	if (t->message_len < MESSAGE_HEADER_LEN)
		return 0;
	if (t->message[1] != 0 || t->message[2] != 0 || t->message[3] != 1)
		return -ALERT_DECODE_ERROR;
	if (t->message_len < sizeof(t->message))
		return 0;
	/* Section 5.1: what comes before a change of keys ends with its record. */
	if (content.len > 0)
		return -ALERT_UNEXPECTED_MESSAGE;
	t->message_len = 0;
	return hear_update(t, io, t->message[MESSAGE_HEADER_LEN]);
}

/* Empty data hides that there is nothing to say, and costs as much as if there were: not on and on. */
static bool goes_on_saying_nothing(struct tls13 *t, size_t len, enum record_type type)
{
	if (len > 0)
		t->empty_count = 0;
	else
		t->empty_count++;
	if (len > 0 && type != RECORD_ALERT)
		t->warning_count = 0;
	return t->empty_count > EMPTY_MAX;
}

static int hear_record(struct tls13 *t, struct tls_io *io, struct slice record, char *buf)
{
	struct slice content;
	enum record_type type;
	EVP_CIPHER_CTX *context = ciphers_lend(&io->ciphers, &t->in, false);
	if (context == NULL)
		return -ALERT_INTERNAL_ERROR;
	int opened = record_open(&t->in, context, record, buf, &content, &type);
	if (opened < 0)
		return opened;
	/* Section 5.5 binds who seals; one that forgot is asked for new keys. */
	if (t->in.sequence == t->in.suite->limit)
		t->owed = TLS13_UPDATE_REQUESTED;
	/* Section 5.1: no other record between the parts of a message. */
	if (t->message_len > 0 && type != RECORD_HANDSHAKE)
		return -ALERT_UNEXPECTED_MESSAGE;
	if (goes_on_saying_nothing(t, content.len, type))
		return -ALERT_UNEXPECTED_MESSAGE;
	switch (type) {
	case RECORD_DATA:
		return (int)content.len;
	case RECORD_ALERT:
		return hear_alert(t, content);
	default:
		return hear_message(t, io, content);
	}
}

/*
 * Finds the next record: where it lies in io->in, if it is whole there; else behind what had come of it. 1: record_r is valid until
 * partial is changed; 0: more bytes are needed; -(alert).
 */
static int next_record(struct tls13 *t, struct tls_io *io, struct slice *record_r)
{
	size_t len = 0;
	int found = record_begins(io->in, &len);
	if (t->partial.len == 0 && (found < 0 || (found == 1 && len <= io->in.len))) {
		*record_r = slice_of(io->in.ptr, len);
		io->in = slice_skip(io->in, len);
		return found;
	}
	for (;;) {
		*record_r = buffer_slice(&t->partial);
		found = record_begins(*record_r, &len);
		if (found < 0 || (found == 1 && record_r->len == len))
			return found;
		size_t missing = (found == 1 ? len : RECORD_HEADER_LEN) - record_r->len;
		size_t taken = missing < io->in.len ? missing : io->in.len;
		if (taken == 0)
			return 0;
		if (!buffer_append(&t->partial, io->in.ptr, taken))
			return -ALERT_INTERNAL_ERROR;
		io->in = slice_skip(io->in, taken);
	}
}

int tls13_read(struct tls13 *t, struct tls_io *io, char *buf, size_t cap)
{
	struct slice record;
	if (cap < RECORD_WHOLE_MAX_LEN)
		return fail(t, io, ALERT_INTERNAL_ERROR);
	while (!t->is_over) {
		int found = next_record(t, io, &record);
		if (found == 0) {
			/* Many updates that were asked for at once are answered by one. */
			bool said = t->owed == TLS13_UPDATE_NONE || say_update(t, io, t->owed);
			return said ? TLS_MORE : fail(t, io, ALERT_INTERNAL_ERROR);
		}
		int heard = found < 0 ? found : hear_record(t, io, record, buf);
		if (t->partial.len > 0)
			buffer_clear(&t->partial);
		if (heard > 0)
			return heard;
		if (heard < 0 && heard != PEER_ENDS)
			return fail(t, io, (enum record_alert) - heard);
	}
	return t->is_broken ? TLS_BROKEN : TLS_CLOSED;
}
