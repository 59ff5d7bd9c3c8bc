#include "client/unescape.h"

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Undoes one escape of an original server at the front of s. Returns its length; 0: there is none. */
static size_t unescape_one(struct slice s, char *byte_r)
{
	static const char letters[] = "ntr\\'\"", bytes[] = "\n\t\r\\'\"";
	if (s.len < 2 || s.ptr[0] != '\\')
		return 0;
	const char *letter = memchr(letters, s.ptr[1], sizeof(letters) - 1);
	if (letter != NULL) {
		*byte_r = bytes[letter - letters];
		return 2;
	}
	int high = s.len < 4 || s.ptr[1] != 'x' ? -1 : hex_digit(s.ptr[2]);
	int low = high < 0 ? -1 : hex_digit(s.ptr[3]);
	if (low < 0)
		return 0;
	*byte_r = (char)(high << 4 | low);
	return 4;
}

struct slice unescape(struct slice text, char *out)
{
	size_t len = 0;
	while (text.len > 0) {
		size_t taken = unescape_one(text, &out[len]);
		if (taken == 0) {
			out[len] = text.ptr[0];
			taken = 1;
		}
		len++;
		text = slice_skip(text, taken);
	}
	return slice_of(out, len);
}
