"""Crowds that misbehave: memory comes back to where it was, and who talks meanwhile is served as fast as without them (within twice).

The small variants are for `make check`; `make soak` has the crowds at their full size."""

import os
import resource
import selectors
import socket
import statistics
import subprocess
import threading
import time

import pytest

import soak
from crowd import gather
from http_client import figures
from latency import Meter
from wire import eventually, reset, tcp_connect

pytestmark = pytest.mark.plain

MIB = 1 << 20
ROUNDS, FULL_ROUNDS = 2, 5
QUIET_SECONDS, FULL_QUIET_SECONDS = 1, 3  # before each storm
# A quiet message takes a fifth of a millisecond: what the machine itself is late is no fault. `make check` does other things meanwhile.
SLACK_SECONDS, BUSY_SLACK_SECONDS = 0.0005, 0.200
STORM_NICENESS = 10
SETTINGS = {"metrics.listen": "127.0.0.1:0", "session.messages_per_second": 0, "limits.unauthenticated": 0,
            "login.handshake_timeout": 600, "login.timeout": 600}


def sizes(small, full):
    return pytest.mark.parametrize("count", [small, pytest.param(soak.rounds(full), marks=pytest.mark.soak(1800), id="full")])


@pytest.fixture(autouse=True)
def _enough_files():
    had = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(had[1], 50000), had[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, had)


def first_of_all(is_full):
    """At full size the server has real-time priority, as the meter has, where it may: what is measured is not how other programs get on with it."""
    chrt = ["chrt", "--fifo", "5"]
    may = is_full and subprocess.run([*chrt, "true"], capture_output=True).returncode == 0
    return chrt if may else ()


class Weather:
    """In each round it is quiet first, then there is a storm; the last storm must leave no more memory than the one before."""

    def __init__(self, server, folder, is_full):
        self.server = server
        self.rounds = range(FULL_ROUNDS if is_full else ROUNDS)
        self.quiet_seconds = FULL_QUIET_SECONDS if is_full else QUIET_SECONDS
        self.slack = SLACK_SECONDS if is_full else BUSY_SLACK_SECONDS
        self.meter = Meter(server, folder)
        self.quiet, self.stormy, self.left = [], [], []

    def is_quiet(self):
        self.quiet.append(self.meter.over(lambda: time.sleep(self.quiet_seconds)))

    def is_stormy(self, storm):
        self.stormy.append(self.meter.over(lambda: gives_way(storm)))

    def has_passed(self):
        all_gone(self.server, 1)
        self.left.append(self.server.memory())

    def is_over(self):
        self.meter.stop()
        for name, percentile in (("p50", 0), ("p99", 1)):
            print(f"{name} quiet / stormy, in ms:",
                  *(f"{quiet[percentile] * 1000:.2f}/{stormy[percentile] * 1000:.2f}" for quiet, stormy in zip(self.quiet, self.stormy)))
        quiet, stormy = (statistics.median(p99 for _, p99 in all) for all in (self.quiet, self.stormy))
        before, last = self.left[-2:]
        print(f"median p99 quiet {quiet * 1000:.2f} ms, stormy {stormy * 1000:.2f} ms; memory after each storm:",
              *(f"{left / MIB:.1f}" for left in self.left), "MiB")
        if self.server.is_sanitized():
            return
        assert last <= before * 1.05 + MIB, "memory does not come back"
        assert stormy <= 2 * quiet + self.slack, "the others notice it"


def gives_way(storm):
    """Run it with less right to a core than server and meter have: who storms has a machine of his own, not theirs."""
    failed = []

    def run():
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), STORM_NICENESS)
        try:
            storm()
        except BaseException as error:
            failed.append(error)
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]


def all_gone(server, online):
    """Everybody but those has gone, and what they left has been cleared away."""
    def is_so():
        now = figures(server)
        assert now["messagerd_users_online"] == online
        assert sum(now[f'messagerd_connections{{state="{state}"}}'] for state in ("handshake", "login", "session", "closing")) == online
        assert now["messagerd_output_queue_bytes"] == 0
    eventually(is_so, errors=AssertionError, seconds=60)


def drip(sockets, seconds):
    """A byte a second from each."""
    hello = b"\x16\x03\x01\x02\x00" + bytes(500)
    end = time.monotonic() + seconds
    for byte in hello:
        began = time.monotonic()
        for sock in sockets:
            try:
                sock.send(bytes([byte]))
            except OSError:
                pass
        left = min(1 - (time.monotonic() - began), end - time.monotonic())
        if left <= 0 and time.monotonic() >= end:
            return
        time.sleep(max(0, left))  # a byte a second is what they do


@sizes(300, 5000)
def test_a_byte_a_second(serve, folder, count):
    server = serve(SETTINGS, before=first_of_all(count > 300))
    weather = Weather(server, folder, count > 300)
    for _ in weather.rounds:
        weather.is_quiet()
        crowd = [tcp_connect(server.address) for _ in range(count)]
        weather.is_stormy(lambda: drip(crowd, 3 if count < 1000 else 10))
        for sock in crowd:
            sock.close()
        weather.has_passed()
    weather.is_over()
    server.is_well()


@sizes(60, 500)
def test_those_who_sit_in_log_in(serve, folder, count):
    server = serve(SETTINGS, before=first_of_all(count > 60))
    weather = Weather(server, folder, count > 60)
    for _ in weather.rounds:
        weather.is_quiet()
        crowd = [server.connect() for _ in range(count)]
        weather.is_stormy(lambda: time.sleep(2 if count < 100 else 10))  # that is all they do
        for peer in crowd:
            peer.socket.close()
        server._peers.clear()
        weather.has_passed()
    weather.is_over()
    server.is_well()


@sizes(30, 1000)
def test_receivers_that_stop_reading_while_a_group_talks(serve, folder, count):
    server = serve({**SETTINGS, "session.output_limit": "256KiB"}, before=first_of_all(count > 30))
    weather = Weather(server, folder, count > 30)
    reason = 'messagerd_connections_ended_total{reason="too slow"}'
    for _ in weather.rounds:
        weather.is_quiet()
        speaker, *deaf = gather(server, count + 1, rcvbuf=4096)
        for peer in deaf:
            peer.say("CMD <group>")
            peer.is_settled()
            peer.deaf = True
        seen = figures(server)[reason]

        def talk():
            began, dropped = time.monotonic(), 0
            while dropped < count or time.monotonic() - began < 2:
                for _ in range(20):
                    speaker.say(f"MSGG {speaker} {'x' * 2000}")
                    speaker.is_settled()
                dropped = figures(server)[reason] - seen
        weather.is_stormy(talk)
        speaker.quit()
        for peer in deaf:
            peer.die()
        server._peers.clear()
        weather.has_passed()
        assert figures(server)[reason] == seen + count
    weather.is_over()
    server.is_well()


def connect_and_reset(address, count, at_once=100):
    """So many connections, each reset as soon as it is there."""
    selector, begun, ended = selectors.DefaultSelector(), 0, 0
    while ended < count:
        while begun < count and begun - ended < at_once:
            sock = socket.socket()
            sock.setblocking(False)
            sock.connect_ex(address)
            selector.register(sock, selectors.EVENT_WRITE)
            begun += 1
        for key, _ in selector.select(10):
            selector.unregister(key.fileobj)
            if ended % 2:
                try:
                    key.fileobj.send(b"\x16\x03\x01\x02\x00\x01")
                except OSError:
                    pass
            reset(key.fileobj)
            ended += 1


@sizes(3000, 20000)
def test_connect_and_reset(serve, folder, count):
    server = serve(SETTINGS, before=first_of_all(count > 3000))
    weather = Weather(server, folder, count > 3000)
    connect_and_reset(server.address, 500)
    for _ in weather.rounds:
        weather.is_quiet()
        weather.is_stormy(lambda: (connect_and_reset(server.address, count), time.sleep(0.5)))  # the last are still being heard
        weather.has_passed()
    weather.is_over()
    server.is_well()
    assert len(server.log()) < 400, "one line each is too much"
