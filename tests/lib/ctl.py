"""Runs messagerctl, and speaks to the administrator's socket without it.

The program is the one that MESSAGERCTL names (a path, relative to the repository's root), by default build/messagerctl.
"""

import json
import os
import socket
import subprocess

from server import REPOSITORY
from wire import PATIENCE

MESSAGERCTL = REPOSITORY / os.environ.get("MESSAGERCTL", "build/messagerctl")


def run_messagerctl(*words, input=None, environment=None, user=None, program=MESSAGERCTL):
    """Run messagerctl to its end; a CompletedProcess with text output."""
    given = {"stdin": subprocess.DEVNULL} if input is None else {"input": input}
    return subprocess.run([program, *map(str, words)], **given, capture_output=True, text=True, timeout=PATIENCE * 2,
                          env={**os.environ, **(environment or {})}, user=user)


class Administrator:
    """Who runs the server."""

    def __init__(self, server):
        self.socket = server.data / "admin.sock"

    def run(self, *words, input=None):
        return run_messagerctl("--socket", self.socket, *words, input=input)

    def does(self, *words, input=None):
        """Demand that it is done and that there is nothing to complain about; what it says."""
        __tracebackhide__ = True
        done = self.run(*words, input=input)
        assert (done.returncode, done.stderr) == (0, ""), f"messagerctl {words}: status {done.returncode}\n{done.stderr}"
        return done.stdout

    def asks(self, *words, input=None):
        """The same with --json; the object."""
        __tracebackhide__ = True
        return json.loads(self.does("--json", *words, input=input))

    def fails(self, *words, input=None, status=1):
        """Demand that it is refused and that nothing is on standard output; what it complains of."""
        __tracebackhide__ = True
        done = self.run(*words, input=input)
        assert (done.returncode, done.stdout) == (status, ""), f"messagerctl {words}: status {done.returncode}\n{done.stdout}"
        return done.stderr

    # Without messagerctl

    def connect(self):
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(PATIENCE * 2)
        sock.connect(str(self.socket))
        return sock

    def says(self, request):
        """Send these bytes; all that the server answers until it closes."""
        with self.connect() as sock:
            sock.sendall(request)
            return everything(sock)


def everything(sock):
    answer = b""
    try:
        while data := sock.recv(1 << 16):
            answer += data
    except ConnectionResetError:
        pass  # the server did not read all of the request; what it said before came
    return answer
