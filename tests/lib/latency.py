"""How long a message takes, measured by somebody who talks while others misbehave.

The one who talks is a process of its own: a test that is a thousand clients at once holds Python's lock far longer than a message takes.
Messages leave at a fixed pace, whether or not those before have arrived, and each counts from when it was due: what a stall holds up is late,
not left out.
"""

import collections
import subprocess
import sys
import threading
import time

from wire import PATIENCE, Ending, Peer, show, unique

PAUSE = 0.005  # seconds from one message to the next


class Meter:
    """Alice, who talks to herself until stop(); between, rounds can be told apart."""

    def __init__(self, server):
        host, port = server.address
        self._took = []  # (when it was due, how long it took)
        self._process = subprocess.Popen([sys.executable, __file__, host, str(port), unique("meter")], text=True,
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._process.stdout.readline() == "here\n", "the meter did not get in"
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self):
        for line in self._process.stdout:
            due, took = line.split()
            self._took.append((float(due), float(took)))

    def over(self, seconds=None, until=None):
        """The 99th percentile, in seconds, of what is said from now on, for so long or until that event."""
        began = time.monotonic()
        if until is not None:
            until()
        else:
            time.sleep(seconds)  # it is the length of the measurement
        ended = time.monotonic()
        self._await(ended)
        took = sorted(took for due, took in self._took if began <= due < ended)
        assert len(took) >= 50, f"only {len(took)} messages came through"
        return took[int(len(took) * 0.99)]

    def _await(self, moment):
        """Until all that was due before has come, or the meter has ended."""
        deadline = time.monotonic() + PATIENCE
        while not self._took or self._took[-1][0] < moment:
            assert self._process.poll() is None, "the meter has ended, see its words above"
            assert time.monotonic() < deadline, "a message does not come through"
            time.sleep(PAUSE)

    def stop(self):
        self._process.stdin.close()
        status = self._process.wait(PATIENCE)
        self._thread.join(PATIENCE)
        self._process.stdout.close()
        assert status == 0, "the meter has failed, see its words above"


def main(host, port, name):
    alice = Peer((host, int(port))).sign_up(name)
    stopped = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), stopped.set()), daemon=True).start()
    print("here", flush=True)
    due, under_way, said = time.monotonic(), collections.deque(), 0
    while under_way or not stopped.is_set():
        heard = alice.next_record(due - time.monotonic() if not stopped.is_set() else PATIENCE)
        if heard is Ending.SILENCE:  # it is time for the next
            alice.message(alice, str(said))
            under_way.append((said, due))
            due, said = due + PAUSE, said + 1
            continue
        number, was_due = under_way.popleft()
        assert heard == f"RELAY {alice} {alice} {number} \r\n".encode(), show(heard)
        print(was_due, time.monotonic() - was_due, flush=True)
    alice.quit()


if __name__ == "__main__":
    main(*sys.argv[1:])
