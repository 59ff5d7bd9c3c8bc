"""The time limit of an upload: what came too late, and an end that does not come."""

import time

import pytest

from transfer import COMPLETE, PROBLEM, begin, download, folder_of, upload

LIMIT = 0.6
LATE_END = 15  # seconds past the limit until the server waits no longer for ENDF


@pytest.fixture
def server(serve):
    return serve({"files.upload_seconds": LIMIT})


def let_the_limit_pass(begun):
    """There is no event: the server does nothing at this moment."""
    time.sleep(max(0, begun + LIMIT + 0.1 - time.monotonic()))


def got(peer):
    return [(name.decode(), content) for name, content in download(peer)]


def test_late_bytes_are_cut_off(server):
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    begun = time.monotonic()
    begin(alice, "file", bob)
    alice.say_raw(b"in time")
    let_the_limit_pass(begun)
    alice.say_raw(b", too late")
    alice.say_raw(b" and later")
    alice.say("ENDF")
    alice.hears(PROBLEM)
    alice.is_settled()
    assert got(bob) == [("file", b"in time")]


def test_a_late_end_without_late_bytes_is_fine(server):
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    for number, data in enumerate((b"", b"in time", b"in time, EN", b"x" * 300_000)):
        begun = time.monotonic()
        begin(alice, f"{number}", bob)
        alice.say_raw(data)
        let_the_limit_pass(begun)
        alice.say("ENDF")
        alice.hears(COMPLETE)
        assert got(bob) == [(f"{number}", data)]


def test_an_end_that_begins_in_time(server):
    """What may be the mark is undecided while it comes; if it is none after all, what came in time counts."""
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    mark = b"ENDF " + alice.token.encode()
    begun = time.monotonic()
    begin(alice, "one", bob)
    alice.say_raw(b"data" + mark)
    let_the_limit_pass(begun)
    alice.say_raw(b"\r\n")
    alice.hears(COMPLETE)

    begun = time.monotonic()
    begin(alice, "two", bob)
    alice.say_raw(b"data" + mark)
    let_the_limit_pass(begun)
    alice.say_raw(b"?" + mark + b"\r\n")
    alice.hears(PROBLEM)
    assert got(bob) == [("one", b"data"), ("two", b"data" + mark)]


def test_all_too_late(server):
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    begun = time.monotonic()
    begin(alice, "file", bob)
    let_the_limit_pass(begun)
    alice.say_raw(b"too late")
    alice.say("ENDF")
    alice.hears(PROBLEM)
    assert got(bob) == [("file", b"")]


def test_refused_is_refused_once(server):
    alice = server.sign_up("alice")
    begun = time.monotonic()
    begin(alice, "file", "nobody")
    alice.say_raw(b"some")
    let_the_limit_pass(begun)
    alice.say_raw(b"more")
    alice.say("ENDF")
    alice.hears(PROBLEM)
    alice.is_settled()


def test_no_limit(serve):
    server = serve({"files.upload_seconds": 0})
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    begun = time.monotonic()
    begin(alice, "file", bob)
    alice.say_raw(b"one")
    let_the_limit_pass(begun)
    alice.say_raw(b" two")
    alice.say("ENDF")
    alice.hears(COMPLETE)
    assert got(bob) == [("file", b"one two")]


def test_an_end_that_does_not_come(serve):
    """After the limit and 15 s more what came in is kept and the session goes on. All cases at once: it takes its time."""
    server = serve({"files.upload_seconds": LIMIT})
    bob = server.sign_up("bob")
    cases = {  # what is sent, what of it is kept
        "plain": (b"data", b"data"),
        "empty": (b"", b""),
        "large": (b"x" * 200_000, b"x" * 200_000),
        "ends-in-E": (b"data E", b"data E"),
        "ends-in-ENDF": (b"data ENDF ", b"data ENDF "),
        "ends-in-a-mark": (b"data ENDF {T}", b"data "),
        "ends-in-half-a-mark": (b"data ENDF {t}", b"data "),
    }
    people = {}
    begun = time.monotonic()
    for name, (data, _) in cases.items():
        people[name] = one = server.sign_up("one")
        begin(one, name, bob)
        one.say_raw(data.replace(b"{T}", one.token.encode()).replace(b"{t}", one.token[:9].encode()))
    refused, gone, late = (server.sign_up(nick) for nick in ("refused", "gone", "late"))
    begin(refused, "file", "nobody")
    begin(gone, "gone", bob)
    begin(late, "late", bob)
    late.say_raw(b"in time")
    let_the_limit_pass(time.monotonic())
    late.say_raw(b", too late")

    gone.hears(PROBLEM, seconds=LATE_END + 5)
    assert time.monotonic() - begun >= LATE_END + LIMIT
    for one in [*people.values(), refused, late]:
        one.hears(PROBLEM)
    for name, one in people.items():  # the end comes at last: nothing is said to it
        one.say_raw({"ends-in-a-mark": b" \r\n", "ends-in-half-a-mark": one.token[9:].encode() + b" \r\n"}.get(
            name, one.spelled("ENDF")))
        one.is_settled()
        upload(one, "another", one)
    late.say("ENDF")
    late.is_settled()
    gone.say_raw(b"bytes of the file\r\n")  # and bytes are no queries
    gone.hears_last("END * <incorrect protocol>")
    expected = {**{name: kept for name, (_, kept) in cases.items()}, "gone": b"", "late": b"in time"}
    assert dict(got(bob)) == expected
    assert not any(name.startswith("+") for name in folder_of(server))
