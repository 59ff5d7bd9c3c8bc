/*
 * settings.c: settings files. Besides no crash: what is taken is printed as a file that is taken again, and printed as the
 * same; what is refused is refused in a sentence.
 */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "server/settings.h"

/* One file in memory for all runs. */
static int file = -1;
static char path[64];

static bool load(const char *content, size_t len, struct settings *s)
{
	char why[SETTINGS_WHY_SIZE] = "";
	if (file < 0) {
		file = memfd_create("settings", 0);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	}
	MUST(ftruncate(file, 0) == 0);
	MUST(pwrite(file, content, len, 0) == (ssize_t)len);
	bool is_taken = settings_load(path, NULL, 0, NULL, s, why, sizeof(why));
	MUST(is_taken == (why[0] == '\0'));
	return is_taken;
}

static char *print(const struct settings *s, size_t *len_r)
{
	char *text = NULL;
	FILE *to = open_memstream(&text, len_r);
	MUST(to != NULL);
	settings_print(s, to);
	MUST(fclose(to) == 0);
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct settings s, again;
	size_t len, again_len;
	if (!load((const char *)data, size, &s))
		return 0;
	char *text = print(&s, &len);
	MUST(load(text, len, &again));
	char *text_again = print(&again, &again_len);
	/* A value that no line can hold is printed as advice only. */
	MUST(strstr(text, "--set") != NULL ||
	     (len == again_len && memcmp(text, text_again, len) == 0));
	free(text);
	free(text_again);
	return 0;
}
