#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "client/filename.h"
#include "client/full/full.h"
#include "protocol/text.h"

enum { CANDIDATES_MAX = 500 };

/* A candidate with its NUL; what is after the name makes it complete. */
static void add(struct buffer *candidates, const char *before, struct slice name, const char *after)
{
	buffer_append_slice(candidates, slice_str(before));
	buffer_append_slice(candidates, name);
	buffer_append(candidates, after, strlen(after) + 1);
}

static bool begins(struct slice name, struct slice prefix)
{
	return name.len >= prefix.len && strncasecmp(name.ptr, prefix.ptr, prefix.len) == 0;
}

/* Commands */

static void complete_command(struct slice before, struct buffer *candidates)
{
	for (const struct command *c = commands; c->word != NULL; c++) {
		struct slice word = slice_of(c->word + 1, strlen(c->word) - 2);
		const char *end = *c->arguments != '\0' ? " " : "";
		if (!begins(word, slice_skip(before, 1)))
			continue;
		if (before.ptr[0] == '/')
			add(candidates, "/", word, end);
		else
			add(candidates, "", slice_str(c->word), end);
	}
}

/* People */

static void add_name(const struct full *f, struct slice name, struct slice prefix,
    const char *after, struct buffer *candidates)
{
	if (begins(name, prefix) && !slice_equal(name, slice_of(f->model.me, f->model.me_len)))
		add(candidates, "", name, after);
}

static void complete_name(
    const struct full *f, struct slice prefix, const char *after, struct buffer *candidates)
{
	struct slice online = buffer_slice(&f->online), name;
	for (size_t i = 0; i < f->model.count; i++)
		add_name(
		    f, conversation_name(f->model.conversations[i]), prefix, after, candidates);
	while (word_take(&online, &name)) {
		if (model_find(&f->model, name) == NULL)
			add_name(f, name, prefix, after, candidates);
	}
}

/* Files */

/* A name as it can be typed: see filename_typed(). */
static void add_file(
    struct buffer *candidates, struct slice typed_folder, const char *name, bool is_folder)
{
	buffer_append_slice(candidates, typed_folder);
	for (; *name != '\0'; name++) {
		if (strchr(" '\"\\", *name) != NULL)
			buffer_append_slice(candidates, SLICE("\\"));
		buffer_append(candidates, name, 1);
	}
	buffer_append(candidates, is_folder ? "/" : "", is_folder ? 2 : 1);
}

static bool is_folder(DIR *parent, const char *name)
{
	struct stat s;
	return fstatat(dirfd(parent), name, &s, 0) == 0 && S_ISDIR(s.st_mode);
}

static void list_folder(
    const char *folder, struct slice typed_folder, const char *prefix, struct buffer *candidates)
{
	DIR *parent = opendir(folder);
	const struct dirent *entry;
	size_t count = 0;
	while (parent != NULL && (entry = readdir(parent)) != NULL && count < CANDIDATES_MAX) {
		const char *name = entry->d_name;
		if (strncmp(name, prefix, strlen(prefix)) != 0 ||
		    (name[0] == '.' && prefix[0] != '.') || strcmp(name, ".") == 0 ||
		    strcmp(name, "..") == 0 || text_has_control(slice_str(name)))
			continue;
		add_file(candidates, typed_folder, name, is_folder(parent, name));
		count++;
	}
	if (parent != NULL)
		closedir(parent);
}

static void complete_file(struct slice typed, struct buffer *candidates)
{
	char path[FILENAME_PATH_SIZE];
	const char *slash = typed.len == 0 ? NULL : memrchr(typed.ptr, '/', typed.len);
	struct slice typed_folder =
	    slice_of(typed.ptr, slash == NULL ? 0 : (size_t)(slash + 1 - typed.ptr));
	if (typed.len == 0) {
		list_folder(".", SLICE(""), "", candidates);
		return;
	}
	if (!filename_typed(typed, getenv("HOME"), path))
		return;
	char *name = strrchr(path, '/');
	if (name == NULL) {
		list_folder(".", typed_folder, path, candidates);
	} else {
		char prefix[FILENAME_PATH_SIZE];
		strcpy(prefix, name + 1);
		name[1] = '\0';
		list_folder(path, typed_folder, prefix, candidates);
	}
}

/* What is being typed decides. */

static bool takes_file(struct slice before, size_t *from_r)
{
	static const char *const words[] = { ":upload: ", "/upload " };
	for (int i = 0; i < 2; i++) {
		if (!slice_begins(before, slice_str(words[i])))
			continue;
		*from_r = strlen(words[i]);
		while (*from_r < before.len && before.ptr[*from_r] == ' ')
			(*from_r)++;
		return true;
	}
	return false;
}

void full_complete(void *ctx, struct slice before, size_t *from_r, struct buffer *candidates)
{
	struct full *f = ctx;
	const char *space = before.len == 0 ? NULL : memrchr(before.ptr, ' ', before.len);
	bool is_order = before.len > 0 && (before.ptr[0] == ':' || before.ptr[0] == '/');
	size_t word = space == NULL ? 0 : (size_t)(space + 1 - before.ptr);
	*from_r = word;
	if (f->question == QUESTION_FILE) {
		*from_r = 0;
		complete_file(before, candidates);
	} else if (f->question == QUESTION_TARGET) {
		complete_name(f, slice_skip(before, word), "", candidates);
		full_tab_names(f, before.len, candidates->len > 0);
	} else if (f->question != QUESTION_NOTHING) {
		return;
	} else if (takes_file(before, from_r)) {
		complete_file(slice_skip(before, *from_r), candidates);
	} else if (is_order && space == NULL) {
		complete_command(before, candidates);
	} else {
		complete_name(f, slice_skip(before, word), word == 0 ? ": " : "", candidates);
		full_tab_names(f, before.len, candidates->len > 0);
	}
}
