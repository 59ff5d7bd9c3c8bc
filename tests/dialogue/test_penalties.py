"""Penalties of an address: what adds to them, whom they meet and whom not."""

import threading
import time

import pytest

from ctl import Administrator
from http_client import figures
from wire import Ending, Refused, closed_without_a_word, eventually, reset

STRICT = {"limits.penalty_exempt": "127.0.0.1", "limits.penalty_threshold": 2, "limits.penalty_longest": 2,
          "metrics.listen": "127.0.0.1:0"}
BAD, GOOD = {"source": "127.0.0.66"}, {"source": "127.0.0.77"}
PENALTY = 'messagerd_connections_refused_total{reason="penalty"}'


def is_refused(server, **how):
    """At the door, for what it owes: a handshake whose time was over would look the same from outside."""
    before = figures(server)[PENALTY]
    closed_without_a_word(server.knock(**how))
    assert figures(server)[PENALTY] > before, "it was closed, but not for its penalties"  # one that was reset may be counted late


def wrong_password(server, **how):
    peer = server.connect(**how)
    peer.say("AUTH nobody wrong")
    peer.hears_last("END <incorrect username or password>")


def garbage(server, **how):
    peer = server.connect(**how)
    peer.say_raw(b"GET / HTTP/1.1\r\n\r\n")
    peer.hears_last("END * <incorrect protocol>")


def no_login(server, **how):
    server.connect(**how).close_notify()


def registration_closed(server, **how):
    peer = server.connect(**how)
    peer.say("PUT somebody secret")
    peer.hears_last("END * <registration closed>")


def banned_name(server, **how):
    peer = server.connect(**how)
    peer.say("PUT banned secret")
    peer.hears_last("END * <banned>")


def knock_and_go(server, **how):
    server.knock(**how).close()


def connect_and_reset(server, **how):
    reset(server.knock(**how))


def no_handshake(server, **how):
    server.knock(**how).sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")


def broken_handshake(server, **how):
    sock = server.knock(**how)
    sock.sendall(b"\x16\x03\x01\x00\x50\x01")
    reset(sock)


OFFENCES = {"wrong password": wrong_password, "garbage": garbage, "no log-in": no_login, "knock": knock_and_go,
            "reset": connect_and_reset, "no handshake": no_handshake, "half a handshake": broken_handshake}


@pytest.mark.parametrize("offend", OFFENCES.values(), ids=OFFENCES)
def test_who_offends_is_refused_for_a_while_and_nobody_else(serve, offend):
    server = serve(STRICT)
    alice = server.sign_up("alice", **BAD)

    def offend_once():
        try:
            offend(server, **BAD)
        except (Refused, OSError, AssertionError):
            pass  # it is refused already
        assert figures(server)["messagerd_penalized_addresses"] == 1
    eventually(offend_once, errors=AssertionError)
    is_refused(server, **BAD)
    assert figures(server)[PENALTY] >= 1
    server.await_log(r"\baddress-refused\b.*address=127\.0\.0\.66")
    alice.is_settled()  # who is in stays in
    server.sign_up("bob", **GOOD)
    server.sign_up("carol")
    eventually(lambda: server.sign_up("dora", **BAD))  # what is owed is paid by waiting


@pytest.mark.parametrize("setting, kind, offend", [
    ("wrong_password", "wrong password", wrong_password), ("garbage", "garbage", garbage), ("no_login", "no log-in", no_login),
    ("handshake", "handshake", no_handshake)])
def test_each_offence_costs_what_its_setting_says(serve, setting, kind, offend):
    free = {f"limits.penalty_{name}": 0 for name in ("wrong_password", "garbage", "no_login", "handshake")}
    server = serve({**STRICT, **free, f"limits.penalty_{setting}": 500, "limits.penalty_threshold": 1000, "limits.penalty_longest": 1000})
    admin = Administrator(server)
    offend(server, **BAD)

    def is_noted():
        found = admin.asks("penalties", "list")["penalties"]
        assert [(one["address"], one["state"]) for one in found] == [("127.0.0.66", "noted")]
        return found[0]["seconds"]
    assert 400 < eventually(is_noted) <= 500
    assert figures(server)[f'messagerd_offences_total{{kind="{kind}"}}'] == 1
    server.sign_up("alice", **BAD)


@pytest.mark.parametrize("offend", [registration_closed, banned_name])
def test_a_door_that_is_shut_is_not_knocked_at_for_nothing(serve, offend):
    """Who is turned away before log-in, and comes again and again, is refused too."""
    server = serve({**STRICT, "limits.penalty_threshold": 60, "limits.penalty_longest": 60, "limits.penalty_no_login": 40,
                    "login.registration": "closed" if offend is registration_closed else "open"})
    admin = Administrator(server)
    admin.does("ban", "banned")
    for _ in range(2):
        offend(server, **BAD)

    def owes_too_much():
        assert [row["state"] for row in admin.asks("penalties", "list")["penalties"]] == ["refused"]
    eventually(owes_too_much, errors=AssertionError)
    is_refused(server, **BAD)
    server.connect(**GOOD)


def test_an_exempt_address_owes_nothing(serve):
    server = serve(STRICT)
    for _ in range(5):
        wrong_password(server)
        no_login(server)
    server.sign_up("alice")
    assert Administrator(server).asks("penalties", "list") == {"penalties": []}


def test_loopback_is_exempt_by_default(serve):
    server = serve({"limits.penalty_threshold": 1})
    for _ in range(5):
        wrong_password(server, **BAD)
    server.sign_up("alice", **BAD)


def test_good_log_ins_and_tries_cost_nothing(serve):
    server = serve(STRICT)
    alice = server.sign_up("alice", **BAD)
    for _ in range(10):
        peer = server.connect(**BAD)
        peer.say(f"AUTH {alice} {alice.password}")
        peer.hears_last("END * <user already online>")
    alice.quit()
    for _ in range(10):
        server.log_in(alice, **BAD).quit()
    bob = server.connect(**BAD)
    for _ in range(10):
        bob.say("PUT admin secret")
        bob.hears("TRY <username reserved>")
    bob.sign_up("bob_penalties")
    assert Administrator(server).asks("penalties", "list") == {"penalties": []}


def test_the_administrator_sees_and_forgives(serve):
    server = serve({**STRICT, "limits.penalty_longest": 1000, "limits.penalty_threshold": 100,
                    "limits.penalty_wrong_password": 60})
    admin = Administrator(server)
    wrong_password(server, **GOOD)
    for _ in range(2):
        wrong_password(server, **BAD)
    is_refused(server, **BAD)
    noted, refused = admin.asks("penalties", "list")["penalties"]
    assert (noted["address"], noted["state"]) == ("127.0.0.77", "noted") and 50 < noted["seconds"] <= 60
    assert (refused["address"], refused["state"]) == ("127.0.0.66", "refused") and 100 < refused["seconds"] <= 120
    assert "127.0.0.66" in admin.does("penalties", "list")
    assert "is no IP address" in admin.fails("penalties", "clear", "bob")
    assert admin.fails("penalties", "clear", "127.0.0.1") == "127.0.0.1 has no penalties\n"
    assert admin.does("penalties", "clear", "127.0.0.66") == "1 address is forgiven\n"
    server.sign_up("alice", **BAD)
    assert admin.does("penalties", "clear") == "1 address is forgiven\n"
    assert admin.does("penalties", "clear") == "0 addresses are forgiven\n"
    assert admin.does("penalties", "list") == ""


def guess(server, count, seconds, answers):
    """So many wrong passwords on new connections, as fast as they go, whatever is answered; fewer where there is no time for so many."""
    end = time.monotonic() + seconds
    for number in range(count):
        if time.monotonic() > end:
            break
        try:
            peer = server.connect(**BAD)
            peer.say(f"AUTH victim guess{number}")
            heard = peer.next_record()
            answers["hashed" if heard == b"END <incorrect username or password> \r\n" else "unhashed"] += 1
            assert not isinstance(heard, Ending) or heard is not Ending.SILENCE
            peer.socket.close()
        except (Refused, OSError):
            answers["refused"] += 1


def log_in_times(server, user, goes_on):
    """How long good log-ins take, one after the other, while goes_on(how many there were)."""
    took = []
    while goes_on(len(took)):
        start = time.monotonic()
        server.log_in(user, **GOOD).quit()
        took.append(time.monotonic() - start)
    return sorted(took)


def test_guessing_passwords_is_refused_and_others_notice_nothing(serve):
    """The setting is as it comes, but that loopback is not exempt: ten thousand guesses, and good log-ins meanwhile. These take a hash, for which a
    busy machine has no core for a while: what the slowest takes without a guess in sight is the machine's, the second beyond it the server's."""
    server = serve({"limits.penalty_exempt": "", "limits.failed_logins_per_address_per_minute": None,
                    "login.password_memory": None, "login.password_passes": None, "metrics.listen": "127.0.0.1:0"})
    alice = server.sign_up("alice", **GOOD)
    alice.quit()
    count, answers = 10000, {"hashed": 0, "unhashed": 0, "refused": 0}
    quiet = log_in_times(server, alice, lambda done: done < 20)
    guesser = threading.Thread(target=guess, args=(server, count, 45, answers))
    began = time.monotonic()
    guesser.start()

    def is_guessing(_done):
        guesser.join(0.05)
        return guesser.is_alive()
    took = log_in_times(server, alice, is_guessing)
    p99 = took[int(len(took) * 0.99)]
    made = sum(answers.values())
    print(f"{made} guesses in {time.monotonic() - began:.1f} s: {answers}; {len(took)} log-ins, p99 {p99:.3f} s; slowest before {quiet[-1]:.3f} s")
    assert made > count / 10
    assert answers["hashed"] <= count / 100, answers
    assert figures(server)['messagerd_logins_total{result="refused"}'] == answers["hashed"]
    assert answers["refused"] > made * 0.9, answers
    assert len(took) >= 20 and p99 < 1 + quiet[-1], took[-5:]
