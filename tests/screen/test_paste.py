"""What is pasted is never sent by itself."""

import pytest

from wire import unique


def test_a_pasted_line_waits_for_enter(server, talking):
    alice, bob = unique("alice"), server.sign_up("bob")
    person = talking(server, alice, "--sign-up", to=bob)
    person.paste("rm -rf ~\n:quit:\n")
    person.sees("rm -rf ~")
    bob.is_settled()
    person.keys("C-c")
    person.loses("rm -rf")
    person.keys(":quit:", "Enter")
    person.ends(0)


def test_many_lines_are_asked_about_once_and_go_as_a_file(server, talking):
    alice, bob = unique("alice"), server.sign_up("bob")
    lines = "".join(f"line {number} \u00e9\n" for number in range(10_000))
    person = talking(server, alice, "--sign-up", to=bob)
    person.paste(lines)
    person.sees(r"^10000 lines were pasted: .*f sends them as a file", seconds=60)
    bob.is_settled()
    person.keys("f", "Enter")
    person.sees(rf"(?s)sent to {bob}, [0-9.]+ KiB .*paste-", seconds=60)
    bob.say("CMD <get>")
    bob.hears("BEGIN 1")
    bob.hears_match(r"BEGINF paste-[0-9-]+\.txt")
    got = b""
    while not got.endswith(b"ENDF \r\n"):
        got += bob.next_record()
    assert got == lines.encode() + b"ENDF \r\n"
    person.keys(":quit:", "Enter")
    person.ends(0)


def test_many_lines_can_be_dropped_or_inserted(server, talking):
    alice, bob = unique("alice"), server.sign_up("bob")
    person = talking(server, alice, "--sign-up", to=bob)
    text = "\n".join(f"row {number}" for number in range(9))
    person.paste(text)
    person.sees("^9 lines were pasted")
    person.keys("c", "Enter")
    person.sees(f"^{bob}>$")
    person.paste(text)
    person.sees("^9 lines were pasted")
    person.keys("i", "Enter")
    person.sees("^row 8$")
    bob.is_settled()
    person.keys("Enter")
    bob.hears(*[f"RELAY {bob} {alice} row {number}" for number in range(9)])
    person.keys(":quit:", "Enter")
    person.ends(0)


def test_a_line_that_is_too_long_is_kept(server, talking):
    alice, bob = unique("alice"), server.sign_up("bob")
    person = talking(server, alice, "--sign-up", to=bob)
    person.paste("x" * 20_000)
    person.keys("Enter")
    person.sees("too long for a message")
    bob.is_settled()
    person.keys("C-c", "short", "Enter")
    bob.hears(f"RELAY {bob} {alice} short")
    person.keys(":quit:", "Enter")
    person.ends(0)


def test_a_character_may_come_in_parts(server, talking):
    alice, bob = unique("alice"), server.sign_up("bob")
    person = talking(server, alice, "--sign-up", to=bob)
    person.keys("a")
    person.sees("> a$")
    for number, byte in enumerate("\u00e9\u4e2d\U0001F44B".encode() + b"\xff\xc3b"):
        person.type(bytes([byte]))
        person.resize(81 + number, 24)  # it has looked at the byte when it has drawn this
        person.sees(rf"^{bob}> a")
    person.keys("Enter")
    bob.hears(f"RELAY {bob} {alice} a\u00e9\u4e2d\U0001F44Bb")
    person.keys(":quit:", "Enter")
    person.ends(0)


def is_typed_and_not_sent(person, bob, alice, *lines):
    """The lines of a paste stand where they can be edited, and wait for Enter."""
    for line in lines:
        person.sees(rf"{line}$")
    bob.is_settled()
    person.keys("Enter")
    bob.hears(*[f"RELAY {bob} {alice} {line}" for line in lines])
    person.keys(":quit:", "Enter")
    person.ends(0)


@pytest.mark.parametrize("before", [b"\x1b", b"\x1b[", b"\x1bO", b"\x1b\x1b", b"\x1b[12"])
def test_a_paste_right_after_the_beginning_of_a_key_is_a_paste(server, talking, before):
    alice, bob = unique("alice"), server.sign_up("bob")
    person = talking(server, alice, "--sign-up", to=bob)
    person.type(before + b"\x1b[200~line one\rline two\r\x1b[201~")
    is_typed_and_not_sent(person, bob, alice, "line one", "line two")


@pytest.mark.parametrize("split", [1, 4])
def test_the_mark_of_a_paste_may_come_in_parts(server, talking, split):
    alice, bob = unique("alice"), server.sign_up("bob")
    person = talking(server, alice, "--sign-up", to=bob)
    begin, end = b"\x1b[200~", b"\x1b[201~"
    person.keys("C-s")
    person.sees("^back to:")
    person.type(begin[:split])
    person.loses("^back to:")  # it was taken for a key
    person.type(begin[split:] + b"line one\rline two\r" + end[:split])
    person.sees("line two$")  # it was taken for a part of the paste
    person.type(end[split:])
    is_typed_and_not_sent(person, bob, alice, "line one", "line two")


def test_a_paste_that_pauses_is_still_a_paste(server, talking):
    alice, bob = unique("alice"), server.sign_up("bob")
    person = talking(server, alice, "--sign-up", to=bob)
    person.type("\x1b[200~one\rtwo\r")
    person.sees("^two$")
    person.type("three\r")
    person.sees("^three$")
    person.type("f\r\x1b[201~")
    is_typed_and_not_sent(person, bob, alice, "one", "two", "three", "f")


def test_a_control_key_ends_a_paste_whose_end_was_lost(server, talking):
    alice, bob = unique("alice"), server.sign_up("bob")
    person = talking(server, alice, "--sign-up", to=bob)
    person.type("\x1b[200~one\rtwo\r")
    person.sees("^two$")
    person.keys("C-c")
    person.loses("^two$")
    person.keys("three", "Enter")
    bob.hears(f"RELAY {bob} {alice} three")
    person.keys(":quit:", "Enter")
    person.ends(0)


@pytest.mark.parametrize("bad, words", [("x" * 17_000, "line 2 is too long"), ("/msg carol secret", "line 2 reads as a command"),
                                        (":quit:", "line 2 reads as a command"), (":qiut:", "line 2 is like the command :quit:")],
                         ids=["long", "unknown", "known", "doubtful"])
def test_of_several_lines_all_go_or_none(server, talking, bad, words):
    alice, bob = unique("alice"), server.sign_up("bob")
    person = talking(server, alice, "--sign-up", to=bob)
    person.paste(f"one\n{bad}\nthree")
    person.sees("^three$")
    person.keys("Enter")
    person.sees(words)
    bob.is_settled()
    person.keys("C-c", "four", "Enter")
    bob.hears(f"RELAY {bob} {alice} four")
    person.keys(":quit:", "Enter")
    person.ends(0)


def test_empty_lines_are_not_sent(server, talking):
    alice, bob = unique("alice"), server.sign_up("bob")
    person = talking(server, alice, "--sign-up", to=bob)
    person.type("\x1b[200~one\r\n\r\n//two\r\n:qiut:\x1b[201~")
    person.sees("^:qiut:$")
    person.keys("Enter")
    person.sees("line 4 is like")
    person.keys("Enter")
    bob.hears(*[f"RELAY {bob} {alice} {line}" for line in ("one", "/two", ":qiut:")])
    person.keys(":quit:", "Enter")
    person.ends(0)


def test_typing_on_after_many_lines_is_no_answer(server, talking):
    alice, bob = unique("alice"), server.sign_up("bob")
    person = talking(server, alice, "--sign-up", to=bob)
    person.paste("\n".join(f"row {number}" for number in range(9)))
    person.keys("if i can", "Enter")
    person.sees("^9 lines were pasted.*\n?.*Enter:$")
    bob.is_settled()
    person.keys("i")
    person.sees("Enter: i$")
    person.keys("Enter")
    person.sees("^row 8$")
    bob.is_settled()
    person.keys("C-c", ":quit:", "Enter")
    person.ends(0)


def test_a_paste_that_cannot_be_sent_as_a_file_is_kept(server, talking):
    alice, bob = unique("alice"), server.sign_up("bob")
    person = talking(server, alice, "--sign-up", to=bob)
    person.keys(":toggle:", "Enter")
    person.sees("^group>")
    person.paste("\n".join(f"row {number}" for number in range(9)))
    person.sees("^9 lines were pasted")
    person.keys("f", "Enter")
    person.sees("A file goes to one person")
    person.sees("^9 lines were pasted")
    person.keys("i", "Enter")
    person.sees("^row 8$")
    person.keys("C-c", ":quit:", "Enter")
    person.ends(0)


def test_lines_that_are_not_taken_stay_and_only_they(stage, screen, password):
    """Without a connection so much may wait to be sent; what was taken is not typed again."""
    server = stage()
    person = screen(server, "--user", "alice", "--to", "bob", "--trust-first", "--password-file", password)
    client = server.session("alice")
    client.hears("CMD <online>")
    person.sees("^bob>")
    server.listener.close()
    client.close()
    person.sees("NOT CONNECTED")
    person.paste("\n".join("x" * 16_000 for _ in range(65)))
    person.sees("^65 lines were pasted")
    person.keys("i", "Enter", "Enter")
    person.sees("^bob>$", seconds=60)
    person.paste("\n".join(letter * 5000 for letter in "abc") + "\nd")
    person.sees("^d$")
    person.keys("Enter")
    person.sees("Too much waits")
    person.keys("C-u", "Backspace", "C-u")
    person.sees("^bob>$")
