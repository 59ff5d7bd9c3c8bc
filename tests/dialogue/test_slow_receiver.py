"""A receiver that stops reading: it is dropped as too slow, and the others go on."""

import pytest

from crowd import gather
from http_client import figures
from wire import Ending, eventually

pytestmark = pytest.mark.threads

TOO_SLOW = b"END * <too slow> \r\n"
TEXT = "x" * 4000
MOST = 20_000  # messages: 80 MB, far more than a loopback connection's buffers
KIB = 1 << 10


@pytest.fixture
def server(serve):
    return serve({"session.output_limit": "256KiB", "session.messages_per_second": 1_000_000, "session.burst": 1_000_000,
                  "metrics.listen": "127.0.0.1:0"})


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
    got = hears_the_rest(bob, alice)  # what was sent beyond that was on its way to another worker
    assert 0 < got <= sent
    assert got * len(TEXT) < 512 * KIB, "the kernel has taken a lot for somebody who does not read"

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


def test_what_waited_comes_in_its_order(server):
    """Of one's own and of the group, before and after it stopped reading, and again."""
    alice, carol = server.sign_up("alice"), server.sign_up("carol")
    bob = server.sign_up("bob", rcvbuf=4096)
    for one in (bob, carol):
        one.say("CMD <group>")
        one.is_settled()
    for round in range(3):
        expected = []
        for number in range(80):  # 320 KB: more than the kernel takes, and what is left is below the limit
            if number % 3 == 0:
                alice.message(bob, f"{round} {number} {TEXT}")
                expected.append(f"RELAY {bob} {alice} {round} {number} {TEXT}")
            else:
                alice.group_message(f"{round} {number} {TEXT}")
                expected.append(f"RELAYG {alice} {round} {number} {TEXT}")
                carol.hears(expected[-1])
        alice.is_settled()
        eventually(lambda: figures(server)["messagerd_output_queue_bytes"] > 32 * KIB or 1 / 0, errors=ZeroDivisionError)
        bob.hears(*expected)
        bob.is_settled()
        eventually(lambda: figures(server)["messagerd_output_queue_bytes"] == 0 or 1 / 0, errors=ZeroDivisionError)


def test_who_leaves_while_much_waits(server):
    """Goodbyes come after what waits, and what waits for who is gone is given back."""
    alice = server.sign_up("alice")
    people = [server.sign_up("bob", rcvbuf=4096) for _ in range(4)]
    for one in people:
        one.say("CMD <group>")
        one.is_settled()
        one.deaf = True
    for number in range(80):
        alice.group_message(f"{number} {TEXT}")
    alice.is_settled()
    quitter, dropper, *others = people
    quitter.say("END <user command>")
    dropper.die()
    eventually(lambda: figures(server)["messagerd_users_online"] == 3 or 1 / 0, errors=ZeroDivisionError)
    quitter.deaf = False
    quitter.hears(*(f"RELAYG {alice} {number} {TEXT}" for number in range(80)))
    quitter.hears_last("END <end accepted>")
    server.signal(15)
    for one in others:
        one.hears(*(f"RELAYG {alice} {number} {TEXT}" for number in range(80)))
        one.hears_last("END * <server closing>")
    server.ends()


@pytest.mark.plain
def test_what_a_crowd_does_not_read_is_there_once(serve):
    """However many it waits for."""
    server = serve({"session.messages_per_second": 0, "session.output_limit": "4MiB", "metrics.listen": "127.0.0.1:0"})
    speaker, *deaf = gather(server, 101, rcvbuf=4096)
    for one in deaf:
        one.say("CMD <group>")
        one.is_settled()
    before = server.memory()
    for number in range(200):
        speaker.group_message(TEXT)
    speaker.is_settled()

    def all_wait():
        queued = figures(server)["messagerd_output_queue_bytes"]
        assert queued > 100 * (200 * len(TEXT) - 256 * KIB), queued
        return queued
    queued = eventually(all_wait)
    grown = server.memory() - before
    print(f"{queued / KIB:.0f} KiB wait in {grown / KIB:.0f} KiB")
    assert grown < queued / 4 or server.is_sanitized()
