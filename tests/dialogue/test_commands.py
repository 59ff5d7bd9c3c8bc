"""CMD, END, ENDF and protocol errors in a session: the other rows of protocol.md section 4."""

import pytest

from wire import unique

INCORRECT = "END * <incorrect protocol>"
PROBLEM = "CMD <problem with command>"
ACCEPTED = "END <end accepted>"


# CMD <online>

def test_online_names_all_the_longest_online_first(serve):
    server = serve()
    carol = server.sign_up("carol")
    carol.say("CMD <online>")
    carol.hears(f"CMD <{carol}>")

    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    for one in (alice, bob, carol):
        one.say("CMD <online>")
        one.hears(f"CMD <{carol} {alice} {bob}>")


def test_online_counts_from_the_log_in(serve):
    server = serve()
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    alice.quit()
    server.log_in(alice)
    bob.say("CMD <online>")
    bob.hears(f"CMD <{bob} {alice}>")


def test_online_does_not_name_who_has_left(serve):
    server = serve()
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    bob.quit()
    alice.say("CMD <online>")
    alice.hears(f"CMD <{alice}>")


def test_online_does_not_name_who_has_not_logged_in(serve):
    server = serve()
    alice = server.sign_up("alice")
    server.connect()
    server.knock()
    trying = server.connect()
    trying.say("PUT admin secret")
    trying.hears("TRY <username reserved>")
    half = server.connect()
    half.say_raw(b"PUT bob secr")
    second = server.connect()
    second.say(f"AUTH {alice} {alice.password}")
    second.hears_last("END * <user already online>")

    alice.say("CMD <online>")
    alice.hears(f"CMD <{alice}>")


@pytest.mark.threads
def test_online_names_100_at_most(serve):
    server = serve()
    names = [f"{unique('user'):x<32}" for _ in range(103)]
    people = [server.connect().sign_up(name) for name in names]
    people[0].say("CMD <online>")
    people[0].hears(f"CMD <{' '.join(names[:100])}>")
    people[102].say("CMD <online>")
    people[102].hears(f"CMD <{' '.join(names[:99] + names[102:])}>")

    people[7].quit()
    people[0].say("CMD <online>")
    people[0].hears(f"CMD <{' '.join(names[:7] + names[8:101])}>")


# Other commands

@pytest.mark.parametrize("command", [
    "<what>", "<>", "<Online>", "<ONLINE>", "<GROUP>", "<online", "online>", "online", "group", "get", "x", "<onlinex>",
    "<group>>", "<<group>", "*", "<\x01>", "<é>", pytest.param("<" + "x" * 5000 + ">", id="long"),
])
def test_any_other_command_is_a_problem(server, command):
    alice = server.sign_up("alice")
    alice.say(f"CMD {command}")
    alice.hears(PROBLEM)
    alice.is_settled()


# END

@pytest.mark.parametrize("words", ["user command", "bye", "user  command", "<>", "é", "a\nb"])
def test_end_is_accepted_with_any_words(server, words):
    alice = server.sign_up("alice")
    alice.say(f"END <{words}>")
    alice.hears_last(ACCEPTED)


def test_what_follows_an_end_is_not_heard(server):
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    alice.say_raw(alice.spelled("END <user command>") + alice.spelled(f"MSG {bob} {alice} still here")
                  + alice.spelled("CMD <online>"))
    alice.hears_last(ACCEPTED)
    bob.heard_nothing_of(bob)


def test_what_was_answered_before_an_end_arrives(server):
    """Some hundred kilobytes are still on the way to a slow reader when its END is accepted."""
    alice = server.sign_up("alice", rcvbuf=4096)
    alice.say_records(alice.spelled(f"MSG {alice} {alice} {number} {'x' * 3000}") for number in range(100))
    alice.say("END <user command>")
    alice.hears(*(f"RELAY {alice} {alice} {number} {'x' * 3000}" for number in range(100)))
    alice.hears_last("END <end accepted>")


def test_who_has_quit_is_not_online(server):
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    bob.quit()
    alice.message(bob, "hello?")
    alice.hears("CNT <user not online>")


# ENDF

def test_a_late_end_of_an_upload_has_no_answer(server):
    alice = server.sign_up("alice")
    alice.say("ENDF")
    alice.say_raw(b"ENDF %b\r\n" % alice.token.encode())
    alice.is_settled()


# Protocol errors

MALFORMED = {
    "empty": "",
    "space": " ",
    "token-alone": "{T}",
    "token-and-space": "{T} ",
    "unknown-verb": "HELLO <online> {T} ",
    "small-letters": "cmd <online> {T} ",
    "small-msg": "msg {bob} {alice} hello {T} ",
    "verb-longer": "CMDX <online> {T} ",
    "verb-shorter": "CM <online> {T} ",
    "space-first": " CMD <online> {T} ",
    "tab-between": "CMD\t<online>\t{T} ",
    "PUT-in-session": "PUT somebody {T} ",
    "AUTH-in-session": "AUTH {alice} {T} ",
    "RELAY-of-a-client": "RELAY {bob} {alice} hello {T} ",
    "RELAYG-of-a-client": "RELAYG {alice} hello {T} ",
    "CHECK-of-a-client": "CHECK {T} ",
    "ACCEPT-of-a-client": "ACCEPT {alice} {T} ",
    "BEGIN-of-a-client": "BEGIN 1 {T} ",
    "CNT-of-a-client": "CNT <user not online> {T} ",
    "MSG-alone": "MSG",
    "MSG-and-token": "MSG {T} ",
    "MSG-without-sender-and-text": "MSG {bob} {T} ",
    "MSG-without-text": "MSG {bob} {alice} {T} ",
    "MSG-without-target": "MSG {alice} hello {T} ",
    "MSG-without-sender": "MSG {bob} hello {T} ",
    "MSG-empty-target": "MSG  {alice} hello {T} ",
    "MSG-empty-sender": "MSG {bob}  hello {T} ",
    "MSG-two-spaces-after-verb": "MSG  {bob} {alice} hello {T} ",
    "MSG-two-spaces-after-target": "MSG {bob}  {alice} hello {T} ",
    "MSG-without-token": "MSG {bob} {alice} hello ",
    "MSG-empty-token": "MSG {bob} {alice} hello  ",
    "MSG-token-not-last": "MSG {bob} {alice} {T} hello ",
    "MSG-text-with-end-of-query": "MSG {bob} {alice} hello\r\n {T} ",
    "MSGG-alone": "MSGG",
    "MSGG-and-token": "MSGG {T} ",
    "MSGG-without-text": "MSGG {alice} {T} ",
    "MSGG-without-sender": "MSGG hello {T} ",
    "MSGG-empty-sender": "MSGG  hello {T} ",
    "MSGG-without-token": "MSGG {alice} hello ",
    "CMD-alone": "CMD",
    "CMD-without-token": "CMD <online> ",
    "CMD-empty-token": "CMD <online>  ",
    "CMD-without-command": "CMD {T} ",
    "CMD-empty-command": "CMD  {T} ",
    "END-alone": "END",
    "END-without-token": "END <user command> ",
    "END-without-words": "END {T} ",
    "END-empty": "END  {T} ",
    "ENDF-alone": "ENDF",
    "ENDF-without-token": "ENDF ",
    "ENDF-of-a-server": "ENDF  ",
    "two-spaces-after-token": "CMD <online> {T}  ",
    "carriage-return-after-token": "CMD <online> {T} \r",
    "nul-after-token": "CMD <online> {T}\0 ",
    "HTTP": "GET / HTTP/1.1",
}


@pytest.mark.parametrize("form", [pytest.param(form, id=name) for name, form in MALFORMED.items()])
def test_what_is_malformed_ends_the_session(server, form):
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    bob.say("CMD <group>")
    bob.is_settled()
    alice.say_raw(form.format(alice=alice, bob=bob, T=alice.token).encode() + b"\r\n")
    alice.hears_last(INCORRECT)
    server.log_in(alice).message(bob, "I am back")
    bob.hears(f"RELAY {bob} {alice} I am back")


QUERIES = ["MSG {bob} {alice} hello", "MSGG {alice} hello", "CMD <online>", "CMD <group>", "CMD <nonsense>", "ENDF",
           "END <user command>"]
WRONG = {
    "word": lambda alice, bob: "wrong",
    "zero": lambda alice, bob: "0",
    "shorter": lambda alice, bob: alice.token[:-1],
    "longer": lambda alice, bob: alice.token + "A",
    "other-case": lambda alice, bob: alice.token.swapcase(),
    "last-letter": lambda alice, bob: alice.token[:-1] + ("A" if alice.token[-1] != "A" else "B"),
    "of-another": lambda alice, bob: bob.token,
    "very-long": lambda alice, bob: alice.token * 100,
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
@pytest.mark.parametrize("query", QUERIES, ids=[query.replace(" ", "_") for query in QUERIES])
def test_a_wrong_token_ends_the_session(server, query, wrong):
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    alice.say_raw(f"{query.format(alice=alice, bob=bob)} {wrong(alice, bob)} \r\n".encode())
    alice.hears_last(INCORRECT)
    bob.heard_nothing_of(bob)
    bob.message(alice, "hello?")  # and no ghost stays
    bob.hears("CNT <user not online>")


def test_what_was_right_before_an_error_is_done(server):
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    alice.say_raw(alice.spelled(f"MSG {bob} {alice} one") + b"nonsense \r\n" + alice.spelled(f"MSG {bob} {alice} two"))
    alice.hears_last(INCORRECT)
    bob.hears(f"RELAY {bob} {alice} one")
    bob.heard_nothing_of(bob)
