"""The machine in bad weather: no files, no memory, a full disk, one that fails, a clock that steps, a process that was stopped. Nobody is dropped
who need not be, nothing is corrupted, the log says it, and within 5 seconds of relief all is well."""

import errno
import os
import resource
import signal
import time
from contextlib import contextmanager

import pytest

import soak
from http_client import get
from mounts import behind, ext4, has_an_error, repair
from shared_control import failing_disk, stepping_clock
from transfer import PROBLEM, download, upload
from wire import Refused, eventually, unique

RELIEF_SECONDS = 5
LATER = "END * <try later>"


def is_well_soon(server):
    """Within 5 seconds people can sign up, talk and send files again."""
    eventually(server.is_well, errors=(AssertionError, OSError, Refused, TimeoutError), seconds=RELIEF_SECONDS)


def talks(alice, bob):
    text = unique("text")
    alice.message(bob, text)
    bob.hears(f"RELAY {bob} {alice} {text}")


@contextmanager
def limited(server, what, soft):
    had = resource.prlimit(server.process.pid, what)
    resource.prlimit(server.process.pid, what, (soft, had[1]))
    yield
    resource.prlimit(server.process.pid, what, had)


def cpu_seconds(server):
    fields = open(f"/proc/{server.process.pid}/stat").read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_256_files(serve):
    server = serve()
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    with limited(server, resource.RLIMIT_NOFILE, 256):
        visitors = [server.knock() for _ in range(400)]
        server.await_log(r"\baccept-paused\b.*reason=\"Too many open files\"")
        talks(alice, bob)
        used, began = cpu_seconds(server), time.monotonic()
        bob.hears_nothing(1)
        assert cpu_seconds(server) - used < 0.3 * (time.monotonic() - began), "the server runs in circles"
        for visitor in visitors:
            visitor.close()
        is_well_soon(server)
    assert len([line for line in server.log() if "accept-paused" in line]) < 45
    talks(alice, bob)


def address_space(server):
    pages = int(open(f"/proc/{server.process.pid}/statm").read().split()[0])
    return pages * resource.getpagesize()


@pytest.mark.plain
def test_no_memory_for_hashing(serve):
    server = serve({"login.password_memory": "64MiB"})
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    if server.is_sanitized():
        pytest.skip("a sanitizer has an address space of its own")
    with limited(server, resource.RLIMIT_AS, address_space(server) + (8 << 20)):
        for _ in range(5):
            stranger = server.connect()
            stranger.say(f"PUT {unique('user')} secret")
            stranger.hears_last(LATER)
        talks(alice, bob)
    is_well_soon(server)
    talks(alice, bob)


@pytest.mark.plain
def test_no_memory_for_checking_a_password(serve):
    """Nobody knows then whether it is right: it is not refused as wrong, and not held against anybody."""
    server = serve({"login.password_memory": "64MiB", "limits.failed_logins_per_address_per_minute": 2})
    alice = server.sign_up("alice")
    alice.quit()
    if server.is_sanitized():
        pytest.skip("a sanitizer has an address space of its own")
    with limited(server, resource.RLIMIT_AS, address_space(server) + (8 << 20)):
        for name in (str(alice), unique("nobody")) * 3:
            stranger = server.connect()
            stranger.say(f"AUTH {name} secret")
            stranger.hears_last(LATER)
    is_well_soon(server)
    server.log_in(alice)


@pytest.mark.plain
def test_no_memory_for_anything(serve):
    """Deaf receivers fill all memory that there is: they and who else finds none are lost, the server is not."""
    server = serve({"session.output_limit": "1GiB", "session.messages_per_second": 0, "server.workers": 1})
    if server.is_sanitized():
        pytest.skip("a sanitizer has an address space of its own")
    sender, deaf = server.sign_up("sender"), server.sign_up("deaf", rcvbuf=4096)
    deaf.deaf = True
    with limited(server, resource.RLIMIT_AS, address_space(server) + (24 << 20)):
        try:
            for _ in range(40):
                sender.say_records(sender.spelled(f"MSG {deaf} {sender} {'x' * 3900}") for _ in range(500))
                sender.say("CMD <group>")
        except (OSError, AssertionError):
            pass
        strangers = []
        for _ in range(50):
            try:
                strangers.append(server.connect())
            except (OSError, Refused, TimeoutError):
                break
        assert server.process.poll() is None
    deaf.die()
    for stranger in strangers:
        stranger.die()
    is_well_soon(server)


def test_a_full_disk(serve, small_disk):
    folder = small_disk(16)
    server = serve({"metrics.listen": "127.0.0.1:0"}, folder=folder)
    alice, bob, carol = server.sign_up("alice"), server.sign_up("bob"), server.sign_up("carol")
    carol.quit()
    with open(folder / "filler", "wb", buffering=0) as filler:
        try:
            while True:
                filler.write(bytes(4096))
        except OSError:
            pass
    upload(alice, "file", bob, bytes(300000), answer=PROBLEM)

    def is_refused():
        stranger = server.connect()
        stranger.say(f"PUT {unique('user')} secret")
        stranger.hears_last(LATER)
    eventually(is_refused)
    server.await_log(r"error store-failed .*(full|disk)")
    status, _, why = get(server, "/readyz")
    assert (status, why) == (503, b"the store can't do what it is asked; the log says why\n")
    talks(alice, bob)
    server.log_in(carol)  # whom it knows
    assert get(server, "/livez")[0] == 200

    (folder / "filler").unlink()
    is_well_soon(server)
    upload(alice, "file", bob, bytes(300000))
    assert download(bob) == [(b"file", bytes(300000))]
    server.dismiss()
    server.stop()
    again = serve(folder=folder)
    again.log_in(alice)
    again.log_in(bob)


@pytest.mark.plain
@pytest.mark.parametrize("field, error", [("write_error", errno.EROFS), ("write_error", errno.EIO), ("sync_error", errno.EIO),
                                          ("sync_error", errno.ENOSPC)],
                         ids=["read-only", "writes fail", "fsync fails", "fsync finds no room"])
def test_a_failing_disk(serve, folder, field, error):
    """The promise is withheld, never broken; what was promised before is still there."""
    disk = failing_disk()
    server = serve(folder=folder, environment=disk.environment)
    alice, bob, carol = server.sign_up("alice"), server.sign_up("bob"), server.sign_up("carol")
    upload(alice, "before", bob, bytes(100000))
    carol.quit()
    disk[field] = error
    for _ in range(3):
        stranger = server.connect()
        stranger.say(f"PUT {unique('user')} secret")
        stranger.hears_last(LATER)
    upload(alice, "during", bob, bytes(100000), answer=PROBLEM)
    server.await_log(r"error store-failed ")
    server.await_log(r"error file-failed ")
    talks(alice, bob)
    carol = server.log_in(carol)
    disk[field] = 0
    is_well_soon(server)
    upload(alice, "after", bob, bytes(100000))
    assert [name for name, _ in download(bob)] == [b"before", b"after"]
    server.dismiss()
    server.stop()
    again = serve(folder=folder)
    for peer in alice, bob, carol:
        again.log_in(peer)


def test_a_disk_that_turns_read_only(serve, folder):
    """A real one: after an error the kernel writes no more to it, also not to files that are open. It is for good, until it is mounted anew."""
    disk = folder / "disk"
    disk.mkdir()
    with ext4(folder / "image", 32) as device:
        mounted = {"folder": folder, "before": behind(f"mount {device} {disk}"), "settings": {"server.data": disk / "data"}}
        server = serve(**mounted)
        alice, bob, carol = server.sign_up("alice"), server.sign_up("bob"), server.sign_up("carol")
        upload(alice, "before", bob, bytes(100000))
        carol.quit()
        has_an_error(device)
        for _ in range(3):
            stranger = server.connect()
            stranger.say(f"PUT {unique('user')} secret")
            stranger.hears_last(LATER)
        upload(alice, "during", bob, bytes(100000), answer=PROBLEM)
        server.await_log(r"error store-failed ")
        server.await_log(r"error file-failed .*Read-only file system")
        talks(alice, bob)
        server.log_in(carol)
        server.dismiss()
        server.stop()
        repair(device)
        again = serve(**mounted)
        is_well_soon(again)
        people = [again.log_in(peer) for peer in (alice, bob, carol)]
        assert download(people[1]) == [(b"before", bytes(100000))]
        again.dismiss()
        again.stop()


YEAR = 365 * 86400


@pytest.mark.plain
@pytest.mark.parametrize("step", [3600, -3600, 10 * YEAR, -10 * YEAR], ids=["+1 h", "-1 h", "+10 y", "-10 y"])
def test_the_clock_steps(serve, step):
    clock = stepping_clock()
    server = serve({"files.keep_days": 30, "login.timeout": 30, "session.check_interval": 0.5},
                   environment=clock.environment)
    alice, bob = server.sign_up("alice"), server.sign_up("bob")
    stranger = server.connect()
    upload(alice, "file", bob, b"still here")
    clock["step_s"] = step
    for _ in range(2):
        alice.hears("CHECK")
    stranger.sign_up(unique("stranger"))  # its time has not come
    server.is_well()
    server.signal(signal.SIGHUP)  # looks for files that are too old
    server.await_log(r"\breloaded\b")
    if abs(step) > 86400:
        server.await_log(r"\bclock-stepped\b")
    alice.say("CMD <nothing>")
    while alice.next_record() != b"CMD <problem with command> \r\n":
        pass
    alice.socket.close()
    bob.socket.close()
    bob = eventually(lambda: server.log_in(bob))
    bob.say("CMD <get>")
    heard = b""
    while b"<file send complete>" not in heard:
        heard += bob.next_record()
    assert b"still here" in heard


@pytest.mark.parametrize("seconds", [2, pytest.param(soak.seconds(60), marks=pytest.mark.soak(300))])
def test_stopped_and_continued(serve, seconds):
    server = serve({"session.check_interval": 15, "login.timeout": 600})
    alice, bob, stranger = server.sign_up("alice"), server.sign_up("bob"), server.connect()
    server.signal(signal.SIGSTOP)
    alice.message(bob, "are you asleep?")
    visitors = [server.knock() for _ in range(20)]
    time.sleep(seconds)  # it is the length of the sleep that is tried
    server.signal(signal.SIGCONT)
    began = time.monotonic()
    while (heard := bob.next_record()) == b"CHECK \r\n":
        pass
    assert heard == f"RELAY {bob} {alice} are you asleep? \r\n".encode()
    stranger.sign_up(unique("stranger"))
    server.is_well()
    assert time.monotonic() - began < RELIEF_SECONDS
    assert len(visitors) == 20
