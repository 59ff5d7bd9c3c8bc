/*
 * mbedtls_client.c: mbedTLS as a TLS client at the other end of a pipe, for dialogues: what it reads it sends, what it hears it shows.
 *
 *	mbedtls_client HOST PORT CIPHERSUITE
 *
 * Certificates are not looked at. Ends with the connection or with standard input; status 1: no connection, or no handshake.
 */
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/net_sockets.h>
#include <mbedtls/ssl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { BUFFER_SIZE = 16 * 1024 };

static mbedtls_net_context net;
static mbedtls_ssl_context ssl;
static mbedtls_ssl_config config;
static mbedtls_entropy_context entropy;
static mbedtls_ctr_drbg_context random_source;
static int suites[2];

static bool shake_hands(const char *host, const char *port)
{
	mbedtls_net_init(&net);
	mbedtls_ssl_init(&ssl);
	mbedtls_ssl_config_init(&config);
	mbedtls_entropy_init(&entropy);
	mbedtls_ctr_drbg_init(&random_source);
	if (mbedtls_ctr_drbg_seed(&random_source, mbedtls_entropy_func, &entropy, NULL, 0) != 0 ||
	    mbedtls_net_connect(&net, host, port, MBEDTLS_NET_PROTO_TCP) != 0 ||
	    mbedtls_ssl_config_defaults(&config, MBEDTLS_SSL_IS_CLIENT,
		MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT) != 0)
		return false;
	mbedtls_ssl_conf_authmode(&config, MBEDTLS_SSL_VERIFY_NONE);
	mbedtls_ssl_conf_rng(&config, mbedtls_ctr_drbg_random, &random_source);
	mbedtls_ssl_conf_ciphersuites(&config, suites);
	mbedtls_ssl_set_bio(&ssl, &net, mbedtls_net_send, mbedtls_net_recv, NULL);
	return mbedtls_ssl_setup(&ssl, &config) == 0 && mbedtls_ssl_handshake(&ssl) == 0;
}

static bool send_all(const unsigned char *bytes, size_t len)
{
	while (len > 0) {
		int sent = mbedtls_ssl_write(&ssl, bytes, len);
		if (sent <= 0)
			return false;
		bytes += sent;
		len -= (size_t)sent;
	}
	return true;
}

/* One record's. */
static bool show(void)
{
	unsigned char bytes[BUFFER_SIZE];
	int len = mbedtls_ssl_read(&ssl, bytes, sizeof(bytes));
	return len > 0 && fwrite(bytes, (size_t)len, 1, stdout) == 1 && fflush(stdout) == 0;
}

static bool go_on(void)
{
	struct pollfd ready[] = { { .fd = STDIN_FILENO, .events = POLLIN },
		{ .fd = net.fd, .events = POLLIN } };
	unsigned char bytes[BUFFER_SIZE];
	if (mbedtls_ssl_check_pending(&ssl))
		return show();
	if (poll(ready, 2, -1) < 0)
		return false;
	if (ready[1].revents != 0 && !show())
		return false;
	if (ready[0].revents == 0)
		return true;
	ssize_t len = read(STDIN_FILENO, bytes, sizeof(bytes));
	return len > 0 && send_all(bytes, (size_t)len);
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	suites[0] = mbedtls_ssl_get_ciphersuite_id(argv[3]);
	if (suites[0] == 0 || !shake_hands(argv[1], argv[2])) {
		puts("no handshake");
		return 1;
	}
	printf("%s %s\n", mbedtls_ssl_get_version(&ssl), mbedtls_ssl_get_ciphersuite(&ssl));
	fflush(stdout);
	while (go_on())
		continue;
	mbedtls_ssl_close_notify(&ssl);
	return 0;
}
