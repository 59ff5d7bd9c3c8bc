/* sqlite_schema.h: the tables of a store in SQLite, and how an older file becomes a current one. */
#ifndef STORE_SQLITE_SCHEMA_H
#define STORE_SQLITE_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>

#include <sqlite3.h>

/*
 * Makes the tables in an empty database, or brings those of an older version up to date, in one transaction, after a copy of that one was
 * made beside it, PATH.version-N, and is on disk. Refuses the database of another program or of a newer version. Blocks. Returns false with a
 * sentence in why.
 */
bool sqlite_schema_update(sqlite3 *db, const char *path, char *why, size_t why_size);

#endif
