#include "store/postgres_schema.h"

#include <stdio.h>
#include <stdlib.h>

/*
 * Row n takes a database from version n to version n+1 (the one row of messager_schema). Rows are only ever added, and a program of the
 * version before must be able to go on with the tables, since servers are upgraded one by one.
 *
 * Names of files may be any bytes, which PostgreSQL's text may not: they are bytea. STORE_LEASE_MS is the 20 s.
 */
static const char *const migrations[] = {
	"CREATE TABLE account ("
	"  name text COLLATE \"C\" PRIMARY KEY,"
	"  hash text NOT NULL CHECK (length(hash) BETWEEN 1 AND 159),"
	"  created_ms bigint NOT NULL);"
	"CREATE TABLE ban (name text COLLATE \"C\" PRIMARY KEY, created_ms bigint NOT NULL);"

	/* The bytes come first, as an upload of the node that has it at hand; a file is an upload that has a name and a receiver. */
	"CREATE TABLE upload ("
	"  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
	"  node text NOT NULL, epoch bigint NOT NULL, began timestamptz NOT NULL DEFAULT now(),"
	"  is_complete boolean NOT NULL DEFAULT false);"
	"CREATE INDEX upload_under_way ON upload (node) WHERE NOT is_complete;"
	"CREATE TABLE piece ("
	"  upload bigint NOT NULL REFERENCES upload ON DELETE CASCADE,"
	"  number bigint NOT NULL, bytes bytea NOT NULL, PRIMARY KEY (upload, number));"
	"ALTER TABLE piece ALTER bytes SET STORAGE EXTERNAL;"
	"CREATE TABLE file ("
	"  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
	"  upload bigint NOT NULL UNIQUE REFERENCES upload,"
	"  receiver text COLLATE \"C\" NOT NULL REFERENCES account ON DELETE CASCADE,"
	"  name bytea NOT NULL, size bigint NOT NULL, completed_ms bigint NOT NULL,"
	"  sha256 bytea NOT NULL, UNIQUE (receiver, name));"
	"CREATE INDEX file_age ON file (completed_ms);"
	"CREATE FUNCTION file_goes() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
	"  DELETE FROM upload WHERE id = old.upload; RETURN NULL; END $$;"
	"CREATE TRIGGER file_goes AFTER DELETE ON file FOR EACH ROW EXECUTE FUNCTION file_goes();"
	/* 0: it waits; 1: the receiver or the room is gone; 2: the name is taken. The account's row keeps two of one receiver apart. */
	"CREATE FUNCTION file_finish(u bigint, r text, n bytea, s bigint, at_ms bigint, digest bytea,"
	"  max_files bigint, max_bytes bigint) RETURNS bigint LANGUAGE plpgsql AS $$"
	"  DECLARE has_files bigint; has_bytes numeric; "
	"BEGIN"
	"  PERFORM 1 FROM account WHERE name = r FOR UPDATE;"
	"  IF NOT FOUND THEN RETURN 1; END IF;"
	"  IF (SELECT coalesce(sum(octet_length(bytes)), 0) FROM piece WHERE upload = u) <> s THEN"
	"    RAISE 'pieces of upload % are missing', u; END IF;"
	"  SELECT count(*), coalesce(sum(size), 0) INTO has_files, has_bytes FROM file WHERE receiver = r;"
	"  IF (max_files <> 0 AND has_files >= max_files) OR (max_bytes <> 0 AND has_bytes + s > max_bytes)"
	"    THEN RETURN 1; END IF;"
	"  INSERT INTO file (upload, receiver, name, size, completed_ms, sha256)"
	"    VALUES (u, r, n, s, at_ms, digest) ON CONFLICT (receiver, name) DO NOTHING;"
	"  IF NOT FOUND THEN RETURN 2; END IF;"
	"  UPDATE upload SET is_complete = true WHERE id = u AND NOT is_complete;"
	"  IF NOT FOUND THEN RAISE 'upload % is gone', u; END IF;"
	"  RETURN 0;"
	"END $$;"

	/* Servers, and who is on at which. */
	"CREATE TABLE node ("
	"  name text PRIMARY KEY, epoch bigint NOT NULL, until timestamptz NOT NULL, place text NOT NULL);"
	"CREATE TABLE session ("
	"  name text COLLATE \"C\" PRIMARY KEY, node text NOT NULL, epoch bigint NOT NULL, ticket bigint NOT NULL,"
	"  seq bigint GENERATED ALWAYS AS IDENTITY, since_ms bigint NOT NULL, address text NOT NULL);"
	"CREATE INDEX session_node ON session (node);"
	"CREATE INDEX session_seq ON session (seq);"
	/* While PostgreSQL was away nobody could renew: after its start each node has the time of a lease to do so. */
	"CREATE FUNCTION node_lives(n text, e bigint) RETURNS boolean LANGUAGE sql STABLE AS $$"
	"  SELECT EXISTS (SELECT 1 FROM node WHERE name = n AND epoch = e AND (until > clock_timestamp()"
	"    OR (until > '-infinity' AND pg_postmaster_start_time() > clock_timestamp() - interval '20 s'))) $$;"
	"CREATE VIEW lease AS SELECT session.name, node, session.epoch, until FROM session JOIN node"
	"  ON node.name = session.node AND node.epoch = session.epoch;"
	/* 0: its own; 1: its own, taken from a node that is dead; 2: on elsewhere; 3: this node's own time is over. */
	"CREATE FUNCTION session_take(u text, n text, e bigint, t bigint, at_ms bigint, a text)"
	"  RETURNS bigint LANGUAGE plpgsql AS $$ DECLARE has record; "
	"BEGIN"
	"  IF NOT node_lives(n, e) THEN RETURN 3; END IF;"
	"  INSERT INTO session (name, node, epoch, ticket, since_ms, address) VALUES (u, n, e, t, at_ms, a)"
	"    ON CONFLICT (name) DO NOTHING;"
	"  IF FOUND THEN RETURN 0; END IF;"
	"  SELECT * INTO has FROM session WHERE name = u FOR UPDATE;"
	"  IF NOT FOUND THEN RETURN 2; END IF;" /* it has ended in this very moment */
	"  IF (has.node, has.epoch) <> (n, e) AND node_lives(has.node, has.epoch) THEN RETURN 2; END IF;"
	"  DELETE FROM session WHERE name = u;"
	"  INSERT INTO session (name, node, epoch, ticket, since_ms, address) VALUES (u, n, e, t, at_ms, a);"
	"  RETURN CASE WHEN has.node <> n THEN 1 ELSE 0 END;"
	"END $$;",
};
enum { CURRENT_VERSION = sizeof(migrations) / sizeof(migrations[0]) };

/* Any number that others are not likely to lock: "SSLM". */
#define LOCK "SELECT pg_advisory_xact_lock(1397967949)"

static bool execute(PGconn *db, const char *sql)
{
	PGresult *result = PQexec(db, sql);
	ExecStatusType status = PQresultStatus(result);
	PQclear(result);
	return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

static bool read_version(PGconn *db, int *version_r)
{
	PGresult *result = PQexec(db, "SELECT version FROM messager_schema");
	bool is_read = PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1;
	if (is_read)
		*version_r = atoi(PQgetvalue(result, 0, 0));
	PQclear(result);
	return is_read;
}

static bool update(PGconn *db, char *why, size_t why_size)
{
	int version;
	char mark[64];
	if (!execute(db, "BEGIN") || !execute(db, LOCK) ||
	    !execute(db,
		"CREATE TABLE IF NOT EXISTS messager_schema (version integer NOT NULL);"
		"INSERT INTO messager_schema SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM messager_schema)") ||
	    !read_version(db, &version)) {
		snprintf(why, why_size, "cannot use the database: %s", PQerrorMessage(db));
		return false;
	}
	if (version > CURRENT_VERSION) {
		snprintf(why, why_size,
		    "the database was made by a newer messagerd (its version is %d, this program knows %d)",
		    version, CURRENT_VERSION);
		return false;
	}
	if (version == CURRENT_VERSION)
		return true;
	snprintf(mark, sizeof(mark), "UPDATE messager_schema SET version = %d", CURRENT_VERSION);
	bool is_current = true;
	for (; version < CURRENT_VERSION && is_current; version++)
		is_current = execute(db, migrations[version]);
	if (is_current && execute(db, mark))
		return true;
	snprintf(why, why_size, "cannot bring the database up to date: %s", PQerrorMessage(db));
	return false;
}

bool postgres_schema_update(PGconn *db, char *why, size_t why_size)
{
	bool is_current = update(db, why, why_size);
	if (is_current && !execute(db, "COMMIT")) {
		snprintf(why, why_size, "cannot write the database: %s", PQerrorMessage(db));
		is_current = false;
	}
	return is_current; /* what was begun ends with the connection */
}
