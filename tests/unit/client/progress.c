#include "client/progress.h"

#include "unit.h"

static const struct text_case {
	const char *name;
	uint64_t bytes, total, elapsed_ms;
	const char *text;
} text_cases[] = {
	{ "at once", 0, 1000, 0, "0 bytes, 0%" },
	{ "one byte", 1, 1, 0, "1 byte, 100%" },
	{ "under way", 1 << 20, 4 << 20, 1000, "1.0 MiB, 25%, 1.0 MiB/s, 3 s left" },
	{ "too early for the time left", 1 << 20, 4 << 20, 500, "1.0 MiB, 25%, 2.0 MiB/s" },
	{ "no total", 1536, PROGRESS_UNKNOWN, 2000, "1.5 KiB, 768 bytes/s" },
	{ "huge", UINT64_MAX, UINT64_MAX, 500, "16777216.0 TiB, 100%, 8388608.0 TiB/s" },
};

static void is_told(void **state)
{
	const struct text_case *c = *state;
	char text[PROGRESS_TEXT_SIZE];
	assert_string_equal(progress_text(c->bytes, c->total, c->elapsed_ms, text), c->text);
}

static void is_summed_up(void **state)
{
	(void)state;
	char text[PROGRESS_TEXT_SIZE];
	assert_string_equal(progress_summary(0, 0, text), "0 bytes in 0.0 s");
	assert_string_equal(
	    progress_summary(3 << 20, 2000, text), "3.0 MiB (3145728 bytes) in 2.0 s, 1.5 MiB/s");
}

int main(int argc, char **argv)
{
	UNIT_EACH(is_told, text_cases);
	UNIT_TEST(is_summed_up);
	return unit_run(argc, argv);
}
