"""Pairs of users who talk all the while, and a checker that reads what each of them has seen.

Each message carries its number. Whatever fails meanwhile: nothing comes twice, nothing to the wrong person, and between two users everything in
the order in which it was said. What is missing must be explained: by a <user not online> that its sender has got, or by the pair being
one of those whose way was broken.
"""

import re

from wire import Ending

RELAY = re.compile(rb"RELAY (\w+) (\w+) (\d+) \r\n")
ABSENT = b"CNT <user not online> \r\n"
CHECK = b"CHECK \r\n"


class Pair:
    def __init__(self, speaker, listener):
        self.speaker, self.listener = speaker, listener
        self.said = 0
        self.heard = []
        self.absent = 0
        self.said_at_first_absent = None
        self.ends = {}  # what else was said: to whom it was an end

    def speak(self):
        self.speaker.message(self.listener, str(self.said))
        self.said += 1

    def listen(self, seconds=0):
        """Take in what both have got so far."""
        self._read(self.listener, self._take_at_listener, seconds)
        self._read(self.speaker, self._take_at_speaker, seconds)

    def _read(self, peer, take, seconds):
        while True:
            record = peer.next_record(seconds)
            if record is Ending.SILENCE:
                return
            if isinstance(record, Ending):
                self.ends.setdefault(peer, record)
                return
            if record != CHECK:
                take(record)

    def _take_at_listener(self, record):
        found = RELAY.fullmatch(record)
        if not found:
            self.ends[self.listener] = record
            return
        to, by, number = found[1].decode(), found[2].decode(), int(found[3])
        assert (to, by) == (str(self.listener), str(self.speaker)), f"to the wrong person: {record!r} came to {self.listener}"
        self.heard.append(number)

    def _take_at_speaker(self, record):
        if record == ABSENT:
            self.absent += 1
            if self.said_at_first_absent is None:
                self.said_at_first_absent = self.said
        else:
            assert not record.startswith(b"RELAY"), f"to the wrong person: {record!r} came to {self.speaker}"
            self.ends[self.speaker] = record

    def check(self):
        """Nothing is missing but what its sender was told of."""
        assert self.heard == sorted(set(self.heard)), f"{self}: out of order, or twice: {self.heard}"
        missing = self.said - len(self.heard)
        assert missing == self.absent, (
            f"{self}: of {self.said} messages {missing} are missing, {self.absent} are explained")

    def check_broken(self, wait_until):
        """
        For one whose listener's node died while they talked: all came up to some message; what followed was on its way when the node died, and is
        lost; from the first <user not online> on each message has one. So what no such answer explains was said before the first of them
        came. Returns how many that are.
        """
        def is_known():
            self.speak()
            self.listen(0.05)
            return self.absent > 0
        wait_until(is_known)
        told = self.absent
        for _ in range(10):
            self.speak()

        def are_told():
            self.listen(0.05)
            return self.absent >= told + 10
        wait_until(are_told)
        came = len(self.heard)
        assert self.heard == list(range(came)), f"{self}: a gap, out of order, or twice: {self.heard}"
        lost = self.said - came - self.absent
        assert 0 <= lost <= self.said_at_first_absent - came, (
            f"{self}: of {self.said} {came} came and {self.absent} are explained; {lost} are lost, and {self.said_at_first_absent} had been said "
            "when it was known that nobody is there")
        return lost

    def settle(self, wait_until):
        """Wait until all is here that will be."""
        def is_complete():
            self.listen(0.05)
            return len(self.heard) + self.absent >= self.said
        wait_until(is_complete)

    def __str__(self):
        return f"{self.speaker} -> {self.listener}"
