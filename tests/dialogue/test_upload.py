"""BEGINF to ENDF: what comes in is what waits, under which name, and who is refused."""

import os
import random

import pytest

from ctl import Administrator
from transfer import (COMPLETE, PROBLEM, begin, download, folder_of, is_temporary, pieces, put, upload)
from wire import eventually

GENEROUS = {"files.upload_seconds": 60, "files.download_seconds": 60}


def stored(server, receiver, name):
    return (server.data / "files" / f"{receiver}+{name}").read_bytes()


def waits(receiver, *files):
    """Demand that these files wait for the receiver, in this order and no other; takes them away."""
    __tracebackhide__ = True
    got = [(name.decode(errors="surrogateescape"), content) for name, content in download(receiver)]
    assert [name for name, _ in got] == [name for name, _ in files]
    for (name, content), (_, expected) in zip(got, files):
        assert content == expected, f"{name}: {len(content)} bytes, expected {len(expected)}"


def leaves_nothing(server, receiver):
    """Demand that nothing waits for the receiver and that no byte of an upload is left on the disk."""
    __tracebackhide__ = True

    def look():
        left = [name for name in folder_of(server) if is_temporary(name) or name.startswith(f"{receiver}+")]
        assert left == []
    eventually(look)


# Contents

def text_full_of(*words, size=50_000):
    random.seed(7)
    return b"".join(random.choice(words) for _ in range(size // 8))


@pytest.mark.parametrize("size", [0, 1, 16383, 16384, 16385, 65535, 65536, 65537, 131072, 300_000])
def test_sizes(server, size):
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    data = os.urandom(size)
    upload(alice, "file.bin", bob, data)
    assert stored(server, bob, "file.bin") == data
    waits(bob, ("file.bin", data))


@pytest.mark.threads
def test_a_hundred_mebibytes(serve):
    server = serve(GENEROUS)
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    data = os.urandom(1 << 20) * 100
    put(alice, "large.bin", bob, data)
    alice.hears(COMPLETE, seconds=60)
    (name, content), = download(bob, seconds=60)
    assert name == b"large.bin"
    assert content == data
    leaves_nothing(server, bob)


def contents(token):
    word = b"ENDF " + token
    return {
        "ENDF": b"ENDF" * 20_000,
        "ENDF-query": b"ENDF \r\n" * 10_000,
        "CRLF": b"\r\n" * 30_000,
        "token": token * 2000,
        "mark-without-CRLF": word * 2000,
        "mark-and-LF": (word + b" \n") * 2000,
        "mark-and-CR": (word + b" \r") * 2000,
        "mark-and-two-spaces": (word + b"  \r\n") * 2000,
        "mark-and-more": (word + b"x \r\n") * 2000,
        "mark-of-another": (b"ENDF " + token[:-1] + b"~ \r\n") * 2000,
        "mixed": text_full_of(b"ENDF", b"ENDF ", token, token[:5], word, b"\r", b" \r", b" ", b"E", b"EN", b"END"),
        "queries": b"MSG bob alice hello %b \rEND <user command> %b \nCHECK \r\n" % (token, token) * 500,
        "zeros": bytes(200_000),
        "every-byte": bytes(range(256)) * 300,
    }


@pytest.mark.parametrize("kind", contents(b"").keys())
def test_contents(server, kind):
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    data = contents(alice.token.encode())[kind]
    upload(alice, "file", bob, data)
    upload(alice, "file", bob, data, size=1000)
    waits(bob, ("file", data), ("file-2", data))


# Where the mark is cut

def spelled_mark(peer, space=True):
    return b"ENDF " + peer.token.encode() + (b" \r\n" if space else b"\r\n")


@pytest.mark.parametrize("space", [True, False], ids=["space", "no-space"])
def test_every_split_of_the_mark(server, space):
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    mark = spelled_mark(alice, space)
    for cut in range(len(mark) + 1):
        begin(alice, "file", bob)
        alice.say_raw(b"data" + mark[:cut])
        if mark[cut:]:
            alice.say_raw(mark[cut:])
        alice.hears(COMPLETE)
    waits(bob, *((f"file-{number}" if number > 1 else "file", b"data") for number in range(1, len(mark) + 2)))


def test_byte_by_byte(server):
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    stream = alice.spelled(f"BEGINF file {bob}") + b"ENENDFdata" + spelled_mark(alice)[:-2] + b"x" + spelled_mark(alice)
    alice.say_records(pieces(stream, 1))
    alice.hears(COMPLETE)
    alice.is_settled()
    waits(bob, ("file", b"ENENDFdata" + spelled_mark(alice)[:-2] + b"x"))


def test_all_in_one_record_and_queries_behind(server):
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    alice.say_raw(alice.spelled(f"BEGINF one {bob}") + b"1" + spelled_mark(alice)
                  + alice.spelled(f"BEGINF two {bob}") + spelled_mark(alice, space=False)
                  + alice.spelled(f"MSG nobody {alice} hello") + alice.spelled("CMD <what>"))
    alice.hears(COMPLETE, COMPLETE, "CNT <user not online>", PROBLEM)
    waits(bob, ("one", b"1"), ("two", b""))


def test_what_follows_the_mark_is_a_query(server):
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    begin(alice, "file", bob)
    alice.say_raw(b"data" + spelled_mark(alice) + b"more data\r\n")
    alice.hears(COMPLETE)
    alice.hears_last("END * <incorrect protocol>")
    waits(bob, ("file", b"data"))


# Names and targets

NAMES = {
    "spaces": ("my own file.txt", "my_own_file.txt"),
    "spaces-at-the-ends": (" x ", "_x_"),
    "quotes": ("it's \"so\".txt", "it's_\"so\".txt"),
    "shell": ("$(touch x);`touch y`|&.txt", "$(touch_x);`touch_y`|&.txt"),
    "UTF-8": ("é€😀.txt", "é€😀.txt"),
    "no-UTF-8": (b"\xff\xfe\x80", b"\xff\xfe\x80"),
    "percent": ("%s%n%00", "%s%n%00"),
    "plus": ("+1+2", "+1+2"),
    "dots": ("...", "..."),
    "hidden": (".bashrc", ".bashrc"),
    "option": ("-rf", "-rf"),
    "star": ("*", "*"),
    "200-bytes": ("x" * 196 + ".txt", "x" * 196 + ".txt"),
    "200-bytes-UTF-8": ("é" * 100, "é" * 100),
}


@pytest.mark.parametrize("name, kept", NAMES.values(), ids=NAMES.keys())
def test_names(server, name, kept):
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    upload(alice, name, bob)
    got, = download(bob)
    assert got == (kept if isinstance(kept, bytes) else kept.encode(), b"some bytes")


REFUSED_NAMES = {
    "parent": "..", "here": ".", "path": "../x", "absolute": "/tmp/x", "slash": "a/b", "backslash": "a\\b", "tab": "a\tb",
    "NUL": "a\0b", "LF": "a\nb", "DEL": "a\x7fb", "201-bytes": "x" * 201, "201-bytes-UTF-8": "é" * 100 + "x", "long": "x" * 5000,
}


@pytest.mark.parametrize("name", REFUSED_NAMES.values(), ids=REFUSED_NAMES.keys())
def test_refused_names(server, name):
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    upload(alice, name, bob, answer=PROBLEM)
    alice.is_settled()
    waits(bob)
    leaves_nothing(server, bob)


@pytest.mark.parametrize("target", ["nobody", "admin", "x" * 33, "a+b", "../bob", "é", "*", "Bob_1"])
def test_refused_targets(server, target):
    alice = server.sign_up("alice")
    upload(alice, "file", target, answer=PROBLEM)
    alice.is_settled()
    leaves_nothing(server, target)


def test_to_oneself_and_to_who_is_away(server):
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    bob.quit()
    upload(alice, "file", alice, b"mine")
    upload(alice, "file", bob, b"yours")
    waits(alice, ("file", b"mine"))
    waits(server.log_in(bob), ("file", b"yours"))


def test_a_name_that_waits_already(server):
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    long = "x" * 196 + ".txt"
    for name, data in (("a.tar.gz", b"1"), ("a.tar.gz", b"2"), ("a b", b"3"), ("a_b", b"4"), ("a.tar.gz", b"5"),
                       (".rc", b"6"), (".rc", b"7"), (long, b"8"), (long, b"9")):
        upload(alice, name, bob, data)
    waits(bob, ("a.tar.gz", b"1"), ("a.tar-2.gz", b"2"), ("a_b", b"3"), ("a_b-2", b"4"), ("a.tar-3.gz", b"5"),
          (".rc", b"6"), (".rc-2", b"7"), (long, b"8"), ("x" * 194 + "-2.txt", b"9"))


# Refused: read and thrown away

def test_the_answer_comes_at_the_mark(server):
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    begin(alice, "file", "nobody")
    for _ in range(50):
        alice.say_raw(os.urandom(16384))
    alice.heard_nothing_of(bob)  # and a message reaches it
    alice.say("ENDF")
    alice.hears(PROBLEM)
    alice.is_settled()
    upload(alice, "file", bob)


def test_size_limit(serve):
    server = serve({"files.max_size": "100KiB"})
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    upload(alice, "fits", bob, bytes(102400))
    upload(alice, "over", bob, bytes(102401), answer=PROBLEM)
    upload(alice, "far-over", bob, bytes(3_000_000), answer=PROBLEM)
    waits(bob, ("fits", bytes(102400)))
    leaves_nothing(server, bob)


def test_a_refused_upload_gives_its_room_back_at_once(serve):
    server = serve({"files.max_size": "1MiB"})
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    begin(alice, "file", bob)
    for _ in range(200):
        alice.say_raw(bytes(16384))
    leaves_nothing(server, bob)  # before the mark
    alice.say("ENDF")
    alice.hears(PROBLEM)


def test_quota_of_files(serve):
    server = serve({"files.max_waiting_files": 2})
    alice, bob, carol = (server.sign_up(nick) for nick in ("alice", "bob", "carol"))
    upload(alice, "1", bob)
    upload(carol, "2", bob)
    upload(alice, "3", bob, answer=PROBLEM)
    upload(alice, "4", carol)  # it is the receiver's
    waits(bob, ("1", b"some bytes"), ("2", b"some bytes"))
    eventually(lambda: upload(alice, "5", bob))


def test_quota_of_bytes(serve):
    server = serve({"files.max_waiting_bytes": 1000})
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    upload(alice, "1", bob, bytes(600))
    upload(alice, "2", bob, bytes(401), answer=PROBLEM)
    upload(alice, "3", bob, bytes(400))
    upload(alice, "4", bob, b"", answer=PROBLEM)
    waits(bob, ("1", bytes(600)), ("3", bytes(400)))


def test_uploads_that_race_for_the_last_place(serve):
    server = serve({"files.max_waiting_files": 1})
    bob, people = server.sign_up("bob"), [server.sign_up("one") for _ in range(5)]
    for one in people:
        begin(one, "file", bob)
        one.say_raw(str(one).encode())
    for one in people:
        one.say("ENDF")
    answers = [one.next_record() for one in people]
    assert sorted(answers) == sorted([(COMPLETE + " \r\n").encode()] + 4 * [(PROBLEM + " \r\n").encode()])
    winner = people[answers.index((COMPLETE + " \r\n").encode())]
    (name, content), = download(bob)
    assert name in [b"file"] + [b"file-%d" % number for number in range(2, 6)]  # the losers may have had the others
    assert content == str(winner).encode()
    leaves_nothing(server, bob)


def test_a_full_disk(serve, small_disk):
    server = serve(GENEROUS, folder=small_disk(8))
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    upload(alice, "small", bob)
    upload(alice, "large", bob, bytes(30 << 20), answer=PROBLEM)
    alice.is_settled()
    upload(alice, "another", bob)
    waits(bob, ("small", b"some bytes"), ("another", b"some bytes"))
    leaves_nothing(server, bob)


def test_a_full_disk_has_room_for_accounts(serve, small_disk):
    server = serve(GENEROUS, folder=small_disk(8))
    bob, people = server.sign_up("bob"), [server.sign_up("one") for _ in range(4)]
    for one in people:
        begin(one, "file", bob)
        one.say_raw(bytes(3 << 20))
    server.await_log("error file-failed during=write .*No space left")
    server.is_well()
    for one in people:
        one.say("ENDF")
    answers = [one.next_record() for one in people]
    assert (PROBLEM + " \r\n").encode() in answers
    server.is_well()
    assert len(download(bob)) == answers.count((COMPLETE + " \r\n").encode())


# Meanwhile

def test_messages_reach_who_uploads(server):
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    alice.say("CMD <group>")
    alice.is_settled()
    begin(alice, "file", bob)
    alice.say_raw(b"half")
    bob.message(alice, "one")
    bob.group_message("two")
    alice.hears(f"RELAY {alice} {bob} one", f"RELAYG {bob} two")
    alice.say_raw(b" and half")
    alice.say("ENDF")
    alice.hears(COMPLETE)
    alice.is_settled()
    waits(bob, ("file", b"half and half"))


def test_it_is_not_slowed_like_queries(serve):
    server = serve({"session.messages_per_second": 10, "session.burst": 3})
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    data = os.urandom(200_000)
    upload(alice, "file", bob, data, size=100)  # 2,000 records
    waits(bob, ("file", data))


def test_neither_idle_nor_query_time_runs(serve):
    server = serve({"session.idle_timeout": 0.3, "session.query_timeout": 0.3, "session.check_interval": 0.5})
    alice = server.sign_up("alice")
    begin(alice, "file", alice)
    alice.say_raw(b"E")
    alice.hears("CHECK", "CHECK")  # a second
    alice.say("ENDF")

    def hears_but_checks(query):
        while (heard := alice.next_record()) == b"CHECK \r\n":
            pass
        assert heard == query.encode() + b" \r\n"
    hears_but_checks(COMPLETE)
    hears_but_checks("END * <idle>")  # which runs again


def test_queries_inside_are_bytes(server):
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    inside = alice.spelled("END <user command>") + alice.spelled(f"BEGINF x {bob}") + alice.spelled("CMD <get>")
    upload(alice, "file", bob, inside)
    alice.is_settled()
    waits(bob, ("file", inside))


@pytest.mark.parametrize("way", ["hang_up", "die", "close_notify"])
@pytest.mark.parametrize("size", [0, 10, 500_000])
def test_a_sender_that_goes_leaves_nothing(server, way, size):
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    begin(alice, "file", bob)
    alice.say_raw(bytes(size) + b"ENDF " + alice.token.encode())
    bob.heard_nothing_of(bob)
    getattr(alice, way)()
    leaves_nothing(server, bob)
    waits(bob)


def test_kicked_in_the_middle(server):
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    begin(alice, "file", bob)
    alice.say_raw(bytes(300_000))
    alice.heard_nothing_of(bob)
    Administrator(server).does("kick", str(alice))
    alice.hears_last("END * <kicked>")
    leaves_nothing(server, bob)


@pytest.mark.threads
def test_the_server_stops_in_the_middle(serve, folder):
    server = serve(folder=folder)
    people, bob = [server.sign_up("one") for _ in range(10)], server.sign_up("bob")
    for number, one in enumerate(people):
        begin(one, "file", bob)
        one.say_raw(bytes(number * 60_000))
    server.stop()
    for one in people:
        one.hears_last("END * <server closing>")
    again = serve(folder=folder)
    assert folder_of(again) == []
    waits(again.log_in(bob))


# Afterwards

def test_it_outlasts_a_restart(serve, folder):
    server = serve(folder=folder)
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    for name in ("b", "a", "c"):
        upload(alice, name, bob, name.encode())
    server.kill()
    again = serve(folder=folder)
    waits(again.log_in(bob), ("b", b"b"), ("a", b"a"), ("c", b"c"))


def test_the_folder_is_as_promised(serve):
    server = serve()
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    upload(alice, "a b.txt", bob, b"data")
    assert folder_of(server) == [f"{bob}+a_b.txt"]
    assert stored(server, bob, "a_b.txt") == b"data"
    assert (server.data / "files").stat().st_mode & 0o777 == 0o700
    assert (server.data / "files" / f"{bob}+a_b.txt").stat().st_mode & 0o777 == 0o600


def test_status_counts_it(serve):
    server = serve()
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    upload(alice, "one", bob, bytes(1000))
    upload(alice, "two", "nobody", bytes(10), answer=PROBLEM)
    waits(bob, ("one", bytes(1000)))
    status = Administrator(server).asks("status")
    assert [status[key] for key in ("uploads", "upload_bytes", "downloads", "download_bytes")] == [1, 1010, 1, 1000]
