/*
 * admin_import.c: takes over the accounts of an original server: the lines `name,D` of its user.csv, D being the password's hash
 * there, kept as legacy:D until the first log-in. What is here already is left alone, so a second run does no harm.
 *
 * The lines are worked off in batches; each is a group of changes that the store commits together.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "chat/legacy_hash.h"
#include "protocol/name.h"
#include "server/admin_call.h"

enum { BATCH = 256 };

struct import_line {
	size_t number;
	struct slice name;
	const char *fault; /* why it is left out; NULL: request says how it went */
	size_t request;
};

struct import {
	struct slice rest; /* of the file */
	size_t line_number;
	size_t imported, left_out;
	struct import_line lines[BATCH];
	size_t line_count;
	struct store_request requests[BATCH];
	size_t request_count;
};

static bool take_line(struct slice *rest, struct slice *line_r)
{
	if (rest->len == 0)
		return false;
	const char *end = memchr(rest->ptr, '\n', rest->len);
	size_t len = end != NULL ? (size_t)(end - rest->ptr) : rest->len;
	*line_r = slice_of(rest->ptr, len);
	*rest = slice_skip(*rest, end != NULL ? len + 1 : len);
	if (slice_ends(*line_r, SLICE("\r")))
		line_r->len--;
	return true;
}

/* Why a line is left out, or NULL: then request is filled. */
static const char *read_line(
    struct slice line, struct import_line *out, struct store_request *request)
{
	if (line.len == 0)
		return "the line is empty";
	const char *comma = memchr(line.ptr, ',', line.len);
	if (comma == NULL)
		return "there is no comma";
	out->name = slice_of(line.ptr, (size_t)(comma - line.ptr));
	struct slice hash = slice_skip(line, out->name.len + 1);
	if (name_check(out->name) != NAME_OK)
		return "no user can have this name";
	if (hash.len >= STORE_HASH_SIZE - sizeof(LEGACY_HASH_PREFIX))
		return "this is no hash";
	*request =
	    (struct store_request){ .call = STORE_ACCOUNT_ADD, .created_ms = clock_wall_ms() };
	memcpy(request->name, out->name.ptr, out->name.len);
	memcpy(request->hash, LEGACY_HASH_PREFIX, sizeof(LEGACY_HASH_PREFIX) - 1);
	memcpy(request->hash + sizeof(LEGACY_HASH_PREFIX) - 1, hash.ptr, hash.len);
	return legacy_hash_is_one(request->hash) ? NULL : "this is no hash";
}

static void read_batch(struct import *import)
{
	struct slice line;
	import->line_count = import->request_count = 0;
	while (import->line_count < BATCH && take_line(&import->rest, &line)) {
		struct import_line *out = &import->lines[import->line_count++];
		*out = (struct import_line){ .number = ++import->line_number,
			.request = import->request_count };
		out->fault = read_line(line, out, &import->requests[import->request_count]);
		import->request_count += out->fault == NULL ? 1 : 0;
	}
}

static void report_line(struct answer *a, const struct import_line *line, const char *fault)
{
	answer_note(a, "line %zu: %.*s%s%s", line->number, (int)line->name.len, line->name.ptr,
	    line->name.len > 0 ? ": " : "", fault);
	if (!a->is_json)
		return;
	answer_row(a);
	answer_number(a, "line", (int64_t)line->number);
	answer_string(a, "name", line->name);
	answer_string(a, "reason", slice_str(fault));
	answer_row_end(a);
}

/* false: the store can't. */
static bool report_batch(struct import *import, struct answer *a)
{
	for (size_t i = 0; i < import->line_count; i++) {
		const struct import_line *line = &import->lines[i];
		const char *fault = line->fault;
		if (fault == NULL) {
			enum store_status status = import->requests[line->request].status;
			if (status == STORE_UNAVAILABLE)
				return false;
			import->imported += status == STORE_OK ? 1 : 0;
			fault = status == STORE_TAKEN ? "there is such an account already" : NULL;
		}
		if (fault == NULL)
			continue;
		import->left_out++;
		report_line(a, line, fault);
	}
	return true;
}

static void end_import(struct admin_call *call)
{
	struct import *import = call->own;
	if (!call->answer.has_failed) {
		answer_list_end(&call->answer);
		answer_number(&call->answer, "imported", (int64_t)import->imported);
		answer_number(&call->answer, "left_out", (int64_t)import->left_out);
	}
	free(import);
	call_end(call);
}

static void after_batch(struct admin_call *call);

/* Reads on until there is something for the store to do, or nothing left to read. */
static void next_batch(struct admin_call *call)
{
	struct import *import = call->own;
	do {
		read_batch(import);
		if (import->request_count > 0) {
			call_store(call, import->requests, import->request_count, after_batch);
			return;
		}
		report_batch(import, &call->answer);
	} while (import->rest.len > 0);
	end_import(call);
}

static void after_batch(struct admin_call *call)
{
	struct import *import = call->own;
	size_t first_line = import->lines[0].number;
	if (!report_batch(import, &call->answer))
		answer_fail(&call->answer,
		    "the store can't take more accounts, the server's log says why; all before line %zu are done, so import "
		    "again when it can",
		    first_line);
	else if (call_is_cancelled(call) && import->rest.len > 0)
		answer_fail(&call->answer,
		    "the server is stopping; all up to line %zu are done, so import again later",
		    import->line_number);
	if (call->answer.has_failed || import->rest.len == 0)
		end_import(call);
	else
		next_batch(call);
}

void admin_user_import(struct admin_call *call)
{
	struct import *import = calloc(1, sizeof(*import));
	if (import == NULL) {
		answer_fail(&call->answer, "no memory");
		call_end(call);
		return;
	}
	import->rest = call->body;
	call->own = import;
	answer_list(&call->answer, "left_out_lines");
	next_batch(call);
}
