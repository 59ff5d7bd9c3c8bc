#include "client/download.h"

void download_queue(struct download *d)
{
	*d = (struct download){ .state = DOWNLOAD_QUEUED };
}

void download_ask(struct download *d, bool original)
{
	d->state = DOWNLOAD_ASKED;
	d->original = original;
}

bool download_is_on(const struct download *d)
{
	return d->state > DOWNLOAD_QUEUED;
}

bool download_take_begin(struct download *d, struct slice number)
{
	uint64_t count = 0;
	if (d->state != DOWNLOAD_ASKED || number.len == 0 || number.len > 18)
		return false;
	for (size_t i = 0; i < number.len; i++) {
		if (number.ptr[i] < '0' || number.ptr[i] > '9')
			return false;
		count = 10 * count + (uint64_t)(number.ptr[i] - '0');
	}
	d->left = count;
	d->state = DOWNLOAD_BETWEEN;
	return true;
}

bool download_take_file(struct download *d)
{
	if (d->state != DOWNLOAD_BETWEEN || d->left == 0)
		return false;
	d->left--;
	d->state = DOWNLOAD_FILE;
	return true;
}

enum download_part download_take_record(struct download *d, struct slice record)
{
	if (slice_equal(record, SLICE("ENDF \r\n"))) {
		d->state = DOWNLOAD_BETWEEN;
		return DOWNLOAD_END;
	}
	if (d->original && slice_equal(record, SLICE("CHECK \r\n")))
		return DOWNLOAD_NOTHING;
	return DOWNLOAD_BYTES;
}

bool download_take_words(struct download *d, struct slice words)
{
	bool is_end =
	    d->state == DOWNLOAD_BETWEEN
		? slice_equal(words, SLICE("<file send complete>"))
		: d->state == DOWNLOAD_ASKED && slice_equal(words, SLICE("<problem with command>"));
	if (is_end)
		d->state = DOWNLOAD_NONE;
	return is_end;
}
