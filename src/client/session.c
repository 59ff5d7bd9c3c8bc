#include "client/session.h"

#include <stdlib.h>

#include "base/buffer.h"
#include "base/list.h"
#include "client/download.h"
#include "client/muted.h"
#include "client/outgoing.h"
#include "client/unescape.h"
#include "client/window.h"

struct name {
	size_t len;
	char bytes[SESSION_TOKEN_MAX_LEN];
};

struct session {
	session_event_fn *on_event;
	void *ctx;
	enum session_state state;
	struct name user;
	struct name token;

	bool lf; /* an original server: see session_connected() */
	bool
	    has_texted; /* a text was sent on this connection, so the server knows that we use no LF */
	struct buffer in; /* the beginning of a query that came in parts */

	struct list queue; /* struct outgoing, the next first */
	size_t waiting_bytes;
	size_t waiting_texts;
	bool group_is_on;
	bool is_quitting;
	size_t online_asked; /* answers that are still to come */

	struct upload upload;
	struct download download;

	struct window window; /* texts that may yet be refused */

	uint64_t heard_ms;
	uint64_t silence_limit_ms; /* 0: the server has sent no CHECK */

	struct list muted;
};

static struct slice name_slice(const struct name *n)
{
	return slice_of(n->bytes, n->len);
}

static void name_set(struct name *n, struct slice s)
{
	n->len = s.len;
	memcpy(n->bytes, s.ptr, s.len);
}

struct session *session_new(session_event_fn *on_event, void *ctx)
{
	struct session *s = calloc(1, sizeof(*s));
	if (s == NULL)
		return NULL;
	s->on_event = on_event;
	s->ctx = ctx;
	list_init(&s->queue);
	window_init(&s->window);
	list_init(&s->muted);
	return s;
}

static void free_all(struct list *outgoing)
{
	list_each_safe(node, outgoing) {
		list_remove(node);
		free(list_entry(node, struct outgoing, node));
	}
}

void session_free(struct session **session)
{
	struct session *s = *session;
	if (s == NULL)
		return;
	free_all(&s->queue);
	window_clear(&s->window);
	muted_clear(&s->muted);
	buffer_clear(&s->in);
	free(s);
	*session = NULL;
}

enum session_state session_state(const struct session *s)
{
	return s->state;
}

struct slice session_user(const struct session *s)
{
	return name_slice(&s->user);
}

static void tell(struct session *s, struct session_event event)
{
	s->on_event(s->ctx, &event);
}

/* What was refused */

/* Tells of texts, which are the teller's; the listener may send them again. Group texts have no CNT. */
static void tell_texts(
    struct session *s, enum session_event_kind kind, struct list *texts, size_t count)
{
	list_each(node, texts) {
		const struct outgoing *o = list_entry(node, struct outgoing, node);
		if (o->verb == QUERY_MSG || kind == SESSION_UNCONFIRMED)
			tell(s, (struct session_event){ .kind = kind,
				    .target = outgoing_target(o),
				    .text = outgoing_text(o),
				    .count = count });
	}
}

/* Is a text sent in part only? */
static bool is_amid_text(const struct session *s)
{
	return !list_is_empty(&s->queue) &&
	       list_entry(s->queue.next, struct outgoing, node)->pieces > 0;
}

static void refused_resolve(struct session *s, bool is_final)
{
	struct list texts;
	size_t count;
	list_init(&texts);
	switch (window_resolve(&s->window, is_amid_text(s), is_final, &count, &texts)) {
	case WINDOW_CLEAR:
		tell_texts(s, SESSION_NOT_DELIVERED, &texts, count);
		break;
	case WINDOW_UNCLEAR:
		tell_texts(s, SESSION_DOUBTFUL, &texts, count);
		break;
	case WINDOW_UNKNOWN:
		tell(s, (struct session_event){ .kind = SESSION_DOUBTFUL, .count = count });
		break;
	case WINDOW_OPEN:
		break;
	}
	free_all(&texts);
}

static uint64_t silence_due_ms(const struct session *s)
{
	if (s->state >= SESSION_ON && download_is_on(&s->download))
		return s->heard_ms + DOWNLOAD_SILENCE_MS;
	bool counts = s->state >= SESSION_ON && s->silence_limit_ms > 0;
	return counts ? s->heard_ms + s->silence_limit_ms : UINT64_MAX;
}

void session_tick(struct session *s, uint64_t now_ms, bool acknowledged, unsigned round_trip_ms)
{
	if (!acknowledged)
		upload_delay(&s->upload, now_ms);
	window_tick(&s->window, now_ms, acknowledged, round_trip_ms);
	refused_resolve(s, now_ms >= window_give_up_ms(&s->window));
}

uint64_t session_deadline_ms(const struct session *s)
{
	uint64_t due_ms[] = { window_look_ms(&s->window), window_give_up_ms(&s->window),
		silence_due_ms(s), upload_wait_ms(&s->upload), upload_give_up_ms(&s->upload) };
	uint64_t first_ms = UINT64_MAX;
	for (size_t i = 0; i < sizeof(due_ms) / sizeof(*due_ms); i++)
		first_ms = due_ms[i] < first_ms ? due_ms[i] : first_ms;
	return first_ms;
}

bool session_is_silent(const struct session *s, uint64_t now_ms)
{
	return now_ms >= silence_due_ms(s) || now_ms >= upload_give_up_ms(&s->upload);
}

/* The connection */

void session_connected(struct session *s, bool speaks_ours, uint64_t now_ms)
{
	s->state = SESSION_OFF;
	s->lf = !speaks_ours;
	s->has_texted = false;
	s->heard_ms = now_ms;
	s->silence_limit_ms = 0;
	buffer_clear(&s->in);
}

size_t session_log_in(struct session *s, bool sign_up, struct slice user, struct slice password,
    char out[static QUERY_SENT_MAX_LEN])
{
	struct query q = {
		.verb = sign_up ? QUERY_PUT : QUERY_AUTH, .user = user, .text = password
	};
	size_t len = user.len <= SESSION_NAME_MAX_LEN ? query_write(&q, QUERY_FROM_CLIENT, out) : 0;
	if (len == 0)
		return 0;
	name_set(&s->user, user);
	s->state = SESSION_LOGIN;
	return len;
}

/* What a connection had asked for itself is not asked again on the next. */
static void drop_commands(struct session *s)
{
	list_each_safe(node, &s->queue) {
		struct outgoing *o = list_entry(node, struct outgoing, node);
		if (o->verb == QUERY_BEGINF ||
		    (o->verb == QUERY_CMD && !slice_equal(outgoing_text(o), SLICE("<online>")))) {
			list_remove(node);
			free(o);
		}
	}
}

static void drop_transfer(struct session *s)
{
	bool was_on = session_is_transferring(s);
	s->upload.state = UPLOAD_NONE;
	s->download.state = DOWNLOAD_NONE;
	if (was_on)
		tell(s, (struct session_event){ .kind = SESSION_TRANSFER_LOST });
}

void session_lost(struct session *s)
{
	/* A text of which only a part is out is sent again as a whole. */
	if (is_amid_text(s)) {
		struct outgoing *first = list_entry(s->queue.next, struct outgoing, node);
		first->done = first->pieces = 0;
	}
	s->state = SESSION_OFF;
	s->online_asked = 0;
	s->token.len = 0;
	buffer_clear(&s->in);
	drop_transfer(s);
	refused_resolve(s, true);

	struct list texts;
	list_init(&texts);
	window_lost(&s->window, &texts);
	tell_texts(s, SESSION_UNCONFIRMED, &texts, 0);
	free_all(&texts);
	drop_commands(s);
}

/* Sending */

static bool queue_add(
    struct session *s, enum query_verb verb, struct slice target, struct slice text)
{
	struct outgoing *o = outgoing_new(verb, target, text);
	if (o == NULL)
		return false;
	list_append(&s->queue, &o->node);
	if (verb == QUERY_MSG || verb == QUERY_MSGG) {
		s->waiting_bytes += text.len;
		s->waiting_texts++;
	}
	return true;
}

bool session_message(struct session *s, struct slice target, struct slice text)
{
	return queue_add(s, QUERY_MSG, target, text);
}

bool session_group_message(struct session *s, struct slice text)
{
	return queue_add(s, QUERY_MSGG, SLICE(""), text);
}

bool session_ask_online(struct session *s)
{
	return queue_add(s, QUERY_CMD, SLICE(""), SLICE("<online>"));
}

bool session_toggle_group(struct session *s)
{
	/* Without a session there is nothing to toggle: the log-in sees to it. */
	if (s->state == SESSION_ON && !queue_add(s, QUERY_CMD, SLICE(""), SLICE("<group>")))
		return false;
	s->group_is_on = !s->group_is_on;
	return true;
}

bool session_group_is_on(const struct session *s)
{
	return s->group_is_on;
}

bool session_upload(
    struct session *s, struct slice target, struct slice name, upload_read_fn *read, void *ctx)
{
	if (session_is_transferring(s) || !queue_add(s, QUERY_BEGINF, target, name))
		return false;
	upload_queue(&s->upload, read, ctx);
	return true;
}

bool session_download(struct session *s)
{
	if (session_is_transferring(s) || !queue_add(s, QUERY_CMD, SLICE(""), SLICE("<get>")))
		return false;
	download_queue(&s->download);
	return true;
}

const struct upload *session_upload_state(const struct session *s)
{
	return &s->upload;
}

bool session_is_transferring(const struct session *s)
{
	return s->upload.state != UPLOAD_NONE || s->download.state != DOWNLOAD_NONE;
}

bool session_has_more(const struct session *s, uint64_t now_ms)
{
	if (s->state != SESSION_ON || upload_is_on(&s->upload))
		return s->state == SESSION_ON && upload_is_ready(&s->upload, now_ms);
	return !download_is_on(&s->download) && !list_is_empty(&s->queue);
}

bool session_quit(struct session *s)
{
	if (s->is_quitting)
		return true;
	s->is_quitting = queue_add(s, QUERY_END, SLICE(""), SLICE("<user command>"));
	return s->is_quitting;
}

size_t session_waiting_bytes(const struct session *s)
{
	return s->waiting_bytes;
}

size_t session_waiting_texts(const struct session *s)
{
	return s->waiting_texts;
}

/* The first of the queue is sent as a whole. */
static void sent(struct session *s, struct outgoing *o, uint64_t now_ms)
{
	list_remove(&o->node);
	if (o->verb == QUERY_MSG || o->verb == QUERY_MSGG) {
		s->waiting_bytes -= o->text_len;
		s->waiting_texts--;
		s->has_texted = true;
		window_add(&s->window, o, now_ms);
		return;
	}
	if (o->verb == QUERY_END) {
		s->state = SESSION_LEAVING;
	} else if (o->verb == QUERY_BEGINF) {
		upload_begin(&s->upload, s->lf, now_ms);
		tell(s, (struct session_event){ .kind = SESSION_UPLOAD_BEGUN });
	} else if (slice_equal(outgoing_text(o), SLICE("<online>"))) {
		s->online_asked++;
	} else if (slice_equal(outgoing_text(o), SLICE("<get>"))) {
		s->heard_ms = now_ms;
		download_ask(&s->download, s->lf);
	}
	free(o);
}

size_t session_next(struct session *s, uint64_t now_ms, char out[static RECORD_MAX_LEN])
{
	if (s->state != SESSION_ON)
		return 0;
	if (upload_is_on(&s->upload))
		return upload_next(&s->upload, name_slice(&s->token), now_ms, out);
	if (download_is_on(&s->download) || list_is_empty(&s->queue))
		return 0;
	struct outgoing *o = list_entry(s->queue.next, struct outgoing, node);
	size_t len = outgoing_write(o, name_slice(&s->user), name_slice(&s->token), s->lf, out);
	if (o->done == o->text_len)
		sent(s, o, now_ms);
	return len;
}

/* Receiving */

static struct slice without_brackets(struct slice words)
{
	if (words.len >= 2 && words.ptr[0] == '<' && words.ptr[words.len - 1] == '>')
		return slice_of(words.ptr + 1, words.len - 2);
	return words;
}

static void on_relay(struct session *s, const struct query *q)
{
	char unescaped[QUERY_TAKEN_MAX_LEN];
	struct slice text = q->text;
	if (muted_has(&s->muted, q->user))
		return;
	if (s->lf) {
		text = unescape(text, unescaped);
		if (slice_ends(text, SLICE("\n")))
			text.len--;
	} else if (!s->has_texted && slice_ends(text, SLICE("\\n"))) {
		text.len -=
		    2; /* until the server knows our habit, it adds this to what an original client says */
	}
	enum session_event_kind kind =
	    q->verb == QUERY_RELAYG ? SESSION_GROUP_MESSAGE : SESSION_MESSAGE;
	tell(s, (struct session_event){ kind, .user = q->user, .text = text });
}

static void on_accept(struct session *s, const struct query *q)
{
	if (s->state != SESSION_LOGIN)
		return;
	name_set(&s->token, q->token);
	s->state = SESSION_ON;
	s->has_texted = false;
	if (s->group_is_on && queue_add(s, QUERY_CMD, SLICE(""), SLICE("<group>"))) {
		/* It goes before what waits, which may be for the group. */
		struct list *node = s->queue.prev;
		list_remove(node);
		list_append(s->queue.next, node);
	}
	tell(s, (struct session_event){ .kind = SESSION_ACCEPTED });
}

static void on_end(struct session *s, struct slice words)
{
	enum session_state before = s->state;
	if (slice_begins(words, SLICE("* ")))
		words = slice_skip(words, 2);
	words = without_brackets(words);
	s->state = SESSION_OFF;
	if (before == SESSION_LOGIN) {
		tell(s, (struct session_event){ SESSION_LOGIN_REFUSED, .text = words });
	} else if (before == SESSION_LEAVING && slice_equal(words, SLICE("end accepted"))) {
		refused_resolve(s, true);
		window_clear(&s->window);
		tell(s, (struct session_event){ .kind = SESSION_END_ACCEPTED });
	} else {
		tell(s, (struct session_event){ SESSION_ENDED, .text = words });
	}
}

static void on_refused(struct session *s, struct slice words, uint64_t now_ms)
{
	window_refused(&s->window, now_ms);
	tell(s, (struct session_event){ SESSION_REFUSED, .text = without_brackets(words) });
	refused_resolve(s, false);
}

static void on_check(struct session *s, uint64_t heard_before_ms, uint64_t now_ms)
{
	/* It comes after a time without anything else, so that time is the server's interval. */
	uint64_t limit_ms = 4 * (now_ms - heard_before_ms);
	s->silence_limit_ms = limit_ms > SESSION_SILENCE_MS ? limit_ms : SESSION_SILENCE_MS;
}

static enum session_event_kind words_kind(struct session *s, struct slice words)
{
	/* The server answers in order, and what asks for names is sent before a file is, or after. */
	if (s->online_asked > 0) {
		s->online_asked--;
		return SESSION_NAMES;
	}
	switch (upload_take_answer(&s->upload, words)) {
	case UPLOAD_COMPLETE:
		return SESSION_UPLOADED;
	case UPLOAD_REFUSED:
		return SESSION_UPLOAD_REFUSED;
	case UPLOAD_NO_ANSWER:
		break;
	}
	return download_take_words(&s->download, words) ? SESSION_FILES_END : SESSION_WORDS;
}

static void on_words(struct session *s, struct slice words)
{
	enum session_event_kind kind = words_kind(s, words);
	tell(s, (struct session_event){
		    kind, .text = without_brackets(words), .count = s->download.left });
}

/* BEGIN and BEGINF. false: they answer nothing that was asked. */
static bool on_files(struct session *s, const struct query *q)
{
	if (q->verb == QUERY_BEGIN && download_take_begin(&s->download, q->text))
		tell(s, (struct session_event){ SESSION_FILES, .count = s->download.left });
	else if (q->verb == QUERY_BEGINF && download_take_file(&s->download))
		tell(s, (struct session_event){ SESSION_FILE, .text = q->text });
	else
		return false;
	return true;
}

/* A record in the midst of a file. */
static void on_part(struct session *s, struct slice record, uint64_t now_ms)
{
	s->heard_ms = now_ms;
	switch (download_take_record(&s->download, record)) {
	case DOWNLOAD_BYTES:
		tell(s, (struct session_event){ SESSION_FILE_BYTES, .text = record });
		break;
	case DOWNLOAD_END:
		tell(s, (struct session_event){ .kind = SESSION_FILE_END });
		break;
	case DOWNLOAD_NOTHING:
		break;
	}
}

static void on_try(struct session *s, struct slice words)
{
	if (s->state != SESSION_LOGIN)
		return;
	s->state = SESSION_OFF;
	tell(s, (struct session_event){ SESSION_TRY_AGAIN, .text = without_brackets(words) });
}

static bool accept_is_sound(const struct session *s, const struct query *q)
{
	return slice_equal(q->user, name_slice(&s->user)) && q->token.len <= SESSION_TOKEN_MAX_LEN;
}

static void on_query(struct session *s, struct slice line, uint64_t now_ms)
{
	struct query q;
	uint64_t heard_before_ms = s->heard_ms;
	s->heard_ms = now_ms;
	if (!query_parse(line, QUERY_FROM_SERVER, &q) ||
	    (q.verb == QUERY_ACCEPT && !accept_is_sound(s, &q))) {
		tell(s, (struct session_event){ SESSION_NONSENSE, .text = line });
		return;
	}
	switch (q.verb) {
	case QUERY_ACCEPT:
		on_accept(s, &q);
		break;
	case QUERY_TRY:
		on_try(s, q.text);
		break;
	case QUERY_RELAY:
	case QUERY_RELAYG:
		on_relay(s, &q);
		break;
	case QUERY_CNT:
		on_refused(s, q.text, now_ms);
		break;
	case QUERY_CMD:
		on_words(s, q.text);
		break;
	case QUERY_CHECK:
		on_check(s, heard_before_ms, now_ms);
		break;
	case QUERY_END:
		on_end(s, q.text);
		break;
	default:
		if (!on_files(s, &q))
			tell(s, (struct session_event){ SESSION_NONSENSE, .text = line });
		break;
	}
}

/*
 * Takes the whole queries off the front of stream. false: it can't be resumed. The one that begins a file must end its record: what
 * comes after it are bytes of the file by their records.
 */
static bool take_queries(struct session *s, struct slice *stream, uint64_t now_ms)
{
	struct slice line;
	size_t taken;
	int found;
	while ((found = query_next(*stream, &line, &taken)) > 0) {
		on_query(s, line, now_ms);
		*stream = slice_skip(*stream, taken);
		if (download_is_in_file(&s->download))
			return stream->len == 0;
	}
	return found == 0;
}

bool session_receive(struct session *s, struct slice record, uint64_t now_ms)
{
	if (download_is_in_file(&s->download)) {
		on_part(s, record, now_ms);
		return true;
	}
	if (s->in.len == 0 && !take_queries(s, &record, now_ms))
		return false;
	if (record.len == 0)
		return true;
	if (!buffer_append_slice(&s->in, record))
		return false;
	struct slice rest = buffer_slice(&s->in);
	size_t before = rest.len;
	bool ok = take_queries(s, &rest, now_ms);
	buffer_take(&s->in, before - rest.len);
	return ok;
}

/* Muting */

bool session_mute(struct session *s, struct slice user, bool muted)
{
	return muted_set(&s->muted, user, muted);
}

bool session_has_muted(const struct session *s, struct slice user)
{
	return muted_has(&s->muted, user);
}

struct slice session_muted(const struct session *s, size_t number)
{
	return muted_name(&s->muted, number);
}
