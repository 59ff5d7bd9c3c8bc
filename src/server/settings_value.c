/* settings_value.c: the types of settings: from text to a field and back. */
#include "server/settings_rows.h"

#include <inttypes.h>
#include <string.h>

#include "net/address.h"

static const struct {
	const char *name;
	unsigned shift;
} size_units[] = { { "GiB", 30 }, { "MiB", 20 }, { "KiB", 10 }, { "", 0 } };
enum { SIZE_UNIT_COUNT = sizeof(size_units) / sizeof(size_units[0]) };

/* Digits only: strtoull() would take blanks, signs and hexadecimal. Returns what follows them; NULL: none, or too many. */
static const char *read_digits(const char *text, uint64_t *number_r)
{
	if (*text < '0' || *text > '9')
		return NULL;
	uint64_t number = 0;
	for (; *text >= '0' && *text <= '9'; text++) {
		if (__builtin_mul_overflow(number, 10, &number) ||
		    __builtin_add_overflow(number, (uint64_t)(*text - '0'), &number))
			return NULL;
	}
	*number_r = number;
	return text;
}

static bool read_count(const char *text, uint64_t *number_r)
{
	const char *rest = read_digits(text, number_r);
	return rest != NULL && *rest == '\0';
}

/* 4096, 4KiB, 4 KiB */
static bool read_size(const char *text, uint64_t *bytes_r)
{
	uint64_t number;
	const char *unit = read_digits(text, &number);
	if (unit == NULL)
		return false;
	if (unit[0] == ' ' && unit[1] != '\0')
		unit++;
	for (size_t i = 0; i < SIZE_UNIT_COUNT; i++) {
		if (strcmp(unit, size_units[i].name) == 0)
			return !__builtin_mul_overflow(
			    number, (uint64_t)1 << size_units[i].shift, bytes_r);
	}
	return false;
}

/* 15, 0.25; to whole milliseconds, upwards, so that the least time is not none. */
static bool read_seconds(const char *text, uint64_t *ms_r)
{
	uint64_t ms;
	const char *rest = read_digits(text, &ms);
	if (rest == NULL || __builtin_mul_overflow(ms, 1000, &ms))
		return false;
	if (*rest == '.') {
		uint64_t digit_ms = 100;
		bool is_more = false;
		if (*++rest == '\0')
			return false;
		for (; *rest >= '0' && *rest <= '9'; rest++) {
			uint64_t digit = (uint64_t)(*rest - '0');
			is_more |= digit_ms == 0 && digit > 0;
			if (__builtin_add_overflow(ms, digit * digit_ms, &ms))
				return false;
			digit_ms /= 10;
		}
		if (is_more && __builtin_add_overflow(ms, 1, &ms))
			return false;
	}
	*ms_r = ms;
	return *rest == '\0';
}

static bool parse_number(const struct setting *row, const char *text, struct settings *s)
{
	bool (*const read[])(const char *, uint64_t *) = { [SETTING_COUNT] = read_count,
		[SETTING_SIZE] = read_size,
		[SETTING_SECONDS] = read_seconds };
	uint64_t number;
	if (!read[row->type](text, &number) || number < row->min || number > row->max)
		return false;
	memcpy(setting_field(s, row), &number, sizeof(number));
	return true;
}

static bool parse_text(const struct setting *row, const char *text, struct settings *s)
{
	size_t len = strlen(text);
	if (len >= row->size || (len == 0 && row->derived_as == NULL))
		return false;
	memcpy(setting_field(s, row), text, len + 1);
	return true;
}

static bool parse_word(const struct setting *row, const char *text, struct settings *s)
{
	static const char allowed[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
	return text[strspn(text, allowed)] == '\0' && parse_text(row, text, s);
}

static bool parse_url(const struct setting *row, const char *text, struct settings *s)
{
	for (const char *const *choice = row->choices; *choice != NULL; choice++) {
		size_t len = strlen(*choice);
		/* "sqlite:" is continued by what follows the colon; a word like "local" stands alone. */
		bool is_whole = text[strlen(text) < len ? 0 : len] == '\0';
		if (strncmp(text, *choice, len) == 0 && (is_whole || (*choice)[len - 1] == ':'))
			return parse_text(row, text, s);
	}
	return false;
}

static bool is_address(const char *word)
{
	struct sockaddr_storage address;
	socklen_t len;
	return address_parse_with_port(word, &address, &len);
}

static bool is_network(const char *word)
{
	struct network network;
	return network_parse(word, &network);
}

/* Blanks between words become one space. */
static bool parse_list(
    const struct setting *row, const char *text, struct settings *s, bool (*is_word)(const char *))
{
	char list[SETTINGS_TEXT_SIZE] = "";
	size_t len = 0, count = 0;
	for (;;) {
		text += strspn(text, " \t");
		size_t word_len = strcspn(text, " \t");
		if (word_len == 0)
			break;
		if (word_len + 2 > sizeof(list) - len)
			return false;
		if (count++ > 0)
			list[len++] = ' ';
		memcpy(list + len, text, word_len);
		list[len + word_len] = '\0';
		if (!is_word(list + len))
			return false;
		len += word_len;
		text += word_len;
	}
	if (count < row->min || count > row->max || len >= row->size)
		return false;
	memcpy(setting_field(s, row), list, len + 1);
	return true;
}

static bool parse_addresses(const struct setting *row, const char *text, struct settings *s)
{
	return parse_list(row, text, s, is_address);
}

static bool parse_networks(const struct setting *row, const char *text, struct settings *s)
{
	return parse_list(row, text, s, is_network);
}

static bool parse_choice(const struct setting *row, const char *text, struct settings *s)
{
	for (unsigned i = 0; row->choices[i] != NULL; i++) {
		if (strcmp(text, row->choices[i]) != 0)
			continue;
		void *field = setting_field(s, row);
		if (row->size == sizeof(bool))
			*(bool *)field = i != 0;
		else
			memcpy(field, &i, sizeof(i));
		return true;
	}
	return false;
}

bool setting_parse(
    const struct setting *row, const char *text, struct settings *s, char *why, size_t why_size)
{
	static bool (*const parse[])(const struct setting *, const char *, struct settings *) = {
		[SETTING_PATH] = parse_text,
		[SETTING_WORD] = parse_word,
		[SETTING_URL] = parse_url,
		[SETTING_ADDRESSES] = parse_addresses,
		[SETTING_NETWORKS] = parse_networks,
		[SETTING_COUNT] = parse_number,
		[SETTING_SIZE] = parse_number,
		[SETTING_SECONDS] = parse_number,
		[SETTING_CHOICE] = parse_choice,
	};
	if (parse[row->type](row, text, s))
		return true;
	char description[SETTINGS_TEXT_SIZE];
	setting_describe(row, description);
	snprintf(why, why_size, "must be %s", description);
	return false;
}

/* ---- and back ---- */

static void format_size(uint64_t bytes, char *text, size_t size)
{
	size_t i = 0;
	while (bytes == 0 ? i < SIZE_UNIT_COUNT - 1
			  : bytes % ((uint64_t)1 << size_units[i].shift) != 0)
		i++;
	snprintf(text, size, "%" PRIu64 "%s", bytes >> size_units[i].shift, size_units[i].name);
}

static void format_seconds(uint64_t ms, char *text, size_t size)
{
	int len = snprintf(text, size, "%" PRIu64 ".%03u", ms / 1000, (unsigned)(ms % 1000));
	while (len > 0 && text[len - 1] == '0')
		text[--len] = '\0';
	if (len > 0 && text[len - 1] == '.')
		text[len - 1] = '\0';
}

static void format_number(const struct setting *row, uint64_t number, char *text, size_t size)
{
	if (row->type == SETTING_SIZE)
		format_size(number, text, size);
	else if (row->type == SETTING_SECONDS)
		format_seconds(number, text, size);
	else
		snprintf(text, size, "%" PRIu64, number);
}

void setting_format(
    const struct setting *row, const struct settings *s, char text[static SETTINGS_TEXT_SIZE])
{
	const void *value = setting_value(s, row);
	uint64_t number;
	unsigned choice;
	switch (row->type) {
	case SETTING_COUNT:
	case SETTING_SIZE:
	case SETTING_SECONDS:
		memcpy(&number, value, sizeof(number));
		format_number(row, number, text, SETTINGS_TEXT_SIZE);
		break;
	case SETTING_CHOICE:
		if (row->size == sizeof(bool))
			choice = *(const bool *)value;
		else
			memcpy(&choice, value, sizeof(choice));
		snprintf(text, SETTINGS_TEXT_SIZE, "%s", row->choices[choice]);
		break;
	case SETTING_PATH:
	case SETTING_WORD:
	case SETTING_URL:
	case SETTING_ADDRESSES:
	case SETTING_NETWORKS:
		snprintf(text, SETTINGS_TEXT_SIZE, "%s", (const char *)value);
		break;
	}
}

/* One of these; a URL of which only the beginning is given goes on as its kind wants. */
static void describe_choices(const struct setting *row, char list[static SETTINGS_TEXT_SIZE])
{
	size_t len = 0;
	for (const char *const *choice = row->choices; *choice != NULL; choice++) {
		const char *before = choice == row->choices ? ""
				     : choice[1] == NULL    ? " or "
							    : ", ";
		const char *after = strchr(*choice, ':') != NULL ? "..." : "";
		int added = snprintf(
		    list + len, SETTINGS_TEXT_SIZE - len, "%s%s%s", before, *choice, after);
		if (added < 0 || (size_t)added >= SETTINGS_TEXT_SIZE - len)
			break;
		len += (size_t)added;
	}
}

void setting_describe(const struct setting *row, char text[static SETTINGS_TEXT_SIZE])
{
	static const char *const numbers[] = {
		[SETTING_COUNT] = "a whole number",
		[SETTING_SIZE] = "a size in bytes, KiB, MiB or GiB",
		[SETTING_SECONDS] = "a number of seconds, such as 15 or 0.5,",
	};
	char least[32], most[32];
	switch (row->type) {
	case SETTING_COUNT:
	case SETTING_SIZE:
	case SETTING_SECONDS:
		format_number(row, row->min, least, sizeof(least));
		format_number(row, row->max, most, sizeof(most));
		snprintf(
		    text, SETTINGS_TEXT_SIZE, "%s from %s to %s", numbers[row->type], least, most);
		break;
	case SETTING_CHOICE:
	case SETTING_URL:
		describe_choices(row, text);
		break;
	case SETTING_PATH:
		snprintf(text, SETTINGS_TEXT_SIZE, "a path of at most %zu bytes", row->size - 1);
		break;
	case SETTING_WORD:
		snprintf(text, SETTINGS_TEXT_SIZE, "at most %zu letters, digits, '-', '_' or '.'",
		    row->size - 1);
		break;
	case SETTING_ADDRESSES:
		snprintf(text, SETTINGS_TEXT_SIZE,
		    "%" PRIu64 " to %" PRIu64
		    " addresses with port, such as 127.0.0.1:18443 or [::1]:18443",
		    row->min, row->max);
		break;
	case SETTING_NETWORKS:
		snprintf(text, SETTINGS_TEXT_SIZE,
		    "at most %" PRIu64 " addresses or networks, such as 192.0.2.7 or 2001:db8::/32",
		    row->max);
		break;
	}
}
