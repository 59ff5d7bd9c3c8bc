/* progress.h: how far a transfer is, in words. Pure; any thread. */
#ifndef CLIENT_PROGRESS_H
#define CLIENT_PROGRESS_H

#include <stdint.h>

enum {
	PROGRESS_BYTES_SIZE = 32,
	PROGRESS_TEXT_SIZE = 128,
	PROGRESS_UNKNOWN = 0, /* as a total */
};

/* "17 bytes", "1.5 MiB". Returns out. */
char *progress_bytes(uint64_t bytes, char out[static PROGRESS_BYTES_SIZE]);

/* Bytes per second; 0: too short to tell. */
uint64_t progress_rate(uint64_t bytes, uint64_t elapsed_ms);

/* "1.5 MiB, 30%, 800.0 KiB/s, 4 s left"; what is not known is left out. Returns out. */
char *progress_text(
    uint64_t bytes, uint64_t total_bytes, uint64_t elapsed_ms, char out[static PROGRESS_TEXT_SIZE]);

/* "1.5 MiB (1572864 bytes) in 2.0 s, 768.0 KiB/s". Returns out. */
char *progress_summary(uint64_t bytes, uint64_t elapsed_ms, char out[static PROGRESS_TEXT_SIZE]);

#endif
