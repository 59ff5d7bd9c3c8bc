#include "client/full/names.h"

#include <stddef.h>

#include "client/full/find.h"

/* Clear on their background, and apart from green, the group's, and red, which tells of failures. */
static const uint8_t dark_8[] = { 3, 4, 5, 6 };
static const uint8_t light_8[] = { 4, 5, 6 };
static const uint8_t dark_256[] = { 39, 44, 75, 81, 110, 117, 141, 147, 153, 173, 177, 179, 180,
	183, 186, 208, 211, 212, 215, 216, 221, 222 };
static const uint8_t light_256[] = { 18, 19, 20, 25, 26, 30, 54, 55, 56, 61, 88, 89, 90, 91, 92, 94,
	97, 125, 126, 130, 131, 133 };

/* FNV-1a: names of one letter's difference fall apart. */
static uint32_t hash(struct slice name)
{
	uint32_t sum = 2166136261U;
	for (size_t i = 0; i < name.len; i++)
		sum = (sum ^ (unsigned char)name.ptr[i]) * 16777619U;
	return sum ^ sum >> 16;
}

int16_t name_color(struct slice name, unsigned colors, bool is_light)
{
	static const struct {
		unsigned colors;
		bool is_light;
		const uint8_t *palette;
		size_t count;
	} palettes[] = {
		{ 256, false, dark_256, sizeof(dark_256) },
		{ 256, true, light_256, sizeof(light_256) },
		{ 8, false, dark_8, sizeof(dark_8) },
		{ 8, true, light_8, sizeof(light_8) },
	};
	for (size_t i = 0; i < sizeof(palettes) / sizeof(*palettes); i++) {
		if (colors >= palettes[i].colors && is_light == palettes[i].is_light)
			return palettes[i].palette[hash(name) % palettes[i].count];
	}
	return -1;
}

static bool is_name_byte(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       c == '_' || (c & 0x80) != 0;
}

bool name_is_in(struct slice name, struct slice text)
{
	size_t at = 0;
	if (name.len == 0)
		return false;
	while ((at = find_text(text, name, at)) != NOT_FOUND) {
		size_t end = at + name.len;
		if ((at == 0 || !is_name_byte(text.ptr[at - 1])) &&
		    (end >= text.len || !is_name_byte(text.ptr[end])))
			return true;
		at++;
	}
	return false;
}
