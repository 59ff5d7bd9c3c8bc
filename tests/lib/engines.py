"""PostgreSQL and nats-server of a test's own, on loopback, as real programs that can be killed, stopped and started again."""

import glob
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from wire import eventually

POSTGRES = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
NATS = shutil.which("nats-server") or shutil.which("nats-server", path="/usr/sbin")
SOMEBODY = "nobody"  # PostgreSQL refuses to be root


def are_here():
    return bool(POSTGRES and NATS)


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class Engine:
    """A program that serves at a port of its own."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.port = free_port()
        self.host = "127.0.0.1"
        self.process = None

    def start(self):
        self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, user=self.user, cwd="/", start_new_session=True)
        eventually(self.answers, seconds=30)

    def answers(self):
        socket.create_connection((self.host, self.port), 2).close()

    def stop(self):
        if self.process:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(self.stop_signal)
            self.process.wait(30)
            self.process = None

    def freeze(self):
        os.killpg(self.process.pid, signal.SIGSTOP)

    def thaw(self):
        os.killpg(self.process.pid, signal.SIGCONT)


class Postgres(Engine):
    stop_signal = signal.SIGINT  # at once, with its sessions
    user = SOMEBODY if os.getuid() == 0 else None
    bin = Path(POSTGRES[-1]) if POSTGRES else None
    _template = None

    def __init__(self, folder):
        super().__init__(folder)
        self.data = self.folder / "postgres"
        if self.user:
            os.chmod(self.folder, 0o711)
        subprocess.run(["cp", "-a", self.template(), self.data], check=True)
        self.url = f"postgres://messager@127.0.0.1:{self.port}/postgres"

    @classmethod
    def template(cls):
        """An empty database's data folder, made once, since it takes seconds."""
        if cls._template is None:
            cls._template = tempfile.TemporaryDirectory(prefix="postgres-")
            data = Path(cls._template.name) / "data"
            data.mkdir()
            if cls.user:
                os.chmod(cls._template.name, 0o711)
                shutil.chown(data, cls.user)
            cls.run("initdb", "-D", data, "--no-sync", "-A", "trust", "-U", "messager")
        return Path(cls._template.name) / "data"

    @classmethod
    def run(cls, program, *words):
        return subprocess.run([cls.bin / program, *map(str, words)], check=True, capture_output=True, text=True,
                              user=cls.user, cwd="/").stdout

    def command(self):
        # Connections of a crowd of tests; nothing has to survive a power cut.
        return [self.bin / "postgres", "-D", self.data, "-p", str(self.port), "-k", self.data, "-c", "fsync=off",
                "-c", "listen_addresses=127.0.0.1", "-c", "shared_buffers=32MB"]

    def answers(self):
        self.run("pg_isready", "-h", "127.0.0.1", "-p", self.port, "-t", 1)

    def start(self):
        self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, user=self.user, cwd="/", start_new_session=True)
        eventually(self.answers, errors=(subprocess.CalledProcessError,), seconds=60)

    def asks(self, sql):
        """The rows of a query, as lines."""
        return self.run("psql", "-h", "127.0.0.1", "-p", self.port, "-U", "messager", "-Atqc", sql, "postgres").splitlines()


class Nats(Engine):
    stop_signal = signal.SIGKILL
    user = None

    def __init__(self, folder, *options):
        super().__init__(folder)
        self.options = options
        self.url = f"nats://127.0.0.1:{self.port}"

    def command(self):
        return [NATS, "-a", self.host, "-p", str(self.port), *self.options]


def wait_until(holds, seconds=30):
    """Wait for a state that no event announces."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not so within {seconds} s"
        time.sleep(0.05)
