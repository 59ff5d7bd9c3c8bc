"""Signing up: protocol.md section 3, PUT, and the names and passwords of section 2."""

import pytest

from wire import eventually, to_bytes, unique

RESERVED = ["admin", "server", "quit", "online", "new_target", "toggle", "upload", "download", "status", "help", "mute",
            "unmute"]
TAKEN = "TRY <username already taken>"
CHARACTERS = "TRY <disallowed characters>"
TOO_LONG = "TRY <username too long>"
NAME_RESERVED = "TRY <username reserved>"
PASSWORD = "TRY <disallowed password>"


def put(peer, name, password="secret"):
    peer.say(b"PUT %b %b" % (to_bytes(name), to_bytes(password)))


def test_put_makes_an_account_and_a_session(server):
    name = unique("alice")
    peer = server.connect()
    peer.say(f"PUT {name} secret")
    peer.is_accepted(name, "secret")
    peer.is_settled()
    peer.quit()
    server.log_in(peer)


def test_the_final_space_may_be_missing(server):
    name = unique("alice")
    peer = server.connect()
    peer.say_raw(f"PUT {name} secret\r\n".encode())
    peer.is_accepted(name, "secret")
    peer.quit()
    server.log_in(peer)


@pytest.mark.parametrize("name", [
    pytest.param("Z", id="one-letter"),
    pytest.param("7", id="one-digit"),
    pytest.param("_", id="underscore"),
    pytest.param("abcdefghijklmnopqrstuvwxyz", id="small-letters"),
    pytest.param("ABCDEFGHIJKLMNOPQRSTUVWXYZ", id="capitals"),
    pytest.param("_0123456789", id="digits"),
    pytest.param("x" * 32, id="32-bytes"),
    pytest.param("admin_", id="longer-than-a-reserved-one"),
    pytest.param("newtarget", id="almost-a-reserved-one"),
])
def test_allowed_names(server, name):
    server.connect().sign_up(name)


@pytest.mark.parametrize("character", [
    *(pytest.param(bytes([c]), id=f"byte-{c:02x}") for c in [*range(0x20), 0x7f]),
    *(pytest.param(c, id=f"byte-{ord(c):02x}") for c in "-.+/\\@:'\"`;,<>()[]{}!?*%$#&|=~^"),
    pytest.param("é", id="two-byte-letter"),
    pytest.param("😀", id="four-byte-character"),
    pytest.param(b"\x80", id="byte-80"),
    pytest.param(b"\xff", id="byte-ff"),
])
def test_disallowed_characters(server, character):
    peer = server.connect()
    put(peer, b"ali%bce" % to_bytes(character))
    peer.hears(CHARACTERS)
    peer.sign_up(unique("alice"))


@pytest.mark.parametrize("length", [33, 34, 255, 256, 1000, 16000])
def test_a_name_has_32_bytes_at_most(server, length):
    peer = server.connect()
    put(peer, "x" * length)
    peer.hears(TOO_LONG)
    peer.sign_up(unique("alice"))


@pytest.mark.parametrize("name", RESERVED)
def test_reserved_names_in_any_case(server, name):
    peer = server.connect()
    for spelling in (name, name.upper(), name.capitalize(), name[:-1] + name[-1].upper()):
        put(peer, spelling)
        peer.hears(NAME_RESERVED)


@pytest.mark.parametrize("password", [
    pytest.param("x", id="one-byte"),
    pytest.param("x" * 1024, id="1024-bytes"),
    pytest.param("é" * 512, id="1024-bytes-of-utf-8"),
    pytest.param("correct horse  battery", id="spaces-inside"),
    pytest.param(b"\x80\xff\xc3", id="no-utf-8"),
    pytest.param("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", id="punctuation"),
    pytest.param("<>", id="brackets"),
])
def test_allowed_passwords(server, password):
    alice = server.sign_up("alice", password)
    alice.quit()
    server.log_in(alice)


@pytest.mark.parametrize("password", [
    *(pytest.param(b"sec%cret" % c, id=f"byte-{c:02x}") for c in [*range(0x20), 0x7f]),
    pytest.param("x" * 1025, id="1025-bytes"),
    pytest.param("x" * 15000, id="15000-bytes"),
    pytest.param("é" * 513, id="1026-bytes-of-utf-8"),
    pytest.param(" secret", id="space-before"),
    pytest.param("secret ", id="space-after"),
    pytest.param("secret\r", id="carriage-return-after"),
])
def test_disallowed_passwords(server, password):
    peer = server.connect()
    name = unique("alice")
    put(peer, name, password)
    peer.hears(PASSWORD)
    peer.sign_up(name)


def test_a_space_too_many_at_the_end_is_part_of_the_password(server):
    """The one space before CR LF belongs to the query's form whether or not the password ends in another."""
    peer = server.connect()
    peer.say_raw(b"PUT %b secret  \r\n" % unique("alice").encode())
    peer.hears(PASSWORD)


def test_the_least_password_length_is_a_setting(serve):
    server = serve({"login.min_password_length": 8})
    peer = server.connect()
    name = unique("alice")
    put(peer, name, "1234567")
    peer.hears(PASSWORD)
    peer.sign_up(name, "12345678")


def test_a_taken_name(server):
    alice = server.sign_up("alice")
    thief = server.connect()
    put(thief, alice.name, "another secret")
    thief.hears(TAKEN)
    thief.sign_up(unique("thief"))

    alice.is_settled()
    alice.quit()
    put(thief := server.connect(), alice.name, alice.password)
    thief.hears(TAKEN)
    server.log_in(alice)


def test_names_that_differ_in_case_are_two_users(server):
    name = unique("alice")
    small, large = server.connect().sign_up(name, "one"), server.connect().sign_up(name.upper(), "two")
    small.message(large, "hello")
    large.hears(f"RELAY {large} {small} hello")


LONG = "x" * 33


@pytest.mark.parametrize("name, password, answer", [
    pytest.param("-" + LONG, "secret", CHARACTERS, id="characters-before-length"),
    pytest.param("bad-name", " secret", CHARACTERS, id="characters-before-password"),
    pytest.param("-" + LONG, " secret", CHARACTERS, id="characters-before-both"),
    pytest.param(LONG, " secret", TOO_LONG, id="length-before-password"),
    pytest.param("admin", "secret ", NAME_RESERVED, id="reserved-before-password"),
    pytest.param("admin", "x" * 1025, NAME_RESERVED, id="reserved-before-long-password"),
    pytest.param("TAKEN", "x" * 1025, PASSWORD, id="password-before-taken"),
    pytest.param("TAKEN", "a\nb", PASSWORD, id="password-with-control-byte-before-taken"),
    pytest.param("TAKEN", "secret", TAKEN, id="taken-alone"),
])
def test_the_first_of_several_faults_is_named(server, name, password, answer):
    if name == "TAKEN":
        name = server.sign_up("alice").name
    peer = server.connect()
    put(peer, name, password)
    peer.hears(answer)


def test_after_try_one_may_log_in(server):
    alice = server.sign_up("alice")
    alice.quit()
    peer = server.connect()
    put(peer, alice.name)
    peer.hears(TAKEN)
    peer.log_in(alice.name, alice.password)


def test_after_try_a_wrong_password_ends_it(server):
    alice = server.sign_up("alice")
    peer = server.connect()
    put(peer, alice.name)
    peer.hears(TAKEN)
    peer.say(f"AUTH {alice} wrong")
    peer.hears_last("END <incorrect username or password>")


def test_after_try_anything_else_is_a_protocol_error(server):
    peer = server.connect()
    put(peer, "admin")
    peer.hears(NAME_RESERVED)
    peer.say("CMD <online> 0")
    peer.hears_last("END * <incorrect protocol>")


def test_several_trials_in_one_record(server):
    peer = server.connect()
    name = unique("alice")
    peer.say_raw(f"PUT bad-name secret \r\nPUT admin secret \r\nPUT {name} secret \r\n".encode())
    peer.hears(CHARACTERS, NAME_RESERVED)
    peer.is_accepted(name)


def test_the_60th_refusal_ends_it(server):
    peer = server.connect()
    for _ in range(59):
        put(peer, "bad-name")
        peer.hears(CHARACTERS)
    put(peer, "bad-name")
    peer.hears_last("END <too many trials>")


def test_59_refusals_are_forgiven(server):
    peer = server.connect()
    for _ in range(59):
        put(peer, "admin")
        peer.hears(NAME_RESERVED)
    peer.sign_up(unique("alice"))


def test_refusals_of_all_kinds_count(serve):
    server = serve({"login.max_tries": 6})
    alice = server.sign_up("alice")
    peer = server.connect()
    for name, password, answer in [("bad-name", "secret", CHARACTERS), (LONG, "secret", TOO_LONG),
                                   ("admin", "secret", NAME_RESERVED), ("bob", " secret", PASSWORD),
                                   (alice.name, "secret", TAKEN)]:
        put(peer, name, password)
        peer.hears(answer)
    put(peer, alice.name)
    peer.hears_last("END <too many trials>")

    server.connect().sign_up(unique("bob"))  # each connection has its own count


@pytest.mark.threads
def test_of_two_who_want_a_name_at_once_one_gets_it(server):
    for _ in range(20):
        name = unique("alice")
        rivals = [server.connect() for _ in range(4)]
        for number, rival in enumerate(rivals):
            put(rival, name, f"secret {number}")
        answers = [rival.next_record() for rival in rivals]
        winners = [n for n, answer in enumerate(answers) if answer.startswith(f"ACCEPT {name} ".encode())]
        assert len(winners) == 1, answers
        assert answers.count(TAKEN.encode() + b" \r\n") == 3, answers

        rivals[winners[0]].hang_up()
        eventually(lambda: server.connect().log_in(name, f"secret {winners[0]}"))


def test_sign_up_can_be_closed(serve):
    open_server = serve()
    alice = open_server.sign_up("alice")
    open_server.finish()

    server = serve({"login.registration": "closed"}, folder=open_server.folder)
    for name in ("bob", alice.name):
        peer = server.connect()
        put(peer, name)
        peer.hears_last("END * <registration closed>")
    server.log_in(alice)
