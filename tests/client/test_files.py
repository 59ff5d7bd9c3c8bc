"""Files up and down by the client: against a scripted server for what a real one never does, against the real one for the rest."""

import os
import resource
import signal

import pytest

from transfer import COMPLETE, PROBLEM, RECORD, SENT, download, pieces, upload
from wire import unique

LOGIN = ("--user", "alice", "--trust-first")


def content(size):
    """Bytes that are no pattern of 16 KiB, with what looks like queries in them."""
    unit = b"ENDF \r\nENDF token\r\nCHECK \r\n" + bytes(range(256)) + b"CMD <file send complete> \r\n\0\xff"
    return (unit * (size // len(unit) + 1))[:size]


@pytest.fixture
def folder(tmp_path):
    """Where downloads go."""
    path = tmp_path / "downloads"
    path.mkdir()
    return path


@pytest.fixture
def a_file(tmp_path):
    """a_file(name, data): a file to send."""
    def make(name="report.txt", data=b"some bytes"):
        path = tmp_path / name
        path.write_bytes(data)
        return path
    return make


@pytest.fixture
def talk(stage, script, terminal, password, folder):
    """talk(words…): a client in session with a scripted server, and its connection there."""
    def start(*words, at_terminal=False, **how):
        server = stage(**how)
        kind = terminal if at_terminal else script
        person = kind(server, *LOGIN, "--password-file", password, "--downloads", folder, *words)
        client = server.session("alice")
        if at_terminal and "--upload" not in words:
            person.sees("bob> ")
        person.stage = server
        return person, client
    return start


def takes_upload(client, name, target="bob", mark=b"ENDF token \r\n"):
    """The bytes of an upload, record by record."""
    __tracebackhide__ = True
    client.hears(f"BEGINF {name} {target}")
    data = bytearray()
    while True:
        record = client.next_record()
        assert record, f"the client is gone after {len(data)} bytes"
        if record == mark:
            return bytes(data)
        assert len(record) <= RECORD
        data += record


def sends_files(client, *files):
    client.hears("CMD <get>")
    client.say(f"BEGIN {len(files)}")
    for name, data in files:
        client.say(b"BEGINF " + (name if isinstance(name, bytes) else name.encode()))
        for piece in pieces(data):
            client.say_raw(piece)
        client.say("ENDF")
    client.say(SENT)


def saved(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


SIZES = [0, 1, RECORD - 1, RECORD, RECORD + 1, 5 << 20]


# Against the real server

@pytest.mark.parametrize("size", SIZES)
def test_round_trip(server, script, password, folder, a_file, size):
    data = content(size)
    bob, alice = unique("bob"), server.sign_up("alice")
    path = a_file("my file.tar.gz", data)
    sender = script(server, "--trust-first", "--sign-up", "--user", bob, "--to", alice, "--password-file", password,
                    "--upload", path)
    out, notes = sender.finish(0)
    assert out == "" and notes.startswith(f"messager: sent to {alice}, ") and notes.count("\n") == 1
    assert download(alice) == [(b"my_file.tar.gz", data)]
    upload(alice, "back.tar.gz", bob, data)
    receiver = script(server, "--user", bob, "--password-file", password, "--downloads", folder, "--download")
    out, notes = receiver.finish(0)
    assert out == "" and f"{folder}/back.tar.gz" in notes and notes.count("\n") == 1
    assert saved(folder) == {"back.tar.gz": data}


def test_several_files_at_once_both_ways(server, script, password, folder, a_file):
    alice = unique("alice")
    words = ("--trust-first", "--user", alice, "--to", alice, "--password-file", password, "--downloads", folder)
    files = [a_file(f"{number}.bin", content(number * 100000)) for number in range(4)]
    uploads = [word for path in files for word in ("--upload", path)]
    script(server, *words, "--sign-up", *uploads, "--download").finish(0)
    assert saved(folder) == {path.name: path.read_bytes() for path in files}


def test_nothing_waits(server, script, password, folder):
    alice = server.sign_up("alice", "a password")
    alice.quit()
    person = script(server, "--trust-first", "--user", alice, "--password-file", password, "--downloads", folder, "--download")
    assert person.finish(0) == ("", "messager: No files wait for you.\n")


def test_refused_by_the_server(server, script, password, a_file):
    alice = server.sign_up("alice", "a password")
    alice.quit()
    words = ("--trust-first", "--user", alice, "--password-file", password)
    _, notes = script(server, *words, "--to", "nobody_at_all", "--upload", a_file()).finish(5)
    assert "problem with command" in notes


def test_lines_and_files_in_a_pipe_keep_their_order(server, script, password, a_file):
    bob, alice = server.sign_up("bob"), unique("alice")
    person = script(server, "--trust-first", "--sign-up", "--user", alice, "--to", bob, "--password-file", password)
    path = a_file("a b.txt", content(300000))
    _, notes = person.finish(0, f'before\n:upload: "{path}"\n:upload: {path}\nafter\n')
    assert notes.count("sent to") == 2
    bob.hears(f"RELAY {bob} {alice} before", f"RELAY {bob} {alice} after")
    assert [name for name, _ in download(bob)] == [b"a_b.txt", b"a_b-2.txt"]


def test_at_a_terminal(server, terminal, password, folder, a_file, home):
    alice = unique("alice")
    person = terminal(server, "--trust-first", "--sign-up", "--user", alice, "--to", alice, "--password-file", password,
                      "--downloads", folder)
    (home / "it's $(touch x).txt").write_bytes(b"quoted")
    person.sees(f"{alice}> ")
    person.enter(":upload:")
    person.sees("File: ")
    person.enter("~/\"it's $(touch x).txt\"")
    person.sees(f"sent to {alice}, 6 bytes in ")
    person.enter(":download:")
    person.sees("saved, 6 bytes in ")
    person.enter(":quit:")
    person.ends()
    assert saved(folder) == {"it's_$(touch_x).txt": b"quoted"}


# Names

@pytest.mark.parametrize("name, kept", [
    (b"report.txt", "report.txt"),
    (b"two words.txt", "two_words.txt"),
    ("grüße.txt".encode(), "grüße.txt"),
    (b"../x", "_x"),
    (b"..", "file"),
    (b"...hidden", "hidden"),
    (b"/etc/passwd", "_etc_passwd"),
    (b"a\\b", "a_b"),
    (b"$(touch x)'\"", "$(touch_x)'\""),
    (b"red\x1b[31m", "red_[31m"),
    ("txt\u202egnp.exe".encode(), "txt_gnp.exe"),
    (b"\xff\xfe.txt", "__.txt"),
    (b"x" * 300 + b".txt", "x" * 200),
])
def test_names_from_the_server(talk, folder, name, kept):
    person, client = talk("--download")
    sends_files(client, (name, b"data"))
    client.hears_end()
    _, notes = person.finish(0)
    assert saved(folder) == {kept: b"data"}
    assert "\x1b" not in notes and "\u202e" not in notes


def test_nothing_is_overwritten_and_no_link_followed(talk, folder, tmp_path):
    (folder / "a.txt").write_bytes(b"old")
    (folder / "a-2.txt").symlink_to(tmp_path / "outside")
    (folder / "b").symlink_to("/")
    person, client = talk("--download")
    sends_files(client, ("a.txt", b"new"), ("a.txt", b"newer"), ("b", b"B"))
    client.hears_end()
    person.finish(0)
    assert (folder / "a.txt").read_bytes() == b"old"
    assert not (tmp_path / "outside").exists()
    assert (folder / "a-3.txt").read_bytes() == b"new"
    assert (folder / "a-4.txt").read_bytes() == b"newer"
    assert (folder / "b-2").read_bytes() == b"B"
    assert (folder / "a-3.txt").stat().st_mode & 0o777 == 0o666 & ~umask()


def umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_default_folder(stage, script, password, home):
    (home / "Downloads").mkdir()
    server = stage()
    person = script(server, *LOGIN, "--password-file", password, "--download")
    client = server.session("alice")
    sends_files(client, ("a", b"1"))
    client.hears_end()
    person.finish(0)
    assert saved(home / "Downloads") == {"a": b"1"}


@pytest.mark.parametrize("name", ["a\nb", "x" * 201, "back\\slash"])
def test_names_that_the_protocol_forbids_are_not_sent(talk, tmp_path, name):
    path = tmp_path / name
    if len(name) < 200:
        path.write_bytes(b"x")
    person, client = talk("--to", "bob", "--upload", path)
    client.hears_end()
    _, notes = person.finish(1)
    assert "cannot send (its name has " in notes


def test_what_is_no_readable_file_is_not_sent(talk, tmp_path, a_file):
    os.mkfifo(tmp_path / "fifo")
    paths = [tmp_path, tmp_path / "fifo", tmp_path / "missing", "/dev/zero", "."]
    person, client = talk("--to", "bob", *(word for path in paths for word in ("--upload", path)), "--upload", a_file())
    assert takes_upload(client, "report.txt") == b"some bytes"
    client.say(COMPLETE)
    client.hears_end()
    _, notes = person.finish(1)
    assert notes.count("cannot send") == len(paths)


def test_upload_needs_a_target(script, a_file):
    _, notes = script(None, "localhost", "--user", "a", "--upload", a_file()).finish(2)
    assert "--upload needs --to" in notes


# Ends that are none, and servers that break the rules

def test_only_a_record_that_is_the_end_ends(talk, folder):
    records = [b"ENDF\r\n", b"ENDF ", b"\r\n", b"ENDF \r\nx", b"xENDF \r\n", b"CHECK \r\n", b"ENDF  \r\n"]
    person, client = talk("--download")
    client.hears("CMD <get>")
    client.say("BEGIN 1")
    client.say("BEGINF a")
    for record in records:
        client.say_raw(record)
    client.say("ENDF")
    client.say(SENT)
    client.hears_end()
    person.finish(0)
    assert saved(folder) == {"a": b"".join(records)}


def test_an_original_server_puts_check_between_the_bytes(talk, folder):
    person, client = talk("--download", ours=False)
    sends_files(client, ("a", b"one"), ("b", b""))
    client.hears_end()
    person.finish(0)
    person, client = talk("--download", ours=False)
    client.hears("CMD <get>")
    for record in ("BEGIN 1", "BEGINF c"):
        client.say(record)
    for record in (b"one", b"CHECK \r\n", b"two", b"ENDF \r\n"):
        client.say_raw(record)
    client.say(SENT)
    client.hears_end()
    person.finish(0)
    assert saved(folder) == {"a": b"one", "b": b"", "c": b"onetwo"}


def test_an_original_server_gets_the_end_late(talk, a_file):
    person, client = talk("--to", "bob", "--upload", a_file(), ours=False)
    assert takes_upload(client, "report.txt") == b"some bytes"
    client.say(COMPLETE)
    client.hears_end()
    _, notes = person.finish(0)
    assert float(notes.split(" in ")[1].split()[0]) >= 5.3


def test_queries_between_files_are_dealt_with(talk, folder):
    person, client = talk("--download")
    client.hears("CMD <get>")
    client.say("RELAY alice bob before")
    client.say("BEGIN 1")
    client.say("RELAY alice bob between")
    client.say("BEGINF a")
    client.say_raw(b"RELAY alice bob inside \r\n")
    client.say("ENDF")
    client.say("RELAY alice bob after")
    client.say(SENT)
    client.hears_end()
    out, _ = person.finish(0)
    assert out == "bob: before\nbob: between\nbob: after\n"
    assert saved(folder) == {"a": b"RELAY alice bob inside \r\n"}


def test_bytes_behind_the_beginning_in_one_record(talk, folder):
    person, client = talk("--download")
    client.hears("CMD <get>")
    client.say("BEGIN 1")
    client.say_raw(b"BEGINF a \r\ndata")
    client.hears_close()
    person.finish(1)
    assert saved(folder) == {}


def test_files_that_nobody_asked_for(talk, folder):
    person, client = talk("--to", "bob")
    client.say("BEGIN 1")
    client.say("BEGINF a")
    client.say("ENDF")
    client.say("RELAY alice bob hello")
    person.shows("bob: hello")
    person.end_input()
    client.hears_end()
    person.finish(0)
    assert saved(folder) == {}


@pytest.mark.parametrize("answer, status", [("CMD <problem with command>", 5), ("END * <kicked>", 1)])
def test_download_refused(talk, folder, answer, status):
    person, client = talk("--download")
    client.hears("CMD <get>")
    client.say(answer)
    if status == 5:
        client.hears_end()
    person.finish(status)


def test_fewer_files_than_announced(talk, folder):
    person, client = talk("--download")
    client.hears("CMD <get>")
    client.say("BEGIN 3")
    client.say("BEGINF a")
    client.say("ENDF")
    client.say(SENT)
    client.hears_end()
    person.finish(5)
    assert saved(folder) == {"a": b""}


def test_the_server_goes_in_mid_download(talk, folder):
    person, client = talk("--download")
    client.hears("CMD <get>")
    client.say("BEGIN 1")
    client.say("BEGINF a")
    client.say_raw(b"half")
    client.close()
    person.finish(1)
    assert saved(folder) == {}


def test_the_server_goes_in_mid_upload(talk, a_file):
    person, client = talk("--to", "bob", "--upload", a_file(data=content(20 << 20)))
    client.hears("BEGINF report.txt bob")
    client.next_record()
    client.close()
    _, notes = person.finish(1)
    assert "not sent, the connection broke" in notes


def test_refused_before_its_end(talk, a_file):
    """No byte follows the refusal but what was on its way; the mark ends it, and the session goes on."""
    first, second = a_file("first", content(50 << 20)), a_file("second")
    person, client = talk("--to", "bob", "--upload", first, "--upload", second)
    client.hears("BEGINF first bob")
    client.say(PROBLEM)
    passed = 0
    while (record := client.next_record()) != b"ENDF token \r\n":
        passed += len(record)
    assert passed < 50 << 20
    assert takes_upload(client, "second") == b"some bytes"
    client.say(COMPLETE)
    client.hears_end()
    person.finish(5)


# The disk

def test_a_folder_that_cannot_be_written(talk, folder):
    person, client = talk("--download", "--downloads", "/proc/self")
    client.hears_end()
    _, notes = person.finish(1)
    assert "no download folder" in notes


def test_a_full_disk(server, script, password, folder, home):
    """A limit on the size of files stands in for it: the same error comes from write()."""
    alice = server.sign_up("alice", "a password")
    big = content(30 << 20)  # more than the systems between hold: it can not have been acknowledged whole
    upload(alice, "big", alice, big)
    upload(alice, "small", alice, b"small")
    alice.quit()
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100000, limit[1]))
        person = script(server, "--trust-first", "--user", alice, "--password-file", password, "--downloads", folder,
                        "--download")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, old)
    _, notes = person.finish(1)
    assert "not saved (cannot write: " in notes
    assert saved(folder) == {}
    person = script(server, "--trust-first", "--user", alice, "--password-file", password, "--downloads", folder, "--download")
    person.finish(0)
    assert saved(folder) == {"big": big, "small": b"small"}


def test_a_file_that_changes_while_it_is_sent(talk, a_file):
    path = a_file(data=content(30 << 20))
    person, client = talk("--to", "bob", "--upload", path)
    client.hears("BEGINF report.txt bob")
    os.truncate(path, 1 << 20)
    while client.next_record() != b"ENDF token \r\n":
        pass
    client.say(COMPLETE)
    client.hears_end()
    _, notes = person.finish(1)
    assert "it changed while it was sent" in notes


# At a terminal: typing goes on, and C-c stops

def test_typing_waits_for_the_file_and_progress_is_shown(talk, a_file):
    person, client = talk("--to", "bob", at_terminal=True)
    path = a_file(data=content(50 << 20))
    person.enter(f":upload: {path}")
    client.hears("BEGINF report.txt bob")
    client.next_record()
    person.type("half a l")
    person.sees(r"\[sending [0-9.]+ [KM]iB, \d+%")
    person.screen_has(r"\[sending .*\] bob> half a l")
    person.enter("ine")
    while client.next_record() != b"ENDF token \r\n":
        pass
    client.say("RELAY alice bob meanwhile")
    person.sees("bob: meanwhile")
    client.say(COMPLETE)
    person.sees("sent to bob, 50.0 MiB")
    client.hears("MSG bob alice half a line")
    person.screen_has("bob> ?")
    person.enter(":quit:")
    client.hears_end()
    person.ends()


def test_one_file_at_a_time(talk, a_file):
    person, client = talk("--to", "bob", at_terminal=True)
    path = a_file()
    person.enter(f":upload: {path}")
    takes_upload(client, "report.txt")
    person.enter(f":upload: {path}")
    person.sees("One file at a time")
    client.say(COMPLETE)
    person.sees("sent to bob")
    person.enter(":quit:")
    client.hears_end()
    person.ends()


def test_interrupt_stops_an_upload_and_keeps_the_session(talk, a_file):
    person, client = talk("--to", "bob", at_terminal=True)
    path = a_file(data=content(50 << 20))
    person.enter(f":upload: {path}")
    client.hears("BEGINF report.txt bob")
    client.next_record()
    person.sees(r"\[sending")
    person.press("c")
    person.sees("Stopped; the server keeps nothing of it")
    while record := client.next_record():
        assert not record.startswith(b"ENDF token")
    client.close()
    again = person.stage.session("alice", "other")
    person.sees("The connection is back")
    person.enter("still here")
    again.hears("MSG bob alice still here")
    person.enter(":quit:")
    again.hears_end()
    person.ends()


def test_interrupt_stops_a_download_and_keeps_the_session(talk, folder):
    person, client = talk("--to", "bob", at_terminal=True)
    person.enter(":download:")
    client.hears("CMD <get>")
    client.say("BEGIN 2")
    client.say("BEGINF a")
    client.say_raw(content(RECORD))
    person.sees(r"\[receiving")
    person.press("c")
    person.sees("Stopped; what has not come whole still waits")
    while client.next_record():
        pass
    client.close()
    again = person.stage.session("alice", "other")
    person.sees("The connection is back")
    person.enter("still here")
    again.hears("MSG bob alice still here")
    person.enter(":quit:")
    again.hears_end()
    person.ends()
    assert saved(folder) == {}


def test_interrupt_ends_the_one_shot_form(talk, a_file):
    person, client = talk("--to", "bob", "--upload", a_file(data=content(50 << 20)))
    client.hears("BEGINF report.txt bob")
    client.next_record()
    person.process.send_signal(signal.SIGINT)
    person.notes("Stopped")
    while record := client.next_record():
        assert not record.startswith(b"ENDF token")
    person.finish(1)


def test_a_file_that_will_take_too_long_is_warned_of(talk, a_file, tmp_path):
    person, client = talk("--to", "bob", at_terminal=True)
    path = a_file(data=content(1000))
    big = tmp_path / "big"
    with big.open("wb") as file:
        file.truncate(1 << 40)
    person.enter(f":upload: {path}")
    client.hears("BEGINF report.txt bob")
    client.hears_raw(content(1000))
    person.sees(r"\[sending 1000 bytes, 100%, [0-9.]+ \w+/s")
    client.hears_raw(b"ENDF token \r\n")
    client.say(COMPLETE)
    person.sees("sent to bob")
    person.enter(f":upload: {big}")
    person.sees(r"warning: 1\.0 TiB will take about \d+ s")
    person.press("c")
    person.sees("Stopped")
