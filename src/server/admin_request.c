#include "server/admin_request.h"

#include <string.h>

enum { LENGTH_MAX_DIGITS = 8 }; /* of ADMIN_BODY_MAX_LEN */

/* Takes a line off the front of a head, without its LF. false: its end is not there yet. */
static bool take_line(struct slice *head, struct slice *line_r)
{
	const char *end = head->len > 0 ? memchr(head->ptr, '\n', head->len) : NULL;
	if (end == NULL)
		return false;
	*line_r = slice_of(head->ptr, (size_t)(end - head->ptr));
	*head = slice_skip(*head, line_r->len + 1);
	return true;
}

/* ("text" / "json") SP 1*8DIGIT */
static const char *read_first_line(struct slice line, bool *wants_json_r, size_t *body_len_r)
{
	bool is_json = slice_begins(line, SLICE("json "));
	if (!is_json && !slice_begins(line, SLICE("text ")))
		return "it begins with neither text nor json";
	struct slice digits = slice_skip(line, 5);
	*wants_json_r = is_json;
	*body_len_r = 0;
	for (size_t i = 0; i < digits.len && i <= LENGTH_MAX_DIGITS; i++) {
		if (digits.ptr[i] < '0' || digits.ptr[i] > '9')
			return "its length is no number";
		*body_len_r = *body_len_r * 10 + (size_t)(digits.ptr[i] - '0');
	}
	if (digits.len == 0)
		return "its length is missing";
	if (digits.len > LENGTH_MAX_DIGITS || *body_len_r > ADMIN_BODY_MAX_LEN)
		return "what belongs to the command is longer than 64 MiB";
	return NULL;
}

static const char *add_word(struct admin_request *r, struct slice word)
{
	if (r->word_count == ADMIN_MAX_WORDS)
		return "there are too many words";
	if (memchr(word.ptr, '\0', word.len) != NULL)
		return "there is a NUL byte in a word";
	r->words[r->word_count++] = word;
	return NULL;
}

/* 1, 0 or -1 as admin_request_parse(); *rest_r is what follows the head. */
static int read_head(struct slice bytes, struct admin_request *r, size_t *body_len_r,
    struct slice *rest_r, const char **fault_r)
{
	struct slice line, head = bytes;
	if (head.len > ADMIN_HEAD_MAX_LEN)
		head.len = ADMIN_HEAD_MAX_LEN;
	bool is_complete = take_line(&head, &line);
	*fault_r = is_complete ? read_first_line(line, &r->wants_json, body_len_r) : NULL;
	while (is_complete && *fault_r == NULL) {
		is_complete = take_line(&head, &line);
		if (is_complete && line.len == 0)
			break;
		if (is_complete)
			*fault_r = add_word(r, line);
	}
	if (*fault_r == NULL && !is_complete && bytes.len >= ADMIN_HEAD_MAX_LEN)
		*fault_r = "the command is longer than 64 KiB";
	if (*fault_r == NULL && is_complete && r->word_count == 0)
		*fault_r = "there is no command";
	*rest_r = slice_skip(bytes, (size_t)(head.ptr - bytes.ptr));
	return *fault_r != NULL ? -1 : is_complete;
}

int admin_request_parse(struct slice bytes, struct admin_request *request_r, const char **fault_r)
{
	size_t body_len = 0;
	struct slice rest;
	*request_r = (struct admin_request){ 0 };
	*fault_r = NULL;
	if (bytes.len == 0)
		return 0;
	int found = read_head(bytes, request_r, &body_len, &rest, fault_r);
	if (found != 1 || rest.len < body_len)
		return found == 1 ? 0 : found;
	if (rest.len > body_len) {
		*fault_r = "it is longer than it says";
		return -1;
	}
	request_r->body = rest;
	return 1;
}
