/* settings_rows.h: the table of settings, and the types that a setting may have. For settings.c and its tests. */
#ifndef SERVER_SETTINGS_ROWS_H
#define SERVER_SETTINGS_ROWS_H

#include "server/settings.h"

enum setting_type {
	SETTING_PATH, /* char[]: bytes of a file name; empty only where it is derived or may be */
	SETTING_WORD, /* char[]: letters, digits, '-', '_' and '.'; empty only where it is derived or may be */
	SETTING_URL,       /* char[]: begins with one of the row's choices */
	SETTING_ADDRESSES, /* char[]: min to max of HOST:PORT, separated by single spaces in the struct */
	SETTING_NETWORKS, /* char[]: up to max of ADDRESS or ADDRESS/BITS, separated by single spaces in the struct */
	SETTING_COUNT,   /* uint64_t */
	SETTING_SIZE,    /* uint64_t, bytes */
	SETTING_SECONDS, /* uint64_t, milliseconds */
	SETTING_CHOICE,  /* an enum or a bool: the index of one of the row's choices */
};

struct setting {
	const char *name; /* SECTION.KEY; rows of one section stand together */
	enum setting_type type;
	bool needs_restart;
	size_t offset, size;        /* of the field in struct settings */
	const char *initial;        /* the default, as text; of a derived setting: empty */
	uint64_t min, max;          /* in the field's unit */
	const char *const *choices; /* ends in NULL */
	/* Fills a setting that was left empty, from those of rows above it. false: why says why not. */
	bool (*derive)(const struct settings *s, char *to, size_t size, char *why, size_t why_size);
	const char
	    *derived_as; /* the same, in words; alone: what it means that a path or word is empty */
	const char *help; /* a sentence */
};

extern const struct setting setting_rows[];
extern const size_t setting_row_count;

/* The row of "SECTION.KEY", or NULL. */
const struct setting *setting_find(const char *name);

static inline void *setting_field(struct settings *s, const struct setting *row)
{
	return (char *)s + row->offset;
}

static inline const void *setting_value(const struct settings *s, const struct setting *row)
{
	return (const char *)s + row->offset;
}

/* Reads a value. false with what it must be in why ("must be …"); the field is then as it was. */
bool setting_parse(
    const struct setting *row, const char *text, struct settings *s, char *why, size_t why_size);

/* Writes a value as setting_parse() reads it. */
void setting_format(
    const struct setting *row, const struct settings *s, char text[static SETTINGS_TEXT_SIZE]);

/* What a value must be, for the operator: "a size from 8KiB to 4GiB". */
void setting_describe(const struct setting *row, char text[static SETTINGS_TEXT_SIZE]);

#endif
