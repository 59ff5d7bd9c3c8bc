"""How long a message takes, measured by two people who talk while others misbehave."""

import threading
import time


class Meter:
    """Alice talks to herself, from a thread of its own, until stop(); between, rounds can be told apart."""

    def __init__(self, server, pause=0.005):
        self._alice = server.sign_up("meter")
        self._pause = pause
        self._took = []
        self._fault = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._talk, daemon=True)
        self._thread.start()

    def _talk(self):
        try:
            number = 0
            while not self._stopped.wait(self._pause):
                began = time.monotonic()
                self._alice.message(self._alice, str(number))
                self._alice.hears(f"RELAY {self._alice} {self._alice} {number}")
                self._took.append(time.monotonic() - began)
                number += 1
        except BaseException as fault:
            self._fault = fault

    def over(self, seconds=None, until=None):
        """The 99th percentile, in seconds, of what is said from now on, for so long or until that event."""
        first = len(self._took)
        if until is not None:
            until()
        else:
            time.sleep(seconds)  # it is the length of the measurement
        assert self._fault is None, self._fault
        took = sorted(self._took[first:])
        assert len(took) >= 50, f"only {len(took)} messages came through"
        return took[int(len(took) * 0.99)]

    def stop(self):
        self._stopped.set()
        self._thread.join()
        assert self._fault is None, self._fault
