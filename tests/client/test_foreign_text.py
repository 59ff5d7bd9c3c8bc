"""Whatever others write — in texts, names, names of files, words of the server — nothing of it that is no text reaches a person's terminal, a
pipe or a path: every control byte, every kind of sequence, what turns the direction of writing, what is invisible."""

import os
import re

import pytest

from foreign import ALL, assert_clean, can_be_said, queries

LOGIN = ("--user", "alice", "--to", "bob", "--trust-first")

def test_in_a_pipe(stage, script, password):
    server = stage()
    person = script(server, *LOGIN, "--password-file", password)
    client = server.session("alice")
    shown = b""
    for foreign in filter(can_be_said, ALL):
        client.say_raw(b"".join(query + b" \r\n" for query in queries(foreign)))
    client.say("RELAY alice carol the end")
    while not shown.endswith(b"carol: the end\n"):
        data = os.read(person.process.stdout.fileno(), 65536)
        assert data
        shown += data
    client.say(b"END * <" + b"".join(ALL) + b">")
    client.close()
    _, notices = person.finish(1)
    assert_clean(shown)
    assert_clean(notices.encode())
    assert shown.count(b"<<") >= 4 * len(ALL) - 1 and notices.count("<<") > 1


@pytest.mark.parametrize("words, status", [(b"TRY <%b>", 3), (b"END <%b>", 3), (b"END * <%b>", 3)])
def test_before_log_in(stage, script, password, words, status):
    server = stage()
    person = script(server, *LOGIN, "--sign-up", "--password-file", password)
    client = server.answer()
    client.next_record()
    client.say(words % b"".join(ALL))
    client.close()
    out, notices = person.finish(status)
    assert out == ""
    assert_clean(notices.encode())


def test_at_a_terminal(stage, terminal, password):
    """What stands between << and >> came from elsewhere. Glass fails on every sequence that is not plain mode's own."""
    server = stage()
    person = terminal(server, *LOGIN, "--password-file", password, columns=400)
    client = server.session("alice")
    person.sees("bob> ")
    for number, foreign in enumerate(filter(can_be_said, ALL)):
        client.say_raw(b"".join(query + b" \r\n" for query in queries(foreign)))
        client.say(f"RELAY alice carol end {number}")
        person.sees(f"carol: end {number}")
    raw = person.raw.encode(errors="surrogateescape")
    for found in re.findall(rb"<<(.*?)>>", raw, re.DOTALL):
        assert_clean(found, allowed="")
    assert b"\x07" not in raw and b"\x1b]" not in raw and b"\x1bP" not in raw
    assert raw.count(b"<<") > 4 * len(ALL)
    client.say(b"END * <<" + b"".join(ALL) + b">>")
    client.close()
    person.sees("the server says")
    person.ends(1)


def test_in_the_name_of_a_file(stage, script, password, tmp_path):
    server = stage()
    person = script(server, *LOGIN, "--password-file", password, "--download", "--downloads", tmp_path)
    client = server.session("alice")
    client.hears("CMD <get>")
    names = [b"a" + foreign + b"b" for foreign in filter(can_be_said, ALL)]
    client.say(f"BEGIN {len(names)}")
    for name in names:
        client.say(b"BEGINF " + name)
        client.say_raw(b"data")
        client.say("ENDF")
    client.say("CMD <file send complete>")
    client.hears_end()
    _, notices = person.finish(0)
    kept = os.listdir(os.fsencode(tmp_path))
    assert len(kept) == len(names)
    for name in kept:
        assert_clean(name, allowed="")
        assert name[:1] != b"." and b"\\" not in name
    assert_clean(notices.encode())
