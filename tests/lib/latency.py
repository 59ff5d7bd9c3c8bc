"""How long a message takes, measured by somebody who talks while others misbehave: meter.c, which is compiled here.

It is a program of its own and in C: a test that is a thousand clients at once holds Python's lock far longer than a message takes, and Python's own
time is more than the server's.
"""

import subprocess
from pathlib import Path

from wire import unique


class Meter:
    """Alice, who talks to herself until stop()."""

    def __init__(self, server, folder):
        program = Path(folder) / "meter"
        subprocess.run(["cc", "-O2", "-o", program, Path(__file__).with_name("meter.c"), "-lssl", "-lcrypto"], check=True)
        self._process = subprocess.Popen([program, *map(str, server.address), unique("meter")], text=True,
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._process.stdout.readline() == "here\n", "the meter did not get in"

    def _report(self):
        self._process.stdin.write("report\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the meter has ended, see its words above"
        return line.split()

    def over(self, work):
        """The 50th and the 99th percentile, in seconds, of what is said while work() runs."""
        self._report()
        work()
        count, *percentiles = self._report()
        assert int(count) >= 50, f"only {count} messages came through"
        return [float(us) / 1e6 for us in percentiles]

    def stop(self):
        self._process.stdin.close()
        status = self._process.wait()
        self._process.stdout.close()
        assert status == 0, "the meter has failed, see its words above"
