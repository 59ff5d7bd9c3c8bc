/* names.h: the colour of a name, the same wherever and whenever it is shown. Never the only sign of anything. Pure; any thread. */
#ifndef CLIENT_FULL_NAMES_H
#define CLIENT_FULL_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

/*
 * A colour of the terminal's palette that can be read on its background.
 *   colors    that the terminal has: fewer than 8 are none
 *   is_light  the background is light
 * Returns -1 where there are no colours.
 */
int16_t name_color(struct slice name, unsigned colors, bool is_light);

/* Is name a word of text? Case does not matter, since people write a name as the sentence wants it. */
bool name_is_in(struct slice name, struct slice text);

#endif
