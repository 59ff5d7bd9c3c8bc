"""A stand-in for the original client: it reads and shows as that one does, so that a test sees what its user sees.

It takes what one read(4096) returns for one whole query, works on the escaped text form of the bytes (that of a Python
bytes literal), splits it at single spaces and cuts the last three characters of a text, which it takes for the escaped
line feed. It sends the line feed of the typed line inside the text, and a line of more than 2048 characters in parts, of
which only the last ends in it.
"""

from wire import Ending

READ = 4096
PART = 2048


class OriginalClient:
    """Drives a Peer as the original client drives its socket."""

    def __init__(self, peer):
        self._peer = peer
        self.name = None
        self.group = False

    def __str__(self):
        return self.name

    # Log-in

    def sign_up(self, name, password):
        """What the client does with the answer: "in", "again" after TRY, or the words of an END."""
        return self._enter("PUT", name, password)

    def log_in(self, name, password):
        return self._enter("AUTH", name, password)

    def _enter(self, verb, name, password):
        self._send(f"{verb} {name} {password}".encode())
        words = self._read_words()
        if words[0] == "ACCEPT":
            self.name, self._token = words[1], words[2]
            return "in"
        return "again" if words[0] == "TRY" else " ".join(words[1:-1])

    # What its user types

    def types(self, target, line):
        head = b"MSGG " if self.group else f"MSG {target} ".encode()
        text = line + "\n"
        for start in range(0, len(text), PART):
            self._send(head + f"{self.name} {text[start:start + PART]} {self._token}".encode())

    def command(self, words):
        self._send(f"CMD {words} {self._token}".encode())

    def toggle(self):
        self.group = not self.group
        self.command("<group>")

    def quit(self):
        """It says END and kills its own process in the same moment: the answer finds nobody."""
        self._send(f"END <user command> {self._token}".encode())
        self._peer.die()

    # What its user sees

    def sees(self):
        """What the next read shows: a line of text, or None if it shows nothing."""
        words = self._read_words()
        if words[0] == "RELAY":
            return f"{words[2]}: {' '.join(words[3:-1])[:-3]}"
        if words[0] == "RELAYG":
            return f"group {words[1]}: {' '.join(words[2:-1])[:-3]}"
        return None if words[0] == "CHECK" else " ".join(words[:-1])

    def _read_words(self):
        record = self._peer.next_record(30)  # its socket's timeout
        assert not isinstance(record, Ending), f"the client waits for a query and gets {record.value}"
        assert len(record) <= READ, f"a record of {len(record)} bytes: the client takes its end for another query"
        words = repr(record)[2:-1].split(" ")
        assert words[-1] == r"\r\n", f"the client takes the last word off, here {words[-1]!r}"
        return words

    def _send(self, query):
        self._peer.say_raw(query + b" \r\n")
