/* settings_file.h: the file that settings.c reads and writes, as bytes. Blocking file calls; any thread. */
#ifndef CLIENT_SETTINGS_FILE_H
#define CLIENT_SETTINGS_FILE_H

#include "base/buffer.h"
#include "client/why.h"

enum settings_file {
	SETTINGS_FILE_READ,
	SETTINGS_FILE_NONE,   /* there is none */
	SETTINGS_FILE_FAILED, /* why says it */
};

/* Appends the whole file. One that others than its owner (oneself or root) may write is not taken: it names commands that are run. */
enum settings_file settings_file_read(const char *path, struct buffer *content, struct why *why);

/* Keeps other clients from writing until the result is closed. Makes the folder (0700) where needed. <0: why says it. */
int settings_file_lock(const char *path, struct why *why);

/* Puts content in the file's place (mode 0600), as a whole; behind a symbolic link that of what it points to. false: why says it, the file is as it was. */
bool settings_file_replace(const char *path, struct slice content, struct why *why);

#endif
