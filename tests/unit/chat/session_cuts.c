/*
 * session_cuts.c: a stream is a stream (protocol.md, 2): a dialogue that arrives cut at any byte, or at any two, is the same dialogue.
 * The session as it is, in a house of stand-ins (fake/fake.h).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake/fake.h"
#include "unit.h"

/*
 * What alice says, over one connection, TOKEN standing for her token. bob is there and listens to the group; carol waits for
 * nobody. The transcript is what both heard, and which files wait.
 */
struct dialogue {
	const char *name;
	const char *says;
	const char *transcript;
};

#define IN "PUT alice pw \r\n"

static const struct dialogue dialogues[] = {
	{ "sign up and leave", IN "END <user command> TOKEN \r\n",
	    "ACCEPT alice TOKEN\nEND <end accepted>\nclosed\n--\n--\n" },
	{ "sign up at the third try", "PUT a-b pw\r\nPUT bob pw \r\nPUT alice pw\r\n",
	    "TRY <disallowed characters>\nTRY <username already taken>\nACCEPT alice TOKEN\n--\n--\n" },
	{ "log in", "AUTH carol sea side \r\nCMD <online> TOKEN \r\n",
	    "ACCEPT carol TOKEN\nCMD <bob carol>\n--\n--\n" },
	{ "a wrong password", "AUTH bob wrong \r\nAUTH bob pw \r\n",
	    "END <incorrect username or password>\nclosed\n--\n--\n" },
	{ "messages",
	    IN
	    "MSG bob alice hi  you \n TOKEN \r\nMSG bob alice  TOKEN \r\nMSG eve alice x TOKEN\r\n",
	    "ACCEPT alice TOKEN\nCNT <user not online>\n--\n"
	    "RELAY bob alice hi  you \\n\nRELAY bob alice \\n\n--\n" },
	{ "line ends in a text", IN "MSG bob alice a\nb\rc\n\rd TOKEN \r\n",
	    "ACCEPT alice TOKEN\n--\nRELAY bob alice a\\nb\\rc\\n\\rd\n--\n" },
	{ "to the group and to oneself",
	    IN "CMD <group> TOKEN \r\nMSGG alice all TOKEN \r\nMSG alice alice me TOKEN \r\n",
	    "ACCEPT alice TOKEN\nRELAY alice alice me\n--\nRELAYG alice all\n--\n" },
	{ "commands", IN "CMD <nonsense> TOKEN \r\nCMD <get> TOKEN \r\nENDF TOKEN \r\n",
	    "ACCEPT alice TOKEN\nCMD <problem with command>\nBEGIN 0\nCMD <file send complete>\n--\n--\n" },
	{ "a wrong token", IN "MSG bob alice hi TOKeN \r\nMSG bob alice hi TOKEN \r\n",
	    "ACCEPT alice TOKEN\nEND * <incorrect protocol>\nclosed\n--\n--\n" },
	{ "a file",
	    IN
	    "BEGINF a b.c bob TOKEN \r\nE\r\nENDF T ENDF TOKEx\r\nENDF TOKEN \r\nMSG bob alice x TOKEN \r\n",
	    "ACCEPT alice TOKEN\nCMD <upload complete>\n--\nRELAY bob alice x\n--\n"
	    "bob+a_b.c: E\r\nENDF T ENDF TOKEx\r\n\n" },
	{ "a file without the last space",
	    IN "BEGINF f bob TOKEN\r\nxENDF TOKENyENDF TOKEN\r\nCMD <a> TOKEN\r\n",
	    "ACCEPT alice TOKEN\nCMD <upload complete>\nCMD <problem with command>\n--\n--\nbob+f: xENDF TOKENy\n" },
	{ "a file for nobody",
	    IN
	    "BEGINF f eve TOKEN \r\nMSG bob alice x TOKEN \r\nENDF TOKEN \r\nMSG bob alice y TOKEN \r\n",
	    "ACCEPT alice TOKEN\nCMD <problem with command>\n--\nRELAY bob alice y\n--\n" },
	{ "a file to oneself",
	    IN
	    "BEGINF f alice TOKEN \r\ndata\nENDF TOKEN \r\nCMD <get> TOKEN \r\nCMD <a> TOKEN \r\n",
	    "ACCEPT alice TOKEN\nCMD <upload complete>\nBEGIN 1\nBEGINF f\n[data\n]\nENDF\nCMD <file send complete>\n"
	    "CMD <problem with command>\n--\n--\nalice+f: data\n\n" },
	{ "an empty file", IN "BEGINF .x bob TOKEN \r\nENDF TOKEN \r\n",
	    "ACCEPT alice TOKEN\nCMD <upload complete>\n--\n--\nbob+.x: \n" },
	{ "no verb", IN "\r\nCMD <online> TOKEN \r\n",
	    "ACCEPT alice TOKEN\nEND * <incorrect protocol>\nclosed\n--\n--\n" },
	{ "anything before log-in", "MSG bob alice x y \r\nPUT alice pw \r\n",
	    "END * <incorrect protocol>\nclosed\n--\n--\n" },
};

/* The house that a dialogue is held in, again and again. */
struct stage {
	struct fake *f;
	struct conn *bob;
	char token[FAKE_TOKEN_SIZE]; /* alice's: the same each time */
	struct buffer stream, expected, transcript;
};

/* Says the stream in pieces that end at each of the cuts, everything being settled after each; then alice is gone without a trace. */
static void talk(struct stage *s, const size_t *cuts, size_t cut_count)
{
	size_t bob_heard = fake_heard(s->bob).len, from = 0;
	fake_random_restart(1); /* so the next token is the same each time */
	struct conn *alice = fake_connect(s->f, 0);
	for (size_t i = 0; i <= cut_count; i++) {
		size_t end = i < cut_count ? cuts[i] : s->stream.len;
		fake_say(alice, slice_of(s->stream.mem + from, end - from));
		fake_settle(s->f);
		from = end;
	}
	struct buffer *to = &s->transcript;
	buffer_take(to, to->len);
	assert_true(buffer_append_slice(to, fake_heard(alice)) && buffer_append(to, "--\n", 3) &&
		    buffer_append_slice(to, slice_skip(fake_heard(s->bob), bob_heard)) &&
		    buffer_append(to, "--\n", 3) && buffer_append_slice(to, fake_files(s->f)));
	fake_token(alice, s->token);
	fake_hang_up(alice);
	fake_settle(s->f);
	fake_forget(s->f, "alice");
}

static void set_stage(struct stage *s, const struct dialogue *d)
{
	char token[FAKE_TOKEN_SIZE];
	*s = (struct stage){ .f = fake_new(NULL), .token = "none" };
	struct conn *carol = fake_person(s->f, 0, "PUT carol sea side \r\n", token);
	fake_hang_up(carol);
	s->bob = fake_person(s->f, 1, "PUT bob pw \r\n", token);
	fake_tell(s->bob, "CMD <group> TOKEN \r\n", token);
	fake_settle(s->f);
	fake_spell(&s->stream, d->says, s->token);
	talk(s, NULL, 0);
	buffer_clear(&s->stream);
	fake_spell(&s->stream, d->says, s->token);
	fake_spell(&s->expected, d->transcript, s->token);
}

static void clear_stage(struct stage *s)
{
	fake_free(s->f);
	buffer_clear(&s->stream);
	buffer_clear(&s->expected);
	buffer_clear(&s->transcript);
}

static void must_be_the_same(struct stage *s, const size_t *cuts, size_t count)
{
	talk(s, cuts, count);
	assert_slice_equal(buffer_slice(&s->transcript), buffer_slice(&s->expected));
}

static void whole_and_cut_anywhere(void **state)
{
	struct stage s;
	set_stage(&s, *state);
	must_be_the_same(&s, NULL, 0);
	for (size_t cut = 1; cut < s.stream.len; cut++)
		must_be_the_same(&s, &cut, 1);
	clear_stage(&s);
}

static void byte_by_byte(void **state)
{
	struct stage s;
	size_t cuts[1024];
	set_stage(&s, *state);
	assert_true(s.stream.len <= sizeof(cuts) / sizeof(*cuts));
	for (size_t i = 0; i + 1 < s.stream.len; i++)
		cuts[i] = i + 1;
	must_be_the_same(&s, cuts, s.stream.len - 1);
	clear_stage(&s);
}

static void cut_at_any_two(void **state)
{
	struct stage s;
	size_t cuts[2];
	set_stage(&s, *state);
	for (cuts[0] = 1; cuts[0] < s.stream.len; cuts[0]++) {
		for (cuts[1] = cuts[0] + 1; cuts[1] < s.stream.len; cuts[1]++)
			must_be_the_same(&s, cuts, 2);
	}
	clear_stage(&s);
}

int main(int argc, char **argv)
{
	UNIT_EACH(whole_and_cut_anywhere, dialogues);
	UNIT_EACH(byte_by_byte, dialogues);
	UNIT_EACH(cut_at_any_two, dialogues);
	return unit_run(argc, argv);
}
