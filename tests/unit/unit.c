#include "unit.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { UNIT_MAX_TESTS = 2000, UNIT_NAME_SIZE = 160, UNIT_SHOWN_LEN = 120 };

static struct CMUnitTest tests[UNIT_MAX_TESTS];
static char names[UNIT_MAX_TESTS][UNIT_NAME_SIZE];
static size_t count;

void unit_add(const char *function, const char *row, CMUnitTestFunction test, const void *state)
{
	if (count == UNIT_MAX_TESTS) {
		fputs("unit: more tests than UNIT_MAX_TESTS\n", stderr);
		exit(2);
	}
	snprintf(names[count], UNIT_NAME_SIZE, "%s%s%s", function, row ? ": " : "", row ? row : "");
	for (char *byte = names[count]; *byte != '\0'; byte++) {
		if (*byte < ' ' || *byte > '~' || *byte == '#')
			*byte = '?'; /* a line of TAP can't hold it */
	}
	struct CMUnitTest *added = &tests[count];
	added->name = names[count];
	added->test_func = test;
	memcpy(&added->initial_state, &state, sizeof(state)); /* the tests take it as const again */
	count++;
}

int unit_run(int argc, char **argv)
{
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return _cmocka_run_group_tests(argv[0], tests, count, NULL, NULL) == 0 ? 0 : 1;
}

/* Printable ASCII as it is, the rest as \xHH; a long one is cut. */
static const char *shown(struct slice s, char out[static UNIT_SHOWN_LEN * 4 + 8])
{
	size_t len = 0;
	for (size_t i = 0; i < s.len && i < UNIT_SHOWN_LEN; i++) {
		unsigned char byte = (unsigned char)s.ptr[i];
		bool plain = byte >= 0x20 && byte < 0x7f && byte != '\\';
		len += (size_t)sprintf(out + len, plain ? "%c" : "\\x%02x", byte);
	}
	strcpy(out + len, s.len > UNIT_SHOWN_LEN ? "..." : "");
	return out;
}

void unit_assert_equal(struct slice got, struct slice expected, const char *file, int line)
{
	if (slice_equal(got, expected))
		return;
	size_t at = 0;
	while (at < got.len && at < expected.len && got.ptr[at] == expected.ptr[at])
		at++;
	char text[UNIT_SHOWN_LEN * 4 + 8];
	print_error("expected %zu bytes: %s\n", expected.len, shown(expected, text));
	print_error("got      %zu bytes: %s\n", got.len, shown(got, text));
	print_error("the first difference is at byte %zu\n", at);
	_fail(file, line);
}

/* The linker sends the calls of everything that is linked statically here (see meson.build). */
static atomic_bool is_rationed;
static atomic_long ration;

static bool is_refused(void)
{
	return is_rationed && atomic_fetch_sub(&ration, 1) <= 0;
}

void unit_allocate_only(long n)
{
	ration = n;
	is_rationed = true;
}

void unit_allocate_all(void)
{
	is_rationed = false;
}

/* NOLINTBEGIN(bugprone-reserved-identifier): the linker wants these names. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);

void *__wrap_malloc(size_t size)
{
	return is_refused() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return is_refused() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	return is_refused() ? NULL : __real_realloc(old, size);
}
/* NOLINTEND(bugprone-reserved-identifier) */
