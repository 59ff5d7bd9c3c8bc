"""Two hundred uploads and two hundred downloads at once, while a thousand others chat."""

import os
import time

import pytest

from crowd import gather
from transfer import COMPLETE, begin, hears_files
from wire import PACE, PATIENCE

pytestmark = pytest.mark.threads

TRANSFERS = 200
OTHERS = 1000
SIZE = 256 << 10
SLOW = int(60 * PACE)  # seconds; a sanitizer's build takes its time for so many


def chat(people):
    """Everyone says a word to the next one and hears one; how long the slowest round of ten took."""
    slowest = 0
    for start in range(0, len(people), 10):
        begun = time.monotonic()
        some = people[start:start + 10]
        for one, other in zip(some, some[1:] + some[:1]):
            one.message(other, "hello")
        for one, other in zip(some, some[1:] + some[:1]):
            other.hears(f"RELAY {other} {one} hello")
        slowest = max(slowest, time.monotonic() - begun)
    return slowest


def test_many_transfers_and_many_who_chat(serve):
    server = serve({"files.upload_seconds": SLOW, "files.download_seconds": SLOW, "session.user_timeout": SLOW})
    others, senders = gather(server, OTHERS), gather(server, TRANSFERS)
    receivers = gather(server, TRANSFERS, rcvbuf=4096)
    data = os.urandom(SIZE)
    slowest = []

    def upload_half(name):
        for one, receiver in zip(senders, receivers):
            begin(one, name, receiver)
        for one in senders:
            one.say_raw(data[:SIZE // 2])

    def upload_rest():
        for one in senders:
            one.say_raw(data[SIZE // 2:])
        for one in senders:
            one.say("ENDF")

    upload_half("first")
    slowest.append(chat(others))
    upload_rest()
    slowest.append(chat(others))
    for one in senders:
        one.hears(COMPLETE, seconds=SLOW)

    upload_half("second")  # 200 in the middle of an upload, and 200 that read nothing of what is sent to them
    for one in receivers:
        one.say("CMD <get>")
        one.hears("BEGIN 1", "BEGINF first", seconds=SLOW)
    slowest.append(chat(others))
    upload_rest()
    slowest.append(chat(others))
    for one in receivers:
        content = b""
        while (record := one.next_record(SLOW)) != b"ENDF \r\n":
            content += record
        assert content == data
        one.hears("CMD <file send complete>")
    for one in senders:
        one.hears(COMPLETE, seconds=SLOW)
    for one in receivers:
        one.say("CMD <get>")
    for one in receivers:
        assert hears_files(one, SLOW) == [(b"second", data)]
    assert max(slowest) < PATIENCE / 2, slowest
