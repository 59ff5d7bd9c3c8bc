/*
 * hash_memory.h: the memory of Argon2. libsodium asks the system for it at each hash (mmap()) and gives it back: the system zeroes every page,
 * which takes 8 of the 20 ms of a hash of 19 MiB, and 9 of 22 us at the cheapest. It has no call for memory that is ours; but a program's own mmap()
 * goes before libc's, and that is what hash_memory.c has: for a thread that is between hash_memory_begin() and hash_memory_end() it is the block of its hash before,
 * for everybody else the system's, as ever. A libsodium that asks for its memory in another way is only slower.
 *
 * Where libc is not glibc, and below sanitizers, which have an mmap() of their own, nothing is kept.
 */
#ifndef CHAT_HASH_MEMORY_H
#define CHAT_HASH_MEMORY_H

#include <features.h>
#include <stdbool.h>
#include <stddef.h>

#ifndef __has_feature
#define __has_feature(feature) 0
#endif
#if !defined(__GLIBC__) || defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) ||        \
    __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
    __has_feature(memory_sanitizer)
#define HASH_MEMORY_IS_KEPT 0
#else
#define HASH_MEMORY_IS_KEPT 1
#endif

enum { HASH_MEMORY_SMALL = 64 * 1024 }; /* as little a thread keeps always, wiped */

/* This thread is about to hash. more_follow: and will again right afterwards; else what is not small goes back with this hash. */
void hash_memory_begin(bool more_follow);
void hash_memory_end(void);

/* What this thread has kept for a hash that did not follow, and is not small, goes back to the system. */
void hash_memory_give_back(void);

#endif
