/* migrate.h: moving up: the embedded store's accounts, bans and waiting files, copied to another one (messagerd --migrate-to). Main thread. */
#ifndef SERVER_MIGRATE_H
#define SERVER_MIGRATE_H

#include "server/settings.h"

/*
 * Copies from the store of the settings, which no server may be using, to that of the url, and compares. What is there already stays as it is, so
 * it may be repeated, after an interruption or to fetch what has come since. Says on standard output what it did, on standard error what went
 * wrong. Blocks. Returns the exit status: 0, all that the one has is in the other; 1, it is not.
 */
int migrate_run(const struct settings *settings, const char *url);

#endif
