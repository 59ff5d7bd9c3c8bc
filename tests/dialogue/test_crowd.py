"""Two thousand sessions at once, most of them idle."""

import signal

import pytest

from crowd import BATCH, gather
from wire import PACE

pytestmark = pytest.mark.threads

CROWD = 2000
SLOW = 60 * PACE  # seconds; a sanitizer's build takes its time for so many handshakes


def test_a_crowd(serve):
    server = serve()
    people = gather(server, CROWD)
    first, last = people[0], people[-1]

    last.say("CMD <online>")
    shown = last.hears_match("CMD <(.*)>")[1].decode().split(" ")
    assert len(shown) == len(set(shown)) == 100
    assert shown.pop() == str(last), "the asker is not in the last place"
    assert set(shown) <= set(map(str, people[:BATCH])), "some of these were not among the first"

    for one, other in zip(people[::50], people[::-50]):
        one.message(other, "hello")
        other.hears(f"RELAY {other} {one} hello")

    for one in people:
        one.say("CMD <group>")
    for one in people:
        one.is_settled()
    first.group_message("hello, all")
    for one in people[1:]:
        one.hears(f"RELAYG {first} hello, all", seconds=SLOW)
    first.is_settled()

    leavers, people = people[100:600], people[:100] + people[600:]
    for number, one in enumerate(leavers):
        one.die() if number % 2 else one.hang_up()
    first.message(last, "did you notice anything?")
    last.hears(f"RELAY {last} {first} did you notice anything?")

    server.signal(signal.SIGTERM)
    for one in people:
        one.hears_last("END * <server closing>")
    server.ends(0)
