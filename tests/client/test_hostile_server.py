"""A server that means harm: however much it says, the client's memory stays small, its words are clear and its exit status is right."""

import os
import re
import select
import ssl
import time

import pytest

from person import Script, where
from wire import PATIENCE

LOGIN = ("--user", "alice", "--to", "bob", "--trust-first")
MEBIBYTE = 1 << 20
MEMORY_MEBIBYTES = 12  # that the client may grow by, whatever is said to it
RECORD = b"x" * 16384


def memory_mebibytes(person):
    """The most that the process ever had."""
    with open(f"/proc/{person.process.pid}/status") as status:
        return int(re.search(r"VmHWM:\s+(\d+) kB", status.read())[1]) / 1024


@pytest.fixture
def start(stage, home, password, stack):
    """start(words…): a client in session with a scripted server, its connection there, and its memory then. The address sanitizer and valgrind,
    where they are, give freed memory back soon."""
    def make(*words):
        server = stage()
        options = os.environ.get("ASAN_OPTIONS", "")
        person = Script(home, where(server.address), "--plain", *LOGIN, "--password-file", password, *words,
                        env={"ASAN_OPTIONS": f"{options}:quarantine_size_mb=1:thread_local_quarantine_size_kb=64",
                             "VALGRIND_OPTS": "--freelist-vol=1000000"})
        stack.callback(person.kill)
        return person, server.session("alice")
    return make


class Memory:
    """with Memory(person): what goes on in here costs the client no more than MEMORY_MEBIBYTES."""

    def __init__(self, person):
        self.person = person

    def __enter__(self):
        self.before = memory_mebibytes(self.person)

    def __exit__(self, kind, *_):
        if kind is None:
            grown = memory_mebibytes(self.person) - self.before
            assert grown < MEMORY_MEBIBYTES, f"the client has grown by {grown:.1f} MiB"


def test_a_file_that_never_ends(start, tmp_path):
    person, client = start("--download", "--downloads", tmp_path)
    client.hears("CMD <get>")
    client.say("BEGIN 1")
    client.say("BEGINF endless")
    with Memory(person):
        for _ in range(64 * MEBIBYTE // len(RECORD)):
            client.say_raw(RECORD)
    client.close()
    _, notices = person.finish(1)
    assert "the connection broke in the download" in notices
    assert os.listdir(tmp_path) == []


def test_a_thousand_million_files(start, tmp_path):
    """Nothing is made for files that are only announced."""
    person, client = start("--download", "--downloads", tmp_path)
    client.hears("CMD <get>")
    with Memory(person):
        client.say("BEGIN 1000000000")
        client.say("BEGINF a")
        client.say_raw(b"data")
        client.say("ENDF")
        client.say("CMD <file send complete>")
        client.hears("END <user command>")
    client.say("END <end accepted>")
    assert person.finish(5)[1].strip()
    assert os.listdir(tmp_path) == ["a"]


@pytest.mark.parametrize("count", ["18446744073709551616", "-1", "x", "1 2", "0x10", ""])
def test_a_number_of_files_that_is_none(start, tmp_path, count):
    """It begins no download; what follows is no file."""
    person, client = start("--download", "--downloads", tmp_path)
    client.hears("CMD <get>")
    client.say(f"BEGIN {count}")
    client.say("BEGINF a")
    client.say_raw(b"data")
    client.say("ENDF")
    client.close()
    assert "the connection broke in the download" in person.finish(1)[1]
    assert os.listdir(tmp_path) == []


def test_files_without_number(start, tmp_path):
    """Two hundred of one name, one after the other."""
    person, client = start("--download", "--downloads", tmp_path)
    client.hears("CMD <get>")
    client.say("BEGIN 200")
    with Memory(person):
        for _ in range(200):
            client.say("BEGINF " + "n" * 200)
            client.say("ENDF")
        client.say("CMD <file send complete>")
        client.hears("END <user command>")
    client.say("END <end accepted>")
    person.finish(0)
    assert len(os.listdir(tmp_path)) == 200


def test_names_without_end(start):
    person, client = start()
    with Memory(person):
        for _ in range(500):
            client.say(b"RELAY alice " + b"n" * 8000 + b" " + b"t" * 8000)
            client.say(b"CMD <" + b"name " * 3000 + b">")
            select.select([person.process.stdout], [], [], 0) and os.read(person.process.stdout.fileno(), 1 << 20)
            select.select([person.process.stderr], [], [], 0) and os.read(person.process.stderr.fileno(), 1 << 20)
    client.close()
    person.finish(1)


def floods(client, query, most):
    """Says the query again and again until the client takes no more; how many went out."""
    client.tls.setblocking(False)
    count = 0
    rest = memoryview(query)
    while count < most:
        try:
            rest = rest[client.tls.send(rest):]
        except ssl.SSLWantWriteError:
            if not select.select([], [client.tls], [], 2)[1]:
                return count
            continue
        if not rest:
            count += 1
            rest = memoryview(query)
    return count


def test_a_flood_that_nobody_reads(start):
    """The one behind the pipe reads nothing: the client reads no more either, rather than keep it all."""
    person, client = start()
    query = b"RELAY alice carol " + b"x" * 1000 + b" \r\n"
    with Memory(person):
        count = floods(client, query, 64 * MEBIBYTE // len(query))
    assert count < 64 * MEBIBYTE // len(query), "it took 64 MiB that nobody had read"


def test_a_query_that_never_ends(start):
    person, client = start()
    with pytest.raises(OSError):
        for _ in range(1000):
            client.say_raw(RECORD)
        client.next_record()
        raise OSError
    assert "something that no client can take" in person.finish(1)[1]


def test_queries_of_nothing_without_end(start):
    """In two records each, which cost the sender little."""
    person, client = start()
    with Memory(person):
        for _ in range(2000):
            client.say_raw(b" ")
            client.say_raw(b"\r\n")
    client.close()
    person.finish(1)


@pytest.mark.parametrize("said", [
    "BEGINF a", "ENDF", "BEGIN 1", "CMD <file send complete>", "CMD <upload complete>", "CMD <problem with command>",
    "END <end accepted>", "ACCEPT alice other", "TRY <username reserved>", "CNT <user not online>",
])
def test_answers_to_nothing(start, said):
    """In a session that has asked for nothing: passed over, or, where it is an end, the end."""
    person, client = start()
    client.say(said)
    client.say("RELAY alice carol still here")
    if said.startswith("END"):
        client.close()
        assert person.finish(None)[0] in ("", "carol: still here\n")
        assert person.process.returncode in (0, 1)
        return
    person.shows("carol: still here")
    person.end_input()
    client.hears_end()
    assert person.finish(None) and person.process.returncode in (0, 5)


@pytest.mark.soak(120)
@pytest.mark.parametrize("drips", [False, True], ids=["silent", "dripping"])
def test_a_handshake_that_never_ends(stage, home, password, stack, drips):
    """15 s, however it is put off."""
    server = stage()
    person = Script(home, where(server.address), "--plain", *LOGIN, "--password-file", password)
    stack.callback(person.kill)
    began = time.monotonic()
    sock = server.listener.accept()[0]
    stack.callback(sock.close)
    hello = b"\x16\x03\x03\x40\x00" + b"\x02" + b"\0" * 10000
    for byte in hello if drips else b"":
        if person.process.poll() is not None:
            break
        try:
            sock.sendall(bytes([byte]))
        except OSError:
            break
        time.sleep(0.05)
    _, notices = person.finish(1, seconds=60)
    assert time.monotonic() - began < 15 + PATIENCE
    assert "cannot agree on TLS" in notices


@pytest.mark.soak(200)
def test_a_log_in_that_is_never_answered(stage, home, password, stack):
    """60 s, however often the server says that it is still there."""
    server = stage()
    person = Script(home, where(server.address), "--plain", *LOGIN, "--password-file", password)
    stack.callback(person.kill)
    client = server.answer()
    began = time.monotonic()
    client.next_record()
    while person.process.poll() is None and time.monotonic() - began < 100:
        try:
            client.say("CHECK")
        except OSError:
            break
        time.sleep(0.2)
    assert person.finish(1)[1].strip()
    assert 55 < time.monotonic() - began < 60 + 2 * PATIENCE
