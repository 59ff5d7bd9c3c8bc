#include "client/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { RATE_AFTER_MS = 100, LEFT_AFTER_MS = 1000 };

char *progress_bytes(uint64_t bytes, char out[static PROGRESS_BYTES_SIZE])
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
	double value = (double)bytes / 1024;
	size_t unit = 0;
	if (bytes < 1024) {
		snprintf(
		    out, PROGRESS_BYTES_SIZE, "%u byte%s", (unsigned)bytes, bytes == 1 ? "" : "s");
		return out;
	}
	for (; value >= 1024 && unit < 3; unit++)
		value /= 1024;
	snprintf(out, PROGRESS_BYTES_SIZE, "%.1f %s", value, units[unit]);
	return out;
}

uint64_t progress_rate(uint64_t bytes, uint64_t elapsed_ms)
{
	if (elapsed_ms < RATE_AFTER_MS)
		return 0;
	double rate = (double)bytes * 1000 / (double)elapsed_ms;
	return rate < (double)INT64_MAX ? (uint64_t)rate : INT64_MAX;
}

/* Adds to what out holds. */
static void add(char *out, const char *before, const char *text, const char *after)
{
	size_t len = strlen(out);
	snprintf(out + len, PROGRESS_TEXT_SIZE - len, "%s%s%s", before, text, after);
}

static void add_number(char *out, const char *before, uint64_t number, const char *after)
{
	char digits[24];
	snprintf(digits, sizeof(digits), "%" PRIu64, number);
	add(out, before, digits, after);
}

char *progress_text(
    uint64_t bytes, uint64_t total_bytes, uint64_t elapsed_ms, char out[static PROGRESS_TEXT_SIZE])
{
	char amount[PROGRESS_BYTES_SIZE];
	uint64_t rate = progress_rate(bytes, elapsed_ms);
	snprintf(out, PROGRESS_TEXT_SIZE, "%s", progress_bytes(bytes, amount));
	if (total_bytes > 0)
		add_number(out, ", ", (uint64_t)((double)bytes * 100 / (double)total_bytes), "%");
	if (rate > 0)
		add(out, ", ", progress_bytes(rate, amount), "/s");
	if (rate > 0 && total_bytes >= bytes && elapsed_ms >= LEFT_AFTER_MS)
		add_number(out, ", ", (total_bytes - bytes + rate - 1) / rate, " s left");
	return out;
}

char *progress_summary(uint64_t bytes, uint64_t elapsed_ms, char out[static PROGRESS_TEXT_SIZE])
{
	char amount[PROGRESS_BYTES_SIZE];
	uint64_t rate = progress_rate(bytes, elapsed_ms);
	snprintf(out, PROGRESS_TEXT_SIZE, "%s", progress_bytes(bytes, amount));
	if (bytes >= 1024)
		add_number(out, " (", bytes, " bytes)");
	snprintf(amount, sizeof(amount), "%.1f", (double)elapsed_ms / 1000);
	add(out, " in ", amount, " s");
	if (rate > 0 && bytes > 0)
		add(out, ", ", progress_bytes(rate, amount), "/s");
	return out;
}
