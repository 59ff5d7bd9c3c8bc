"""Kill -9 at random, again and again on one data folder: whatever was promised before is kept after.

The server is that of build/: what a kill leaves behind is on the disk, where no sanitizer looks, and a round has to be short.
"""

import random
import threading
import time

import pytest

import server as servers
import soak
from transfer import begin, hears_files, pieces
from wire import PATIENCE, Refused

START_SECONDS = 2
PEOPLE = 3            # who sign up and send files at the same time
MOST = 9              # promises of a round after which the kill comes at the latest
LATE = 0.01           # seconds after the last of them
SIZES = (0, 1, 5000, 200_000)
FAST = {"files.upload_seconds": 0, "session.messages_per_second": 0, "server.workers": 2}


class Promises:
    """What was said to whom, over all rounds."""

    def __init__(self):
        self.changed = threading.Condition()
        self.count = 0
        self.accounts = []   # accepted
        self.begun = {}      # account: {file: its bytes}, of uploads that may or may not have come to their end
        self.complete = {}   # account: {file: bytes} that were answered with <upload complete> and not fetched yet

    def accepted(self, name):
        self.begun[name], self.complete[name] = {}, {}
        self.accounts.append(name)
        self._made()

    def completed(self, name, file, data):
        self.complete[name][file] = data
        self._made()

    def _made(self):
        with self.changed:
            self.count += 1
            self.changed.notify()

    def await_more(self, before, more):
        with self.changed:
            self.changed.wait_for(lambda: self.count >= before + more, PATIENCE)


def act(server, promises, name, seed):
    """Sign up, send files to oneself, until the server is gone."""
    chance = random.Random(seed)
    try:
        one = server.connect().sign_up(name, "pw")
        promises.accepted(name)
        for n in range(100):
            file, data = f"{name}-{n}".encode(), chance.randbytes(chance.choice(SIZES))
            promises.begun[name][file] = data
            begin(one, file.decode(), name)
            one.say_records(pieces(data))
            one.say("ENDF")
            one.hears("CMD <upload complete>")
            promises.completed(name, file, data)
    except (AssertionError, OSError, Refused):
        pass  # killed; a server that refuses instead is seen by the count of promises


def keeps(server, promises, names):
    """Demand that these accounts log in and get what was promised to them, whole, and nothing that was not sent."""
    for name in names:
        one = server.connect().log_in(name, "pw")
        one.say("CMD <get>")
        got = dict(hears_files(one))
        for file, data in promises.complete[name].items():
            assert got.get(file) == data, f"{file} was complete, and is {'other' if file in got else 'gone'}"
        for file, data in got.items():
            assert promises.begun[name].get(file) == data, f"{file} is not what was sent"
        promises.complete[name] = {}  # fetched: it may come once more, or not
        one.hang_up()


@pytest.mark.parametrize("seed, rounds", [("one", 100), ("two", 100), ("three", 100),
                                          pytest.param("soak", soak.rounds(10000), marks=pytest.mark.soak(4 * 3600))])
def test_nothing_promised_is_lost(serve, folder, monkeypatch, seed, rounds):
    monkeypatch.setattr(servers, "MESSAGERD", servers.REPOSITORY / "build/messagerd")
    promises, chance = Promises(), random.Random(seed)
    seen, slowest = 0, 0.0
    for turn in range(rounds + 1):
        started = time.monotonic()
        server = serve(FAST, folder=folder)
        slowest = max(slowest, time.monotonic() - started)
        newest = promises.accounts[seen:]
        keeps(server, promises, newest + chance.sample(promises.accounts[:seen], min(2, seen)))
        seen = len(promises.accounts)
        if turn == rounds:
            break
        people = [threading.Thread(target=act, args=(server, promises, f"p{turn}_{n}", f"{seed} {turn} {n}")) for n in range(PEOPLE)]
        before = promises.count
        for one in people:
            one.start()
        promises.await_more(before, chance.randint(0, MOST))
        time.sleep(chance.uniform(0, LATE))  # the moment of the kill is what is at random here
        server.kill()
        for one in people:
            one.join(PATIENCE)
        server.dismiss()
    files = promises.count - len(promises.accounts)
    print(f"{rounds} kills, {len(promises.accounts)} accounts accepted, {files} files complete, slowest start {slowest:.2f} s")
    assert len(promises.accounts) > rounds and files > rounds, "the kills came too early to say anything"
    assert slowest < START_SECONDS * PATIENCE / 20
