"""A receiver that stops reading: it is dropped as too slow, and the others go on."""

import pytest

from wire import Ending, eventually

pytestmark = pytest.mark.threads

TOO_SLOW = b"END * <too slow> \r\n"
TEXT = "x" * 4000
MOST = 20_000  # messages: 80 MB, far more than a loopback connection's buffers


@pytest.fixture
def server(serve):
    return serve({"session.output_limit": "256KiB", "session.messages_per_second": 1_000_000, "session.burst": 1_000_000})


def talk_until_gone(sender, deaf, others):
    """Send to the deaf one until it is offline; each of the others hears a message now and then. How many were sent."""
    for number in range(MOST):
        sender.message(deaf, f"{number} {TEXT}")
        if number % 16:
            continue
        for other in others:
            sender.message(other, f"word {number}")
            other.hears(f"RELAY {other} {sender} word {number}")
        sender.say("CMD <settled>")
        heard = sender.next_record()
        if heard == b"CNT <user not online> \r\n":
            return number
        assert heard == b"CMD <problem with command> \r\n", heard
    raise AssertionError(f"{MOST} messages to a receiver that reads nothing, and it is still online")


def hears_the_rest(deaf, sender):
    """What it reads afterwards: whole messages in order and without a gap, perhaps the END, then the close. How many."""
    number = 0
    while True:
        heard = deaf.next_record()
        if heard != f"RELAY {deaf} {sender} {number} {TEXT} \r\n".encode():
            break
        number += 1
    if heard == TOO_SLOW:
        heard = deaf.next_record()
    assert isinstance(heard, Ending) and heard is not Ending.SILENCE, f"after {number} messages: {heard!r}"
    return number


def test_a_receiver_that_stops_reading_is_dropped(server):
    alice, carol = server.sign_up("alice"), server.sign_up("carol")
    bob = server.sign_up("bob", rcvbuf=4096)
    sent = talk_until_gone(alice, bob, [carol])
    assert 0 < hears_the_rest(bob, alice) <= sent

    again = server.log_in(bob)
    again.heard_nothing_of(carol)


def test_its_connection_ends_even_if_it_never_reads(server):
    alice = server.sign_up("alice")
    bob = server.sign_up("bob", rcvbuf=4096)
    talk_until_gone(alice, bob, [])
    eventually(lambda: server.log_in(bob))
    server.stop()  # within its time, with the deaf connection still open on our side


def test_a_group_goes_on_without_its_slow_member(server):
    alice, carol = server.sign_up("alice"), server.sign_up("carol")
    bob = server.sign_up("bob", rcvbuf=4096)
    for one in (bob, carol):
        one.say("CMD <group>")
    carol.is_settled()
    bob.is_settled()

    for number in range(MOST):
        alice.group_message(f"{number} {TEXT}")
        carol.hears(f"RELAYG {alice} {number} {TEXT}")
        if number % 64 == 0:
            alice.say("CMD <online>")
            if alice.hears_match("CMD <(.*)>")[1].decode() == f"{alice} {carol}":
                return
    raise AssertionError("the group's slow member is still online")


def test_who_does_not_read_its_own_answers_is_dropped_too(server):
    alice, bob = server.sign_up("alice", rcvbuf=4096), server.sign_up("bob")
    alice.deaf = True
    for _ in range(MOST):
        alice.message(alice, TEXT)
        if not alice.is_connected():
            break
    assert not alice.is_connected(), f"{MOST} answers not read, and the server goes on"
    bob.message(alice, "hello?")
    bob.hears("CNT <user not online>")


def test_a_receiver_that_catches_up_in_time_stays(server):
    alice, bob = server.sign_up("alice"), server.sign_up("bob", rcvbuf=4096)
    for round in range(20):
        for number in range(30):  # 120 KB, below the limit of 256 KiB
            alice.message(bob, f"{round} {number} {TEXT}")
        alice.is_settled()
        bob.hears(*(f"RELAY {bob} {alice} {round} {number} {TEXT}" for number in range(30)))
    bob.is_settled()
