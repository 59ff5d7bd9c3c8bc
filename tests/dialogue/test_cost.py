"""What a message may cost: allocations, system calls and wake-ups, counted (tests/lib/tally.c). A clock would tell of the machine.

The hot path of messagerd allocates nothing but a group's text. libssl, where it makes the records, allocates 4 times for each message, and 3 times for the
buffers of a read and a write.
"""

import math
import time

import pytest

from server import RECORDS

pytestmark = pytest.mark.plain
TIMES, BATCH, MEMBERS = 100, 16, 20
PER_MESSAGE, PER_TURN = (4, 3) if "libssl" in RECORDS.values() else (0, 0)  # allocations
A_SECOND = {"epoll_wait": 2, "others": 2, "allocations": 20}  # what timers and other threads may take meanwhile


@pytest.fixture
def server(serve, tally):
    return serve({"server.workers": 1, "session.messages_per_second": 0}, environment=tally.environment)


@pytest.fixture
def alice(server):
    return server.sign_up("alice")


@pytest.fixture
def bob(server):
    return server.sign_up("bob")


def costs(tally, work, **most):
    """Demand that work() takes no more of anything; what is not named is not to happen at all, but for what the clock brings."""
    work()  # the first time buffers may grow
    began = time.monotonic()
    counted = tally.of(work)
    seconds = math.ceil(time.monotonic() - began)
    for kind, count in counted.items():
        limit = most.get(kind, 0) + A_SECOND.get(kind, 0) * (seconds + 1)
        assert count <= limit, f"{kind}: {count}, {limit} at most; all: {counted}"
    assert counted["send"] == most["send"], f"what was to be counted was not: {counted}"


def test_a_lone_message_is_one_wait_one_read_and_one_write(tally, alice, bob):
    def talk():
        for _ in range(TIMES):
            alice.message(bob, "hello")
            bob.hears(f"RELAY {bob} {alice} hello")
    costs(tally, talk, allocations=(PER_MESSAGE + PER_TURN) * TIMES, epoll_wait=TIMES, recv=TIMES, send=TIMES)


def test_messages_that_come_together_leave_together(tally, alice, bob):
    query = alice.spelled(f"MSG {bob} {alice} hello")

    def talk():
        for _ in range(TIMES):
            alice.say_records([query] * BATCH)
            bob.hears(*[f"RELAY {bob} {alice} hello"] * BATCH)
    costs(tally, talk, allocations=(PER_MESSAGE * BATCH + PER_TURN) * TIMES, epoll_wait=TIMES, recv=TIMES, send=TIMES)


def test_a_message_to_another_worker_is_one_wake_up(serve, tally):
    """One system call wakes the receiver's worker, after the sender's has looked whether there is more to do first. Sixteen that come together are no more."""
    server = serve({"server.workers": 2, "session.messages_per_second": 0}, environment=tally.environment)
    alice, bob = far_apart(server, tally)
    query = alice.spelled(f"MSG {bob} {alice} hello")

    def talk():
        for _ in range(TIMES):
            alice.say_records([query] * BATCH)
            bob.hears(*[f"RELAY {bob} {alice} hello"] * BATCH)
    costs(tally, talk, allocations=(PER_MESSAGE * BATCH + 2 * PER_TURN) * TIMES, epoll_wait=3 * TIMES, recv=TIMES, send=TIMES, others=TIMES)


def far_apart(server, tally):
    """Two whose messages mostly wake a worker (it may not be asleep yet from the one before), so they are not on the same."""
    one = server.sign_up("alice")
    for _ in range(40):
        other = server.sign_up("bob")

        def talk():
            for _ in range(TIMES):
                one.message(other, "hello")
                other.hears(f"RELAY {other} {one} hello")
        if tally.of(talk)["others"] >= TIMES // 2:
            return one, other
    pytest.fail("all are on one worker")


def test_a_group_message_is_one_write_for_each_member(tally, server, alice):
    members = [server.sign_up("member") for _ in range(MEMBERS)]
    for member in members:
        member.say("CMD <group>")
        member.is_settled()

    def talk():
        for _ in range(TIMES):
            alice.group_message("hello")
            for member in members:
                member.hears(f"RELAYG {alice} hello")
    # The text itself is allocated, once for all.
    costs(tally, talk, allocations=(PER_MESSAGE * MEMBERS + PER_TURN + 1) * TIMES, epoll_wait=TIMES, recv=TIMES, send=MEMBERS * TIMES)


def test_a_log_in_is_three_writes(tally, server, bob):
    """Hello, ACCEPT (with the ticket), the end; and a dozen other calls for the socket, the hash and the knocks. Half of the wakes are the log's."""
    bob.quit()

    def come_and_go():
        for _ in range(TIMES):
            server.log_in(bob).quit()
    costs(tally, come_and_go, allocations=500 * TIMES, epoll_wait=7 * TIMES, recv=5 * TIMES, send=3 * TIMES, others=14 * TIMES,
          wakes=7 * TIMES)
