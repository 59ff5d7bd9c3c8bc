/* why.h: the sentence that says to a person why something could not be done. */
#ifndef CLIENT_WHY_H
#define CLIENT_WHY_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

#include "net/certificate.h"

enum { WHY_SIZE = CERTIFICATE_WHY_SIZE };

struct why {
	char text
	    [WHY_SIZE]; /* without a line end; may hold foreign bytes: sanitize() before showing */
};

/* Fills w and returns false, for `return why_fail(…)`. What is too long is cut. */
static inline bool __attribute__((format(printf, 2, 3)))
why_fail(struct why *w, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	/* cppcheck-suppress ctuuninitvar ; it is filled here */
	vsnprintf(w->text, sizeof(w->text), format, args);
	va_end(args);
	return false;
}

#endif
