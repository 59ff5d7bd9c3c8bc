/*
 * backup.h: a store in SQLite as one archive (tar.h), made while it is in use, and a data folder from such an archive. In it are
 *
 *	files/RECEIVER+NAME	the waiting files
 *	server.pem		the server's own certificate and key, where it has made them itself
 *	messagerd.db		accounts, bans and the rows of exactly those files; the last one
 *
 * All of it block, with bounded memory; any thread.
 */
#ifndef STORE_BACKUP_H
#define STORE_BACKUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

/* Takes the next bytes of the archive. false: they can't be taken, and no more are wanted; why was filled in. */
typedef bool backup_sink_fn(struct slice bytes, void *arg, char *why, size_t why_size);

struct backup_counts {
	uint64_t accounts, bans, files, bytes; /* bytes: of the archive */
};

/*
 * Writes the store that url names, as it is at one moment: what is accepted, banned or complete before the call is in it, and of files
 * that are fetched meanwhile neither row nor bytes. One at a time (`messagerd.db.backup` in the data folder is in use meanwhile).
 *   certificate  the path of server.pem, or NULL
 * false with a sentence in why; what the sink got is then no archive.
 */
bool backup_write(const char *url, const char *data_dir, const char *certificate,
    backup_sink_fn *sink, void *arg, struct backup_counts *counts_r, char *why, size_t why_size);

/*
 * Fills the data folder from the archive that fd reads. The folder must have no store, no waiting files and no certificate in it yet. Only
 * when all of it was read and found whole does anything get its final name, messagerd.db last. false with a sentence in why.
 */
bool backup_restore(int fd, const char *url, const char *data_dir, struct backup_counts *counts_r,
    char *why, size_t why_size);

#endif
