#include "client/full/texts.h"

#include <stdlib.h>

#include <sodium.h>

static void drop(struct texts *t, size_t number)
{
	t->bytes -= t->items[number].len;
	sodium_memzero(t->items[number].ptr, t->items[number].len);
	free(t->items[number].ptr);
	t->count--;
	memmove(t->items + number, t->items + number + 1, (t->count - number) * sizeof(*t->items));
}

bool texts_add(struct texts *t, struct slice text)
{
	if (text.len > t->max_bytes || t->max == 0)
		return false;
	char *copy = malloc(text.len + 1);
	if (copy == NULL)
		return false;
	while (t->count == t->max || (t->count > 0 && t->bytes + text.len > t->max_bytes))
		drop(t, 0);
	if (text.len > 0)
		memcpy(copy, text.ptr, text.len);
	t->items[t->count].ptr = copy;
	t->items[t->count].len = text.len;
	t->count++;
	t->bytes += text.len;
	return true;
}

void texts_drop_newest(struct texts *t)
{
	if (t->count > 0)
		drop(t, t->count - 1);
}

void texts_clear(struct texts *t)
{
	while (t->count > 0)
		texts_drop_newest(t);
}
