/* admin_files.c: which files wait for whom, and taking them away. */
#include <string.h>

#include "server/admin_call.h"

/* On the store's thread, which has the answer to itself until it is done. */
static void list_file(struct store_request *request, const struct store_file *file)
{
	struct admin_call *call = request->arg;
	answer_row(&call->answer);
	answer_string(&call->answer, "receiver", slice_str(file->receiver));
	answer_string(&call->answer, "file", slice_str(file->name));
	answer_number(&call->answer, "bytes", (int64_t)file->size_bytes);
	answer_time(&call->answer, "since", file->completed_ms);
	answer_row_end(&call->answer);
}

static void after_list(struct admin_call *call)
{
	answer_list_end(&call->answer);
	if (call->request.status != STORE_OK)
		call_fail_unavailable(call);
	call_end(call);
}

void admin_files_list(struct admin_call *call)
{
	if (call->arg_count > 0)
		call_arg_str(call, 0, call->request.name);
	if (call->arg_count > 0 && name_check(call->args[0]) != NAME_OK) {
		answer_fail(&call->answer, "%.*s is no user name", (int)call->args[0].len,
		    call->args[0].ptr);
		call_end(call);
		return;
	}
	answer_list(&call->answer, "files");
	call->request.call = STORE_FILE_LIST;
	call->request.each_file = list_file;
	call_store(call, &call->request, 1, after_list);
}

static void after_delete(struct admin_call *call)
{
	const struct store_request *r = &call->request;
	if (r->status == STORE_OK)
		answer_say(&call->answer, "%s does not wait for %s any more", r->file, r->name);
	else if (r->status == STORE_NONE)
		answer_fail(&call->answer, "no file %.*s waits for %.*s", (int)call->args[1].len,
		    call->args[1].ptr, (int)call->args[0].len, call->args[0].ptr);
	else
		call_fail_unavailable(call);
	call_end(call);
}

void admin_files_delete(struct admin_call *call)
{
	struct slice file = call->args[1];
	call_arg_str(call, 0, call->request.name);
	if (file.len > FILENAME_MAX_LEN) {
		call->request.status = STORE_NONE;
		after_delete(call);
		return;
	}
	memcpy(call->request.file, file.ptr, file.len);
	call->request.file[file.len] = '\0';
	call->request.call = STORE_FILE_DELETE;
	call_store(call, &call->request, 1, after_delete);
}
