/*
 * session.c: what may be said when (protocol.md, 3 and 4): every query in every state, with the answer that each has; and every query with
 * fields too few, too many, empty, too long, and with bytes of every kind. The session as it is, in a house of stand-ins (fake/fake.h).
 */
#include "chat/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake/fake.h"
#include "unit.h"

#define BAD "END * <incorrect protocol>\nclosed\n"

struct house {
	struct fake *f;
	struct conn *alice, *bob;
	char token[FAKE_TOKEN_SIZE];
	size_t alice_heard, bob_heard; /* that is looked at no more */
};

/* bob is there and listens to the group; alice has an account and has just connected; a file waits for her. */
static struct house house_new(void)
{
	struct house h = { .f = fake_new(NULL) };
	char token[FAKE_TOKEN_SIZE];
	fake_hang_up(fake_person(h.f, 0, "PUT alice pw \r\n", token));
	h.bob = fake_person(h.f, 1, "PUT bob pw \r\n", token);
	fake_tell(h.bob, "CMD <group> TOKEN \r\nBEGINF gift alice TOKEN \r\nflowersENDF TOKEN \r\n",
	    token);
	fake_settle(h.f);
	h.bob_heard = fake_heard(h.bob).len;
	h.alice = fake_connect(h.f, 0);
	return h;
}

static void house_free(struct house *h)
{
	fake_free(h->f);
}

static void log_in(struct house *h)
{
	fake_say(h->alice, SLICE("AUTH alice pw \r\n"));
	fake_settle(h->f);
	assert_true(fake_token(h->alice, h->token));
	h->alice_heard = fake_heard(h->alice).len;
}

/* Demands what a peer has heard since it was last asked. */
static void hears(const struct house *h, const struct conn *c, size_t *heard, const char *expected)
{
	struct buffer text = { 0 };
	fake_spell(&text, expected, h->token);
	assert_slice_equal(slice_skip(fake_heard(c), *heard), buffer_slice(&text));
	*heard = fake_heard(c).len;
	buffer_clear(&text);
}

static void alice_hears(struct house *h, const char *expected)
{
	hears(h, h->alice, &h->alice_heard, expected);
}

static void bob_hears(struct house *h, const char *expected)
{
	hears(h, h->bob, &h->bob_heard, expected);
}

/* ---- Every query in every state ---- */

/* What alice hears then, and what bob hears where that is not nothing. NULL: the bytes are the file's. */
static const struct query_row {
	const char *name;
	const char *says;
	const char *in_login, *in_talk, *in_upload;
	const char *bob_hears;
} queries[] = {
	{ "AUTH", "AUTH alice pw", "ACCEPT alice TOKEN\n", BAD, NULL },
	{ "AUTH, wrong", "AUTH alice no", "END <incorrect username or password>\nclosed\n", BAD,
	    NULL },
	{ "PUT", "PUT dave pw", "ACCEPT dave TOKEN\n", BAD, NULL },
	{ "PUT, taken", "PUT bob pw", "TRY <username already taken>\n", BAD, NULL },
	{ "MSG", "MSG bob alice hi TOKEN", BAD, "", NULL, "RELAY bob alice hi\n" },
	{ "MSG, nobody", "MSG eve alice hi TOKEN", BAD, "CNT <user not online>\n", NULL },
	{ "MSG, another's name", "MSG bob bob hi TOKEN", BAD, BAD, NULL },
	{ "MSG, wrong token", "MSG bob alice hi tOKEN", BAD, BAD, NULL },
	{ "MSGG", "MSGG alice hi TOKEN", BAD, "", NULL, "RELAYG alice hi\n" },
	{ "MSGG, another's name", "MSGG bob hi TOKEN", BAD, BAD, NULL },
	{ "MSGG, wrong token", "MSGG alice hi TOKENx", BAD, BAD, NULL },
	{ "CMD <online>", "CMD <online> TOKEN", BAD, "CMD <bob alice>\n", NULL },
	{ "CMD <group>", "CMD <group> TOKEN", BAD, "", NULL },
	{ "CMD <get>", "CMD <get> TOKEN", BAD,
	    "BEGIN 1\nBEGINF gift\n[flowers]\nENDF\nCMD <file send complete>\n", NULL },
	{ "CMD <other>", "CMD <other> TOKEN", BAD, "CMD <problem with command>\n", NULL },
	{ "CMD, no brackets", "CMD online TOKEN", BAD, "CMD <problem with command>\n", NULL },
	{ "CMD, wrong token", "CMD <online> xTOKEN", BAD, BAD, NULL },
	{ "BEGINF", "BEGINF f bob TOKEN", BAD, "", NULL },
	{ "BEGINF, wrong token", "BEGINF f bob token", BAD, BAD, NULL },
	{ "ENDF", "ENDF TOKEN", BAD, "", "CMD <upload complete>\n" },
	{ "ENDF, wrong token", "ENDF TOKENx", BAD, BAD, NULL },
	{ "END", "END <user command> TOKEN", BAD, "END <end accepted>\nclosed\n", NULL },
	{ "END, no brackets", "END now TOKEN", BAD, BAD, NULL },
	{ "END, wrong token", "END <user command> x", BAD, BAD, NULL },
	{ "RELAY", "RELAY bob alice hi TOKEN", BAD, BAD, NULL },
	{ "RELAYG", "RELAYG alice hi TOKEN", BAD, BAD, NULL },
	{ "CHECK", "CHECK", BAD, BAD, NULL },
	{ "CNT", "CNT <user not online> TOKEN", BAD, BAD, NULL },
	{ "ACCEPT", "ACCEPT alice TOKEN", BAD, BAD, NULL },
	{ "TRY", "TRY <username reserved> TOKEN", BAD, BAD, NULL },
	{ "BEGIN", "BEGIN 1 TOKEN", BAD, BAD, NULL },
	{ "an unknown verb", "FOO bob alice hi TOKEN", BAD, BAD, NULL },
	{ "a verb in small letters", "msg bob alice hi TOKEN", BAD, BAD, NULL },
	{ "an empty line", "", BAD, BAD, NULL },
	{ "a space", " TOKEN", BAD, BAD, NULL },
};
enum { QUERIES = sizeof(queries) / sizeof(*queries) };

/* In which column the answer stands. Where it waits, nothing is heard until what goes on is over: `meanwhile`. */
enum column { IN_LOGIN, IN_TALK, IN_UPLOAD, AFTER_THE_END };
static const struct state_row {
	const char *name;
	void (*enter)(struct house *h);
	enum session_state state;
	enum column column;
	const char *meanwhile;
} states[];

static void enter_login(struct house *h)
{
}

static void enter_second_try(struct house *h)
{
	fake_say(h->alice, SLICE("PUT bob pw \r\n"));
	fake_settle(h->f);
	alice_hears(h, "TRY <username already taken>\n");
}

static struct session *session_of_alice(struct house *h)
{
	return fake_is_open(h->alice) ? conn_owner(h->alice) : NULL;
}

static void step_until(struct house *h, enum session_state state)
{
	while (session_of_alice(h)->state != state)
		assert_true(fake_step(h->f));
}

static void enter_checking(struct house *h)
{
	fake_say(h->alice, SLICE("AUTH alice pw \r\n"));
	step_until(h, SESSION_CHECKING);
}

static void enter_uploading(struct house *h)
{
	log_in(h);
	fake_tell(h->alice, "BEGINF f bob TOKEN \r\n", h->token);
	fake_settle(h->f);
}

static void enter_making_room(struct house *h)
{
	log_in(h);
	fake_tell(h->alice, "BEGINF f bob TOKEN \r\n", h->token);
	step_until(h, SESSION_STORING);
}

static void enter_storing(struct house *h)
{
	enter_uploading(h);
	fake_tell(h->alice, "dataENDF TOKEN \r\n", h->token);
	step_until(h, SESSION_STORING);
}

static void enter_downloading(struct house *h)
{
	log_in(h);
	fake_tell(h->alice, "CMD <get> TOKEN \r\n", h->token);
	step_until(h, SESSION_DOWNLOADING);
}

static void enter_the_end(struct house *h)
{
	log_in(h);
	fake_tell(h->alice, "END <user command> TOKEN \r\n", h->token);
	fake_settle(h->f);
	alice_hears(h, "END <end accepted>\nclosed\n");
}

static const struct state_row states[] = {
	{ "LOGIN", enter_login, SESSION_LOGIN, IN_LOGIN, "" },
	{ "LOGIN, second try", enter_second_try, SESSION_LOGIN, IN_LOGIN, "" },
	{ "CHECKING", enter_checking, SESSION_CHECKING, IN_TALK, "ACCEPT alice TOKEN\n" },
	{ "TALKING", log_in, SESSION_TALKING, IN_TALK, "" },
	{ "UPLOADING", enter_uploading, SESSION_UPLOADING, IN_UPLOAD, "" },
	{ "STORING, making room", enter_making_room, SESSION_STORING, IN_UPLOAD, "" },
	{ "STORING", enter_storing, SESSION_STORING, IN_TALK, "CMD <upload complete>\n" },
	{ "DOWNLOADING", enter_downloading, SESSION_DOWNLOADING, IN_TALK,
	    "BEGIN 1\nBEGINF gift\n[flowers]\nENDF\nCMD <file send complete>\n" },
	{ "ended", enter_the_end, 0, AFTER_THE_END, "" },
};
enum { STATES = sizeof(states) / sizeof(*states) };

static const char *answer_of(const struct state_row *state, const struct query_row *query)
{
	const char *const columns[] = { [IN_LOGIN] = query->in_login,
		[IN_TALK] = query->in_talk,
		[IN_UPLOAD] = query->in_upload,
		[AFTER_THE_END] = "" };
	/* What was downloaded just now is not sent again while its arrival is only being waited for. */
	if (state->state == SESSION_DOWNLOADING && strcmp(query->name, "CMD <get>") == 0)
		return "BEGIN 0\nCMD <file send complete>\n";
	return columns[state->column];
}

/* The query is in the file: that ends as usual, and has those bytes. */
static void is_in_the_file(struct house *h, const char *query)
{
	struct buffer file = { 0 };
	alice_hears(h, "");
	fake_tell(h->alice, "ENDF TOKEN \r\n", h->token);
	fake_settle(h->f);
	alice_hears(h, "CMD <upload complete>\n");
	fake_spell(&file, "bob+f: ", h->token);
	fake_spell(&file, query, h->token);
	assert_true(buffer_append(&file, "\n", 1));
	assert_true(slice_ends(fake_files(h->f), buffer_slice(&file)));
	buffer_clear(&file);
}

struct cell {
	char name[80];
	const struct state_row *state;
	const struct query_row *query;
};

/* The token, where it is only now given: the next one. */
static void learn_token(struct house *h)
{
	if (h->token[0] == '\0' && !fake_token(h->alice, h->token))
		strcpy(h->token, "none");
}

static void is_answered(struct house *h, const struct cell *cell, const char *line)
{
	const char *expected = answer_of(cell->state, cell->query);
	if (expected == NULL) {
		is_in_the_file(h, line);
		return;
	}
	struct buffer all = { 0 };
	fake_spell(&all, cell->state->meanwhile, h->token);
	fake_spell(&all, expected, h->token);
	assert_true(buffer_append(&all, "", 1));
	alice_hears(h, all.mem);
	buffer_clear(&all);
	bool talks = cell->state->column == IN_TALK;
	bob_hears(h, talks && cell->query->bob_hears != NULL ? cell->query->bob_hears : "");
	assert_int_equal(fake_is_open(h->alice),
	    cell->state->column != AFTER_THE_END && strstr(expected, "closed\n") == NULL);
}

/* In CHECKING no client can know its token yet; who guesses it is taken at its word when its turn comes. */
static void guess_token(char token_r[static FAKE_TOKEN_SIZE])
{
	struct house other = house_new();
	fake_random_restart(1);
	log_in(&other);
	memcpy(token_r, other.token, FAKE_TOKEN_SIZE);
	house_free(&other);
}

static void each_has_its_answer(void **state)
{
	const struct cell *cell = *state;
	char line[128], guessed[FAKE_TOKEN_SIZE];
	guess_token(guessed);
	struct house h = house_new();
	fake_random_restart(1);
	cell->state->enter(&h);
	struct session *s = session_of_alice(&h);
	assert_int_equal(s != NULL ? s->state : 0, cell->state->state);
	snprintf(line, sizeof(line), "%s \r\n", cell->query->says);
	fake_tell(h.alice, line, guessed);
	fake_settle(h.f);
	learn_token(&h);
	is_answered(&h, cell, line);
	house_free(&h);
}

static void add_cells(void)
{
	static struct cell cells[STATES * QUERIES];
	for (size_t i = 0; i < STATES * QUERIES; i++) {
		struct cell *cell = &cells[i];
		cell->state = &states[i / QUERIES];
		cell->query = &queries[i % QUERIES];
		snprintf(cell->name, sizeof(cell->name), "%s x %s", cell->state->name,
		    cell->query->name);
		unit_add("each_has_its_answer", cell->name, each_has_its_answer, cell);
	}
}

/* ---- Every query with 0 to n+2 fields, and with fields of every kind ---- */

static const struct form {
	const char *name; /* what is said */
	const char *alice_hears, *bob_hears;
} forms[] = {
	{ "MSG", BAD, "" },
	{ "MSG TOKEN", BAD, "" },
	{ "MSG bob TOKEN", BAD, "" },
	{ "MSG bob alice TOKEN", BAD, "" },
	{ "MSG bob alice hi TOKEN", "", "RELAY bob alice hi\n" },
	{ "MSG bob alice hi you TOKEN", "", "RELAY bob alice hi you\n" },
	{ "MSG bob alice hi you two TOKEN", "", "RELAY bob alice hi you two\n" },
	{ "MSG  alice hi TOKEN", BAD, "" },
	{ "MSG bob  hi TOKEN", BAD, "" },
	{ "MSG bob alice  TOKEN", "", "RELAY bob alice \n" },
	{ "MSG bob alice   TOKEN", "", "RELAY bob alice  \n" },
	{ "MSG bob alice hi ", BAD, "" },
	{ "MSG BIG alice hi TOKEN", BAD, "" },
	{ "MSG bob BIG hi TOKEN", BAD, "" },
	{ "MSG bob alice BIG TOKEN", BAD, "" },
	{ "MSG bob alice hi BIG", BAD, "" },
	{ "MSG boNULb alice hi TOKEN", "CNT <user not online>\n", "" },
	{ "MSG bob aliNULce hi TOKEN", BAD, "" },
	{ "MSG bob alice hNULi TOKEN", "", "RELAY bob alice h\\x00i\n" },
	{ "MSG bob alice hi NULTOKEN", BAD, "" },
	{ "MSG bob alice h\ri\r TOKEN", "", "RELAY bob alice h\\ri\\r\n" },
	{ "MSG b\rob alice hi TOKEN", "CNT <user not online>\n", "" },
	{ "MSG bob alice\r hi TOKEN", BAD, "" },
	{ "MSG bob alice h\ni TOKEN", "", "RELAY bob alice h\\ni\n" },
	{ "MSG b\nob alice hi TOKEN", "CNT <user not online>\n", "" },
	{ "MSG bob alice hi TOKEN\n", BAD, "" },
	{ "MSG bob alice \x1b[31m\x7f\x01 TOKEN", "", "RELAY bob alice \\x1b[31m\\x7f\\x01\n" },
	{ "MSG bob alice \xff\xc3\xed\xa0\x80 TOKEN", "",
	    "RELAY bob alice \xff\xc3\xed\xa0\x80\n" },
	{ "MSG b\xffob alice hi TOKEN", "CNT <user not online>\n", "" },
	{ "MSG bob al\xffice hi TOKEN", BAD, "" },
	{ "MSG bob alice hi \xffTOKEN", BAD, "" },

	{ "MSGG", BAD, "" },
	{ "MSGG TOKEN", BAD, "" },
	{ "MSGG alice TOKEN", BAD, "" },
	{ "MSGG alice hi TOKEN", "", "RELAYG alice hi\n" },
	{ "MSGG alice hi you TOKEN", "", "RELAYG alice hi you\n" },
	{ "MSGG alice hi you two TOKEN", "", "RELAYG alice hi you two\n" },
	{ "MSGG  hi TOKEN", BAD, "" },
	{ "MSGG alice  TOKEN", "", "RELAYG alice \n" },
	{ "MSGG alice hi ", BAD, "" },
	{ "MSGG BIG hi TOKEN", BAD, "" },
	{ "MSGG alice BIG TOKEN", BAD, "" },
	{ "MSGG alice hi BIG", BAD, "" },
	{ "MSGG alice NUL\r\n TOKEN", BAD, "" },
	{ "MSGG alice NUL\r \n TOKEN", "", "RELAYG alice \\x00\\r \\n\n" },
	{ "MSGG al\rice hi TOKEN", BAD, "" },
	{ "MSGG alice \xc0\x80 TOKEN", "", "RELAYG alice \xc0\x80\n" },

	{ "CMD", BAD, "" },
	{ "CMD TOKEN", BAD, "" },
	{ "CMD <a> TOKEN", "CMD <problem with command>\n", "" },
	{ "CMD <a> b TOKEN", "CMD <problem with command>\n", "" },
	{ "CMD <a> b c TOKEN", "CMD <problem with command>\n", "" },
	{ "CMD  TOKEN", BAD, "" },
	{ "CMD <a> ", BAD, "" },
	{ "CMD BIG TOKEN", BAD, "" },
	{ "CMD <a> BIG", BAD, "" },
	{ "CMD <onlineNUL> TOKEN", "CMD <problem with command>\n", "" },
	{ "CMD <online\r> TOKEN", "CMD <problem with command>\n", "" },
	{ "CMD <online\n> TOKEN", "CMD <problem with command>\n", "" },
	{ "CMD \xff TOKEN", "CMD <problem with command>\n", "" },
	{ "CMD <online> TOKEN ", BAD, "" },

	/* The file's bytes follow: what comes back for it says whether the query was taken. */
	{ "BEGINF", BAD, "" },
	{ "BEGINF TOKEN", BAD, "" },
	{ "BEGINF f TOKEN", BAD, "" },
	{ "BEGINF f bob TOKEN \r\nENDF TOKEN", "CMD <upload complete>\n", "" },
	{ "BEGINF a b bob TOKEN \r\nENDF TOKEN", "CMD <upload complete>\n", "" },
	{ "BEGINF a b c bob TOKEN \r\nENDF TOKEN", "CMD <upload complete>\n", "" },
	{ "BEGINF  bob TOKEN", BAD, "" },
	{ "BEGINF f  TOKEN", BAD, "" },
	{ "BEGINF f bob ", BAD, "" },
	{ "BEGINF BIG bob TOKEN", BAD, "" },
	{ "BEGINF f BIG TOKEN", BAD, "" },
	{ "BEGINF f bob BIG", BAD, "" },
	{ "BEGINF aNULb bob TOKEN \r\nENDF TOKEN", "CMD <problem with command>\n", "" },
	{ "BEGINF a\rb bob TOKEN \r\nENDF TOKEN", "CMD <problem with command>\n", "" },
	{ "BEGINF a\nb bob TOKEN \r\nENDF TOKEN", "CMD <problem with command>\n", "" },
	{ "BEGINF a\x1b]b bob TOKEN \r\nENDF TOKEN", "CMD <problem with command>\n", "" },
	{ "BEGINF \xff\xfe bob TOKEN \r\nENDF TOKEN", "CMD <upload complete>\n", "" },
	{ "BEGINF ../f bob TOKEN \r\nENDF TOKEN", "CMD <problem with command>\n", "" },
	{ "BEGINF .. bob TOKEN \r\nENDF TOKEN", "CMD <problem with command>\n", "" },
	{ "BEGINF f b\xffob TOKEN \r\nENDF TOKEN", "CMD <problem with command>\n", "" },
	{ "BEGINF f boNULb TOKEN \r\nENDF TOKEN", "CMD <problem with command>\n", "" },

	{ "ENDF", BAD, "" },
	{ "ENDF TOKEN", "", "" },
	{ "ENDF x TOKEN", BAD, "" },
	{ "ENDF TOKEN x", BAD, "" },
	{ "ENDF x y TOKEN", BAD, "" },
	{ "ENDF ", BAD, "" },
	{ "ENDF BIG", BAD, "" },
	{ "ENDF NULTOKEN", BAD, "" },
	{ "ENDF TOKEN\r", BAD, "" },
	{ "ENDF TOKEN\n", BAD, "" },
	{ "ENDF TOKEN\xff", BAD, "" },

	{ "END", BAD, "" },
	{ "END TOKEN", BAD, "" },
	{ "END <x> TOKEN", "END <end accepted>\nclosed\n", "" },
	{ "END <x y> TOKEN", "END <end accepted>\nclosed\n", "" },
	{ "END <x y z> TOKEN", "END <end accepted>\nclosed\n", "" },
	{ "END  TOKEN", BAD, "" },
	{ "END <x> ", BAD, "" },
	{ "END BIG TOKEN", BAD, "" },
	{ "END <x> BIG", BAD, "" },
	{ "END <NUL\r\n> TOKEN", BAD, "" },
	{ "END <NUL\r\xff\n> TOKEN", "END <end accepted>\nclosed\n", "" },
};

static void in_session(void **state)
{
	const struct form *form = *state;
	char line[160];
	struct house h = house_new();
	log_in(&h);
	snprintf(line, sizeof(line), "%s \r\n", form->name);
	fake_tell(h.alice, line, h.token);
	fake_settle(h.f);
	alice_hears(&h, form->alice_hears);
	bob_hears(&h, form->bob_hears);
	assert_int_equal(fake_is_open(h.alice), strstr(form->alice_hears, "closed") == NULL);
	house_free(&h);
}

#define REFUSED "END <incorrect username or password>\nclosed\n"

static const struct login_form {
	const char *name;
	const char *hears;
} login_forms[] = {
	{ "AUTH", BAD },
	{ "AUTH alice", BAD },
	{ "AUTH alice pw", "ACCEPT alice TOKEN\n" },
	{ "AUTH alice pw x", REFUSED },
	{ "AUTH alice pw x y", REFUSED },
	{ "AUTH  pw", BAD },
	{ "AUTH alice ", BAD },
	{ "AUTH BIG pw", BAD },
	{ "AUTH alice BIG", BAD },
	{ "AUTH alNULice pw", REFUSED },
	{ "AUTH alice pwNUL", REFUSED },
	{ "AUTH alice pw\r", REFUSED },
	{ "AUTH alice pw\n", REFUSED },
	{ "AUTH alice\n pw", REFUSED },
	{ "AUTH \xff\xfe pw", REFUSED },
	{ "AUTH alice \xc3", REFUSED },

	{ "PUT", BAD },
	{ "PUT dave", BAD },
	{ "PUT dave pw", "ACCEPT dave TOKEN\n" },
	{ "PUT dave pw x", "ACCEPT dave TOKEN\n" },
	{ "PUT dave pw x y", "ACCEPT dave TOKEN\n" },
	{ "PUT  pw", BAD },
	{ "PUT dave ", BAD },
	{ "PUT dave  pw", "TRY <disallowed password>\n" },
	{ "PUT dave pw ", "TRY <disallowed password>\n" },
	{ "PUT BIG pw", BAD },
	{ "PUT dave BIG", BAD },
	{ "PUT daNULve pw", "TRY <disallowed characters>\n" },
	{ "PUT dave\r pw", "TRY <disallowed characters>\n" },
	{ "PUT dave\n pw", "TRY <disallowed characters>\n" },
	{ "PUT d\xc3\xa4ve pw", "TRY <disallowed characters>\n" },
	{ "PUT dave pNULw", "TRY <disallowed password>\n" },
	{ "PUT dave p\rw", "TRY <disallowed password>\n" },
	{ "PUT dave pw\n", "TRY <disallowed password>\n" },
	{ "PUT dave \xff\xfe", "ACCEPT dave TOKEN\n" },
};

static void before_log_in(void **state)
{
	const struct login_form *form = *state;
	char line[80];
	struct house h = house_new();
	snprintf(line, sizeof(line), "%s \r\n", form->name);
	fake_tell(h.alice, line, "none");
	fake_settle(h.f);
	learn_token(&h);
	alice_hears(&h, form->hears);
	bob_hears(&h, "");
	assert_int_equal(fake_is_open(h.alice), strstr(form->hears, "closed") == NULL);
	house_free(&h);
}

int main(int argc, char **argv)
{
	add_cells();
	UNIT_EACH(in_session, forms);
	UNIT_EACH(before_log_in, login_forms);
	return unit_run(argc, argv);
}
