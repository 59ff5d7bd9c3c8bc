"""The load generator: what it reports of servers that deliver, and that it stops at every way not to."""
import asyncio
import json
import os
import re
import ssl
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))

from server import MESSAGERD, Server  # noqa: E402

LOAD, FLOOR = (MESSAGERD.parent / "bench" / name for name in ("load", "floor"))
SECONDS = 60
# A program of one run leaves its memory to the system.
ENVIRONMENT = {**os.environ, "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"}

pytestmark = pytest.mark.skipif(not LOAD.exists(), reason="built without -Dbench=true")


def load(mode, dialect, port, pid, *arguments):
    return subprocess.run([LOAD, "--mode", mode, "--dialect", dialect, "--port", str(port), "--pid", str(pid), "--seconds", "0.1",
                           "--warm-up", "0", *map(str, arguments)],
                          capture_output=True, text=True, env=ENVIRONMENT, timeout=SECONDS, stdin=subprocess.DEVNULL)


def figures(done):
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def certificate():
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        key, certificate, both = (Path(folder) / name for name in ("key", "certificate", "both"))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                        "/CN=bench", "-days", "2", "-keyout", key, "-out", certificate], check=True, capture_output=True)
        both.write_text(key.read_text() + certificate.read_text())
        yield both


@pytest.fixture
def floor(certificate):
    """floor("--echo") starts one; its port and process."""
    started = []

    def start(*arguments):
        process = subprocess.Popen([FLOOR, "--certificate", certificate, *arguments], stdout=subprocess.PIPE, text=True,
                                   stdin=subprocess.DEVNULL, env=ENVIRONMENT)
        started.append(process)
        return int(re.match(r"listening 127\.0\.0\.1:(\d+)", process.stdout.readline())[1]), process.pid
    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.fixture
def messagerd():
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        server = Server(folder, {"session.messages_per_second": 0})
        yield int(server.address[1]), server.process.pid
        server.finish()


MODES = {
    "relay": ("relay", "--pairs", 3, "--window", 4),
    "relay at a rate": ("relay", "--pairs", 3, "--rate", 1000),
    "long texts": ("relay", "--bytes", 3072),
    "group": ("fanout", "--members", 5, "--window", 2),
    "group at a rate": ("fanout", "--members", 5, "--rate", 100),
    "log-in": ("login", "--at-once", 3),
    "log-in with tickets": ("login", "--at-once", 3, "--resume"),
    "sign-up": ("signup", "--count", 20, "--at-once", 10),
}


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES.keys())
def test_reports_what_messagerd_does(messagerd, mode):
    found = figures(load(mode[0], "ours", *messagerd, *mode[1:]))
    assert found["done"] > 0 and found["server_cpu_us"] > 0
    assert 0 < found["p50_us"] <= found["p99_us"] <= found["p999_us"]
    if "--resume" in mode:
        assert found["resumed"] == found["done"]


@pytest.mark.parametrize("mode", ("upload", "download"))
def test_reports_what_files_cost(messagerd, mode):
    found = figures(load(mode, "ours", *messagerd, "--count", 3, "--mib", 1))
    assert found["done"] == 3 and found["per_second"] > 0 and found["server_cpu_us"] > 0


def test_reports_memory(messagerd):
    assert 1_000 < figures(load("idle", "ours", *messagerd, "--count", 200))["memory_bytes"] < 1_000_000


FLOORS = {"relay": ("relay",), "merging": ("relay", "--merge"), "broadcast": ("fanout", "--broadcast"), "echo": ("login", "--echo")}


@pytest.mark.parametrize("mode", FLOORS.values(), ids=FLOORS.keys())
def test_the_floor_delivers(floor, mode):
    found = figures(load(mode[0], "floor", *floor(*mode[1:]), "--pairs", 5, "--window", 8, "--members", 9))
    assert found["done"] > 0 and found["server_cpu_us"] > 0


def test_two_floors_share_the_pairs(floor):
    ports, pids = zip(floor(), floor())
    found = figures(load("relay", "floor", ",".join(map(str, ports)), ",".join(map(str, pids)), "--by-pair", "--pairs", 5, "--window", 8))
    assert found["done"] > 0 and found["server_cpu_us"] > 0


def test_a_text_for_somebody_else_ends_the_run(floor):
    done = load("relay", "floor", *floor("--echo"))
    assert done.returncode == 1 and "user 0 was told what was for user 1" in done.stderr and done.stdout == ""


class FaultyServer:
    """Relays in the floor's dialect, but does something to the 20th text."""

    def __init__(self, certificate, fault):
        self.fault, self.writers, self.texts, self.held = fault, {}, 0, b""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()
        self.server = self.call(asyncio.start_server(self.serve, "127.0.0.1", 0, ssl=context))
        self.port = self.server.sockets[0].getsockname()[1]

    def call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(SECONDS)

    async def serve(self, reader, writer):
        number = int(await reader.readline())
        self.writers[number] = writer
        writer.write(b"%d\n" % number)
        try:
            while text := await reader.readline():
                self.texts += 1
                if self.texts == 20:
                    text = FAULTS[self.fault][0](self, text)
                else:
                    text, self.held = text + self.held, b""
                self.writers[number ^ 1].write(text)
        except (ConnectionError, ssl.SSLError):
            pass

    def hold(self, text):
        self.held = text
        return b""

    def stop(self):
        async def end():
            self.server.close()
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
        self.call(end())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()


FAULTS = {
    "swapped": (FaultyServer.hold, "user 1 got message 20 in place of 19"),
    "doubled": (lambda server, text: text + text, "user 1 got message 19 in place of 20"),
    "changed": (lambda server, text: text.replace(b"xxxx", b"xxyx", 1), "user 1 was told something else than was said"),
    "shortened": (lambda server, text: text[:-2] + b"\n", "user 1 was told something else than was said"),
    "lost": (lambda server, text: b"", "user 1 got message 20 in place of 19"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_ends_the_run(certificate, fault):
    server = FaultyServer(certificate, fault)
    try:
        done = load("relay", "floor", server.port, os.getpid(), "--window", 4, "--seconds", 5)
    finally:
        server.stop()
    assert (done.returncode, done.stdout) == (1, "") and FAULTS[fault][1] in done.stderr


def test_the_last_texts_are_awaited(certificate):
    """The window is never refilled, so nothing but the wait at the end can find out."""
    server = FaultyServer(certificate, "lost")
    server.texts = 19
    try:
        done = load("relay", "floor", server.port, os.getpid(), "--window", 1)
    finally:
        server.stop()
    assert done.returncode == 1 and "1 messages were lost" in done.stderr


def test_a_server_that_goes_away_ends_the_run(certificate, floor):
    port, pid = floor()
    run = subprocess.Popen([LOAD, "--mode", "relay", "--dialect", "floor", "--port", str(port), "--pid", str(pid), "--seconds", "30"],
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)
    with run:
        os.kill(pid, 15)
        out, err = run.communicate(timeout=SECONDS)
    assert run.returncode == 1 and out == "" and err != ""
