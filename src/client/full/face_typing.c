#include "client/full/face_typing.h"

#include <string.h>

#include "client/sanitize.h"

enum {
	PASTE_MAX_BYTES = 8 * 1024 * 1024, /* more is cut */
	PASTE_PATIENCE_MS = 2000,          /* without a byte for so long, what has come is shown */
	TAKEN_AT_ONCE = 16 * 1024,         /* of a paste, then the server has its turn */
	PASTE_MARK_LEN = FACE_PASTE_MARK_LEN,
	READ_AHEAD_MAX = FACE_READ_AHEAD_MAX,
};

static const char paste_begins[] = "\033[200~", paste_ends[] = "\033[201~";

void face_typing_init(struct face_typing *f, WINDOW *window)
{
	*f = (struct face_typing){ .window = window };
}

void face_typing_clear(struct face_typing *f)
{
	buffer_wipe(&f->paste);
}

/* How many bytes a character has that begins with this one. */
static size_t char_bytes(unsigned char first)
{
	return first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/*
 * The next character, or the code of a key: OK, KEY_CODE_YES, or ERR if there is none. ncurses would do this with wget_wch(), but that
 * loses a character whose bytes do not come at once. What is no UTF-8 is passed over.
 */
static int read_typed(struct face_typing *f, wint_t *code_r)
{
	int byte;
	while ((byte = wgetch(f->window)) != ERR) {
		if (byte > UINT8_MAX) {
			*code_r = (wint_t)byte;
			return KEY_CODE_YES;
		}
		if (((unsigned)byte & 0xc0) != 0x80)
			f->partial_len = 0;
		if (f->partial_len == sizeof(f->partial))
			continue;
		f->partial[f->partial_len++] = (char)byte;
		if (f->partial_len < char_bytes((unsigned char)f->partial[0]))
			continue;
		size_t len;
		uint32_t character = utf8_decode(slice_of(f->partial, f->partial_len), &len);
		f->partial_len = 0;
		if (character == NOT_A_CHARACTER)
			continue;
		*code_r = (wint_t)character;
		return OK;
	}
	return ERR;
}

/* What was put back, then what read_typed() has. */
static struct face_typed next_typed(struct face_typing *f)
{
	struct face_typed t = { .kind = ERR };
	if (f->ahead_count == 0) {
		t.kind = read_typed(f, &t.code);
		return t;
	}
	t = f->ahead[0];
	f->ahead_count--;
	memmove(f->ahead, f->ahead + 1, f->ahead_count * sizeof(t));
	return t;
}

/* They are the next. What is read ahead at a time is less than half of the room, so there always is some. */
static void put_back(struct face_typing *f, const struct face_typed *typed, size_t count)
{
	if (count == 0 || f->ahead_count + count > READ_AHEAD_MAX)
		return;
	memmove(f->ahead + count, f->ahead, f->ahead_count * sizeof(*typed));
	memcpy(f->ahead, typed, count * sizeof(*typed));
	f->ahead_count += count;
}

static void begin_paste(struct face_typing *f, uint64_t now_ms)
{
	buffer_wipe(&f->paste);
	f->is_pasting = true;
	f->is_cut = f->was_cr = false;
	f->shown_paste = f->marked = 0;
	f->pasted_ms = now_ms;
}

static bool end_paste(struct face_typing *f, struct face_event *event_r)
{
	f->is_pasting = false;
	*event_r = (struct face_event){
		.kind = FACE_PASTE, .text = buffer_slice(&f->paste), .is_cut = f->is_cut
	};
	return true;
}

/* A pasted character; line ends come as CR, LF or both. */
static void add_pasted(struct face_typing *f, wint_t character, uint64_t now_ms)
{
	char bytes[4];
	bool is_second = character == L'\n' && f->was_cr;
	f->pasted_ms = now_ms;
	f->was_cr = character == L'\r';
	if (is_second)
		return;
	size_t len = key_utf8(character == L'\r' ? L'\n' : (uint32_t)character, bytes);
	if (f->paste.len + len > PASTE_MAX_BYTES)
		f->is_cut = true;
	else
		buffer_append(&f->paste, bytes, len);
}

/* Without the line ends at its end, and what may be the beginning of the mark there. */
static size_t pasted_len(const struct face_typing *f)
{
	struct slice text = buffer_slice(&f->paste);
	size_t marked = PASTE_MARK_LEN - 1;
	while (marked > 0 && !slice_ends(text, slice_of(paste_ends, marked)))
		marked--;
	text.len -= marked;
	while (slice_ends(text, SLICE("\n")))
		text.len--;
	return text.len;
}

/*
 * A paste pauses: what has come is shown, and the rest is still a paste, for taken as typing it would be sent. The line ends at its end come with
 * the rest: at the end of a paste they would be left out.
 */
static bool show_pasted(struct face_typing *f, struct face_event *event_r)
{
	f->shown_paste = pasted_len(f);
	*event_r = (struct face_event){ .kind = FACE_PASTE,
		.text = slice_of(buffer_slice(&f->paste).ptr, f->shown_paste),
		.is_cut = f->is_cut };
	f->is_cut = false;
	return f->shown_paste > 0;
}

/* What was shown is only now nobody's any more. */
static void drop_shown(struct face_typing *f)
{
	buffer_take(&f->paste, f->shown_paste);
	f->shown_paste = 0;
}

/* A sequence that nobody has defined is passed over, to its last byte. What is no part of it comes next. */
static void skip_sequence(struct face_typing *f, wint_t opening, uint64_t now_ms)
{
	size_t marked = opening == L'[' ? 2 : 0;
	struct face_typed t;
	while ((t = next_typed(f)).kind == OK && t.code >= L' ') {
		marked = marked > 0 && t.code == (wint_t)paste_begins[marked] ? marked + 1 : 0;
		if (marked == PASTE_MARK_LEN)
			begin_paste(f, now_ms);
		if (t.code >= 0x40 && t.code <= 0x7e)
			return;
	}
	if (t.kind != ERR)
		put_back(f, &t, 1);
	else
		f->marked = marked;
}

static bool is_report(wint_t code)
{
	return code >= CODE_PASTE_BEGIN && code <= CODE_BLUR;
}

/* After ESC. */
static struct key take_escape(struct face_typing *f, uint64_t now_ms)
{
	struct face_typed t = next_typed(f);
	if (t.kind == ERR)
		f->marked = 1;
	if (t.kind == KEY_CODE_YES && is_report(t.code))
		put_back(f, &t, 1);
	if (t.kind == ERR || (t.kind == KEY_CODE_YES && is_report(t.code)))
		return KEY_NAMED(TYPED_ESCAPE);
	if (t.kind == KEY_CODE_YES)
		return face_key_of_code((int)t.code, true);
	if (t.code == L'[' || t.code == L'O') {
		skip_sequence(f, t.code, now_ms);
		return KEY_NAMED(TYPED_OTHER);
	}
	return face_key_of_character((uint32_t)t.code, true);
}

/* Is it the rest of a paste's mark, whose beginning came so long before that it was taken for a key? */
static bool is_late_mark(struct face_typing *f, struct face_typed t)
{
	struct face_typed read[PASTE_MARK_LEN];
	size_t at = f->marked, count = 0;
	f->marked = 0;
	if (at == 0 || t.kind != OK || t.code != (wint_t)paste_begins[at])
		return false;
	while (++at < PASTE_MARK_LEN && (t = next_typed(f)).kind != ERR) {
		read[count++] = t;
		if (t.kind != OK || t.code != (wint_t)paste_begins[at])
			break;
	}
	if (at == PASTE_MARK_LEN)
		return true;
	put_back(f, read, count);
	return false;
}

/* A control key by itself, long after the last that was pasted: the end was lost, and somebody wants to go on. */
static bool is_given_up(struct face_typing *f, struct face_typed t, uint64_t now_ms)
{
	if (t.kind != OK || now_ms < f->pasted_ms + PASTE_PATIENCE_MS ||
	    face_key_of_character((uint32_t)t.code, false).kind != TYPED_CONTROL)
		return false;
	struct face_typed after = next_typed(f);
	if (after.kind == ERR)
		return true;
	put_back(f, &after, 1);
	return false;
}

/* The end may have come so slowly that ncurses took it for characters. */
static bool has_late_end(struct face_typing *f)
{
	if (!slice_ends(buffer_slice(&f->paste), slice_str(paste_ends)))
		return false;
	f->paste.len -= PASTE_MARK_LEN;
	return true;
}

/* Something came in the midst of a paste. 1: that was its end, or the end of waiting for it. */
static int take_pasted(
    struct face_typing *f, struct face_typed t, uint64_t now_ms, struct face_event *event_r)
{
	if (is_given_up(f, t, now_ms)) {
		f->is_pasting = false;
		buffer_wipe(&f->paste);
		*event_r =
		    (struct face_event){ .key = face_key_of_character((uint32_t)t.code, false) };
		return 1;
	}
	if (t.kind == OK)
		add_pasted(f, t.code, now_ms);
	bool is_end = t.kind == OK ? t.code == L'~' && has_late_end(f) : t.code == CODE_PASTE_END;
	return is_end && end_paste(f, event_r);
}

static struct face_event event_of_code(wint_t code)
{
	if (code == CODE_FOCUS || code == CODE_BLUR)
		return (struct face_event){ .kind = code == CODE_FOCUS ? FACE_FOCUS : FACE_BLUR };
	return (struct face_event){ .kind = FACE_KEY, .key = face_key_of_code((int)code, false) };
}

/* One thing of what was typed. 1: it is in event_r; 0: it led to nothing; <0: there is nothing. */
static int take(struct face_typing *f, uint64_t now_ms, struct face_event *event_r)
{
	struct face_typed t = next_typed(f);
	if (t.kind == ERR)
		return -1;
	if (f->is_pasting)
		return take_pasted(f, t, now_ms, event_r);
	if (is_late_mark(f, t) || (t.kind == KEY_CODE_YES && t.code == CODE_PASTE_BEGIN)) {
		begin_paste(f, now_ms);
		return 0;
	}
	if (t.kind == KEY_CODE_YES)
		*event_r = event_of_code(t.code);
	else if (t.code == L'\033')
		*event_r = (struct face_event){ .key = take_escape(f, now_ms) };
	else
		*event_r =
		    (struct face_event){ .key = face_key_of_character((uint32_t)t.code, false) };
	return 1;
}

bool face_typing_next(struct face_typing *f, uint64_t now_ms, struct face_event *event_r)
{
	int taken = 0;
	drop_shown(f);
	for (int count = 0; count < TAKEN_AT_ONCE && taken == 0; count++)
		taken = take(f, now_ms, event_r);
	f->has_more = taken == 0;
	if (taken < 0 && f->is_pasting && now_ms >= f->pasted_ms + PASTE_PATIENCE_MS)
		return show_pasted(f, event_r);
	return taken > 0;
}

uint64_t face_typing_deadline_ms(const struct face_typing *f)
{
	if (f->has_more)
		return 0;
	return f->is_pasting && pasted_len(f) > f->shown_paste ? f->pasted_ms + PASTE_PATIENCE_MS
							       : UINT64_MAX;
}
