"""What others say, and what a server says, can't drive the terminal, forge a line or stop the client."""

import pytest

LOGIN = ("--user", "alice", "--to", "bob", "--trust-first")

BYTES = [
    (b"\x1b[2J\x1b]0;title\x07", r"\x1b[2J\x1b]0;title\x07"),
    (b"\x9b2J", r"\x9b2J"),
    ("\x9b2J".encode(), r"\u{9b}2J"),
    (b"\x07\x08\x0b\x0c\x7f", r"\x07\x08\x0b\x0c\x7f"),
    (b"a\rb", r"a\rb"),
    (b"a\nbob: forged", r"a\nbob: forged"),
    (b"nul\0", r"nul\x00"),
    (b"\xff\xc3(\xe2\x82", r"\xff\xc3(\xe2\x82"),
    (b"\xc0\xaf\xed\xa0\x80\xf5\x80\x80\x80", r"\xc0\xaf\xed\xa0\x80\xf5\x80\x80\x80"),
    ("abc\u202edef\u202c".encode(), r"abc\u{202e}def\u{202c}"),
    ("a\u200bb\u2066\ufeff".encode(), r"a\u{200b}b\u{2066}\u{feff}"),
    ("line\u2028separator".encode(), r"line\u{2028}separator"),
    ("grüß 👋 日本 e\u0301".encode(), "grüß 👋 日本 e\u0301"),
    (b"literal \\x1b and \\n in it", r"literal \x1b and \n in it"),
    (b"", ""),
    (b" two  spaces ", " two  spaces "),
]


@pytest.mark.parametrize("said, shown", BYTES)
def test_bytes_in_a_pipe(stage, script, password, said, shown):
    server = stage()
    person = script(server, *LOGIN, "--password-file", password)
    client = server.session("alice")
    client.say(b"RELAY alice carol " + said)
    person.shows(f"carol: {shown}")
    client.say(b"RELAYG carol " + said)
    person.shows(f"group carol: {shown}")
    person.end_input()
    client.hears_end()
    person.finish(0)


@pytest.mark.parametrize("said, shown", BYTES)
def test_bytes_at_a_terminal(stage, terminal, password, said, shown):
    """Glass fails on every raw control byte."""
    server = stage()
    person = terminal(server, *LOGIN, "--password-file", password)
    client = server.session("alice")
    person.sees("bob> ")
    for query in (b"RELAY alice carol " + said, b"CMD <" + said + b">", b"CNT <" + said + b">", b"NONSENSE " + said):
        client.say(query)
    client.say("RELAY alice carol end")
    person.sees("carol: end")
    assert f"carol: {shown}" in person.raw
    client.say(b"END * <" + said + b">")
    client.close()
    person.sees("the server says")
    person.ends(1)


@pytest.mark.parametrize("name", [b"\x1b[31mcarol", b"\xe2\x80\xaecarol", b"\x07"])
def test_names_too(stage, script, password, name):
    server = stage()
    person = script(server, *LOGIN, "--password-file", password)
    client = server.session("alice")
    client.say(b"RELAY alice " + name + b" hello")
    line = person.line(1)
    assert line.isprintable() and line.endswith(": hello")
    person.end_input()
    client.hears_end()
    person.finish(0)


@pytest.mark.parametrize("query", [
    "", " ", "RELAY", "RELAY alice", "RELAYG", "NEW VERB", "BEGIN 3", "BEGINF ../x", "ENDF", "ACCEPT alice other", "TRY <x>",
    "ACCEPT mallory other", "CHECK x", "CMD", "CNT", "ENDF x", "AUTH a b",
])
def test_nonsense_is_passed_over(stage, script, password, query, home):
    server = stage()
    person = script(server, *LOGIN, "--password-file", password)
    client = server.session("alice")
    client.say(query)
    client.say("RELAY alice carol hello")
    person.shows("carol: hello")
    person.say("answer\n")
    client.hears("MSG bob alice answer")  # with the first token
    person.end_input()
    client.hears_end()
    person.finish(0)


def test_nonsense_is_told_once(stage, script, password):
    server = stage()
    person = script(server, *LOGIN, "--password-file", password)
    client = server.session("alice")
    for _ in range(50):
        client.say("NONSENSE \x1b[2J")
    person.end_input()
    client.hears_end()
    _, notices = person.finish(0)
    assert notices.count("NONSENSE") == 1 and "\x1b" not in notices


@pytest.mark.parametrize("answer", ["ACCEPT mallory token", "ACCEPT alice " + "t" * 600, "ACCEPT alice"])
def test_an_acceptance_that_is_none(stage, script, password, answer):
    """Nothing is sent with such a token; the server may still do better."""
    server = stage()
    person = script(server, *LOGIN, "--password-file", password)
    client = server.answer()
    client.hears_raw(b"AUTH alice a password \r\n")
    client.say(answer)
    client.say("ACCEPT alice good")
    client.token = b"good"
    person.end_input()
    client.hears_end()
    person.finish(0)


def test_a_query_without_end_is_status_1(stage, script, password):
    server = stage()
    person = script(server, *LOGIN, "--password-file", password)
    client = server.session("alice")
    client.say_raw(b"x" * 16384)
    client.say_raw(b"x")
    assert "something that no client can take" in person.finish(1)[1]


def test_queries_in_any_records(stage, script, password):
    """One byte a record, and many queries in one."""
    server = stage()
    person = script(server, *LOGIN, "--password-file", password)
    client = server.session("alice")
    for byte in b"RELAY alice carol one\r\n":
        client.say_raw(bytes([byte]))
    person.shows("carol: one")
    client.say_raw(b"RELAY alice carol two \r\nCHECK \r\nRELAY alice carol three \r\nRELAY alice ca")
    client.say_raw(b"rol four \r\n")
    for word in ("two", "three", "four"):
        person.shows(f"carol: {word}")
    person.end_input()
    client.hears_end()
    person.finish(0)


def test_a_flood_is_taken(stage, script, password):
    server = stage()
    person = script(server, *LOGIN, "--password-file", password)
    client = server.session("alice")
    person.end_input()
    client.hears("END <user command>")
    for _ in range(2000):
        client.say(b"CNT <user not online>")
    client.say("END <end accepted>")
    assert "2000 of the last messages" in person.finish(5)[1]
