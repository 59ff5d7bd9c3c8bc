#include "client/plain.h"

bool errands_are_all(const struct plain *p)
{
	return p->options->upload_count > 0 || p->options->download;
}

/* One after the other; what can't begin is told, and the next one's turn comes. */
static void next(struct plain *p)
{
	struct transfer *t = &p->transfer;
	const struct options *o = p->options;
	while (t->kind == TRANSFER_NONE && p->uploads_done < o->upload_count)
		transfer_upload(t, talk_target(p), o->uploads[p->uploads_done++]);
	if (t->kind == TRANSFER_NONE && o->download && !p->download_done) {
		p->download_done = true;
		transfer_download(t);
	}
	if (t->kind == TRANSFER_NONE)
		talk_quit(p);
}

void errands_step(struct plain *p)
{
	if (!errands_are_all(p) || !p->has_talked || p->is_quitting || p->is_over)
		return;
	if (p->transfer.is_lost)
		contact_end(p->contact, EXIT_BROKEN, "");
	else if (p->transfer.kind == TRANSFER_NONE && !session_is_transferring(p->session))
		next(p);
}
