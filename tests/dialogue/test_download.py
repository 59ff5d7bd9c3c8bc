"""CMD <get>: what waits goes out as it came in, and is removed once it has arrived."""

import os
import time

import pytest

from crowd import gather
from ctl import Administrator
from transfer import COMPLETE, PROBLEM, SENT, download, folder_of, hears_file, hears_files, put, upload
from wire import PATIENCE, Ending, eventually

GENEROUS = {"files.upload_seconds": 60, "files.download_seconds": 60}
LARGE = 24 << 20  # more than the buffers of a connection take while nobody reads


@pytest.fixture
def patient(serve):
    return serve(GENEROUS)


def upload_large(sender, name, receiver, size=LARGE):
    data = os.urandom(1 << 16) * (size >> 16)
    put(sender, name, receiver, data)
    sender.hears(COMPLETE, seconds=60)
    return data


def waiting(server, receiver):
    return [entry["file"] for entry in Administrator(server).asks("files", "list", str(receiver))["files"]]


def waits_in_the_end(server, receiver, *files):
    """Demand that these files wait once what has arrived is removed."""
    __tracebackhide__ = True

    def look():
        assert waiting(server, receiver) == list(files)
    eventually(look)


def is_removed(server, receiver):
    """Demand that nothing waits, neither for the administrator nor in the folder."""
    __tracebackhide__ = True

    waits_in_the_end(server, receiver)

    def look():
        assert [name for name in folder_of(server) if name.startswith(f"{receiver}+")] == []
    eventually(look)


def begins_large(receiver, name):
    """CMD <get> by a receiver that reads no further than its file's BEGINF."""
    __tracebackhide__ = True
    receiver.say("CMD <get>")
    receiver.hears("BEGIN 1", f"BEGINF {name}")


def rest_of_file(peer, at_most=None):
    """What comes up to ENDF."""
    content = bytearray()
    while (record := peer.next_record()) != b"ENDF \r\n":
        assert isinstance(record, bytes), f"after {len(content)} bytes: {record.value}"
        content += record
        assert at_most is None or len(content) <= at_most
    return bytes(content)


# What comes

def test_nothing_waits(server):
    alice = server.sign_up("alice")
    alice.say("CMD <get>")
    alice.hears("BEGIN 0", SENT)
    alice.is_settled()


def test_records_and_order(server):
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    upload(alice, "b.txt", bob, b"hello")
    upload(alice, "empty", bob, b"")
    upload(bob, "a", bob, bytes(16384 * 2 + 1))
    bob.say("CMD <get>")
    bob.hears("BEGIN 3", "BEGINF b.txt")
    bob.hears_raw(b"hello")
    bob.hears("ENDF", "BEGINF empty", "ENDF", "BEGINF a")
    for size in (16384, 16384, 1):
        bob.hears_raw(bytes(size))
    bob.hears("ENDF", SENT)
    bob.is_settled()
    is_removed(server, bob)


def test_no_record_begins_like_the_end(server):
    """hears_file() looks at each record, and at each read of 4096 bytes."""
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    files = [b"ENDF", b"ENDF \r\n", b"ENDFENDF" * 30_000, b"xENDF" * 50_000]
    files += [bytes(size) + b"ENDF \r\n" * 3000 for size in (4095, 4096, 16383, 16384, 16385, 65535, 65536, 65537)]
    for number, data in enumerate(files):
        upload(alice, f"{number}", bob, data)
    assert download(bob) == [(b"%d" % number, data) for number, data in enumerate(files)]


def test_many_files(server):
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    for number in range(150):
        put(alice, f"{number:03}", bob, b"%d" % number)
    for number in range(150):
        alice.hears(COMPLETE)
    assert download(bob) == [(b"%03d" % number, b"%d" % number) for number in range(150)]
    is_removed(server, bob)


def test_only_ones_own(server):
    alice, bob = server.sign_up("b"), server.sign_up("b")
    for name in ("x", str(bob), f"{bob}+x"):
        upload(alice, name, bob, name.encode())
    assert download(alice) == []
    assert len(download(bob)) == 3


def test_what_comes_meanwhile_waits_for_the_next_time(patient):
    alice, bob = patient.sign_up("alice"), patient.sign_up("bob", rcvbuf=4096)
    data = upload_large(alice, "large", bob)
    begins_large(bob, "large")
    upload(alice, "later", bob, b"later")
    assert rest_of_file(bob) == data
    bob.hears(SENT)
    assert download(bob) == [(b"later", b"later")]


# Twice, and queries meanwhile

def test_two_gets_at_once(server):
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    for name in ("1", "2"):
        upload(alice, name, bob)
    bob.say_raw(bob.spelled("CMD <get>") * 2)
    assert len(hears_files(bob)) == 2
    assert hears_files(bob) == []
    is_removed(server, bob)


def test_two_gets_at_once_of_who_reads_late(patient):
    alice, bob = patient.sign_up("alice"), patient.sign_up("bob", rcvbuf=4096)
    data = upload_large(alice, "large", bob)
    bob.say_records([bob.spelled("CMD <get>"), bob.spelled("CMD <what>"), bob.spelled("CMD <get>"),
                     bob.spelled(f"MSG {bob} {bob} hello")])
    bob.hears("BEGIN 1", "BEGINF large")
    assert rest_of_file(bob) == data
    bob.hears(SENT, PROBLEM, "BEGIN 0", SENT, f"RELAY {bob} {bob} hello")
    is_removed(patient, bob)


def test_messages_wait_until_it_is_over(patient):
    alice, bob = patient.sign_up("alice"), patient.sign_up("bob", rcvbuf=4096)
    bob.say("CMD <group>")
    data = upload_large(alice, "large", bob)
    begins_large(bob, "large")
    for number in range(100):
        alice.message(bob, f"word {number}")
        alice.group_message(f"group {number}")
    alice.is_settled()
    assert rest_of_file(bob) == data
    bob.hears(SENT)
    for number in range(100):
        bob.hears(f"RELAY {bob} {alice} word {number}", f"RELAYG {alice} group {number}")


def test_while_much_is_said_in_the_group(serve):
    """What a crowd has to wait for is nothing that a download waits for."""
    server = serve({"server.workers": 1, "session.messages_per_second": 0})
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    for one in [*gather(server, 60), bob]:
        one.say("CMD <group>")
        one.is_settled()
    texts = b"".join(alice.spelled(f"MSGG {alice} {number}") for number in range(1500))
    for number in range(3):  # of one name each: what was fetched may not be gone yet
        upload(alice, f"file{number}", bob, b"hello")
        alice.say_raw(texts)
        bob.say("CMD <get>")
        heard = []
        while heard[-1:] != [b"CMD <file send complete> \r\n"]:
            record = bob.next_record()
            assert isinstance(record, bytes), (record, heard)
            heard += [] if record.startswith(b"RELAYG ") else [record]
        assert heard[1:4] == [f"BEGINF file{number} \r\n".encode(), b"hello", b"ENDF \r\n"]


def test_no_check_among_the_bytes(serve, folder):
    server = serve(GENEROUS, folder=folder)
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    data = upload_large(alice, "large", bob)
    server.dismiss()
    server.stop()
    server = serve({**GENEROUS, "session.check_interval": 0.2}, folder=folder)
    bob = server.log_in(bob, rcvbuf=4096)
    begins_large(bob, "large")
    time.sleep(1)
    assert rest_of_file(bob) == data
    bob.hears(SENT, "CHECK")


def test_who_lets_too_much_pile_up_is_too_slow(serve):
    server = serve({**GENEROUS, "session.output_limit": "64KiB", "session.messages_per_second": 100_000,
                    "session.burst": 100_000})
    alice, bob = server.sign_up("alice"), server.sign_up("bob", rcvbuf=4096)
    data = upload_large(alice, "large", bob)
    begins_large(bob, "large")

    def is_gone():
        for _ in range(100):
            alice.message(bob, "x" * 1000)
        alice.say("CMD <settled>")
        assert alice.next_record() == b"CNT <user not online> \r\n"
    eventually(is_gone)
    assert data.startswith(rest_of_file(bob))  # ended in good order, if cut
    bob.hears_last("END * <too slow>")
    (name, content), = download(server.log_in(bob))
    assert (name, content) == (b"large", data)


def test_as_much_as_may_pile_up_comes(serve):
    """File bytes do not count."""
    server = serve({**GENEROUS, "session.output_limit": "64KiB", "session.messages_per_second": 100_000,
                    "session.burst": 100_000})
    alice, bob = server.sign_up("alice"), server.sign_up("bob", rcvbuf=4096)
    data = upload_large(alice, "large", bob)
    begins_large(bob, "large")
    for number in range(60):
        alice.message(bob, f"{number} " + "x" * 1000)
    alice.is_settled()
    assert rest_of_file(bob) == data
    bob.hears(SENT)
    for number in range(60):
        bob.hears(f"RELAY {bob} {alice} {number} " + "x" * 1000)
    bob.is_settled()


# The time limit

def test_a_slow_receiver_gets_what_there_was_time_for(serve):
    server = serve({"files.upload_seconds": 60, "files.download_seconds": 0.5})
    alice, bob = server.sign_up("alice"), server.sign_up("bob", rcvbuf=4096)
    data = upload_large(alice, "large", bob)
    upload(alice, "small", bob, b"small")
    bob.say("CMD <get>")
    bob.hears("BEGIN 2", "BEGINF large")
    time.sleep(0.8)
    got = rest_of_file(bob, at_most=len(data) - 1)
    assert data.startswith(got)
    assert hears_file(bob) == (b"small", b"small")
    bob.hears(SENT)
    bob.is_settled()
    waits_in_the_end(server, bob, "large")
    bob.quit()
    again = server.log_in(bob)
    again.say("CMD <get>")
    again.hears("BEGIN 1", "BEGINF large")  # and again, as long as it takes
    got = rest_of_file(again)
    assert data.startswith(got)
    again.hears(SENT)


def test_no_limit(serve):
    server = serve({"files.upload_seconds": 60, "files.download_seconds": 0})
    alice, bob = server.sign_up("alice"), server.sign_up("bob", rcvbuf=4096)
    data = upload_large(alice, "large", bob)
    begins_large(bob, "large")
    time.sleep(1)
    assert rest_of_file(bob) == data
    bob.hears(SENT)
    is_removed(server, bob)


# Removed when it has arrived, and not before

@pytest.mark.parametrize("way", ["hang_up", "close_notify", "quit"])
def test_read_and_gone(server, way):
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    upload(alice, "file", bob)
    assert len(download(bob)) == 1
    getattr(bob, way)()
    is_removed(server, bob)


@pytest.mark.parametrize("size", [50, 100_000, 500_000])
def test_gone_with_the_question(serve, size):
    """What was still to be sent when the peer turned out to be gone has not arrived."""
    server = serve({"server.workers": 1})
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    data = os.urandom(size)
    upload(alice, "file", bob, data)
    time.sleep(0.2)  # until all before it is acknowledged, however late that is done
    bob.tls.write(bob.spelled("CMD <get>"))
    bob.close_notify()  # both leave together
    bob.socket.settimeout(PATIENCE)
    while bob.socket.recv(65536):
        pass
    time.sleep(0.3)  # in which it would be removed
    again = eventually(lambda: server.log_in(bob))
    assert download(again, seconds=60) == [(b"file", data)]
    is_removed(server, bob)


@pytest.mark.parametrize("way", ["hang_up", "die"])
def test_gone_in_the_middle(patient, way):
    alice, bob = patient.sign_up("alice"), patient.sign_up("bob", rcvbuf=4096)
    upload(alice, "first", bob, b"first")
    data = upload_large(alice, "large", bob)
    upload(alice, "last", bob, b"last")
    bob.say("CMD <get>")
    bob.hears("BEGIN 3")
    assert hears_file(bob) == (b"first", b"first")
    bob.hears("BEGINF large")
    getattr(bob, way)()
    again = eventually(lambda: patient.log_in(bob))
    got = download(again, seconds=60)
    assert got[-2:] == [(b"large", data), (b"last", b"last")]
    assert got[:-2] in ([], [(b"first", b"first")])  # it was through; that this was seen before the end is likely only
    is_removed(patient, bob)


def test_sent_is_not_arrived(serve, folder):
    """The server is done with it, but most is on its way when the power goes."""
    server = serve(GENEROUS, folder=folder)
    alice, bob = server.sign_up("alice"), server.sign_up("bob", rcvbuf=4096)
    data = upload_large(alice, "file", bob, size=100 << 10)
    bob.say("CMD <get>")
    server.await_log(rf"download-ended user={bob} files=1 cut=0")
    alice.is_settled()
    server.kill()
    again = serve(GENEROUS, folder=folder)
    assert download(again.log_in(bob)) == [(b"file", data)]


def test_a_receiver_that_is_kicked(patient):
    alice, bob = patient.sign_up("alice"), patient.sign_up("bob", rcvbuf=4096)
    data = upload_large(alice, "large", bob)
    begins_large(bob, "large")
    alice.message(bob, "are you there?")
    alice.is_settled()
    Administrator(patient).does("kick", str(bob))
    got = rest_of_file(bob)
    assert data.startswith(got) and len(got) < len(data)
    bob.hears(f"RELAY {bob} {alice} are you there?")
    bob.hears_last("END * <kicked>")
    assert download(patient.log_in(bob), seconds=60) == [(b"large", data)]


@pytest.mark.threads
def test_the_server_stops_in_the_middle(serve, folder):
    server = serve(GENEROUS, folder=folder)
    alice = server.sign_up("alice")
    people = [server.sign_up("one", rcvbuf=4096) for _ in range(8)]
    files = [upload_large(alice, "large", one, size=8 << 20) for one in people]
    for one in people:
        begins_large(one, "large")
    server.signal(15)
    for one, data in zip(people, files):
        got = bytearray()
        while (record := one.next_record()) not in (b"ENDF \r\n", Ending.EOF, Ending.RESET):
            got += record
        assert data.startswith(got)
        if record == b"ENDF \r\n":
            one.hears_last("END * <server closing>")
    server.ends()
    again = serve(GENEROUS, folder=folder)
    for one, data in zip(people, files):
        assert download(again.log_in(one)) == [(b"large", data)]


# What is not there

def test_a_file_that_was_taken_away_by_hand(server):
    """n was said, so it comes, without a byte; it stays listed, for the operator to find out."""
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    for name in ("1", "2", "3"):
        upload(alice, name, bob, name.encode())
    (server.data / "files" / f"{bob}+2").unlink()
    assert download(bob) == [(b"1", b"1"), (b"2", b""), (b"3", b"3")]
    waits_in_the_end(server, bob, "2")
    server.await_log(rf"error file-failed during=read receiver={bob} error=")


def test_the_administrator_takes_files_away(server):
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    admin = Administrator(server)
    upload(alice, "one file", bob, bytes(10))
    upload(alice, "é", bob, bytes(20))
    listed = admin.asks("files", "list", str(bob))["files"]
    assert [(entry["receiver"], entry["file"], entry["bytes"]) for entry in listed] == [
        (str(bob), "one_file", 10), (str(bob), "é", 20)]
    assert listed[0]["since"] <= listed[1]["since"]
    assert f"{bob}" in admin.does("files", "list")
    admin.does("files", "delete", str(bob), "one_file")
    assert "no file one_file waits" in admin.fails("files", "delete", str(bob), "one_file")
    assert "no file" in admin.fails("files", "delete", str(bob), "x" * 300)
    assert "no user name" in admin.fails("files", "list", "a+b")
    assert download(bob) == [("é".encode(), bytes(20))]


def test_files_go_with_their_user(server):
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    upload(alice, "file", bob)
    Administrator(server).does("user", "delete", str(bob))
    is_removed(server, bob)
    upload(alice, "file", bob, answer=PROBLEM)
    bob.hears_match(r"END \* <.*>")
    again = server.connect().sign_up(bob.name)
    assert download(again) == []


def test_files_that_wait_too_long(serve, folder):
    import sqlite3
    server = serve(folder=folder)
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    for name in ("old", "new"):
        upload(alice, name, bob)
    database = sqlite3.connect(server.data / "messagerd.db")
    database.execute("UPDATE file SET completed_ms = completed_ms - 86400000 * 2 - 1 WHERE name = 'old'")
    database.commit()
    server.config.write_text("[files]\nkeep_days = 3\n")
    server.signal(1)
    server.await_log("reloaded")
    assert waiting(server, bob) == ["old", "new"]
    server.config.write_text("[files]\nkeep_days = 2\n")
    server.signal(1)
    server.await_log("files-expired count=1")
    assert waiting(server, bob) == ["new"]
    database.execute("UPDATE file SET completed_ms = completed_ms - 86400000 * 2 - 1")
    database.commit()
    server.dismiss()
    server.stop()
    again = serve({"files.keep_days": 2}, folder=folder)
    again.await_log("files-expired count=1")
    is_removed(again, bob)
