#include <endian.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "store/postgres.h"

typedef bool take_row_fn(struct store_request *r, const PGresult *result, int row);
static take_row_fn take_account, list_account, list_ban, list_file, take_room, take_id, take_piece,
    take_open, take_finished, take_joined, take_rejoined, list_node, take_taken, take_node,
    list_session;

enum { LONG = 1, REPEATABLE = 2, COUNTS = 4 };

#define FILE_COLUMNS "SELECT id, receiver, name, size, completed_ms FROM file "

/*
 * Parameters, one letter each, in the order of $1, $2 ...: n name, h hash, o old_hash, c created_ms, i id, f file, s size_bytes,
 * F max_files, B max_bytes, N node, a address, e epoch, t ticket, b bytes, d digest.
 */
static const struct call {
	enum store_status untouched; /* the answer if no row was found or changed */
	unsigned flags;
	take_row_fn *take_row;
	const char *params;
	const char *sql;
} calls[POSTGRES_CALL_COUNT] = {
	[STORE_ACCOUNT_GET] = { STORE_NONE, REPEATABLE, take_account, "n",
	    "SELECT hash, created_ms FROM account WHERE name = $1" },
	[STORE_ACCOUNT_ADD] = { STORE_TAKEN, 0, NULL, "nhc",
	    "INSERT INTO account (name, hash, created_ms) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING" },
	[STORE_ACCOUNT_SET_HASH] = { STORE_NONE, 0, NULL, "nho",
	    "UPDATE account SET hash = $2 WHERE name = $1 AND ($3 = '' OR hash = $3)" },
	[STORE_ACCOUNT_DELETE] = { STORE_NONE, 0, NULL, "n",
	    "DELETE FROM account WHERE name = $1" },
	[STORE_ACCOUNT_LIST] = { STORE_OK, LONG, list_account, "",
	    "SELECT name, hash, created_ms FROM account ORDER BY name" },
	[STORE_BAN_ADD] = { STORE_TAKEN, 0, NULL, "nc",
	    "INSERT INTO ban (name, created_ms) VALUES ($1, $2) ON CONFLICT DO NOTHING" },
	[STORE_BAN_DELETE] = { STORE_NONE, 0, NULL, "n", "DELETE FROM ban WHERE name = $1" },
	[STORE_BAN_LIST] = { STORE_OK, LONG, list_ban, "",
	    "SELECT name, created_ms FROM ban ORDER BY created_ms, name" },

	[STORE_FILE_LIST] = { STORE_OK, LONG, list_file, "n",
	    FILE_COLUMNS "WHERE $1 = '' OR receiver = $1 ORDER BY id" },
	[STORE_FILE_SNAPSHOT] = { STORE_OK, 0, list_file, "n",
	    FILE_COLUMNS "WHERE receiver = $1 ORDER BY id" },
	[STORE_FILE_REMOVE] = { STORE_NONE, COUNTS, NULL, "i", "DELETE FROM file WHERE id = $1" },
	[STORE_FILE_DELETE] = { STORE_NONE, COUNTS, NULL, "nf",
	    "DELETE FROM file WHERE receiver = $1 AND ($2 = ''::bytea OR name = $2)" },
	[STORE_FILE_EXPIRE] = { STORE_OK, COUNTS, NULL, "c",
	    "DELETE FROM file WHERE id IN (SELECT id FROM file WHERE completed_ms < $1 LIMIT 500)" },
	[STORE_FILE_ROOM] = { STORE_NONE, REPEATABLE, take_room, "n",
	    "SELECT count(file.id), coalesce(sum(file.size), 0)::bigint FROM account "
	    "LEFT JOIN file ON receiver = account.name WHERE account.name = $1 GROUP BY account.name" },

	[STORE_NODE_JOIN] = { STORE_TAKEN, 0, take_joined, "Na",
	    "INSERT INTO node AS has VALUES ($1, 1, now() + interval '20 s', $2) ON CONFLICT (name) "
	    "DO UPDATE SET epoch = has.epoch + 1, until = excluded.until, place = excluded.place "
	    "WHERE has.place = excluded.place OR has.until < now() RETURNING epoch" },
	[STORE_NODE_RENEW] = { STORE_NONE, 0, NULL, "Ne",
	    "UPDATE node SET until = now() + interval '20 s' WHERE name = $1 AND epoch = $2 "
	    "AND node_lives(name, epoch)" },
	[STORE_NODE_REJOIN] = { STORE_NONE, LONG, take_rejoined, "Nea",
	    "WITH again AS (INSERT INTO node AS has VALUES ($1, $2 + 1, now() + interval '20 s', $3) "
	    "ON CONFLICT (name) DO UPDATE SET epoch = has.epoch + 1, until = excluded.until "
	    "WHERE has.epoch = $2 RETURNING epoch), "
	    "kept AS (UPDATE session SET epoch = again.epoch FROM again "
	    "WHERE session.node = $1 AND session.epoch = $2 RETURNING session.name) "
	    "SELECT again.epoch, kept.name FROM again LEFT JOIN kept ON true" },
	[STORE_NODE_LEAVE] = { STORE_NONE, 0, NULL, "Ne",
	    "WITH gone AS (DELETE FROM session WHERE node = $1 AND epoch = $2) "
	    "UPDATE node SET until = '-infinity', epoch = epoch + 1 WHERE name = $1 AND epoch = $2" },
	[STORE_NODE_LIST] = { STORE_OK, 0, list_node, "",
	    "SELECT name, epoch, (CASE WHEN until = '-infinity' THEN 0 ELSE "
	    "extract(epoch FROM until) * 1000 END)::bigint, place FROM node ORDER BY name" },
	[STORE_SESSION_TAKE] = { STORE_UNAVAILABLE, 0, take_taken, "nNetca",
	    "SELECT session_take($1, $2, $3, $4, $5, $6)" },
	[STORE_SESSION_LEAVE] = { STORE_NONE, 0, NULL, "nNt",
	    "DELETE FROM session WHERE name = $1 AND node = $2 AND ticket = $3" },
	[STORE_SESSION_GET] = { STORE_NONE, REPEATABLE, take_node, "n",
	    "SELECT node FROM session WHERE name = $1 AND node_lives(node, epoch)" },
	[STORE_SESSION_LIST] = { STORE_OK, LONG, list_session, "F",
	    "SELECT session.name, session.node, session.epoch, since_ms, address FROM session "
	    "JOIN node ON node.name = session.node AND node.epoch = session.epoch "
	    "WHERE node_lives(node.name, node.epoch) "
	    "ORDER BY seq LIMIT CASE WHEN $1 = 0 THEN NULL ELSE $1 END" },

	[POSTGRES_UPLOAD_BEGIN] = { STORE_UNAVAILABLE, 0, take_id, "Ne",
	    "INSERT INTO upload (node, epoch) VALUES ($1, $2) RETURNING id" },
	[POSTGRES_UPLOAD_DROP] = { STORE_NONE, 0, NULL, "i",
	    "DELETE FROM upload WHERE id = $1 AND NOT is_complete" },
	[POSTGRES_PIECE_ADD] = { STORE_UNAVAILABLE, 0, NULL, "itb",
	    "INSERT INTO piece (upload, number, bytes) VALUES ($1, $2, $3)" },
	[POSTGRES_PIECE_GET] = { STORE_NONE, 0, take_piece, "it",
	    "SELECT bytes FROM piece WHERE upload = $1 AND number = $2" },
	[POSTGRES_FILE_FINISH] = { STORE_UNAVAILABLE, 0, take_finished, "infscdFB",
	    "SELECT file_finish($1, $2, $3, $4, $5, $6, $7, $8)" },
	[POSTGRES_FILE_OPEN] = { STORE_NONE, 0, take_open, "nf",
	    "SELECT upload, size, sha256 FROM file WHERE receiver = $1 AND name = $2" },
	[POSTGRES_SWEEP] = { STORE_OK, COUNTS, NULL, "",
	    "DELETE FROM upload WHERE NOT is_complete AND CASE WHEN node = '' "
	    "THEN began < now() - interval '1 day' ELSE NOT node_lives(node, epoch) END" },
};

static struct log_limit failure_limit;

static void log_failure(const char *during, const char *sqlstate, const char *error)
{
	uint64_t suppressed;
	if (!log_limit_allows(&failure_limit, &suppressed))
		return;
	struct slice words = slice_str(error != NULL ? error : "no memory");
	while (words.len > 0 && words.ptr[words.len - 1] == '\n')
		words.len--;
	log_error("store-failed", LOG_STR("during", during), LOG_SLICE("error", words),
	    LOG_STR("sqlstate", sqlstate != NULL ? sqlstate : ""),
	    LOG_INT("suppressed", suppressed));
}

/* ---- sending ---- */

enum { MAX_PARAMS = 8, OID_BYTEA = 17, OID_INT8 = 20, OID_TEXT = 25 };

struct params {
	Oid types[MAX_PARAMS];
	const char *values[MAX_PARAMS];
	int lengths[MAX_PARAMS];
	int formats[MAX_PARAMS];
	uint64_t numbers[MAX_PARAMS]; /* in the order of the network */
};

static void set_bytes(struct params *p, int i, Oid type, struct slice bytes)
{
	p->types[i] = type;
	p->values[i] = bytes.len > 0 ? bytes.ptr : ""; /* NULL would be SQL's */
	p->lengths[i] = (int)bytes.len;
	p->formats[i] = 1;
}

static void set_number(struct params *p, int i, uint64_t number)
{
	p->numbers[i] = htobe64(number > INT64_MAX ? INT64_MAX : number);
	set_bytes(p, i, OID_INT8, slice_of((const char *)&p->numbers[i], sizeof(uint64_t)));
}

static void set(struct params *p, int i, char letter, const struct store_request *r)
{
	switch (letter) {
	case 'n':
		set_bytes(p, i, OID_TEXT, slice_str(r->name));
		break;
	case 'h':
		set_bytes(p, i, OID_TEXT, slice_str(r->hash));
		break;
	case 'o':
		set_bytes(p, i, OID_TEXT, slice_str(r->old_hash));
		break;
	case 'N':
		set_bytes(p, i, OID_TEXT, slice_str(r->node));
		break;
	case 'a':
		set_bytes(p, i, OID_TEXT, slice_str(r->address));
		break;
	case 'f':
		set_bytes(p, i, OID_BYTEA, slice_str(r->file));
		break;
	case 'b':
		set_bytes(p, i, OID_BYTEA, r->bytes);
		break;
	case 'd':
		set_bytes(p, i, OID_BYTEA, r->digest);
		break;
	case 'c':
		set_number(p, i, (uint64_t)r->created_ms);
		break;
	case 'i':
		set_number(p, i, (uint64_t)r->id);
		break;
	case 'e':
		set_number(p, i, (uint64_t)r->epoch);
		break;
	case 't':
		set_number(p, i, (uint64_t)r->ticket);
		break;
	case 's':
		set_number(p, i, r->size_bytes);
		break;
	case 'F':
		set_number(p, i, r->max_files);
		break;
	case 'B':
		set_number(p, i, r->max_bytes);
		break;
	default:
		abort();
	}
}

static int set_all(struct params *p, const struct call *call, const struct store_request *r)
{
	int count = (int)strlen(call->params);
	for (int i = 0; i < count; i++)
		set(p, i, call->params[i], r);
	return count;
}

static void statement_name(char name_r[static 16], int call)
{
	snprintf(name_r, 16, "call%d", call);
}

bool postgres_calls_prepare(PGconn *db)
{
	static const struct store_request none;
	for (int i = 0; i < POSTGRES_CALL_COUNT; i++) {
		struct params p;
		char name[16];
		if (calls[i].sql == NULL)
			continue;
		statement_name(name, i);
		int count = set_all(&p, &calls[i], &none);
		if (!PQsendPrepare(db, name, calls[i].sql, count, p.types))
			return false;
	}
	return PQpipelineSync(db);
}

bool postgres_call_send(PGconn *db, struct store_request *request)
{
	const struct call *call = &calls[request->call];
	struct params p;
	char name[16];
	statement_name(name, (int)request->call);
	int count = set_all(&p, call, request);
	request->is_touched = request->has_failed = request->is_taken = false;
	if (!PQsendQueryPrepared(db, name, count, p.values, p.lengths, p.formats, 1))
		return false;
	if (call->flags & LONG)
		PQsetSingleRowMode(db);
	return PQpipelineSync(db);
}

bool postgres_call_is_repeatable(const struct store_request *request)
{
	return (calls[request->call].flags & REPEATABLE) && !request->is_touched;
}

bool postgres_call_is_long(const struct store_request *request)
{
	return (calls[request->call].flags & LONG) != 0;
}

/* ---- what comes back ---- */

static int64_t number_at(const PGresult *result, int row, int column)
{
	uint64_t number;
	if (PQgetlength(result, row, column) != (int)sizeof(number))
		return -1;
	memcpy(&number, PQgetvalue(result, row, column), sizeof(number));
	return (int64_t)be64toh(number);
}

/* Copies a column as a string. false: it does not fit, so it is none of ours. */
static bool copy_text(char *to, size_t size, const PGresult *result, int row, int column)
{
	size_t len = (size_t)PQgetlength(result, row, column);
	if (len >= size || memchr(PQgetvalue(result, row, column), '\0', len) != NULL)
		return false;
	memcpy(to, PQgetvalue(result, row, column), len);
	to[len] = '\0';
	return true;
}

static bool take_account(struct store_request *r, const PGresult *result, int row)
{
	r->created_ms = number_at(result, row, 1);
	return copy_text(r->hash, sizeof(r->hash), result, row, 0);
}

/* libpq puts a NUL behind each value. */
static bool list_account(struct store_request *r, const PGresult *result, int row)
{
	r->each_account(
	    r, PQgetvalue(result, row, 0), PQgetvalue(result, row, 1), number_at(result, row, 2));
	return true;
}

static bool list_ban(struct store_request *r, const PGresult *result, int row)
{
	r->each_ban(r, PQgetvalue(result, row, 0), number_at(result, row, 1));
	return true;
}

static bool list_file(struct store_request *r, const PGresult *result, int row)
{
	char name[FILENAME_MAX_LEN + 1];
	if (!copy_text(name, sizeof(name), result, row, 2))
		return false;
	struct store_file file = { .id = number_at(result, row, 0),
		.receiver = PQgetvalue(result, row, 1),
		.name = name,
		.size_bytes = (uint64_t)number_at(result, row, 3),
		.completed_ms = number_at(result, row, 4) };
	r->each_file(r, &file);
	return true;
}

static bool take_room(struct store_request *r, const PGresult *result, int row)
{
	r->files = (uint64_t)number_at(result, row, 0);
	r->size_bytes = (uint64_t)number_at(result, row, 1);
	return true;
}

static bool take_id(struct store_request *r, const PGresult *result, int row)
{
	r->id = number_at(result, row, 0);
	return true;
}

static bool take_piece(struct store_request *r, const PGresult *result, int row)
{
	size_t len = (size_t)PQgetlength(result, row, 0);
	return len <= POSTGRES_PIECE_BYTES &&
	       buffer_append(r->removed, PQgetvalue(result, row, 0), len);
}

static bool take_open(struct store_request *r, const PGresult *result, int row)
{
	r->id = number_at(result, row, 0);
	r->size_bytes = (uint64_t)number_at(result, row, 1);
	return PQgetlength(result, row, 2) == FILE_DIGEST_SIZE &&
	       buffer_append(r->removed, PQgetvalue(result, row, 2), FILE_DIGEST_SIZE);
}

static bool take_finished(struct store_request *r, const PGresult *result, int row)
{
	static const enum store_status answers[] = { STORE_OK, STORE_NONE, STORE_TAKEN };
	int64_t answer = number_at(result, row, 0);
	r->status = answer >= 0 && answer <= 2 ? answers[answer] : STORE_UNAVAILABLE;
	return true;
}

static bool take_joined(struct store_request *r, const PGresult *result, int row)
{
	r->epoch = number_at(result, row, 0);
	return true;
}

static bool take_rejoined(struct store_request *r, const PGresult *result, int row)
{
	struct store_session kept = { .name = PQgetvalue(result, row, 1),
		.node = r->node,
		.address = "",
		.epoch = number_at(result, row, 0) };
	if (!PQgetisnull(result, row, 1))
		r->each_session(r, &kept);
	r->id = kept.epoch; /* the old one is still a parameter */
	return true;
}

static bool list_node(struct store_request *r, const PGresult *result, int row)
{
	struct store_session node = { .name = "",
		.node = PQgetvalue(result, row, 0),
		.epoch = number_at(result, row, 1),
		.since_ms = number_at(result, row, 2),
		.address = PQgetvalue(result, row, 3) };
	r->each_session(r, &node);
	return true;
}

static bool take_taken(struct store_request *r, const PGresult *result, int row)
{
	static const enum store_status answers[] = { STORE_OK, STORE_OK, STORE_TAKEN,
		STORE_UNAVAILABLE };
	int64_t answer = number_at(result, row, 0);
	r->status = answer >= 0 && answer <= 3 ? answers[answer] : STORE_UNAVAILABLE;
	r->files = answer == 1;
	return true;
}

static bool take_node(struct store_request *r, const PGresult *result, int row)
{
	return copy_text(r->node, sizeof(r->node), result, row, 0);
}

static bool list_session(struct store_request *r, const PGresult *result, int row)
{
	struct store_session session = { .name = PQgetvalue(result, row, 0),
		.node = PQgetvalue(result, row, 1),
		.epoch = number_at(result, row, 2),
		.since_ms = number_at(result, row, 3),
		.address = PQgetvalue(result, row, 4) };
	r->each_session(r, &session);
	return true;
}

static void take_rows(struct store_request *r, const struct call *call, const PGresult *result)
{
	for (int row = 0; row < PQntuples(result) && !r->has_failed; row++) {
		r->is_touched = true;
		if (!call->take_row(r, result, row)) {
			r->has_failed = true;
			log_failure(call->sql, "", "a column does not fit, or no memory");
		}
	}
}

void postgres_call_take(struct store_request *r, const PGresult *result)
{
	const struct call *call = &calls[r->call];
	ExecStatusType status = PQresultStatus(result);
	if (!r->is_touched)
		r->status = STORE_OK;
	if (status == PGRES_COMMAND_OK) {
		uint64_t count = strtoull(PQcmdTuples((PGresult *)(uintptr_t)result), NULL, 10);
		r->is_touched = r->is_touched || count > 0;
		if (call->flags & COUNTS)
			r->files += count;
	} else if (status == PGRES_TUPLES_OK || status == PGRES_SINGLE_TUPLE) {
		take_rows(r, call, result);
	} else {
		r->has_failed = true;
		log_failure(call->sql, PQresultErrorField(result, PG_DIAG_SQLSTATE),
		    PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY));
	}
}

enum store_status postgres_call_status(const struct store_request *r)
{
	if (r->has_failed)
		return STORE_UNAVAILABLE;
	return r->is_touched ? r->status : calls[r->call].untouched;
}
