"""Whatever others write — in texts, names, names of files, words of the server — nothing of it that is no text reaches a person's terminal, a
pipe or a path: every control byte, every kind of sequence, what turns the direction of writing, what is invisible."""

import os
import re
import unicodedata

import pytest

LOGIN = ("--user", "alice", "--to", "bob", "--trust-first")

C0 = [bytes([code]) for code in (*range(0x00, 0x20), 0x7f)]
C1 = [bytes([code]) for code in range(0x80, 0xa0)] + [chr(code).encode() for code in range(0x80, 0xa0)]
SEQUENCES = [
    b"\x1b[31;1m", b"\x1b[2J\x1b[H", b"\x1b[6n", b"\x1b[?1049h", b"\x1b[200~", b"\x9b31m", b"\xc2\x9b31m",  # CSI
    b"\x1b]0;title\x07", b"\x1b]52;c;aGk=\x07", b"\x1b]8;;http://x\x1b\\", b"\x1b]9;note\x07", b"\x9d0;t\x9c",  # OSC
    b"\x1bP$qm\x1b\\", b"\x1bPtmux;x\x1b\\", b"\x90q\x9c", b"\xc2\x90q\xc2\x9c",  # DCS
    b"\x1b_Ga=T\x1b\\", b"\x1b^pm\x1b\\", b"\x1bXsos\x1b\\",  # APC, PM, SOS
    b"\x1bc", b"\x1b(0", b"\x1b#8", b"\x1bN", b"\x0e\x0f", b"\x18\x1a",
    b"\x1b", b"\x1b[", b"\x1b]",  # unfinished, so that the next would finish them
]
BIDI = [chr(code).encode() for code in (0x61c, 0x200e, 0x200f, *range(0x202a, 0x202f), *range(0x2066, 0x206a))]
INVISIBLE = [chr(code).encode() for code in (
    0xad, 0x34f, 0x115f, 0x1160, 0x17b4, 0x180e, 0x200b, 0x200c, 0x200d, 0x2028, 0x2029, 0x2060, 0x2061, 0x206a, 0x3164,
    0xfeff, 0xffa0, 0xfff9, 0xfffb, 0xe0001, 0xe0041, 0xe007f)]
NO_UTF8 = [b"\xff", b"\xc3(", b"\xed\xa0\x80", b"\xc0\x8a", b"\xf5\x80\x80\x80", b"\xe2\x82"]
ALL = C0 + C1 + SEQUENCES + BIDI + INVISIBLE + NO_UTF8
UNSEEN = {0x34f, 0x115f, 0x1160, 0x17b4, 0x17b5, 0x3164, 0xffa0}  # are letters or marks to Unicode, and not seen


def assert_clean(data, allowed="\n"):
    """Demand UTF-8 of which every character is seen, but for those allowed."""
    __tracebackhide__ = True
    text = data.decode()
    for at, character in enumerate(text):
        is_text = unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp")
        assert character in allowed or (is_text and ord(character) not in UNSEEN), \
            f"{character!r} in {text[max(0, at - 40):at + 20]!r}"


def queries(foreign):
    """Everything in which a server could bring these bytes."""
    said = b"<<" + foreign + b">>"
    word = said.replace(b" ", b"_")
    return (b"RELAY alice carol " + said, b"RELAYG carol " + said, b"RELAY alice " + word + b" hello",
            b"RELAYG " + word + b" hello", b"RELAY " + word + b" carol hello", b"CMD " + said, b"CMD <" + said + b">",
            b"CNT " + said, word + b" x", b"TRY " + said, b"BEGIN " + said)


def can_be_said(foreign):
    """Two kinds of bytes end a query: they are said by themselves."""
    return b"\r\n" not in foreign + b">>"


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
