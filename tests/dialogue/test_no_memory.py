"""An allocation fails, the k-th, for every k on the way of each thing that people do: nobody crashes, nothing leaks, nothing is half done."""

import os
import shutil
import signal
import subprocess

import pytest

import soak
from ctl import Administrator
from http_client import ask, metrics_address
from server import MESSAGERD, USUAL, arguments
from shared_control import failing_malloc
from transfer import COMPLETE, begin, download
from wire import Ending, Refused, eventually, unique

pytestmark = pytest.mark.plain
EVERY = pytest.mark.soak(1800)
IN_CHECK = 40  # of the places at which an allocation may fail
LEAK_BLOCKS = 80  # and one in twelve failures, since OpenSSL leaves some behind when it fails in the middle of a certificate; what may come and go by itself: an older certificate's context, a table that has grown


class House:
    """A server with an allocator that can be made to fail, and two people on it who come back when they lose their session."""

    def __init__(self, serve, config=""):
        self.allocator = failing_malloc()
        self.unarmed = 0  # of its calls, those of which none was to fail
        self.server = serve({"server.workers": 1, "metrics.listen": "127.0.0.1:0", "limits.unauthenticated": 0,
                             "session.messages_per_second": 0}, config=config, environment=self.allocator.environment)
        self.alice, self.bob = self.server.sign_up("alice"), self.server.sign_up("bob")

    def is_well(self):
        assert self.server.process.poll() is None, "the server has died"
        self.alice, self.bob = self._back(self.alice), self._back(self.bob)
        self.alice.message(self.bob, "well?")
        heard = self.bob.next_record()
        assert heard == f"RELAY {self.bob} {self.alice} well? \r\n".encode(), heard

    def dismiss_others(self):
        for peer in self.server._peers:
            if peer not in (self.alice, self.bob):
                getattr(peer, "socket", peer).close()
        self.server._peers[:] = [self.alice, self.bob]

    def _back(self, peer):
        """The same user with a session, this one if it has not been lost."""
        try:
            peer.is_settled()
            return peer
        except (AssertionError, OSError, ValueError):
            peer.socket.close()
            return eventually(lambda: self.server.log_in(peer))


def answer(peer, query):
    """What the server says to that; an Ending if it has gone."""
    try:
        peer.say(query)
        return peer.next_record()
    except (OSError, AssertionError):
        return Ending.RESET


def newcomer(server):
    try:
        return server.connect()
    except (Refused, OSError, TimeoutError):
        return None


# Each does its thing once with an allocator that may fail in it, and returns a look at what came of it, to be had when memory is there again.

def sign_up(house):
    peer, name = newcomer(house.server), unique("user")
    heard = answer(peer, f"PUT {name} a password") if peer else Ending.RESET

    def look():
        if peer:
            peer.socket.close()
        again = house.server.connect()
        if isinstance(heard, bytes) and heard.startswith(b"ACCEPT"):
            eventually(lambda: house.server.connect().log_in(name, "a password"))
            return
        said = answer(again, f"PUT {name} a password")
        if not said.startswith(b"ACCEPT"):  # it was made, and we were not told: then whole
            assert said == b"TRY <username already taken> \r\n", said
            eventually(lambda: house.server.connect().log_in(name, "a password"))
    return look


def log_in(house):
    name, password = house.bob.name, house.bob.password
    answer(house.bob, house.bob.spelled("END <user command>"))
    house.bob.socket.close()
    peer = newcomer(house.server)
    if peer:
        answer(peer, f"AUTH {name} {password}")
        peer.socket.close()
    return lambda: None  # is_well() has him log in again


def message(house):
    alice, bob = house.alice, house.bob
    text = unique("text") * 40
    try:
        alice.say_records([alice.spelled(f"MSG {bob} {alice} {text}"), alice.spelled(f"MSGG {alice} {text}")])
        alice.is_settled()
        heard = bob.next_record(0.2)
    except (OSError, AssertionError):
        return lambda: None
    assert isinstance(heard, Ending) or heard in (f"RELAY {bob} {alice} {text} \r\n".encode(), b""), heard
    return lambda: None


def upload(house):
    alice, bob, name, data = house.alice, house.bob, unique("file"), b"0123456789abcdef" * 20000
    try:
        begin(alice, name, bob)
        alice.say_raw(data)
        heard = answer(alice, "ENDF")
    except (OSError, AssertionError):
        heard = Ending.RESET

    def look():
        house.is_well()
        got = download(house.bob)
        if heard == f"{COMPLETE} \r\n".encode():
            assert (name.encode(), data) in got, "it is lost"
        assert all(content == data for _, content in got)  # those that were not told, or not taken off, are whole as well
    return look


def fetch(house):
    """A file that waits is fetched: it comes whole, or is still there."""
    alice, bob, name, data = house.alice, house.bob, unique("file"), b"0123456789abcdef" * 20000
    armed, calls = house.allocator["countdown"], house.allocator["calls"]
    house.allocator["countdown"] = 0
    begin(alice, name, bob)
    alice.say_raw(data)
    assert answer(alice, "ENDF") == f"{COMPLETE} \r\n".encode()
    house.unarmed += house.allocator["calls"] - calls
    house.allocator["countdown"] = armed
    try:
        got = download(bob)
    except (OSError, AssertionError, ValueError):
        got = None

    def look():
        house.is_well()
        again = download(house.bob)
        assert (name.encode(), data) in (got or []) + again, "it is lost"
    return look


def reload(house):
    seen = len(house.server.log())
    house.server.signal(signal.SIGHUP)

    def has_ended():
        assert any(" reloaded" in line or " reload-failed " in line for line in house.server.log()[seen:])
    eventually(has_ended, errors=AssertionError)
    return lambda: None


def look_at_metrics(house):
    try:
        status, _, body = ask(metrics_address(house.server), b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        assert status != 200 or body.endswith(b"\n"), body[-100:]
    except (OSError, AssertionError, ValueError):
        pass

    def look():
        assert ask(metrics_address(house.server), b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n")[0] in (200, 503)
    return look


def ask_status(house):
    Administrator(house.server).run("--json", "status")
    return lambda: Administrator(house.server).asks("status")


THINGS = [sign_up, log_in, message, upload, fetch, reload, look_at_metrics, ask_status]


def places(total, wanted):
    """So many of 1..total, evenly; all if wanted is None."""
    if wanted is None or wanted >= total:
        return range(1, total + 1)
    return sorted({1 + number * total // wanted for number in range(wanted)})


@pytest.mark.parametrize("wanted", [IN_CHECK, pytest.param(None, marks=EVERY, id="every")])
@pytest.mark.parametrize("thing", THINGS, ids=lambda thing: thing.__name__)
def test_the_kth_allocation_fails(serve, thing, wanted):
    house = House(serve)
    allocator = house.allocator
    for _ in range(3):  # what is made once is made now
        thing(house)()
        house.is_well()
    before = allocator["calls"] - house.unarmed
    look = thing(house)
    total = allocator["calls"] - house.unarmed - before
    look()
    house.is_well()
    house.dismiss_others()
    live, failed = allocator["live"], 0
    for k in places(total + 10, wanted):
        allocator["countdown"] = k
        look = thing(house)
        failed += allocator["countdown"] == 0
        allocator["countdown"] = 0
        look()
        house.is_well()
        house.dismiss_others()
    print(f"{thing.__name__}: {total} allocations, {failed} failed, {allocator['live'] - live} blocks more than before")
    assert failed >= min(wanted or total, total) // 3

    def has_no_leak():
        assert allocator["live"] - live <= LEAK_BLOCKS + failed // 12, f"{allocator['live'] - live} blocks after {failed} failures"
    eventually(has_no_leak)
    house.server.is_well()


def test_no_memory_for_a_text_to_a_group(serve):
    """Who gets one without the others stays in order; what nobody gets is in the log."""
    house, texts = House(serve), range(5)
    alice, allocator, failed = house.alice, house.allocator, 0

    def member():
        one = house.server.sign_up("member")
        one.say("CMD <group>")
        one.is_settled()
        return one
    members = [member() for _ in range(3)]
    for k in range(1, 10):
        lost = sum(" messages-lost " in line for line in house.server.log())
        allocator["countdown"] = k
        alice.say_records([alice.spelled(f"MSGG {alice} {number}") for number in texts])
        alice.is_settled()
        failed += allocator["countdown"] == 0
        allocator["countdown"] = 0
        alice.group_message("that was all")
        for at, one in enumerate(members):
            heard = []
            while isinstance(record := one.next_record(), bytes) and not record.startswith(b"RELAYG %b that" % alice.name.encode()):
                heard.append(int(record.split(b" ")[2]))
            assert record is not Ending.SILENCE
            if isinstance(record, Ending):
                members[at] = member()
            elif heard != list(texts):
                assert heard == sorted(set(heard)) and len(heard) == len(texts) - 1, f"allocation {k}: {heard}"
                eventually(lambda: sum(" messages-lost " in line for line in house.server.log()) == lost + 1 or pytest.fail(f"allocation {k}: {heard}"),
                           errors=pytest.fail.Exception)
    assert failed >= 3
    house.server.is_well()


def start_with(folder, k):
    """Start a server whose k-th allocation fails; whether it was ready, its status, what it said. Without its sandbox and a look for its user's name:
    libseccomp and glibc's name service themselves can't do without memory."""
    allocator = failing_malloc()
    allocator["countdown"] = k
    process = subprocess.Popen(
        [MESSAGERD, "--config", "/dev/null", *arguments({**USUAL, "server.data": folder / "data", "server.workers": 1, "server.sandbox": "off",
                                                      "server.user": os.geteuid()})],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace",
        env=allocator.environment)
    said, is_ready = [], False
    for line in process.stderr:
        said.append(line)
        if " ready " in line:
            is_ready = True
            process.send_signal(signal.SIGTERM)
    process.wait()
    return is_ready, process.returncode, said, allocator


@pytest.mark.parametrize("wanted", [30, pytest.param(None, marks=pytest.mark.soak(3600), id="every")])
@pytest.mark.parametrize("is_first", [True, False], ids=["the first", "another"])
def test_the_kth_allocation_of_a_start_fails(folder, is_first, wanted):
    """The first makes a certificate and a database, of which those after a refused one find a part."""
    is_instrumented = b"__gcov_" in MESSAGERD.read_bytes()
    is_ready, status, said, allocator = start_with(folder, 0)
    assert (is_ready, status) == (True, 0), said
    if not is_first:
        _, _, _, allocator = start_with(folder, 0)
    total, failed_starts, failures = allocator["calls"], 0, 0
    for k in places(total, wanted):
        if is_first:
            shutil.rmtree(folder / "data", ignore_errors=True)
        is_ready, status, said, allocator = start_with(folder, k)
        failures += allocator["failures"]
        has_stopped = is_ready and " stopped" in said[-1]
        if is_instrumented and has_stopped:
            continue  # gcov, which writes down its counts then, can't do without memory itself
        assert status in ((0,) if is_ready else (1, 2)), f"allocation {k} of {total}: status {status}\n{''.join(said)}"
        assert is_ready or said, f"allocation {k} of {total}: it did not say why it did not start"
        failed_starts += not is_ready
    print(f"{total} allocations, {failures} failed; {failed_starts} starts refused")
    assert failures >= len(places(total, wanted)) * 0.9  # what is allocated differs a little from start to start
