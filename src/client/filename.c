#include "client/filename.h"

#include <string.h>

#include "client/sanitize.h"
#include "protocol/text.h"

struct path {
	size_t len;
	bool is_full;
	char *bytes;
};

static void add(struct path *p, struct slice s)
{
	if (p->len + s.len >= FILENAME_PATH_SIZE) {
		p->is_full = true;
		return;
	}
	memcpy(p->bytes + p->len, s.ptr, s.len);
	p->len += s.len;
}

/* Adds s without its quotes. false: they do not pair. */
static bool add_unquoted(struct path *p, struct slice s)
{
	char quote = '\0';
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];
		bool is_quote = quote != '\0' ? c == quote : c == '\'' || c == '"';
		if (c == '\\' && quote != '\'') {
			if (++i == s.len)
				return false;
			add(p, slice_of(&s.ptr[i], 1));
		} else if (is_quote) {
			quote = quote != '\0' ? '\0' : c;
		} else {
			add(p, slice_of(&c, 1));
		}
	}
	return quote == '\0';
}

bool filename_typed(struct slice typed, const char *home, char path_r[static FILENAME_PATH_SIZE])
{
	struct path path = { .bytes = path_r };
	if (typed.len == 0 || memchr(typed.ptr, '\0', typed.len) != NULL)
		return false;
	if (home != NULL && typed.ptr[0] == '~' && (typed.len == 1 || typed.ptr[1] == '/')) {
		add(&path, slice_str(home));
		typed = slice_skip(typed, 1);
	}
	size_t start = path.len;
	if (!add_unquoted(&path, typed)) {
		path.len = start;
		add(&path, typed);
	}
	path_r[path.len] = '\0';
	return path.len > 0 && !path.is_full;
}

struct slice filename_base(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slice_str(slash == NULL ? path : slash + 1);
}

/* One character as it may stand in a name. Returns its length. */
static size_t safe_char(struct slice name, char out[static SANITIZE_CHAR_MAX_LEN], size_t *taken_r)
{
	size_t len = sanitize_char(name, out, taken_r);
	bool is_as_it_was = len == *taken_r && memcmp(out, name.ptr, len) == 0;
	if (!is_as_it_was || out[0] == '/' || out[0] == '\\' || out[0] == ' ') {
		out[0] = '_';
		return 1;
	}
	return len;
}

size_t filename_safe(struct slice name, char out[static FILENAME_MAX_LEN])
{
	size_t len = 0;
	while (name.len > 0 && name.ptr[0] == '.')
		name = slice_skip(name, 1);
	while (name.len > 0) {
		char safe[SANITIZE_CHAR_MAX_LEN];
		size_t taken, safe_len = safe_char(name, safe, &taken);
		if (len + safe_len > FILENAME_MAX_LEN)
			break;
		memcpy(out + len, safe, safe_len);
		len += safe_len;
		name = slice_skip(name, taken);
	}
	if (len > 0)
		return len;
	memcpy(out, "file", 4);
	return 4;
}
