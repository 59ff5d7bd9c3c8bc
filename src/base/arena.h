/*
 * arena.h: memory that is all given back at once: what lives no longer than one turn of a loop. Chunks are kept for the next turn,
 * so at a steady pace nothing is allocated. One thread.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

struct arena_chunk;

/* All zero is a valid empty arena. */
struct arena {
	struct arena_chunk *first; /* those in use, then those kept for later */
	struct arena_chunk *current;
	size_t used; /* bytes handed out since the last reset, over all chunks */
	size_t chunk_count;
};

/* size bytes, aligned for any type, valid until arena_reset(). NULL: no memory. */
void *arena_alloc(struct arena *a, size_t size);

/* Gives back the end of the newest allocation, of which only used bytes are needed. */
void arena_shrink(struct arena *a, void *newest, size_t used);

/* Everything handed out becomes invalid. */
void arena_reset(struct arena *a);

/* Frees all memory. */
void arena_clear(struct arena *a);

#endif
