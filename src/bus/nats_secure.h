/* nats_secure.h: who we are to NATS, and that it is NATS: the urls, credentials and TLS of the settings. For nats.c. */
#ifndef BUS_NATS_SECURE_H
#define BUS_NATS_SECURE_H

#include <stddef.h>

#include <nats/nats.h>

#include "bus/config.h"

/*
 * Puts all of it into the options; reads the files of secrets. Anything but NATS_OK: with a sentence in why, if there is more to say, which
 * has nothing of a secret.
 */
natsStatus nats_secure(
    natsOptions *options, const struct bus_config *config, char *why, size_t why_size);

#endif
