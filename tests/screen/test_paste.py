"""What is pasted is never sent by itself."""

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
    person.keys("f")
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
    person.keys("c")
    person.sees(f"^{bob}>$")
    person.paste(text)
    person.sees("^9 lines were pasted")
    person.keys("i")
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
