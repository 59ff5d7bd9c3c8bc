/* filename.h: the names of files, typed by a person or said by a server. Pure; any thread. */
#ifndef CLIENT_FILENAME_H
#define CLIENT_FILENAME_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"
#include "protocol/name.h"

enum { FILENAME_PATH_SIZE = 4096 };

/*
 * The path that a person means by what is typed: ~ and ~/ at its start are the home folder (NULL: there is none), single quotes, double
 * quotes and backslashes are taken off as in a shell; spaces stay. A text whose quotes do not pair is taken as it stands. No
 * variable, pattern or command is known. false: it is empty, too long, or holds a NUL.
 */
bool filename_typed(struct slice typed, const char *home, char path_r[static FILENAME_PATH_SIZE]);

/* What follows the last '/'. */
struct slice filename_base(const char *path);

/*
 * A form of a foreign name that is safe to make a file of: no leading dots, no '/' or '\', nothing in it that can't be shown as it is
 * (control characters, invisible ones, those that change the direction of writing, bytes that are no UTF-8), at most FILENAME_MAX_LEN
 * bytes, never empty. Returns its length in out.
 */
size_t filename_safe(struct slice name, char out[static FILENAME_MAX_LEN]);

#endif
