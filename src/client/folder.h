/* folder.h: where messager keeps what it remembers (base/home.h): trusted keys, settings, history. Any thread, a file by one at a time. */
#ifndef CLIENT_FOLDER_H
#define CLIENT_FOLDER_H

#include <stddef.h>

#include "base/slice.h"
#include "client/why.h"

enum { FOLDER_PATH_SIZE = 1024 };
#define FOLDER_NEW ".new" /* see folder_replace() */

/* The path of a file in the folder, which need not exist. false: there is no home folder, or the path is too long. */
bool folder_data_path(const char *file, char path_r[static FOLDER_PATH_SIZE], struct why *why);
bool folder_config_path(const char *file, char path_r[static FOLDER_PATH_SIZE], struct why *why);
bool folder_state_path(const char *file, char path_r[static FOLDER_PATH_SIZE], struct why *why);

/* Makes the folders on the way to the file at path that are missing, with mode 0700. */
bool folder_make_for(const char *path, struct why *why);

/*
 * Puts content in the place of the file at path (mode 0600), or makes it: on disk and as a whole, so nobody ever reads half of it. What is
 * written lies beside it as PATH.new, under a lock of the caller's; a crash may leave it there, and the next call removes it.
 * Blocking. false: why says it, the file is as it was.
 */
bool folder_replace(const char *path, struct slice content, struct why *why);

#endif
