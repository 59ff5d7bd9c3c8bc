#include "client/upload.h"

#include "unit.h"

/* A file of so many bytes, all 'x'; fails after that if it is said to. */
struct file {
	size_t left;
	bool fails;
};

static ssize_t read_file(void *ctx, char *out, size_t room)
{
	struct file *f = ctx;
	size_t len = f->left < room ? f->left : room;
	if (len == 0)
		return f->fails ? -1 : 0;
	memset(out, 'x', len);
	f->left -= len;
	return (ssize_t)len;
}

static char out[RECORD_MAX_LEN];

static struct slice next(struct upload *u, uint64_t now_ms)
{
	return slice_of(out, upload_next(u, SLICE("T"), now_ms, out));
}

static struct upload begun(struct file *f, bool original)
{
	struct upload u;
	upload_queue(&u, read_file, f);
	assert_false(upload_is_on(&u));
	upload_begin(&u, original, 1000);
	assert_true(upload_is_on(&u));
	return u;
}

static const struct size_case {
	const char *name;
	size_t size;
	size_t records;
} size_cases[] = {
	{ "nothing", 0, 0 },
	{ "a byte", 1, 1 },
	{ "a record less one", RECORD_MAX_LEN - 1, 1 },
	{ "a record", RECORD_MAX_LEN, 1 },
	{ "a record and one", RECORD_MAX_LEN + 1, 2 },
};

static void goes_out_in_records_and_ends(void **state)
{
	const struct size_case *c = *state;
	struct file f = { .left = c->size };
	struct upload u = begun(&f, false);
	size_t total = 0;
	for (size_t i = 0; i < c->records; i++)
		total += next(&u, 1000).len;
	assert_int_equal(total, c->size);
	assert_slice_is(next(&u, 1000), "ENDF T \r\n");
	assert_int_equal(u.sent_bytes, c->size);
	assert_slice_is(next(&u, 1000), "");
	assert_int_equal(upload_take_answer(&u, SLICE("<upload complete>")), UPLOAD_COMPLETE);
	assert_false(upload_is_on(&u));
}

static void a_refusal_is_one(void **state)
{
	(void)state;
	struct file f = { 0 };
	struct upload u = begun(&f, false);
	next(&u, 1000);
	assert_int_equal(upload_take_answer(&u, SLICE("<alice bob>")), UPLOAD_NO_ANSWER);
	assert_int_equal(upload_take_answer(&u, SLICE("<problem with command>")), UPLOAD_REFUSED);
	assert_int_equal(upload_take_answer(&u, SLICE("<upload complete>")), UPLOAD_NO_ANSWER);
}

static void an_early_refusal_ends_the_bytes(void **state)
{
	(void)state;
	struct file f = { .left = 100000 };
	struct upload u = begun(&f, false);
	next(&u, 1000);
	assert_int_equal(upload_take_answer(&u, SLICE("<problem with command>")), UPLOAD_REFUSED);
	assert_true(upload_is_on(&u));
	assert_slice_is(next(&u, 1000), "ENDF T \r\n");
	assert_false(upload_is_on(&u));
	assert_slice_is(next(&u, 1000), "");
}

static void what_is_complete_too_early_is_not(void **state)
{
	(void)state;
	struct file f = { .left = 100000 };
	struct upload u = begun(&f, false);
	assert_int_equal(upload_take_answer(&u, SLICE("<upload complete>")), UPLOAD_REFUSED);
}

static void a_file_that_cannot_be_read_is_not_ended(void **state)
{
	(void)state;
	struct file f = { .left = 1, .fails = true };
	struct upload u = begun(&f, false);
	next(&u, 1000);
	assert_slice_is(next(&u, 1000), "");
	assert_int_equal(u.state, UPLOAD_FAILED);
	assert_false(upload_is_ready(&u, 1000));
	assert_slice_is(next(&u, 1000), "");
}

static void an_original_server_is_given_its_time(void **state)
{
	(void)state;
	struct file f = { .left = 5 };
	struct upload u = begun(&f, true);
	assert_slice_is(next(&u, 1000), "");
	assert_int_equal(upload_wait_ms(&u), 1050);
	assert_slice_is(next(&u, 1050), "xxxxx");
	assert_slice_is(next(&u, 1051), "");
	assert_int_equal(upload_wait_ms(&u), 6300);
	assert_slice_is(next(&u, 6299), "");
	assert_slice_is(next(&u, 6300), "ENDF T \r\n");
	assert_int_equal(upload_take_answer(&u, SLICE("<upload complete>")), UPLOAD_COMPLETE);
}

static void an_original_server_gets_no_late_bytes(void **state)
{
	(void)state;
	struct file f = { .left = 100000 };
	struct upload u = begun(&f, true);
	assert_int_equal(next(&u, 1050).len, RECORD_MAX_LEN);
	assert_slice_is(next(&u, 5800), "");
	assert_slice_is(next(&u, 6300), "ENDF T \r\n");
	assert_int_equal(upload_take_answer(&u, SLICE("<upload complete>")), UPLOAD_REFUSED);
}

static void an_original_server_gets_no_end_after_its_refusal(void **state)
{
	(void)state;
	struct file f = { .left = 100000 };
	struct upload u = begun(&f, true);
	assert_int_equal(upload_take_answer(&u, SLICE("<problem with command>")), UPLOAD_REFUSED);
	assert_false(upload_is_on(&u));
	assert_slice_is(next(&u, 6300), "");
}

static void the_answer_is_awaited_from_when_the_end_is_there(void **state)
{
	(void)state;
	struct file f = { 0 };
	struct upload u = begun(&f, false);
	upload_delay(&u, 1500);
	assert_int_equal(u.ended_ms, 0);
	assert_true(upload_give_up_ms(&u) == UINT64_MAX);
	next(&u, 2000);
	assert_int_equal(upload_give_up_ms(&u), 2000 + UPLOAD_ANSWER_LIMIT_MS);
	upload_delay(&u, 3000);
	assert_int_equal(upload_give_up_ms(&u), 3000 + UPLOAD_ANSWER_LIMIT_MS);
}

int main(int argc, char **argv)
{
	UNIT_EACH(goes_out_in_records_and_ends, size_cases);
	UNIT_TEST(a_refusal_is_one);
	UNIT_TEST(an_early_refusal_ends_the_bytes);
	UNIT_TEST(what_is_complete_too_early_is_not);
	UNIT_TEST(a_file_that_cannot_be_read_is_not_ended);
	UNIT_TEST(an_original_server_is_given_its_time);
	UNIT_TEST(an_original_server_gets_no_late_bytes);
	UNIT_TEST(an_original_server_gets_no_end_after_its_refusal);
	UNIT_TEST(the_answer_is_awaited_from_when_the_end_is_there);
	return unit_run(argc, argv);
}
