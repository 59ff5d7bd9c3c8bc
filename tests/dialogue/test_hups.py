"""HUP again and again, with settings and certificates of all kinds, while people talk: nobody is dropped, what is bad changes nothing."""

import itertools
import os
import re
import signal
import threading

import pytest

import soak
from crowd import gather
from mounts import behind, may_mount
from wire import PATIENCE, eventually

GOOD = "[login]\nmax_tries = {}\n[session]\ncheck_interval = 0\n"


def good(path, turn):
    path.write_text(GOOD.format(10 + turn))


def bad(path, turn):
    path.write_text(f"[login]\nmax_tries = {1000 + turn}\nregistration = perhaps\n")


def missing(path, turn):
    path.unlink(missing_ok=True)


def unreadable(path, turn):
    path.mkdir()  # root could read any file


def not_text(path, turn):
    path.write_bytes(b"\0\xff" * (turn % 7 + 1))


# What becomes of the file, and what the log has to say.
KINDS = [(good, r"info reloaded"), (bad, r"error reload-failed .*messagerd.conf:3.*registration"),
         (missing, r"error reload-failed .*messagerd.conf.*No such file"),
         (unreadable, r"error reload-failed .*messagerd.conf.*Is a directory"), (not_text, r"error reload-failed .*messagerd.conf")]


def clear(path):
    if path.is_dir():
        path.rmdir()
    path.unlink(missing_ok=True)


class Talk:
    """Two who write to each other until they are told to stop."""

    def __init__(self, server):
        self.one, self.other = server.sign_up("one"), server.sign_up("other")
        self.stopping = threading.Event()
        self.count = 0
        self.failure = None
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        try:
            while not self.stopping.is_set():
                self.one.message(self.other, f"hello {self.count}")
                self.other.hears(f"RELAY {self.other} {self.one} hello {self.count}")
                self.count += 1
        except BaseException as failure:
            self.failure = failure

    def is_well(self):
        self.stopping.set()
        self.thread.join(PATIENCE)
        assert self.failure is None, self.failure
        assert self.count > 0


def max_tries_is(server, tries):
    """The setting that is in force, seen by whom it concerns."""
    peer = server.connect()
    for _ in range(tries - 1):
        peer.say("PUT admin secret")
        peer.hears("TRY <username reserved>")
    peer.say("PUT admin secret")
    peer.hears_last("END <too many trials>")


@pytest.mark.threads
@pytest.mark.parametrize("rounds", [200, pytest.param(soak.rounds(1000), marks=pytest.mark.soak(1200))])
def test_hup_under_load(serve, rounds):
    server = serve({"session.messages_per_second": 0}, config=GOOD.format(3))
    talks = [Talk(server) for _ in range(3)]
    seen = 0
    in_force = 3
    for turn, (change, says) in zip(range(rounds), itertools.cycle(KINDS)):
        clear(server.config)
        change(server.config, turn % 10)
        server.signal(signal.SIGHUP)
        lines = []

        def answered():
            lines[:] = [line for line in server.log()[seen:] if re.search(r"\breload(ed|-failed)\b", line)]
            assert len(lines) == 1
        eventually(answered, seconds=PATIENCE)
        assert re.search(says, lines[0]), lines[0]
        seen = len(server.log())
        if change is good:
            in_force = 10 + turn % 10
        if turn % 20 == 4:
            max_tries_is(server, in_force)
    for talk in talks:
        talk.is_well()
    max_tries_is(server, in_force)


def in_etc(folder):
    """A server's command, for which this folder is /etc/messagerd."""
    may_mount()
    return behind(f"mount -t tmpfs tmpfs /etc\nmkdir /etc/messagerd\nmount --bind {folder} /etc/messagerd")


def reload_says(server, pattern):
    seen = len(server.log())
    server.signal(signal.SIGHUP)
    eventually(lambda: next(line for line in server.log()[seen:] if re.search(pattern, line)), errors=StopIteration)


def test_the_default_file_goes_and_comes(serve, folder):
    """What it was started with is still in force while the file is away: the defaults are no answer to a lost one."""
    server = serve(folder=folder, config=GOOD.format(3), before=in_etc(folder), is_default=True)
    talk = Talk(server)
    max_tries_is(server, 3)
    server.config.unlink()
    reload_says(server, r"error reload-failed .*/etc/messagerd/messagerd\.conf.*No such file")
    max_tries_is(server, 3)
    server.config.write_text(GOOD.format(4))
    reload_says(server, r"info reloaded\b")
    max_tries_is(server, 4)
    talk.is_well()


@pytest.mark.threads
@pytest.mark.parametrize("crowd", [400, pytest.param(5000, marks=pytest.mark.soak(1200))])
def test_a_new_certificate_under_a_crowd(serve, folder, make_certificate, crowd):
    """All stay on; who comes within a second of the word that it was read sees the new one."""
    pem = make_certificate(folder / "server.pem")
    server = serve({"tls.certificate": pem, "limits.unauthenticated": 0})
    people = gather(server, crowd)
    talk = Talk(server)
    before = server.connect().tls.getpeercert(binary_form=True)
    os.replace(make_certificate(folder / "next.pem"), pem)
    server.signal(signal.SIGHUP)
    server.await_log(r"\breloaded\b")

    def shows_another():
        assert server.connect().tls.getpeercert(binary_form=True) != before
    eventually(shows_another, seconds=1)
    talk.is_well()
    for one in people:
        one.is_settled()
