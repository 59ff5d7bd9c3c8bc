"""Starts a real messagerd for a test, reads its log, and demands a clean end.

The program is the one that MESSAGERD names (a path, relative to the repository's root), by default build/messagerd.
"""

import json
import os
import re
import signal
import subprocess
import threading
import time
from pathlib import Path

from wire import PACE, PATIENCE, Peer, tcp_connect, unique

REPOSITORY = Path(__file__).resolve().parents[2]
MESSAGERD = REPOSITORY / os.environ.get("MESSAGERD", "build/messagerd")
REPORTS = ("AddressSanitizer", "LeakSanitizer", "ThreadSanitizer", "runtime error:")
STOP_SECONDS = 5 * PACE  # TERM ends it within that

# What most tests want: a port of the kernel's choice, cheap hashes, no CHECK between other answers, and many refused
# log-ins from one address, since all tests come from 127.0.0.1.
USUAL = {
    "server.listen": "127.0.0.1:0",
    "login.password_memory": "8KiB",
    "login.password_passes": 1,
    "session.check_interval": 0,
    "limits.failed_logins_per_address_per_minute": 0,
}

# Who makes TLS 1.3's records in every test that does not say so itself: own, libssl, or the default.
RECORDS = {"tls.records": os.environ["RECORDS"]} if "RECORDS" in os.environ else {}
LEVEL = {"log.level": os.environ["LOG_LEVEL"]} if "LOG_LEVEL" in os.environ else {}  # the same for what is logged
SECRET_LEN = 10  # shorter words may be the log's own


def arguments(settings):
    return [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]


def is_sanitized(pid):
    """Whether the process runs with something that has a memory and a pace of its own."""
    maps = Path(f"/proc/{pid}/maps").read_text()
    return any(word in maps for word in ("libasan", "libtsan", "valgrind"))


def run_messagerd(*words, seconds=PATIENCE):
    """Run messagerd to its end, for command lines that do not serve; a CompletedProcess with text output."""
    return subprocess.run([MESSAGERD, *map(str, words)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          errors="replace", timeout=seconds)


class Server:
    """
    A running messagerd. Its data folder is FOLDER/data, its configuration file FOLDER/messagerd.conf, which --config names unless it is_default.
    `before` is a command that becomes the one that follows it.
    """

    running = []

    def __init__(self, folder, settings=None, config="", environment=None, words=(), before=(), is_default=False):
        self.folder = Path(folder)
        self.data = self.folder / "data"
        self.config = self.folder / "messagerd.conf"
        self.config.write_text(config)
        self._peers = []
        self._secrets = []
        self._lines = []
        self._changed = threading.Condition()
        self._log_ended = False
        chosen = {"server.data": self.data, **USUAL, **RECORDS, **LEVEL, **(settings or {})}
        self.process = subprocess.Popen(
            [*before, MESSAGERD, *([] if is_default else ["--config", self.config]), *arguments({k: v for k, v in chosen.items() if v is not None}), *words],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            env={**os.environ, **(environment or {})})
        threading.Thread(target=self._read_log, daemon=True).start()
        Server.running.append(self)
        try:
            self.await_log(r"\bready\b")
        except BaseException:
            self.kill()
            raise
        self.addresses = self._listening()
        self.address = self.addresses[0]

    # People

    def connect(self, **how):
        """A peer that has shaken hands and not logged in. For `how` see Peer and tcp_connect."""
        peer = Peer(how.pop("address", self.address), **how)
        self._peers.append(peer)
        self._secrets.append(peer.secrets)
        return peer

    def sign_up(self, nick, password="a password", **how):
        """A session of a new account, whose name begins with nick."""
        __tracebackhide__ = True
        return self.connect(**how).sign_up(unique(nick), password)

    def log_in(self, known, **how):
        """A new session of the account that the peer `known` has logged in to before."""
        __tracebackhide__ = True
        return self.connect(**how).log_in(known.name, known.password)

    def knock(self, **how):
        """A TCP connection without TLS."""
        sock = tcp_connect(self.address, **how)
        self._peers.append(sock)
        return sock

    def dismiss(self):
        """Close all connections that were made here."""
        for peer in self._peers:
            getattr(peer, "socket", peer).close()
        self._peers.clear()

    # The log

    def log(self):
        with self._changed:
            return list(self._lines)

    def await_log(self, pattern, seconds=PATIENCE):
        """Wait for a line that the regular expression finds; its match object."""
        __tracebackhide__ = True
        deadline = time.monotonic() + seconds
        seen = 0
        with self._changed:
            while True:
                for line in self._lines[seen:]:
                    found = re.search(pattern, line)
                    if found:
                        return found
                seen = len(self._lines)
                left = deadline - time.monotonic()
                if self._log_ended or left <= 0 or not self._changed.wait_for(
                        lambda: len(self._lines) > seen or self._log_ended, left):
                    raise AssertionError(f"messagerd did not log {pattern!r}, but\n" + "\n".join(self._lines[-30:]))

    def _read_log(self):
        for line in self.process.stderr:
            with self._changed:
                self._lines.append(line.decode(errors="surrogateescape").rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self._log_ended = True
            self._changed.notify_all()

    def _listening(self):
        """The addresses of the `listening` lines, of either log format."""
        found = []
        for line in self.log():
            if line.startswith("{"):
                entry = json.loads(line)
                if entry["event"] == "listening":
                    found.append(entry["address"])
            elif re.search(r"\blistening\b", line):
                found += re.findall(r"\baddress=\"?([^\s\"]+)", line)
        addresses = [(host, int(port)) for host, port in (word.rsplit(":", 1) for word in found)]
        assert addresses, "messagerd is ready but has not said where it listens"
        return addresses

    # The end

    def signal(self, number):
        self.process.send_signal(number)

    def ends(self, status=0, seconds=STOP_SECONDS):
        """Demand that the process ends by itself, in time and with this status, and that no sanitizer complained."""
        __tracebackhide__ = True
        try:
            got = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"messagerd has not ended within {seconds} s") from None
        self._forget()
        self.check_reports()
        assert got == status, f"messagerd: expected exit status {status}, got {got}"

    def stop(self):
        __tracebackhide__ = True
        self.signal(signal.SIGTERM)
        self.ends()

    def kill(self):
        """Kill it as a power cut does."""
        self.process.kill()
        self.process.wait()
        self._forget()

    def finish(self):
        """After a test: stop it if it still runs, and look at its log in any case."""
        self.dismiss()
        if self in Server.running:
            self.stop()
        else:
            self.check_reports()

    def is_well(self):
        """Demand that it still serves: a newcomer signs up and hears itself."""
        __tracebackhide__ = True
        alice = self.sign_up("newcomer")
        alice.message(alice, "hello")
        alice.hears(f"RELAY {alice} {alice} hello")
        alice.quit()

    def memory(self):
        """Anonymous memory that the process has, in bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"RssAnon:\s+(\d+) kB", status)[1]) * 1024

    def is_sanitized(self):
        return is_sanitized(self.process.pid)

    def check_reports(self):
        __tracebackhide__ = True
        log = self.log()
        for line in log:
            assert not any(word in line for word in REPORTS), "a sanitizer complains:\n" + "\n".join(log[-200:])
        self._check_secrets(log)

    def _check_secrets(self, log):
        """Passwords, tokens and texts of all who were here: none of them is in the log."""
        __tracebackhide__ = True
        text = "\n".join(log)
        for secret in set().union(*self._secrets):
            word = secret.decode(errors="surrogateescape")
            assert len(word) < SECRET_LEN or word not in text, f"{word!r} is in the log: {[line for line in log if word in line][:3]}"

    def _forget(self):
        if self in Server.running:
            Server.running.remove(self)
        with self._changed:
            self._changed.wait_for(lambda: self._log_ended, 2)
