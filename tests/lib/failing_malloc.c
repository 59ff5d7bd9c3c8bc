/*
 * failing_malloc.c: to be preloaded: an allocation that fails when a test says so. The file that FAILING_MALLOC names is shared memory:
 *
 *	countdown   set by the test to k: the k-th allocation from now on fails, the others do not. 0: none does
 *	calls       allocations so far
 *	failures    of these, failed on purpose
 *	live        blocks that are allocated now
 */
#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "shared_control.h"

/* What glibc has behind the functions that are replaced here. NOLINTBEGIN(bugprone-reserved-identifier): the names are its own. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *block);
/* NOLINTEND(bugprone-reserved-identifier) */

struct control {
	_Atomic int64_t countdown;
	_Atomic uint64_t calls;
	_Atomic uint64_t failures;
	_Atomic int64_t live;
};

static struct control *control;

__attribute__((constructor)) static void open_control(void)
{
	control = shared_control_open("FAILING_MALLOC", sizeof(*control));
}

static bool fails(void)
{
	if (control == NULL)
		return false;
	control->calls++;
	int64_t left = control->countdown;
	while (left > 0 && !atomic_compare_exchange_weak(&control->countdown, &left, left - 1))
		;
	if (left != 1)
		return false;
	control->failures++;
	errno = ENOMEM;
	return true;
}

static void *counted(void *block)
{
	if (block != NULL && control != NULL)
		control->live++;
	return block;
}

void *malloc(size_t size)
{
	return fails() ? NULL : counted(__libc_malloc(size));
}

void *calloc(size_t count, size_t size)
{
	return fails() ? NULL : counted(__libc_calloc(count, size));
}

void *realloc(void *block, size_t size)
{
	if (fails())
		return NULL;
	void *moved = __libc_realloc(block, size);
	if (block == NULL)
		return counted(moved);
	if (moved == NULL && size == 0 && control != NULL)
		control->live--;
	return moved;
}

void *memalign(size_t alignment, size_t size)
{
	return fails() ? NULL : counted(__libc_memalign(alignment, size));
}

void *aligned_alloc(size_t alignment, size_t size)
{
	return memalign(alignment, size);
}

int posix_memalign(void **block_r, size_t alignment, size_t size)
{
	void *block = memalign(alignment, size);
	if (block == NULL)
		return ENOMEM;
	*block_r = block;
	return 0;
}

void free(void *block)
{
	if (block != NULL && control != NULL)
		control->live--;
	__libc_free(block);
}
