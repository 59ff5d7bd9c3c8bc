/*
 * name.h: which user names, passwords and file names there may be (protocol.md, 2, Names).
 * Pure functions; any thread.
 */
#ifndef PROTOCOL_NAME_H
#define PROTOCOL_NAME_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

enum {
	NAME_MAX_LEN = 32,
	PASSWORD_MAX_LEN = 1024,
	FILENAME_MAX_LEN = 200,
	FILENAME_SUFFIX_MAX_LEN = 100, /* of an extension that a number still goes before */
};

/* In the order in which faults are named (protocol.md, 3). */
enum name_fault { NAME_OK, NAME_CHARACTERS, NAME_LENGTH, NAME_IS_RESERVED };

/* The first fault of a user name; an empty name has NAME_LENGTH. */
enum name_fault name_check(struct slice name);

/* True for a password that may be chosen: min_len (bytes, at least 1) to PASSWORD_MAX_LEN, no control bytes, no space at an end. */
bool password_is_allowed(struct slice password, size_t min_len);

/* True for 1 to FILENAME_MAX_LEN bytes, no control bytes, no '/' or '\', not "." or "..". */
bool filename_is_allowed(struct slice name);

/*
 * The form in which an allowed file name is stored and sent: each space is '_'; from the second
 * file of that name on, number (2, 3, …; 0 or 1: none) stands before the extension: filename-2.ext
 * (protocol.md, 5). The part before the number is shortened at a UTF-8 boundary to keep FILENAME_MAX_LEN.
 * out holds FILENAME_MAX_LEN bytes. Returns the length; no NUL is added.
 */
size_t filename_numbered(struct slice name, unsigned number, char out[static FILENAME_MAX_LEN]);

#endif
