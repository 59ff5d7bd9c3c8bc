/*
 * mode_files.c: one user sends files to himself, or gets those that wait. Knows our protocol only, and that in a download the
 * records count: its end is a record that is exactly ENDF (docs/protocol.md, 5). Every byte that comes back is checked.
 *
 *	upload    BEGINF bytes ENDF  -> CMD <upload complete>                        file after file
 *	download  CMD <get>          -> BEGIN n { BEGINF bytes ENDF } CMD <...>      all of them at once
 */
#include <stdio.h>
#include <stdlib.h>

#include "mode.h"
#include "protocol/query.h"

enum { MIB = 1 << 20, PATTERN_LEN = 1 << 16, PIECE_LEN = RECORD_MAX_LEN, PATIENCE_S = 100 };

struct files {
	const struct options *options;
	struct crowd crowd;
	char *pattern; /* what files are made of, twice PATTERN_LEN, the second half as the first */
	uint32_t begun;    /* files, in the direction that is under way */
	uint64_t file_len; /* bytes of the present file so far */
	bool in_file;
	uint64_t under_way; /* what the mode waits for: files that go up, or a download */
};

static uint64_t size_of(const struct files *f)
{
	return (uint64_t)f->options->mib * MIB;
}

/* What stands at a place of a file: each file begins elsewhere in the pattern. At least PATTERN_LEN bytes. */
static const char *pattern_at(const struct files *f, uint32_t file, uint64_t at)
{
	return f->pattern + (at + file * UINT64_C(4099)) % PATTERN_LEN;
}

static void make_pattern(struct files *f)
{
	uint32_t x = 1;
	f->pattern = malloc((size_t)2 * PATTERN_LEN);
	if (f->pattern == NULL)
		fail("no memory");
	for (int i = 0; i < PATTERN_LEN; i++) {
		x = x * 1664525 + 1013904223;
		f->pattern[i] = f->pattern[i + PATTERN_LEN] = (char)(x >> 24);
	}
}

static void ask(struct peer *p, struct query query)
{
	char text[QUERY_SENT_MAX_LEN];
	query.token = slice_of(p->token, p->token_len);
	size_t len = query_write(&query, QUERY_FROM_CLIENT, text);
	link_send(&p->link, slice_of(text, len));
}

/* ---- Up ---- */

static void begin_upload(struct files *f)
{
	char name[16], self[16];
	struct peer *p = &f->crowd.peers[0];
	snprintf(name, sizeof(name), "f%u.bin", f->begun);
	snprintf(self, sizeof(self), "u%u", p->number);
	f->in_file = true;
	f->file_len = 0;
	ask(p, (struct query){
		   .verb = QUERY_BEGINF, .text = slice_str(name), .target = slice_str(self) });
}

/* The socket has taken what was sent: the next piece, or the file's end. */
static void send_on(struct link *l)
{
	struct peer *p = (struct peer *)l;
	struct files *f = p->crowd->mode;
	if (!f->in_file || l->by_record)
		return;
	uint64_t left = size_of(f) - f->file_len;
	size_t len = left < PIECE_LEN ? (size_t)left : PIECE_LEN;
	if (len == 0) {
		f->in_file = false;
		ask(p, (struct query){ .verb = QUERY_ENDF });
		return;
	}
	link_send(l, slice_of(pattern_at(f, f->begun, f->file_len), len));
	f->file_len += len;
}

static void on_uploaded(struct peer *p, struct slice text)
{
	struct files *f = p->crowd->mode;
	if (!slice_equal(text, SLICE("<upload complete>")))
		fail("an upload was refused: %.*s", (int)text.len, text.ptr);
	f->under_way--;
	f->begun++;
	if (f->under_way > 0)
		begin_upload(f);
}

/* ---- Down ---- */

static void take_bytes(struct files *f, struct slice bytes)
{
	if (f->file_len + bytes.len > size_of(f) ||
	    memcmp(bytes.ptr, pattern_at(f, f->begun, f->file_len), bytes.len) != 0)
		fail("file %u came back changed near byte %llu", f->begun,
		    (unsigned long long)f->file_len);
	f->file_len += bytes.len;
}

static void end_file(struct files *f)
{
	if (f->file_len != size_of(f))
		fail(
		    "file %u came back with %llu bytes", f->begun, (unsigned long long)f->file_len);
	f->in_file = false;
	f->begun++;
}

/* Between files: what the server says about them. */
static void take_words(struct files *f, struct slice record)
{
	struct slice line;
	struct query query;
	size_t taken;
	if (query_next(record, &line, &taken) != 1 || taken != record.len ||
	    !query_parse(line, QUERY_FROM_SERVER, &query))
		fail("not one query in a record: %.*s", (int)record.len, record.ptr);
	if (query.verb == QUERY_BEGINF) {
		f->in_file = true;
		f->file_len = 0;
	} else if (query.verb == QUERY_CMD) {
		if (f->begun != f->options->count)
			fail("%u of %u files came", f->begun, f->options->count);
		f->under_way = 0;
	} else if (query.verb != QUERY_BEGIN) {
		fail("a download was refused: %.*s", (int)record.len, record.ptr);
	}
}

static void on_record(struct peer *p, struct slice record)
{
	struct files *f = p->crowd->mode;
	if (!f->in_file)
		take_words(f, record);
	else if (slice_equal(record, SLICE("ENDF \r\n")))
		end_file(f);
	else
		take_bytes(f, record);
}

/* ---- Both ---- */

static void begin(struct files *f, struct report *report)
{
	f->begun = 0;
	report->took_ns = meter_now_ns();
	report->server_cpu_ns = servers_cpu_ns(&f->options->servers);
	report->own_cpu_ns = meter_cpu_ns(0);
}

static void end(struct files *f, struct report *report)
{
	report->took_ns = meter_now_ns() - report->took_ns;
	report->server_cpu_ns = servers_cpu_ns(&f->options->servers) - report->server_cpu_ns;
	report->own_cpu_ns = meter_cpu_ns(0) - report->own_cpu_ns;
	report->done = (uint64_t)f->options->mib * f->options->count;
}

static void upload(struct files *f, struct report *report)
{
	begin(f, report);
	f->under_way = f->options->count;
	begin_upload(f);
	crowd_drain(&f->crowd, &f->under_way, PATIENCE_S, "uploads");
	end(f, report);
}

static void download(struct files *f, struct report *report)
{
	struct peer *p = &f->crowd.peers[0];
	begin(f, report);
	f->under_way = 1;
	p->link.by_record = true;
	ask(p, (struct query){ .verb = QUERY_CMD, .text = SLICE("<get>") });
	crowd_drain(&f->crowd, &f->under_way, PATIENCE_S, "downloads");
	end(f, report);
}

static void run(const struct options *options, struct report *report, bool down)
{
	static const struct crowd_events events = {
		.words = on_uploaded, .record = on_record, .drained = send_on
	};
	struct files f = { .options = options };
	if (strcmp(options->dialect->name, "ours") != 0)
		fail("files are for our own protocol only");
	make_pattern(&f);
	crowd_init(&f.crowd, options->dialect, &options->servers, 1);
	f.crowd.mode = &f;
	f.crowd.events = &events;
	crowd_bring(&f.crowd, 0, 1, PEER_IN);
	upload(&f, report);
	if (down)
		download(&f, report);
	free(f.pattern);
}

void mode_upload(const struct options *options, struct report *report)
{
	run(options, report, false);
}

void mode_download(const struct options *options, struct report *report)
{
	run(options, report, true);
}
