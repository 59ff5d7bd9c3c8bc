"""Crowds that misbehave: memory comes back to where it was, and who talks meanwhile is served as fast as without them (within twice).

The small variants are for `make check`; `make soak` has the crowds at their full size."""

import resource
import selectors
import socket
import time

import pytest

import soak
from crowd import gather
from http_client import figures
from latency import Meter
from wire import eventually, reset, tcp_connect

MIB = 1 << 20
# A quiet message takes less than a millisecond: what the machine itself is late is no fault. `make check` does other things meanwhile.
QUIET_SECONDS, SLACK_SECONDS, BUSY_SLACK_SECONDS = 3, 0.020, 0.200
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


class Weather:
    """Quiet first, then the storm, twice: the second must leave no more memory than the first."""

    def __init__(self, server, is_full):
        self.server = server
        self.slack = SLACK_SECONDS if is_full else BUSY_SLACK_SECONDS
        self.meter = Meter(server)
        self.quiet = self.meter.over(QUIET_SECONDS)
        self.stormy = []

    def measure(self, seconds=None, until=None):
        self.stormy.append(self.meter.over(seconds, until))

    def is_over(self, first, second):
        self.meter.stop()
        worst = max(self.stormy)
        print(f"p99 quiet {self.quiet * 1000:.2f} ms, stormy {worst * 1000:.2f} ms; "
              f"memory after one storm {first / MIB:.1f} MiB, after the next {second / MIB:.1f} MiB")
        if self.server.is_sanitized():
            return
        assert second <= first * 1.05 + MIB, "memory does not come back"
        assert worst <= 2 * self.quiet + self.slack, "the others notice it"


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
def test_a_byte_a_second(serve, count):
    server = serve(SETTINGS)
    weather, left = Weather(server, count > 300), []
    for _ in range(2):
        crowd = [tcp_connect(server.address) for _ in range(count)]
        weather.measure(until=lambda: drip(crowd, 3 if count < 1000 else 20))
        for sock in crowd:
            sock.close()
        all_gone(server, 1)
        left.append(server.memory())
    weather.is_over(*left)
    server.is_well()


@sizes(60, 500)
def test_those_who_sit_in_log_in(serve, count):
    server = serve(SETTINGS)
    weather, left = Weather(server, count > 60), []
    for _ in range(2):
        crowd = [server.connect() for _ in range(count)]
        weather.measure(2 if count < 100 else 20)
        for peer in crowd:
            peer.socket.close()
        server._peers.clear()
        all_gone(server, 1)
        left.append(server.memory())
    weather.is_over(*left)
    server.is_well()


@sizes(30, 1000)
def test_receivers_that_stop_reading_while_a_group_talks(serve, count):
    server = serve({**SETTINGS, "session.output_limit": "256KiB"})
    weather, left = Weather(server, count > 30), []
    for _ in range(3 if count > 30 else 2):  # a thousand texts of 2 KiB that come and go: the first time finds the heap's own level
        speaker, *deaf = gather(server, count + 1, rcvbuf=4096)
        for peer in deaf:
            peer.say("CMD <group>")
            peer.is_settled()
            peer.deaf = True
        seen = figures(server)['messagerd_connections_ended_total{reason="too slow"}']

        def talk():
            began, dropped = time.monotonic(), 0
            while dropped < count or time.monotonic() - began < 2:
                for _ in range(20):
                    speaker.say(f"MSGG {speaker} {'x' * 2000}")
                    speaker.is_settled()
                dropped = figures(server)['messagerd_connections_ended_total{reason="too slow"}'] - seen
        weather.measure(until=talk)
        speaker.quit()
        for peer in deaf:
            peer.die()
        server._peers.clear()
        all_gone(server, 1)
        assert figures(server)['messagerd_connections_ended_total{reason="too slow"}'] == seen + count
        left.append(server.memory())
    weather.is_over(*left[-2:])
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


@sizes(3000, 100000)
def test_connect_and_reset(serve, count):
    server = serve(SETTINGS)
    weather, left = Weather(server, count > 3000), []
    connect_and_reset(server.address, 500)
    for _ in range(2):
        weather.measure(until=lambda: (connect_and_reset(server.address, count), time.sleep(0.5)))
        all_gone(server, 1)
        left.append(server.memory())
    weather.is_over(*left)
    server.is_well()
    assert len(server.log()) < 400, "one line each is too much"
