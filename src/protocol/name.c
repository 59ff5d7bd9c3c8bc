#include "protocol/name.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "protocol/text.h"

/* Words that a person types or that the client shows as a sender: a user of that name would be confusing or a fraud. */
static const char *const reserved[] = { "admin", "server", "quit", "online", "new_target", "toggle",
	"upload", "download", "status", "help", "mute", "unmute" };

static bool is_name_byte(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       c == '_';
}

static bool is_reserved(struct slice name)
{
	for (size_t i = 0; i < sizeof(reserved) / sizeof(*reserved); i++) {
		if (strlen(reserved[i]) == name.len &&
		    strncasecmp(reserved[i], name.ptr, name.len) == 0)
			return true;
	}
	return false;
}

enum name_fault name_check(struct slice name)
{
	for (size_t i = 0; i < name.len; i++) {
		if (!is_name_byte(name.ptr[i]))
			return NAME_CHARACTERS;
	}
	if (name.len == 0 || name.len > NAME_MAX_LEN)
		return NAME_LENGTH;
	return is_reserved(name) ? NAME_IS_RESERVED : NAME_OK;
}

bool password_is_allowed(struct slice password, size_t min_len)
{
	if (password.len == 0 || password.len < min_len || password.len > PASSWORD_MAX_LEN)
		return false;
	return password.ptr[0] != ' ' && password.ptr[password.len - 1] != ' ' &&
	       !text_has_control(password);
}

bool filename_is_allowed(struct slice name)
{
	if (name.len == 0 || name.len > FILENAME_MAX_LEN || text_has_control(name))
		return false;
	if (memchr(name.ptr, '/', name.len) != NULL || memchr(name.ptr, '\\', name.len) != NULL)
		return false;
	return !slice_equal(name, SLICE(".")) && !slice_equal(name, SLICE(".."));
}

/* Where the extension begins: at the last dot that is not the first byte, unless it is too long to be one. */
static size_t extension_start(struct slice name)
{
	for (size_t i = name.len; i-- > 1;) {
		if (name.ptr[i] == '.')
			return name.len - i - 1 > FILENAME_SUFFIX_MAX_LEN ? name.len : i;
	}
	return name.len;
}

size_t filename_numbered(struct slice name, unsigned number, char out[static FILENAME_MAX_LEN])
{
	char mark[16] = "";
	size_t mark_len = 0;
	if (number > 1)
		mark_len = (size_t)snprintf(mark, sizeof(mark), "-%u", number);
	size_t stem_len = extension_start(name);
	struct slice extension = slice_skip(name, stem_len);
	size_t room = FILENAME_MAX_LEN - mark_len - extension.len;
	if (stem_len > room)
		stem_len = text_whole_chars(slice_of(name.ptr, stem_len), room);

	memcpy(out, name.ptr, stem_len);
	memcpy(out + stem_len, mark, mark_len);
	memcpy(out + stem_len + mark_len, extension.ptr, extension.len);
	size_t len = stem_len + mark_len + extension.len;
	for (size_t i = 0; i < len; i++) {
		if (out[i] == ' ')
			out[i] = '_';
	}
	return len;
}
