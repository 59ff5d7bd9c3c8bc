#include "server/settings.h"

#include <errno.h>
#include <ini.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "net/address.h"
#include "server/settings_rows.h"

enum {
	FILE_MAX_BYTES = 1 << 20,
	NAME_SIZE = 128,
	LINE_VALUE_MAX_LEN =
	    150, /* fits with every key into a line that inih takes whole (200 bytes as it is usually built) */
};

_Static_assert(sizeof(enum log_level) == sizeof(unsigned), "a choice is kept as an unsigned");

/* ---- one value ---- */

/*
 * What inih would not read back as it is: control bytes, and a ';' that begins a comment. Blanks at the ends are no part
 * of a value in a file; neither can they be of one from the command line.
 */
static bool can_be_in_file(const char *value)
{
	char before = ' ';
	for (const char *at = value; *at != '\0'; at++) {
		unsigned char byte = (unsigned char)*at;
		if ((byte < 0x20 && byte != '\t') || byte == 0x7f)
			return false;
		if (byte == ';' && (before == ' ' || before == '\t'))
			return false;
		before = *at;
	}
	return value[0] == '\0' ||
	       (strchr(" \t", value[0]) == NULL && strchr(" \t", before) == NULL);
}

/* Sets SECTION.KEY; where says from where, for why. */
static bool set(struct settings *s, const char *where, const char *name, const char *value,
    char *why, size_t why_size)
{
	const struct setting *row = setting_find(name);
	if (row == NULL) {
		snprintf(why, why_size,
		    "%s: there is no setting %s; messagerd --print-config shows them all", where,
		    name);
		return false;
	}
	char must_be[SETTINGS_WHY_SIZE / 2];
	if (!can_be_in_file(value))
		snprintf(must_be, sizeof(must_be),
		    "must have no control byte, no blank at an end and no ';' after a blank");
	else if (setting_parse(row, value, s, must_be, sizeof(must_be)))
		return true;
	if (row->type == SETTING_URL) /* there may be a password in it */
		snprintf(why, why_size, "%s: %s: %s", where, name, must_be);
	else
		snprintf(why, why_size, "%s: %s = %.200s: %s", where, name, value, must_be);
	return false;
}

/* ---- the file ---- */

struct file {
	const char *path;
	struct settings *settings;
	const char *at, *end; /* what was not yet read */
	int line;             /* the number of the last line read */
	int bad_line;         /* of the first fault that we found; 0: none */
	char *why;
	size_t why_size;
};

static void blame(struct file *f, const char *what)
{
	if (f->bad_line != 0)
		return;
	f->bad_line = f->line;
	snprintf(f->why, f->why_size, "%s:%d: %s", f->path, f->line, what);
}

static bool has_section(const char *name, size_t len)
{
	for (size_t i = 0; i < setting_row_count; i++) {
		if (strncmp(setting_rows[i].name, name, len) == 0 &&
		    setting_rows[i].name[len] == '.')
			return true;
	}
	return false;
}

/* inih passes no section on before its first key, and cuts a long name. */
static void check_section(struct file *f, const char *line, size_t len)
{
	const char *end = memchr(line, ']', len);
	if (line[0] != '[' || end == NULL) /* the latter is a fault to inih too */
		return;
	int name_len = (int)(end - line - 1);
	if (has_section(line + 1, (size_t)name_len))
		return;
	char words[NAME_SIZE + 64];
	snprintf(words, sizeof(words),
	    "there is no section [%.*s]; messagerd --print-config shows them all",
	    name_len < NAME_SIZE ? name_len : NAME_SIZE, line + 1);
	blame(f, words);
}

/*
 * Hands inih one line at a time. It takes `size` bytes at once and would read the rest of a longer line as a line of its own; and
 * it takes a line that begins with a blank for more of the value before, which is not what such a line means here.
 */
static char *read_line(char *to, int size, void *arg)
{
	struct file *f = arg;
	if (f->at == f->end || f->bad_line != 0)
		return NULL;
	f->line++;
	const char *line = f->at, *end = memchr(line, '\n', (size_t)(f->end - line));
	f->at = end != NULL ? end + 1 : f->end;
	if (end == NULL)
		end = f->end;
	while (line < end && strchr(" \t\r", *line) != NULL && *line != '\0')
		line++;
	size_t len = (size_t)(end - line);
	if (len > 0 && (line[0] == ';' || line[0] == '#'))
		len = 0; /* a comment may have any length */
	if (memchr(line, '\0', len) != NULL)
		blame(f, "there is a NUL byte in this line; is it a text file?");
	if (len + 2 > (size_t)size) {
		char words[128];
		snprintf(words, sizeof(words),
		    "this line is longer than %d bytes; shorten it, or give the setting with --set",
		    size - 2);
		blame(f, words);
	}
	if (f->bad_line != 0)
		return NULL;
	check_section(f, line, len);
	memcpy(to, line, len);
	to[len] = '\n';
	to[len + 1] = '\0';
	return to;
}

static int take_value(void *arg, const char *section, const char *key, const char *value)
{
	struct file *f = arg;
	char name[NAME_SIZE], where[SETTINGS_WHY_SIZE / 4];
	if (f->bad_line != 0)
		return 0;
	if (section[0] == '\0') {
		blame(f, "there is no [section] above this line");
		return 0;
	}
	snprintf(name, sizeof(name), "%s.%s", section, key);
	snprintf(where, sizeof(where), "%s:%d", f->path, f->line);
	if (!set(f->settings, where, name, value, f->why, f->why_size))
		f->bad_line = f->line;
	return f->bad_line == 0;
}

static bool take_file(struct file *f, struct slice content)
{
	f->at = content.ptr;
	f->end = slice_skip(content, content.len).ptr;
	int fault = ini_parse_stream(read_line, f, take_value, f);
	if (fault > 0 && (f->bad_line == 0 || fault < f->bad_line))
		snprintf(f->why, f->why_size,
		    "%s:%d: this is no [section], no KEY = VALUE and no ; comment", f->path, fault);
	else if (fault < 0)
		snprintf(f->why, f->why_size, "%s: no memory", f->path);
	return fault == 0 && f->bad_line == 0;
}

/* Appends the whole file. Returns 0 or an errno value. */
static int read_whole(FILE *file, struct buffer *content)
{
	for (;;) {
		char *to = buffer_reserve(content, 65536);
		if (to == NULL)
			return ENOMEM;
		size_t len = fread(to, 1, 65536, file);
		buffer_added(content, len);
		if (ferror(file))
			return errno;
		if (content->len > FILE_MAX_BYTES)
			return EFBIG;
		if (len == 0)
			return 0;
	}
}

static bool load_file(const char *path, struct settings *s, char *why, size_t why_size)
{
	bool is_default = path == NULL;
	struct file f = { .path = is_default ? SETTINGS_DEFAULT_PATH : path,
		.settings = s,
		.why = why,
		.why_size = why_size };
	FILE *file = fopen(f.path, "re");
	if (file == NULL && is_default && (errno == ENOENT || errno == ENOTDIR))
		return true;
	struct buffer content = { 0 };
	int failed = file != NULL ? read_whole(file, &content) : errno;
	if (file != NULL)
		fclose(file);
	bool is_loaded = false;
	if (failed != 0)
		snprintf(why, why_size, "cannot read %s: %s", f.path, strerror(failed));
	else
		is_loaded = take_file(&f, buffer_slice(&content));
	buffer_clear(&content);
	return is_loaded;
}

/* ---- the whole ---- */

static bool load_defaults(struct settings *s, char *why, size_t why_size)
{
	memset(s, 0, sizeof(*s));
	for (size_t i = 0; i < setting_row_count; i++) {
		if (!setting_parse(&setting_rows[i], setting_rows[i].initial, s, why, why_size))
			return false;
	}
	return true;
}

static bool load_set(const char *text, struct settings *s, char *why, size_t why_size)
{
	const char *equals = strchr(text, '=');
	char name[NAME_SIZE];
	int len = equals != NULL ? (int)(equals - text) : 0;
	if (len == 0 || len >= NAME_SIZE) {
		snprintf(why, why_size, "--set %.200s: must be SECTION.KEY=VALUE", text);
		return false;
	}
	snprintf(name, sizeof(name), "%.*s", len, text);
	return set(s, "--set", name, equals + 1, why, why_size);
}

static bool derive_row(struct settings *s, const struct setting *row, char *why, size_t why_size)
{
	char *field = setting_field(s, row), cause[SETTINGS_WHY_SIZE / 2];
	if (row->derive == NULL || field[0] != '\0' ||
	    row->derive(s, field, row->size, cause, sizeof(cause)))
		return true;
	snprintf(
	    why, why_size, "%s is not set, and cannot be derived: %s; set it", row->name, cause);
	return false;
}

static bool is_same(const struct settings *a, const struct settings *b, const struct setting *row)
{
	char text_a[SETTINGS_TEXT_SIZE], text_b[SETTINGS_TEXT_SIZE];
	setting_format(row, a, text_a);
	setting_format(row, b, text_b);
	return strcmp(text_a, text_b) == 0;
}

static bool is_left_empty(struct settings *s, const struct setting *row)
{
	const char *field = setting_field(s, row);
	return row->derive != NULL && field[0] == '\0';
}

/*
 * What needs a restart stays as it runs; what is derived from it must not run ahead of it. Nor is it derived anew: a server that is confined, or
 * no longer root, would come to another result.
 */
static bool complete(struct settings *s, const struct settings *running, char *why, size_t why_size)
{
	for (int needs_restart = 1; needs_restart >= 0; needs_restart--) {
		for (size_t i = 0; i < setting_row_count; i++) {
			const struct setting *row = &setting_rows[i];
			if (row->needs_restart != needs_restart)
				continue;
			if (row->needs_restart && running != NULL && is_left_empty(s, row)) {
				memcpy(
				    setting_field(s, row), setting_value(running, row), row->size);
				continue;
			}
			if (!derive_row(s, row, why, why_size))
				return false;
			if (!row->needs_restart || running == NULL || is_same(s, running, row))
				continue;
			memcpy(setting_field(s, row), setting_value(running, row), row->size);
			s->kept |= (uint64_t)1 << i;
		}
	}
	return true;
}

bool settings_load(const char *path, const char *const *sets, size_t set_count,
    const struct settings *running, struct settings *s_r, char *why, size_t why_size)
{
	struct settings s;
	bool is_loaded = load_defaults(&s, why, why_size) && load_file(path, &s, why, why_size);
	for (size_t i = 0; is_loaded && i < set_count; i++)
		is_loaded = load_set(sets[i], &s, why, why_size);
	if (!is_loaded || !complete(&s, running, why, why_size))
		return false;
	*s_r = s;
	return true;
}

const char *settings_next_kept(const struct settings *s, unsigned *cursor)
{
	while (*cursor < setting_row_count) {
		unsigned i = (*cursor)++;
		if (s->kept & (uint64_t)1 << i)
			return setting_rows[i].name;
	}
	return NULL;
}

/* ---- and back ---- */

/* What would stand there if the setting had been left empty. */
static bool is_derived(const struct settings *s, const struct setting *row)
{
	char would_be[SETTINGS_TEXT_SIZE], why[SETTINGS_WHY_SIZE];
	return row->derive != NULL && row->derive(s, would_be, row->size, why, sizeof(why)) &&
	       strcmp(would_be, setting_value(s, row)) == 0;
}

static void print_row(const struct settings *s, const struct setting *row, FILE *to)
{
	char value[SETTINGS_TEXT_SIZE], description[SETTINGS_TEXT_SIZE];
	const char *key = strchr(row->name, '.') + 1;
	setting_format(row, s, value);
	setting_describe(row, description);
	fprintf(to, "; %s%s\n", row->help, row->needs_restart ? " A change needs a restart." : "");
	if (row->derived_as != NULL)
		fprintf(to, "; %s; if empty: %s\n", description, row->derived_as);
	else
		fprintf(to, "; %s; default: %s\n", description,
		    row->initial[0] != '\0' ? row->initial : "empty");
	if (is_derived(s, row))
		fprintf(to, "; now: %s\n%s =\n", value, key);
	else if (strlen(value) > LINE_VALUE_MAX_LEN)
		fprintf(to, "; too long for a line of this file, so give it so: --set %s=%s\n",
		    row->name, value);
	else
		fprintf(to, "%s =%s%s\n", key, value[0] != '\0' ? " " : "", value);
}

void settings_print(const struct settings *s, FILE *to)
{
	size_t section_len = 0;
	fprintf(to, "; The settings of messagerd " VERSION
		    ". A line that begins with ; or # is a comment.\n");
	for (size_t i = 0; i < setting_row_count; i++) {
		const struct setting *row = &setting_rows[i];
		if (i == 0 || strncmp(row->name, row[-1].name, section_len + 1) != 0) {
			section_len = strcspn(row->name, ".");
			fprintf(to, "\n[%.*s]\n", (int)section_len, row->name);
		}
		print_row(s, row, to);
	}
}

bool settings_certificate_is_own(const struct settings *s)
{
	return is_derived(s, setting_find("tls.certificate"));
}

size_t settings_addresses(
    const char *list, struct sockaddr_storage addresses_r[static SETTINGS_MAX_LISTEN])
{
	size_t count = 0;
	while (*list != '\0' && count < SETTINGS_MAX_LISTEN) {
		char word[SETTINGS_TEXT_SIZE];
		socklen_t len;
		size_t word_len = strcspn(list, " ");
		snprintf(word, sizeof(word), "%.*s", (int)word_len, list);
		if (address_parse_with_port(word, &addresses_r[count], &len))
			count++;
		list += word_len + strspn(list + word_len, " ");
	}
	return count;
}
