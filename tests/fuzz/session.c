/*
 * session.c: whole dialogues of four people with the messenger as it is, in a house of stand-ins (fake/fake.h): any bytes in any
 * order, before and after log-in, with everything that can come between them. The input is a script; a letter says what happens next:
 *
 *	a b c d    that person says what follows, up to the byte 03; in it 01 stands for its token, 02 for " \r\n"
 *	A B C D    that person connects, or hangs up
 *	0 … 9      so many steps of the house; 0: until nothing is left to do
 *	t x        time goes by: 2^(x mod 18) ms
 *	- x, + x   that person takes nothing any more; takes again
 *	!          the store fails from now on, or works again
 *
 * The first byte chooses settings. What must hold, besides no crash and no leak:
 *
 *  - what a person hears is queries of the server, well formed, without control bytes; in a download, bytes that don't look like its end;
 *  - before ACCEPT nothing but ACCEPT, TRY and END; a RELAY is for the one who hears it; nobody hears another's token;
 *  - whatever happened, a newcomer is served after it, and nothing is left when all have gone.
 */
#include <string.h>

#include "fake/fake.h"
#include "fuzz.h"
#include "protocol/query.h"
#include "protocol/text.h"

enum { PEOPLE = 4, SAID_MAX = 1 << 17, TIME_SHIFTS = 18, END_OF_TIME_MS = 3600 * 1000 };
enum {
	HAS_RATE = 1,
	HAS_CHECK = 2,
	HAS_IDLE = 4,
	IS_CLOSED = 8,
	HAS_SMALL_FILES = 16,
	NO_LIMITS = 32
};

static struct person {
	struct conn *conn; /* NULL: never came */
	char name[NAME_MAX_LEN + 1], token[FAKE_TOKEN_SIZE];
	bool is_in, is_in_file;
} people[PEOPLE + 1];

static struct slice token_of(const struct person *p)
{
	return slice_str(p->token);
}

/* NULL: of an earlier connection, whose last words are taken late. */
static struct person *person_of(const struct conn *c)
{
	for (int i = 0; i <= PEOPLE; i++) {
		if (people[i].conn == c)
			return &people[i];
	}
	return NULL;
}

static void is_let_in(struct person *p, const struct query *q)
{
	MUST(!p->is_in && q->user.len <= NAME_MAX_LEN && q->token.len == FAKE_TOKEN_SIZE - 1);
	p->is_in = true;
	snprintf(p->name, sizeof(p->name), "%.*s", (int)q->user.len, q->user.ptr);
	snprintf(p->token, sizeof(p->token), "%.*s", (int)q->token.len, q->token.ptr);
}

static void hears_no_secret(const struct person *p, struct slice record)
{
	for (int i = 0; i <= PEOPLE; i++) {
		struct slice token = token_of(&people[i]);
		if (&people[i] != p && token.len > 0)
			MUST(memmem(record.ptr, record.len, token.ptr, token.len) == NULL);
	}
}

static void hears_query(struct person *p, struct slice record)
{
	struct slice line;
	struct query q;
	size_t taken;
	MUST(query_next(record, &line, &taken) == 1 && taken == record.len);
	MUST(record.len <= QUERY_SENT_MAX_LEN && slice_ends(record, SLICE(" \r\n")));
	MUST(query_parse(line, QUERY_FROM_SERVER, &q));
	for (size_t i = 0; i < line.len; i++)
		MUST(!text_is_control(line.ptr[i]));
	if (q.verb == QUERY_ACCEPT)
		is_let_in(p, &q);
	MUST(p->is_in || q.verb == QUERY_TRY || q.verb == QUERY_END);
	if (q.verb == QUERY_RELAY)
		MUST(slice_equal(q.target, slice_str(p->name)));
	p->is_in_file = q.verb == QUERY_BEGINF;
}

/* Somebody has said a token elsewhere than at the end of a query: what others then hear of it is no fault of ours. */
static bool gave_token_away;

static void on_record(void *arg, struct conn *c, struct slice record)
{
	struct person *p = person_of(c);
	if (p == NULL)
		return;
	if (p->is_in_file && !slice_equal(record, SLICE("ENDF \r\n"))) {
		MUST(!slice_begins(record, SLICE("ENDF")));
		return;
	}
	hears_query(p, record);
	if (!gave_token_away)
		hears_no_secret(p, record);
}

static bool ends_a_query(struct slice rest)
{
	return slice_begins(rest, SLICE("\2")) || slice_begins(rest, SLICE("\r\n")) ||
	       slice_begins(rest, SLICE(" \r\n"));
}

/* ---- What happens ---- */

static void comes_or_goes(struct fake *f, struct person *p)
{
	if (p->conn != NULL && fake_is_open(p->conn)) {
		fake_hang_up(p->conn);
		return;
	}
	*p = (struct person){ .conn = fake_connect(f, (unsigned)(p - people) % FAKE_WORKERS) };
}

static void says(struct person *p, struct slice script)
{
	struct buffer said = { 0 };
	for (size_t i = 0; i < script.len && said.len < SAID_MAX; i++) {
		struct slice piece = script.ptr[i] == 1   ? token_of(p)
				     : script.ptr[i] == 2 ? SLICE(" \r\n")
							  : slice_of(script.ptr + i, 1);
		if (script.ptr[i] == 1 && !ends_a_query(slice_skip(script, i + 1)))
			gave_token_away = true;
		MUST(buffer_append_slice(&said, piece));
	}
	if (p->conn != NULL)
		fake_say(p->conn, buffer_slice(&said));
	buffer_clear(&said);
}

static void steps(struct fake *f, int count)
{
	if (count == 0)
		fake_settle(f);
	while (count-- > 0)
		fake_step(f);
}

static void play(struct fake *f, struct slice script)
{
	bool is_broken = false;
	while (script.len > 0) {
		char what = script.ptr[0];
		script = slice_skip(script, 1);
		char more = script.len > 0 ? script.ptr[0] : 0;
		struct person *other = &people[(unsigned char)more % PEOPLE];
		if (what >= 'a' && what < 'a' + PEOPLE) {
			const char *end = script.len > 0 ? memchr(script.ptr, 3, script.len) : NULL;
			size_t len = end != NULL ? (size_t)(end - script.ptr) : script.len;
			says(&people[what - 'a'], slice_of(script.ptr, len));
			script = slice_skip(script, len);
		} else if (what >= 'A' && what < 'A' + PEOPLE) {
			comes_or_goes(f, &people[what - 'A']);
		} else if (what >= '0' && what <= '9') {
			steps(f, what - '0');
		} else if (what == 't') {
			fake_pass(f, 1ull << ((unsigned char)more % TIME_SHIFTS));
		} else if ((what == '-' || what == '+') && other->conn != NULL) {
			fake_take(other->conn, what == '+');
		} else if (what == '!') {
			is_broken = !is_broken;
			fake_break_store(f, is_broken);
		}
	}
	fake_break_store(f, false);
	fake_settle(f);
}

static void newcomer_is_served(struct fake *f)
{
	struct person *p = &people[PEOPLE];
	*p = (struct person){ .conn = fake_connect(f, 1) };
	fake_say(p->conn, SLICE("PUT _new_comer_ pw \r\n"));
	fake_settle(f);
	MUST(p->is_in);
	fake_tell(p->conn, "MSG _new_comer_ _new_comer_ hi TOKEN \r\n", p->token);
	fake_settle(f);
	MUST(slice_ends(fake_heard(p->conn), SLICE("RELAY _new_comer_ _new_comer_ hi\n")));
}

/* Each input has tokens of its own, so that none can be carried from one to another. */
static uint64_t chance_of(const uint8_t *data, size_t size)
{
	uint64_t hash = 14695981039346656037u; /* FNV-1a */
	for (size_t i = 0; i < size; i++)
		hash = (hash ^ data[i]) * 1099511628211u;
	return hash;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	struct chat_config config = fake_usual_config();
	uint8_t chosen = data[0];
	config.messages_per_second = chosen & HAS_RATE ? 3 : 0;
	config.burst = 2;
	config.check_interval_ms = chosen & HAS_CHECK ? 15000 : 0;
	config.idle_timeout_ms = chosen & HAS_IDLE ? 20000 : 0;
	config.registration_open = !(chosen & IS_CLOSED);
	config.max_tries = 3;
	config.max_waiting_files = chosen & HAS_SMALL_FILES ? 2 : 0;
	config.file_max_bytes = chosen & HAS_SMALL_FILES ? 40 : 0;
	config.upload_ms = config.download_ms = chosen & NO_LIMITS ? 0 : 5000;
	struct fake *f = fake_new(&config);
	fake_random_restart(chance_of(data, size));
	memset(people, 0, sizeof(people));
	gave_token_away = false;
	fake_listen(f, on_record, NULL);
	play(f, slice_of((const char *)data + 1, size - 1));
	fake_pass(f, END_OF_TIME_MS);
	if (config.registration_open)
		newcomer_is_served(f);
	fake_free(f);
	return 0;
}
