/* config.h: the settings that chat/ goes by (messagerd.conf(5): [login], [session], [files], parts of [limits]). Plain values. */
#ifndef CHAT_CONFIG_H
#define CHAT_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

/* 0 means no limit wherever a limit may be off. */
struct chat_config {
	uint64_t login_timeout_ms;
	uint64_t max_tries;
	bool registration_open;
	uint64_t min_password_length;
	uint64_t password_memory_bytes;
	uint64_t password_passes;

	uint64_t check_interval_ms;
	uint64_t idle_timeout_ms;
	uint64_t query_timeout_ms;
	uint64_t messages_per_second;
	uint64_t burst;

	uint64_t failed_logins_per_minute; /* of one address */
	uint64_t sign_ups_per_minute;      /* of one address */

	uint64_t upload_ms;
	uint64_t download_ms;
	uint64_t file_max_bytes;
	uint64_t max_waiting_files; /* per receiver */
	uint64_t max_waiting_bytes; /* per receiver */
	uint64_t keep_days;
};

#endif
