"""Limits on connections, on refused log-ins of an address, and on a session's queries."""

import time
from ssl import TLSVersion

import pytest

from http_client import figures
from wire import Refused, client_context, closed_without_a_word, eventually, unique

REFUSED = "END <incorrect username or password>"
TOO_MANY = "END * <too many trials>"


def is_turned_away(server, **how):
    """Demand that a new connection is closed before its handshake, without a word."""
    closed_without_a_word(server.knock(**how))
    try:
        server.connect(**how)
    except Refused:
        return
    raise AssertionError("a connection above the limit could shake hands")


# Connections

def test_connections(serve):
    server = serve({"limits.connections": 3})
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    stranger = server.connect()
    is_turned_away(server)
    is_turned_away(server, source="127.0.0.2")

    alice.message(bob, "full house")
    bob.hears(f"RELAY {bob} {alice} full house")
    stranger.hang_up()
    eventually(lambda: server.sign_up("carol"))
    is_turned_away(server)


def test_connections_of_an_address(serve):
    server = serve({"limits.connections_per_address": 2})
    alice = server.sign_up("alice")
    stranger = server.connect()
    is_turned_away(server)

    server.sign_up("bob", source="127.0.0.2")
    server.connect(source="127.0.0.2")
    is_turned_away(server, source="127.0.0.2")

    stranger.die()
    eventually(lambda: server.sign_up("carol"))
    alice.is_settled()


def test_connections_that_have_not_logged_in(serve):
    server = serve({"limits.unauthenticated": 2, "tls.records": "own"})
    first, second = server.connect(), server.connect()
    is_turned_away(server)

    first.sign_up("alice")
    third = eventually(server.connect)
    is_turned_away(server)

    second.hang_up()
    eventually(server.connect)
    is_turned_away(server)
    third.sign_up("bob")


def test_connections_in_handshake_count_as_not_logged_in(serve):
    server = serve({"limits.unauthenticated": 2})
    eventually(lambda: closed_without_a_word(server.knock(), 0.5))


@pytest.mark.parametrize("records, version", [("libssl", TLSVersion.TLSv1_3), ("own", TLSVersion.TLSv1_2)], ids=["libssl", "TLS 1.2"])
def test_who_needs_the_memory_of_two_counts_as_two(serve, records, version):
    """Where OpenSSL makes the records; from the end of the handshake on, until the log-in or the end."""
    server = serve({"limits.unauthenticated": 4, "tls.records": records, "metrics.listen": "127.0.0.1:0"})
    context = client_context(version, version)
    first, second = server.connect(context=context), server.connect(context=context)
    eventually(lambda: are_in_log_in(server, 2))  # a handshake ends later for the server than for its client
    is_turned_away(server)
    before = refused(server, "unauthenticated")
    second.hang_up()
    eventually(lambda: are_in_log_in(server, 1))
    waiting = server.knock()  # has one place
    with pytest.raises((OSError, AssertionError)):  # and there is one left
        server.connect(context=context).hears("nothing")
    eventually(lambda: refused(server, "unauthenticated") > before or pytest.fail("not counted"), errors=pytest.fail.Exception)
    waiting.close()
    eventually(lambda: first.sign_up("alice"))
    for name in ("bob", "carol", "dora"):
        eventually(lambda: server.sign_up(name, context=context)).quit()
    first.is_settled()


def are_in_log_in(server, count):
    assert figures(server)['messagerd_connections{state="login"}'] == count


def refused(server, reason):
    return figures(server)[f'messagerd_connections_refused_total{{reason="{reason}"}}']


def test_no_address_keeps_all_others_out(serve):
    """Each gets as many places as are still free: half, a quarter, an eighth, and one for who comes last."""
    server = serve({"limits.unauthenticated": 32, "tls.records": "own", "limits.penalty_exempt": "", "limits.penalty_threshold": 0,
                    "metrics.listen": "127.0.0.1:0"})
    places = {"127.0.0.10": 16, "127.0.0.11": 8, "127.0.0.12": 4, "127.0.0.13": 2, "127.0.0.14": 1}
    held = {}
    for source, count in places.items():
        held[source] = [server.connect(source=source) for _ in range(count)]
        is_turned_away(server, source=source)
    refused = 'messagerd_connections_refused_total{reason="unauthenticated per address"}'
    assert figures(server)[refused] >= len(places)

    held["127.0.0.14"].pop().sign_up("alice")  # who is in holds no place
    held["127.0.0.10"].pop().die()
    is_turned_away(server, source="127.0.0.11")  # it has its share
    eventually(lambda: server.sign_up("bob", source="127.0.0.14"))
    carol = server.sign_up("carol", source="127.0.0.15")
    carol.is_settled()


def test_an_address_that_is_exempt_may_have_all_places(serve):
    server = serve({"limits.unauthenticated": 8, "tls.records": "own", "limits.penalty_exempt": "127.0.0.20"})
    crowd = [server.connect(source="127.0.0.20") for _ in range(8)]
    is_turned_away(server, source="127.0.0.21")
    crowd.pop().die()
    eventually(lambda: server.sign_up("alice", source="127.0.0.21"))


# Refused log-ins

LIMIT = {"limits.failed_logins_per_address_per_minute": 3}


def refuse(server, query="AUTH nobody secret", times=1, **how):
    for _ in range(times):
        peer = server.connect(**how)
        peer.say(query)
        peer.hears_last(REFUSED)


def test_too_many_refused_log_ins_of_an_address(serve):
    server = serve(LIMIT)
    alice = server.sign_up("alice")
    bob = server.sign_up("bob")
    bob.quit()
    refuse(server, f"AUTH {alice} wrong")
    refuse(server, "AUTH nobody secret")
    refuse(server, "AUTH bad-name secret")

    for password in ("wrong", bob.password):
        peer = server.connect()
        peer.say(f"AUTH {bob} {password}")
        peer.hears_last(TOO_MANY)
    alice.is_settled()
    server.log_in(bob, source="127.0.0.2")


def test_tries_and_a_user_who_is_online_are_no_refused_log_ins(serve):
    server = serve(LIMIT)
    alice = server.sign_up("alice")
    bob = server.sign_up("bob")
    bob.quit()
    for _ in range(5):
        peer = server.connect()
        peer.say(f"AUTH {alice} {alice.password}")
        peer.hears_last("END * <user already online>")
    peer = server.connect()
    for _ in range(10):
        peer.say("PUT admin secret")
        peer.hears("TRY <username reserved>")
    peer.log_in(bob.name, bob.password)


def test_good_log_ins_are_no_refused_ones(serve):
    server = serve(LIMIT)
    alice = server.sign_up("alice")
    alice.quit()
    for _ in range(10):
        server.log_in(alice).quit()
    refuse(server, times=3)


def test_beyond_the_limit_nothing_is_hashed(serve):
    server = serve({"limits.failed_logins_per_address_per_minute": 3, "login.password_memory": "64MiB",
                    "login.password_passes": 6})

    def seconds(answer):
        peer = server.connect()
        began = time.monotonic()
        peer.say("AUTH nobody secret")
        peer.hears(answer)
        return time.monotonic() - began

    hashed = min(seconds(REFUSED) for _ in range(3))
    not_hashed = min(seconds(TOO_MANY) for _ in range(3))
    assert not_hashed < hashed / 4, f"a hash takes {hashed:.3f} s, a refusal without one {not_hashed:.3f} s"


# Sign-ups

def test_too_many_sign_ups_of_an_address(serve):
    server = serve({"limits.signups_per_address_per_minute": 3, "limits.penalty_exempt": "127.0.0.1"})
    bad = {"source": "127.0.0.66"}
    alice = server.sign_up("alice", **bad)
    alice.quit()
    for _ in range(2):
        peer = server.connect(**bad)
        peer.say(f"PUT {alice} secret")  # costs no hash and counts as none
        peer.hears("TRY <username already taken>")
        peer.sign_up(unique("bob"), "secret")
    for _ in range(2):
        peer = server.connect(**bad)
        peer.say("PUT carol secret")
        peer.hears_last(TOO_MANY)
    server.log_in(alice, **bad)  # it is for sign-ups alone
    server.sign_up("dora", source="127.0.0.77")
    for _ in range(5):
        server.sign_up("erin")  # exempt
    server.connect(source="127.0.0.77").sign_up("carol", "secret")


def test_a_crowd_that_signs_up_at_once_is_not_hashed(serve):
    """All are asked for before the first is hashed, and no more come in than may."""
    server = serve({"limits.signups_per_address_per_minute": 5, "limits.penalty_exempt": "127.0.0.1"})
    peers = [server.connect(source="127.0.0.66") for _ in range(60)]
    for peer in peers:
        peer.say(f"PUT {unique('crowd')} secret")
    answers = [peer.next_record() for peer in peers]
    assert answers.count(f"{TOO_MANY} \r\n".encode()) == 55, answers
    assert sum(answer.startswith(b"ACCEPT ") for answer in answers) == 5, answers


SLOW_HASH = {"login.password_memory": "32MiB", "login.password_passes": 3, "metrics.listen": "127.0.0.1:0"}


def waiting(server):
    return figures(server)["messagerd_passwords_waiting"]


def test_a_log_in_does_not_wait_behind_a_storm_of_sign_ups(serve):
    """Loopback, which is exempt from the limit on sign-ups, makes the storm."""
    server = serve(SLOW_HASH)
    alice = server.sign_up("alice")
    alice.quit()
    crowd = [server.connect() for _ in range(60)]
    returning = server.connect()
    for peer in crowd:
        peer.say(f"PUT {unique('crowd')} secret")
    eventually(lambda: waiting(server) > 40 or 1 / 0, errors=ZeroDivisionError)
    returning.log_in(alice.name, alice.password)
    assert waiting(server) > 25, "it came in with the last of those who came before it"


def test_the_queue_of_hashes_is_bounded_and_holds_nobody_who_left(serve):
    """By the places for those who have not logged in; and what nobody waits for any more is not hashed."""
    server = serve({**SLOW_HASH, "limits.unauthenticated": 30, "tls.records": "own"})
    crowd = [server.connect() for _ in range(30)]
    for peer in crowd:
        peer.say(f"PUT {unique('crowd')} secret")
    is_turned_away(server)
    assert 0 < waiting(server) <= 30
    for peer in crowd:
        peer.die()
    eventually(lambda: waiting(server) == 0 or 1 / 0, errors=ZeroDivisionError)
    assert figures(server)["messagerd_passwords_hashed_total"] < 30
    server.sign_up("alice")


# Queries

def test_too_many_queries_are_slowed_down_and_none_is_dropped(serve):
    server = serve({"session.messages_per_second": 20, "session.burst": 20})
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    began = time.monotonic()
    alice.say_records(alice.spelled(f"MSG {alice} {alice} {number}") for number in range(60))

    bob.is_settled()  # nobody else is slowed down
    bob.message(alice, "are you there?")
    heard, numbers = None, iter(range(60))
    for _ in range(61):
        heard = alice.next_record()
        if heard != f"RELAY {alice} {bob} are you there? \r\n".encode():
            assert heard == f"RELAY {alice} {alice} {next(numbers)} \r\n".encode()
    assert time.monotonic() - began > 1.5, "60 queries, 20 at once and 20 a second, take 2 seconds"
    alice.is_settled()


def test_every_query_counts(serve):
    server = serve({"session.messages_per_second": 20, "session.burst": 20})
    alice = server.sign_up("alice")
    began = time.monotonic()
    alice.say_raw(b"".join(alice.spelled("CMD <group>") for _ in range(50)))  # in one record, without an answer
    alice.is_settled()
    assert time.monotonic() - began > 1.2, "50 queries, 20 at once and 20 a second, take 1.5 seconds"


@pytest.mark.parametrize("leave", ["hang_up", "close_notify"])
def test_what_was_said_before_the_goodbye_is_not_dropped(serve, leave):
    server = serve({"session.messages_per_second": 20, "session.burst": 20})
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    alice.tls.write(b"".join(alice.spelled(f"MSG {bob} {alice} {number}") for number in range(60)))
    if leave == "hang_up":
        alice._flush()
    getattr(alice, leave)()  # close_notify leaves with the messages in one write
    bob.hears(*(f"RELAY {bob} {alice} {number}" for number in range(60)))
    eventually(lambda: server.log_in(alice))


def test_a_burst_is_not_slowed_down(serve):
    server = serve({"session.messages_per_second": 1, "session.burst": 100})
    alice = server.sign_up("alice")
    began = time.monotonic()
    alice.say_records(alice.spelled(f"MSG {alice} {alice} {number}") for number in range(90))
    alice.hears(*(f"RELAY {alice} {alice} {number}" for number in range(90)))
    assert time.monotonic() - began < 20, "90 queries of a burst of 100 took as long as without a burst"


def test_zero_is_no_limit(serve):
    server = serve({name: 0 for name in (
        "login.timeout", "login.handshake_timeout", "login.max_tries", "session.check_interval", "session.user_timeout",
        "session.idle_timeout", "session.query_timeout", "session.messages_per_second",
        "limits.connections", "limits.connections_per_address", "limits.unauthenticated",
        "limits.failed_logins_per_address_per_minute", "limits.signups_per_address_per_minute")})
    refuse(server, times=70)
    peer = server.connect()
    for _ in range(70):
        peer.say("PUT admin secret")
        peer.hears("TRY <username reserved>")
    peer.hears_nothing(0.3)
    alice = server.sign_up("alice")
    alice.say_raw(b"MSG ")
    alice.hears_nothing(0.3)
    alice.say(f"{alice} {alice} hello")
    alice.hears(f"RELAY {alice} {alice} hello")
    alice.say_records(alice.spelled(f"MSG {alice} {alice} {number}") for number in range(1000))
    alice.hears(*(f"RELAY {alice} {alice} {number}" for number in range(1000)))
