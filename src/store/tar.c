#include "store/tar.h"

#include <stdio.h>
#include <string.h>

/* Where the fields stand in a header. */
struct header {
	char name[100], mode[8], uid[8], gid[8], size[12], modified[12], sum[8], type, link[100],
	    magic[6], version[2], user[32], group[32], device[16], prefix[155], rest[12];
};
_Static_assert(sizeof(struct header) == TAR_BLOCK, "a header is a block");

static const char long_name[] = "././@LongLink";
static const uint64_t octal_limit = 1ULL << 33; /* 11 octal digits */

/* Sizes of 8 GiB and more stand in base 256, marked by the first bit. */
static void put_number(char *field, size_t len, uint64_t number)
{
	bool is_octal = number < octal_limit;
	field[len - 1] = '\0';
	for (size_t i = is_octal ? len - 1 : len; i-- > 0; number >>= is_octal ? 3 : 8)
		field[i] = (char)(is_octal ? '0' + (number & 7) : number & 0xff);
	if (!is_octal)
		field[0] = (char)0x80;
}

static bool get_number(const char *field, size_t len, uint64_t *number_r)
{
	uint64_t number = 0;
	bool is_binary = ((unsigned char)field[0] & 0x80) != 0;
	for (size_t i = is_binary ? 1 : 0; i < len; i++) {
		unsigned char byte = (unsigned char)field[i];
		if (!is_binary && (byte == '\0' || byte == ' '))
			break;
		if (!is_binary && (byte < '0' || byte > '7'))
			return false;
		if (number >> (is_binary ? 55 : 60) != 0)
			return false;
		number = is_binary ? number << 8 | byte : number << 3 | (uint64_t)(byte - '0');
	}
	*number_r = number;
	return true;
}

/* The sum of all bytes, those of the field itself taken for spaces. */
static unsigned sum_of(const struct header *h)
{
	const unsigned char *bytes = (const unsigned char *)h;
	unsigned sum = 0;
	for (size_t i = 0; i < TAR_BLOCK; i++) {
		bool is_own =
		    i >= offsetof(struct header, sum) && i < offsetof(struct header, type);
		sum += is_own ? ' ' : bytes[i];
	}
	return sum;
}

static void fill(char *block, const char *name, uint64_t size, int64_t modified_s, char type)
{
	struct header h;
	memset(&h, 0, sizeof(h));
	memcpy(h.name, name, strnlen(name, sizeof(h.name)));
	put_number(h.mode, sizeof(h.mode), 0600);
	put_number(h.uid, sizeof(h.uid), 0);
	put_number(h.gid, sizeof(h.gid), 0);
	put_number(h.size, sizeof(h.size), size);
	put_number(h.modified, sizeof(h.modified), modified_s > 0 ? (uint64_t)modified_s : 0);
	h.type = type;
	memcpy(h.magic, "ustar", 6);
	memcpy(h.version, "00", 2);
	put_number(h.sum, sizeof(h.sum) - 1, sum_of(&h));
	h.sum[7] = ' ';
	memcpy(block, &h, TAR_BLOCK);
}

size_t tar_header(
    char head_r[static TAR_HEADER_MAX], const char *name, uint64_t size, int64_t modified_s)
{
	size_t len = strlen(name), used = 0;
	memset(head_r, 0, TAR_HEADER_MAX);
	if (len > sizeof(((struct header *)0)->name)) {
		fill(head_r, long_name, len + 1, modified_s, 'L');
		memcpy(head_r + TAR_BLOCK, name, len);
		used = TAR_BLOCK + len + 1 + tar_padding(len + 1);
	}
	fill(head_r + used, name, size, modified_s, '0');
	return used + TAR_BLOCK;
}

size_t tar_padding(uint64_t size)
{
	return (size_t)((TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK);
}

bool tar_parse(const char block[static TAR_BLOCK], struct tar_entry *entry_r)
{
	static const char zeros[TAR_BLOCK];
	struct header h;
	uint64_t sum;
	memset(entry_r, 0, sizeof(*entry_r));
	entry_r->is_end = memcmp(block, zeros, TAR_BLOCK) == 0;
	if (entry_r->is_end)
		return true;
	memcpy(&h, block, TAR_BLOCK);
	if (memcmp(h.magic, "ustar", 5) != 0 || !get_number(h.sum, sizeof(h.sum), &sum) ||
	    sum != sum_of(&h) || !get_number(h.size, sizeof(h.size), &entry_r->size))
		return false;
	entry_r->is_long_name = h.type == 'L';
	if (h.type != '0' && h.type != '\0' && h.type != 'L')
		return false;
	memcpy(entry_r->name, h.name, sizeof(h.name));
	return true;
}
