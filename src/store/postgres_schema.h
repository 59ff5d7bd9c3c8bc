/* postgres_schema.h: the tables of a store in PostgreSQL, and how an older database becomes a current one. */
#ifndef STORE_POSTGRES_SCHEMA_H
#define STORE_POSTGRES_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>

#include <libpq-fe.h>

/*
 * Makes the tables in a database that has none of ours, or brings those of an older version up to date, in one transaction; of several
 * servers that start at once one does it and the others wait (an advisory lock). Refuses a newer version. Blocks. Returns false with a sentence
 * in why.
 */
bool postgres_schema_update(PGconn *db, char *why, size_t why_size);

#endif
