/*
 * tar.h: the archive that a backup is: POSIX ustar, with GNU's records for names of more than 100 bytes, as every tar reads it. Regular files
 * only. Pure: no I/O.
 */
#ifndef STORE_TAR_H
#define STORE_TAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	TAR_BLOCK = 512,
	TAR_NAME_SIZE = 256,            /* of a name here, with its NUL */
	TAR_HEADER_MAX = 4 * TAR_BLOCK, /* a long name's header, its block, the file's header */
};

/*
 * What stands before a file's bytes. Returns how many bytes of head_r that are, a multiple of TAR_BLOCK. name has less than
 * TAR_NAME_SIZE bytes.
 */
size_t tar_header(
    char head_r[static TAR_HEADER_MAX], const char *name, uint64_t size, int64_t modified_s);

/* How many zero bytes follow a file of that size, to fill its last block. */
size_t tar_padding(uint64_t size);

/* After the last file come two blocks of zeros. */
enum { TAR_END_SIZE = 2 * TAR_BLOCK };

/* A header as it is read. */
struct tar_entry {
	char name[TAR_NAME_SIZE];
	uint64_t size;
	bool is_long_name; /* its bytes are the name of the next entry */
	bool is_end;       /* a block of zeros */
};

/* false: it is no header of a regular file, or is damaged. */
bool tar_parse(const char block[static TAR_BLOCK], struct tar_entry *entry_r);

#endif
