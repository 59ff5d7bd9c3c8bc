#include "client/full/model.h"

#include <stdlib.h>
#include <string.h>

#include "client/full/find.h"
#include "client/full/names.h"

enum {
	FIRST_PERSON = 2, /* before it stand the server and the group */
	FIRST_RING = 16,
	MALLOC_EXTRA = 16, /* what each piece of memory costs beside its bytes, at most */
	MODEL_ROOM_BYTES = MODEL_MAX_BYTES / 16, /* that is made at once */
};

/* A line of one's own that the session has not sent yet. */
struct waiting_line {
	struct waiting_line *next;
	struct conversation *conversation;
	uint64_t number;
};

/* Lines */

static struct said **slot(const struct conversation *c, uint64_t number)
{
	return &c->ring[number & (c->ring_cap - 1)];
}

const struct said *conversation_line(const struct conversation *c, uint64_t number)
{
	return *slot(c, number);
}

static size_t cost_of(const struct said *s)
{
	return offsetof(struct said, bytes) + s->sender_len + s->text_len + MALLOC_EXTRA +
	       sizeof(struct said *);
}

static void drop_oldest(struct model *m, struct conversation *c)
{
	struct said *s = *slot(c, c->first++);
	c->bytes -= cost_of(s);
	m->bytes -= cost_of(s);
	if (s->state == STATE_NOT_DELIVERED)
		c->undelivered--;
	free(s);
}

/* One slot more. */
static bool ring_reserve(struct conversation *c)
{
	if (c->end - c->first < c->ring_cap)
		return true;
	size_t cap = c->ring_cap == 0 ? FIRST_RING : 2 * c->ring_cap;
	struct said **ring = calloc(cap, sizeof(struct said *));
	if (ring == NULL)
		return false;
	for (uint64_t n = c->first; n < c->end; n++)
		ring[n & (cap - 1)] = *slot(c, n);
	free(c->ring);
	c->ring = ring;
	c->ring_cap = cap;
	return true;
}

static struct conversation *longest(const struct model *m)
{
	struct conversation *c = m->conversations[0];
	for (size_t i = 1; i < m->count; i++) {
		if (m->conversations[i]->bytes > c->bytes)
			c = m->conversations[i];
	}
	return c;
}

/* Makes more room than is needed now, since finding where takes a while. */
static void make_room(struct model *m)
{
	if (m->bytes <= MODEL_MAX_BYTES)
		return;
	while (m->bytes > MODEL_MAX_BYTES - MODEL_ROOM_BYTES) {
		struct conversation *c = longest(m);
		size_t least = c->bytes / 2;
		while (c->end - c->first > 1 && c->bytes > least &&
		       m->bytes > MODEL_MAX_BYTES - MODEL_ROOM_BYTES)
			drop_oldest(m, c);
		if (c->end - c->first <= 1)
			return;
	}
}

static uint64_t add(struct model *m, struct conversation *c, const struct said *head,
    struct slice sender, struct slice text)
{
	size_t sender_len = sender.len < SESSION_NAME_MAX_LEN ? sender.len : SESSION_NAME_MAX_LEN;
	size_t text_len = text.len < UINT32_MAX ? text.len : UINT32_MAX;
	if (!ring_reserve(c))
		return NO_LINE;
	struct said *s = malloc(offsetof(struct said, bytes) + sender_len + text_len);
	if (s == NULL)
		return NO_LINE;
	memcpy(s, head, offsetof(struct said, bytes));
	s->sender_len = (uint16_t)sender_len;
	s->text_len = (uint32_t)text_len;
	if (sender_len > 0)
		memcpy(s->bytes, sender.ptr, sender_len);
	if (text_len > 0)
		memcpy(s->bytes + sender_len, text.ptr, text_len);
	uint64_t number = c->end;
	*slot(c, number) = s;
	c->end++;
	c->undelivered += s->state == STATE_NOT_DELIVERED;
	c->bytes += cost_of(s);
	m->bytes += cost_of(s);
	if (c->end - c->first > MODEL_MAX_LINES)
		drop_oldest(m, c);
	make_room(m);
	return number;
}

static bool is_looked_at(const struct model *m, const struct conversation *c)
{
	return m->is_watched && c == model_current(m);
}

static void count_unread(
    struct model *m, struct conversation *c, uint64_t number, enum unread level)
{
	c->active_count = ++m->activity;
	if (is_looked_at(m, c) || c->is_muted)
		return;
	if (c->unread++ == 0) {
		c->marker = number;
		c->unread_since = m->activity;
	}
	if (level > c->level)
		c->level = level;
}

uint64_t model_add_notice(
    struct model *m, struct conversation *c, int64_t time_ms, struct slice text)
{
	struct said head = { .time_ms = time_ms, .kind = SAID_NOTICE };
	uint64_t number = add(m, c, &head, SLICE(""), text);
	if (number != NO_LINE)
		count_unread(m, c, number, UNREAD_NOTICE);
	return number;
}

uint64_t model_add_other(struct model *m, struct conversation *c, int64_t time_ms,
    struct slice sender, struct slice text)
{
	bool is_mention = name_is_in(slice_of(m->me, m->me_len), text);
	struct said head = { .time_ms = time_ms, .kind = SAID_BY_OTHER, .is_mention = is_mention };
	uint64_t number = add(m, c, &head, sender, text);
	enum unread level = c->kind == WITH_PERSON ? UNREAD_DIRECT : UNREAD_GROUP;
	if (number != NO_LINE)
		count_unread(m, c, number, is_mention ? UNREAD_MENTION : level);
	return number;
}

uint64_t model_add_mine(struct model *m, struct conversation *c, int64_t time_ms, struct slice text)
{
	struct said head = { .time_ms = time_ms, .kind = SAID_BY_ME, .state = STATE_WAITING };
	struct waiting_line *w = calloc(1, sizeof(*w));
	uint64_t number = w == NULL ? NO_LINE : add(m, c, &head, slice_of(m->me, m->me_len), text);
	if (number == NO_LINE) {
		free(w);
		return NO_LINE;
	}
	c->active_count = ++m->activity;
	*w = (struct waiting_line){ .conversation = c, .number = number };
	if (m->last_waiting == NULL)
		m->first_waiting = w;
	else
		m->last_waiting->next = w;
	m->last_waiting = w;
	m->waiting++;
	return number;
}

uint64_t model_add_old(struct model *m, struct conversation *c, int64_t time_ms,
    enum said_kind kind, enum said_state state, struct slice sender, struct slice text)
{
	struct said head = {
		.time_ms = time_ms, .kind = (uint8_t)kind, .state = (uint8_t)state, .is_old = true
	};
	return add(m, c, &head, sender, text);
}

void model_forget(struct model *m, struct conversation *c)
{
	while (c->first < c->end)
		drop_oldest(m, c);
	c->unread = 0;
	c->level = UNREAD_NONE;
	c->marker = NO_LINE;
	c->is_scrolled = false;
}

/* The line, if it is still there. */
static struct said *line_of(const struct conversation *c, uint64_t number)
{
	return number >= c->first && number < c->end ? *slot(c, number) : NULL;
}

/* Search */

uint64_t conversation_search(const struct conversation *c, uint64_t before, struct slice text)
{
	uint64_t number = before < c->end ? before : c->end;
	while (number > c->first) {
		number--;
		if (find_text(said_text(*slot(c, number)), text, 0) != NOT_FOUND)
			return number;
	}
	return NO_LINE;
}

/* What becomes of one's own lines */

static void set_state(struct conversation *c, struct said *s, enum said_state state)
{
	if (s->state == STATE_NOT_DELIVERED)
		c->undelivered--;
	if (state == STATE_NOT_DELIVERED)
		c->undelivered++;
	s->state = (uint8_t)state;
}

bool model_note_waiting(struct model *m, size_t waiting)
{
	bool has_changed = false;
	while (m->waiting > waiting && m->first_waiting != NULL) {
		struct waiting_line *w = m->first_waiting;
		struct said *s = line_of(w->conversation, w->number);
		if (s != NULL && s->state == STATE_WAITING)
			set_state(w->conversation, s, STATE_SENT);
		m->first_waiting = w->next;
		if (w->next == NULL)
			m->last_waiting = NULL;
		free(w);
		m->waiting--;
		has_changed = true;
	}
	return has_changed;
}

struct conversation *model_note_state(struct model *m, struct slice target, struct slice text,
    enum said_state state, uint64_t *number_r)
{
	struct conversation *c = target.len == 0 ? model_group(m) : model_find(m, target);
	if (c == NULL)
		return NULL;
	for (uint64_t number = c->end; number > c->first;) {
		struct said *s = *slot(c, --number);
		if (s->kind == SAID_BY_ME && s->state == STATE_SENT &&
		    slice_equal(said_text(s), text)) {
			set_state(c, s, state);
			*number_r = number;
			return c;
		}
	}
	return NULL;
}

static uint64_t next_in_state(const struct conversation *c, uint64_t from, enum said_state state)
{
	for (uint64_t n = from > c->first ? from : c->first; n < c->end; n++) {
		if ((*slot(c, n))->state == state)
			return n;
	}
	return NO_LINE;
}

uint64_t conversation_waiting(const struct conversation *c, uint64_t from)
{
	return next_in_state(c, from, STATE_WAITING);
}

uint64_t conversation_undelivered(const struct conversation *c, uint64_t from)
{
	return c->undelivered == 0 ? NO_LINE : next_in_state(c, from, STATE_NOT_DELIVERED);
}

void model_note_repeated(struct model *m, struct conversation *c, uint64_t number)
{
	struct said *s = line_of(c, number);
	if (s != NULL)
		set_state(c, s, STATE_REPEATED);
}

/* Conversations */

static bool is_waiting(const struct model *m, const struct conversation *c)
{
	for (const struct waiting_line *w = m->first_waiting; w != NULL; w = w->next) {
		if (w->conversation == c)
			return true;
	}
	return false;
}

static void conversation_free(struct model *m, struct conversation *c)
{
	while (c->first < c->end)
		drop_oldest(m, c);
	free(c->ring);
	free(c->draft);
	free(c);
}

static struct conversation *append(struct model *m, enum conversation_kind kind, struct slice name)
{
	if (m->count == m->cap) {
		size_t cap = m->cap == 0 ? 8 : 2 * m->cap;
		struct conversation **grown =
		    realloc(m->conversations, cap * sizeof(struct conversation *));
		if (grown == NULL)
			return NULL;
		m->conversations = grown;
		m->cap = cap;
	}
	struct conversation *c = calloc(1, sizeof(*c));
	if (c == NULL)
		return NULL;
	c->kind = kind;
	c->marker = NO_LINE;
	c->name_len = name.len;
	memcpy(c->name, name.ptr, name.len);
	m->conversations[m->count++] = c;
	return c;
}

bool model_init(struct model *m)
{
	*m = (struct model){ .is_watched = true };
	if (append(m, WITH_SERVER, SLICE("")) != NULL && append(m, WITH_GROUP, SLICE("")) != NULL)
		return true;
	model_clear(m);
	return false;
}

void model_clear(struct model *m)
{
	model_note_waiting(m, 0);
	for (size_t i = 0; i < m->count; i++)
		conversation_free(m, m->conversations[i]);
	free(m->conversations);
	*m = (struct model){ 0 };
}

void model_set_me(struct model *m, struct slice name)
{
	m->me_len = name.len < sizeof(m->me) ? name.len : sizeof(m->me);
	memcpy(m->me, name.ptr, m->me_len);
}

struct conversation *model_find(const struct model *m, struct slice name)
{
	for (size_t i = FIRST_PERSON; i < m->count; i++) {
		if (slice_equal(conversation_name(m->conversations[i]), name))
			return m->conversations[i];
	}
	return NULL;
}

size_t model_place(const struct model *m, const struct conversation *c)
{
	size_t place = 0;
	while (place < m->count && m->conversations[place] != c)
		place++;
	return place;
}

static void remove_at(struct model *m, size_t place)
{
	struct conversation *c = m->conversations[place];
	memmove(m->conversations + place, m->conversations + place + 1,
	    (m->count - place - 1) * sizeof(struct conversation *));
	m->count--;
	if (m->previous == place)
		m->previous = 0;
	m->previous -= m->previous > place;
	m->current -= m->current > place;
	conversation_free(m, c);
}

/* The conversation that is least missed. Its lines are in its history file. 0: none may go. */
static size_t stillest(const struct model *m)
{
	size_t place = 0;
	uint64_t least = UINT64_MAX;
	for (size_t i = FIRST_PERSON; i < m->count; i++) {
		const struct conversation *c = m->conversations[i];
		if (i == m->current || c->draft != NULL || c->active_count >= least ||
		    is_waiting(m, c))
			continue;
		place = i;
		least = c->active_count;
	}
	return place;
}

struct conversation *model_open(struct model *m, struct slice name)
{
	struct conversation *c = model_find(m, name);
	if (c != NULL || name.len == 0 || name.len > sizeof(c->name))
		return c;
	if (m->count >= MODEL_MAX_CONVERSATIONS) {
		size_t place = stillest(m);
		if (place == 0)
			return NULL;
		remove_at(m, place);
	}
	c = append(m, WITH_PERSON, name);
	if (c != NULL)
		c->active_count = ++m->activity;
	return c;
}

static void read_all(struct conversation *c)
{
	c->unread = 0;
	c->level = UNREAD_NONE;
}

void model_switch(struct model *m, size_t place)
{
	if (place >= m->count || place == m->current)
		return;
	model_current(m)->marker = NO_LINE;
	m->previous = m->current;
	m->current = place;
	if (m->is_watched)
		read_all(model_current(m));
}

size_t model_next(const struct model *m, int step)
{
	return step > 0 ? (m->current + 1) % m->count : (m->current + m->count - 1) % m->count;
}

size_t model_next_active(const struct model *m)
{
	size_t place = m->current;
	const struct conversation *best = NULL;
	for (size_t i = 0; i < m->count; i++) {
		const struct conversation *c = m->conversations[i];
		if (i == m->current || c->level == UNREAD_NONE)
			continue;
		if (best != NULL &&
		    (c->level < best->level ||
			(c->level == best->level && c->unread_since > best->unread_since)))
			continue;
		best = c;
		place = i;
	}
	return place;
}

bool model_close(struct model *m, size_t place)
{
	if (place < FIRST_PERSON || place >= m->count)
		return true;
	if (is_waiting(m, m->conversations[place]))
		return false;
	if (place == m->current)
		model_switch(m, m->previous != place ? m->previous : 0);
	remove_at(m, place);
	return true;
}

void model_set_watched(struct model *m, bool is_watched)
{
	m->is_watched = is_watched;
	if (is_watched)
		read_all(model_current(m));
}

bool conversation_keep_draft(struct conversation *c, struct slice text, size_t cursor)
{
	char *draft = NULL;
	if (text.len > 0) {
		draft = malloc(text.len);
		if (draft == NULL)
			return false;
		memcpy(draft, text.ptr, text.len);
	}
	free(c->draft);
	c->draft = draft;
	c->draft_len = text.len;
	c->draft_cursor = cursor;
	return true;
}
