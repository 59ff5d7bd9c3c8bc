/*
 * files.h: the bytes of files that wait for their receivers (protocol.md, 5). Which files wait is store.h's to say; here one is written
 * and read, piece by piece. What it promises, and how, is told in docs/files.md.
 *
 * A struct file is the caller's memory and good for one file on its way in, or for any number on their way out, one after the other.
 * Each call returns at once and ends in done(), exactly once, on a thread of the store, with `status` set; until then nothing of the
 * struct, nor of what was handed in, may be touched. done() must not block and may make the next call. One call at a time.
 *
 *	in	begin, append …, finish	or, at any time, discard
 *	out	select, read …, and so on; at the end discard
 */
#ifndef STORE_FILES_H
#define STORE_FILES_H

#include <sodium.h>

#include "base/buffer.h"
#include "base/pool.h"
#include "base/slice.h"
#include "store/store.h"

struct file;
typedef void file_done_fn(struct file *file);

/* "receiver+name", the name in the folder, or what stands for it while it is being written. */
enum { FILE_ENTRY_SIZE = NAME_MAX_LEN + 1 + FILENAME_MAX_LEN + 1 };

enum { FILE_DIGEST_SIZE = 32 };

struct file {
	/* The caller's. */
	file_done_fn *done;
	char receiver[NAME_MAX_LEN + 1];
	char name[FILENAME_MAX_LEN +
		  1]; /* an allowed one with its spaces replaced: filename_numbered() */
	uint64_t max_files, max_bytes; /* of the receiver; 0: no limit */

	/* The answer. */
	enum store_status status;
	uint64_t size_bytes; /* in: appended so far */
	uint64_t
	    room_bytes; /* file_begin(): more than this the receiver's quota did not hold then */
	size_t got_len; /* file_read() */
	bool at_end;
	unsigned char digest
	    [FILE_DIGEST_SIZE]; /* SHA-256 of what was read or written, at_end or once finished; of a shared store only */

	int64_t completed_ms; /* file_finish(): when it was complete; 0: now */

	/* The store's own. */
	struct store *store;
	int fd;
	bool is_stale; /* fd is of an earlier file */
	unsigned number;
	char entry[FILE_ENTRY_SIZE];
	struct slice bytes;
	char *to;
	size_t cap;
	void (*step)(struct file *file);
	struct pool_job job;
	struct store_request row;

	/* Of a shared store: where the pieces are, and what is between the caller's bytes and theirs. */
	int64_t upload;
	uint64_t piece;     /* the next one */
	struct buffer held; /* in: not yet a piece; out: read and not yet asked for */
	crypto_hash_sha256_state sha;
};

/* Before all else. */
void file_init(struct file *file, struct store *store);

/*
 * Makes a file of no name that nobody sees yet. STORE_NONE: no such receiver. STORE_TAKEN: as much waits for it as may.
 * STORE_UNAVAILABLE: disk, store or memory failed, as in all that follows, and the log says why.
 */
void file_begin(struct file *file);

/* Writes bytes behind what is there. */
void file_append(struct file *file, struct slice bytes);

/*
 * Appends the last bytes and makes it a waiting file. STORE_OK: it is on disk under `name`, which has got a number if that name waited
 * already, and survives a power cut. STORE_NONE: the receiver is gone or its quota full by now. After this there is nothing to
 * discard, whatever came out.
 */
void file_finish(struct file *file, struct slice bytes);

/* Which file the next file_read() begins to read: returns at once, no done(). */
void file_select(struct file *file, const char *receiver, const char *name);

/*
 * Reads the next bytes, as many as there are up to cap: got_len; fewer only at the end: at_end. STORE_NONE: there is no such
 * file. After anything but STORE_OK, and at the end, nothing is left to read of this one.
 */
void file_read(struct file *file, char *to, size_t cap);

/* Gives back what the file holds; of one not finished nothing stays. The memory may be freed in done(). */
void file_discard(struct file *file);

#endif
