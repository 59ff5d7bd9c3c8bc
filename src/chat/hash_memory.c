#include "chat/hash_memory.h"

#include <sodium.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#if !HASH_MEMORY_IS_KEPT

void hash_memory_begin(bool more_follow)
{
}

void hash_memory_end(void)
{
}

void hash_memory_give_back(void)
{
}

#else

/* A thread's own. libsodium has one block at a time. */
static _Thread_local struct {
	void *block; /* NULL: none */
	size_t len;
	bool is_lent; /* libsodium has it */
	bool is_hashing, more_follow;
} kept;

static int unmap(void *block, size_t len)
{
	return (int)syscall(SYS_munmap, block, len);
}

static void give_back(void)
{
	if (kept.block != NULL)
		unmap(kept.block, kept.len);
	kept.block = NULL;
}

/* By the labels they are libc's names. Those of its headers may stand for others (off_t of 64 bits). */
void *hash_memory_map(void *address, size_t len, int protection, int flags, int fd,
    off_t offset) __asm__("mmap") __attribute__((visibility("default"), used));
int hash_memory_unmap(void *block, size_t len) __asm__("munmap")
    __attribute__((visibility("default"), used));

void *hash_memory_map(void *address, size_t len, int protection, int flags, int fd, off_t offset)
{
	bool is_hashs = kept.is_hashing && !kept.is_lent && fd < 0;
	if (is_hashs && kept.block != NULL && kept.len == len) {
		kept.is_lent = true;
		return kept.block;
	}
	if (is_hashs)
		give_back();
	void *block = mmap64(address, len, protection, flags, fd, offset);
	if (is_hashs && block != MAP_FAILED) {
		kept.block = block;
		kept.len = len;
		kept.is_lent = true;
	}
	return block;
}

/* Argon2 writes each byte of it before it reads it. What is kept for a hash that follows at once is not wiped: that overwrites it. */
int hash_memory_unmap(void *block, size_t len)
{
	if (block == NULL || block != kept.block || !kept.is_lent)
		return unmap(block, len);
	kept.is_lent = false;
	if (kept.len <= HASH_MEMORY_SMALL)
		sodium_memzero(block, kept.len);
	else if (!kept.more_follow)
		give_back();
	return 0;
}

void hash_memory_begin(bool more_follow)
{
	kept.is_hashing = true;
	kept.more_follow = more_follow;
}

void hash_memory_end(void)
{
	kept.is_hashing = false;
}

void hash_memory_give_back(void)
{
	if (kept.len > HASH_MEMORY_SMALL)
		give_back();
}

#endif
