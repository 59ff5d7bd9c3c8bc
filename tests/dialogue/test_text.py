"""What becomes of a text: protocol.md section 6, and the 4096 bytes of section 2."""

import re

import pytest

from wire import unique

RELAY_MAX = 4096
NAMED = {0x09: "\\t", 0x0a: "\\n", 0x0d: "\\r"}
CONTROL = [*range(0x20), 0x7f]


def escape(byte):
    return NAMED.get(byte, f"\\x{byte:02x}").encode()


@pytest.fixture
def alice(server):
    return server.sign_up("alice")


@pytest.fixture
def bob(server):
    return server.sign_up("bob")


def relay(receiver, sender, text):
    return b"RELAY %b %b %b" % (receiver.name.encode(), sender.name.encode(), text)


# Control bytes

@pytest.mark.parametrize("byte", CONTROL, ids=lambda byte: f"{byte:02x}")
def test_control_bytes_are_escaped(alice, bob, byte):
    alice.message(bob, b"a%cb" % byte)
    bob.hears(relay(bob, alice, b"a%bb" % escape(byte)))
    alice.message(bob, b"%ca" % byte)
    bob.hears(relay(bob, alice, b"%ba" % escape(byte)))


@pytest.mark.parametrize("byte", [byte for byte in CONTROL if byte != 0x0a], ids=lambda byte: f"{byte:02x}")
def test_control_bytes_at_the_end_are_escaped(alice, bob, byte):
    alice.message(bob, b"a%c" % byte)
    bob.hears(relay(bob, alice, b"a%b" % escape(byte)))


@pytest.mark.parametrize("text", [
    pytest.param(bytes(range(0x20, 0x7f)), id="printable-ascii"),
    pytest.param(bytes(range(0x80, 0x100)), id="all-high-bytes"),
    pytest.param("Grüße, 世界 😀 ", id="utf-8"),
    pytest.param(b"\xc3", id="half-a-character"),
    pytest.param("\u0085\u009b31m", id="c1-control-as-utf-8"),
    pytest.param("\\", id="backslash"),
    pytest.param("\\\\", id="two-backslashes"),
    pytest.param("\\n", id="what-looks-like-an-escape"),
    pytest.param("\\x00\\r\\t", id="more-of-these"),
    pytest.param("'\"'", id="quotes"),
    pytest.param("%s%n%d", id="percent"),
    pytest.param("<user not online>", id="brackets"),
])
def test_all_other_bytes_pass(alice, bob, text):
    text = text if isinstance(text, bytes) else text.encode()
    alice.message(bob, text)
    bob.hears(relay(bob, alice, text))


def test_group_texts_are_escaped_too(alice, bob):
    bob.say("CMD <group>")
    bob.is_settled()
    alice.group_message(b"\0\x1b[2J\x7f\xff\ta\nb\rc")
    bob.hears(b"RELAYG %b \\x00\\x1b[2J\\x7f\xff\\ta\\nb\\rc" % alice.name.encode())


def test_no_text_forges_a_query(alice, bob):
    alice.message(bob, "x \nEND * <kicked> \nRELAY a b c \r")
    bob.hears(f"RELAY {bob} {alice} x \\nEND * <kicked> \\nRELAY a b c \\r")


# The trailing line feed

HABITS = {  # what the receiver did before: what becomes of `hello`, and of `hello<LF>` as the sender's first text
    "none yet": ([], "hello", "hello\\n"),
    "uses LF": (["mine\n"], "hello\\n", "hello\\n"),
    "uses none": (["mine"], "hello", "hello"),
    "began with LF": (["mine\n", "mine"], "hello\\n", "hello\\n"),
    "came to LF": (["mine", "mine\n"], "hello\\n", "hello\\n"),
    "LF inside only": (["mi\nne"], "hello", "hello"),
    "only an LF": (["\n"], "hello\\n", "hello\\n"),
    "empty text": ([""], "hello", "hello"),
}


@pytest.mark.parametrize("sends_lf", [False, True], ids=["sender-without", "sender-with-LF"])
@pytest.mark.parametrize("habit", HABITS)
def test_the_receivers_habit_decides(alice, bob, habit, sends_lf):
    texts, plain, with_lf = HABITS[habit]
    for text in texts:
        bob.message("nobody_there", text)  # a text that found nobody counts
        bob.hears("CNT <user not online>")
    alice.message(bob, "hello\n" if sends_lf else "hello")
    bob.hears(f"RELAY {bob} {alice} {with_lf if sends_lf else plain}")


@pytest.mark.parametrize("text, heard", [("mine\n", "hello\\n"), ("mine", "hello")])
def test_group_texts_count_too(alice, bob, text, heard):
    bob.group_message(text)
    bob.is_settled()
    alice.message(bob, "hello")
    bob.hears(f"RELAY {bob} {alice} {heard}")


def test_a_group_text_reaches_each_receiver_in_its_own_form(server, alice):
    with_lf, without, new = (server.sign_up(nick) for nick in ("with", "without", "new"))
    for one, text in ((with_lf, "mine\n"), (without, "mine")):
        one.message("nobody_there", text)
        one.hears("CNT <user not online>")
    for one in (with_lf, without, new):
        one.say("CMD <group>")
        one.is_settled()

    alice.group_message("hello\n")
    with_lf.hears(f"RELAYG {alice} hello\\n")
    without.hears(f"RELAYG {alice} hello")
    new.hears(f"RELAYG {alice} hello\\n")

    bob = server.sign_up("bob")
    bob.group_message("hello")
    with_lf.hears(f"RELAYG {bob} hello\\n")
    without.hears(f"RELAYG {bob} hello")
    new.hears(f"RELAYG {bob} hello")


def test_a_habit_is_looked_at_when_a_text_is_sent_to_the_receiver(alice, bob):
    alice.message(bob, "one\n")
    bob.hears(f"RELAY {bob} {alice} one\\n")
    bob.message(alice, "mine")
    alice.hears(f"RELAY {alice} {bob} mine\\n")
    alice.message(bob, "two\n")
    bob.hears(f"RELAY {bob} {alice} two")
    bob.message(alice, "mine\n")
    alice.hears(f"RELAY {alice} {bob} mine\\n")
    alice.message(bob, "three\n")
    bob.hears(f"RELAY {bob} {alice} three\\n")


def test_a_habit_belongs_to_the_session(server, alice, bob):
    bob.message("nobody_there", "mine\n")
    bob.hears("CNT <user not online>")
    bob.quit()
    again = server.log_in(bob)
    alice.message(again, "hello")
    again.hears(f"RELAY {again} {alice} hello")


@pytest.mark.parametrize("text, heard", [("\n", "\\n"), ("hello\n", "hello\\n"), ("hello\n\n", "hello\\n\\n"),
                                         ("hello\r\n", None), ("a\nb\n", "a\\nb\\n"), ("hello\n ", "hello\\n "),
                                         ("hello\\n\n", "hello\\n\\n")],
                         ids=repr)
def test_one_line_feed_is_taken_off_and_one_is_added(alice, bob, text, heard):
    alice.message(bob, text)
    if heard is None:  # its CR LF ends the query early
        alice.hears_last("END * <incorrect protocol>")
    else:
        bob.hears(f"RELAY {bob} {alice} {heard}")


@pytest.mark.parametrize("text, heard", [("\n", ""), ("hello\n\n", "hello\\n"), ("hello\\n", "hello\\n")], ids=repr)
def test_one_line_feed_is_taken_off_and_none_is_added(alice, bob, text, heard):
    bob.message("nobody_there", "mine")
    bob.hears("CNT <user not online>")
    alice.message(bob, text)
    bob.hears(f"RELAY {bob} {alice} {heard}")


def test_a_text_to_oneself_has_ones_own_habit(alice):
    alice.message(alice, "one")
    alice.hears(f"RELAY {alice} {alice} one")
    alice.message(alice, "two\n")
    alice.hears(f"RELAY {alice} {alice} two\\n")
    alice.message(alice, "three")
    alice.hears(f"RELAY {alice} {alice} three\\n")


# 4096 bytes

def room(receiver, sender):
    """The longest escaped text that one RELAY holds."""
    return RELAY_MAX - len(relay(receiver, sender, b"")) - len(b" \r\n")


def hears_parts(receiver, pattern, whole, line_feed=b""):
    """Demand a text in several queries: each at most 4096 bytes, each with the line feed's escape; the parts."""
    parts = []
    while len(b"".join(parts)) < len(whole):
        found = receiver.hears_match(pattern + r" (.*)")
        assert len(found[0]) <= RELAY_MAX, f"a query of {len(found[0])} bytes"
        assert found[1].endswith(line_feed), f"this part does not end in {line_feed!r}: …{found[1][-20:]!r}"
        parts.append(found[1][:len(found[1]) - len(line_feed)])
        assert parts[-1], "an empty part"
    assert b"".join(parts) == whole
    return parts


def test_a_text_that_just_fits_is_one_query(alice, bob):
    text = b"x" * room(bob, alice)
    alice.message(bob, text)
    bob.hears(relay(bob, alice, text))
    alice.message(bob, text + b"y")
    assert len(hears_parts(bob, rf"RELAY {bob} {alice}", text + b"y")) == 2
    bob.heard_nothing_of(alice)


def test_the_added_line_feed_counts(alice, bob):
    text = b"x" * (room(bob, alice) - 2)
    alice.message(bob, text + b"\n")
    bob.hears(relay(bob, alice, text + b"\\n"))
    alice.message(bob, text + b"y\n")
    assert len(hears_parts(bob, rf"RELAY {bob} {alice}", text + b"y", b"\\n")) == 2
    bob.heard_nothing_of(alice)


def test_the_removed_line_feed_does_not_count(alice, bob):
    bob.message("nobody_there", "mine")
    bob.hears("CNT <user not online>")
    text = b"x" * room(bob, alice)
    alice.message(bob, text + b"\n")
    bob.hears(relay(bob, alice, text))


def test_escapes_count(alice, bob):
    text = b"\x01" * (room(bob, alice) // 4)
    alice.message(bob, text)
    bob.hears(relay(bob, alice, b"\\x01" * len(text)))
    alice.message(bob, text + b"\x02")
    parts = hears_parts(bob, rf"RELAY {bob} {alice}", b"\\x01" * len(text) + b"\\x02")
    assert len(parts) == 2


@pytest.mark.parametrize("receiver_uses_lf", [False, True], ids=["without-LF", "with-LF"])
@pytest.mark.parametrize("piece, units", [
    pytest.param("é", ["é"], id="two-byte-characters"),
    pytest.param("世", ["世"], id="three-byte-characters"),
    pytest.param("😀", ["😀"], id="four-byte-characters"),
    pytest.param("\x01", ["\\x01"], id="hex-escapes"),
    pytest.param("\t", ["\\t"], id="short-escapes"),
    pytest.param("é\x7f", ["é", "\\x7f"], id="characters-and-escapes"),
    pytest.param("😀\n世", ["😀", "\\n", "世"], id="of-all-widths"),
])
def test_parts_hold_whole_characters_and_escapes(alice, bob, piece, units, receiver_uses_lf):
    line_feed = b"\\n" if receiver_uses_lf else b""
    bob.message("nobody_there", "mine\n" if receiver_uses_lf else "mine")
    bob.hears("CNT <user not online>")
    shown = "".join(units)
    width = len(shown.encode())
    whole_units = re.compile("a*(" + "|".join(map(re.escape, units)) + ")*")
    for shift in range(width):  # every place a cut could fall on
        alice.message(bob, "a" * shift + piece * (5000 // width) + "b")
        whole = ("a" * shift + shown * (5000 // width) + "b").encode()
        parts = hears_parts(bob, rf"RELAY {bob} {alice}", whole, line_feed)
        assert len(parts) > 1
        for part in parts[:-1]:
            assert whole_units.fullmatch(part.decode()), f"a cut inside of one of {units}: …{part[-20:]!r}"
    bob.heard_nothing_of(alice)


@pytest.mark.parametrize("text", [
    pytest.param(b"\x80" * 12000, id="only-continuation-bytes"),
    pytest.param(b"\xff" * 12000, id="impossible-bytes"),
    pytest.param(b"\xf0" * 12000, id="only-first-bytes"),
    pytest.param(b"x" * 16000, id="ascii"),
])
def test_what_is_no_utf_8_arrives_whole_too(alice, bob, text):
    alice.message(bob, text)
    hears_parts(bob, rf"RELAY {bob} {alice}", text)
    bob.heard_nothing_of(alice)


def test_the_largest_text_of_all(alice, bob):
    """16 KiB of control bytes become 64 KiB."""
    count = 16384 - len(alice.spelled(f"MSG {bob} {alice} "))
    alice.message(bob, b"\x02" * count)
    hears_parts(bob, rf"RELAY {bob} {alice}", b"\\x02" * count)
    bob.heard_nothing_of(alice)


def test_group_texts_are_cut_for_each_receiver(server, alice, bob):
    carol = server.sign_up("carol")
    for one, text in ((bob, "mine\n"), (carol, "mine")):
        one.message("nobody_there", text)
        one.hears("CNT <user not online>")
        one.say("CMD <group>")
        one.is_settled()
    alice.group_message("é" * 5000)
    hears_parts(bob, rf"RELAYG {alice}", "é".encode() * 5000, b"\\n")
    hears_parts(carol, rf"RELAYG {alice}", "é".encode() * 5000)
    bob.is_settled()
    carol.is_settled()


@pytest.mark.threads
def test_nothing_comes_between_the_parts(server, bob):
    senders = [server.sign_up("sender") for _ in range(4)]
    letters = "abcd"
    for _ in range(5):
        for sender, letter in zip(senders, letters):
            sender.message(bob, letter * 15000)

    heard = []
    while sum(map(len, heard)) < 4 * 5 * 15000:
        heard.append(bob.hears_match(rf"RELAY {bob} \w+ (a+|b+|c+|d+)")[1].decode())
    together = "".join(heard)
    blocks = [together[start:start + 15000] for start in range(0, len(together), 15000)]
    assert all(len(set(block)) == 1 for block in blocks), "the parts of two texts are mixed"


def test_a_name_of_32_bytes_leaves_less_room(server):
    alice = server.connect().sign_up(f"{unique('alice'):x<32}")
    bob = server.connect().sign_up(f"{unique('bob'):x<32}")
    text = b"x" * room(bob, alice)
    alice.message(bob, text)
    bob.hears(relay(bob, alice, text))
    alice.message(bob, text + b"y")
    assert len(hears_parts(bob, rf"RELAY {bob} {alice}", text + b"y")) == 2
