"""Uploads and downloads as a peer sees them (docs/protocol.md, 5)."""

import re

COMPLETE = "CMD <upload complete>"
PROBLEM = "CMD <problem with command>"
SENT = "CMD <file send complete>"
RECORD = 16384


def begin(peer, name, target):
    """BEGINF: from here on what the peer says is the file."""
    peer.say(b"BEGINF %b %b" % (name if isinstance(name, bytes) else name.encode(), str(target).encode()))


def pieces(data, size=RECORD):
    return [data[start:start + size] for start in range(0, len(data), size)]


def put(peer, name, target, data, size=RECORD):
    """A whole upload in records of at most `size` bytes; its answer is still to be heard."""
    begin(peer, name, target)
    for group in pieces(data, 1 << 20):
        peer.say_records(pieces(group, size))
    peer.say("ENDF")


def upload(peer, name, target, data=b"some bytes", answer=COMPLETE, **how):
    """A whole upload, and demand its answer."""
    __tracebackhide__ = True
    put(peer, name, target, data, **how)
    peer.hears(answer)


def hears_file(peer, seconds=None):
    """One file from BEGINF to ENDF, record by record; its name and its content."""
    __tracebackhide__ = True
    name = peer.hears_match("BEGINF ([^ ]+)", seconds)[1]
    content = bytearray()
    while True:
        record = peer.next_record(seconds)
        assert isinstance(record, bytes), f"in the file {name!r}, after {len(content)} bytes: {record.value}"
        if record == b"ENDF \r\n":
            return name, bytes(content)
        for at in range(0, len(record), 4096):
            assert not record[at:].startswith(b"ENDF"), f"a client that reads 4096 bytes would take this for the end: {record[at:at + 60]!r}"
        assert 0 < len(record) <= RECORD
        content += record


def hears_files(peer, seconds=None):
    """A whole download after CMD <get>: a list of names and contents, in order."""
    __tracebackhide__ = True
    count = int(peer.hears_match(r"BEGIN (\d+)", seconds)[1])
    files = [hears_file(peer, seconds) for _ in range(count)]
    peer.hears(SENT)
    return files


def download(peer, seconds=None):
    __tracebackhide__ = True
    peer.say("CMD <get>")
    return hears_files(peer, seconds)


def folder_of(server):
    """The names in the server's folder of waiting files."""
    return sorted(path.name for path in (server.data / "files").iterdir())


def is_temporary(name):
    return re.fullmatch(r"\+\d+", name) is not None
