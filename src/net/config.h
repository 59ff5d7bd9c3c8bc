/*
 * config.h: the settings that net/ goes by (messagerd.conf(5): [tls], [limits], parts of [login] and [session]). Plain values; a
 * worker has its own copy and gets a new one when the settings are read again.
 */
#ifndef NET_CONFIG_H
#define NET_CONFIG_H

#include <stdint.h>

enum net_client_certificates {
	NET_CLIENT_CERTIFICATES_OFF,
	NET_CLIENT_CERTIFICATES_OPTIONAL,
	NET_CLIENT_CERTIFICATES_REQUIRED
};
enum net_tls_version { NET_TLS_1_2, NET_TLS_1_3 };
enum net_tls_records { NET_TLS_RECORDS_LIBSSL, NET_TLS_RECORDS_OWN };

enum { NET_PATH_SIZE = 1024, NET_LIST_SIZE = 1024 };

/* What a stranger may do that adds to its penalties. */
enum net_offence {
	NET_OFFENCE_PASSWORD,  /* a log-in that was refused */
	NET_OFFENCE_GARBAGE,   /* something that is no query, before log-in */
	NET_OFFENCE_NO_LOGIN,  /* it went, or its time was over, without a log-in */
	NET_OFFENCE_HANDSHAKE, /* it began a handshake that came to nothing */
	NET_OFFENCES
};

/* 0 means no limit wherever a limit may be off. */
struct net_config {
	char certificate_path[NET_PATH_SIZE]; /* never empty once the settings are complete */
	char key_path[NET_PATH_SIZE];
	enum net_client_certificates client_certificates;
	enum net_tls_version min_version;
	enum net_tls_records records; /* who makes those of TLS 1.3 */

	char proxy_from[NET_LIST_SIZE]; /* balancers: for network_parse_list() */
	uint64_t handshake_timeout_ms;
	uint64_t user_timeout_ms;
	uint64_t output_limit_bytes;
	uint64_t connections;
	uint64_t connections_per_address;
	uint64_t unauthenticated;

	uint64_t penalty_ms[NET_OFFENCES];
	uint64_t penalty_threshold_ms; /* 0: nobody is refused */
	uint64_t penalty_longest_ms;
	char penalty_exempt[NET_LIST_SIZE]; /* for network_parse_list() */
};

#endif
