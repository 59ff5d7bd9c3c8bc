#include "bus/wire.h"

#include <string.h>

enum { VERSION_1 = '1', USES_LF = 1, REASON_MAX_LEN = 31, BAN_MAX_LEN = 63 };

/* What a kind has. */
static const struct kind {
	bool target, sender;
	size_t text_max_len;
} kinds[BUS_KIND_COUNT] = {
	[BUS_TO_USER] = { true, true, WIRE_TEXT_MAX_LEN },
	[BUS_TO_GROUP] = { false, true, WIRE_TEXT_MAX_LEN },
	[BUS_ADMIN_USER] = { true, false, WIRE_TEXT_MAX_LEN },
	[BUS_ADMIN_ALL] = { false, false, WIRE_TEXT_MAX_LEN },
	[BUS_END_USER] = { true, false, REASON_MAX_LEN },
	[BUS_MOVED] = { true, false, 0 },
	[BUS_BANNED] = { false, false, BAN_MAX_LEN },
	[BUS_UNBANNED] = { false, false, BAN_MAX_LEN },
};

static bool is_word_char(char c)
{
	return c >= ' ' && c <= '~' && c != '<' && c != '>';
}

static bool is_plain(struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (!is_word_char(text.ptr[i]))
			return false;
	}
	return true;
}

static bool name_fits(bool wanted, struct slice name)
{
	return wanted ? name_check(name) == NAME_OK : name.len == 0;
}

static bool is_good(const struct bus_message *m)
{
	const struct kind *kind = &kinds[m->kind];
	return name_fits(kind->target, m->target) && name_fits(kind->sender, m->sender) &&
	       m->text.len <= kind->text_max_len &&
	       (kind->text_max_len == WIRE_TEXT_MAX_LEN || is_plain(m->text));
}

static char *put(char *to, struct slice bytes)
{
	if (bytes.len > 0)
		memcpy(to, bytes.ptr, bytes.len);
	return to + bytes.len;
}

size_t wire_write(const struct bus_message *m, char bytes_r[static WIRE_MAX_LEN])
{
	if (!is_good(m))
		return 0;
	char *to = bytes_r;
	*to++ = VERSION_1;
	*to++ = (char)m->kind;
	*to++ = m->sender_uses_lf ? USES_LF : 0;
	*to++ = (char)m->target.len;
	*to++ = (char)m->sender.len;
	to = put(put(put(to, m->target), m->sender), m->text);
	return (size_t)(to - bytes_r);
}

bool wire_parse(struct slice bytes, struct bus_message *message_r)
{
	if (bytes.len < WIRE_HEAD_LEN || bytes.len > WIRE_MAX_LEN)
		return false;
	const unsigned char *head = (const unsigned char *)bytes.ptr;
	size_t target_len = head[3], sender_len = head[4];
	struct slice rest = slice_skip(bytes, WIRE_HEAD_LEN);
	if (head[0] != VERSION_1 || head[1] >= BUS_KIND_COUNT || head[2] > USES_LF ||
	    target_len + sender_len > rest.len)
		return false;
	*message_r = (struct bus_message){ .kind = (enum bus_kind)head[1],
		.target = slice_of(rest.ptr, target_len),
		.sender = slice_of(rest.ptr + target_len, sender_len),
		.text = slice_skip(rest, target_len + sender_len),
		.sender_uses_lf = head[2] == USES_LF };
	return is_good(message_r);
}
