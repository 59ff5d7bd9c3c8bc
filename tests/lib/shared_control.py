"""Numbers that a test shares with what it preloads into a server."""

import mmap
import struct
import tempfile

import pytest

from server import MESSAGERD


class Control:
    """environment is for the server; library stands in the build, but not where sanitizers have such functions of their own."""

    def __init__(self, library, variable, fields):
        path = MESSAGERD.parent / "tests" / library
        if any(word in MESSAGERD.read_bytes() for word in (b"__asan_init", b"__tsan_init")):
            pytest.skip("a build with sanitizers has functions of its own for what would be preloaded")
        assert path.exists(), f"there is no {path} to preload"
        self._file = tempfile.NamedTemporaryFile(prefix="control-")
        self._file.truncate(mmap.PAGESIZE)
        self._map = mmap.mmap(self._file.fileno(), mmap.PAGESIZE)
        self._fields = fields
        self.environment = {"LD_PRELOAD": str(path), variable: self._file.name}

    def __getitem__(self, field):
        return struct.unpack_from("q", self._map, 8 * self._fields.index(field))[0]

    def __setitem__(self, field, number):
        struct.pack_into("q", self._map, 8 * self._fields.index(field), number)


def failing_malloc():
    return Control("libfailing_malloc.so", "FAILING_MALLOC", ["countdown", "calls", "failures", "live"])


def failing_disk():
    return Control("libfailing_disk.so", "FAILING_DISK", ["write_error", "sync_error"])


def stepping_clock():
    return Control("libstepping_clock.so", "STEPPING_CLOCK", ["step_s"])
