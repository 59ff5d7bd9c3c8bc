/* The whole full screen with another face: keys from a table, pictures as text. */
#include "client/full/full.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "unit.h"

enum { PICTURE_SIZE = 16 * 1024, HOME_SIZE = 32 };

/* What is typed once the screen shows a text. */
struct step {
	const char *awaited;
	const char
	    *typed; /* \n is Enter, \x03 and \x04 are C-c and C-d, \x1c a paste that was cut */
};

struct fake {
	struct face face; /* first */
	const struct step *steps;
	size_t step, typed; /* how far it has come */
	unsigned columns, rows;
	unsigned entered, left, shown;
	char picture[PICTURE_SIZE];
	bool is_new; /* the picture, since a step was done */
};

static bool is_due(const struct fake *f)
{
	const struct step *step = &f->steps[f->step];
	return step->awaited != NULL &&
	       (f->typed > 0 || (f->is_new && strstr(f->picture, step->awaited) != NULL));
}

static void fake_size(struct face *face, unsigned *columns_r, unsigned *rows_r)
{
	*columns_r = ((struct fake *)face)->columns;
	*rows_r = ((struct fake *)face)->rows;
}

static void fake_show(struct face *face, const struct cells *cells, bool redraw)
{
	struct fake *f = (struct fake *)face;
	size_t len = 0;
	assert_int_equal(cells->columns, f->columns);
	assert_int_equal(cells->rows, f->rows);
	assert_true(f->shown > 0 || redraw);
	for (unsigned row = 0; row < cells->rows; row++) {
		len += cells_row_text(cells, row, f->picture + len, PICTURE_SIZE - len - 2);
		f->picture[len++] = '\n';
	}
	f->picture[len] = '\0';
	f->shown++;
	f->is_new = true;
}

static bool fake_is_behind(const struct face *face)
{
	return false;
}

static struct key key_of(char byte)
{
	if (byte == '\n')
		return KEY_NAMED(TYPED_ENTER);
	if ((unsigned char)byte < 0x20)
		return KEY_OF_CONTROL((uint32_t)(byte + '@'));
	return KEY_OF_TEXT((unsigned char)byte);
}

static bool fake_next(struct face *face, uint64_t now_ms, struct face_event *event_r)
{
	struct fake *f = (struct fake *)face;
	if (!is_due(f))
		return false;
	const char *typed = f->steps[f->step].typed + f->typed++;
	*event_r = (struct face_event){ .kind = FACE_KEY, .key = key_of(*typed) };
	if (*typed == '\x1c')
		*event_r = (struct face_event){
			.kind = FACE_PASTE, .text = SLICE("pasted"), .is_cut = true
		};
	if (typed[1] == '\0') {
		f->step++;
		f->typed = 0;
		f->is_new = false;
	}
	return true;
}

static uint64_t fake_deadline_ms(const struct face *face)
{
	return is_due((const struct fake *)face) ? 0 : UINT64_MAX;
}

static void fake_ring(struct face *face, bool bell, const char *text)
{
}

static void fake_leave(struct face *face)
{
	((struct fake *)face)->left++;
}

static void fake_enter(struct face *face)
{
	((struct fake *)face)->entered++;
}

static void fake_polls(const struct face *face, struct pollfd polls_r[static 2])
{
	polls_r[0] = polls_r[1] = (struct pollfd){ .fd = -1 };
}

static bool fake_step(struct face *face, const struct pollfd polls[static 2])
{
	return true;
}

static const struct face fake_face = {
	.size = fake_size,
	.show = fake_show,
	.is_behind = fake_is_behind,
	.next = fake_next,
	.deadline_ms = fake_deadline_ms,
	.ring = fake_ring,
	.leave = fake_leave,
	.enter = fake_enter,
	.polls = fake_polls,
	.step = fake_step,
};

static const struct talk_case {
	const char *name;
	const char *host, *port; /* "": none was given */
	struct step steps[8];
	enum exit_status status;
	const char *last; /* on the last picture */
} talk_cases[] = {
	{ "the server is asked for, and C-d leaves", "", "",
	    { { "\nServer [localhost]:", "\x04" } }, EXIT_QUIT, "Which server?" },
	{ "a paste that was cut is told", "", "",
	    { { "\nServer", "\x1c" }, { "More was pasted than 8 MiB", "\x03\x04" } }, EXIT_QUIT,
	    "More was pasted" },
	{ "what is no server is told", "", "",
	    { { "\nServer [localhost]:", "a b\n" }, { "That is no HOST", "\x04" } }, EXIT_QUIT,
	    "\nServer [localhost]:" },
	{ "C-c clears the answer and does not leave", "", "",
	    { { "\nServer", "abc" }, { "]: abc", "\x03\x03" }, { "C-c clears the line", "\x04" } },
	    EXIT_QUIT, "\nServer [localhost]:\n" },
	{ "C-d on a line that is not empty does not leave", "", "",
	    { { "\nServer", "abc\x04" }, { "]: abc", "\x03\x04" } }, EXIT_QUIT, "Which server?" },
	{ "a server that is not there can be left alone", "127.0.0.1", "1",
	    { { "\nTry again? (y/n)", "perhaps\n" }, { "\nTry again? (y/n)", "n\n" } }, EXIT_BROKEN,
	    "cannot connect to 127.0.0.1:1" },
	{ "or tried again", "127.0.0.1", "1",
	    { { "\nTry again? (y/n)", "y\n" }, { "\nTry again? (y/n)", "\x03"
								       "no\n" } },
	    EXIT_BROKEN, "cannot connect to 127.0.0.1:1" },
	{ "the server that is typed is the one that is called", "", "",
	    { { "\nServer", "127.0.0.1:1\n" }, { "\nTry again?", "\x04" } }, EXIT_BROKEN,
	    "cannot connect to 127.0.0.1:1" },
};

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *where)
{
	return remove(path);
}

static void talks(void **state)
{
	const struct talk_case *c = *state;
	char home[HOME_SIZE] = "/tmp/full-XXXXXX";
	struct options options = { 0 };
	struct settings settings = { 0 };
	static struct fake fake;
	struct password *password = password_new();
	assert_non_null(password);
	assert_non_null(mkdtemp(home));
	setenv("HOME", home, 1);
	unsetenv("XDG_DATA_HOME");
	strcpy(options.server.host, c->host);
	strcpy(options.server.port, c->port);
	fake = (struct fake){ .face = fake_face, .steps = c->steps, .columns = 90, .rows = 24 };

	assert_int_equal(full_run(&options, &settings, password, &fake.face), c->status);

	assert_int_equal(fake.entered, 1);
	assert_int_equal(fake.left, 1);
	if (strstr(fake.picture, c->last) == NULL)
		fail_msg("expected %s on\n%s", c->last, fake.picture);
	password_free(&password);
	assert_int_equal(nftw(home, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
}

int main(int argc, char **argv)
{
	if (sodium_init() < 0)
		return 1;
	UNIT_EACH(talks, talk_cases);
	return unit_run(argc, argv);
}
