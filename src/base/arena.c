#include "base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>

enum { ARENA_CHUNK_SIZE = 64 * 1024, ARENA_KEPT_CHUNKS = 16 };

struct arena_chunk {
	struct arena_chunk *next;
	size_t used;
	size_t size;
	alignas(max_align_t) char bytes[];
};

static size_t aligned(size_t size)
{
	size_t mask = alignof(max_align_t) - 1;
	return (size + mask) & ~mask;
}

static struct arena_chunk *chunk_new(size_t least)
{
	size_t size = least > ARENA_CHUNK_SIZE ? least : ARENA_CHUNK_SIZE;
	struct arena_chunk *chunk = malloc(sizeof(*chunk) + size);
	if (chunk != NULL)
		*chunk = (struct arena_chunk){ .size = size };
	return chunk;
}

void *arena_alloc(struct arena *a, size_t size)
{
	if (size > SIZE_MAX / 2)
		return NULL;
	size = aligned(size);
	while (a->current == NULL || a->current->size - a->current->used < size) {
		struct arena_chunk *next = a->current ? a->current->next : a->first;
		if (next == NULL) {
			next = chunk_new(size);
			if (next == NULL)
				return NULL;
			*(a->current ? &a->current->next : &a->first) = next;
			a->chunk_count++;
		}
		a->current = next;
	}
	void *memory = a->current->bytes + a->current->used;
	a->current->used += size;
	a->used += size;
	return memory;
}

void arena_shrink(struct arena *a, void *newest, size_t used)
{
	size_t end = (size_t)((char *)newest - a->current->bytes) + aligned(used);
	a->used -= a->current->used - end;
	a->current->used = end;
}

void arena_reset(struct arena *a)
{
	for (struct arena_chunk *chunk = a->first; chunk != NULL; chunk = chunk->next) {
		chunk->used = 0;
		if (chunk == a->current)
			break; /* those behind it are untouched */
	}
	while (a->first != NULL && a->chunk_count > ARENA_KEPT_CHUNKS) {
		struct arena_chunk *spare = a->first;
		a->first = spare->next;
		free(spare);
		a->chunk_count--;
	}
	a->current = NULL;
	a->used = 0;
}

void arena_clear(struct arena *a)
{
	while (a->first != NULL) {
		struct arena_chunk *chunk = a->first;
		a->first = chunk->next;
		free(chunk);
	}
	*a = (struct arena){ 0 };
}
