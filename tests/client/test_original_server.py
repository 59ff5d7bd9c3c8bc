"""Against an original SSL-Messager server, which knows no ALPN: what it needs, and what it sends."""

import pytest

LOGIN = ("--user", "alice", "--to", "bob", "--trust-first")


@pytest.fixture
def session(stage, script, password):
    server = stage(ours=False)
    person = script(server, *LOGIN, "--password-file", password)
    return person, server.session("alice", "41323")


def leaves(person, client, status=0):
    person.end_input()
    client.hears_end()
    return person.finish(status)


def test_texts_end_in_lf(session):
    person, client = session
    person.say("hello\n\n:toggle:\nto all\r\na\r\r\n")
    client.hears("MSG bob alice hello\n", "MSG bob alice \n", "CMD <group>", "MSGG alice to all\n", "MSGG alice a\n")
    leaves(person, client)


@pytest.mark.parametrize("relayed, shown", [
    (r"hello\n", "hello"),
    (r"h\xc3\xa9llo\n", "héllo"),
    (r"a\tb\\c\n", r"a\tb\c"),
    (r"it\'s\n", "it's"),
    (r"two\nlines\n", r"two\nlines"),
    (r"\x1b[31m\n", r"\x1b[31m"),
    (r"\\x1b\n", r"\x1b"),
    (r"cut \x1", r"cut \x1"),
    ("\\", "\\"),
    (r"\n", ""),
    ("no end", "no end"),
])
def test_escapes_are_undone(session, relayed, shown):
    person, client = session
    client.say(f"RELAY alice carol {relayed}")
    person.shows(f"carol: {shown}")
    leaves(person, client)


def test_queries_stay_below_its_read_when_escaped(session):
    person, client = session
    text = "é\\" * 2000
    person.say(text + "\n")
    got = ""
    while len(got) < len(text):
        record = client.next_record()
        part = record[len(b"MSG bob alice "):-len(b"\n 41323 \r\n")].decode()
        assert len(record) <= 4096 and part
        escaped = repr(part.encode())[2:-1]
        assert len(f"RELAY bob alice {escaped}\\n \r\n") <= 4096
        got += part
    assert got == text
    leaves(person, client)


def test_checks_come_while_one_signs_up(stage, terminal):
    server = stage(ours=False)
    person = terminal(server, "--trust-first", "--to", "bob")
    person.type("y\nalice\nsecret\n")
    client = server.answer()
    client.hears_raw(b"PUT alice secret \r\n")
    client.say("CHECK")
    client.say("TRY <username already taken>")
    client.say("CHECK")
    person.sees("already taken")
    person.type("alicia\nsecret\n")
    client.hears_raw(b"PUT alicia secret \r\n")
    client.say("ACCEPT alicia 7")
    client.token = b"7"
    person.sees("bob> ")
    person.enter(":quit:")
    client.hears_end()
    person.ends()


def test_a_server_that_closes_without_close_notify(session):
    person, client = session
    person.end_input()
    client.hears("END <user command>")
    client.say("END <end accepted>")
    client.close()
    person.finish(0)


def test_before_the_first_text_our_own_server_adds_an_end_for_originals(stage, script, password):
    """protocol.md, 6: to one that has sent none yet, a text of an original client comes with backslash n at its end."""
    server = stage()
    person = script(server, *LOGIN, "--password-file", password)
    client = server.session("alice")
    client.say(r"RELAY alice carol hello\n")
    person.shows("carol: hello")
    person.say("now it knows\n")
    client.hears("MSG bob alice now it knows")
    client.say(r"RELAY alice carol C:\n")
    person.shows(r"carol: C:\n")
    leaves(person, client)
