/*
 * unit.h: what the unit tests have beyond cmocka: tables whose every row is a test with a name of its own,
 * bytes compared and shown, and memory that runs out when told to.
 *
 *	static const struct add_case { const char *name; int a, b, sum; } add_cases[] = { ... };
 *	static void adds(void **state) { const struct add_case *c = *state; ... }
 *
 *	int main(int argc, char **argv)
 *	{
 *		UNIT_TEST(nothing_comes_of_nothing);
 *		UNIT_EACH(adds, add_cases);
 *		return unit_run(argc, argv);
 *	}
 */
#ifndef UNIT_H
#define UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/slice.h"

/* A plain test. */
#define UNIT_TEST(function) unit_add(#function, NULL, function, NULL)

/* A test for each row of an array of structs that begin with `const char *name`; the function gets the row in *state. */
#define UNIT_EACH(function, rows)                                                                  \
	do {                                                                                       \
		for (size_t row = 0; row < sizeof(rows) / sizeof(*(rows)); row++)                  \
			unit_add(#function, (rows)[row].name, function, &(rows)[row]);             \
	} while (0)

void unit_add(const char *function, const char *row, CMUnitTestFunction test, const void *state);

/* Runs what was added: all, or what the pattern in argv[1] names ("adds*"). Returns main()'s status. */
int unit_run(int argc, char **argv);

/* Fails, and shows both, if the bytes differ. */
#define assert_slice_equal(got, expected) unit_assert_equal(got, expected, __FILE__, __LINE__)
#define assert_slice_is(got, literal)     assert_slice_equal(got, SLICE(literal))
void unit_assert_equal(struct slice got, struct slice expected, const char *file, int line);

/* From now on the first n allocations of the code under test succeed and the rest fails, until unit_allocate_all(). */
void unit_allocate_only(long n);
void unit_allocate_all(void);

#endif
