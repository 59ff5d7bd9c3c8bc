"""Everything that the clock does: CHECK, and the limits on handshakes, log-ins, idleness and unfinished queries.

Where a test has to let time pass it says so by waiting for silence on a connection, and its margins are wide.
"""

import time

import pytest

from wire import PACE, Ending, closed_without_a_word, eventually, unique

LOGIN_TIMEOUT = "END * <login timeout>"


def seconds_since(began):
    return time.monotonic() - began


# CHECK

def test_an_idle_session_hears_check(serve):
    server = serve({"session.check_interval": 0.5})
    alice = server.sign_up("alice")
    began = time.monotonic()
    alice.hears("CHECK", "CHECK", "CHECK")
    assert 1.2 < seconds_since(began) < 1.5 + 3


def test_a_session_that_hears_something_else_hears_no_check(serve):
    server = serve({"session.check_interval": 1})
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    for number in range(12):  # 2.4 s of talk: no pause comes near 1 s
        alice.hears_nothing(0.2)
        bob.message(alice, str(number))
        alice.hears(f"RELAY {alice} {bob} {number}")
    spoken = time.monotonic()
    alice.hears("CHECK")
    assert seconds_since(spoken) > 0.8, "the CHECK came too early after a message"


def test_what_a_session_says_itself_puts_off_no_check(serve):
    """Only what is sent to it counts; CMD <group> has no answer."""
    server = serve({"session.check_interval": 0.5})
    alice = server.sign_up("alice")
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        alice.say("CMD <group>")
        if alice.next_record(0.1) == b"CHECK \r\n":
            return
    pytest.fail("no CHECK came in 5 s to a session that toggles group chat again and again")


def test_no_check_before_log_in(serve):
    server = serve({"session.check_interval": 0.1})
    new, trying, half = server.connect(), server.connect(), server.connect()
    trying.say("PUT admin secret")
    trying.hears("TRY <username reserved>")
    name = unique("half")
    half.say_raw(f"PUT {name} secr".encode())
    for one in (new, trying, half):
        one.hears_nothing(0.4)
    half.say_raw(b"et \r\n")
    half.is_accepted(name)
    for one in (new, trying):
        one.sign_up(unique("alice"))


# Handshake and log-in

def test_a_handshake_has_a_time_limit(serve):
    server = serve({"login.handshake_timeout": 0.5})
    began = time.monotonic()
    silent = server.knock()
    begun = server.knock()
    begun.sendall(b"\x16\x03\x01\x02\x00\x01\x00")
    closed_without_a_word(silent)
    closed_without_a_word(begun)
    assert 0.4 < seconds_since(began) < 4 * PACE


def test_a_slow_handshake_is_not_endless(serve):
    """A byte now and then does not win time."""
    server = serve({"login.handshake_timeout": 0.5})
    slow = server.knock()
    slow.settimeout(0.1)
    began = time.monotonic()
    for byte in b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100):
        try:
            slow.send(bytes([byte]))
            if slow.recv(1) == b"":
                break
        except TimeoutError:
            continue
        except OSError:
            break
    assert 0.4 < seconds_since(began) < 4 * PACE


@pytest.mark.parametrize("said", [b"", b"AUTH", b"PUT alice secret", b"PUT alice secret \r"], ids=repr)
def test_a_log_in_has_a_time_limit(serve, said):
    server = serve({"login.timeout": 0.5})
    peer = server.connect()
    began = time.monotonic()
    if said:
        peer.say_raw(said)
    peer.hears_last(LOGIN_TIMEOUT)
    assert 0.3 < seconds_since(began) < 4 * PACE


def test_a_slow_log_in_is_not_endless(serve):
    server = serve({"login.timeout": 0.5})
    peer = server.connect()
    began = time.monotonic()
    for byte in b"PUT " + b"x" * 100:
        peer.say_raw(bytes([byte]))
        heard = peer.next_record(0.1)
        if isinstance(heard, bytes):
            break
    assert heard == LOGIN_TIMEOUT.encode() + b" \r\n"
    peer.hears_close()
    assert 0.3 < seconds_since(began) < 4 * PACE


def test_each_try_gives_new_time(serve):
    server = serve({"login.timeout": 1})
    peer = server.connect()
    for _ in range(4):  # 2.4 s in all
        peer.hears_nothing(0.6)
        peer.say("PUT admin secret")
        peer.hears("TRY <username reserved>")
    tried = time.monotonic()
    peer.hears_last(LOGIN_TIMEOUT)
    assert 0.8 < seconds_since(tried) < 4 * PACE


def test_the_whole_log_in_takes_ten_times_that_at_most(serve):
    server = serve({"login.timeout": 0.4, "login.max_tries": 10000})
    peer = server.connect()
    began = time.monotonic()
    while True:
        heard = peer.next_record(0.1)
        if heard is Ending.SILENCE:
            peer.say("PUT admin secret")
        elif heard != b"TRY <username reserved> \r\n":
            break
        assert seconds_since(began) < 8, "still trying"
    assert heard == LOGIN_TIMEOUT.encode() + b" \r\n"
    peer.hears_close()
    assert 3.8 < seconds_since(began) < 8 * PACE


def test_a_session_has_no_log_in_limit(serve):
    server = serve({"login.timeout": 0.3})
    alice = server.sign_up("alice")
    alice.hears_nothing(0.8)
    alice.is_settled()


def test_waiting_for_a_hash_is_no_timeout(serve):
    """Each has said its query in time; that the hashes before its own take longer is not its fault."""
    server = serve({"login.timeout": 0.5 * PACE, "login.password_memory": "64MiB", "login.password_passes": 4})
    for size in (2, 4, 8, 16, 32, 64, 128):
        crowd = [server.connect() for _ in range(size)]
        began = time.monotonic()
        for one in crowd:
            one.say("AUTH nobody secret")
        for one in crowd:
            one.hears_last("END <incorrect username or password>")
        if seconds_since(began) > 0.7 * PACE:
            return
    pytest.fail("even so many hashes are too quick to show anything")


# Peers that are gone

def test_a_peer_that_acknowledges_nothing_is_dropped(serve):
    server = serve({"session.check_interval": 0.3, "session.user_timeout": 1.5})
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    alice.hears("CHECK")
    alice.vanish()

    def is_gone():
        bob.say("CMD <online>")
        heard = bob.next_record()
        while heard == b"CHECK \r\n":
            heard = bob.next_record()
        assert heard == f"CMD <{bob}> \r\n".encode()
    eventually(is_gone)
    server.log_in(alice)


def test_a_peer_that_acknowledges_without_reading_is_not_dropped(serve):
    server = serve({"session.check_interval": 0.3, "session.user_timeout": 0.6})
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    for _ in range(6):  # 1.8 s, in which alice's system takes what comes
        bob.hears("CHECK")
    bob.message(alice, "are you there?")
    heard = alice.next_record()
    while heard == b"CHECK \r\n":
        heard = alice.next_record()
    assert heard == f"RELAY {alice} {bob} are you there? \r\n".encode()


# Idle sessions and unfinished queries

def test_an_idle_session_ends_if_a_limit_is_set(serve):
    server = serve({"session.idle_timeout": 0.5})
    alice = server.sign_up("alice")
    began = time.monotonic()
    alice.hears_last("END * <idle>")
    assert 0.3 < seconds_since(began) < 4 * PACE
    server.log_in(alice)


def test_a_session_that_says_something_is_not_idle(serve):
    server = serve({"session.idle_timeout": 1})
    alice = server.sign_up("alice")
    for _ in range(6):  # 2.4 s of talk
        alice.hears_nothing(0.4)
        alice.is_settled()
    alice.hears_last("END * <idle>")


def test_checks_do_not_keep_a_session_from_being_idle(serve):
    server = serve({"session.idle_timeout": 1, "session.check_interval": 0.3})
    alice = server.sign_up("alice")
    heard = alice.next_record()
    for _ in range(20):
        if heard != b"CHECK \r\n":
            break
        heard = alice.next_record()
    assert heard == b"END * <idle> \r\n"


@pytest.mark.parametrize("start", [b"C", b"MSG bob alice hello", b"CMD <online> x \r"], ids=repr)
def test_an_unfinished_query_has_a_time_limit(serve, start):
    server = serve({"session.query_timeout": 0.5})
    alice = server.sign_up("alice")
    began = time.monotonic()
    alice.say_raw(start)
    alice.hears_last("END * <query timeout>")
    assert 0.3 < seconds_since(began) < 4 * PACE
    server.log_in(alice)


def test_a_slow_query_is_not_endless(serve):
    server = serve({"session.query_timeout": 0.5})
    alice = server.sign_up("alice")
    began = time.monotonic()
    for byte in b"CMD <" + b"x" * 100:
        alice.say_raw(bytes([byte]))
        heard = alice.next_record(0.1)
        if isinstance(heard, bytes):
            break
    assert heard == b"END * <query timeout> \r\n"
    alice.hears_close()
    assert 0.3 < seconds_since(began) < 4 * PACE


def test_complete_queries_have_no_time_limit(serve):
    server = serve({"session.query_timeout": 0.3})
    alice = server.sign_up("alice")
    alice.hears_nothing(0.8)
    alice.say_raw(b"CMD <settled> ")
    alice.say_raw(alice.token.encode() + b" \r\n")
    alice.hears("CMD <problem with command>")
    alice.hears_nothing(0.8)
    alice.is_settled()


def test_each_query_has_its_own_time(serve):
    """A query's time starts with its own first byte, not with that of the query before it."""
    server = serve({"session.query_timeout": 1})
    alice = server.sign_up("alice")
    query = alice.spelled("CMD <settled>")
    alice.say_raw(query[:5])
    for _ in range(4):  # 2.4 s, at any time with an unfinished query
        alice.hears_nothing(0.6)
        alice.say_raw(query[5:] + query[:5])
        alice.hears("CMD <problem with command>")


def test_a_query_that_waits_because_of_the_server_is_not_late(serve):
    """Thirty queries in small records, taken in at ten a second: at any time one is half read, and all are answered."""
    server = serve({"session.query_timeout": 0.5, "session.messages_per_second": 10, "session.burst": 1})
    alice = server.sign_up("alice")
    queries = b"".join(alice.spelled(f"MSG {alice} {alice} {number}") for number in range(30))
    alice.say_records(queries[start:start + 7] for start in range(0, len(queries), 7))
    alice.hears(*(f"RELAY {alice} {alice} {number}" for number in range(30)))


def test_a_session_whose_queries_wait_is_not_idle(serve):
    """Rate limits drop nothing, also where the pause is longer than the idle limit."""
    server = serve({"session.idle_timeout": 0.5, "session.messages_per_second": 1, "session.burst": 1})
    alice = server.sign_up("alice")
    alice.say_records(alice.spelled(f"MSG {alice} {alice} {number}") for number in range(3))
    alice.hears(*(f"RELAY {alice} {alice} {number}" for number in range(3)))
    alice.hears_last("END * <idle>")
