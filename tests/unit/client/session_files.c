/* Files in a session: what goes out, what comes in, and that nothing else is between. */
#include "client/session.h"

#include "client/download.h"
#include "client/talk.h"
#include "unit.h"

static ssize_t read_text(void *ctx, char *out, size_t room)
{
	struct slice *text = ctx;
	size_t len = text->len < room ? text->len : room;
	memcpy(out, text->ptr, len);
	*text = slice_skip(*text, len);
	return (ssize_t)len;
}

/* A record that is taken as it is. */
static void hears_record(struct talk *t, struct slice record)
{
	assert_true(session_receive(t->session, record, t->now_ms));
}

static void a_file_has_the_wire_for_itself(void **state)
{
	(void)state;
	struct talk t;
	char got[RECORD_MAX_LEN];
	struct slice text = SLICE("data");
	starts(&t);
	types(&t, "bob", "before");
	assert_true(session_upload(t.session, SLICE("bob"), SLICE("a b.txt"), read_text, &text));
	types(&t, "bob", "after");
	assert_false(session_download(t.session));
	says(&t, "MSG bob alice before token");
	says(&t, "BEGINF a b.txt bob token");
	tells(&t, "upload begun\n");
	assert_slice_is(slice_of(got, session_next(t.session, t.now_ms, got)), "data");
	hears(&t, "RELAY alice bob meanwhile");
	tells(&t, "message bob: meanwhile\n");
	says(&t, "ENDF token");
	says_nothing(&t);
	hears(&t, "CMD <upload complete>");
	tells(&t, "uploaded: upload complete\n");
	says(&t, "MSG bob alice after token");
	assert_false(session_is_transferring(t.session));
	talk_end(&t);
}

static void names_that_were_asked_for_are_no_answer_for_a_file(void **state)
{
	(void)state;
	struct talk t;
	struct slice text = SLICE("");
	starts(&t);
	assert_true(session_ask_online(t.session));
	assert_true(session_upload(t.session, SLICE("bob"), SLICE("a"), read_text, &text));
	says(&t, "CMD <online> token");
	says(&t, "BEGINF a bob token");
	says(&t, "ENDF token");
	hears(&t, "CMD <problem with command>");
	hears(&t, "CMD <upload complete>");
	tells(&t, "upload begun\nnames: problem with command\nuploaded: upload complete\n");
	talk_end(&t);
}

static void files_come(void **state)
{
	(void)state;
	struct talk t;
	starts(&t);
	assert_true(session_download(t.session));
	types(&t, "bob", "after");
	says(&t, "CMD <get> token");
	says_nothing(&t);
	hears(&t, "RELAY alice bob before");
	hears(&t, "BEGIN 2");
	hears(&t, "BEGINF a b");
	hears(&t, "RELAY alice bob inside");
	hears_record(&t, SLICE("ENDF \r"));
	hears_record(&t, SLICE("ENDF \r\n"));
	hears(&t, "CHECK");
	hears(&t, "BEGINF c");
	hears_record(&t, SLICE("ENDF \r\n"));
	says_nothing(&t);
	hears(&t, "CMD <file send complete>");
	tells(&t,
	    "message bob: before\nfiles 2\nfile: a b\nbytes: RELAY alice bob inside \r\n\nbytes: ENDF \r\nfile end\n"
	    "file: c\nfile end\nfiles end 0: file send complete\n");
	says(&t, "MSG bob alice after token");
	talk_end(&t);
}

static void bytes_behind_the_beginning_of_a_file_are_not_taken(void **state)
{
	(void)state;
	struct talk t;
	starts(&t);
	assert_true(session_download(t.session));
	says(&t, "CMD <get> token");
	hears(&t, "BEGIN 1");
	assert_false(session_receive(t.session, SLICE("BEGINF a \r\ndata"), t.now_ms));
	talk_end(&t);
}

static void a_transfer_ends_with_its_connection(void **state)
{
	(void)state;
	struct talk t;
	struct slice text = SLICE("data");
	starts(&t);
	assert_true(session_upload(t.session, SLICE("bob"), SLICE("a"), read_text, &text));
	session_lost(t.session);
	tells(&t, "transfer lost\n");
	connects(&t, true);
	logs_in(&t);
	says_nothing(&t);
	assert_true(session_download(t.session));
	says(&t, "CMD <get> token");
	hears(&t, "BEGIN 1");
	hears(&t, "BEGINF a");
	session_lost(t.session);
	tells(&t, "files 1\nfile: a\ntransfer lost\n");
	connects(&t, true);
	logs_in(&t);
	hears(&t, "RELAY alice bob hello");
	tells(&t, "message bob: hello\n");
	talk_end(&t);
}

static void a_download_that_stands_still_is_silence(void **state)
{
	(void)state;
	struct talk t;
	starts(&t);
	assert_true(session_download(t.session));
	says(&t, "CMD <get> token");
	passes(&t, DOWNLOAD_SILENCE_MS - 1, true);
	assert_false(session_is_silent(t.session, t.now_ms));
	passes(&t, 1, true);
	assert_true(session_is_silent(t.session, t.now_ms));
	talk_end(&t);
}

int main(int argc, char **argv)
{
	UNIT_TEST(a_file_has_the_wire_for_itself);
	UNIT_TEST(names_that_were_asked_for_are_no_answer_for_a_file);
	UNIT_TEST(files_come);
	UNIT_TEST(bytes_behind_the_beginning_of_a_file_are_not_taken);
	UNIT_TEST(a_transfer_ends_with_its_connection);
	UNIT_TEST(a_download_that_stands_still_is_silence);
	return unit_run(argc, argv);
}
