/*
 * relay.c: what is said on its way from one session to others (protocol.md, 4 MSG and MSGG, 6). The receiver may be on this
 * worker, on another, or, by the bus, on another server; how the text is sent is looked at where the receiver is.
 */
#include <string.h>

#include "base/log.h"
#include "base/prefetch.h"
#include "chat/session.h"

/* A text and who says it. */
struct saying {
	struct slice sender;
	struct slice text;
	bool sender_uses_lf;
};

/* ---- Giving it to a session here ---- */

static bool adds_lf(const struct session *receiver, const struct saying *said)
{
	return receiver->lf == SESSION_LF_UNKNOWN ? said->sender_uses_lf
						  : receiver->lf == SESSION_LF_USED;
}

/* Writes verb, words and spaces up to the text; returns the length. */
static size_t write_head(char *head, const char *verb, struct slice target, struct slice sender)
{
	size_t len = strlen(verb);
	memcpy(head, verb, len);
	for (int i = 0; i < 2; i++) {
		struct slice word = i == 0 ? target : sender;
		if (word.len == 0)
			continue;
		head[len++] = ' ';
		memcpy(head + len, word.ptr, word.len);
		len += word.len;
	}
	head[len++] = ' ';
	return len;
}

enum { HEAD_MAX_LEN = 2 * NAME_MAX_LEN + 16 };

/* A text as queries, in memory of this turn. What can't be had whole for want of memory is not sent in parts: it has none then. */
enum { PARTS_MAX = 4 * QUERY_TAKEN_MAX_LEN / (QUERY_SENT_MAX_LEN - HEAD_MAX_LEN - 16) + 2 };
struct prepared {
	int count;
	struct slice parts[PARTS_MAX];
};

static void prepare(struct prepared *p, struct worker *w, struct text_relay relay)
{
	for (p->count = 0; p->count < PARTS_MAX; p->count++) {
		char *query = worker_alloc(w, QUERY_SENT_MAX_LEN);
		if (query == NULL)
			break;
		size_t len = text_relay_next(&relay, query);
		worker_alloc_shrink(w, query, len);
		if (len == 0)
			return;
		p->parts[p->count] = slice_of(query, len);
	}
	p->count = 0;
}

/* false: no memory. */
static bool give(struct session *receiver, const struct saying *said)
{
	char head[HEAD_MAX_LEN];
	size_t head_len = write_head(head, "RELAY", session_name(receiver), said->sender);
	struct prepared p;
	prepare(&p, receiver->here->worker,
	    (struct text_relay){ .head = slice_of(head, head_len),
		.text = said->text,
		.add_lf = adds_lf(receiver, said) });
	for (int i = 0; i < p.count; i++)
		session_send_block(receiver, p.parts[i]);
	return p.count > 0;
}

/* The same for many, who share a copy of each part. */
struct prepared_for_many {
	bool ready;
	struct prepared text;
	struct kept *copies[PARTS_MAX]; /* NULL: no memory for it */
};

static void log_lost(void)
{
	static struct log_limit limit;
	uint64_t suppressed;
	if (log_limit_allows(&limit, &suppressed))
		log_error("messages-lost", LOG_STR("reason", "no memory"),
		    LOG_INT("suppressed", suppressed));
}

static void prepare_for_many(
    struct prepared_for_many *p, struct worker *w, const struct saying *said, bool add_lf)
{
	char head[HEAD_MAX_LEN];
	size_t head_len = write_head(head, "RELAYG", SLICE(""), said->sender);
	prepare(&p->text, w,
	    (struct text_relay){
		.head = slice_of(head, head_len), .text = said->text, .add_lf = add_lf });
	p->ready = true;
	for (int i = 0; i < p->text.count; i++)
		p->copies[i] = worker_keep(w, p->text.parts[i]);
	if (p->text.count == 0)
		log_lost();
}

static void give_prepared(struct session *receiver, const struct prepared_for_many *p)
{
	for (int i = 0; i < p->text.count; i++) {
		if (p->copies[i] != NULL)
			session_send_to_many(receiver, p->copies[i]);
		else
			session_send_block(receiver, p->text.parts[i]);
	}
}

/* Of the next its connection, of the one behind it the session. */
static void prefetch_next(const struct list *group, const struct list *node)
{
	const struct list *second = node->next;
	if (second == group || second->next == group)
		return;
	conn_prefetch(list_entry(second, struct session, group_node)->conn);
	prefetch(list_entry(second->next, struct session, group_node), CACHE_LINE_LEN);
}

/* A group text is formatted at most twice, with and without the mark for LF, whatever the number of its receivers. */
static void give_group(
    struct chat_worker *here, const struct saying *said, const struct session *except)
{
	struct prepared_for_many variants[2];
	variants[0].ready = variants[1].ready = false;
	list_each(node, &here->group) {
		struct session *receiver = list_entry(node, struct session, group_node);
		prefetch_next(&here->group, node);
		if (receiver == except)
			continue;
		bool add_lf = adds_lf(receiver, said);
		struct prepared_for_many *p = &variants[add_lf];
		if (!p->ready)
			prepare_for_many(p, here->worker, said, add_lf);
		give_prepared(receiver, p);
		count_up(&here->group_deliveries);
	}
}

/* ---- Mail between workers ---- */

enum mail_kind {
	MAIL_RELAY,      /* a text for one session; if it is gone, MAIL_NOT_ONLINE comes back */
	MAIL_RELAY_ANY,  /* the same from nobody who waits for an answer */
	MAIL_GROUP,      /* a text for every session here that has group chat on */
	MAIL_EVERYBODY,  /* a text for every session here */
	MAIL_NOT_ONLINE, /* to the sender of a MAIL_RELAY */
	MAIL_END,        /* ends a session; the text is the reason */
	MAIL_END_BANNED, /* ends every session whose user or address is banned by now */
	MAIL_CERTAIN,    /* certain_until_ms, in to.generation */
};

/* In front of the sender's name and the text. */
struct mail_head {
	enum mail_kind kind;
	bool sender_uses_lf;
	uint32_t sender_len;
	struct conn_id to;
	struct conn_id from;
	uint64_t
	    from_server; /* MAIL_RELAY: 0, this one; else from is what the bus says, for its answer */
};

enum { MAIL_MAX_LEN = sizeof(struct mail_head) + NAME_MAX_LEN + QUERY_TAKEN_MAX_LEN };

static bool post(
    struct worker *from, struct worker *to, struct mail_head *head, const struct saying *said)
{
	__attribute__((
	    uninitialized)) char mail[MAIL_MAX_LEN]; /* zeros would cost more than the message */
	size_t len = sizeof(*head) + said->sender.len + said->text.len;
	if (len > sizeof(mail))
		return false;
	head->sender_uses_lf = said->sender_uses_lf;
	head->sender_len = (uint32_t)said->sender.len;
	memcpy(mail, head, sizeof(*head));
	if (said->sender.len > 0)
		memcpy(mail + sizeof(*head), said->sender.ptr, said->sender.len);
	if (said->text.len > 0)
		memcpy(mail + sizeof(*head) + said->sender.len, said->text.ptr, said->text.len);
	return worker_post(from, to, slice_of(mail, len));
}

static void not_online(struct session *sender)
{
	count_up(&sender->here->undelivered);
	session_send(sender, SLICE("CNT <user not online> \r\n"));
}

/* A connection as the bus says it, and back. */
static struct bus_sender sender_of(const struct mail_head *head)
{
	return (struct bus_sender){ (uint64_t)head->from.worker << 32 | head->from.slot,
		head->from.generation, head->from_server };
}

static struct conn_id conn_of(struct bus_sender sender)
{
	return (struct conn_id){ (uint32_t)(sender.place >> 32), (uint32_t)sender.place,
		sender.generation };
}

static void take_relay(
    struct chat_worker *here, const struct mail_head *head, const struct saying *said)
{
	struct session *receiver = session_of(here, head->to);
	bool given = receiver != NULL && give(receiver, said);
	if (!given && head->from_server != 0) {
		bus_not_here(here->chat->bus, sender_of(head));
	} else if (!given && head->kind == MAIL_RELAY) {
		struct mail_head back = { .kind = MAIL_NOT_ONLINE, .to = head->from };
		post(here->worker, net_worker(here->chat->net, head->from.worker), &back,
		    &(struct saying){ 0 });
	}
}

static void give_to_each(struct conn *c, void *arg)
{
	struct session *s = conn_owner(c);
	if (s->state & SESSION_ON)
		give(s, arg);
}

static void end_if_banned(struct conn *c, void *arg)
{
	struct session *s = conn_owner(c);
	struct bans *bans = s->here->chat->bans;
	if (bans_has_address(bans, conn_address(c)) ||
	    ((s->state & SESSION_ON) && bans_has_name(bans, session_name(s))))
		session_end(s, WORDS_END("banned"), "banned");
}

static void take_end(struct chat_worker *here, const struct mail_head *head, struct slice reason)
{
	struct session *s = session_of(here, head->to);
	char words[64], why[32];
	if (s == NULL || reason.len >= sizeof(why))
		return;
	snprintf(why, sizeof(why), "%.*s", (int)reason.len, reason.ptr);
	int len = snprintf(words, sizeof(words), "END * <%s> \r\n", why);
	session_end(s, slice_of(words, (size_t)len), why);
}

void relay_mail(struct worker *w, struct slice bytes)
{
	struct chat_worker *here = worker_owner(w);
	struct mail_head head;
	memcpy(&head, bytes.ptr, sizeof(head));
	struct slice rest = slice_skip(bytes, sizeof(head));
	struct saying said = { .sender = slice_of(rest.ptr, head.sender_len),
		.text = slice_skip(rest, head.sender_len),
		.sender_uses_lf = head.sender_uses_lf };
	switch (head.kind) {
	case MAIL_RELAY:
	case MAIL_RELAY_ANY:
		take_relay(here, &head, &said);
		break;
	case MAIL_GROUP:
		give_group(here, &said, NULL);
		break;
	case MAIL_EVERYBODY:
		worker_each_conn(w, give_to_each, &said);
		break;
	case MAIL_NOT_ONLINE: {
		struct session *sender = session_of(here, head.to);
		if (sender != NULL)
			not_online(sender);
		break;
	}
	case MAIL_END:
		take_end(here, &head, said.text);
		break;
	case MAIL_END_BANNED:
		worker_each_conn(w, end_if_banned, NULL);
		break;
	case MAIL_CERTAIN:
		here->certain_until_ms = head.to.generation;
		break;
	}
}

/* ---- MSG and MSGG ---- */

/* The text as it goes on, and what it tells of the sender's client (protocol.md, 6). */
static struct saying saying_of(struct session *s, const struct query *q)
{
	struct saying said = { .sender = session_name(s), .text = q->text };
	if (text_take_lf(&said.text))
		s->lf = SESSION_LF_USED;
	else if (s->lf == SESSION_LF_UNKNOWN)
		s->lf = SESSION_LF_NEVER;
	said.sender_uses_lf = s->lf == SESSION_LF_USED;
	return said;
}

/* By way of another worker. false: it takes no more mail. */
static bool send_across(struct session *s, struct conn_id to, const struct saying *said)
{
	struct mail_head head = { .kind = MAIL_RELAY, .to = to, .from = conn_id(s->conn) };
	struct worker *there = net_worker(s->here->chat->net, to.worker);
	bool sent = post(s->here->worker, there, &head, said);
	if (worker_is_behind(there))
		session_wait_for(s, there);
	return sent;
}

static bool send_by_bus(struct session *s, struct slice target, const struct saying *said)
{
	struct mail_head self = { .from = conn_id(s->conn) };
	struct bus_message message = { .kind = BUS_TO_USER,
		.target = target,
		.sender = said->sender,
		.text = said->text,
		.sender_uses_lf = said->sender_uses_lf,
		.from = sender_of(&self) };
	return bus_send(s->here->chat->bus, &message) == BUS_SENT;
}

bool relay_msg(struct session *s, const struct query *q)
{
	struct saying said = saying_of(s, q);
	struct conn_id to;
	bool sent;
	count_up(&s->here->messages);
	if (!directory_find(s->here->chat->directory, q->target, &to)) {
		sent = send_by_bus(s, q->target, &said);
	} else if (to.worker == worker_index(s->here->worker)) {
		struct session *receiver = session_of(s->here, to);
		sent = receiver != NULL && give(receiver, &said);
	} else {
		sent = send_across(s, to, &said);
	}
	if (!sent)
		not_online(s);
	return true;
}

static void post_group(struct session *s, const struct saying *said)
{
	struct net *net = s->here->chat->net;
	for (unsigned i = 0; i < net_worker_count(net); i++) {
		struct worker *there = net_worker(net, i);
		const struct chat_worker *owner = worker_owner(there);
		struct mail_head head = { .kind = MAIL_GROUP };
		if (owner->group_count == 0)
			continue;
		if (there != s->here->worker)
			post(s->here->worker, there, &head, said);
		if (worker_is_behind(there))
			session_wait_for(s, there);
	}
}

bool relay_msgg(struct session *s, const struct query *q)
{
	struct saying said = saying_of(s, q);
	struct bus_message message = { .kind = BUS_TO_GROUP,
		.sender = said.sender,
		.text = said.text,
		.sender_uses_lf = said.sender_uses_lf };
	count_up(&s->here->group_messages);
	give_group(s->here, &said, s);
	post_group(s, &said);
	bus_send(s->here->chat->bus, &message);
	return true;
}

void group_join(struct session *s)
{
	s->group_on = true;
	list_append(&s->here->group, &s->group_node);
	s->here->group_count++;
}

void group_leave(struct session *s)
{
	if (!s->group_on)
		return;
	s->group_on = false;
	list_remove(&s->group_node);
	s->here->group_count--;
}

/* ---- From elsewhere: the bus, the administrator ---- */

static bool post_to_user(
    struct chat *chat, struct slice name, enum mail_kind kind, const struct saying *said)
{
	struct mail_head head = { .kind = kind };
	return directory_find(chat->directory, name, &head.to) &&
	       post(NULL, net_worker(chat->net, head.to.worker), &head, said);
}

static void post_to_all(struct chat *chat, enum mail_kind kind, const struct saying *said)
{
	for (unsigned i = 0; i < net_worker_count(chat->net); i++) {
		struct mail_head head = { .kind = kind };
		post(NULL, net_worker(chat->net, i), &head, said);
	}
}

static struct saying said_by_admin(struct slice text)
{
	if (text.len > QUERY_TAKEN_MAX_LEN)
		text.len = text_whole_chars(text, QUERY_TAKEN_MAX_LEN);
	return (struct saying){ .sender = SLICE("admin"), .text = text };
}

/* Whoever is not here, or no longer by the time the mail comes, its sender hears of it. */
static void relay_from_bus(
    struct chat *chat, const struct bus_message *message, const struct saying *said)
{
	struct mail_head head = { .kind = MAIL_RELAY_ANY,
		.from = conn_of(message->from),
		.from_server = message->from.server };
	if (!directory_find(chat->directory, message->target, &head.to) ||
	    !post(NULL, net_worker(chat->net, head.to.worker), &head, said))
		bus_not_here(chat->bus, message->from);
}

/* Which mail carries out what another server says. */
static void deliver(struct chat *chat, const struct bus_message *message)
{
	struct saying said = { .sender = message->sender,
		.text = message->text,
		.sender_uses_lf = message->sender_uses_lf };
	struct saying admin = said_by_admin(message->text);
	char text[STORE_NAME_SIZE];
	snprintf(text, sizeof(text), "%.*s", (int)message->text.len, message->text.ptr);
	switch (message->kind) {
	case BUS_TO_USER:
		relay_from_bus(chat, message, &said);
		break;
	case BUS_ADMIN_USER:
		post_to_user(chat, message->target, MAIL_RELAY_ANY, &admin);
		break;
	case BUS_TO_GROUP:
		post_to_all(chat, MAIL_GROUP, &said);
		break;
	case BUS_ADMIN_ALL:
		post_to_all(chat, MAIL_EVERYBODY, &admin);
		break;
	case BUS_END_USER:
		relay_end_user(chat, message->target, text);
		break;
	case BUS_MOVED:
		relay_end_user(chat, message->target, "user already online");
		break;
	case BUS_BANNED:
		bans_add(chat->bans, text);
		relay_end_banned(chat);
		break;
	case BUS_UNBANNED:
		bans_remove(chat->bans, text);
		break;
	case BUS_KIND_COUNT:
		break;
	}
}

static void on_bus_message(void *arg, const struct bus_message *message)
{
	struct chat *chat = arg;
	if (!chat->is_started)
		return;
	if (chat->cluster != NULL)
		cluster_await_certainty(chat->cluster);
	deliver(chat, message);
}

/* The numbers come back from the bus: they need not be of a connection, nor of one that still is. */
static void on_not_there(void *arg, struct bus_sender from)
{
	struct chat *chat = arg;
	struct mail_head head = { .kind = MAIL_NOT_ONLINE, .to = conn_of(from) };
	if (chat->is_started && head.to.worker < net_worker_count(chat->net))
		post(NULL, net_worker(chat->net, head.to.worker), &head, &(struct saying){ 0 });
}

static void on_bus_back(void *arg)
{
	struct chat *chat = arg;
	if (chat->is_started && chat->cluster != NULL)
		cluster_look_again(chat->cluster);
}

const struct bus_events chat_bus_events = {
	.deliver = on_bus_message,
	.not_there = on_not_there,
	.came_back = on_bus_back,
};

bool relay_end_user(struct chat *chat, struct slice name, const char *words)
{
	struct saying said = { .text = slice_str(words) };
	return post_to_user(chat, name, MAIL_END, &said);
}

void relay_end_banned(struct chat *chat)
{
	post_to_all(chat, MAIL_END_BANNED, &(struct saying){ 0 });
}

void relay_certain_until(struct chat *chat, uint64_t until_ms)
{
	for (unsigned i = 0; i < net_worker_count(chat->net); i++) {
		struct mail_head head = { .kind = MAIL_CERTAIN, .to.generation = until_ms };
		post(NULL, net_worker(chat->net, i), &head, &(struct saying){ 0 });
	}
}

bool chat_message(struct chat *chat, struct slice name, struct slice text)
{
	struct saying said = said_by_admin(text);
	return post_to_user(chat, name, MAIL_RELAY_ANY, &said);
}

static bool send_elsewhere(
    struct chat *chat, enum bus_kind kind, struct slice target, struct slice text)
{
	struct bus_message message = { .kind = kind, .target = target, .text = text };
	return bus_send(chat->bus, &message) == BUS_SENT;
}

bool chat_message_elsewhere(struct chat *chat, struct slice name, struct slice text)
{
	return send_elsewhere(chat, BUS_ADMIN_USER, name, said_by_admin(text).text);
}

void chat_announce(struct chat *chat, struct slice text)
{
	struct saying said = said_by_admin(text);
	post_to_all(chat, MAIL_EVERYBODY, &said);
	send_elsewhere(chat, BUS_ADMIN_ALL, SLICE(""), said.text);
}

bool chat_end_user(struct chat *chat, struct slice name, const char *words)
{
	return relay_end_user(chat, name, words);
}

bool chat_end_user_elsewhere(struct chat *chat, struct slice name, const char *words)
{
	return send_elsewhere(chat, BUS_END_USER, name, slice_str(words));
}

bool chat_ban(struct chat *chat, const char *text)
{
	send_elsewhere(chat, BUS_BANNED, SLICE(""), slice_str(text));
	if (!bans_add(chat->bans, text))
		return false;
	relay_end_banned(chat);
	return true;
}

void chat_unban(struct chat *chat, const char *text)
{
	bans_remove(chat->bans, text);
	send_elsewhere(chat, BUS_UNBANNED, SLICE(""), slice_str(text));
}
