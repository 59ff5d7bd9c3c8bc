#include "dialect.h"

#include <stdarg.h>
#include <stdio.h>

#include "meter.h"

const struct dialect *dialect_named(const char *name)
{
	static const struct dialect *const all[] = { &dialect_ours, &dialect_floor, &dialect_irc,
		&dialect_mqtt, &dialect_nats };
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		if (strcmp(all[i]->name, name) == 0)
			return all[i];
	}
	return NULL;
}

void peer_printf(struct peer *p, const char *format, ...)
{
	char said[DIALECT_SAID_MAX_LEN];
	va_list args;
	va_start(args, format);
	int len = vsnprintf(said, sizeof(said), format, args);
	va_end(args);
	if (len < 0 || (size_t)len >= sizeof(said))
		fail("too long to say");
	link_send(&p->link, slice_of(said, (size_t)len));
}

bool dialect_line(struct slice in, struct slice *line_r, size_t *taken_r)
{
	const char *lf = memchr(in.ptr, '\n', in.len);
	if (lf == NULL)
		return false;
	size_t len = (size_t)(lf - in.ptr);
	*taken_r = len + 1;
	if (len > 0 && in.ptr[len - 1] == '\r')
		len--;
	*line_r = slice_of(in.ptr, len);
	return true;
}

struct slice dialect_word(struct slice *rest)
{
	const char *space = memchr(rest->ptr, ' ', rest->len);
	size_t len = space != NULL ? (size_t)(space - rest->ptr) : rest->len;
	struct slice word = slice_of(rest->ptr, len);
	*rest = slice_skip(*rest, space != NULL ? len + 1 : len);
	return word;
}
