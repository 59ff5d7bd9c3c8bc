/*
 * folder.h: DATA/files, where the bytes of waiting files lie: one file each, `receiver+name`, mode 0600; while it is being written, `+` and a
 * number, which no final name begins with. Blocks: for the threads of the store's pool, and for the start. What fails returns
 * -errno.
 */
#ifndef STORE_FOLDER_H
#define STORE_FOLDER_H

#include <sys/types.h>

#include "store/files.h"

struct folder;

/* Makes the folder (mode 0700) if it is missing. NULL with a sentence in why. */
struct folder *folder_open(const char *data_dir, char *why, size_t why_size);
void folder_close(struct folder *folder); /* accepts NULL */

/* A new empty file for writing. Returns its descriptor; what it is called meanwhile is in entry_r. */
int folder_create(struct folder *folder, char entry_r[static FILE_ENTRY_SIZE]);

/*
 * Writes all. -ENOSPC also where the disk has room, but no more than FOLDER_RESERVE_BYTES (or a sixteenth, of a small one): uploads shall
 * not keep the store from taking accounts.
 */
enum { FOLDER_RESERVE_BYTES = 64 << 20 };
int folder_write(struct folder *folder, int fd, struct slice bytes);

/* Reads up to cap bytes, fewer only at the end. Returns how many. */
ssize_t folder_read(int fd, char *to, size_t cap);

/*
 * Calls the file `entry` receiver+name from now on, or, where something is called so already, by the first free number from *number
 * on (filename_numbered()). Nothing is replaced. On success entry is the new name and *number the next one to try.
 */
int folder_place(struct folder *folder, char entry[static FILE_ENTRY_SIZE], const char *receiver,
    const char *name, unsigned *number);

/* Makes what was created, renamed and removed in it last. */
int folder_sync(struct folder *folder);

/* Opens receiver+name for reading. Returns its descriptor. */
int folder_open_file(struct folder *folder, const char *receiver, const char *name);

/* Takes a name away. */
int folder_unlink(struct folder *folder, const char *entry);

/* Is there a file of that name? 1, 0, or -errno. */
int folder_has(struct folder *folder, const char *entry);

/* Calls each() with the name of every file in it (folders are not ours); each() may remove that one. Returns 0: that was all. */
int folder_each(struct folder *folder, void (*each)(const char *entry, void *arg), void *arg);

bool folder_entry_is_temporary(const char *entry);

/* Writes receiver+name; 0 if it does not fit. */
size_t folder_entry(char entry_r[static FILE_ENTRY_SIZE], const char *receiver, const char *name);

/* The two parts of receiver+name. false: it has not that form. */
bool folder_entry_split(
    const char *entry, char receiver_r[static NAME_MAX_LEN + 1], const char **name_r);

#endif
