/* identity.h: the certificate of a server that was given none. Main thread; blocks. */
#ifndef SERVER_IDENTITY_H
#define SERVER_IDENTITY_H

#include <stdbool.h>

#include "net/certificate.h"

/*
 * If there is no file at path, makes a self-signed certificate there, for this host's names and addresses. false: why_r is a sentence for
 * the operator.
 */
bool identity_make_if_missing(const char *path, char why_r[static CERTIFICATE_WHY_SIZE]);

#endif
