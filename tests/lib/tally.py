"""Counts what a running messagerd allocates and asks of its system: tally.c, loaded into it, counts into a file that is mapped here."""

import mmap
import struct
import subprocess
from pathlib import Path

# As in tally.c.
KINDS = ("allocations", "recv", "send", "epoll_wait", "others", "wakes")
MOST = struct.Struct("QQ")  # of a turn: calls, bytes received
LAYOUT = struct.Struct(f"{len(KINDS)}Q{MOST.size}x")


class Tally:
    """environment is for the Server that shall be counted."""

    def __init__(self, folder):
        library, counts = Path(folder) / "tally.so", Path(folder) / "tally"
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", library, Path(__file__).with_name("tally.c"), "-ldl"], check=True)
        counts.write_bytes(bytes(LAYOUT.size))
        with open(counts, "r+b") as file:
            self.map = mmap.mmap(file.fileno(), LAYOUT.size)
        self.environment = {"LD_PRELOAD": str(library), "TALLY": str(counts)}

    def now(self):
        return dict(zip(KINDS, LAYOUT.unpack(self.map[:])))

    def of(self, work):
        """What the server did more of while work() ran, by kind."""
        before = self.now()
        work()
        after = self.now()
        return {kind: after[kind] - before[kind] for kind in KINDS}

    def most_of_a_turn(self, work):
        """How much of its system a thread asked at most between two waits while work() ran, in calls; and how many bytes it received."""
        last = LAYOUT.size - MOST.size
        self.map[last:] = bytes(MOST.size)
        work()
        return MOST.unpack(self.map[last:])
