"""People who use messager: at a terminal (a pty), or by a script (pipes).

The program is the one that MESSAGER names (a path, relative to the repository's root), by default build/messager.
Everything waits for an event with a deadline (PATIENCE seconds of wire.py), nothing sleeps.
"""

import codecs
import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

from glass import Glass
from wire import PATIENCE

REPOSITORY = Path(__file__).resolve().parents[2]
MESSAGER = str(REPOSITORY / os.environ.get("MESSAGER", "build/messager"))
SHELL = str(Path(__file__).with_name("shell.py"))


def environment(home, extra=None):
    """What a person's shell sets; nothing of the test's own surroundings but the sanitizers' options."""
    kept = {name: value for name, value in os.environ.items() if name.endswith("SAN_OPTIONS")}
    return {**kept, "PATH": "/usr/bin:/bin", "HOME": str(home), "TERM": "xterm-256color", "LANG": "C.UTF-8", "TZ": "UTC",
            **(extra or {})}


def where(address):
    return "{}:{}".format(*address)


class Script:
    """messager with pipes at its three ends."""

    def __init__(self, home, *words, env=None, stdin=subprocess.PIPE, stdout=subprocess.PIPE):
        self.process = subprocess.Popen([MESSAGER, *map(str, words)], env=environment(home, env), stdin=stdin,
                                        stdout=stdout, stderr=subprocess.PIPE, bufsize=0)
        self._seen = {1: b"", 2: b""}
        self._files = {1: self.process.stdout, 2: self.process.stderr}

    def say(self, text):
        self.process.stdin.write(text.encode() if isinstance(text, str) else text)

    def end_input(self):
        self.process.stdin.close()
        self.process.stdin = None

    def shows(self, line):
        """Demand that the next line on standard output is this one."""
        __tracebackhide__ = True
        assert self.line(1) == line

    def notes(self, pattern):
        """Demand that a line that the pattern finds comes on standard error; its match object."""
        __tracebackhide__ = True
        seen = []
        while True:
            line = self.line(2)
            found = re.search(pattern, line)
            if found:
                return found
            assert line, f"expected {pattern!r} on standard error, got\n" + "\n".join(seen)
            seen.append(line)

    def line(self, fd):
        """The next line without its end; "" at the end of the output."""
        deadline = time.monotonic() + PATIENCE
        while b"\n" not in self._seen[fd]:
            file = self._files[fd]
            ready, _, _ = select.select([file], [], [], max(0, deadline - time.monotonic()))
            assert ready, f"expected a line from messager, got {self._seen[fd]!r}"
            data = os.read(file.fileno(), 65536)
            if not data:
                rest, self._seen[fd] = self._seen[fd], b""
                return rest.decode()
            self._seen[fd] += data
        line, self._seen[fd] = self._seen[fd].split(b"\n", 1)
        return line.decode()

    def finish(self, status=0, text=None, seconds=PATIENCE):
        """Give it this last input, wait for its end, demand the status (None: any). Returns standard output and error."""
        __tracebackhide__ = True
        out, err = self.process.communicate(text.encode() if isinstance(text, str) else text, timeout=seconds)
        out, err = self._seen[1] + (out or b""), self._seen[2] + (err or b"")
        got = self.process.returncode
        assert status is None or got == status, \
            f"expected exit status {status}, got {got}\nstdout {out!r}\nstderr {err.decode()}"
        return out.decode(), err.decode()

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


class Terminal:
    """messager at a terminal of its own, 80 columns wide unless said otherwise."""

    def __init__(self, home, *words, env=None, columns=80, rows=24):
        self.glass = self._new_glass(columns, rows)
        self.raw = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._unwritten = ""
        self._looked = 0  # how much of raw sees() has passed
        self.status = None
        self.stopped = False
        self.master, self.slave = os.openpty()  # the slave is kept, so that its modes can be looked at after the end
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.modes_before = termios.tcgetattr(self.slave)
        self.shell = subprocess.Popen([sys.executable, "-IS", SHELL, MESSAGER, *map(str, words)], env=environment(home, env),
                                      stdin=self.slave, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0,
                                      start_new_session=True)
        self.pid = int(self._report())

    def _new_glass(self, columns, rows):
        return Glass(columns)

    # Typing

    def type(self, text):
        data = text.encode() if isinstance(text, str) else text
        while data:
            data = data[os.write(self.master, data):]

    def enter(self, text=""):
        self.type((text if isinstance(text, bytes) else text.encode()) + b"\r")

    def press(self, letter):
        """A key with Ctrl."""
        self.type(bytes([ord(letter.upper()) - 0x40]))

    def resize(self, columns, rows=24):
        self.glass.columns = columns
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    # Seeing

    def _read(self, deadline):
        """Take in what the terminal shows next; False if nothing comes until the deadline."""
        ready, _, _ = select.select([self.master], [], [], max(0, deadline - time.monotonic()))
        if not ready:
            return False
        text = self._decoder.decode(os.read(self.master, 65536))
        self.raw += text
        self._unwritten = self.glass.write(self._unwritten + text)
        return True

    def sees(self, pattern, seconds=PATIENCE):
        """Wait until what was written since the last call has a match; its match object."""
        __tracebackhide__ = True
        deadline = time.monotonic() + seconds
        while True:
            found = re.compile(pattern).search(self.raw, self._looked)
            if found:
                self._looked = found.end()
                return found
            if not self._read(deadline):
                raise AssertionError(f"expected {pattern!r} on the terminal, after\n{self.raw[:self._looked][-200:]!r}\ngot\n"
                                     f"{self.raw[self._looked:]!r}\nscreen:\n" + "\n".join(self.glass.lines()))

    def screen_has(self, *lines, seconds=PATIENCE):
        """Wait until the screen ends in these lines; each is a regular expression for a whole row."""
        __tracebackhide__ = True
        deadline = time.monotonic() + seconds
        while True:
            last = self.glass.lines()[-len(lines):]
            if len(last) == len(lines) and all(re.fullmatch(want, got) for want, got in zip(lines, last)):
                return
            if not self._read(deadline):
                raise AssertionError("expected the screen to end in\n" + "\n".join(lines) + "\nit is\n" +
                                     "\n".join(self.glass.lines()))

    def echo_is_on(self):
        return bool(termios.tcgetattr(self.slave)[3] & termios.ECHO)

    def is_as_found(self):
        """Demand that the terminal has the modes it had before."""
        __tracebackhide__ = True
        assert termios.tcgetattr(self.slave) == self.modes_before, "the terminal's modes are not as they were found"
        assert not self.glass.is_green, "the terminal was left green"

    # The end

    def signal(self, number):
        os.kill(self.pid, number)

    def is_stopped(self):
        """Demand that the process gets stopped."""
        __tracebackhide__ = True
        assert self._report() == "stopped", "messager has ended instead of being stopped"

    def goes_on(self):
        """The shell's fg."""
        self.shell.send_signal(signal.SIGUSR1)

    def ends(self, status=0):
        """Demand that it ends with this status (negative: by this signal), and leaves the terminal as it was."""
        __tracebackhide__ = True
        got = int(self._report())
        self.pid = None
        while self._read(0):
            pass
        assert got == status, f"expected exit status {status}, got {got}\nscreen:\n" + "\n".join(self.glass.lines())
        self.is_as_found()

    def _report(self):
        """The next line of the shell; meanwhile the terminal is read, since a full one would stop the show."""
        deadline = time.monotonic() + PATIENCE
        while True:
            ready, _, _ = select.select([self.shell.stdout, self.master], [], [], max(0, deadline - time.monotonic()))
            assert ready, "messager goes on\nscreen:\n" + "\n".join(self.glass.lines())
            if self.shell.stdout in ready:
                return self.shell.stdout.readline().decode().strip() or "0"
            self._read(0)

    def kill(self):
        if self.pid:
            try:
                os.kill(self.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.shell.kill()
        self.shell.communicate()
        os.close(self.master)
        os.close(self.slave)
