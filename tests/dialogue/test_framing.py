"""How queries lie in records and reads: protocol.md section 2."""

import pytest

from wire import RECORD_MAX, unique

INCORRECT = "END * <incorrect protocol>"
PROBLEM = "CMD <problem with command>"


@pytest.fixture
def alice(server):
    return server.sign_up("alice")


@pytest.fixture
def bob(server):
    return server.sign_up("bob")


def padded(alice, bob, length):
    """A MSG of exactly `length` bytes, its CR LF included, and its text."""
    bare = len(alice.spelled(f"MSG {bob} {alice} "))
    text = "x" * (length - bare)
    return alice.spelled(f"MSG {bob} {alice} {text}"), text


def in_pieces(data, size):
    return [data[start:start + size] for start in range(0, len(data), size)]


def hears_long(bob, alice, text):
    """A text too long for one RELAY comes in several."""
    heard = b""
    while len(heard) < len(text):
        heard += bob.hears_match(rf"RELAY {bob} {alice} (.*)")[1]
    assert heard == text.encode()


# The final space

@pytest.mark.parametrize("query, answer", [
    ("MSG {alice} {alice} hello {T}", "RELAY {alice} {alice} hello"),
    ("MSG {alice} {alice}  {T}", "RELAY {alice} {alice} "),
    ("CMD <nonsense> {T}", PROBLEM),
    ("CMD <group> {T}", None),
    ("ENDF {T}", None),
    ("MSGG {alice} hello {T}", None),
])
def test_the_space_before_the_ending_may_be_missing(alice, query, answer):
    alice.say_raw(query.format(alice=alice, T=alice.token).encode() + b"\r\n")
    if answer:
        alice.hears(answer.format(alice=alice))
    alice.is_settled()


def test_the_last_query_too_may_miss_it(alice):
    alice.say_raw(f"END <user command> {alice.token}\r\n".encode())
    alice.hears_last("END <end accepted>")


# Empty texts, spaces, line feeds

def test_an_empty_text_is_a_text(alice, bob):
    alice.say(f"MSG {bob} {alice} ")
    bob.hears(f"RELAY {bob} {alice} ")
    bob.say("CMD <group>")
    bob.is_settled()
    alice.say(f"MSGG {alice} ")
    bob.hears(f"RELAYG {alice} ")


@pytest.mark.parametrize("text", [" ", "  ", " hello", "hello ", "  two  words  ", "a b c d e f", " " * 500],
                         ids=lambda text: repr(text[:12]))
def test_spaces_in_a_text_are_kept_exactly(alice, bob, text):
    alice.say(f"MSG {bob} {alice} {text}")
    bob.hears(f"RELAY {bob} {alice} {text}")


def test_the_token_may_stand_in_a_text(alice, bob):
    """The fixed fields are taken from both ends."""
    alice.say(f"MSG {bob} {alice} {alice} {alice.token} ")
    bob.hears(f"RELAY {bob} {alice} {alice} {alice.token} ")


def test_a_line_feed_is_no_ending(alice, bob):
    alice.say_raw(f"MSG {bob} {alice} one {alice.token} \n".encode())
    alice.say(f"MSG {bob} {alice} two")
    bob.hears(f"RELAY {bob} {alice} one {alice.token} \\nMSG {bob} {alice} two")


def test_a_carriage_return_is_no_ending(alice, bob):
    alice.say_raw(f"MSG {bob} {alice} one {alice.token} \r".encode())
    alice.say(f"MSG {bob} {alice} two")
    bob.hears(f"RELAY {bob} {alice} one {alice.token} \\rMSG {bob} {alice} two")


def test_two_carriage_returns_before_the_line_feed(alice, bob):
    alice.say_raw(f"MSG {bob} {alice} one\r {alice.token} \r\n".encode())
    bob.hears(f"RELAY {bob} {alice} one\\r")
    alice.say_raw(f"MSG {bob} {alice} two {alice.token} \r\r\n".encode())
    alice.hears_last(INCORRECT)


# Any number of records and reads

def test_one_byte_a_record(server):
    name = unique("alice")
    peer, bob = server.connect(), server.sign_up("bob")
    peer.say_records(in_pieces(f"PUT {name} secret \r\n".encode(), 1))
    peer.is_accepted(name, "secret")
    for text in ("hello", "two words", "\xff"):
        peer.say_records(in_pieces(peer.spelled(f"MSG {bob} {peer} {text}"), 1))
        bob.hears(f"RELAY {bob} {peer} {text}")
    peer.say_records(in_pieces(peer.spelled("END <user command>"), 1))
    peer.hears_last("END <end accepted>")


def test_one_byte_a_record_each_with_a_write_of_its_own(alice, bob):
    for byte in in_pieces(alice.spelled(f"MSG {bob} {alice} hello"), 1):
        alice.say_raw(byte)
    bob.hears(f"RELAY {bob} {alice} hello")


def test_one_byte_of_ciphertext_at_a_time(alice, bob):
    alice.say_dribbled(alice.spelled(f"MSG {bob} {alice} hello"))
    bob.hears(f"RELAY {bob} {alice} hello")


def test_a_query_cut_at_any_place(alice, bob):
    query = alice.spelled(f"MSG {bob} {alice} hello\r and\nmore ")
    for cut in range(1, len(query)):
        alice.say_raw(query[:cut])
        alice.say_raw(query[cut:])
        bob.hears(f"RELAY {bob} {alice} hello\\r and\\nmore ")


@pytest.mark.parametrize("query", ["AUTH", "PUT"])
def test_a_log_in_cut_at_any_place(server, query):
    alice = server.sign_up("alice", "a b")
    alice.quit()
    start = f"{query} {alice} a b \r\n".encode()
    for cut in range(1, len(start)):
        peer = server.connect()
        peer.say_raw(start[:cut])
        peer.say_raw(start[cut:])
        if query == "AUTH":
            peer.is_accepted(alice.name)
            peer.quit()
        else:
            peer.hears("TRY <username already taken>")


def test_500_queries_in_one_write_a_record_each(alice):
    alice.say_records(alice.spelled(f"MSG {alice} {alice} {number}") for number in range(500))
    alice.hears(*(f"RELAY {alice} {alice} {number}" for number in range(500)))
    alice.is_settled()


@pytest.mark.parametrize("size", [3, 17, 100, 1000, 4096, RECORD_MAX])
def test_500_queries_in_records_of_any_size(alice, bob, size):
    queries = b"".join(alice.spelled(f"MSG {bob} {alice} {number}") for number in range(500))
    alice.say_records(in_pieces(queries, size))
    bob.hears(*(f"RELAY {bob} {alice} {number}" for number in range(500)))
    alice.is_settled()


def test_answers_come_before_the_next_query_is_complete(alice):
    alice.say_raw(alice.spelled("CMD <one>") + b"CMD <two> ")
    alice.hears(PROBLEM)
    alice.say_raw(alice.token.encode() + b" \r\n")
    alice.hears(PROBLEM)


# How long a query may be

@pytest.mark.parametrize("length", [4095, 4096, 4097, 8191, 8192, RECORD_MAX - 1, RECORD_MAX])
def test_a_query_of_up_to_16_kib_is_taken(alice, bob, length):
    query, text = padded(alice, bob, length)
    alice.say_raw(query)
    hears_long(bob, alice, text)
    alice.is_settled()


def test_a_query_of_16_kib_in_small_records_behind_another(alice, bob):
    query, text = padded(alice, bob, RECORD_MAX)
    alice.say_records(in_pieces(alice.spelled("CMD <first>") + query + alice.spelled("CMD <last>"), 1000))
    alice.hears(PROBLEM)
    hears_long(bob, alice, text)
    alice.hears(PROBLEM)


def test_16_kib_and_one_byte_are_a_protocol_error(alice, bob):
    query, _ = padded(alice, bob, RECORD_MAX + 1)
    alice.say_records(in_pieces(query, RECORD_MAX))
    alice.hears_last(INCORRECT)
    bob.heard_nothing_of(bob)


def test_16_kib_and_one_byte_behind_another_query(alice, bob):
    query, _ = padded(alice, bob, RECORD_MAX + 1)
    alice.say_records(in_pieces(alice.spelled("CMD <first>") + query, RECORD_MAX))
    alice.hears(PROBLEM)
    alice.hears_last(INCORRECT)


@pytest.mark.parametrize("start", [b"MSG bob alice ", b"CMD <", b"END <", b"ENDF ", b"", b"\n", b"\0"], ids=repr)
def test_too_long_a_query_is_refused_before_it_ends(alice, start):
    alice.say_raw(start.ljust(RECORD_MAX, b"x"))
    alice.say_raw(b"x")
    alice.hears_last(INCORRECT)


def test_megabytes_without_an_ending(alice):
    """The END reaches also a peer that goes on talking for a while."""
    alice.say_records(b"x" * RECORD_MAX for _ in range(8))
    alice.hears_last(INCORRECT)
