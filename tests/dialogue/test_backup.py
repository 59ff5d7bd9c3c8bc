"""A backup made while people go on, and a server that starts from it; the schema's version."""

import io
import os
import random
import signal
import socket
import sqlite3
import subprocess
import tarfile
import threading

import pytest

from ctl import MESSAGERCTL, Administrator
from server import USUAL, arguments, run_messagerd
from transfer import download, upload
from wire import PATIENCE, eventually, unique

CROWD = 4


def restore(serve, backup, **how):
    return serve(words=("--restore", backup), **how)


def refuses(folder, backup):
    """A server that is to start from this does not; what it complains of."""
    settings = {**USUAL, "server.data": folder}
    done = run_messagerd(*arguments(settings), "--restore", backup, seconds=PATIENCE * 2)
    assert done.returncode == 1, done.stderr
    assert "start-failed" in done.stderr
    return done.stderr


@pytest.fixture
def backup_of_two(serve, folder):
    """A backup of a server with ann, who has files, and a ban."""
    server = serve()
    ann = server.sign_up("ann")
    long_name = "é" * 98 + ".txt"
    upload(ann, "a.txt", ann, b"one")
    upload(ann, long_name, ann, bytes(range(256)) * 700)
    upload(ann, "empty", ann, b"")
    boss = Administrator(server)
    boss.does("ban", "192.0.2.7")
    boss.does("backup", folder / "all.tar")
    ann.files = [(b"a.txt", b"one"), (long_name.encode(), bytes(range(256)) * 700), (b"empty", b"")]
    return server, ann, folder / "all.tar"


def test_what_is_in_it_is_there_again(serve, backup_of_two):
    server, ann, backup = backup_of_two
    assert backup.stat().st_mode & 0o7777 == 0o600
    assert os.listdir(backup.parent) == [backup.name]
    again = restore(serve, backup)
    again.await_log(r"restored .*accounts=1 bans=1 files=3")
    assert (again.data / "server.pem").read_bytes() == (server.data / "server.pem").read_bytes()
    assert [row["name"] for row in Administrator(again).asks("bans")["bans"]] == ["192.0.2.7"]
    assert download(again.log_in(ann)) == ann.files
    assert not (again.data / "restore").exists()
    again.is_well()


def test_every_tar_reads_it(backup_of_two):
    _, ann, backup = backup_of_two
    with tarfile.open(backup) as archive:
        assert {member.name for member in archive} == \
            {"messagerd.db", "server.pem", *(f"files/{ann}+{name.decode()}" for name, _ in ann.files)}
    listed = subprocess.run(["tar", "tf", backup], capture_output=True, check=True)
    assert listed.stderr == b""


class Churn:
    """People who come, get files and take some of them, until they are told to stop; what they were promised."""

    def __init__(self, server, number):
        self.server = server
        self.random = random.Random(number)
        self.accounts = {}   # name: password
        self.waiting = {}    # name: {file: bytes}; what was fetched is gone, what is under way is neither
        self.uncertain = set()
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.failure = None

    def run(self):
        try:
            while not self.stopping.is_set():
                self.one_round()
        except BaseException as failure:
            self.failure = failure

    def one_round(self):
        one = self.server.connect().sign_up(unique("one"), "pw")
        self.accounts[str(one)] = "pw"
        self.waiting[str(one)] = {}
        for n in range(2):
            data = self.random.randbytes(self.random.choice((0, 100, 70_000)))
            upload(one, f"f{n}", one, data)
            self.waiting[str(one)][f"f{n}".encode()] = data
        if self.random.random() < 0.5:
            self.uncertain.add(str(one))
            download(one)
            self.waiting[str(one)] = {}
        one.quit()


def test_one_made_under_load_is_of_one_moment(serve, folder):
    """(Not for the thread sanitizer: libuv closes the administrator's socket by a system call of its own, which that one does not see, so that
    it takes the next file of the same number for the socket.)"""
    server = serve({"files.upload_seconds": 0, "session.messages_per_second": 0})
    crowd = [Churn(server, n) for n in range(CROWD)]
    for churn in crowd:
        churn.thread.start()
    server.connect().sign_up("zoe", "pw")
    for nth in range(3):
        while not all(len(churn.accounts) > (nth + 1) * 5 or churn.failure for churn in crowd):
            assert server.process.poll() is None
        before = [(dict(churn.accounts), {name: dict(files) for name, files in churn.waiting.items()}) for churn in crowd]
        Administrator(server).does("backup", folder / f"{nth}.tar")
    for churn in crowd:
        churn.stopping.set()
    for churn in crowd:
        churn.thread.join()
        assert churn.failure is None, churn.failure

    again = restore(serve, folder / "2.tar")
    counted = 0
    for churn, (accounts, waiting) in zip(crowd, before):
        for name, password in accounts.items():
            got = dict(download(again.connect().log_in(name, password)))
            promised = waiting[name] if name not in churn.uncertain else {}
            for file, data in promised.items():
                assert got[file] == data
                counted += 1
            assert len(got) <= 2
    assert counted > CROWD
    assert not list(server.data.glob("*.backup*"))


def test_nothing_is_overwritten(backup_of_two):
    server, _, backup = backup_of_two
    before = backup.read_bytes()
    assert "is there already; nothing is overwritten" in Administrator(server).fails("backup", backup)
    assert backup.read_bytes() == before


def test_a_folder_with_something_in_it_is_left_alone(serve, folder, backup_of_two):
    server, _, backup = backup_of_two
    server.stop()
    database = (server.data / "messagerd.db").read_bytes()
    assert "nothing is restored over what there is" in refuses(server.data, backup)
    assert (server.data / "messagerd.db").read_bytes() == database


def test_a_folder_in_use_is_left_alone(backup_of_two):
    server, _, backup = backup_of_two
    assert f"pid {server.process.pid}" in refuses(server.data, backup)
    server.is_well()


def test_one_that_is_cut_or_damaged_is_refused_and_leaves_nothing(serve, folder, backup_of_two):
    _, ann, backup = backup_of_two
    whole = backup.read_bytes()
    cut, data = folder / "cut.tar", folder / "cut"
    for length in (0, 1, 511, 512, 1024, len(whole) // 2, len(whole) - 1025, len(whole) - 1024):
        cut.write_bytes(whole[:length])
        assert "the backup is cut off" in refuses(data, cut), length
        assert not (data / "messagerd.db").exists() and os.listdir(data / "files") == []
    for at in (100, whole.index(b"SQLite format 3") + 4096):
        cut.write_bytes(whole[:at] + bytes(64) + whole[at + 64:])
        assert "damaged" in refuses(data, cut)
    cut.write_bytes(whole)
    assert download(restore(serve, cut, folder=folder).log_in(ann)) == ann.files


@pytest.mark.parametrize("name", ["../evil", "/tmp/evil", "files/../../evil", "files/noplus", "files/a+b/c", "files/+1", "other",
                                  "files/admin+x", "files/" + "a" * 240])
def test_a_foreign_name_is_refused(folder, name):
    archive = folder / "evil.tar"
    with tarfile.open(archive, "w", format=tarfile.GNU_FORMAT) as tar:
        member = tarfile.TarInfo(name)
        member.size = 1
        tar.addfile(member, io.BytesIO(b"x"))
    assert "no backup" in refuses(folder / "data", archive)
    assert not (folder / "evil").exists()


def test_a_link_in_it_is_refused(folder):
    archive = folder / "evil.tar"
    with tarfile.open(archive, "w", format=tarfile.GNU_FORMAT) as tar:
        member = tarfile.TarInfo("server.pem")
        member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(member)
    assert "no backup" in refuses(folder / "data", archive)


def test_who_asks_may_go_away(serve, folder):
    server = serve()
    ann = server.sign_up("ann")
    upload(ann, "large", ann, bytes(8 << 20))
    asking = subprocess.Popen([MESSAGERCTL, "--socket", server.data / "admin.sock", "backup", folder / "one.tar"],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not list(folder.glob("one.tar.*")) and asking.poll() is None:
        pass
    asking.send_signal(signal.SIGKILL)
    asking.wait()
    assert not (folder / "one.tar").exists() or asking.returncode == 0

    eventually(lambda: Administrator(server).does("backup", folder / "two.tar"))  # it notices when it writes
    assert download(restore(serve, folder / "two.tar").log_in(ann)) == [(b"large", bytes(8 << 20))]


def test_who_asks_and_takes_nothing_keeps_nobody_from_stopping(serve):
    server = serve()
    ann = server.sign_up("ann")
    upload(ann, "large", ann, bytes(8 << 20))
    with Administrator(server).connect() as sock:
        sock.sendall(b"text 0\nbackup\n\n")
        assert sock.recv(10, socket.MSG_PEEK)
        assert "another backup is being made" in Administrator(server).fails("backup", server.folder / "two.tar")
        server.dismiss()
        server.stop()


def test_no_room_for_it(serve, small_disk):
    server = serve()
    ann = server.sign_up("ann")
    upload(ann, "large", ann, bytes(3 << 20))
    target = small_disk(2)
    assert "No space left" in Administrator(server).fails("backup", target / "all.tar")
    assert os.listdir(target) == []
    server.is_well()


# The schema


def make_version_1(folder):
    """The data folder of a server from before files had rows, with zoe's account in it."""
    data = folder / "data"
    data.mkdir()
    with sqlite3.connect(data / "messagerd.db") as database:
        database.executescript("""
            CREATE TABLE account (name TEXT NOT NULL PRIMARY KEY, hash TEXT NOT NULL CHECK (length(hash) BETWEEN 1 AND 159),
                created_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;
            CREATE TABLE ban (name TEXT NOT NULL PRIMARY KEY, created_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;
            INSERT INTO ban VALUES ('192.0.2.9', 1);
            PRAGMA application_id = 0x53534c4d;
            PRAGMA user_version = 1;
        """)
    database.close()
    return data


def version_of(path):
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
        return database.execute("PRAGMA user_version").fetchone()[0]


def test_an_older_database_is_upgraded_after_a_copy_was_made(serve, folder):
    data = make_version_1(folder)
    server = serve(folder=folder)
    server.await_log("store-upgraded from=1 to=2")
    ann = server.sign_up("ann")
    upload(ann, "a", ann)
    assert [row["name"] for row in Administrator(server).asks("bans")["bans"]] == ["192.0.2.9"]
    copy = data / "messagerd.db.version-1"
    assert version_of(copy) == 1 and copy.stat().st_mode & 0o7777 == 0o600
    with sqlite3.connect(copy) as database:
        assert database.execute("SELECT name FROM ban").fetchall() == [("192.0.2.9",)]
        assert not database.execute("SELECT 1 FROM sqlite_schema WHERE name = 'file'").fetchall()
    assert sorted(path.name for path in data.glob("*version*")) == [copy.name]


def test_a_newer_database_is_refused_and_not_touched(folder):
    data = make_version_1(folder)
    with sqlite3.connect(data / "messagerd.db") as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    before = (data / "messagerd.db").read_bytes()
    done = run_messagerd(*arguments({**USUAL, "server.data": data}))
    assert done.returncode == 1 and "newer messagerd" in done.stderr, done.stderr
    with sqlite3.connect(data / "messagerd.db") as database:
        assert database.execute("PRAGMA user_version").fetchone() == (99,)
    assert len((data / "messagerd.db").read_bytes()) == len(before)
