"""`make cluster`: what it says is enough to join, what was killed comes back when asked for, and nothing is left when it ends."""

import os
import re
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

from ctl import run_messagerctl
from server import REPOSITORY
from wire import Peer, eventually, unique

LEASE_SECONDS = 20


@contextmanager
def playground():
    process = subprocess.Popen([sys.executable, REPOSITORY / "scripts/cluster", "--port", "0"], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)


def said_until(process, pattern):
    """What it says until a line fits."""
    text = ""
    while not re.search(pattern, text):
        line = process.stdout.readline()
        assert line, f"it has ended and said\n{text}"
        text += line
    return text


def processes_of(folder):
    """Those whose command line names the folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes()
        except OSError:
            continue  # it has just ended
        if folder.encode() in words:
            found.append(words)
    return found


def test_start_join_kill_and_end(_engines_are_here):
    with playground() as process:
        text = said_until(process, "Ctrl-C ends it all")
        nodes = re.findall(r"^(node\d) +pid (\d+)\n +build/messager 127.0.0.1:(\d+)\n +build/messagerctl --socket (\S+)", text, re.M)
        assert [name for name, *_ in nodes] == ["node1", "node2", "node3"]
        pids = {name: int(pid) for name, pid in re.findall(r"^(\w+) +pid (\d+)", text, re.M)}
        addresses = [("127.0.0.1", int(port)) for _, _, port, _ in nodes]
        folder = str(Path(nodes[0][3]).parents[2])
        assert len(processes_of(folder)) >= 4  # three nodes and PostgreSQL

        alice = Peer(addresses[0]).sign_up(unique("alice"), "a password")
        bob = Peer(addresses[1]).sign_up(unique("bob"), "a password")
        alice.message(bob, "hello")
        bob.hears(f"RELAY {bob} {alice} hello")
        shown = [Peer(address).tls.getpeercert(True) for address in addresses]
        assert shown[0] == shown[1] == shown[2]
        asked = run_messagerctl("--socket", nodes[2][3], "online", "--all")
        assert re.search(rf"{alice} .*node1\n{bob} .*node2", asked.stdout)

        for name in ("node2", "nats", "postgres"):
            os.kill(pids[name], signal.SIGKILL)
        for name in ("postgres", "nats", "node2"):
            again(process, name)
        process.stdin.write("node9\n")
        said_until(process, "There is no node9, but postgres, nats, node1, node2, node3")
        bob = eventually(lambda: Peer(addresses[1]).log_in(str(bob), "a password"), seconds=2 * LEASE_SECONDS)
        eventually(lambda: is_heard(alice, bob), seconds=30)

        os.kill(pids["node3"], signal.SIGSTOP)
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=60)
        assert process.returncode == 0 and "Traceback" not in said, said
        assert processes_of(folder) == [] and not Path(folder).exists()


def again(process, name):
    """PostgreSQL may see its old self go first."""
    def start():
        process.stdin.write(f"{name}\n")
        assert "is there again" in said_until(process, r"\n")
    eventually(start, seconds=60)


def is_heard(alice, bob):
    """Until the first server has found NATS again, bob is not online for it."""
    alice.message(bob, "again")
    bob.hears(f"RELAY {bob} {alice} again", seconds=1)


def test_a_port_that_is_taken(_engines_are_here, server):
    done = subprocess.run([sys.executable, REPOSITORY / "scripts/cluster", "--port", str(server.address[1])], capture_output=True,
                          text=True, stdin=subprocess.DEVNULL, timeout=60)
    assert done.returncode == 1 and "Address already in use" in done.stderr and "Traceback" not in done.stderr
