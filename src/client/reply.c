#include "client/reply.h"

#include <strings.h>

int reply_yes_or_no(struct slice line, int enter)
{
	static const char *const words[] = { "n", "no", "y", "yes" };
	line = slice_trim(line);
	for (int i = 0; i < 4; i++) {
		if (strlen(words[i]) == line.len && strncasecmp(words[i], line.ptr, line.len) == 0)
			return i / 2;
	}
	return line.len == 0 ? enter : -1;
}
